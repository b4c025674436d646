//! What became of the steps, at the end: how many were passed, and which were skipped.

use std::fmt::Write as _;

use crate::engine::view::{LessonRow, Mark};

/// One line, and one for each lesson of which a step was skipped; nothing while no step was touched.
#[must_use]
pub fn text(lessons: &[LessonRow]) -> String {
    let count = |mark| -> usize { lessons.iter().map(|lesson| lesson.count(mark)).sum() };
    let of: usize = lessons.iter().map(|lesson| lesson.steps.len()).sum();
    let (passed, skipped) = (count(Mark::Passed), count(Mark::Skipped));
    if passed + skipped == 0 {
        return String::new();
    }
    let mut text = format!("{passed} of {of} steps passed");
    if skipped > 0 {
        let _ = write!(text, ", {skipped} skipped:");
    }
    text.push('\n');
    for lesson in lessons.iter().filter(|it| it.count(Mark::Skipped) > 0) {
        let steps = lesson.steps.iter().enumerate();
        let left = steps
            .filter(|(_, step)| step.mark == Mark::Skipped)
            .map(|(number, step)| format!("{} {}", number + 1, step.title));
        let left: Vec<_> = left.collect();
        let _ = writeln!(text, "  {}: {}", lesson.id, left.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view::StepRow;

    fn lesson(id: &str, marks: &[Mark]) -> LessonRow {
        let step = |mark: &Mark| StepRow {
            title: "Look".to_owned(),
            mark: *mark,
        };
        LessonRow {
            id: id.to_owned(),
            number: 1,
            title: id.to_owned(),
            minutes: 5,
            steps: marks.iter().map(step).collect(),
        }
    }

    #[test]
    fn what_was_skipped_is_named_and_not_counted_as_passed() {
        let lessons = [
            lesson("one", &[Mark::Passed, Mark::Skipped]),
            lesson("two", &[Mark::Open, Mark::Passed]),
        ];
        assert_eq!(
            text(&lessons),
            "2 of 4 steps passed, 1 skipped:\n  one: 2 Look\n"
        );
    }

    #[test]
    fn whoever_did_nothing_is_told_nothing() {
        assert_eq!(text(&[lesson("one", &[Mark::Open])]), "");
        assert_eq!(
            text(&[lesson("one", &[Mark::Passed])]),
            "1 of 1 steps passed\n"
        );
    }
}
