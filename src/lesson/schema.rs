//! What a lesson file says, as types. Pure data: nothing here reads a file or decides a verdict.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::calculator::Calculator;
use super::reading::Reading;
use super::sight::{Metric, Panel};
use crate::template::Stage;

/// A lesson: one sitting of a few steps.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lesson {
    /// Stable id, as used on the command line: `share-files`.
    pub id: String,
    /// Position in the lab, from 1.
    pub number: u32,
    /// Shown in lists and in the header.
    pub title: String,
    /// How long a learner takes, in minutes.
    pub minutes: u32,
    /// The stack that must stand before the first step, if any.
    #[serde(default)]
    pub stage: Option<Stage>,
    /// What the learner can do afterwards.
    pub objectives: Vec<String>,
    /// In order.
    pub steps: Vec<Step>,
}

/// One thing the learner does, and how it is known to be done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// Stable within its lesson.
    pub id: String,
    /// Rows of the course outline that this step teaches, e.g. `C42`.
    pub rows: Vec<String>,
    /// A few words.
    pub title: String,
    /// Paragraphs, a blank line between two; `code` in backticks; may name `{a.address}`, `{lab}` and the like (see `lesson::check::PLACEHOLDERS`).
    pub text: String,
    /// Name of a file in `assets/diagrams`, without `.txt`.
    #[serde(default)]
    pub diagram: Option<String>,
    /// Name of the template fragment that this step adds or explains, or path of a script in it: `scripts/share-a.sh`.
    #[serde(default)]
    pub fragment: Option<String>,
    /// What one would type with the `aws` or `ssh` command to do the same; shown and copied, never run by the lab.
    #[serde(default)]
    pub commands: Vec<String>,
    /// One sentence: the next action. Always shown in the same place.
    pub action: String,
    /// Asked in the work pane when the step has a question.
    #[serde(default)]
    pub question: Option<Question>,
    /// Figures that are measured in this step, the one that the question asks to guess first.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// What of the account is shown, and looked at again and again until the step is done.
    #[serde(default)]
    pub shows: Vec<Panel>,
    /// By how many minutes `f` puts the practice account's clock forward.
    #[serde(default)]
    pub forward: Option<u32>,
    /// Files of `assets/scripts` that the lab puts into the home directory, unless they are there: `backup.sh`.
    #[serde(default)]
    pub brings: Vec<String>,
    /// Id of an earlier step of the lesson: the verdict tells how long it has taken since that was done.
    #[serde(default)]
    pub timed_from: Option<String>,
    /// Show all that was measured in this lesson so far.
    #[serde(default)]
    pub results: bool,
    /// The evidence that decides.
    pub check: Check,
    /// Three, from a nudge to nearly the answer.
    pub hints: Vec<String>,
    /// What makes the check pass.
    pub solution: Vec<Action>,
    /// A plausible mistake: after it the check must still fail.
    pub wrong: Vec<Action>,
    /// Shown when the step is done: why it was so.
    pub debrief: String,
    /// One line: what changed since 2018.
    #[serde(default)]
    pub changed: Option<String>,
}

/// A question to the learner.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Ends with a question mark.
    pub ask: String,
    /// Choices; none: the learner types the answer.
    #[serde(default)]
    pub options: Vec<Choice>,
}

/// A figure that a command of the learner prints, to be held against a guess and against what is documented.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measure {
    /// Stable within its lesson.
    pub id: String,
    /// A few words for the chart: `write, 1 MiB blocks`.
    pub label: String,
    /// In whose terminal.
    pub on: Side,
    /// Ways to run it, as in `Check::Terminal`.
    pub typed: Texts,
    /// Where the figure stands.
    pub reads: Reading,
    /// What AWS documents for it, if it does.
    #[serde(default)]
    pub rule: Option<Rule>,
}

/// A documented figure; the numbers are in `lesson::throughput`.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Rule {
    /// Writing while there are credits.
    BurstWrite {},
    /// Reading while there are credits: metered at a third.
    BurstRead {},
    /// Writing without credits, at the floor.
    FloorWrite {},
    /// Writing blocks of so many KiB, each only after the one before is safe.
    OneByOne {
        /// Size of a block.
        kib: u32,
    },
    /// Making files one after the other: each waits for so many operations that change something.
    Files {
        /// Operations a file.
        operations: u32,
    },
    /// A gp3 volume as it comes.
    Gp3 {},
}

/// One choice and what to say of it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The choice.
    pub text: String,
    /// Said when it was chosen: why it is right or wrong.
    pub because: String,
}

/// One of the two machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// `EC2InstanceA`, in the first zone.
    A,
    /// `EC2InstanceB`, in the second.
    B,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::A => "A",
            Self::B => "B",
        })
    }
}

