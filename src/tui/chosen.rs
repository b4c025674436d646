//! What the first screen is told and what it answers. Plain data.

use crate::engine::view::LessonRow;

/// What the first screen shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Welcome {
    /// The program's, e.g. `0.1.0`.
    pub version: String,
    /// The practice account.
    pub practice: PlaceRow,
    /// The learner's AWS account.
    pub aws: PlaceRow,
    /// Labs that can be continued, the latest first.
    pub labs: Vec<LabRow>,
    /// All lessons, in order. What was passed belongs to a lab, so nothing is passed here.
    pub lessons: Vec<LessonRow>,
}

/// A place where a lab can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlaceRow {
    /// One line: what it is and costs.
    pub about: String,
    /// A few words: `ready`, `2 problems`, `checked once you choose it`.
    pub state: String,
    /// Whether a lab can be started there now.
    pub ready: bool,
    /// What it needs and lacks, as paragraphs; shown on request.
    pub details: Vec<String>,
}

/// A lab that can be continued.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabRow {
    /// `lab-7f3k`.
    pub id: String,
    /// Lesson id.
    pub lesson: String,
    /// `step 3 of 5`.
    pub step: String,
    /// `practice`, `AWS 123456789012`.
    pub target: String,
    /// `left 20 hours ago`.
    pub when: String,
}

/// Where a lab is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The practice account.
    Practice,
    /// The learner's AWS account.
    Aws,
}

/// What the learner chose on the first screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chosen {
    /// Start a lab.
    Start {
        /// There.
        place: Place,
        /// With the lesson of this id; absent: with the first.
        lesson: Option<String>,
    },
    /// Continue the lab of this id.
    Resume {
        /// `lab-7f3k`.
        lab: String,
    },
    /// Delete everything that the lab of this id made; the learner has confirmed it.
    CleanUp {
        /// `lab-7f3k`.
        lab: String,
    },
    /// Nothing: end the program.
    Quit,
}
