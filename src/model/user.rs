//! People, their roles and what each role may do.

use crate::clock::Ms;
use crate::model::token::Limit;

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
    /// Tasks, audit, system.
    Oversee,
}

impl Role {
    pub fn may(self, verb: Verb) -> bool {
        let needed = match verb {
            Verb::View => Self::Viewer,
            Verb::Publish => Self::Publisher,
            Verb::HandleAnyRelease | Verb::PublishUpdates | Verb::EditPrograms | Verb::ManageUsers | Verb::Oversee => {
                Self::Admin
            }
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
    /// Empty where an OpenID provider vouches for this person.
    pub password_hash: String,
    pub created_at: Ms,
    /// Since when they may not sign in.
    pub disabled_at: Option<Ms>,
    /// Whether the password was chosen by somebody else.
    pub must_change: bool,
    /// `zh-CN`, `en`; empty: as the browser was last told.
    pub lang: String,
    pub seen_at: Option<Ms>,
    /// Who an OpenID provider says this is.
    pub subject: Option<String>,
    /// In which groups more is allowed, or anything at all.
    pub memberships: Vec<Membership>,
    /// Where this request came from; empty for the server itself.
    pub address: String,
    /// What a token cuts off; none for a browser.
    pub limit: Option<Limit>,
}

/// What a person may do in one group beyond their role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    pub group_id: String,
    /// In a restricted group: publish previews and uploads.
    pub can_publish: bool,
    /// In any group: publish what customers' phones get.
    pub can_publish_updates: bool,
}

impl User {
    /// One or two letters that stand for a face: the first of each of two words, or one Chinese character.
    pub fn initials(&self) -> String {
        let mut words = self.name.split_whitespace().filter_map(|word| word.chars().next());
        let first = words.next().unwrap_or('?');
        let wide = !first.is_ascii();
        let rest = if wide { None } else { words.next_back().filter(|c| c.is_ascii()) };
        std::iter::once(first).chain(rest).flat_map(char::to_uppercase).collect()
    }

    /// Whose reads these are: no query runs for nobody.
    pub fn scope(&self) -> Scope<'_> {
        Scope { user: &self.id, group: self.limit.as_ref().and_then(|limit| limit.group_id.as_deref()) }
    }

    /// Anywhere, by role and token.
    pub fn may(&self, verb: Verb) -> bool {
        self.role.may(verb) && self.limit.as_ref().is_none_or(|limit| limit.allows(verb) && limit.group_id.is_none())
    }

    /// In one group: a restricted one wants a member's leave, and a publisher may publish updates where a member may.
    pub fn may_in(&self, verb: Verb, group: &str, restricted: bool) -> bool {
        if self.limit.as_ref().is_some_and(|limit| !limit.allows(verb) || !limit.reaches(group)) {
            return false;
        }
        let member = self.memberships.iter().find(|member| member.group_id == group);
        match verb {
            _ if self.role >= Role::Admin => self.role.may(verb),
            Verb::Publish => self.role.may(verb) && (!restricted || member.is_some_and(|member| member.can_publish)),
            Verb::PublishUpdates => {
                self.role.may(Verb::Publish) && member.is_some_and(|member| member.can_publish_updates)
            }
            _ => self.role.may(verb),
        }
    }
}

/// Whose eyes a query has. Only a [`User`] can make one.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    user: &'a str,
    group: Option<&'a str>,
}

impl<'a> Scope<'a> {
    pub fn user(&self) -> &'a str {
        self.user
    }

    /// The only group that is seen, where a token is for one.
    pub fn group(&self) -> Option<&'a str> {
        self.group
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::token::TokenScope;

    const VERBS: [Verb; 7] = [
        Verb::View,
        Verb::Publish,
        Verb::HandleAnyRelease,
        Verb::PublishUpdates,
        Verb::EditPrograms,
        Verb::ManageUsers,
        Verb::Oversee,
    ];

    fn person(role: Role) -> User {
        User {
            id: "u".into(),
            login: "u".into(),
            name: "u".into(),
            role,
            password_hash: String::new(),
            created_at: 0,
            disabled_at: None,
            must_change: false,
            lang: String::new(),
            seen_at: None,
            subject: None,
            memberships: vec![],
            address: String::new(),
            limit: None,
        }
    }

    #[test]
    fn each_role_may_do_what_the_one_before_may() {
        for pair in Role::ALL.windows(2) {
            for verb in VERBS {
                assert!(!pair[0].may(verb) || pair[1].may(verb), "{pair:?} {verb:?}");
            }
        }
        assert!(!Role::Viewer.may(Verb::Publish));
        assert!(!Role::Publisher.may(Verb::EditPrograms) && !Role::Publisher.may(Verb::PublishUpdates));
    }

    #[test]
    fn faces_of_letters() {
        for (name, letters) in [("Lin Mei", "LM"), ("admin", "A"), ("林 美", "林"), ("a b c", "AC"), ("", "?")] {
            assert_eq!(User { name: name.into(), ..person(Role::Viewer) }.initials(), letters);
        }
    }

    #[test]
    fn groups_give_and_take() {
        let mut lin = person(Role::Publisher);
        assert!(lin.may_in(Verb::Publish, "g", false) && !lin.may_in(Verb::Publish, "g", true));
        assert!(!lin.may_in(Verb::PublishUpdates, "g", false));
        lin.memberships = vec![Membership { group_id: "g".into(), can_publish: true, can_publish_updates: true }];
        assert!(lin.may_in(Verb::Publish, "g", true) && lin.may_in(Verb::PublishUpdates, "g", true));
        assert!(!lin.may_in(Verb::PublishUpdates, "other", false), "there alone");
        assert!(!lin.may_in(Verb::EditPrograms, "g", false));
        let mut viewer = person(Role::Viewer);
        viewer.memberships = lin.memberships.clone();
        assert!(!viewer.may_in(Verb::Publish, "g", true), "a role is not raised");
        assert!(person(Role::Admin).may_in(Verb::PublishUpdates, "g", true));
    }

    #[test]
    fn a_token_only_takes_away() {
        for role in Role::ALL {
            for scope in TokenScope::ALL {
                let plain = person(*role);
                let limit = Limit { token_id: "t".into(), scope: *scope, group_id: None };
                let limited = User { limit: Some(limit), ..plain.clone() };
                for verb in VERBS {
                    assert!(!limited.may(verb) || plain.may(verb), "{role} {scope} {verb:?}");
                }
            }
        }
        let limit = |scope, group: Option<&str>| Limit { token_id: "t".into(), scope, group_id: group.map(Into::into) };
        let reader = User { limit: Some(limit(TokenScope::Read, None)), ..person(Role::Owner) };
        assert!(reader.may(Verb::View) && !reader.may(Verb::Publish) && !reader.may(Verb::ManageUsers));
        let there = User { limit: Some(limit(TokenScope::Admin, Some("g"))), ..person(Role::Owner) };
        assert!(there.may_in(Verb::EditPrograms, "g", false) && !there.may_in(Verb::EditPrograms, "h", false));
        assert!(!there.may(Verb::ManageUsers), "people are in no group");
    }
}
