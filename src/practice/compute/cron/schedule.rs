//! When a line of a crontab is due, as Vixie's cron and cronie read it. What it runs does not enter here.
//!
//! Crates that read such expressions follow Quartz in what they take besides (seconds, `L`, `#`) and do not say which
//! field is wrong, as `crontab` does; what is left of the work is below.

use jiff::civil::DateTime;

/// Which field cannot be read; said as `crontab` says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    /// The first.
    #[error("bad minute")]
    Minute,
    /// The second.
    #[error("bad hour")]
    Hour,
    /// The third.
    #[error("bad day-of-month")]
    DayOfMonth,
    /// The fourth.
    #[error("bad month")]
    Month,
    /// The fifth.
    #[error("bad day-of-week")]
    DayOfWeek,
    /// `@often`
    #[error("bad time specifier")]
    Word,
}

/// When a line is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Schedule {
    /// `@reboot`
    AtBoot,
    /// At these minutes.
    At(Times),
}

/// Bits of the values that a field allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Field {
    bits: u64,
    /// It begins with a star: of the two fields for days such a one does not count as given.
    star: bool,
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.bits & (1 << value) != 0)
    }
}

/// The five fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Times {
    minute: Field,
    hour: Field,
    day: Field,
    month: Field,
    weekday: Field,
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 8] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Schedule {
    /// Reads the beginning of a line; the rest, without the blanks before it, is the command (or the user and the
    /// command).
    pub fn read(line: &str) -> Result<(Self, &str), Bad> {
        if let Some(word) = line.strip_prefix('@') {
            let (word, rest) = first(word);
            let fields = match word {
                "reboot" => return Ok((Self::AtBoot, rest)),
                "yearly" | "annually" => "0 0 1 1 *",
                "monthly" => "0 0 1 * *",
                "weekly" => "0 0 * * 0",
                "daily" | "midnight" => "0 0 * * *",
                "hourly" => "0 * * * *",
                _ => return Err(Bad::Word),
            };
            let (schedule, _) = Self::read(fields)?;
            return Ok((schedule, rest));
        }
        let mut rest = line;
        let mut next = |bad, low, high, names: &[&str]| {
            let (word, after) = first(rest);
            rest = after;
            field(word, low, high, names).ok_or(bad)
        };
        let times = Times {
            minute: next(Bad::Minute, 0, 59, &[])?,
            hour: next(Bad::Hour, 0, 23, &[])?,
            day: next(Bad::DayOfMonth, 1, 31, &[])?,
            month: next(Bad::Month, 1, 12, &MONTHS)?,
            weekday: next(Bad::DayOfWeek, 0, 7, &WEEKDAYS)?,
        };
        Ok((Self::At(times), rest))
    }

    /// Whether it is due in this minute.
    #[must_use]
    pub fn is_due(&self, at: DateTime) -> bool {
        let Self::At(times) = self else {
            return false;
        };
        let day = times.day.has(at.day());
        let sunday = at.weekday().to_sunday_zero_offset();
        // Sunday is 0 and 7.
        let weekday = times.weekday.has(sunday) || sunday == 0 && times.weekday.has(7);
        // crontab(5): when both are given, either is enough.
        let date = if times.day.star || times.weekday.star {
            day && weekday
        } else {
            day || weekday
        };
        date && times.minute.has(at.minute())
            && times.hour.has(at.hour())
            && times.month.has(at.month())
    }
}

/// The first word, and what follows it.
pub(super) fn first(text: &str) -> (&str, &str) {
    let blank = |letter: char| letter == ' ' || letter == '\t';
    let text = text.trim_start_matches(blank);
    let end = text.find(blank).unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    (word, rest.trim_start_matches(blank))
}

