//! A program: one app on one platform, with its repository and commands. Programs sit in a group.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::clock::Ms;

#[derive(Debug, Clone)]
pub struct Group {
    pub id: String,
    pub name: String,
    /// Whether only its members see it, besides admins.
    pub restricted: bool,
    pub created_at: Ms,
}

/// Values of a platform's option fields, by field name.
pub type Options = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Clone, Default)]
pub struct Program {
    pub id: String,
    pub group_id: String,
    pub name: String,
    /// The id of a platform: a folder under `workers/`.
    pub platform: String,
    pub app_id: String,
    pub repo_url: String,
    pub default_ref: String,
    /// Sub-folder of the repository that holds the project; empty for the root.
    pub root_dir: String,
    /// Empty: chosen by the lockfile.
    pub install_command: String,
    /// Empty: nothing to compile.
    pub build_command: String,
    /// Empty: the production command serves both environments.
    pub dev_build_command: String,
    /// Where the compiled program lies, below `root_dir`.
    pub output_dir: String,
    pub options: Options,
    pub settings: Settings,
    /// Since when it takes no more releases.
    pub archived_at: Option<Ms>,
    pub created_at: Ms,
    pub updated_at: Ms,
}

super::words! {
    /// For which environments compilers keep their caches between releases.
    BuildCache { Off = "off", Development = "development", Always = "always" }
}

/// How a program's builds run. `None` and empty mean the instance's default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Major version of Node.js; empty: as `.nvmrc`, `.node-version` or `engines` say.
    pub node: String,
    pub npm_registry: String,
    pub ignore_lockfile: bool,
    /// Whether installed dependencies are kept for the next release.
    pub snapshots: bool,
    pub build_cache: BuildCache,
    /// Fetch one commit without history.
    pub shallow: bool,
    /// Whether compile has no network.
    pub offline_compile: bool,
    pub memory_mb: Option<i64>,
    pub cpus: Option<i64>,
    pub stage_timeout_minutes: Option<u64>,
    pub no_output_timeout_minutes: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            node: String::new(),
            npm_registry: String::new(),
            ignore_lockfile: false,
            snapshots: true,
            build_cache: BuildCache::Development,
            shallow: false,
            offline_compile: false,
            memory_mb: None,
            cpus: None,
            stage_timeout_minutes: None,
            no_output_timeout_minutes: None,
        }
    }
}

/// A path below a folder that can be written down without surprises: relative, no `..`, no backslash, no NUL.
pub fn is_plain_relative(path: &str) -> bool {
    path.is_empty()
        || path == "."
        || (!path.starts_with('/')
            && !path.contains(['\\', '\0', '\n'])
            && path.split('/').all(|part| !part.is_empty() && part != ".." && part != "."))
}

/// A branch, tag or commit name as git itself would take it; never an option, never a shell word.
pub fn is_valid_ref(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 250
        && !name.starts_with(['-', '/', '.'])
        && !name.ends_with(['/', '.'])
        && !name.ends_with(".lock")
        && !name.contains("..")
        && !name.contains("//")
        && !name.contains("@{")
        && name != "@"
        && !name.chars().any(|c| c.is_control() || " ~^:?*[\\".contains(c))
}

/// `https`, `http` and `ssh` only: local paths, `file:` and `ext::` would read the server's own disk or run programs.
pub fn is_valid_repo_url(url: &str) -> bool {
    let known = ["https://", "http://", "ssh://"]
        .iter()
        .any(|scheme| url.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '-'])));
    let scp = || {
        url.split_once(':').is_some_and(|(host, path)| {
            host.contains('@') && !host.contains('/') && !host.starts_with('-') && !path.starts_with([':', '/', '-'])
        })
    };
    (known || (!url.contains("://") && scp())) && !url.chars().any(|c| c.is_whitespace() || c.is_control())
}

/// A url as it may be shown: without what stands before the host.
pub fn without_credentials(url: &str) -> String {
    match url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split_once('@')?))) {
        Some((scheme, (before, host))) if !before.contains('/') => format!("{scheme}://{host}"),
        _ => url.to_owned(),
    }
}

/// A web address with user and password in it, taken apart: the address without them, and both.
pub fn split_login(url: &str) -> Option<(String, String, String)> {
    let (scheme, rest) = url.split_once("://").filter(|(scheme, _)| scheme.starts_with("http"))?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (login, host) = authority.rsplit_once('@')?;
    let (user, password) = login.split_once(':').unwrap_or(("", login));
    let plain = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((format!("{scheme}://{host}/{path}"), plain(user), plain(password)))
}

/// A repository's page for a browser; empty where its address tells none.
pub fn web_url(repo_url: &str) -> String {
    let plain = without_credentials(repo_url);
    let web = plain.starts_with("https://") || plain.starts_with("http://");
    if web { plain.trim_end_matches(".git").to_owned() } else { String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refs_are_data_not_options() {
        for good in ["main", "feature/tides", "v1.2.3", "中文分支", "$(id)", "a'b"] {
            assert!(is_valid_ref(good), "{good}");
        }
        for bad in ["", "-x", "--upload-pack=x", "a..b", "a b", "a\nb", "x.lock", "a:b", "@", "/a", "a//b"] {
            assert!(!is_valid_ref(bad), "{bad}");
        }
    }

    #[test]
    fn only_network_urls() {
        for good in ["https://git.example/a.git", "http://127.0.0.1:80/a", "ssh://git@h/a", "git@host:team/a.git"] {
            assert!(is_valid_repo_url(good), "{good}");
        }
        for bad in
            ["", "file:///etc", "/etc", "ext::sh -c id", "ext::id", "../x", "https://", "a b", "-oProxy=x@h:a", "C:x"]
        {
            assert!(!is_valid_repo_url(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_are_shown_without_their_secrets() {
        assert_eq!(without_credentials("https://u:p@h/a.git"), "https://h/a.git");
        assert_eq!(without_credentials("https://h/a@b"), "https://h/a@b");
        assert_eq!(web_url("https://t@h/a.git"), "https://h/a");
        assert_eq!(web_url("git@h:a.git"), "");
        let (url, user, token) = split_login("https://me:p%40ss@h:1/a.git").expect("a login");
        assert_eq!((url.as_str(), user.as_str(), token.as_str()), ("https://h:1/a.git", "me", "p@ss"));
        assert!(split_login("ssh://git@h/a").is_none() && split_login("https://h/a@b").is_none());
    }

    #[test]
    fn paths_stay_inside() {
        for good in ["", ".", "dist/build", "packages/app"] {
            assert!(is_plain_relative(good), "{good}");
        }
        for bad in ["/etc", "..", "a/../b", "a//b", "a\\b", "./a"] {
            assert!(!is_plain_relative(bad), "{bad}");
        }
    }
}