/// What must hold for a step to be done. Written in a lesson as a YAML tag: `!Answer {option: 2}`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Check {
    /// The question was answered with this option (from 1).
    Answer {
        /// From 1.
        option: usize,
    },
    /// The question was answered with this number, give or take `within`.
    Number {
        /// Expected.
        is: f64,
        /// Absolute tolerance.
        within: f64,
    },
    /// The question was answered with any number above 0; the verdict then is the calculation.
    Calculator {
        /// What is calculated.
        of: Calculator,
    },
    /// The question was answered with a guess, and after that every one of the step's `measures` was taken.
    Measured {},
    /// The question was answered with a fact of the running lab, e.g. `{b.address}`; a number may be 5 % off.
    Fact {
        /// A placeholder, see `lesson::check::PLACEHOLDERS`.
        is: String,
    },
    /// The lab's stack stands at this stage, created completely.
    Stack {
        /// Stage.
        stage: Stage,
    },
    /// There is a change set that leads to this stage, or it was carried out.
    Proposed {
        /// Stage.
        stage: Stage,
    },
    /// The stack's alarm of this logical id is in this state.
    Alarm {
        /// `CreditsAlarm`
        id: String,
        /// `ALARM`, `OK`
        state: String,
    },
    /// CloudWatch has counted more than so many bytes in the last hour of the filesystem's metrics.
    Metric {
        /// Which.
        metric: Metric,
        /// Bytes.
        above: f64,
    },
    /// So many complete snapshots of the lab are there.
    Snapshots {
        /// How many.
        at_least: usize,
    },
    /// The snapshot that this terminal named last (`snapshot snap-…`) is complete. It is kept in mind: `{snapshot}` from
    /// then on in this lesson.
    Taken {
        /// Where it was named.
        on: Side,
    },
    /// The snapshot in mind (`{snapshot}`) is pinned, so that the job keeps it.
    Pinned {},
    /// The disk for backups (`{volume}`) has at least so many GiB.
    Volume {
        /// GiB.
        gib: i32,
    },
    /// A disk made from a snapshot is attached to A; or, if not, none is left.
    Restored {
        /// Attached, or none left.
        attached: bool,
    },
    /// The machine is in this state.
    Machine {
        /// Which.
        on: Side,
        /// `stopped`, `running`
        state: String,
    },
    /// In that machine's terminal the learner typed one of `typed` and then saw a line that has all of `shows`.
    Terminal {
        /// Whose terminal.
        on: Side,
        /// Ways to do it, the one of the lesson first: `ls`, `touch i-was-here`, `> i-was-here`, `ls ~` (see
        /// `lesson::transcript::Typed::is`).
        typed: Texts,
        /// Parts of one line of its output; none: any output will do, as long as the shell knew the command.
        #[serde(default)]
        shows: Texts,
    },
    /// A command that the checker runs over SSH as ec2-user; reads, never changes anything.
    Remote {
        /// Where.
        on: Side,
        /// For `sh -c`.
        run: String,
        /// Part of standard output; absent: exit status 0 suffices.
        #[serde(default)]
        shows: Option<String>,
        /// Said when it does not hold.
        otherwise: String,
        /// It comes about by itself, in time: as long as it does not hold it is on its way.
        #[serde(default)]
        awaited: bool,
    },
    /// So many writes of each machine were seen on the other, as the action `Causality` does it.
    Causality {
        /// In each direction.
        writes: u32,
    },
    /// Nothing billable is left: every listing of the receipt came back empty.
    NothingLeft {},
    /// All of them.
    All(Vec<Check>),
}

impl Check {
    /// Whether a snapshot must be pinned.
    #[must_use]
    pub fn pins(&self) -> bool {
        match self {
            Self::Pinned {} => true,
            Self::All(checks) => checks.iter().any(Self::pins),
            _ => false,
        }
    }
}

/// Texts; a single one is written without brackets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts(pub Vec<String>);

impl From<&str> for Texts {
    fn from(text: &str) -> Self {
        Self(vec![text.to_owned()])
    }
}

impl<const N: usize> From<[&str; N]> for Texts {
    fn from(texts: [&str; N]) -> Self {
        Self(texts.map(str::to_owned).into())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMore;
        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Texts, E> {
                Ok(text.into())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(OneOrMore)
    }
}

/// Something that is done for the learner, or by the unattended run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub enum Action {
    /// Answers the question: a number of an option, or the text itself (placeholders allowed).
    Answer(String),
    /// Types a line into a machine's terminal, followed by Enter.
    Type {
        /// Whose terminal.
        on: Side,
        /// The line.
        line: String,
        /// What comes next does not wait for its end.
        #[serde(default)]
        meanwhile: bool,
    },
    /// Builds the stack up to this stage, unless it stands.
    Build {
        /// Stage.
        stage: Stage,
    },
    /// Asks what bringing the stack to this stage would change, unless it stands there.
    Propose {
        /// Stage.
        stage: Stage,
    },
    /// Puts the practice account's clock forward; does nothing on AWS.
    Forward {
        /// By how much.
        minutes: u32,
    },
    /// Presses Ctrl-C in a machine's terminal.
    Interrupt {
        /// Whose terminal.
        on: Side,
    },
    /// Sets the state of an alarm by hand, as a test.
    SetAlarm {
        /// `CreditsAlarm`
        id: String,
        /// `ALARM`
        state: String,
    },
    /// Stops the machine.
    Stop {
        /// Which.
        on: Side,
    },
    /// Starts it again.
    Start {
        /// Which.
        on: Side,
    },
    /// Makes a disk from the snapshot in mind (`{snapshot}`) and attaches it to A as `/dev/xvdg`.
    Restore {},
    /// Detaches that disk and deletes it.
    Discard {},
    /// Only in the practice account.
    OnPractice(Vec<Action>),
    /// Only in AWS.
    OnAws(Vec<Action>),
    /// Lets each machine write and the other watch, as often as the step's check wants it, and measures the delays.
    Causality {},
    /// Deletes everything the lab made, and proves it.
    CleanUp {},
}
