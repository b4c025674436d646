//! Where the steps of a lesson file begin. The deserializer forgets lines, so the file's events are read once more.

use saphyr_parser::{Event, Parser};

/// Lines of a lesson file, from 1.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Positions {
    /// Where each step begins, in order.
    pub steps: Vec<usize>,
}

impl Positions {
    /// Where the step with this index begins.
    pub(super) fn step(&self, index: usize) -> Option<usize> {
        self.steps.get(index).copied()
    }
}

/// Finds the lines; of a text that is no YAML what could be found.
pub(super) fn positions(text: &str) -> Positions {
    let mut found = Positions::default();
    // Mappings and sequences around the event, whether in the root's `steps`, and whether the next node is a root key.
    let (mut depth, mut in_steps, mut key_next) = (0_usize, false, true);
    for (event, span) in Parser::new_from_str(text).map_while(Result::ok) {
        let (opens, closes) = match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => (true, false),
            Event::MappingEnd | Event::SequenceEnd => (false, true),
            Event::Scalar(..) | Event::Alias(..) => (false, false),
            _ => continue,
        };
        if closes {
            depth = depth.saturating_sub(1);
        } else {
            if depth == 2 && in_steps {
                found.steps.push(span.start.line());
            }
            if depth == 1 {
                if key_next {
                    in_steps = matches!(&event, Event::Scalar(key, ..) if key == "steps");
                }
                key_next = !key_next;
            }
            if opens {
                depth += 1;
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_step_begins_at_its_first_key_however_it_is_written() {
        let text = "\
id: x
# steps:
objectives:
  - steps
  - {steps: [1, 2]}
steps:
  - id: one
    hints: [a, b]

  # a comment
  -
    id: two
    check: !All
      - id: three
  - {id: four}
other:
  - id: five
";
        assert_eq!(positions(text).steps, [7, 12, 15]);
    }

    #[test]
    fn broken_text_gives_what_was_found_before_it() {
        assert_eq!(positions("steps:\n  - id: a\n  - id: [\n").steps, [2, 3]);
        assert_eq!(positions("").steps, [] as [usize; 0]);
    }
}
