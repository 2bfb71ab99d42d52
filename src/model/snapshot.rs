//! What builds leave for the next one: installed dependencies, and compilers' caches.

use crate::clock::Ms;

super::words! {
    SnapshotKind { Dependencies = "dependencies", BuildCache = "build-cache" }
}

#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Its folder's name: a hash of all it depends on.
    pub id: String,
    pub kind: SnapshotKind,
    /// The repository's address without credentials.
    pub repository: String,
    /// Whose release made it; it may serve other programs of the same repository.
    pub program_id: Option<String>,
    pub reference: String,
    pub bytes: i64,
    pub files: i64,
    pub created_at: Ms,
    pub used_at: Ms,
}
