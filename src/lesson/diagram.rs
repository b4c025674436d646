//! The diagrams of `assets/diagrams`, embedded: plain text of at most 60 columns.

/// Diagrams by name.
const DIAGRAMS: &[(&str, &str)] = &[
    (
        "backup-options",
        include_str!("../../assets/diagrams/backup-options.txt"),
    ),
    (
        "three-storages",
        include_str!("../../assets/diagrams/three-storages.txt"),
    ),
    (
        "three-compared",
        include_str!("../../assets/diagrams/three-compared.txt"),
    ),
    (
        "mount-targets",
        include_str!("../../assets/diagrams/mount-targets.txt"),
    ),
    (
        "security-groups",
        include_str!("../../assets/diagrams/security-groups.txt"),
    ),
];

/// All diagrams, name and text.
#[must_use]
pub fn diagrams() -> &'static [(&'static str, &'static str)] {
    DIAGRAMS
}

/// The diagram of this name, as lines to show unchanged.
#[must_use]
pub fn diagram(name: &str) -> Option<&'static str> {
    DIAGRAMS
        .iter()
        .find_map(|(key, text)| (*key == name).then_some(*text))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;

    #[test]
    fn every_diagram_file_is_embedded_and_fits_the_lesson_pane() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/diagrams");
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let embedded: BTreeSet<String> = diagrams()
            .iter()
            .map(|(name, _)| format!("{name}.txt"))
            .collect();
        assert_eq!(files, embedded);
        for (name, text) in diagrams() {
            assert!(text.is_ascii(), "{name}");
            for line in text.lines() {
                assert!(line.len() <= 60, "{name}: {line}");
            }
        }
    }
}