fn field(text: &str, low: u32, high: u32, names: &[&str]) -> Option<Field> {
    let mut bits = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (range, step.parse().ok().filter(|step| *step > 0)?),
            None => (part, 1),
        };
        let value = |text: &str| {
            let named = names
                .iter()
                .position(|name| name.eq_ignore_ascii_case(text));
            let value = match named.and_then(|at| u32::try_from(at).ok()) {
                Some(at) => at + low,
                None if text.starts_with(|one: char| one.is_ascii_digit()) => text.parse().ok()?,
                None => return None,
            };
            (low..=high).contains(&value).then_some(value)
        };
        let (from, to) = if range == "*" {
            (low, high)
        } else if let Some((from, to)) = range.split_once('-') {
            (value(from)?, value(to)?)
        } else {
            let one = value(range)?;
            // A step needs something to step through.
            if part.contains('/') {
                return None;
            }
            (one, one)
        };
        if from > to {
            return None;
        }
        for value in (from..=to).step_by(usize::try_from(step).ok()?) {
            bits |= 1 << value;
        }
    }
    Some(Field {
        bits,
        star: text.starts_with('*'),
    })
}

#[cfg(test)]
mod tests {
    use jiff::civil::DateTime;

    use super::{Bad, Schedule};

    /// Whether a line is due at a time of the week that begins with Sunday 2026-02-01.
    fn due(line: &str, at: &str) -> bool {
        let line = format!("{line} command");
        let (schedule, rest) = Schedule::read(&line).unwrap();
        assert_eq!(rest, "command");
        schedule.is_due(at.parse::<DateTime>().unwrap())
    }

    #[test]
    fn fields_are_numbers_lists_ranges_steps_and_names() {
        assert!(due("*/15 * * * *", "2026-02-03T10:45:00"));
        assert!(!due("*/15 * * * *", "2026-02-03T10:46:00"));
        assert!(due("0,30 8-18/2 * * mon-fri", "2026-02-03T16:30:00"));
        assert!(!due("0,30 8-18/2 * * mon-fri", "2026-02-03T17:30:00"));
        assert!(!due("0,30 8-18/2 * * mon-fri", "2026-02-01T16:30:00"));
        assert!(due("5 4 * FEB *", "2026-02-03T04:05:00"));
        assert!(due("5 4 * * 7", "2026-02-01T04:05:00"));
        assert!(due("5 4 * * 0", "2026-02-01T04:05:00"));
    }

    #[test]
    fn of_two_fields_for_days_either_is_enough_unless_one_is_a_star() {
        assert!(due("0 0 13 * fri", "2026-02-13T00:00:00"));
        assert!(due("0 0 14 * fri", "2026-02-13T00:00:00"));
        assert!(due("0 0 13 * fri", "2026-02-20T00:00:00"));
        assert!(!due("0 0 */2 * fri", "2026-02-20T00:00:00"));
        assert!(!due("0 0 13 * *", "2026-02-20T00:00:00"));
    }

    #[test]
    fn words_stand_for_fields() {
        assert!(due("@hourly", "2026-02-03T10:00:00"));
        assert!(due("@weekly", "2026-02-01T00:00:00"));
        assert!(!due("@weekly", "2026-02-02T00:00:00"));
        assert!(!due("@reboot", "2026-02-02T00:00:00"));
        assert_eq!(Schedule::read("@often x"), Err(Bad::Word));
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (line, bad) in [
            ("60 * * * * x", Bad::Minute),
            ("*/0 * * * * x", Bad::Minute),
            ("5/2 * * * * x", Bad::Minute),
            ("+5 * * * * x", Bad::Minute),
            ("* 24 * * * x", Bad::Hour),
            ("* * 0 * * x", Bad::DayOfMonth),
            ("* * * 13 * x", Bad::Month),
            ("* * * foo * x", Bad::Month),
            ("* * * * 8 x", Bad::DayOfWeek),
            ("* * * * fri-mon x", Bad::DayOfWeek),
            ("* * * *", Bad::DayOfWeek),
            ("", Bad::Minute),
        ] {
            assert_eq!(Schedule::read(line), Err(bad), "{line}");
        }
    }
}
