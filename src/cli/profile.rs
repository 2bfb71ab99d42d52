//! The saved server address and token: one TOML file that only its owner can read. Reads no variable.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::http::base;

/// What `login` leaves behind.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Profile {
    /// As [`base`] gives it.
    pub(super) url: String,
    pub(super) token: String,
    /// Whether `login` made the token, so that `logout` may end it; one that was given may be in use elsewhere.
    #[serde(default)]
    pub(super) issued_here: bool,
}

/// `None` where nobody signed in.
pub(super) fn read(dir: &Path) -> anyhow::Result<Option<Profile>> {
    let path = file(dir);
    match fs::read_to_string(&path) {
        Ok(text) => match toml::from_str(&text) {
            Ok(profile) => Ok(Some(profile)),
            // Its own message would show the line, and with it the token.
            Err(_) => bail!("{} cannot be read: sign in again with `sampan login --url URL`", path.display()),
        },
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
    }
}

/// Saves with mode 0600, whole or not at all.
pub(super) fn write(dir: &Path, profile: &Profile) -> anyhow::Result<()> {
    let path = file(dir);
    let text = toml::to_string(profile)?;
    let saved = DirBuilder::new().recursive(true).mode(0o700).create(dir).and_then(|()| {
        let fresh = path.with_extension("new");
        // A leftover would keep its own mode.
        removed(&fresh)?;
        let mut open = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
        open.write_all(text.as_bytes())?;
        fs::rename(&fresh, &path)
    });
    saved.with_context(|| format!("cannot write {}", path.display()))
}

/// Also where there is none.
pub(super) fn remove(dir: &Path) -> anyhow::Result<()> {
    let path = file(dir);
    removed(&path).with_context(|| format!("cannot remove {}", path.display()))
}

/// Server and token to use. A saved token is sent to the server it was saved for, and to no other.
pub(super) fn choose(
    url: Option<&str>,
    token: Option<&str>,
    saved: Option<Profile>,
) -> anyhow::Result<(String, String)> {
    let url = match (given(url), &saved) {
        (Some(url), _) => base(url)?,
        (None, Some(saved)) => saved.url.clone(),
        (None, None) => bail!("no server: sign in with `sampan login --url URL`, or give --url and --token"),
    };
    let kept = saved.filter(|saved| saved.url == url).map(|saved| saved.token);
    let token = given(token).map(str::to_owned).or(kept);
    let token = token.with_context(|| format!("not signed in: `sampan login --url {url}`, or give --token"))?;
    Ok((url, token))
}

/// A variable that is set to nothing is not set.
pub(super) fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

fn file(dir: &Path) -> PathBuf {
    dir.join("client.toml")
}

fn removed(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn profile() -> Profile {
        Profile { url: "https://sampan.example.com".into(), token: "smp_1".into(), issued_here: true }
    }

    #[test]
    fn nobody_else_can_read_the_file() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("config/sampan");
        assert!(read(&dir).unwrap().is_none());
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        for _ in 0..2 {
            write(&dir, &profile()).unwrap();
            assert_eq!((mode(&dir), mode(&file(&dir))), (0o700, 0o600));
        }
        assert!(read(&dir).unwrap() == Some(profile()));
        fs::set_permissions(file(&dir), fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(file(&dir).with_extension("new"), "left over").unwrap();
        write(&dir, &profile()).unwrap();
        assert_eq!(mode(&file(&dir)), 0o600);
        remove(&dir).unwrap();
        remove(&dir).unwrap();
        assert!(read(&dir).unwrap().is_none());
    }

    #[test]
    fn a_broken_file_does_not_show_its_token() {
        let home = tempfile::tempdir().unwrap();
        fs::write(file(home.path()), "token = smp_secret").unwrap();
        let error = read(home.path()).err().unwrap();
        assert!(!format!("{error:#}").contains("smp_secret"));
    }

    #[test]
    fn a_token_stays_with_its_server() {
        let chosen = |url, token, saved| choose(url, token, saved).ok();
        let pair = |url: &str, token: &str| Some((url.to_owned(), token.to_owned()));
        let here = "https://sampan.example.com";
        assert_eq!(chosen(None, None, Some(profile())), pair(here, "smp_1"));
        assert_eq!(chosen(Some("https://sampan.example.com/"), Some(""), Some(profile())), pair(here, "smp_1"));
        assert_eq!(chosen(Some("https://other.example.com"), None, Some(profile())), None);
        let other = "https://other.example.com";
        assert_eq!(chosen(Some(other), Some("smp_2"), Some(profile())), pair(other, "smp_2"));
        assert_eq!(chosen(None, Some("smp_2"), Some(profile())), pair(here, "smp_2"));
        assert_eq!(chosen(None, Some("smp_2"), None), None);
    }
}
