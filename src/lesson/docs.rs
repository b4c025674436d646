//! The documents about lessons, held against the lessons and their schema: nothing is missing, nothing is made up.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::catalog::Catalog;
use super::check::{Evidence, Verdict, evaluate};
use super::facts::PLACEHOLDERS;
use super::outline::ROWS;
use super::{load, outline};

/// Rows of the outline that no step teaches yet. It must become empty.
const STILL_MISSING: &[&str] = &[];

/// Set, the table is written instead of compared.
const UPDATE: &str = "EFSLAB_UPDATE_DOCS";

fn document(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("docs")
        .join(name)
}

fn guide() -> String {
    std::fs::read_to_string(document("LESSONS.md")).unwrap()
}

/// Which steps teach a row, in order: title, and `lesson/step`.
fn taught() -> BTreeMap<String, Vec<(String, String)>> {
    let catalog = Catalog::embedded().unwrap_or_else(|problems| panic!("{problems}"));
    let mut taught = BTreeMap::<_, Vec<_>>::new();
    for lesson in catalog.lessons() {
        for step in &lesson.steps {
            for row in &step.rows {
                let place = format!("{}/{}", lesson.id, step.id);
                let steps = taught.entry(row.clone()).or_default();
                steps.push((step.title.clone(), place));
            }
        }
    }
    taught
}

#[test]
fn every_row_of_the_outline_is_taught_but_those_that_are_known_to_be_missing() {
    let taught = taught();
    let missing: Vec<_> = ROWS
        .iter()
        .filter(|row| !taught.contains_key(**row))
        .copied()
        .collect();
    assert_eq!(
        missing,
        STILL_MISSING,
        "rows without a step, and STILL_MISSING of {}, which must only shrink",
        file!()
    );
    assert!(taught.keys().all(|row| outline::is_row(row)));
}

#[test]
fn the_table_of_the_chapter_is_that_of_the_lessons() {
    let taught = taught();
    let mut table = String::from(
        "# Where each point of the chapter is taught\n\n\
         Rows are those of the course outline: `C…` are facts of the chapter, `B…` go beyond it. This file is made from the \
         lessons\nby a test; `EFSLAB_UPDATE_DOCS=1 cargo test --lib lesson::docs` writes it anew.\n\n\
         | row | what is done | where |\n|---|---|---|\n",
    );
    for row in ROWS {
        let steps = taught.get(*row).map_or(&[][..], Vec::as_slice);
        let (titles, places): (Vec<_>, Vec<_>) = steps
            .iter()
            .map(|(title, place)| (title.as_str(), format!("`{place}`")))
            .unzip();
        let _ = if steps.is_empty() {
            writeln!(table, "| {row} | | not yet |")
        } else {
            writeln!(
                table,
                "| {row} | {} | {} |",
                titles.join("; "),
                places.join(", ")
            )
        };
    }
    let path = document("CHAPTER.md");
    if std::env::var_os(UPDATE).is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == table,
        "docs/CHAPTER.md is not what the lessons teach; `{UPDATE}=1 cargo test --lib lesson::docs` writes it anew"
    );
}

/// The part of the guide under this heading.
fn section<'a>(guide: &'a str, heading: &str) -> &'a str {
    let begin = format!("\n### {heading}\n");
    let (_, rest) = guide
        .split_once(&begin)
        .unwrap_or_else(|| panic!("the guide has no section {heading}"));
    rest.split("\n##").next().unwrap_or_default()
}

/// What the rows of a section's table begin with, without backticks.
fn rows(section: &str) -> Vec<&str> {
    section
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

/// The lines between the braces of a type.
fn body<'a>(source: &'a str, kind: &str, name: &str) -> Vec<&'a str> {
    let begin = format!("\npub {kind} {name} {{\n");
    let (_, rest) = source
        .split_once(&begin)
        .unwrap_or_else(|| panic!("there is no {kind} {name}"));
    rest.lines().take_while(|line| *line != "}").collect()
}

/// Fields of a struct.
fn fields(source: &str, name: &str) -> BTreeSet<String> {
    let lines = body(source, "struct", name).into_iter();
    lines
        .filter_map(|line| Some(line.strip_prefix("    pub ")?.split_once(':')?.0.to_owned()))
        .collect()
}

/// Variants of an enum, as a lesson writes them: `!Number { is, within }`, `!Dd {}`, `!All`.
fn variants(source: &str, name: &str) -> BTreeSet<String> {
    let mut variants = BTreeSet::new();
    let mut open: Option<(String, Vec<String>)> = None;
    for line in body(source, "enum", name) {
        let text = line.trim();
        if text.is_empty() || text.starts_with("//") || text.starts_with('#') {
            continue;
        }
        match &mut open {
            Some((variant, fields)) if text.starts_with('}') => {
                variants.insert(format!("!{variant} {{ {} }}", fields.join(", ")));
                open = None;
            }
            Some((_, fields)) => fields.extend(text.split_once(':').map(|it| it.0.to_owned())),
            None => {
                if let Some(variant) = text.strip_suffix(" {") {
                    open = Some((variant.to_owned(), Vec::new()));
                } else if let Some((variant, _)) = text.split_once('(') {
                    variants.insert(format!("!{variant}"));
                } else {
                    variants.insert(format!("!{}", text.trim_end_matches(',')));
                }
            }
        }
    }
    variants
}

#[test]
fn the_guide_names_every_field_and_no_other() {
    let guide = guide();
    let schema = include_str!("schema.rs");
    for name in ["Lesson", "Step", "Question", "Choice", "Measure"] {
        let told: BTreeSet<_> = rows(section(&guide, name))
            .into_iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(told, fields(schema, name), "{name}");
    }
}

#[test]
fn the_guide_names_every_tag_with_its_fields_and_no_other() {
    let guide = guide();
    for (name, source) in [
        ("Check", include_str!("schema.rs")),
        ("Action", include_str!("schema.rs")),
        ("Rule", include_str!("schema.rs")),
        ("Reading", include_str!("reading.rs")),
        ("Calculator", include_str!("calculator.rs")),
    ] {
        let told: BTreeSet<_> = rows(section(&guide, name))
            .into_iter()
            .map(str::to_owned)
            .collect();
        assert_eq!(told, variants(source, name), "{name}");
    }
}

#[test]
fn the_guide_names_every_placeholder_and_no_other() {
    let guide = guide();
    let told = rows(section(&guide, "Placeholders"));
    let known: Vec<_> = PLACEHOLDERS
        .iter()
        .map(|place| format!("{{{}}}", place.name))
        .collect();
    assert_eq!(told, known);
}

#[test]
fn the_worked_example_of_the_guide_is_a_right_lesson() {
    let guide = guide();
    let (_, rest) = guide.split_once("```yaml\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    let lesson = load::lesson("docs/LESSONS.md", text).unwrap_or_else(|wrong| panic!("{wrong}"));
    assert_eq!(lesson.steps.len(), 2);
    for step in &lesson.steps {
        let untouched = evaluate(step, &Evidence::default());
        assert!(!matches!(untouched, Verdict::Passed(_)), "{untouched:?}");
    }
    let answered = |answer: &str| Evidence {
        answer: Some(answer.to_owned()),
        ..Evidence::default()
    };
    let first = &lesson.steps[0];
    assert!(matches!(
        evaluate(first, &answered("1")),
        Verdict::NotYet(_)
    ));
    assert!(matches!(
        evaluate(first, &answered("2")),
        Verdict::Passed(_)
    ));
}
