//! What a platform needs to believe us. The values exist in the clear only on their way into a container.

use std::collections::BTreeMap;

use crate::clock::Ms;

/// Secret values by field name; deliberately without `Debug`.
pub type Secrets = BTreeMap<String, String>;

/// A credential as it rests: sealed with the master key.
#[derive(Clone)]
pub struct Credential {
    pub program_id: String,
    pub sealed: Vec<u8>,
    /// Tells two keys apart without telling the key.
    pub fingerprint: String,
    pub updated_at: Ms,
}

super::words! {
    /// How a private repository is reached.
    RepositoryLogin { Token = "token", Key = "key" }
}

/// What opens a private repository, sealed. Values: `user` and `token`, or `key`.
#[derive(Clone)]
pub struct RepositoryCredential {
    pub program_id: String,
    pub kind: RepositoryLogin,
    pub sealed: Vec<u8>,
    pub fingerprint: String,
    pub updated_at: Ms,
}

/// The key an SSH host showed when it was first met.
#[derive(Debug, Clone)]
pub struct KnownHost {
    pub host: String,
    pub fingerprint: String,
    pub seen_at: Ms,
}
