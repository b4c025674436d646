//! Dates as `ls`, `stat` and `touch` write and read them. The guest's zone is UTC, as Amazon Linux comes.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Span, Timestamp};

/// Half of a Gregorian year: `ls` shows the year instead of the time beyond it.
const RECENT: SignedDuration = SignedDuration::from_secs(31_556_952 / 2);

/// `Nov 22 22:13`, or `Nov 22  2025` for what is older than half a year or in the future.
pub(super) fn listed(at: Timestamp, now: Timestamp) -> String {
    let format = if at <= now && now.duration_since(at) < RECENT {
        "%b %e %H:%M"
    } else {
        "%b %e  %Y"
    };
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// `2025-11-22 22:13:05.123456789 +0000`
pub(super) fn full(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M:%S.%9f %z")
        .to_string()
}

/// By a format of `strftime`; `None` when it is none.
pub(super) fn formatted(at: Timestamp, format: &str) -> Option<String> {
    jiff::fmt::strtime::format(format, &at.to_zoned(TimeZone::UTC)).ok()
}

/// `2025-11-22 22:13`
pub(super) fn long_iso(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC)
        .strftime("%Y-%m-%d %H:%M")
        .to_string()
}

fn utc(date_time: DateTime) -> Option<Timestamp> {
    date_time
        .to_zoned(TimeZone::UTC)
        .ok()
        .map(|zoned| zoned.timestamp())
}

/// `touch -t [[CC]YY]MMDDhhmm[.ss]`; `None` when it is none.
pub(super) fn stamp(text: &str, now: Timestamp) -> Option<Timestamp> {
    let (digits, seconds) = match text.split_once('.') {
        Some((digits, seconds)) if seconds.len() == 2 => (digits, number(seconds)?),
        Some(_) => return None,
        None => (text, 0),
    };
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let this_year = now.to_zoned(TimeZone::UTC).year();
    let (year, rest) = match digits.len() {
        8 => (this_year, digits),
        // POSIX: 69 to 99 are of the twentieth century.
        10 => match number(&digits[..2])? {
            year @ 69.. => (1900 + year, &digits[2..]),
            year => (2000 + year, &digits[2..]),
        },
        12 => (number(&digits[..4])?, &digits[4..]),
        _ => return None,
    };
    let part = |at: usize| number(&rest[at..at + 2]).and_then(|n| i8::try_from(n).ok());
    let date = Date::new(year, part(0)?, part(2)?).ok()?;
    let time = Time::new(part(4)?, part(6)?, i8::try_from(seconds).ok()?, 0).ok()?;
    utc(date.to_datetime(time))
}

fn number(text: &str) -> Option<i16> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())?
}

/// `touch -d`: the common ways to write a date (ISO 8601, `@SECONDS`, `now`, `yesterday`, `2 days ago`, `10:30`).
pub(super) fn date(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
        let nanos = format!("{fraction:0<9}").get(..9)?.parse().ok()?;
        return Timestamp::new(whole.parse().ok()?, nanos).ok();
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let today = now.to_zoned(TimeZone::UTC).date();
    let plain = text
        .trim_end_matches(" UTC")
        .trim_end_matches(" GMT")
        .trim_end_matches('Z');
    if let Ok(at) = plain.parse::<DateTime>() {
        return utc(at);
    }
    if let Ok(day) = plain.parse::<Date>() {
        return utc(day.to_datetime(Time::midnight()));
    }
    if let Ok(time) = plain.parse::<Time>()
        && plain.contains(':')
    {
        return utc(today.to_datetime(time));
    }
    for format in [
        "%Y-%m-%d %H:%M",
        "%Y-%m-%d %H:%M:%S",
        "%b %d %H:%M:%S %Y",
        "%a %b %d %H:%M:%S %Y",
        "%b %d %Y %H:%M",
        "%d %b %Y %H:%M",
        "%d %b %Y %H:%M:%S",
    ] {
        if let Ok(at) = DateTime::strptime(format, plain) {
            return utc(at);
        }
    }
    for format in ["%b %d %Y", "%d %b %Y", "%Y%m%d", "%m/%d/%Y"] {
        if let Ok(day) = Date::strptime(format, plain) {
            return utc(day.to_datetime(Time::midnight()));
        }
    }
    relative(&plain.to_ascii_lowercase(), now)
}

