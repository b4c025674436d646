//! One file per screen or dialog: its state, what it does with keys and news, how it is drawn.

pub(super) mod confirm;
pub(super) mod glossary;
pub(super) mod help;
pub(super) mod leave;
pub(super) mod lesson;
pub(super) mod lessons;
pub(super) mod owed;
pub(super) mod reader;
pub(super) mod welcome;
