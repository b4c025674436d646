//! What a front end shows: one snapshot of the lab, complete, made of words and numbers only.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

pub use crate::lesson::arithmetic::Item;
pub use crate::lesson::delays::Bucket;
use crate::lesson::schema::{Choice, Side};

/// The whole lab as a front end shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// `lab-7f3k`.
    pub lab: String,
    /// Where it runs.
    pub target: Target,
    /// When this lab began; the header counts from here.
    pub started: Timestamp,
    /// When the lab removes itself unless it is worked on, by the learner's clock; `None`: never, or nothing stands.
    pub removes_itself: Option<Timestamp>,
    /// The guard is being made: nothing is built before.
    pub arming: bool,
    /// US dollars spent so far, estimated; zero on practice.
    pub cost: f64,
    /// US dollars an hour that it costs as it stands now; zero on practice.
    pub cost_per_hour: f64,
    /// What is owed, item by item; on practice what the same would cost on AWS. `None`: no prices are known.
    pub owed: Option<Owed>,
    /// All lessons, in order.
    pub lessons: Vec<LessonRow>,
    /// The step the learner stands at.
    pub step: StepView,
    /// The stack, once there is one.
    pub stack: Option<StackView>,
    /// Machine A, then B.
    pub machines: [MachineView; 2],
    /// What went wrong and still matters.
    pub trouble: Option<Trouble>,
    /// Where the lab is in its life.
    pub phase: Phase,
}

/// Where the lab runs.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// The practice account.
    Practice {
        /// `20x faster`, `real time`, `max`.
        pace: String,
        /// e.g. `us-east-1`.
        region: String,
    },
    /// The learner's AWS account.
    Aws {
        /// Twelve digits.
        account: String,
        /// e.g. `eu-west-1`.
        region: String,
    },
}

/// What something costs at list prices, item by item.
#[derive(Debug, Clone, PartialEq)]
pub struct Owed {
    /// What it is the bill of.
    pub of: Of,
    /// Lines.
    pub items: Vec<Item>,
    /// US dollars an hour, without what has no known price.
    pub per_hour: f64,
    /// US dollars of a day.
    pub day: f64,
    /// US dollars of a month of 730 hours.
    pub month: f64,
    /// The region that the prices hold for.
    pub region: String,
    /// The day of which the prices are known, `YYYY-MM-DD`.
    pub date: String,
    /// The pages that are the authority for them.
    pub sources: Vec<String>,
}

/// What a bill is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// What stands now.
    Standing,
    /// The lab, once it is built: nothing stands now.
    OnceBuilt,
}

/// One line of the list of lessons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LessonRow {
    /// `share-files`.
    pub id: String,
    /// From 1.
    pub number: u32,
    /// Title.
    pub title: String,
    /// Minutes it takes.
    pub minutes: u32,
    /// Its steps, in order.
    pub steps: Vec<StepRow>,
}

impl LessonRow {
    /// How many of its steps stand so.
    #[must_use]
    pub fn count(&self, mark: Mark) -> usize {
        self.steps.iter().filter(|step| step.mark == mark).count()
    }
}

/// One step in the list of lessons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRow {
    /// Title.
    pub title: String,
    /// What became of it.
    pub mark: Mark,
}

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing yet.
    Open,
    /// The learner went on without it.
    Skipped,
    /// It was passed.
    Passed,
}

/// The current step.
#[derive(Debug, Clone, PartialEq)]
pub struct StepView {
    /// Lesson id.
    pub lesson: String,
    /// Lesson number, from 1.
    pub lesson_number: u32,
    /// From 1.
    pub number: usize,
    /// Steps in this lesson.
    pub of: usize,
    /// Title of the step.
    pub title: String,
    /// Text, diagram, fragment, commands, in the order to show.
    pub blocks: Vec<Block>,
    /// The next action, one sentence.
    pub action: String,
    /// The question, its options and what was answered.
    pub question: Option<QuestionView>,
    /// What was guessed, measured and is documented, one chart a unit.
    pub charts: Vec<Chart>,
    /// What was seen of the account.
    pub panels: Vec<PanelView>,
    /// By how many minutes the learner may put the account's clock forward here.
    pub forward: Option<u32>,
    /// How soon each machine sees what the other writes, where the step is about that.
    pub causality: Option<CausalityView>,
    /// Hints revealed so far.
    pub hints: Vec<String>,
    /// How many there are.
    pub hints_of: usize,
    /// How it stands.
    pub state: StepState,
    /// When what is awaited usually is there, while something converges of which that is known.
    pub due: Option<Timestamp>,
    /// How many verdicts have been given since the learner came to this step.
    pub verdicts: u32,
    /// Shown once it is passed.
    pub debrief: Option<String>,
    /// What the work pane should show for this step.
    pub work: Work,
}

/// Something to show in the lesson pane.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A paragraph to wrap; `code` in backticks.
    Text(String),
    /// Lines to show as they are.
    Diagram(String),
    /// YAML of the template, to show as it is.
    Fragment {
        /// Fragment name, e.g. `mount-targets`.
        name: String,
        /// YAML.
        text: String,
    },
    /// Commands that do the same; `c` copies the first.
    Commands(Vec<String>),
    /// What changed since 2018.
    Changed(String),
}

