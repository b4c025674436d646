//! Where the learner stands among the lessons, and what is recorded of each step.

use std::collections::BTreeMap;
use std::ops::Range;

use super::effect::{Effect, Progress, StepProgress};
use super::step::Current;
use super::view::Mark;
use super::{Engine, Phase};
use crate::lesson::schema::{Lesson, Step};

/// A place in the lab; both from 0, and always one that exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) lesson: usize,
    pub(super) step: usize,
}

/// The place, and the record of every step touched.
#[derive(Debug, Clone)]
pub(super) struct Position {
    pub(super) place: Place,
    records: BTreeMap<(String, String), StepProgress>,
}

impl Position {
    /// Where the journal says, or at the beginning when those lessons have no such step (any more).
    pub(super) fn recovered(lessons: &[Lesson], progress: &Progress) -> Self {
        let place =
            find(lessons, &progress.lesson, progress.step).unwrap_or(Place { lesson: 0, step: 0 });
        let records = progress
            .steps
            .iter()
            .map(|record| ((record.lesson.clone(), record.step.clone()), record.clone()))
            .collect();
        Self { place, records }
    }

    pub(super) fn step<'a>(&self, lessons: &'a [Lesson]) -> &'a Step {
        &lessons[self.place.lesson].steps[self.place.step]
    }

    pub(super) fn record(&self, lessons: &[Lesson]) -> Option<&StepProgress> {
        self.records.get(&key(lessons, self.place))
    }

    /// What is known of another step.
    pub(super) fn record_of(&self, lesson: &Lesson, step: &Step) -> Option<&StepProgress> {
        self.records.get(&(lesson.id.clone(), step.id.clone()))
    }

    /// What became of a step.
    pub(super) fn mark(&self, lessons: &[Lesson], place: Place) -> Mark {
        match self.records.get(&key(lessons, place)) {
            Some(record) if record.passed.is_some() => Mark::Passed,
            Some(record) if record.skipped => Mark::Skipped,
            _ => Mark::Open,
        }
    }

    /// Forgets what is recorded of these steps of a lesson.
    fn forget(&mut self, lesson: &Lesson, steps: Range<usize>) {
        for step in &lesson.steps[steps] {
            let key = (lesson.id.clone(), step.id.clone());
            self.records.remove(&key);
        }
    }

    pub(super) fn after(&self, lessons: &[Lesson]) -> Option<Place> {
        let Place { lesson, step } = self.place;
        if step + 1 < lessons[lesson].steps.len() {
            Some(Place {
                lesson,
                step: step + 1,
            })
        } else {
            (lesson + 1 < lessons.len()).then_some(Place {
                lesson: lesson + 1,
                step: 0,
            })
        }
    }

    pub(super) fn before(&self, lessons: &[Lesson]) -> Option<Place> {
        let Place { lesson, step } = self.place;
        match (step, lesson) {
            (1.., _) => Some(Place {
                lesson,
                step: step - 1,
            }),
            (0, 1..) => Some(Place {
                lesson: lesson - 1,
                step: lessons[lesson - 1].steps.len() - 1,
            }),
            (0, 0) => None,
        }
    }

    /// Keeps what is known of the current step.
    pub(super) fn keep(&mut self, lessons: &[Lesson], step: &Current) {
        let key = key(lessons, self.place);
        self.records.insert(
            key.clone(),
            StepProgress {
                lesson: key.0,
                step: key.1,
                passed: step.passed().map(str::to_owned),
                skipped: step.mark() == Mark::Skipped,
                hints: step.hints,
                answer: step.answer.clone(),
                measured: step.measured.clone(),
                passed_at: step.passed_at,
                snapshot: step.snapshot.clone(),
            },
        );
    }

    /// As the journal keeps it; `leaving`: the lab is being taken down.
    pub(super) fn progress(&self, lessons: &[Lesson], step: &Current, leaving: bool) -> Progress {
        let mut with_now = self.clone();
        with_now.keep(lessons, step);
        Progress {
            lesson: lessons[self.place.lesson].id.clone(),
            step: self.place.step,
            leaving,
            alarm_email: None,
            steps: with_now.records.into_values().collect(),
        }
    }
}

/// Under what a step's record is kept: by names, so that a lesson may gain steps.
fn key(lessons: &[Lesson], place: Place) -> (String, String) {
    let lesson = &lessons[place.lesson];
    (lesson.id.clone(), lesson.steps[place.step].id.clone())
}

/// The place of a lesson's step, if there is one.
pub(super) fn find(lessons: &[Lesson], lesson: &str, step: usize) -> Option<Place> {
    let at = lessons
        .iter()
        .position(|candidate| candidate.id == lesson)?;
    (step < lessons[at].steps.len()).then_some(Place { lesson: at, step })
}

impl Engine {
    pub(super) fn step_now(&self) -> &Step {
        self.position.step(&self.setup.lessons)
    }

    pub(super) fn lesson_now(&self) -> &Lesson {
        &self.setup.lessons[self.position.place.lesson]
    }

    /// Goes to another step; what was being done for the learner is given up.
    pub(super) fn move_to(&mut self, place: Option<Place>, effects: &mut Vec<Effect>) {
        let Some(place) = place else { return };
        if matches!(self.phase, Phase::CleaningUp { .. }) {
            return;
        }
        self.position.keep(&self.setup.lessons, &self.step);
        self.arrive(place, effects);
    }

    /// Goes on; a step that is not passed is left out.
    pub(super) fn go_on(&mut self, effects: &mut Vec<Effect>) {
        let next = self.position.after(&self.setup.lessons);
        if next.is_some() && !matches!(self.phase, Phase::CleaningUp { .. }) {
            self.step.skip();
        }
        self.move_to(next, effects);
    }

    /// Forgets what became of a step and goes there, to do it once more. What is on the machines stays.
    pub(super) fn redo(&mut self, lesson: &str, step: usize, effects: &mut Vec<Effect>) {
        let Some(place) = find(&self.setup.lessons, lesson, step) else {
            return;
        };
        if matches!(self.phase, Phase::CleaningUp { .. }) {
            return;
        }
        self.position.keep(&self.setup.lessons, &self.step);
        let lesson = &self.setup.lessons[place.lesson];
        self.position.forget(lesson, step..step + 1);
        self.arrive(place, effects);
    }

    /// Forgets what became of all steps of a lesson; whoever stands in it stands at its beginning. What is on the machines
    /// stays.
    pub(super) fn reset(&mut self, lesson: &str, effects: &mut Vec<Effect>) {
        let Some(place) = find(&self.setup.lessons, lesson, 0) else {
            return;
        };
        if matches!(self.phase, Phase::CleaningUp { .. }) {
            return;
        }
        let lesson = &self.setup.lessons[place.lesson];
        self.position.forget(lesson, 0..lesson.steps.len());
        if self.position.place.lesson == place.lesson {
            self.arrive(place, effects);
        } else {
            self.save(effects);
        }
    }

    /// Begins a step as its record has it.
    fn arrive(&mut self, place: Place, effects: &mut Vec<Effect>) {
        self.position.place = place;
        self.doing = None;
        self.step = Current::of(self.step_now(), self.position.record(&self.setup.lessons));
        self.looking.forget();
        self.brought.clear();
        self.begin_transcripts(effects);
        self.save(effects);
    }

    /// What the terminals have shown so far says nothing about what comes now.
    pub(super) fn begin_transcripts(&mut self, effects: &mut Vec<Effect>) {
        self.texts.clear();
        self.wiped.clear();
        self.mark += 1;
        effects.push(Effect::MarkTerminals(self.mark));
    }
}
