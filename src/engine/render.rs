//! From the engine's state to the snapshot that a front end shows.

use jiff::Timestamp;

use super::view::{
    Block, LessonRow, MachineView, Phase, Purpose, QuestionView, StepRow, StepState, StepView,
    TerminalState, View, Work,
};
use super::{Engine, Side, position};
use crate::lesson::check;
use crate::lesson::diagram;
use crate::lesson::facts::fill;
use crate::lesson::schema::{Action, Check, Step};
use crate::template;

impl Engine {
    /// The lab as it is now.
    #[must_use]
    pub fn view(&self) -> View {
        View {
            lab: self.setup.lab.clone(),
            target: self.setup.target.clone(),
            started: self.setup.made,
            removes_itself: self.lease_ends(),
            arming: self.is_arming(),
            cost: self.spent_so_far(),
            cost_per_hour: self.per_hour(),
            owed: self.owed(),
            lessons: self.lesson_rows(),
            step: self.step_view(),
            stack: self
                .stack
                .as_ref()
                .map(|stack| stack.view(self.setup.faster, self.proposal_view())),
            machines: [Side::A, Side::B].map(|side| self.machine_view(side)),
            trouble: self.trouble.clone(),
            phase: self.phase.clone(),
        }
    }

    fn lesson_rows(&self) -> Vec<LessonRow> {
        let now = self.position.place;
        let row = |(at, lesson): (usize, &crate::lesson::schema::Lesson)| LessonRow {
            id: lesson.id.clone(),
            number: lesson.number,
            title: lesson.title.clone(),
            minutes: lesson.minutes,
            steps: lesson
                .steps
                .iter()
                .enumerate()
                .map(|(number, step)| {
                    let place = position::Place {
                        lesson: at,
                        step: number,
                    };
                    let mark = if place == now {
                        self.step.mark()
                    } else {
                        self.position.mark(&self.setup.lessons, place)
                    };
                    StepRow {
                        title: step.title.clone(),
                        mark,
                    }
                })
                .collect(),
        };
        self.setup.lessons.iter().enumerate().map(row).collect()
    }

    fn step_view(&self) -> StepView {
        let (lesson, step) = (self.lesson_now(), self.step_now());
        let facts = self.facts();
        let shown = |text: &String| fill(text, &facts);
        let mut blocks: Vec<Block> = step
            .text
            .split("\n\n")
            .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
            .filter(|paragraph| !paragraph.is_empty())
            .map(|paragraph| Block::Text(fill(&paragraph, &facts)))
            .collect();
        if let Some(text) = step.diagram.as_deref().and_then(diagram::diagram) {
            blocks.push(Block::Diagram(text.to_owned()));
        }
        if let Some((name, text)) = step
            .fragment
            .as_deref()
            .and_then(|name| Some((name, template::fragment(name)?)))
        {
            blocks.push(Block::Fragment {
                name: name.to_owned(),
                text: text.to_owned(),
            });
        }
        if !step.commands.is_empty() {
            blocks.push(Block::Commands(step.commands.iter().map(shown).collect()));
        }
        if let Some(changed) = &step.changed {
            blocks.push(Block::Changed(changed.clone()));
        }
        let passed = self.step.passed().is_some();
        StepView {
            lesson: lesson.id.clone(),
            lesson_number: lesson.number,
            number: self.position.place.step + 1,
            of: lesson.steps.len(),
            title: step.title.clone(),
            blocks,
            action: if self.awaits_consent() {
                "Press r to build the machines in your AWS account, which costs money until you clean up.".to_owned()
            } else if step.question.is_some() && self.is_built(step) {
                "The stack stands: answer the question.".to_owned()
            } else if self.step.needs_causality() && self.has_measured_causality() {
                "Both ways are measured: answer the question.".to_owned()
            } else if let Some(ask) = self.asks_to_guess() {
                format!("Guess first, with Enter: {}", fill(ask, &facts))
            } else {
                fill(&step.action, &facts)
            },
            question: step.question.as_ref().map(|question| QuestionView {
                ask: shown(&question.ask),
                options: question.options.clone(),
                answered: self.step.answer.as_ref().map(|answer| {
                    let texts = question.options.iter().map(|choice| choice.text.as_str());
                    let because = check::chosen(answer, texts)
                        .and_then(|number| question.options.get(number.checked_sub(1)?))
                        .map_or_else(String::new, |choice| choice.because.clone());
                    (answer.clone(), because)
                }),
                purpose: purpose(step),
            }),
            charts: self.charts(),
            panels: self.panels(),
            forward: self.forwards(),
            causality: self.causality_view(),
            hints: step.hints.iter().take(self.step.hints).map(shown).collect(),
            hints_of: step.hints.len(),
            state: self.step_state(),
            due: self.due(),
            verdicts: self.step.verdicts,
            debrief: passed.then(|| shown(&step.debrief)),
            work: self.work(step),
        }
    }

