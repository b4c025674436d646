//! A cleanup as it goes on, one line whenever something changes.

use crate::engine::view::{Phase, RowState, View};

/// Remembers what was said last.
#[derive(Debug, Default)]
pub struct Progress {
    last: String,
}

impl Progress {
    /// The line to print now, if there is news.
    pub fn news(&mut self, view: &View) -> Option<String> {
        let line = match &view.phase {
            Phase::CleaningUp { doing, .. } => {
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
                format!("{}: {doing}{gone}{trouble}\n", view.lab)
            }
            _ => return None,
        };
        (line != self.last).then(|| {
            self.last.clone_from(&line);
            line
        })
    }
}
