//! /etc/fstab: its lines, and mounting them at power on.

use std::sync::Arc;

use super::block;
use super::mount::attach;
use crate::practice::clock::Activity;
use crate::practice::compute::host::Host;

/// One line of fstab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What: `NAME:/`, `UUID=…`.
    pub source: String,
    /// Where, absolute.
    pub target: String,
    /// `nfs4`, `xfs` ….
    pub fstype: String,
    /// Comma-separated.
    pub options: String,
}

impl Entry {
    /// Whether one of its options is this word.
    pub fn has(&self, option: &str) -> bool {
        self.options.split(',').any(|one| one == option)
    }
}

/// The entries of a text. `Err`: numbers of lines, from 1, that are none.
pub fn parse(text: &str) -> (Vec<Entry>, Vec<usize>) {
    let mut entries = Vec::new();
    let mut bad = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        // The numbers for dump and fsck may be left out, and are numbers if they are there.
        let numbers = words.iter().skip(4);
        match words[..] {
            [source, target, fstype, ref rest @ ..]
                if words.len() <= 6 && numbers.clone().all(|word| word.parse::<u32>().is_ok()) =>
            {
                let target = if target.len() > 1 {
                    target.trim_end_matches('/')
                } else {
                    target
                };
                entries.push(Entry {
                    source: source.to_owned(),
                    // A blank in a path is written so (fstab(5)).
                    target: target.replace("\\040", " "),
                    fstype: fstype.to_owned(),
                    options: (*rest.first().unwrap_or(&"defaults")).to_owned(),
                });
            }
            _ => bad.push(index + 1),
        }
    }
    (entries, bad)
}

/// The entries of a host's fstab.
pub fn read(host: &Host) -> (Vec<Entry>, Vec<usize>) {
    let bytes = host.root().read("/etc/fstab").unwrap_or_default();
    parse(&String::from_utf8_lossy(&bytes))
}

/// Mounts what fstab names and is not mounted: at power on, and for `mount -a`; `types`: only of these types
/// (`nfs,nfs4`), or only of others (`nonfs,nfs4`). Returns the lines that say what failed, each with whether it may be
/// ignored (`nofail`).
pub async fn mount_all(
    host: &Arc<Host>,
    activity: &Activity,
    types: Option<&str>,
) -> Vec<(String, bool)> {
    mount_telling(host, activity, types, &mut Vec::new()).await
}

/// The same; `outcomes` tells what became of each mount point, as `mount -av` words it.
pub async fn mount_telling(
    host: &Arc<Host>,
    activity: &Activity,
    types: Option<&str>,
    outcomes: &mut Vec<(String, &'static str)>,
) -> Vec<(String, bool)> {
    let (entries, bad) = read(host);
    let mut failures: Vec<_> = bad
        .into_iter()
        .map(|line| {
            let text = format!("mount: /etc/fstab: parse error at line {line} -- ignored");
            (text, false)
        })
        .collect();
    for entry in entries {
        let mut tell = |what| outcomes.push((entry.target.clone(), what));
        let other = types.is_some_and(|types| !matches(types, &entry.fstype));
        if entry.has("noauto") || !entry.target.starts_with('/') || entry.target == "/" || other {
            tell("ignored");
            continue;
        }
        if is_mounted(host, &entry) {
            tell("already mounted");
            continue;
        }
        let attached = attach(
            host,
            activity,
            &entry.fstype,
            &entry.options,
            &entry.source,
            &entry.target,
        );
        let attached = attached.await;
        if attached.is_ok() {
            tell("successfully mounted");
        }
        if let Err(failure) = attached {
            failures.push((failure.message, entry.has("nofail")));
        }
    }
    failures
}

/// Whether a type is among those of `-t`.
pub fn matches(types: &str, fstype: &str) -> bool {
    match types.strip_prefix("no") {
        Some(others) => !others
            .split(',')
            .any(|one| one.trim_start_matches("no") == fstype),
        None => types.split(',').any(|one| one == fstype),
    }
}

fn is_mounted(host: &Host, entry: &Entry) -> bool {
    let named = block::named(host, &entry.source);
    let device = named.and_then(|path| block::find(host, &path));
    let source = device.map_or(entry.source.clone(), |device| device.path());
    // The root is mounted under the name of its partition, whatever fstab calls it.
    entry.target == "/"
        || host.mounts.mounts().iter().any(|mount| {
            mount.target == entry.target && (mount.source == source || entry.has("bind"))
        })
}

#[cfg(test)]
mod tests {
    use super::{matches, parse};

    #[test]
    fn types_are_named_or_excluded() {
        assert!(matches("nfs,nfs4", "nfs4") && !matches("nfs,nfs4", "xfs"));
        assert!(matches("nonfs,nfs4", "xfs") && !matches("nonfs,nfs4", "nfs4"));
    }

    #[test]
    fn a_line_is_source_target_type_and_options() {
        let (entries, bad) = parse(
            "# comment\n\nUUID=1-2 / xfs defaults,noatime 1 1\n\
             fs-1.efs.us-east-1.amazonaws.com:/ /home/ nfs4 hard,_netdev 0 0\nshare:/ /mnt/a\\040b nfs4\n",
        );
        assert!(bad.is_empty());
        assert_eq!(entries.len(), 3);
        assert_eq!(entries[1].target, "/home");
        assert!(entries[1].has("_netdev") && !entries[1].has("noauto"));
        assert_eq!(entries[2].target, "/mnt/a b");
        assert_eq!(entries[2].options, "defaults");
    }

    #[test]
    fn what_is_no_line_is_counted_and_left_out() {
        let (entries, bad) =
            parse("a b\nc /d nfs4 rw zero 0\ne /f nfs4 rw 0 0 extra\ng /h nfs4 rw 0 0\n");
        assert_eq!(bad, [1, 2, 3]);
        assert_eq!(entries.len(), 1);
    }
}
