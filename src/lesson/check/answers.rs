//! Checks of what the learner has answered: a choice, a number, a fact of the lab, a guess and what was measured after it.

use super::{Evidence, Verdict, figures};
use crate::lesson::calculator::Calculator;
use crate::lesson::facts::{self, fill};
use crate::lesson::schema::{Question, Step};
use crate::lesson::throughput;

pub(super) fn choice(option: usize, question: Option<&Question>, evidence: &Evidence) -> Verdict {
    let Some(answer) = answer(evidence) else {
        return Verdict::NotYet("the question has no answer yet".to_owned());
    };
    let options = question.map_or(&[][..], |question| &question.options);
    let chosen = chosen(answer, options.iter().map(|choice| choice.text.as_str()));
    match chosen.and_then(|at| Some((at, options.get(at.checked_sub(1)?)?))) {
        Some((at, choice)) if at == option => Verdict::Passed(choice.because.clone()),
        Some((_, choice)) => Verdict::NotYet(choice.because.clone()),
        None => Verdict::NotYet(format!(
            "`{answer}` is none of the {} options",
            options.len()
        )),
    }
}

/// The number (from 1) of the option that an answer names by number or by its text.
#[must_use]
pub fn chosen<'a>(answer: &str, options: impl Iterator<Item = &'a str>) -> Option<usize> {
    let answer = answer.trim();
    if let Ok(number) = answer.parse() {
        return Some(number);
    }
    let mut options = options;
    options
        .position(|text| text.eq_ignore_ascii_case(answer))
        .map(|at| at + 1)
}

pub(super) fn number(is: f64, within: f64, evidence: &Evidence) -> Verdict {
    let Some(answer) = answer(evidence) else {
        return Verdict::NotYet("the question has no answer yet".to_owned());
    };
    match parse_number(answer) {
        // A float's last bit must not decide: 1.51 is within 0.01 of 1.5.
        Some(number) if (number - is).abs() <= within + 1e-9 => {
            Verdict::Passed(format!("{answer} is right"))
        }
        Some(_) => Verdict::NotYet(format!("{answer} is not it")),
        None => Verdict::NotYet(format!("`{answer}` is not a number")),
    }
}

pub(super) fn calculation(calculator: Calculator, evidence: &Evidence) -> Verdict {
    let Some(answer) = answer(evidence) else {
        return Verdict::NotYet("the question has no answer yet".to_owned());
    };
    let unit = calculator.unit();
    match parse_number(answer) {
        Some(number) if number > 0.0 => Verdict::Passed(calculator.of(number)),
        Some(_) => Verdict::NotYet(format!("a number of {unit} above 0 is expected")),
        None => Verdict::NotYet(format!("`{answer}` is not a number of {unit}")),
    }
}

pub(super) fn measured(step: &Step, evidence: &Evidence) -> Verdict {
    let guess = match (&step.question, answer(evidence)) {
        (Some(_), None) => return Verdict::NotYet("guess first, then measure".to_owned()),
        (Some(_), Some(answer)) => match parse_number(answer) {
            Some(guess) if guess > 0.0 => Some(guess),
            _ => {
                return Verdict::NotYet(format!("`{answer}` is no guess: a number above 0 is"));
            }
        },
        (None, _) => None,
    };
    let mut told = Vec::new();
    for (measure, figure) in step.measures.iter().zip(figures(step, evidence)) {
        let Some(figure) = figure else {
            let way = measure.typed.0.first().map_or("", String::as_str);
            let terminal = evidence.transcript(measure.on);
            let begun =
                (terminal.typed()).any(|typed| measure.typed.0.iter().any(|way| typed.is(way)));
            if begun && !terminal.awaits_input() {
                return Verdict::Converging(format!(
                    "{} is still at it ({})",
                    measure.on, measure.label
                ));
            }
            return Verdict::NotYet(format!(
                "`{way}` on {} has shown no result yet ({})",
                measure.on, measure.label
            ));
        };
        let unit = measure.reads.unit();
        let figure = throughput::shown(figure);
        told.push(format!("{}: {figure} {unit}", measure.label));
    }
    if let Some(guess) = guess {
        told.push(format!("you guessed {}", throughput::shown(guess)));
    }
    Verdict::Passed(told.join("; "))
}

/// Reads what people type for a number: `1.50`, `1,50`, `$1.50`, `1.5 USD`.
#[must_use]
pub fn parse_number(text: &str) -> Option<f64> {
    let bare = text
        .trim()
        .trim_start_matches('$')
        .trim_end_matches(|c: char| c.is_alphabetic() || c.is_whitespace() || c == '$')
        .trim();
    let number: f64 = bare.replace(',', ".").parse().ok()?;
    number.is_finite().then_some(number)
}

pub(super) fn fact(is: &str, evidence: &Evidence) -> Verdict {
    let Some(answer) = answer(evidence) else {
        return Verdict::NotYet("the question has no answer yet".to_owned());
    };
    let unknown = facts::names(is).find(|name| evidence.facts.get(name).is_none());
    if let Some(name) = unknown {
        return Verdict::CouldNotCheck(format!(
            "the {} is not known yet",
            facts::known(name).map_or(name, |place| place.means)
        ));
    }
    let wanted = fill(is, &evidence.facts);
    // Of a sum that was read from a screen nobody types the last digit.
    let close = |wanted: f64, number: f64| (wanted - number).abs() <= 0.05 * wanted.abs();
    let same = match (parse_number(&wanted), parse_number(answer)) {
        (Some(wanted), Some(number)) => close(wanted, number),
        _ => wanted == answer,
    };
    if same {
        Verdict::Passed(format!("{answer} is right"))
    } else {
        Verdict::NotYet(format!("{answer} is not it"))
    }
}

fn answer(evidence: &Evidence) -> Option<&str> {
    evidence
        .answer
        .as_deref()
        .map(str::trim)
        .filter(|answer| !answer.is_empty())
}
