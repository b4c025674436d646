//! The rows of the course outline that steps may teach. Only their ids: what a row says is in the lessons.

/// Every row, in order; `C…` are the chapter's facts, `B…` go beyond it.
pub const ROWS: &[&str] = &[
    "C01", "C02", "C03", "C04", "C05", "C06", "C10", "C11", "C20", "C21", "C30", "C31", "C32",
    "C33", "C34", "C35", "C36", "C40", "C41", "C42", "C50", "C51", "C52", "C60", "C61", "C62",
    "C63", "C64", "C70", "C71", "C72", "C73", "C74", "C75", "C76", "C80", "C81", "B1", "B2", "B3",
    "B4", "B5", "B6",
];

/// Whether there is such a row.
#[must_use]
pub fn is_row(id: &str) -> bool {
    ROWS.contains(&id)
}
