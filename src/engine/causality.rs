//! The causality view: each machine writes and the other watches, by one command on each. What their lines say is
//! gathered here, and what is shown of it.

use std::collections::BTreeSet;

use super::effect::Effect;
use super::event::{Failure, FailureClass, Heard, Ran};
use super::view::{CausalityView, WayView};
use super::{Engine, Side};
use crate::lesson::check::Need;
use crate::lesson::delays::{BothWays, Delays};
use crate::template;

/// What runs on both machines.
const SCRIPT: &str = "scripts/beat.sh";
/// Clocks that disagree by more than this tell nothing about delays; in microseconds.
const ABSURD: i64 = 3_600_000_000;

/// A measurement, as far as it has come. It dies with the step.
#[derive(Debug, Clone, Default)]
pub(super) struct Causality {
    /// Which one is listened to; lines of older ones come too late.
    id: Option<u64>,
    /// Where the command still runs.
    running: BTreeSet<Side>,
    /// Who saw something last, and so writes now.
    turn: Option<Side>,
    pub(super) seen: BothWays,
}

impl Causality {
    /// Whether both commands run and are listened to.
    pub(super) fn is_running(&self) -> bool {
        self.id.is_some()
    }

    fn has(&self, writes: usize) -> bool {
        self.seen.on_a.count() >= writes && self.seen.on_b.count() >= writes
    }
}

/// A write of one machine that the other has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Beat {
    /// From 1.
    number: usize,
    /// From the write to its being seen.
    micros: i64,
}

impl Beat {
    /// `beat NUMBER WRITTEN SEEN`, times in nanoseconds since 1970; `None`: no such line.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let (Some("beat"), Some(number), Some(written), Some(seen), None) = (
            words.next(),
            words.next(),
            words.next(),
            words.next(),
            words.next(),
        ) else {
            return None;
        };
        let number = plain(number)?;
        let micros = plain::<i64>(seen)?.checked_sub(plain(written)?)? / 1000;
        (number > 0 && micros.abs() <= ABSURD).then_some(Self { number, micros })
    }
}

/// A number of digits and nothing else.
fn plain<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

impl Engine {
    /// Writes in each direction that the step wants; none: it is about something else.
    fn writes(&self) -> Option<u32> {
        self.step.needs().find_map(|need| match need {
            Need::Causality { writes } => Some(*writes),
            _ => None,
        })
    }

    /// Whether all that the step wants has been measured.
    pub(super) fn has_measured_causality(&self) -> bool {
        self.writes().is_none_or(|writes| {
            usize::try_from(writes).is_ok_and(|writes| self.step.causality.has(writes))
        })
    }

    /// Begins to measure, from nothing.
    pub(super) fn measure_causality(&mut self, effects: &mut Vec<Effect>) {
        let (Some(writes), Some(script)) = (self.writes(), template::file(SCRIPT)) else {
            return;
        };
        self.measurements += 1;
        // Its files are its own, also beside those of an earlier session.
        let run = format!("{}-{}", self.at.as_millisecond(), self.measurements);
        self.step.causality = Causality {
            id: Some(self.measurements),
            running: [Side::A, Side::B].into(),
            ..Causality::default()
        };
        for (on, side, other) in [(Side::A, "a", "b"), (Side::B, "b", "a")] {
            effects.push(Effect::Listen {
                on,
                id: self.measurements,
                run: format!("RUN={run} SIDE={side} OTHER={other} WRITES={writes}\n{script}"),
            });
        }
    }

    pub(super) fn heard(&mut self, on: Side, id: u64, news: Heard) {
        if self.step.causality.id != Some(id) {
            return;
        }
        match news {
            Heard::Line(line) => self.heard_line(on, &line),
            Heard::Ended(Ok(ran)) if ran.status == Some(0) => {
                self.step.causality.running.remove(&on);
            }
            Heard::Ended(Ok(ran)) => return self.causality_failed(on, ended(&ran)),
            Heard::Ended(Err(failure)) => return self.causality_failed(on, failure.why),
        }
        if self.has_measured_causality() {
            self.step.causality.id = None;
            self.step.causality.turn = None;
        } else if self.step.causality.running.is_empty() {
            // Lines come before the end: nothing is on its way any more.
            self.causality_failed(on, "it ended before all was measured".to_owned());
        }
    }

