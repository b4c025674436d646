//! The files of `assets/` that make the template, embedded. Only text and its names: nothing here interprets it.

use super::Stage;

/// Fragments in the order in which they are merged and taught, with their text.
const FRAGMENTS: [(&str, &str); 6] = [
    ("network", include_str!("../../assets/stack/network.yaml")),
    (
        "filesystem",
        include_str!("../../assets/stack/filesystem.yaml"),
    ),
    (
        "mount-targets",
        include_str!("../../assets/stack/mount-targets.yaml"),
    ),
    (
        "instances",
        include_str!("../../assets/stack/instances.yaml"),
    ),
    ("alarms", include_str!("../../assets/stack/alarms.yaml")),
    ("backup", include_str!("../../assets/stack/backup.yaml")),
];

/// The guard's template, a stack of its own.
pub(super) const GUARD: (&str, &str) = ("guard", include_str!("../../assets/guard/guard.yaml"));

/// The guard's state machine, by the path that its template's `!Include` names.
const MACHINE: (&str, &str) = (
    "guard/machine.json",
    include_str!("../../assets/guard/machine.json"),
);

/// Scripts, by the path that a fragment's `!Include` names.
const SCRIPTS: [(&str, &str); 3] = [
    (
        "scripts/prepare.sh",
        include_str!("../../assets/scripts/prepare.sh"),
    ),
    (
        "scripts/share-a.sh",
        include_str!("../../assets/scripts/share-a.sh"),
    ),
    (
        "scripts/share-b.sh",
        include_str!("../../assets/scripts/share-b.sh"),
    ),
];

/// Files that the lab brings to a machine, or runs there, when a lesson says so, by their path.
const FILES: [(&str, &str); 4] = [
    (
        "scripts/backup.sh",
        include_str!("../../assets/scripts/backup.sh"),
    ),
    (
        "scripts/backup.cron",
        include_str!("../../assets/scripts/backup.cron"),
    ),
    (
        "scripts/backup.conf",
        include_str!("../../assets/scripts/backup.conf"),
    ),
    (
        "scripts/beat.sh",
        include_str!("../../assets/scripts/beat.sh"),
    ),
];

/// One line `LogicalId: purpose` per resource.
const PURPOSES: &str = include_str!("../../assets/stack/purposes.yaml");

/// All fragments, name and text, in the order in which they are merged.
#[must_use]
pub fn fragments() -> &'static [(&'static str, &'static str)] {
    &FRAGMENTS
}

/// The text of a fragment as the lessons show it, comments and all; or, by its path, of a script that a fragment includes
/// or of a file that is brought to a machine.
#[must_use]
pub fn fragment(name: &str) -> Option<&'static str> {
    find(&FRAGMENTS, name)
        .or_else(|| script(name))
        .or_else(|| file(name))
}

/// A file that the lab brings to a machine: `scripts/backup.sh`.
#[must_use]
pub fn file(path: &str) -> Option<&'static str> {
    find(&FILES, path)
}

/// All of them, path and text.
#[must_use]
pub fn files() -> &'static [(&'static str, &'static str)] {
    &FILES
}

/// A script that instances run, by the path that `!Include` names: `scripts/prepare.sh`.
#[must_use]
pub fn script(path: &str) -> Option<&'static str> {
    find(&SCRIPTS, path)
}

/// Whatever a template may include, by its path.
pub(super) fn included(path: &str) -> Option<&'static str> {
    script(path).or_else(|| find(&[MACHINE], path))
}

/// All scripts, path and text.
#[must_use]
pub fn scripts() -> &'static [(&'static str, &'static str)] {
    &SCRIPTS
}

/// A few words on what a resource of the template is for: `the door to the files in zone a`.
#[must_use]
pub fn purpose(logical_id: &str) -> Option<&'static str> {
    // The file is a flat map of plain words: a line is an entry, and looking one up cannot fail.
    PURPOSES
        .lines()
        .find_map(|line| line.strip_prefix(logical_id)?.strip_prefix(": "))
}

/// The fragments that make the template of a stage.
pub(super) fn of_stage(stage: Stage) -> &'static [(&'static str, &'static str)] {
    match stage {
        Stage::Share => &FRAGMENTS[..4],
        Stage::Alarms => &FRAGMENTS[..5],
        Stage::Backup => &FRAGMENTS,
    }
}

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table
        .iter()
        .find_map(|(key, text)| (*key == name).then_some(*text))
}
