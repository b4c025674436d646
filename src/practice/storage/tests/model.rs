//! Trees against a model that a reader can check at a glance: a map from paths to what is there.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::{Errno, Files, NodeType, Outcome, View};
use super::{host_on, spec};

/// What can be done, with paths out of a small set so that operations meet.
#[derive(Debug, Clone)]
enum Operation {
    Write(String, Vec<u8>),
    Append(String, Vec<u8>),
    MakeDir(String),
    Remove(String),
    RemoveAll(String),
    Rename(String, String),
    Link(String, String),
}

/// What is at a path: a directory, or a file by its number (two paths may have the same).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Directory,
    File(usize),
}

#[derive(Debug, Default)]
struct Model {
    things: BTreeMap<String, Thing>,
    contents: Vec<Vec<u8>>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

fn is_in(path: &str, dir: &str) -> bool {
    path.strip_prefix(dir)
        .is_some_and(|rest| rest.starts_with('/'))
}

impl Model {
    fn at(&self, path: &str) -> Option<Thing> {
        if path.is_empty() {
            return Some(Thing::Directory);
        }
        self.things.get(path).copied()
    }

    /// Whether the directory a path is in is there.
    fn reach(&self, path: &str) -> Outcome<()> {
        let mut dir = parent(path);
        let mut outcome = Ok(());
        while !dir.is_empty() {
            match self.at(dir) {
                Some(Thing::Directory) => {}
                Some(Thing::File(_)) => outcome = Err(Errno::NotDirectory),
                None => outcome = Err(Errno::NotFound),
            }
            dir = parent(dir);
        }
        outcome
    }

    fn get(&self, path: &str) -> Outcome<Thing> {
        self.reach(path)?;
        self.at(path).ok_or(Errno::NotFound)
    }

    fn is_empty(&self, dir: &str) -> bool {
        !self.things.keys().any(|path| is_in(path, dir))
    }