    fn heard_line(&mut self, on: Side, line: &str) {
        let measured = self.has_measured_causality();
        let causality = &mut self.step.causality;
        let delays = causality.seen.on_mut(on);
        if let Some(beat) = Beat::parse(line)
            && beat.number == delays.count() + 1
            && !measured
        {
            delays.add(beat.micros);
            causality.turn = Some(on);
            self.worked();
            self.step.new_evidence();
        }
    }

    fn causality_failed(&mut self, on: Side, why: String) {
        self.step.causality = Causality::default();
        let failure = Failure {
            tried: format!("measure on {on}"),
            why,
            class: FailureClass::Transient,
        };
        self.in_the_way(&failure, "measure from the beginning");
    }

    /// What is shown of it.
    pub(super) fn causality_view(&self) -> Option<CausalityView> {
        let wanted = self.writes()?;
        let causality = &self.step.causality;
        let way = |from, to: Side| {
            let delays: &Delays = causality.seen.on(to);
            WayView {
                from,
                to,
                seen: delays.count(),
                last: delays.last(),
                median: delays.median(),
                upper: delays.upper(),
            }
        };
        Some(CausalityView {
            wanted,
            // A begins.
            writes: (causality.is_running()).then(|| causality.turn.unwrap_or(Side::A)),
            ways: [way(Side::A, Side::B), way(Side::B, Side::A)],
            histogram: causality.seen.histogram(),
        })
    }
}

/// Why a command ended that should have gone on.
fn ended(ran: &Ran) -> String {
    let said = ran.stderr.lines().rfind(|line| !line.trim().is_empty());
    match (said, ran.status) {
        (Some(said), _) => said.trim().to_owned(),
        (None, Some(status)) => format!("the command ended with status {status}"),
        (None, None) => "a signal ended the command".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_beat_is_a_number_and_two_times() {
        let beat = |number, micros| Some(Beat { number, micros });
        for (line, read) in [
            ("beat 1 1000000 6400000", beat(1, 5400)),
            (
                "beat 100 1795423925781206623 1795423925823345383",
                beat(100, 42_138),
            ),
            // The clock of who saw is behind.
            ("beat 7 6400000 1000000", beat(7, -5400)),
            ("beat 0 1 2", None),
            ("beat 1 1", None),
            ("beat 1 1 2 3", None),
            ("beat 1  2", None),
            ("beat +1 1 2", None),
            ("beat 1 -1 2", None),
            ("beat 1 1 99999999999999999999", None),
            ("beat 1 0 9223372036854775807", None),
            ("Beat 1 1 2", None),
            ("date: invalid option", None),
            ("", None),
        ] {
            assert_eq!(Beat::parse(line), read, "{line}");
        }
    }

    proptest! {
        #[test]
        fn what_a_machine_prints_is_a_beat_or_nothing(line in "\\PC*|beat( [0-9+.e\\-]{0,25}){0,5}") {
            if let Some(beat) = Beat::parse(&line) {
                prop_assert!(beat.number > 0 && beat.micros.abs() <= ABSURD);
                prop_assert!(line.starts_with("beat ") && line.split(' ').count() == 4);
            }
        }

        #[test]
        fn what_the_script_prints_is_read(number in 1_usize..10_000, written in 0_i64..2_000_000_000_000_000_000, micros in 0_i64..1_000_000) {
            let line = format!("beat {number} {written} {}", written + micros * 1000);
            prop_assert_eq!(Beat::parse(&line), Some(Beat { number, micros }));
        }
    }
}
