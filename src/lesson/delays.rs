//! Delays between a write on one machine and its being seen on the other: middle, upper end, histogram, verdict.
//! Nothing here knows how they are measured.

use super::check::Verdict;
use super::schema::Side;

/// Rows of a histogram, at most; the last takes what does not fit.
const ROWS: usize = 6;
/// The share of delays that the upper end leaves below it.
const UPPER: usize = 95;

/// Delays in one direction, in microseconds, in the order in which they were measured. Where clocks disagree, a delay may
/// be below zero.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delays(Vec<i64>);

/// Both directions, each by the machine that saw.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BothWays {
    /// What A saw of the writes of B.
    pub on_a: Delays,
    /// What B saw of the writes of A.
    pub on_b: Delays,
}

/// One row of a histogram.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// `2 to 4 ms`, `10 ms and more`.
    pub label: String,
    /// How many of the way from A to B, and of the way from B to A.
    pub counts: [usize; 2],
}

impl Delays {
    /// Adds one, in microseconds.
    pub fn add(&mut self, micros: i64) {
        self.0.push(micros);
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The newest, in microseconds.
    #[must_use]
    pub fn last(&self) -> Option<i64> {
        self.0.last().copied()
    }

    /// The one in the middle.
    #[must_use]
    pub fn median(&self) -> Option<i64> {
        self.at(50)
    }

    /// The one that 95 of 100 do not exceed.
    #[must_use]
    pub fn upper(&self) -> Option<i64> {
        self.at(UPPER)
    }

    /// The smallest that so many of 100 do not exceed (nearest rank).
    fn at(&self, percent: usize) -> Option<i64> {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let rank = (sorted.len() * percent).div_ceil(100);
        sorted.get(rank.saturating_sub(1)).copied()
    }

    /// `median 6.3 ms, 95 % within 13 ms`
    #[must_use]
    pub fn told(&self) -> Option<String> {
        let (median, upper) = (self.median()?, self.upper()?);
        Some(format!(
            "median {}, {UPPER} % within {}",
            shown(median),
            shown(upper)
        ))
    }
}

impl BothWays {
    /// What this machine saw of the other's writes.
    #[must_use]
    pub fn on(&self, side: Side) -> &Delays {
        match side {
            Side::A => &self.on_a,
            Side::B => &self.on_b,
        }
    }

    /// The same, to add to.
    pub fn on_mut(&mut self, side: Side) -> &mut Delays {
        match side {
            Side::A => &mut self.on_a,
            Side::B => &mut self.on_b,
        }
    }

    /// One histogram of both directions, so that they can be compared: rows of 1, 2 or 5 (or ten times as much …)
    /// milliseconds, such that most delays have a row of their own kind and stragglers share the last.
    #[must_use]
    pub fn histogram(&self) -> Vec<Bucket> {
        let all = Delays([&self.on_b.0[..], &self.on_a.0].concat());
        let (Some(upper), Some(least), Some(most)) = (all.upper(), all.at(0), all.at(100)) else {
            return Vec::new();
        };
        let row = |micros: i64, width: i64, from: i64| {
            usize::try_from(micros.saturating_sub(from) / width).unwrap_or(usize::MAX)
        };
        let begin = |width: i64| least.min(0).div_euclid(width).saturating_mul(width);
        let width = widths()
            .find(|width| row(upper, *width, begin(*width)) < ROWS)
            .unwrap_or(i64::MAX);
        let from = begin(width);
        let rows = row(most, width, from).min(ROWS - 1) + 1;
        let open = row(most, width, from) >= ROWS;
        (0_i64..)
            .take(rows)
            .enumerate()
            .map(|(at, step)| {
                let low = from.saturating_add(step.saturating_mul(width));
                let label = if open && at + 1 == rows {
                    format!("{} ms and more", low / 1000)
                } else {
                    format!("{} to {} ms", low / 1000, low.saturating_add(width) / 1000)
                };
                let counts = [&self.on_b, &self.on_a].map(|delays| {
                    let here = |micros: &&i64| row(**micros, width, from).min(ROWS - 1) == at;
                    delays.0.iter().filter(here).count()
                });
                Bucket { label, counts }
            })
            .collect()
    }
}

/// Row widths in microseconds: 1 ms, 2 ms, 5 ms, 10 ms and so on.
fn widths() -> impl Iterator<Item = i64> {
    (3..18).flat_map(|power| [1, 2, 5].map(|factor| factor * 10_i64.pow(power)))
}

/// So many microseconds in words: `6.3 ms`, `42 ms`, `1.20 s`.
#[must_use]
pub fn shown(micros: i64) -> String {
    #[allow(clippy::cast_precision_loss, reason = "far below 2^53, and rounded")]
    let millis = micros as f64 / 1000.0;
    if millis.abs() < 9.95 {
        format!("{millis:.1} ms")
    } else if millis.abs() < 999.5 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.2} s", millis / 1000.0)
    }
}

