//! Records of one kind by id, with an undo log: a change is kept as a whole or taken back as a whole.
//!
//! Neither what the records mean nor how they are stored enters here.

use std::collections::BTreeMap;

/// What records were before a change; `None`: not there.
type Before<T> = BTreeMap<String, Option<T>>;

/// Records by id. Remembers what every record was before the change that is being made, and before each attempt in it.
#[derive(Debug)]
pub struct Table<T> {
    rows: BTreeMap<String, T>,
    before: Before<T>,
    attempts: Vec<Before<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            before: BTreeMap::new(),
            attempts: Vec::new(),
        }
    }
}

impl<T: Clone> Table<T> {
    /// The record with this id.
    pub fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(id)
    }

    /// Whether there is one.
    pub fn contains(&self, id: &str) -> bool {
        self.rows.contains_key(id)
    }

    /// All records, by id.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// All ids.
    pub fn ids(&self) -> Vec<String> {
        self.rows.keys().cloned().collect()
    }

    /// Records whose id begins with `prefix`, by id.
    pub fn beginning_with(&self, prefix: &str) -> Vec<(&String, &T)> {
        self.rows
            .range(prefix.to_owned()..)
            .take_while(|(id, _)| id.starts_with(prefix))
            .collect()
    }

    /// Adds or replaces a record.
    pub fn insert(&mut self, id: impl Into<String>, row: T) {
        let id = id.into();
        let old = self.rows.insert(id.clone(), row);
        self.log().entry(id).or_insert(old);
    }

    /// The record with this id, to change.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        let row = self.rows.get_mut(id)?;
        let log = self.attempts.last_mut().unwrap_or(&mut self.before);
        if !log.contains_key(id) {
            log.insert(id.to_owned(), Some(row.clone()));
        }
        Some(row)
    }

    /// Takes a record out.
    pub fn remove(&mut self, id: &str) -> Option<T> {
        let old = self.rows.remove(id)?;
        self.log()
            .entry(id.to_owned())
            .or_insert_with(|| Some(old.clone()));
        Some(old)
    }

    fn log(&mut self) -> &mut Before<T> {
        self.attempts.last_mut().unwrap_or(&mut self.before)
    }

    /// Begins an attempt, a part of the change that can be taken back by itself.
    pub(super) fn attempt(&mut self) {
        self.attempts.push(BTreeMap::new());
    }

    /// Ends the last attempt: it holds as a part of the change, or is taken back.
    pub(super) fn end_attempt(&mut self, holds: bool) {
        let Some(attempt) = self.attempts.pop() else {
            return;
        };
        if holds {
            let log = self.log();
            for (id, old) in attempt {
                log.entry(id).or_insert(old);
            }
        } else {
            self.restore(attempt);
        }
    }

    fn restore(&mut self, before: Before<T>) {
        for (id, old) in before {
            match old {
                Some(row) => self.rows.insert(id, row),
                None => self.rows.remove(&id),
            };
        }
    }

    /// Puts in a record that is stored already.
    pub(super) fn load(&mut self, id: String, row: T) {
        self.rows.insert(id, row);
    }

    /// Ids touched by the change, with what they are now.
    pub(super) fn touched(&self) -> impl Iterator<Item = (&str, Option<&T>)> {
        self.before
            .keys()
            .map(|id| (id.as_str(), self.rows.get(id)))
    }

    /// Whether the change touched anything.
    pub(super) fn is_touched(&self) -> bool {
        !self.before.is_empty()
    }

    /// The change holds.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// The change is taken back.
    pub(super) fn take_back(&mut self) {
        while let Some(attempt) = self.attempts.pop() {
            self.restore(attempt);
        }
        let before = std::mem::take(&mut self.before);
        self.restore(before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_that_is_taken_back_leaves_every_record_as_it_was() {
        let mut table = Table::default();
        table.insert("a", 1);
        table.insert("b", 2);
        table.keep();
        table.remove("a");
        table.insert("c", 3);
        if let Some(b) = table.get_mut("b") {
            *b = 20;
        }
        table.insert("a", 10);
        table.take_back();
        assert_eq!(
            (table.get("a"), table.get("b"), table.get("c")),
            (Some(&1), Some(&2), None)
        );
        assert!(!table.is_touched());
    }

    #[test]
    fn an_attempt_that_is_taken_back_leaves_the_rest_of_the_change() {
        let mut table = Table::default();
        table.insert("a", 1);
        table.attempt();
        table.insert("a", 2);
        table.insert("b", 3);
        table.end_attempt(false);
        assert_eq!((table.get("a"), table.get("b")), (Some(&1), None));
        table.attempt();
        table.insert("b", 4);
        table.end_attempt(true);
        assert_eq!(table.touched().count(), 2);
        table.take_back();
        assert!(table.ids().is_empty());
    }

    #[test]
    fn a_change_names_what_it_touched_and_what_that_is_now() {
        let mut table = Table::default();
        table.insert("a", 1);
        table.keep();
        table.remove("a");
        table.insert("b", 2);
        let touched: Vec<_> = table.touched().collect();
        assert_eq!(touched, [("a", None), ("b", Some(&2))]);
    }
}
