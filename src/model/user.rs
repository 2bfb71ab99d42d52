//! People, their roles and what each role may do.

use crate::clock::Ms;

super::words! {
    /// Ordered: each role may do what those before it may.
    Role { Viewer = "viewer", Publisher = "publisher", Admin = "admin", Owner = "owner" }
}

/// What a person wants to do; `ops` asks before every change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// See programs, releases, logs, QR codes.
    View,
    /// Start, cancel and retry one's own releases.
    Publish,
    /// Cancel, retry and confirm other people's releases.
    HandleAnyRelease,
    /// Publish, change and take back what phones get.
    PublishUpdates,
    /// Groups, programs and credentials.
    EditPrograms,
    /// Accounts up to the role `admin`.
    ManageUsers,
}

impl Role {
    pub fn may(self, verb: Verb) -> bool {
        let needed = match verb {
            Verb::View => Self::Viewer,
            Verb::Publish => Self::Publisher,
            Verb::HandleAnyRelease | Verb::PublishUpdates | Verb::EditPrograms | Verb::ManageUsers => Self::Admin,
        };
        self >= needed
    }
}

#[derive(Debug, Clone)]
pub struct User {
    pub id: String,
    /// What one types at sign-in; unique, lower case.
    pub login: String,
    pub name: String,
    pub role: Role,
    pub password_hash: String,
    pub created_at: Ms,
}

impl User {
    /// Every read of programs and releases asks for one, so that no query runs for nobody.
    pub fn scope(&self) -> Scope {
        Scope { _signed_in: () }
    }
}

/// Proof that a signed-in person asks. What it may hide grows with restricted groups.
#[derive(Debug, Clone, Copy)]
pub struct Scope {
    _signed_in: (),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_before_may() {
        let verbs = [
            Verb::View,
            Verb::Publish,
            Verb::HandleAnyRelease,
            Verb::PublishUpdates,
            Verb::EditPrograms,
            Verb::ManageUsers,
        ];
        for pair in Role::ALL.windows(2) {
            for verb in verbs {
                assert!(!pair[0].may(verb) || pair[1].may(verb), "{pair:?} {verb:?}");
            }
        }
        assert!(!Role::Viewer.may(Verb::Publish));
        assert!(!Role::Publisher.may(Verb::EditPrograms) && !Role::Publisher.may(Verb::PublishUpdates));
    }
}
