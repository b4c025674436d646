//! Calculators that a learner plays with: a number in, a sentence with the whole calculation out.

use serde::Deserialize;

use super::throughput::{self as efs, GIB, KIB, MIB, TIB};

/// What is calculated from the number that the learner types.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Calculator {
    /// From GB stored: the bill of a month.
    Bill {
        /// US dollars per GB-month.
        per_gb: f64,
    },
    /// From GiB read: how long that takes at the burst rate of a small filesystem, and what the first byte's latency adds.
    Analysis {},
    /// From GiB stored: baseline, burst, and for how long a day.
    Rates {},
    /// From GB of credits left: how long they last on a small filesystem and on one of 1 TiB.
    Credits {},
}

impl Calculator {
    /// The unit of the number that it takes.
    #[must_use]
    pub fn unit(self) -> &'static str {
        match self {
            Self::Bill { .. } | Self::Credits {} => "GB",
            Self::Analysis {} | Self::Rates {} => "GiB",
        }
    }

    /// The calculation for a number above 0.
    #[must_use]
    pub fn of(self, number: f64) -> String {
        match self {
            Self::Bill { per_gb } => {
                format!(
                    "{number} GB x {per_gb:.2} USD = {:.2} USD a month",
                    number * per_gb
                )
            }
            Self::Analysis {} => {
                let seconds = efs::moves(number * GIB, efs::burst(0.0));
                format!(
                    "{number} GiB / 100 MiB/s = {}; a first byte that comes 10 ms later adds {}",
                    span(seconds),
                    part(0.010 / seconds)
                )
            }
            Self::Rates {} => {
                let stored = number * GIB;
                let (baseline, burst) = (efs::baseline(stored), efs::burst(stored));
                let floor = if baseline > stored / GIB * 50.0 * KIB {
                    " (the floor; 50 KiB/s per GiB would be less)"
                } else {
                    ""
                };
                format!(
                    "{number} GiB: baseline {}{floor}, burst {}, {} a day at that if it rests otherwise",
                    rate(baseline),
                    rate(burst),
                    span(efs::burst_a_day(stored))
                )
            }
            Self::Credits {} => {
                let credits = number * 1e9;
                format!(
                    "{number} GB of credits at full burst: {} on a small filesystem ({} out, {} in), {} at 1 TiB ({} out, {} in)",
                    span(efs::lasts(credits, GIB)),
                    rate(efs::burst(GIB)),
                    rate(efs::baseline(GIB)),
                    span(efs::lasts(credits, TIB)),
                    rate(efs::burst(TIB)),
                    rate(efs::baseline(TIB)),
                )
            }
        }
    }
}

fn rate(bytes: f64) -> String {
    let mib = bytes / MIB;
    if mib < 10.0 && mib.fract() > 0.0 {
        format!("{mib:.1} MiB/s")
    } else {
        format!("{mib:.0} MiB/s")
    }
}

/// A share of a whole, as far as it is worth telling.
fn part(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 1.0 {
        format!("{percent:.0} %")
    } else if percent >= 0.001 {
        format!("{percent:.3} %")
    } else {
        "less than 0.001 %".to_owned()
    }
}

/// Seconds in the unit that people would use.
fn span(seconds: f64) -> String {
    const MINUTE: f64 = 60.0;
    const HOUR: f64 = 60.0 * MINUTE;
    const DAY: f64 = 24.0 * HOUR;
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 2.0 * MINUTE {
        format!("{seconds:.1} s")
    } else if seconds < 5.0 * HOUR {
        format!("{:.1} min", seconds / MINUTE)
    } else if seconds < 3.0 * DAY {
        format!("{:.1} h", seconds / HOUR)
    } else {
        format!("{:.0} days", seconds / DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_calculator_shows_its_whole_calculation() {
        let told = |calculator: Calculator, number| calculator.of(number);
        insta::assert_snapshot!(told(Calculator::Bill { per_gb: 0.30 }, 5.0), @"5 GB x 0.30 USD = 1.50 USD a month");
        insta::assert_snapshot!(told(Calculator::Analysis {}, 1024.0), @"1024 GiB / 100 MiB/s = 174.8 min; a first byte that comes 10 ms later adds less than 0.001 %");
        insta::assert_snapshot!(told(Calculator::Analysis {}, 0.001), @"0.001 GiB / 100 MiB/s = 10 ms; a first byte that comes 10 ms later adds 98 %");
        insta::assert_snapshot!(told(Calculator::Rates {}, 1.0), @"1 GiB: baseline 1 MiB/s (the floor; 50 KiB/s per GiB would be less), burst 100 MiB/s, 14.4 min a day at that if it rests otherwise");
        insta::assert_snapshot!(told(Calculator::Rates {}, 100.0), @"100 GiB: baseline 4.9 MiB/s, burst 100 MiB/s, 70.3 min a day at that if it rests otherwise");
        insta::assert_snapshot!(told(Calculator::Rates {}, 2048.0), @"2048 GiB: baseline 100 MiB/s, burst 200 MiB/s, 12.0 h a day at that if it rests otherwise");
        insta::assert_snapshot!(told(Calculator::Credits {}, 192.416_666_667), @"192.416666667 GB of credits at full burst: 30.9 min on a small filesystem (100 MiB/s out, 1 MiB/s in), 61.2 min at 1 TiB (100 MiB/s out, 50 MiB/s in)");
        insta::assert_snapshot!(told(Calculator::Credits {}, 2309.0), @"2309 GB of credits at full burst: 6.2 h on a small filesystem (100 MiB/s out, 1 MiB/s in), 12.2 h at 1 TiB (100 MiB/s out, 50 MiB/s in)");
    }
}
