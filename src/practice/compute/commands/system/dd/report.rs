//! The lines of dd about a transfer, as GNU prints them. What was transferred does not enter here.

use jiff::SignedDuration;

/// `1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.2427 s, 105 MB/s`
pub fn copied(bytes: u64, elapsed: SignedDuration) -> String {
    let seconds = significant(elapsed.as_secs_f64());
    format!("{}, {seconds} s, {}", amount(bytes), rate(bytes, elapsed))
}

/// The same while it goes on: whole seconds.
pub fn progress(bytes: u64, elapsed: SignedDuration) -> String {
    let seconds = elapsed.as_secs();
    format!("{}, {seconds} s, {}", amount(bytes), rate(bytes, elapsed))
}

fn amount(bytes: u64) -> String {
    let one = if bytes == 1 { "byte" } else { "bytes" };
    let decimal = human(u128::from(bytes), 1, 1000);
    match bytes {
        0..1000 => format!("{bytes} {one} copied"),
        1000..1024 => format!("{bytes} {one} ({decimal}) copied"),
        _ => {
            let binary = human(u128::from(bytes), 1, 1024);
            format!("{bytes} {one} ({decimal}, {binary}) copied")
        }
    }
}

fn rate(bytes: u64, elapsed: SignedDuration) -> String {
    match u128::try_from(elapsed.as_nanos()) {
        // Divided without a rest, as sizes are.
        Ok(nanoseconds)
            if nanoseconds > 0
                && (nanoseconds.is_multiple_of(SECOND) || SECOND.is_multiple_of(nanoseconds)) =>
        {
            format!("{}/s", human(u128::from(bytes) * SECOND, nanoseconds, 1000))
        }
        Ok(nanoseconds) if nanoseconds > 0 => {
            format!("{}/s", quotient(u128::from(bytes) * SECOND, nanoseconds))
        }
        _ => "Infinity B/s".to_owned(),
    }
}

/// Nanoseconds in a second.
const SECOND: u128 = 1_000_000_000;

/// A quotient as GNU prints it where there is a rest: from thousands on, with one decimal as long as that makes four
/// characters.
fn quotient(number: u128, by: u128) -> String {
    let mut units = ["kB", "MB", "GB", "TB", "PB", "EB"].into_iter();
    let mut unit = units.next().unwrap_or_default();
    let mut by = by * 1000;
    for next in units {
        if number < by * 1000 {
            break;
        }
        (by, unit) = (by * 1000, next);
    }
    let tenths = (number * 10 + by / 2) / by;
    if tenths < 1000 {
        return format!("{}.{} {unit}", tenths / 10, tenths % 10);
    }
    format!("{} {unit}", (number + by / 2) / by)
}

/// A quotient in the largest unit that fits, with one decimal below ten; rounded to the nearest.
fn human(number: u128, by: u128, base: u128) -> String {
    let units: [&str; 7] = if base == 1000 {
        ["B", "kB", "MB", "GB", "TB", "PB", "EB"]
    } else {
        ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    };
    let mut by = by;
    let mut unit = 0;
    while number >= by * base && unit + 1 < units.len() {
        by *= base;
        unit += 1;
    }
    let rounded = |number: u128| (number + by / 2) / by;
    let tenths = rounded(number * 10);
    if unit > 0 && tenths < 100 {
        return format!("{}.{} {}", tenths / 10, tenths % 10, units[unit]);
    }
    let whole = rounded(number);
    if whole >= base && unit + 1 < units.len() {
        return format!("1.0 {}", units[unit + 1]);
    }
    format!("{whole} {}", units[unit])
}

/// Six significant digits without zeros at the end: C's `%g`.
fn significant(number: f64) -> String {
    if number == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{number:.5e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let short = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    if (-4..6).contains(&exponent) {
        let decimals = usize::try_from(5 - exponent).unwrap_or_default();
        let text = format!("{number:.decimals$}");
        return if text.contains('.') {
            short(&text)
        } else {
            text
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", short(digits), exponent.abs())
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::{copied, significant};

    #[test]
    fn a_transfer_is_told_as_gnu_dd_tells_it() {
        let after = |bytes, micros| copied(bytes, SignedDuration::from_micros(micros));
        assert_eq!(
            after(1 << 30, 10_242_700),
            "1073741824 bytes (1.1 GB, 1.0 GiB) copied, 10.2427 s, 105 MB/s"
        );
        assert_eq!(
            after(104_857_600, 1_000_000),
            "104857600 bytes (105 MB, 100 MiB) copied, 1 s, 105 MB/s"
        );
        assert_eq!(after(512, 100), "512 bytes copied, 0.0001 s, 5.1 MB/s");
        // Seen with GNU dd.
        assert_eq!(
            after(10_000_000, 619_530),
            "10000000 bytes (10 MB, 9.5 MiB) copied, 0.61953 s, 16.1 MB/s"
        );
        assert_eq!(
            after(300_000, 615_253),
            "300000 bytes (300 kB, 293 KiB) copied, 0.615253 s, 488 kB/s"
        );
        assert_eq!(after(1, 3_000_001), "1 byte copied, 3 s, 0.0 kB/s");
        assert_eq!(
            after(1000, 50),
            "1000 bytes (1.0 kB) copied, 5e-05 s, 20 MB/s"
        );
        assert_eq!(after(1, 1_000_000), "1 byte copied, 1 s, 1 B/s");
        assert_eq!(after(0, 0), "0 bytes copied, 0 s, Infinity B/s");
    }

    #[test]
    fn seconds_have_six_significant_digits() {
        for (number, text) in [
            (10.24, "10.24"),
            (1024.0, "1024"),
            (0.000_123_456_7, "0.000123457"),
            (1_234_567.0, "1.23457e+06"),
        ] {
            assert_eq!(significant(number), text);
        }
    }
}
