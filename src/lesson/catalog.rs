//! The lessons of the lab, in order: the embedded ones, or those of a path that an author checks.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::path::Path;
use std::thread;

use super::load;
use super::problem::{Problem, Problems};
use super::schema::Lesson;

/// The lesson files of this program, embedded.
const FILES: &[(&str, &str)] = &[
    (
        "lessons/01-why-efs.yaml",
        include_str!("../../lessons/01-why-efs.yaml"),
    ),
    (
        "lessons/02-filesystem.yaml",
        include_str!("../../lessons/02-filesystem.yaml"),
    ),
    (
        "lessons/03-mount-targets.yaml",
        include_str!("../../lessons/03-mount-targets.yaml"),
    ),
    (
        "lessons/04-instances.yaml",
        include_str!("../../lessons/04-instances.yaml"),
    ),
    (
        "lessons/05-share-files.yaml",
        include_str!("../../lessons/05-share-files.yaml"),
    ),
    (
        "lessons/06-performance.yaml",
        include_str!("../../lessons/06-performance.yaml"),
    ),
    (
        "lessons/07-monitoring.yaml",
        include_str!("../../lessons/07-monitoring.yaml"),
    ),
    (
        "lessons/08-backup.yaml",
        include_str!("../../lessons/08-backup.yaml"),
    ),
    (
        "lessons/09-restore.yaml",
        include_str!("../../lessons/09-restore.yaml"),
    ),
    (
        "lessons/10-outage.yaml",
        include_str!("../../lessons/10-outage.yaml"),
    ),
    (
        "lessons/11-cleanup.yaml",
        include_str!("../../lessons/11-cleanup.yaml"),
    ),
];

/// Lessons in the order of their numbers, each id once.
#[derive(Debug, Clone, PartialEq)]
pub struct Catalog {
    lessons: Vec<Lesson>,
}

impl Catalog {
    /// The lessons that this program brings.
    pub fn embedded() -> Result<Self, Problems> {
        Self::of_files(FILES.iter().copied())
    }

    /// The lessons of a file, or of all `.yaml` files of a directory.
    pub fn of_path(path: &Path) -> Result<Self, Problems> {
        let unreadable = |path: &Path, error: &std::io::Error| {
            Problems(vec![Problem {
                file: path.display().to_string(),
                line: None,
                what: format!("cannot be read: {error}"),
            }])
        };
        let mut paths = Vec::new();
        if path.is_dir() {
            let entries = path.read_dir().map_err(|error| unreadable(path, &error))?;
            for entry in entries {
                let entry = entry.map_err(|error| unreadable(path, &error))?.path();
                if entry
                    .extension()
                    .is_some_and(|extension| extension == "yaml")
                {
                    paths.push(entry);
                }
            }
            paths.sort();
        } else {
            paths.push(path.to_owned());
        }
        if paths.is_empty() {
            return Err(Problems(vec![Problem {
                file: path.display().to_string(),
                line: None,
                what: "has no lesson; expected files that end in .yaml".to_owned(),
            }]));
        }
        let mut files = Vec::new();
        for path in paths {
            let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
            files.push((path.display().to_string(), text));
        }
        Self::of_files(
            files
                .iter()
                .map(|(file, text)| (file.as_str(), text.as_str())),
        )
    }

    /// Lessons from the names and texts of their files.
    pub fn of_files<'a>(
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Problems> {
        let mut lessons: Vec<Lesson> = Vec::new();
        let mut problems = Vec::new();
        let (mut ids, mut numbers) = (BTreeMap::new(), BTreeMap::new());
        for (file, lesson) in read(files) {
            let lesson = match lesson {
                Ok(lesson) => lesson,
                Err(found) => {
                    problems.extend(found.0);
                    continue;
                }
            };
            let mut taken = |what: &str, by: Option<&str>| {
                if let Some(other) = by {
                    problems.push(Problem {
                        file: file.to_owned(),
                        line: Some(1),
                        what: format!("{other} has {what} too; expected one of its own"),
                    });
                }
            };
            taken(
                &format!("the id `{}`", lesson.id),
                ids.insert(lesson.id.clone(), file),
            );
            taken(
                &format!("the number {}", lesson.number),
                numbers.insert(lesson.number, file),
            );
            lessons.push(lesson);
        }
        if !problems.is_empty() {
            return Err(Problems(problems));
        }
        lessons.sort_by_key(|lesson| lesson.number);
        Ok(Self { lessons })
    }

    /// All lessons, in order.
    #[must_use]
    pub fn lessons(&self) -> &[Lesson] {
        &self.lessons
    }

    /// The lesson with this id.
    #[must_use]
    pub fn lesson(&self, id: &str) -> Option<&Lesson> {
        self.lessons.iter().find(|lesson| lesson.id == id)
    }
}

/// Reads each lesson in a thread of its own: the first screen waits for all of them.
fn read<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Vec<(&'a str, Result<Lesson, Problems>)> {
    thread::scope(|scope| {
        let begun: Vec<_> = files
            .into_iter()
            .map(|(file, text)| (file, scope.spawn(move || load::lesson(file, text))))
            .collect();
        let read = |thread: thread::ScopedJoinHandle<'_, _>| {
            thread.join().unwrap_or_else(|panic| resume_unwind(panic))
        };
        begun
            .into_iter()
            .map(|(file, thread)| (file, read(thread)))
            .collect()
    })
}

#[cfg(test)]
mod tests;