/// `yesterday`, `2 days ago`, `next week`, `-1 hour`.
fn relative(text: &str, now: Timestamp) -> Option<Timestamp> {
    let shift = |days: i64| shifted(now, Span::new().days(days));
    match text {
        "now" | "today" => return Some(now),
        "yesterday" => return shift(-1),
        "tomorrow" => return shift(1),
        _ => {}
    }
    let mut words: Vec<&str> = text.split_whitespace().collect();
    let mut sign = 1;
    if words.last() == Some(&"ago") {
        words.pop();
        sign = -1;
    }
    if words.is_empty() || !words.len().is_multiple_of(2) {
        return None;
    }
    let mut at = now;
    for pair in words.chunks(2) {
        let count: i64 = match pair[0] {
            "last" => -1,
            "next" | "a" | "an" => 1,
            number => number.trim_start_matches('+').parse().ok()?,
        };
        let count = sign * count;
        let span = Span::new();
        let span = match pair[1].trim_end_matches('s') {
            "sec" | "second" => span.try_seconds(count),
            "min" | "minute" => span.try_minutes(count),
            "hour" => span.try_hours(count),
            "day" => span.try_days(count),
            "week" => span.try_weeks(count),
            "fortnight" => span.try_weeks(2 * count),
            "month" => span.try_months(count),
            "year" => span.try_years(count),
            _ => return None,
        };
        at = shifted(at, span.ok()?)?;
    }
    Some(at)
}

fn shifted(at: Timestamp, span: Span) -> Option<Timestamp> {
    at.to_zoned(TimeZone::UTC)
        .checked_add(span)
        .ok()
        .map(|zoned| zoned.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{date, full, listed, stamp};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_listing_shows_the_time_within_half_a_year_and_the_year_beyond() {
        let now = at("2026-03-01T12:00:00Z");
        assert_eq!(listed(at("2026-02-03T04:05:06Z"), now), "Feb  3 04:05");
        assert_eq!(listed(at("2025-02-03T04:05:06Z"), now), "Feb  3  2025");
        assert_eq!(listed(at("2026-03-01T12:00:01Z"), now), "Mar  1  2026");
        assert_eq!(
            full(at("2025-11-22T22:13:05.5Z")),
            "2025-11-22 22:13:05.500000000 +0000"
        );
    }

    #[test]
    fn stamps_are_read_as_posix_has_them() {
        let now = at("2026-03-01T12:00:00Z");
        assert_eq!(
            stamp("202511222213.05", now),
            Some(at("2025-11-22T22:13:05Z"))
        );
        assert_eq!(stamp("9911222213", now), Some(at("1999-11-22T22:13:00Z")));
        assert_eq!(stamp("11222213", now), Some(at("2026-11-22T22:13:00Z")));
        assert_eq!(stamp("202513222213", now), None);
        assert_eq!(stamp("1122221", now), None);
        assert_eq!(stamp("11222213.5", now), None);
    }

    #[test]
    fn dates_are_read_in_their_common_forms() {
        let now = at("2026-03-01T12:00:00Z");
        for (text, expected) in [
            ("2025-11-22", "2025-11-22T00:00:00Z"),
            ("2025-11-22 22:13", "2025-11-22T22:13:00Z"),
            ("2025-11-22 22:13:05", "2025-11-22T22:13:05Z"),
            ("2025-11-22T22:13:05Z", "2025-11-22T22:13:05Z"),
            ("2025-11-22 22:13:05.25 UTC", "2025-11-22T22:13:05.25Z"),
            ("@86400", "1970-01-02T00:00:00Z"),
            ("10:30", "2026-03-01T10:30:00Z"),
            ("yesterday", "2026-02-28T12:00:00Z"),
            ("2 days ago", "2026-02-27T12:00:00Z"),
            ("1 month", "2026-04-01T12:00:00Z"),
            ("Nov 22 2025", "2025-11-22T00:00:00Z"),
        ] {
            assert_eq!(date(text, now), Some(at(expected)), "{text}");
        }
        assert_eq!(date("not a date", now), None);
        assert_eq!(date("", now), None);
    }
}
