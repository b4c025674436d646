//! Parts of screens: each turns data into lines or cells. None of them handles a key.

pub(super) mod answer;
pub(super) mod blocks;
pub(super) mod causality;
pub(super) mod chart;
pub(super) mod footer;
pub(super) mod frame;
pub(super) mod header;
pub(super) mod lesson_text;
pub(super) mod pane;
pub(super) mod panel;
pub(super) mod question;
pub(super) mod receipt;
pub(super) mod stack;
pub(super) mod terminals;
pub(super) mod verdict;
