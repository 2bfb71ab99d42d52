//! Personal tokens: what a script may do in a person's name.

use crate::clock::Ms;
use crate::model::user::Verb;

super::words! {
    /// Ordered: each reaches further than those before it.
    TokenScope { Read = "read", Publish = "publish", Admin = "admin" }
}

/// What tokens begin with, so that people and scanners know one when they see it.
pub const PREFIX: &str = "smp_";

/// A token as it rests; the value itself is shown once and kept nowhere.
#[derive(Debug, Clone)]
pub struct Token {
    pub id: String,
    pub user_id: String,
    pub name: String,
    pub hash: String,
    pub scope: TokenScope,
    /// Where it is for one group alone.
    pub group_id: Option<String>,
    pub created_at: Ms,
    pub expires_at: Option<Ms>,
    pub used_at: Option<Ms>,
}

/// What a token leaves of its person's rights.
#[derive(Debug, Clone)]
pub struct Limit {
    pub token_id: String,
    pub scope: TokenScope,
    pub group_id: Option<String>,
}

impl Limit {
    pub fn allows(&self, verb: Verb) -> bool {
        let needed = match verb {
            Verb::View => TokenScope::Read,
            Verb::Publish | Verb::PublishUpdates | Verb::HandleAnyRelease => TokenScope::Publish,
            Verb::EditPrograms | Verb::ManageUsers | Verb::Oversee => TokenScope::Admin,
        };
        self.scope >= needed
    }

    pub fn reaches(&self, group: &str) -> bool {
        self.group_id.as_deref().is_none_or(|own| own == group)
    }
}
