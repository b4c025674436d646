//! How many bytes all trees of an account may hold together: they live in the program's memory. What holds them does not
//! enter here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::errno::{Errno, Outcome};

/// Bytes of content that all trees share.
#[derive(Debug)]
pub(super) struct Budget {
    most: u64,
    held: AtomicU64,
}

impl Budget {
    pub fn new(most: u64) -> Arc<Self> {
        let held = AtomicU64::new(0);
        Arc::new(Self { most, held })
    }

    /// Whether so many bytes more have room.
    pub fn fits(&self, more: u64) -> bool {
        let held = self.held.load(Ordering::Relaxed);
        held.saturating_add(more) <= self.most
    }
}

/// What one tree holds of a budget, if it has one; given back when it goes.
#[derive(Debug, Default)]
pub(super) struct Held {
    bytes: u64,
    budget: Option<Arc<Budget>>,
}

impl Held {
    pub fn of(budget: Option<Arc<Budget>>) -> Self {
        Self { bytes: 0, budget }
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// So many bytes more.
    pub fn grow(&mut self, more: u64) -> Outcome<()> {
        if let Some(budget) = &self.budget {
            // Who fills his disk leaves room for the others.
            if self.bytes.saturating_add(more) > budget.most / 4 * 3 {
                return Err(Errno::NoSpace);
            }
            let fits = |held: u64| held.checked_add(more).filter(|held| *held <= budget.most);
            let grown = budget
                .held
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
            grown.map_err(|_| Errno::NoSpace)?;
        }
        self.bytes += more;
        Ok(())
    }

    /// So many bytes more, which are there already.
    pub fn admit(&mut self, more: u64) {
        if let Some(budget) = &self.budget {
            budget.held.fetch_add(more, Ordering::Relaxed);
        }
        self.bytes += more;
    }

    /// So many bytes less.
    pub fn shrink(&mut self, less: u64) {
        if let Some(budget) = &self.budget {
            budget.held.fetch_sub(less, Ordering::Relaxed);
        }
        self.bytes -= less;
    }

    /// The same bytes, which nobody counts yet.
    pub fn copy(&self) -> Self {
        Self {
            bytes: self.bytes,
            budget: None,
        }
    }

    /// The same bytes on another budget.
    pub fn moved_to(&mut self, budget: Arc<Budget>) -> Outcome<()> {
        let mut moved = Self::of(Some(budget));
        moved.grow(self.bytes)?;
        *self = moved;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let bytes = self.bytes;
        self.shrink(bytes);
    }
}
