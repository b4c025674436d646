//! How fast account time passes against wall time, as it is written. What time does with it does not enter here.

use std::ops::RangeInclusive;

/// How fast account time passes against wall time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pace {
    /// So many account seconds per wall second; 1 is real time.
    Times(f64),
    /// Time jumps to the next deadline whenever an operation or a command on an instance waits and nothing computes;
    /// while something computes it passes at wall speed; while nothing waits it stands still.
    Max,
}

/// Slower than this nothing ever comes to its end, and faster no timer can follow.
const RANGE: RangeInclusive<f64> = 0.001..=100_000.0;

/// Why a text is no pace.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is neither a number from 0.001 to 100000 nor `max`")]
pub struct NoPace(String);

impl std::str::FromStr for Pace {
    type Err = NoPace;

    fn from_str(text: &str) -> Result<Self, NoPace> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse::<f64>() {
            Ok(times) if RANGE.contains(&times) => Ok(Self::Times(times)),
            _ => Err(NoPace(text.to_owned())),
        }
    }
}

impl std::fmt::Display for Pace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Times(times) => write!(f, "{times}"),
            Self::Max => f.write_str("max"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pace;

    #[test]
    fn a_pace_is_max_or_a_number_that_timers_can_follow() {
        for (text, pace) in [
            ("max", Pace::Max),
            ("1", Pace::Times(1.0)),
            ("0.001", Pace::Times(0.001)),
            ("1e5", Pace::Times(100_000.0)),
        ] {
            assert_eq!(text.parse::<Pace>().unwrap(), pace, "{text}");
        }
        for text in ["0", "-1", "1e30", "1e10", "0.0001", "nan", "inf", "fast"] {
            let refused = text.parse::<Pace>().unwrap_err().to_string();
            assert!(refused.contains("from 0.001 to 100000"), "{refused}");
        }
    }
}
