//! The house rules that a compiler does not know: who may import whom, and that every file says what it is for.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Crates and paths that a module must never use. A rule holds for the module and everything below it.
const NEVER: &[(&str, &[&str])] = &[
    ("lesson", PURE),
    ("template", PURE),
    ("engine", PURE),
    ("tui", NO_BACK_ROOMS),
    ("plain", NO_BACK_ROOMS),
    ("report", NO_BACK_ROOMS),
    (
        "practice",
        &[
            "crate::cloud",
            "crate::ssh",
            "crate::engine",
            "crate::runtime",
            "crate::lesson",
            "crate::template",
            "crate::journal",
            "crate::tui",
            "crate::plain",
            "crate::commands",
        ],
    ),
    (
        "cloud",
        &[
            "crate::ssh",
            "crate::practice",
            "crate::journal",
            "crate::runtime",
            "crate::tui",
            "openssh",
        ],
    ),
    (
        "ssh",
        &[
            "crate::cloud",
            "crate::practice",
            "crate::journal",
            "crate::runtime",
            "crate::tui",
            "aws_",
        ],
    ),
    (
        "journal",
        &[
            "crate::cloud",
            "crate::ssh",
            "crate::practice",
            "crate::runtime",
            "crate::tui",
            "aws_",
            "openssh",
        ],
    ),
    (
        "runtime",
        &[
            "crate::practice",
            "crate::tui",
            "crate::plain",
            "crate::commands",
            "rusqlite",
            "ratatui",
        ],
    ),
];

const PURE: &[&str] = &[
    "tokio",
    "aws_",
    "openssh",
    "rusqlite",
    "ratatui",
    "crossterm",
    "std::time::SystemTime",
    "std::time::Instant",
    "Timestamp::now",
    "crate::practice",
    "crate::cloud",
    "crate::ssh",
    "crate::journal",
    "crate::runtime",
    "crate::tui",
];

const NO_BACK_ROOMS: &[&str] = &[
    "crate::cloud",
    "crate::ssh",
    "crate::journal",
    "crate::practice",
    "aws_",
    "openssh",
    "rusqlite",
];

/// The only users of a crate.
const ONLY: &[(&str, &[&str])] = &[
    (
        "serde_yaml",
        &["src/lesson/", "src/template/", "src/practice/"],
    ),
    ("openssh", &["src/ssh/"]),
    ("rusqlite", &["src/journal/", "src/practice/"]),
    ("bashkit", &["src/practice/"]),
    ("russh", &["src/practice/"]),
    ("axum", &["src/practice/"]),
];

fn sources(below: &str) -> Vec<(PathBuf, String)> {
    fn walk(directory: &Path, found: &mut Vec<(PathBuf, String)>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push((path, text));
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join(below), &mut found);
    for (path, _) in &mut found {
        *path = path.strip_prefix(root).unwrap().to_owned();
    }
    found.sort();
    assert!(!found.is_empty());
    found
}

/// Code without comments and without unit tests, which may use more.
fn code(text: &str) -> String {
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn is_test(path: &Path) -> bool {
    path.components()
        .any(|part| part.as_os_str() == "tests" || part.as_os_str() == "tests.rs")
}

/// Whether `code` names `path`: as a whole word, or as a prefix when it ends in an underscore.
fn names(code: &str, path: &str) -> bool {
    code.match_indices(path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + path.len()..].chars().next();
        let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
        // `aws_` begins a crate's name; a crate's name is followed by its path.
        let path_follows =
            path.contains("::") || path.ends_with('_') || code[at + path.len()..].starts_with("::");
        !word(before) && (path.ends_with('_') || !word(after)) && path_follows
    })
}

#[test]
fn no_module_imports_what_it_must_not_know() {
    let mut offences = Vec::new();
    for (path, text) in sources("src") {
        if is_test(&path) {
            continue;
        }
        let code = code(&text);
        for (module, never) in NEVER {
            let below = Path::new("src").join(module);
            if !path.starts_with(&below) && path != below.with_extension("rs") {
                continue;
            }
            let said = never.iter().filter(|forbidden| names(&code, forbidden));
            offences.extend(said.map(|forbidden| format!("{}: {forbidden}", path.display())));
        }
    }
    assert!(
        offences.is_empty(),
        "forbidden imports:\n{}",
        offences.join("\n")
    );
}

#[test]
fn practice_is_entered_only_by_the_commands() {
    let users: Vec<_> = sources("src")
        .into_iter()
        .filter(|(path, text)| {
            names(&code(text), "crate::practice") && !path.starts_with("src/practice")
        })
        .map(|(path, _)| path)
        .collect();
    assert!(
        users.iter().all(|path| path.starts_with("src/commands")),
        "{users:?}"
    );
}

#[test]
fn a_crate_of_one_subject_stays_with_it() {
    let mut offences = Vec::new();
    for (path, text) in sources("src") {
        for (name, homes) in ONLY {
            if names(&code(&text), name) && !homes.iter().any(|home| path.starts_with(home)) {
                offences.push(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(
        offences.is_empty(),
        "crates away from home:\n{}",
        offences.join("\n")
    );
}

#[test]
fn every_file_says_what_it_is_for() {
    let mute: Vec<_> = sources("src")
        .into_iter()
        .chain(sources("tests"))
        .filter(|(_, text)| !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert!(mute.is_empty(), "files without a `//!` line: {mute:?}");
}

#[test]
fn main_is_thin() {
    let lines = include_str!("../src/main.rs").lines().count();
    assert!(lines < 40, "{lines} lines");
}

#[test]
fn the_rules_can_fail() {
    assert!(names("use tokio::sync::mpsc;", "tokio"));
    assert!(names("use aws_sdk_ec2::Client;", "aws_"));
    assert!(names("let now = Timestamp::now();", "Timestamp::now"));
    assert!(!names("let tokio_like = 1;", "tokio"));
    assert!(!names("the::not_aws_::x", "aws_"));
    assert!(!names(
        &code("// use tokio::sync;\n#[cfg(test)]\nmod tests {\nuse tokio::sync;\n}"),
        "tokio"
    ));
}

#[test]
fn no_name_is_a_catch_all() {
    let mut found = BTreeMap::new();
    for (path, text) in sources("src") {
        for word in ["Manager", "Helper", "Util", "Utils"] {
            let named = ["struct", "enum", "trait", "mod"].iter().any(|kind| {
                // A mount helper is what mount(8) calls it.
                text.replace("MountHelper", "")
                    .lines()
                    .any(|line| line.contains(&format!("{kind} ")) && line.contains(word))
            });
            if named {
                found.insert(path.clone(), word);
            }
        }
    }
    assert!(found.is_empty(), "{found:?}");
}
