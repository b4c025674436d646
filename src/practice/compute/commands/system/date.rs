//! date: account time, in UTC.

use async_trait::async_trait;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use super::program::{Call, Ended, Program};
use crate::practice::compute::host::Seat;

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
                    match instant(text, at) {
                        Some(found) => at = found,
                        None => return call.fail(1, format!("date: invalid date '{text}'")).await,
                    }
                }
                "-r" | "--reference" => {
                    let Some(file) = inline.or_else(|| args.next().map(String::as_str)) else {
                        return call.unknown_option(1, arg).await;
                    };
                    match seat.host.view(&seat.user).stat(&call.path(file)) {
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
                "-I" | "-Idate" => format = Some("%Y-%m-%d"),
                "-Ihours" => format = Some("%Y-%m-%dT%H%:z"),
                "-Iminutes" => format = Some("%Y-%m-%dT%H:%M%:z"),
                "-Iseconds" => format = Some("%Y-%m-%dT%H:%M:%S%:z"),
                "-Ins" => format = Some("%Y-%m-%dT%H:%M:%S,%N%:z"),
                "--iso-8601" => {
                    format = match inline {
                        None | Some("date") => Some("%Y-%m-%d"),
                        Some("seconds") => Some("%Y-%m-%dT%H:%M:%S%:z"),
                        Some(_) => return call.unknown_option(1, arg).await,
                    }
                }
                _ if arg.starts_with('+') => format = Some(&arg[1..]),
                _ if arg.len() > 1 && arg.starts_with('-') => {
                    return call.unknown_option(1, arg).await;
                }
                _ => return call.fail(1, format!("date: invalid date '{arg}'")).await,
            }
        }
        call.done(show(format.unwrap_or(USUAL), at)).await
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

/// The instants of `-d` that are understood: `@SECONDS`, `now`, `today`, `yesterday`, `tomorrow`, `N UNITS [ago]`,
/// `-N UNITS`, and a date with or without a time.
fn instant(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        return Timestamp::from_second(seconds.parse().ok()?).ok();
    }
    let shift = |span: Span| {
        now.to_zoned(TimeZone::UTC)
            .checked_add(span)
            .ok()
            .map(|at| at.timestamp())
    };
    let words: Vec<_> = text.split_whitespace().collect();
    match words[..] {
        [] | ["now" | "today"] => return Some(now),
        ["yesterday"] => return shift(Span::new().days(-1)),
        ["tomorrow"] => return shift(Span::new().days(1)),
        [number, unit] => {
            if let Some(span) = span(number, unit) {
                return shift(span);
            }
        }
        [number, unit, "ago"] => return shift(span(number, unit)?.negate()),
        _ => {}
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let at: jiff::civil::DateTime = text
        .trim_end_matches(" UTC")
        .parse()
        .or_else(|_| text.parse::<jiff::civil::Date>().map(Into::into))
        .ok()?;
    Some(at.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn span(number: &str, unit: &str) -> Option<Span> {
    let number: i64 = number.strip_prefix('+').unwrap_or(number).parse().ok()?;
    let span = Span::new();
    match unit.trim_end_matches('s') {
        "second" | "sec" => span.try_seconds(number),
        "minute" | "min" => span.try_minutes(number),
        "hour" => span.try_hours(number),
        "day" => span.try_days(number),
        "week" => span.try_weeks(number),
        "month" => span.try_months(number),
        "year" => span.try_years(number),
        _ => return None,
    }
    .ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{USUAL, instant, show};

    fn now() -> Timestamp {
        "2026-01-05T12:03:04.5Z".parse().unwrap()
    }

    #[test]
    fn a_time_is_shown_as_in_the_c_locale() {
        assert_eq!(show(USUAL, now()), "Mon Jan  5 12:03:04 UTC 2026");
        assert_eq!(show("%F %T%:z", now()), "2026-01-05 12:03:04+00:00");
        assert_eq!(show("%s", now()), "1767614584");
        assert_eq!(show("%Y%m%d-%H%M%S.%N", now()), "20260105-120304.500000000");
        assert_eq!(show("100%% %-d %q é%", now()), "100% 5 1 é%");
    }

    #[test]
    fn other_instants_are_understood() {
        let at = |text: &str| instant(text, now()).map(|at| at.to_string());
        assert_eq!(at("@0").as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(at("yesterday").as_deref(), Some("2026-01-04T12:03:04.5Z"));
        assert_eq!(at("2 hours ago").as_deref(), Some("2026-01-05T10:03:04.5Z"));
        assert_eq!(at("+1 month").as_deref(), Some("2026-02-05T12:03:04.5Z"));
        assert_eq!(at("2026-02-01").as_deref(), Some("2026-02-01T00:00:00Z"));
        assert_eq!(
            at("2026-02-01 10:00:00").as_deref(),
            Some("2026-02-01T10:00:00Z")
        );
        assert_eq!(at("someday"), None);
        assert_eq!(at("2 moons ago"), None);
    }
}
