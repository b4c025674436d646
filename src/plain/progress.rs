//! A cleanup as it goes on, one line whenever something changes.

use crate::engine::view::{Phase, RowState, Share, StackView, View};

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
                let deleting = doing.as_str() == "deleting the stack";
                let stack = view.stack.as_ref().filter(|_| deleting);
                let gone = stack.and_then(gone).unwrap_or_default();
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

/// How many resources of a stack are deleted, of those that it is known to have had.
fn gone(stack: &StackView) -> Option<String> {
    let made = stack.rows.iter();
    let made = made.filter(|row| !matches!(row.state, RowState::Waiting(_)));
    let (mut of, mut gone) = (0, 0);
    for row in made {
        of += 1;
        gone += usize::from(row.state == RowState::Deleted);
    }
    (of > 0).then(|| format!(": {gone} of {of} resources deleted"))
}

/// How far it has come.
fn far(share: &Share) -> String {
    let left = share.estimate();
    let left = left.map_or_else(String::new, |left| format!(", {left}"));
    format!("  {}{left}", share.bar(BAR))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};

    use super::*;
    use crate::engine::view::ResourceRow;

    #[test]
    fn only_resources_that_are_known_to_have_been_made_are_counted() {
        let row = |state| ResourceRow {
            logical_id: "Vpc".to_owned(),
            kind: "AWS::EC2::VPC".to_owned(),
            purpose: String::new(),
            state,
            since: None,
            until: None,
            physical_id: None,
        };
        let told = |states: Vec<RowState>| {
            gone(&StackView {
                name: "efslab-7f3k-lab".to_owned(),
                status: "DELETE_IN_PROGRESS".to_owned(),
                rows: states.into_iter().map(row).collect(),
                since: Timestamp::UNIX_EPOCH,
                until: None,
                usual: SignedDuration::ZERO,
                cause: None,
                proposal: None,
            })
        };
        let waiting = || RowState::Waiting(Vec::new());
        assert_eq!(told(vec![waiting(), waiting()]), None);
        let some = told(vec![RowState::Deleted, RowState::Done, waiting()]);
        assert_eq!(some.as_deref(), Some(": 1 of 2 resources deleted"));
    }

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
