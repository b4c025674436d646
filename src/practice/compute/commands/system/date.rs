//! date: account time, in UTC.

use async_trait::async_trait;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

use super::program::{Call, Ended, Program};
use crate::practice::compute::commands::files;
use crate::practice::compute::host::Seat;
use crate::practice::storage::Use;

/// `date`
pub struct Date;

/// How date shows a time in the C locale.
const USUAL: &str = "%a %b %e %H:%M:%S %Z %Y";

#[async_trait]
impl Program for Date {
    async fn run(&self, seat: &Seat, call: &Call<'_>) -> Ended {
        let mut format = None;
        let mut at = seat.host.clock.now();
        let mut args = call.args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name, Some(value)),
                _ => (arg.as_str(), None),
            };
            match name {
                "-u" | "--utc" | "--universal" => {}
                "-R" | "--rfc-email" => format = Some("%a, %d %b %Y %H:%M:%S %z"),
                "-d" | "--date" => {
                    let Some(text) = inline.or_else(|| args.next().map(String::as_str)) else {
                        return call.unknown_option(1, arg).await;
                    };
                    match files::instant(text, at) {
                        Some(found) => at = found,
                        None => return call.fail(1, format!("date: invalid date ‘{text}’")).await,
                    }
                }
                "-r" | "--reference" => {
                    let Some(file) = inline.or_else(|| args.next().map(String::as_str)) else {
                        return call.unknown_option(1, arg).await;
                    };
                    let (view, path) = (seat.patient_view(), call.path(file));
                    view.pass(&path, Use::Look).await;
                    match view.stat(&path) {
                        Ok(found) => at = found.modified,
                        Err(error) => return call.fail(1, format!("date: {file}: {error}")).await,
                    }
                }
                "-s" | "--set" => {
                    let what = if seat.user.identity.is_root() {
                        "date: a practice instance cannot set the account's time"
                    } else {
                        "date: cannot set date: Operation not permitted"
                    };
                    return call.fail(1, what).await;
                }
                "--rfc-3339" => match rfc_3339(inline.unwrap_or_default()) {
                    Some(known) => format = Some(known),
                    None => {
                        let what = format!(
                            "date: invalid argument ‘{}’ for ‘--rfc-3339’\nValid arguments are:\n  - ‘date’\n  - ‘seconds’\n  - ‘ns’\nTry 'date --help' for more information.",
                            inline.unwrap_or_default()
                        );
                        return call.fail(1, what).await;
                    }
                },
                "--iso-8601" => match iso(inline.unwrap_or_default()) {
                    Some(known) => format = Some(known),
                    None => return call.unknown_option(1, arg).await,
                },
                _ if arg.starts_with("-I") => match iso(&arg[2..]) {
                    Some(known) => format = Some(known),
                    None => return call.unknown_option(1, arg).await,
                },
                _ if arg.starts_with('+') => format = Some(&arg[1..]),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => return call.fail(1, format!("date: invalid date ‘{arg}’")).await,
            }
        }
        call.done(show(format.unwrap_or(USUAL), at)).await
    }
}

/// The format of `-I` for this precision, or the beginning of its name.
fn iso(precision: &str) -> Option<&'static str> {
    const FORMATS: [(&str, &str); 5] = [
        ("date", "%Y-%m-%d"),
        ("hours", "%Y-%m-%dT%H%:z"),
        ("minutes", "%Y-%m-%dT%H:%M%:z"),
        ("seconds", "%Y-%m-%dT%H:%M:%S%:z"),
        ("ns", "%Y-%m-%dT%H:%M:%S,%N%:z"),
    ];
    let known = FORMATS.iter().find(|(name, _)| name.starts_with(precision));
    known.map(|(_, format)| *format)
}

/// The format of `--rfc-3339` for this precision.
fn rfc_3339(precision: &str) -> Option<&'static str> {
    match precision {
        "date" => Some("%Y-%m-%d"),
        "seconds" => Some("%Y-%m-%d %H:%M:%S%:z"),
        "ns" => Some("%Y-%m-%d %H:%M:%S.%N%:z"),
        _ => None,
    }
}

/// A time in date's own conversions.
pub fn show(format: &str, at: Timestamp) -> String {
    let at = at.to_zoned(TimeZone::UTC);
    let mut text = String::new();
    let mut rest = format;
    while let Some(start) = rest.find('%') {
        text.push_str(&rest[..start]);
        let conversion = &rest[start..];
        let flags = conversion[1..]
            .find(|one: char| !matches!(one, '-' | '_' | '0' | '^' | '#' | ':'))
            .map_or(conversion.len(), |at| at + 1);
        let end = conversion[flags..]
            .chars()
            .next()
            .map_or(conversion.len(), |letter| flags + letter.len_utf8());
        text.push_str(&one(&conversion[..end], &at));
        rest = &conversion[end..];
    }
    text.push_str(rest);
    text
}

/// One conversion; what is none stands for itself.
fn one(conversion: &str, at: &Zoned) -> String {
    match conversion {
        "%N" => format!("{:09}", at.subsec_nanosecond()),
        "%3N" => format!("{:03}", at.millisecond()),
        "%n" => "\n".to_owned(),
        "%t" => "\t".to_owned(),
        "%x" => one("%D", at),
        "%X" => one("%T", at),
        "%c" => show("%a %b %e %H:%M:%S %Y", at.timestamp()),
        _ => BrokenDownTime::from(at)
            .to_string(conversion)
            .unwrap_or_else(|_| conversion.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{USUAL, iso, show};

    fn now() -> Timestamp {
        "2026-01-05T12:03:04.5Z".parse().unwrap()
    }

    #[test]
    fn a_precision_may_be_cut_short() {
        assert_eq!(iso(""), iso("date"));
        assert_eq!(iso("s"), iso("seconds"));
        assert_eq!(iso("years"), None);
    }

    #[test]
    fn a_time_is_shown_as_in_the_c_locale() {
        assert_eq!(show(USUAL, now()), "Mon Jan  5 12:03:04 UTC 2026");
        assert_eq!(show("%F %T%:z", now()), "2026-01-05 12:03:04+00:00");
        assert_eq!(show("%s", now()), "1767614584");
        assert_eq!(show("%Y%m%d-%H%M%S.%N", now()), "20260105-120304.500000000");
        assert_eq!(show("100%% %-d %q é%", now()), "100% 5 1 é%");
    }
}
