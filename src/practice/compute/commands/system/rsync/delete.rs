//! Deleting what the source does not have.

use super::copy::{Said, Transfer};
use super::list::{Entry, below, join};
use crate::practice::storage::Attr;

impl Transfer<'_> {
    /// Deletes in a directory's target what the directory does not have: `names` are those it has.
    pub(super) fn delete_in(&mut self, directory: &Entry, names: &[&str], said: &mut Said) {
        let Ok(existing) = self.view.list(&directory.target) else {
            return;
        };
        if let Ok(attr) = self.view.lstat(&directory.target) {
            self.before.insert(directory.target.clone(), attr);
        }
        for (name, attr) in last_first(existing) {
            let shown = below(&directory.name, &name);
            let protected =
                !self.options.delete_excluded && self.filter.excludes(&shown, attr.is_dir());
            if !names.contains(&name.as_str()) && !protected {
                self.delete(&join(&directory.target, &name), &shown, &attr, said);
            }
        }
    }

    /// Deletes one thing with all that is in it; whether it is gone.
    pub(super) fn delete(&mut self, path: &str, shown: &str, attr: &Attr, said: &mut Said) -> bool {
        let mut empty = true;
        if attr.is_dir() {
            for (name, attr) in last_first(self.view.list(path).unwrap_or_default()) {
                let below = below(shown, &name);
                let protected =
                    !self.options.delete_excluded && self.filter.excludes(&below, attr.is_dir());
                empty &= !protected && self.delete(&join(path, &name), &below, &attr, said);
            }
        }
        if !empty {
            said.out
                .push(format!("cannot delete non-empty directory: {shown}"));
            return false;
        }
        if !self.options.dry_run
            && let Err(why) = self.view.remove_one(path)
        {
            let verb = if attr.is_dir() { "rmdir" } else { "unlink" };
            let failed = format!("delete_file: {verb}({shown}) failed");
            self.fail(said, "generator", &failed, why);
            return false;
        }
        self.figures.deleted.add(attr.node_type);
        let slash = if attr.is_dir() { "/" } else { "" };
        if self.options.itemize {
            said.out.push(format!("*deleting   {shown}{slash}"));
        } else if self.options.verbose > 0 {
            said.out.push(format!("deleting {shown}{slash}"));
        }
        true
    }
}

/// In the order in which rsync deletes: directories before files, the last name first.
fn last_first(mut entries: Vec<(String, Attr)>) -> Vec<(String, Attr)> {
    entries.sort_by(|(one, attr), (other, of_other)| {
        (attr.is_dir(), one).cmp(&(of_other.is_dir(), other))
    });
    entries.reverse();
    entries
}
