//! `efslab lessons`: which there are, what is in one, whether a file is right.

use std::fmt::Write as _;
use std::path::PathBuf;

use miette::{IntoDiagnostic as _, miette};

use super::{Outcome, lab};
use crate::cli::Lessons;
use crate::lesson::catalog::Catalog;
use crate::lesson::glossary;
use crate::lesson::schema::Lesson;

/// Does it.
pub(super) fn run(what: &Lessons) -> miette::Result<Outcome> {
    match what {
        Lessons::List => {
            let mut text = String::new();
            for lesson in &*lab::lessons()? {
                let _ = writeln!(
                    text,
                    "{:>2}  {:14} {} ({} steps, about {} min)",
                    lesson.number,
                    lesson.id,
                    lesson.title,
                    lesson.steps.len(),
                    lesson.minutes
                );
            }
            super::print(&text)?;
            Ok(Outcome::Done)
        }
        Lessons::Show { lesson } => {
            let catalog = Catalog::embedded().into_diagnostic()?;
            let found = catalog.lesson(lesson);
            super::print(&shown(
                found.ok_or_else(|| unknown(lesson, catalog.lessons()))?,
            ))?;
            Ok(Outcome::Done)
        }
        Lessons::Glossary { term } => glossary(term.as_deref()),
        Lessons::Check { paths } => check(paths),
    }
}

fn glossary(wanted: Option<&str>) -> miette::Result<Outcome> {
    let terms = glossary::terms().map_err(|problem| miette!("{problem}"))?;
    let found = glossary::search(&terms, wanted.unwrap_or_default());
    if let (true, Some(wanted)) = (found.is_empty(), wanted) {
        return Err(miette!(
            help = "without a term it prints them all",
            "no term of the glossary has `{wanted}` in its name or meaning"
        ));
    }
    let mut text = String::new();
    for term in found {
        let _ = writeln!(text, "{}: {}", term.title(), term.means);
    }
    super::print(&text)?;
    Ok(Outcome::Done)
}

fn shown(lesson: &Lesson) -> String {
    let mut text = format!(
        "{} {} (about {} min)\n",
        lesson.number, lesson.title, lesson.minutes
    );
    for objective in &lesson.objectives {
        let _ = writeln!(text, "  - {objective}");
    }
    for (number, step) in lesson.steps.iter().enumerate() {
        let _ = writeln!(
            text,
            "\n{}. {} [{}]\n   {}",
            number + 1,
            step.title,
            step.rows.join(", "),
            step.action
        );
    }
    text
}

fn check(paths: &[PathBuf]) -> miette::Result<Outcome> {
    if paths.is_empty() {
        let catalog = Catalog::embedded().into_diagnostic()?;
        super::print(&format!("{}\n", right(&catalog)))?;
        return Ok(Outcome::Done);
    }
    let mut outcome = Outcome::Done;
    for path in paths {
        match Catalog::of_path(path) {
            Ok(catalog) => super::print(&format!("{}: {}\n", path.display(), right(&catalog)))?,
            Err(problems) => {
                super::complain(&format!("{problems}\n"));
                outcome = Outcome::Failed;
            }
        }
    }
    Ok(outcome)
}

fn right(catalog: &Catalog) -> String {
    match catalog.lessons().len() {
        1 => "1 lesson is right".to_owned(),
        several => format!("{several} lessons are right"),
    }
}

/// There is no such lesson; which there are.
pub(super) fn unknown(id: &str, lessons: &[Lesson]) -> miette::Report {
    let ids: Vec<&str> = lessons.iter().map(|lesson| lesson.id.as_str()).collect();
    miette!(
        help = format!("the lessons are: {}", ids.join(", ")),
        "there is no lesson `{id}`"
    )
}
