//! What a front end asks of the lab.

use crate::lesson::schema::Side;

/// A learner's wish. A wish that makes no sense now is answered with a notice, never ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Check the current step now; when it has passed: go on to the next.
    Enter,
    /// Reveal one more hint.
    Hint,
    /// Do this step's solution for the learner, visibly.
    RunForMe,
    /// Go on, passed or not.
    Next,
    /// One step back.
    Back,
    /// To the step `step` (from 0) of the lesson with this id.
    Goto {
        /// Lesson id.
        lesson: String,
        /// From 0.
        step: usize,
    },
    /// Forget what became of a step and go there, to do it once more.
    Redo {
        /// Lesson id.
        lesson: String,
        /// From 0.
        step: usize,
    },
    /// Forget what became of all steps of a lesson: answers, hints, verdicts, measurements.
    Reset {
        /// Lesson id.
        lesson: String,
    },
    /// Answer the current question: the number of an option (from 1) or text.
    Answer(String),
    /// Bytes that the learner typed into a terminal.
    Input {
        /// Whose.
        on: Side,
        /// As typed.
        bytes: Vec<u8>,
    },
    /// Both terminal panes have this size now.
    Resize {
        /// Of the grid inside the border.
        rows: u16,
        /// Of the grid inside the border.
        columns: u16,
    },
    /// Open this terminal again after its session ended.
    Reconnect(Side),
    /// Try again what failed last (named by `Trouble::retry`).
    Retry,
    /// Put the practice account's clock forward, by what the step says.
    Forward,
    /// Delete everything and prove it, then end.
    CleanUp,
    /// End the program; the lab stays as it is.
    Leave,
}

/// Bytes from a machine, for that side's terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalOutput {
    /// Whose.
    pub on: Side,
    /// Raw; may hold any escape sequence. `None`: a new session begins, clear the screen.
    pub bytes: Option<Vec<u8>>,
}
