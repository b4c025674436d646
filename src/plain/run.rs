//! The lines of an unattended run: one a step, then a summary.

use std::fmt::Display;
use std::time::Duration;

use crate::engine::view::Target;
use crate::lesson::schema::{Lesson, Step};

/// Room for `12 share-files 10/12`.
const PLACE: usize = 24;

/// The first line.
#[must_use]
pub fn heading(lab: &str, target: &Target, lessons: usize) -> String {
    let place = match target {
        Target::Practice { pace, region } => format!("practice account, {region}, {pace}"),
        Target::Aws { account, region } => format!("AWS account {account}, {region}"),
    };
    let lessons = if lessons == 1 {
        "1 lesson".to_owned()
    } else {
        format!("{lessons} lessons")
    };
    format!(
        "{lab}: {lessons} on the {place}. Each step must fail, fail with a mistake, then pass.\n"
    )
}

/// One step's line.
#[must_use]
pub fn step<E: Display>(
    lesson: &Lesson,
    number: usize,
    step: &Step,
    outcome: &Result<String, E>,
    took: Duration,
) -> String {
    let place = format!(
        "{} {} {}/{}",
        lesson.number,
        lesson.id,
        number + 1,
        lesson.steps.len()
    );
    let took = took.as_secs_f64();
    match outcome {
        Ok(evidence) => format!(
            "ok    {place:PLACE$} {} ({took:.2} s): {}\n",
            step.title,
            one_line(evidence)
        ),
        Err(why) => format!(
            "FAIL  {place:PLACE$} {} ({took:.2} s): {}\n",
            step.title,
            one_line(&why.to_string())
        ),
    }
}

/// The last line.
#[must_use]
pub fn summary(passed: usize, failed: usize, took: Duration) -> String {
    format!(
        "{passed} steps passed, {failed} failed, in {:.2} s\n",
        took.as_secs_f64()
    )
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
