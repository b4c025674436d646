//! All trees of the account, durable in `files.db`.

use std::path::Path;
use std::sync::Arc;

use super::tree::Tree;

/// Why the files could not be kept.
#[derive(Debug, thiserror::Error)]
pub enum FilesError {
    /// SQLite refused.
    #[error("files.db: {0}")]
    Database(#[from] rusqlite::Error),
}

/// All trees of the account. Clones share them.
#[derive(Clone)]
pub struct Files {}

impl Files {
    /// Opens `files.db` below this directory, or makes it; starts the flusher (dirty inodes reach the disk within a second).
    pub fn open(_directory: &Path) -> Result<Self, FilesError> {
        todo!()
    }
    /// The filesystem of this id (`fs-…`); made empty (root owned by root, 0755) when there is none yet.
    pub fn share(&self, _id: &str) -> Result<Arc<Tree>, FilesError> {
        todo!()
    }
    /// Forgets a filesystem.
    pub fn delete_share(&self, _id: &str) -> Result<(), FilesError> {
        todo!()
    }
    /// Bytes stored in a filesystem.
    pub fn used_bytes(&self, _id: &str) -> u64 {
        todo!()
    }
    /// The root disk of this instance, if it has one.
    pub fn disk(&self, _instance_id: &str) -> Result<Option<Arc<Tree>>, FilesError> {
        todo!()
    }
    /// A fresh, empty root disk for this instance; an older one is forgotten.
    pub fn create_disk(&self, _instance_id: &str) -> Result<Arc<Tree>, FilesError> {
        todo!()
    }
    /// Forgets a disk.
    pub fn delete_disk(&self, _instance_id: &str) -> Result<(), FilesError> {
        todo!()
    }
    /// A small record kept beside the trees (host specs, ports), written at once.
    pub fn set_note(&self, _key: &str, _value: &str) -> Result<(), FilesError> {
        todo!()
    }
    /// The record, if there is one.
    pub fn note(&self, _key: &str) -> Result<Option<String>, FilesError> {
        todo!()
    }
    /// Forgets the record.
    pub fn delete_note(&self, _key: &str) -> Result<(), FilesError> {
        todo!()
    }
    /// All records whose key begins so.
    pub fn notes(&self, _prefix: &str) -> Result<Vec<(String, String)>, FilesError> {
        todo!()
    }
    /// Writes everything that is not written yet; returns when it is on disk.
    pub fn flush(&self) -> Result<(), FilesError> {
        todo!()
    }
}
