//! Tests of the folder as a whole, and what they share: hosts of memory trees, users, a clock that stands.

mod durability;
mod entries;
mod gates;
mod model;
mod paths;
mod permissions;
mod sharing;
mod shells;
mod volumes;

use std::sync::Arc;

use jiff::Timestamp;

use super::{Identity, MountSpec, MountTable, Tree, View};

const ALICE: u32 = 1000;
const BOB: u32 = 1001;
/// A group that Alice and Bob are both in.
const STAFF: u32 = 50;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_700_000_000 + second).unwrap()
}

fn user(uid: u32) -> Identity {
    Identity {
        uid,
        gid: uid,
        groups: vec![STAFF],
    }
}

fn spec(target: &str, tree: &Arc<Tree>) -> MountSpec {
    MountSpec {
        source: "none".to_owned(),
        target: target.to_owned(),
        fstype: "tmpfs".to_owned(),
        options: "rw".to_owned(),
        tree: tree.clone(),
        capacity: 8 << 30,
        own: 0,
    }
}

fn tree() -> Arc<Tree> {
    Arc::new(Tree::volatile("tree", 0o755, at(0)))
}

/// The namespace of a host with an empty root disk, as root sees it.
fn host() -> View {
    host_on(&tree())
}

fn host_on(disk: &Arc<Tree>) -> View {
    let table = MountTable::new(spec("/", disk));
    View::new(Arc::new(table), Identity::ROOT, Arc::new(|| at(1)))
}

/// A view of the same host at another time.
fn later(view: &View, second: i64) -> View {
    View::new(
        view.table().clone(),
        view.identity().clone(),
        Arc::new(move || at(second)),
    )
}

fn names(view: &View, path: &str) -> Vec<String> {
    let entries = view.list(path).unwrap();
    entries.into_iter().map(|(name, _)| name).collect()
}
