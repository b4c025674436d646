//! Mounts that hold up their users.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bashkit::FileSystem as _;
use futures::future::BoxFuture;
use tokio::sync::Notify;

use super::{View, host, spec, tree};
use crate::practice::storage::{Errno, Gate, Outcome, Patience, Use};

/// Closed until it is opened; for those who change something, or for all.
#[derive(Default)]
struct Barrier {
    closed: AtomicBool,
    writers_only: bool,
    opened: Notify,
    waiting: Notify,
}

impl Barrier {
    fn open(&self) {
        self.closed.store(false, Ordering::Relaxed);
        self.opened.notify_waiters();
    }
}

#[async_trait]
impl Gate for Barrier {
    fn is_open(&self, purpose: Use) -> bool {
        self.writers_only && purpose == Use::Look || !self.closed.load(Ordering::Relaxed)
    }

    async fn pass(&self, _: Use, patience: &dyn Patience) -> Outcome<()> {
        let opened = self.opened.notified();
        self.waiting.notify_one();
        patience.wait(None, Box::pin(opened)).await;
        Ok(())
    }
}

/// Waits without a clock.
struct Waits;

#[async_trait]
impl Patience for Waits {
    async fn sleep(&self, _: Duration) {}
    async fn wait(&self, _: Option<Duration>, event: BoxFuture<'_, ()>) -> bool {
        event.await;
        true
    }
}

/// A host with this in front of /mnt.
fn behind(barrier: &Arc<Barrier>) -> View {
    let view = host();
    view.make_dirs("/mnt").unwrap();
    let gate = Arc::clone(barrier) as Arc<dyn Gate>;
    let share = spec("/mnt", &tree());
    view.table().mount_behind(share, gate).unwrap();
    view.write("/mnt/a", b"a").unwrap();
    view.make_symlink("/mnt/a", "/to-a").unwrap();
    view.patient(Arc::new(Waits))
}

#[tokio::test]
async fn who_waits_in_front_of_a_closed_mount_goes_on_when_it_opens() {
    let barrier = Arc::new(Barrier::default());
    let view = behind(&barrier);
    barrier.closed.store(true, Ordering::Relaxed);
    for path in ["/mnt/a", "/to-a", "/mnt/../mnt/a"] {
        let user = view.clone();
        let read = tokio::spawn(async move { user.read_file(path.as_ref()).await });
        barrier.waiting.notified().await;
        assert!(!read.is_finished());
        // Who does not wait gets an error, and who goes elsewhere is not held up.
        assert_eq!(view.read(path), Err(Errno::Io));
        assert_eq!(view.append(path, b"b"), Err(Errno::Io));
        view.stat("/").unwrap();
        assert!(view.exists("/to-a".as_ref()).await.unwrap());
        barrier.open();
        assert_eq!(read.await.unwrap().unwrap(), b"a");
        barrier.closed.store(true, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_gate_for_writers_lets_readers_through() {
    let barrier = Arc::new(Barrier {
        writers_only: true,
        ..Barrier::default()
    });
    let view = behind(&barrier);
    barrier.closed.store(true, Ordering::Relaxed);
    assert_eq!(view.read_file("/mnt/a".as_ref()).await.unwrap(), b"a");
    assert_eq!(view.remove_one("/mnt/a"), Err(Errno::Io));
    let user = view.clone();
    let write = tokio::spawn(async move { user.append_file("/mnt/a".as_ref(), b"b").await });
    barrier.waiting.notified().await;
    assert_eq!(view.read("/mnt/a").unwrap(), b"a");
    barrier.open();
    write.await.unwrap().unwrap();
    assert_eq!(view.read("/mnt/a").unwrap(), b"ab");
}
