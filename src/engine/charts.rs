//! What was guessed, measured and is documented, as charts: of the current step, or of the whole lesson.

use std::collections::BTreeMap;

use super::Engine;
use super::view::{Bar, BarKind, Chart};
use crate::lesson::check::parse_number;
use crate::lesson::schema::{Measure, Step};

impl Engine {
    /// One chart a unit; none as long as there is nothing to show.
    pub(super) fn charts(&self) -> Vec<Chart> {
        let step = self.step_now();
        let mut charts = Charts::default();
        if step.results {
            for step in &self.lesson_now().steps {
                if let Some(measured) = self.position.measured(self.lesson_now(), step) {
                    charts.results(step, measured);
                }
            }
        }
        if let Some(first) = step.measures.first() {
            if let Some(guess) = self.guess() {
                charts.add(first, "your guess".to_owned(), BarKind::Guess, guess);
            }
            charts.results(step, &self.step.measured);
        }
        charts.0
    }

    /// What the learner guessed of the step's first measure.
    pub(super) fn guess(&self) -> Option<f64> {
        let guess = self.step.answer.as_deref().and_then(parse_number);
        guess.filter(|guess| *guess > 0.0)
    }
}

#[derive(Default)]
struct Charts(Vec<Chart>);

impl Charts {
    /// What was measured in a step, each figure followed by what is documented for it, unless that was just told.
    fn results(&mut self, step: &Step, measured: &BTreeMap<String, f64>) {
        let taken = |measure: &&Measure| measured.contains_key(&measure.id);
        let mut measures = step.measures.iter().filter(taken).peekable();
        while let Some(measure) = measures.next() {
            let label = format!("{}: {}", measure.on, measure.label);
            self.add(measure, label, BarKind::Measured, measured[&measure.id]);
            let same = |next: &&Measure| next.rule == measure.rule;
            if let Some(rule) = measure.rule
                && !measures.peek().is_some_and(same)
            {
                self.add(measure, rule.why(), BarKind::Documented, rule.figure());
            }
        }
    }

    fn add(&mut self, measure: &Measure, label: String, kind: BarKind, value: f64) {
        let unit = measure.reads.unit();
        let bar = Bar { label, kind, value };
        match self.0.iter_mut().find(|chart| chart.unit == unit) {
            Some(chart) => chart.bars.push(bar),
            None => self.0.push(Chart {
                unit: unit.to_owned(),
                bars: vec![bar],
            }),
        }
    }
}