/// Figures to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// Of all of them: `MB/s`.
    pub unit: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// One figure of a chart.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    /// A few words.
    pub label: String,
    /// Where it comes from.
    pub kind: BarKind,
    /// In the chart's unit.
    pub value: f64,
}

/// Where a figure comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BarKind {
    /// The learner's guess.
    Guess,
    /// Measured.
    Measured,
    /// AWS documents it.
    Documented,
}

/// Something of the account, as it was seen last.
#[derive(Debug, Clone, PartialEq)]
pub struct PanelView {
    /// Title.
    pub title: String,
    /// Content.
    pub content: PanelContent,
}

/// What a panel shows.
#[derive(Debug, Clone, PartialEq)]
pub enum PanelContent {
    /// AWS has not answered yet.
    Waiting,
    /// It could not be had: why.
    CouldNotTell(String),
    /// Rows.
    Table(Table),
    /// Figures over time.
    Graphs(Vec<Graph>),
}

/// Rows of words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub head: Vec<String>,
    /// Rows, each as long as the head.
    pub rows: Vec<Vec<String>>,
    /// One line below.
    pub note: Option<String>,
}

/// Figures over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Graph {
    /// `MiB/s`
    pub unit: String,
    /// Curves.
    pub curves: Vec<Curve>,
    /// Each curve stands on the one before.
    pub stacked: bool,
}

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// `permitted`
    pub name: String,
    /// Minutes before the last datapoint (negative), and the value there.
    pub points: Vec<(f64, f64)>,
}

/// Two machines that write and watch by turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CausalityView {
    /// Writes in each direction that are to be seen.
    pub wanted: u32,
    /// Who writes now, while it is measured; the other watches.
    pub writes: Option<Side>,
    /// From A to B, then from B to A.
    pub ways: [WayView; 2],
    /// Rows from the shortest delay to the longest.
    pub histogram: Vec<Bucket>,
}

impl CausalityView {
    /// Whether all that is wanted was seen.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let wanted = usize::try_from(self.wanted).unwrap_or(usize::MAX);
        self.ways.iter().all(|way| way.seen >= wanted)
    }
}

/// One direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayView {
    /// Who writes.
    pub from: Side,
    /// Who sees it.
    pub to: Side,
    /// Writes seen so far.
    pub seen: usize,
    /// How long the last took, in microseconds; below zero where clocks disagree.
    pub last: Option<i64>,
    /// The delay in the middle, in microseconds.
    pub median: Option<i64>,
    /// The delay that 95 of 100 do not exceed, in microseconds.
    pub upper: Option<i64>,
}

/// A question as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct QuestionView {
    /// The question.
    pub ask: String,
    /// Choices; none: a line to type.
    pub options: Vec<Choice>,
    /// The last answer, and what is said of it.
    pub answered: Option<(String, String)>,
    /// What the answer is for.
    pub purpose: Purpose,
}

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It is right or wrong.
    Test,
    /// It is compared with what is measured next.
    Guess,
    /// It is calculated with, as often as one likes.
    Calculation,
}

/// How a step stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StepState {
    /// Not checked yet.
    Open,
    /// The lab works on it (building, typing, checking): what, and since when.
    Working {
        /// `building the stack`.
        what: String,
        /// Since.
        since: Timestamp,
    },
    /// Checked: not done yet; what is missing.
    NotYet(String),
    /// Not done yet, but on its way: what is awaited.
    Converging(String),
    /// It could not be checked: why.
    CouldNotCheck(String),
    /// Done: the evidence.
    Passed(String),
}

/// What the work pane shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Question only, or nothing.
    Question,
    /// Stack progress.
    Stack,
    /// Two terminals.
    Terminals,
    /// How soon each machine sees what the other writes.
    Causality,
    /// The receipt, or what a cleanup will delete.
    Receipt,
}

/// The stack as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StackView {
    /// Name.
    pub name: String,
    /// `CREATE_IN_PROGRESS`.
    pub status: String,
    /// One per resource of the template, in the order they are first shown.
    pub rows: Vec<ResourceRow>,
    /// When the running or last operation began.
    pub since: Timestamp,
    /// When it ended.
    pub until: Option<Timestamp>,
    /// How long it usually takes, in the target's own pace.
    pub usual: SignedDuration,
    /// First failure that is not a cancellation.
    pub cause: Option<String>,
    /// What an update would change, while it waits to be carried out.
    pub proposal: Option<ProposalView>,
}

/// A change set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposalView {
    /// The stage it leads to: `alarms`.
    pub stage: String,
    /// Rows.
    pub rows: Vec<ProposedRow>,
}