/// Whether so many writes of each machine were seen on the other.
pub(super) fn judged(writes: u32, seen: &BothWays) -> Verdict {
    let wanted = usize::try_from(writes).unwrap_or(usize::MAX);
    let [on_a, on_b] = [&seen.on_a, &seen.on_b].map(Delays::count);
    if on_a == 0 && on_b == 0 {
        return Verdict::NotYet("no write has been measured yet: press r".to_owned());
    }
    match (seen.on_b.told(), seen.on_a.told()) {
        (Some(to_b), Some(to_a)) if on_a >= wanted && on_b >= wanted => Verdict::Passed(format!(
            "{writes} writes each way: A to B {to_b}; B to A {to_a}"
        )),
        _ => Verdict::NotYet(format!(
            "B has seen {on_b} of {writes} writes of A, and A {on_a} of B"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn delays(millis: impl IntoIterator<Item = i64>) -> Delays {
        Delays(millis.into_iter().map(|millis| millis * 1000).collect())
    }

    fn rows(on_b: Delays, on_a: Delays) -> Vec<(String, [usize; 2])> {
        let both = BothWays { on_a, on_b };
        let row = |bucket: Bucket| (bucket.label, bucket.counts);
        both.histogram().into_iter().map(row).collect()
    }

    #[test]
    fn the_middle_and_the_upper_end_are_delays_that_were_measured() {
        let hundred = delays((1..=100).rev());
        assert_eq!(hundred.told().unwrap(), "median 50 ms, 95 % within 95 ms");
        assert_eq!(
            delays([7]).told().unwrap(),
            "median 7.0 ms, 95 % within 7.0 ms"
        );
        assert_eq!(delays([]).told(), None);
    }

    #[test]
    fn rows_are_as_wide_as_the_delays_ask_and_stragglers_share_the_last() {
        let row = |label: &str, counts| (label.to_owned(), counts);
        assert_eq!(
            rows(delays([0, 1, 1, 3]), delays([2])),
            [
                row("0 to 1 ms", [1, 0]),
                row("1 to 2 ms", [2, 0]),
                row("2 to 3 ms", [0, 1]),
                row("3 to 4 ms", [1, 0])
            ]
        );
        let mut most = vec![12; 99];
        most.push(5000);
        let told = rows(delays(most), delays([48; 60]));
        assert_eq!(told[1], row("10 to 20 ms", [99, 0]));
        assert_eq!(told[4], row("40 to 50 ms", [0, 60]));
        assert_eq!(told[5], row("50 ms and more", [1, 0]));
    }

    #[test]
    fn clocks_that_disagree_lead_below_zero() {
        let told = rows(delays([-3, 9]), delays([2]));
        assert_eq!(told[0], ("-5 to 0 ms".to_owned(), [1, 0]));
    }

    #[test]
    fn delays_are_shown_as_exactly_as_matters() {
        for (micros, text) in [
            (6_340, "6.3 ms"),
            (9_949, "9.9 ms"),
            (9_960, "10 ms"),
            (-450, "-0.5 ms"),
            (999_400, "999 ms"),
            (1_200_000, "1.20 s"),
        ] {
            assert_eq!(shown(micros), text);
        }
    }

    #[test]
    fn both_ways_must_be_complete() {
        let (two, one) = (|| delays([4, 6]), || delays([5]));
        let judged = |on_a, on_b| judged(2, &BothWays { on_a, on_b });
        assert!(matches!(judged(two(), two()), Verdict::Passed(_)));
        for (on_a, on_b) in [(two(), one()), (one(), two()), (two(), delays([]))] {
            assert!(matches!(judged(on_a, on_b), Verdict::NotYet(_)));
        }
    }

    proptest! {
        #[test]
        fn every_delay_is_in_one_row(a in prop::collection::vec(any::<i64>(), 0..50), b in prop::collection::vec(-10_000_i64..90_000, 0..50)) {
            let both = BothWays { on_a: Delays(a.clone()), on_b: Delays(b.clone()) };
            let rows = both.histogram();
            prop_assert!(rows.len() <= ROWS);
            prop_assert_eq!(rows.iter().map(|row| row.counts[0]).sum::<usize>(), b.len());
            prop_assert_eq!(rows.iter().map(|row| row.counts[1]).sum::<usize>(), a.len());
        }
    }
}
