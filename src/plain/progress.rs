//! A cleanup as it goes on, one line whenever something changes.

use crate::engine::view::{Phase, RowState, Share, View};

/// Characters of the bar.
const BAR: usize = 20;

/// Remembers what was said last.
#[derive(Debug, Default)]
pub struct Progress {
    last: String,
}

impl Progress {
    /// The line to print now, if there is news.
    pub fn news(&mut self, view: &View) -> Option<String> {
        let (line, share) = match &view.phase {
            Phase::CleaningUp { doing, share, .. } => {
                let gone = view.stack.as_ref().map(|stack| {
                    let gone = stack
                        .rows
                        .iter()
                        .filter(|row| row.state == RowState::Deleted)
                        .count();
                    format!(": {gone} of {} resources deleted", stack.rows.len())
                });
                let gone = gone
                    .filter(|_| doing.as_str() == "deleting the stack")
                    .unwrap_or_default();
                let trouble = view
                    .trouble
                    .as_ref()
                    .map(|it| format!(" ({}: {})", it.what, it.why))
                    .unwrap_or_default();
                (format!("{}: {doing}{gone}{trouble}", view.lab), share)
            }
            _ => return None,
        };
        // How much is left changes with every look, and is no news.
        (line != self.last).then(|| {
            let more = share.as_ref().map(far).unwrap_or_default();
            let told = format!("{line}{more}\n");
            self.last = line;
            told
        })
    }
}

/// How far it has come.
fn far(share: &Share) -> String {
    let left = share.estimate();
    let left = left.map_or_else(String::new, |left| format!(", {left}"));
    format!("  {}{left}", share.bar(BAR))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bar_says_how_far_it_has_come_and_what_is_left_only_once_that_is_known() {
        let share = |done, left: Option<i64>| Share {
            done,
            of: 1000,
            left: left.map(SignedDuration::from_secs),
        };
        assert_eq!(far(&share(0, None)), "  [....................]");
        assert_eq!(
            far(&share(500, Some(40))),
            "  [##########..........], about 40 s left"
        );
        assert_eq!(
            far(&share(1000, Some(150))),
            "  [####################], about 3 min left"
        );
    }
}