/// One resource that an update would change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProposedRow {
    /// `Add`, `Modify`, `Remove`.
    pub action: String,
    /// `CreditsAlarm`.
    pub logical_id: String,
    /// `AWS::CloudWatch::Alarm`.
    pub kind: String,
    /// A few words of what it is for.
    pub purpose: String,
    /// It is, or may be, made anew.
    pub replaces: bool,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceRow {
    /// `MountTargetA`.
    pub logical_id: String,
    /// `AWS::EFS::MountTarget`.
    pub kind: String,
    /// A few words of what it is for, e.g. `the door to the files in zone a`.
    pub purpose: String,
    /// State.
    pub state: RowState,
    /// Began.
    pub since: Option<Timestamp>,
    /// Ended.
    pub until: Option<Timestamp>,
    /// `fs-0a1…` once known.
    pub physical_id: Option<String>,
}

/// State of a resource, in words of the lab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowState {
    /// For these resources.
    Waiting(Vec<String>),
    /// Being made or deleted.
    Working,
    /// There.
    Done,
    /// Gone.
    Deleted,
    /// Why.
    Failed(String),
}

/// One of the two machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MachineView {
    /// Which.
    pub side: Side,
    /// `us-east-1a`.
    pub zone: Option<String>,
    /// Public address.
    pub address: Option<String>,
    /// Terminal.
    pub terminal: TerminalState,
}

/// A terminal's session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TerminalState {
    /// Not opened.
    Closed,
    /// SSH is connecting.
    Connecting,
    /// Live.
    Open,
    /// Ended: why; Enter opens it again.
    Ended(String),
}

/// A failure the learner should know of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What happened.
    pub what: String,
    /// Why, as far as known.
    pub why: String,
    /// What to do next.
    pub remedy: String,
    /// What `Command::Retry` would do again, if anything.
    pub retry: Option<String>,
}

impl Trouble {
    /// What, why and what to do, in one line.
    #[must_use]
    pub fn sentence(&self) -> String {
        format!(
            "{}: {}. {}",
            self.what,
            self.why.trim_end_matches('.'),
            self.remedy
        )
    }
}

/// Where the lab is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// Lessons.
    Learning,
    /// Deleting and verifying.
    CleaningUp {
        /// What is being done.
        doing: String,
        /// Since.
        since: Timestamp,
        /// How much of it is done, where it is much.
        share: Option<Share>,
    },
    /// The receipt is there.
    CleanedUp(Receipt),
    /// The program may end.
    Over,
}

/// How much of a piece of work is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// So many of them.
    pub done: usize,
    /// How many there are.
    pub of: usize,
    /// How long the rest takes if it goes on as it went; `None` as long as that is not known.
    pub left: Option<SignedDuration>,
}

impl Share {
    /// A bar of so many characters.
    #[must_use]
    pub fn bar(&self, width: usize) -> String {
        let full = (self.done * width).checked_div(self.of).unwrap_or(width);
        let full = full.min(width);
        format!("[{}{}]", "#".repeat(full), ".".repeat(width - full))
    }

    /// `about 40 s left`
    #[must_use]
    pub fn estimate(&self) -> Option<String> {
        let seconds = self.left?.as_secs();
        Some(match seconds {
            ..90 => format!("about {} s left", seconds.max(1)),
            _ => format!("about {} min left", (seconds + 30) / 60),
        })
    }
}

/// Proof of what is left, per resource type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Receipt {
    /// Twelve digits.
    pub account: String,
    /// Regions asked.
    pub regions: Vec<String>,
    /// Rows.
    pub rows: Vec<ReceiptRow>,
    /// How many times everything was asked.
    pub passes: u32,
    /// Last time it was asked.
    pub asked: Timestamp,
    /// US dollars, estimated.
    pub cost: f64,
    /// Why something is left, and what to do about it: sentences.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// One resource type of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRow {
    /// `instances`, in the plural.
    pub kind: String,
    /// The call that asked: `ec2:DescribeInstances`.
    pub asked: String,
    /// The answer.
    pub answer: Listing,
    /// How many this cleanup deleted.
    pub deleted: usize,
}

/// An honest answer to *is anything left?*
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Listing {
    /// Asked successfully; nothing there.
    Empty,
    /// These are there.
    Left(Vec<String>),
    /// These are there, and are not the lab's to delete.
    Kept(Vec<String>),
    /// Throttled, denied, expired …: unknown, never gone.
    CouldNotTell(String),
}

impl View {
    /// What there is that costs money, as far as the stack says it exists: how many, and one of them in words.
    #[must_use]
    pub fn made(&self) -> Vec<(usize, &'static str)> {
        let rows = self.stack.iter().flat_map(|stack| &stack.rows);
        let there: Vec<_> = rows
            .filter(|row| {
                matches!(
                    row.state,
                    RowState::Done | RowState::Working | RowState::Failed(_)
                )
            })
            .collect();
        let kinds = [
            ("AWS::EC2::Instance", "instance"),
            ("AWS::EFS::FileSystem", "filesystem"),
            ("AWS::EC2::Volume", "volume"),
        ];
        let count = |kind| there.iter().filter(|row| row.kind == kind).count();
        let counts = kinds.map(|(kind, noun)| (count(kind), noun));
        counts.into_iter().filter(|(count, _)| *count > 0).collect()
    }
}

impl Receipt {
    /// Whether every listing was empty.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rows.iter().all(|row| row.answer == Listing::Empty)
    }
}