    /// The question whose answer is a guess, while there is none.
    fn asks_to_guess(&self) -> Option<&str> {
        let step = self.step_now();
        let open = purpose(step) == Purpose::Guess && self.guess().is_none();
        let question = step.question.as_ref().filter(|_| open);
        question.map(|question| question.ask.as_str())
    }

    /// Whether the step is about building and that is done.
    fn is_built(&self, step: &Step) -> bool {
        let built = |action: &Action| match action {
            Action::Build { stage } => self.stands_at(*stage),
            _ => false,
        };
        step.solution.iter().any(built)
    }

    fn step_state(&self) -> StepState {
        if let Some(doing) = self.doing.as_ref().filter(|_| self.step.passed().is_none()) {
            return StepState::Working {
                what: doing.what(),
                since: doing.since,
            };
        }
        if self.step.is_checking() {
            return StepState::Working {
                what: "checking".to_owned(),
                since: self.at,
            };
        }
        self.step.state().unwrap_or(StepState::Open)
    }

    /// When what is awaited usually is there: the end of the stack's operation, or the next run of the backup job.
    fn due(&self) -> Option<Timestamp> {
        if !matches!(self.step.state(), Some(StepState::Converging(_))) {
            return None;
        }
        let Some(stack) = self.stack.as_ref().filter(|stack| !stack.is_settled()) else {
            return self.next_snapshot();
        };
        let view = stack.view(self.setup.faster, None);
        view.since.checked_add(view.usual).ok()
    }

    /// What the work pane is for. A cleanup that runs or has run is always shown.
    fn work(&self, step: &Step) -> Work {
        if matches!(self.phase, Phase::CleaningUp { .. } | Phase::CleanedUp(_))
            || self.step.needs_receipt()
        {
            Work::Receipt
        } else if self.step.needs_machines() || step.solution.iter().any(concerns_machines) {
            let standing = self
                .stack
                .as_ref()
                .is_some_and(super::stack::Stack::is_standing);
            if standing && !self.is_about_to_update() {
                if self.step.needs_causality() {
                    Work::Causality
                } else {
                    Work::Terminals
                }
            } else {
                Work::Stack
            }
        } else if self.step.needs_stack()
            && step
                .question
                .as_ref()
                .is_none_or(|question| question.options.len() > 1)
            || self
                .stack
                .as_ref()
                .is_some_and(|stack| !stack.is_standing())
        {
            Work::Stack
        } else {
            Work::Question
        }
    }

    fn machine_view(&self, side: Side) -> MachineView {
        let machine = self.machines.get(&side);
        MachineView {
            side,
            zone: machine.map(|machine| machine.zone.clone()),
            address: machine.and_then(|machine| machine.address.clone()),
            terminal: self
                .terminals
                .get(&side)
                .cloned()
                .unwrap_or(TerminalState::Closed),
        }
    }
}

/// Whether an action is seen in the terminals.
fn concerns_machines(action: &Action) -> bool {
    match action {
        Action::Type { .. } | Action::Stop { .. } | Action::Start { .. } => true,
        Action::OnPractice(inner) | Action::OnAws(inner) => inner.iter().any(concerns_machines),
        _ => false,
    }
}

/// What the answer to a step's question is for.
fn purpose(step: &Step) -> Purpose {
    if !step.measures.is_empty() {
        Purpose::Guess
    } else if matches!(step.check, Check::Calculator { .. }) {
        Purpose::Calculation
    } else {
        Purpose::Test
    }
}
