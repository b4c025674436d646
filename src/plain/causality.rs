//! How soon each machine sees what the other writes, as lines: both directions, then a histogram.

use std::fmt::Write as _;

use crate::engine::view::CausalityView;
use crate::lesson::delays::shown;

/// Room for the count of one direction.
const COUNT: usize = 8;

/// What was measured, each line indented; nothing before there is something.
#[must_use]
pub fn text(view: &CausalityView) -> String {
    let mut text = String::new();
    for way in &view.ways {
        if let (Some(median), Some(upper)) = (way.median, way.upper) {
            let _ = writeln!(
                text,
                "      {} to {}: {} of {} writes seen, median {}, 95 % within {}",
                way.from,
                way.to,
                way.seen,
                view.wanted,
                shown(median),
                shown(upper)
            );
        }
    }
    if view.histogram.is_empty() {
        return text;
    }
    let labels = view.histogram.iter().map(|row| row.label.len());
    let width = labels.max().unwrap_or(0);
    let mut row = |label: &str, cells: [String; 2]| {
        let [one, other] = cells;
        let _ = writeln!(text, "      {label:width$}{one:>COUNT$}{other:>COUNT$}");
    };
    let [one, other] = &view.ways;
    row(
        "writes",
        [one, other].map(|way| format!("{} to {}", way.from, way.to)),
    );
    for bucket in &view.histogram {
        row(&bucket.label, bucket.counts.map(|count| count.to_string()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view::WayView;
    use crate::lesson::delays::BothWays;
    use crate::lesson::schema::Side;

    #[test]
    fn both_directions_are_told_and_counted_in_rows() {
        let mut seen = BothWays::default();
        for millis in [1, 3, 3, 4] {
            seen.on_b.add(millis * 1000);
        }
        seen.on_a.add(2500);
        let way = |from, to: Side| WayView {
            from,
            to,
            seen: seen.on(to).count(),
            last: seen.on(to).last(),
            median: seen.on(to).median(),
            upper: seen.on(to).upper(),
        };
        let mut view = CausalityView {
            wanted: 4,
            writes: None,
            ways: [way(Side::A, Side::B), way(Side::B, Side::A)],
            histogram: seen.histogram(),
        };
        assert_eq!(
            text(&view),
            "      A to B: 4 of 4 writes seen, median 3.0 ms, 95 % within 4.0 ms
      B to A: 1 of 4 writes seen, median 2.5 ms, 95 % within 2.5 ms
      writes     A to B  B to A
      0 to 1 ms       0       0
      1 to 2 ms       1       0
      2 to 3 ms       0       1
      3 to 4 ms       2       0
      4 to 5 ms       1       0
"
        );
        view.histogram.clear();
        view.ways.iter_mut().for_each(|way| way.median = None);
        assert_eq!(text(&view), "");
    }
}
