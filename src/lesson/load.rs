//! From YAML to lessons, prices and the glossary. The only place here that knows YAML; what a lesson may say is judged in `validate`.

use serde::de::DeserializeOwned;

use super::arithmetic::Prices;
use super::glossary::Term;
use super::positions::positions;
use super::problem::{Problem, Problems};
use super::schema::Lesson;
use super::validate::validate;

/// Reads a lesson from the text of a file.
///
/// # Errors
/// Everything that is wrong, each with its line: of the YAML or of a type the first mistake only, as nothing can be
/// read after it; of the contents all.
pub fn lesson(file: &str, text: &str) -> Result<Lesson, Problems> {
    let lesson: Lesson = parse(file, text).map_err(|problem| Problems(vec![problem]))?;
    let problems = validate(file, &lesson, &positions(text));
    if problems.is_empty() {
        Ok(lesson)
    } else {
        Err(Problems(problems))
    }
}

/// The embedded prices.
pub fn prices() -> Result<Prices, Problem> {
    parse(
        "assets/prices.yaml",
        include_str!("../../assets/prices.yaml"),
    )
}

/// The embedded glossary.
pub(super) fn glossary() -> Result<Vec<Term>, Problem> {
    parse(
        "assets/glossary.yaml",
        include_str!("../../assets/glossary.yaml"),
    )
}

fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Problem> {
    serde_yaml::from_str(text).map_err(|error| {
        let what = described(&error);
        // Without a place it is the end of the file that was not expected.
        let line = error
            .location()
            .map_or_else(|| text.lines().count().max(1), |place| place.line());
        Problem {
            file: file.to_owned(),
            line: Some(line_of_tag(text, line, &what).unwrap_or(line)),
            what,
        }
    })
}

/// Where the tag stands that an error calls unknown. The deserializer only tells where the mapping around it begins.
fn line_of_tag(text: &str, from: usize, what: &str) -> Option<usize> {
    let tag = what.split_once("unknown variant `")?.1.split_once('`')?.0;
    let tag = format!("!{tag}");
    let is_tag = |line: &str| {
        line.split([' ', '[', ',', '{'])
            .any(|word| word.trim_end_matches(']') == tag)
    };
    text.lines()
        .enumerate()
        .skip(from.saturating_sub(1))
        .find_map(|(at, line)| is_tag(line).then_some(at + 1))
}

/// The error's own words, without the place when that is all they end with.
fn described(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    let place = error
        .location()
        .map(|place| format!(" at line {} column {}", place.line(), place.column()));
    match place.and_then(|place| text.strip_suffix(&place)) {
        Some(words) => words.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
