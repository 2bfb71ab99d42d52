//! A program: one app on one platform, with its repository and commands. Programs sit in a group.

use std::collections::BTreeMap;

use crate::clock::Ms;

#[derive(Debug, Clone)]
pub struct Group {
    pub id: String,
    pub name: String,
    pub created_at: Ms,
}

/// Values of a platform's option fields, by field name.
pub type Options = BTreeMap<String, serde_json::Value>;

#[derive(Debug, Clone)]
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
    pub created_at: Ms,
    pub updated_at: Ms,
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