    fn put(&mut self, path: &str, bytes: &[u8], keep: bool) -> Outcome<()> {
        self.reach(path)?;
        match self.at(path) {
            Some(Thing::Directory) => return Err(Errno::IsDirectory),
            Some(Thing::File(file)) => {
                if !keep {
                    self.contents[file].clear();
                }
                self.contents[file].extend_from_slice(bytes);
            }
            None => {
                self.things
                    .insert(path.to_owned(), Thing::File(self.contents.len()));
                self.contents.push(bytes.to_vec());
            }
        }
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Outcome<()> {
        let moved = self.get(from)?;
        self.reach(to)?;
        let replaced = self.at(to);
        if moved == Thing::Directory && (is_in(to, from) || to == from) {
            return if to == from {
                Ok(())
            } else {
                Err(Errno::Invalid)
            };
        }
        match (moved, replaced) {
            (Thing::File(one), Some(Thing::File(other))) if one == other => return Ok(()),
            (Thing::File(_), Some(Thing::Directory)) => return Err(Errno::IsDirectory),
            (Thing::Directory, Some(Thing::File(_))) => return Err(Errno::NotDirectory),
            (Thing::Directory, Some(Thing::Directory)) if !self.is_empty(to) => {
                return Err(Errno::NotEmpty);
            }
            _ => {}
        }
        let things = std::mem::take(&mut self.things);
        self.things = things
            .into_iter()
            .filter(|(path, _)| path != to)
            .map(|(path, thing)| {
                if path == from || is_in(&path, from) {
                    (format!("{to}{}", &path[from.len()..]), thing)
                } else {
                    (path, thing)
                }
            })
            .collect();
        Ok(())
    }

    fn apply(&mut self, operation: &Operation) -> Outcome<()> {
        match operation {
            Operation::Write(path, bytes) => self.put(path, bytes, false),
            Operation::Append(path, bytes) => self.put(path, bytes, true),
            Operation::MakeDir(path) => {
                self.reach(path)?;
                if self.at(path).is_some() {
                    return Err(Errno::Exists);
                }
                self.things.insert(path.clone(), Thing::Directory);
                Ok(())
            }
            Operation::Remove(path) => {
                if self.get(path)? == Thing::Directory && !self.is_empty(path) {
                    return Err(Errno::NotEmpty);
                }
                self.things.remove(path);
                Ok(())
            }
            Operation::RemoveAll(path) => {
                self.get(path)?;
                self.things
                    .retain(|other, _| other != path && !is_in(other, path));
                Ok(())
            }
            Operation::Rename(from, to) => self.rename(from, to),
            Operation::Link(old, new) => {
                let thing = self.get(old)?;
                self.reach(new)?;
                match (self.at(new), thing) {
                    (Some(_), _) => Err(Errno::Exists),
                    (None, Thing::Directory) => Err(Errno::NotPermitted),
                    (None, file) => {
                        self.things.insert(new.clone(), file);
                        Ok(())
                    }
                }
            }
        }
    }
}

fn apply(view: &View, operation: &Operation) -> Outcome<()> {
    match operation {
        Operation::Write(path, bytes) => view.write(path, bytes),
        Operation::Append(path, bytes) => view.append(path, bytes),
        Operation::MakeDir(path) => view.make_dir(path),
        Operation::Remove(path) => view.remove_one(path),
        Operation::RemoveAll(path) => view.remove_all(path),
        Operation::Rename(from, to) => view.rename_one(from, to),
        Operation::Link(old, new) => view.link(old, new),
    }
}

/// The view is what the model says: paths, content, sizes, links, bytes in all.
fn compare(view: &View, model: &Model) -> Result<(), TestCaseError> {
    let mut found = BTreeMap::new();
    let mut pending = vec![String::new()];
    while let Some(dir) = pending.pop() {
        let entries = view.list(&format!("{dir}/")).unwrap();
        let subdirectories = entries.iter().filter(|(_, attr)| attr.is_dir()).count();
        let links = view.stat(&format!("{dir}/")).unwrap().links;
        prop_assert_eq!(links as usize, 2 + subdirectories, "links of {:?}", dir);
        for (name, attr) in entries {
            let path = format!("{dir}/{name}");
            if attr.is_dir() {
                pending.push(path.clone());
            }
            found.insert(path, attr);
        }
    }
    let paths: Vec<_> = found.keys().collect();
    prop_assert_eq!(paths, model.things.keys().collect::<Vec<_>>());
    let mut live: BTreeMap<usize, u32> = BTreeMap::new();
    for thing in model.things.values() {
        if let Thing::File(file) = thing {
            *live.entry(*file).or_default() += 1;
        }
    }
    for (path, attr) in &found {
        match model.things[path] {
            Thing::Directory => prop_assert_eq!(attr.node_type, NodeType::Directory),
            Thing::File(file) => {
                prop_assert_eq!(&view.read(path).unwrap(), &model.contents[file]);
                prop_assert_eq!(attr.size, model.contents[file].len() as u64);
                prop_assert_eq!(attr.links, live[&file]);
            }
        }
    }
    let used: usize = live.keys().map(|file| model.contents[*file].len()).sum();
    let usage = view.usage_at("/").unwrap();
    prop_assert_eq!(usage.bytes, used as u64);
    prop_assert_eq!(usage.files, live.len() as u64);
    Ok(())
}

fn path() -> impl Strategy<Value = String> {
    proptest::collection::vec(prop::sample::select(vec!["a", "b", "c"]), 1..4)
        .prop_map(|names| format!("/{}", names.join("/")))
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => proptest::collection::vec(any::<u8>(), 0..8),
        // Over the end of a chunk.
        1 => (any::<u8>(), 60_000..140_000_usize).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (path(), bytes()).prop_map(|(path, bytes)| Operation::Write(path, bytes)),
        3 => (path(), bytes()).prop_map(|(path, bytes)| Operation::Append(path, bytes)),
        5 => path().prop_map(Operation::MakeDir),
        2 => path().prop_map(Operation::Remove),
        1 => path().prop_map(Operation::RemoveAll),
        4 => (path(), path()).prop_map(|(from, to)| Operation::Rename(from, to)),
        3 => (path(), path()).prop_map(|(old, new)| Operation::Link(old, new)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn a_tree_does_what_the_model_does(operations in proptest::collection::vec(operation(), 1..60)) {
        let view = super::host();
        let mut model = Model::default();
        for operation in &operations {
            let (one, other) = (apply(&view, operation), model.apply(operation));
            prop_assert_eq!(one, other, "{:?}", operation);
        }
        compare(&view, &model)?;
    }
}

proptest! {
    // Each case syncs to the disk several times.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn a_stored_tree_does_too_after_each_kill(
        parts in proptest::collection::vec(proptest::collection::vec(operation(), 1..25), 1..4),
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = Model::default();
        for operations in &parts {
            let files = Files::open(dir.path()).unwrap();
            let disk = super::tree();
            let host = host_on(&disk);
            host.make_dir("/mnt").unwrap();
            let share = files.share("fs-1").unwrap();
            let view = host_on(&share);
            compare(&view, &model)?;
            // Half of it is done where the share is the root, half where it is mounted.
            host.table().mount(spec("/mnt", &share)).unwrap();
            for (n, operation) in operations.iter().enumerate() {
                let done = if n % 2 == 0 { apply(&view, operation) } else { apply(&host, &below(operation)) };
                prop_assert_eq!(done, model.apply(operation), "{:?}", operation);
                if n % 10 == 9 {
                    files.flush().unwrap();
                }
            }
            files.flush().unwrap();
            files.kill();
            drop((view, Arc::clone(&share)));
        }
        let files = Files::open(dir.path()).unwrap();
        compare(&host_on(&files.share("fs-1").unwrap()), &model)?;
    }
}

/// The same below the mount point.
fn below(operation: &Operation) -> Operation {
    let at = |path: &String| format!("/mnt{path}");
    match operation {
        Operation::Write(path, bytes) => Operation::Write(at(path), bytes.clone()),
        Operation::Append(path, bytes) => Operation::Append(at(path), bytes.clone()),
        Operation::MakeDir(path) => Operation::MakeDir(at(path)),
        Operation::Remove(path) => Operation::Remove(at(path)),
        Operation::RemoveAll(path) => Operation::RemoveAll(at(path)),
        Operation::Rename(from, to) => Operation::Rename(at(from), at(to)),
        Operation::Link(old, new) => Operation::Link(at(old), at(new)),
    }
}
