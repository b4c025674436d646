//! What was guessed, measured and is documented, as charts: of the current step, or of the whole lesson.

use std::collections::BTreeMap;

use super::Engine;
use super::view::{Bar, BarKind, Chart, PanelContent, PanelView, Table};
use crate::lesson::check::parse_number;
use crate::lesson::schema::{Measure, Rule, Step};
use crate::lesson::throughput::shown;

const GUESS: &str = "your guess";

impl Engine {
    /// One chart a unit; none as long as there is nothing to show.
    pub(super) fn charts(&self) -> Vec<Chart> {
        let step = self.step_now();
        let mut charts = Charts::default();
        if step.results {
            for step in &self.lesson_now().steps {
                let Some(record) = self.position.record_of(self.lesson_now(), step) else {
                    continue;
                };
                let first = step.measures.first();
                if let (Some(first), Some(guess)) = (first, guessed(record.answer.as_deref())) {
                    charts.add(first, GUESS.to_owned(), BarKind::Guess, guess);
                }
                charts.results(step, &record.measured);
            }
        }
        if let Some(first) = step.measures.first() {
            if let Some(guess) = self.guess() {
                charts.add(first, GUESS.to_owned(), BarKind::Guess, guess);
            }
            charts.results(step, &self.step.measured);
        }
        charts.0
    }

    /// What the learner guessed of the step's first measure.
    pub(super) fn guess(&self) -> Option<f64> {
        guessed(self.step.answer.as_deref())
    }

    /// Everything measured in the lesson, beside what was guessed and what is documented, where the step is about that.
    pub(super) fn figures(&self) -> Option<PanelView> {
        let lesson = self.lesson_now();
        if !self.step_now().results {
            return None;
        }
        let mut rows = Vec::new();
        for step in &lesson.steps {
            let Some(record) = self.position.record_of(lesson, step) else {
                continue;
            };
            for (at, measure) in step.measures.iter().enumerate() {
                let Some(figure) = record.measured.get(&measure.id) else {
                    continue;
                };
                let told = |figure: Option<f64>| figure.map_or_else(|| "-".to_owned(), shown);
                // The guess was of the first.
                let guess = guessed(record.answer.as_deref()).filter(|_| at == 0);
                rows.push(vec![
                    format!("{}: {}", measure.on, measure.label),
                    measure.reads.unit().to_owned(),
                    told(guess),
                    shown(*figure),
                    told(measure.rule.map(Rule::figure)),
                ]);
            }
        }
        let head = ["what", "in", "you guessed", "measured", "documented"];
        Some(PanelView {
            title: "Guess, measurement, rule".to_owned(),
            content: PanelContent::Table(Table {
                head: head.map(str::to_owned).to_vec(),
                rows,
                note: None,
            }),
        })
    }
}

/// A guess that can be compared with something.
fn guessed(answer: Option<&str>) -> Option<f64> {
    let guess = answer.and_then(parse_number);
    guess.filter(|guess| *guess > 0.0)
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
