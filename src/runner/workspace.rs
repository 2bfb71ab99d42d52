//! The folders of one attempt on disk, whom they belong to, and the secrets' short life in memory.

use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};

use crate::config::Config;
use crate::model::credential::Secrets;

/// Where a distribution keeps the authorities that the whole machine trusts.
const SYSTEM_BUNDLES: &[&str] =
    &["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"];

/// An unprivileged user: node's usual one when we are root, else ourselves, who own the workspace.
pub(super) fn container_user() -> (u32, u32) {
    match rustix::process::geteuid().as_raw() {
        0 => (1000, 1000),
        uid => (uid, rustix::process::getegid().as_raw()),
    }
}

/// One file with everybody to trust; `None` when there is nobody.
pub(super) fn write_ca_bundle(config: &Config) -> anyhow::Result<Option<PathBuf>> {
    let mut bundle = SYSTEM_BUNDLES.iter().find_map(|path| std::fs::read(path).ok()).unwrap_or_default();
    if let Some(extra) = &config.extra_ca_file {
        bundle.extend_from_slice(b"\n");
        bundle.extend(std::fs::read(extra).with_context(|| format!("SAMPAN_EXTRA_CA_FILE: {}", extra.display()))?);
    }
    if bundle.is_empty() {
        return Ok(None);
    }
    let path = config.data_dir.join("ca.pem");
    std::fs::write(&path, bundle)?;
    Ok(Some(path))
}

/// The workspace of one attempt. Nobody else's code ever sees it.
#[derive(Debug, Clone)]
pub(super) struct Workspace {
    root: PathBuf,
    secrets: PathBuf,
    user: (u32, u32),
}

impl Workspace {
    /// Makes empty folders; what an attempt of the same number left is gone.
    pub(super) fn make(
        config: &Config,
        instance: &str,
        release: &str,
        attempt: i64,
        user: (u32, u32),
    ) -> anyhow::Result<Self> {
        let name = format!("{release}-{attempt}");
        let made = Self { root: config.work_dir().join(&name), secrets: config.secret_dir(instance).join(&name), user };
        made.remove();
        for folder in [made.source(), made.home(), made.out("prepare"), made.out("deliver"), made.root.join("job")] {
            std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
            own(&folder, user)?;
        }
        private(&config.work_dir())?;
        Ok(made)
    }

    pub(super) fn source(&self) -> PathBuf {
        self.root.join("src")
    }

    pub(super) fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    pub(super) fn out(&self, stage: &str) -> PathBuf {
        self.root.join(format!("out-{stage}"))
    }

    /// Where one copy-on-write mount keeps what is written to it: the upper folder and the kernel's own.
    pub(super) fn overlay(&self, number: usize) -> (PathBuf, PathBuf) {
        let folder = self.root.join("overlay").join(number.to_string());
        (folder.join("upper"), folder.join("work"))
    }

    pub(super) fn make_overlays(&self, count: usize) -> anyhow::Result<()> {
        for number in 0..count {
            let (upper, work) = self.overlay(number);
            for folder in [upper, work] {
                std::fs::create_dir_all(&folder)?;
                own(&folder, self.user)?;
            }
        }
        Ok(())
    }

    /// Gives the checked-out files to the containers' user.
    pub(super) fn own_source(&self) -> anyhow::Result<()> {
        own_tree(&self.source(), self.user)
    }

    /// The job file of a stage; its path on the host.
    pub(super) fn write_job(&self, stage: &str, job: &serde_json::Value) -> anyhow::Result<PathBuf> {
        let path = self.root.join("job").join(format!("{stage}.json"));
        std::fs::write(&path, serde_json::to_vec_pretty(job)?)?;
        own(&path, self.user)?;
        Ok(path)
    }

    /// Puts secrets where only the deliver container's user can read them; in memory wherever the machine has `/dev/shm`.
    pub(super) fn write_secrets(&self, secrets: &Secrets) -> anyhow::Result<PathBuf> {
        let parent = self.secrets.parent().context("a folder per instance")?;
        std::fs::create_dir_all(&self.secrets)?;
        private(parent)?;
        for (name, value) in secrets {
            ensure!(name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "a plain field name");
            let path = self.secrets.join(name);
            std::fs::write(&path, value)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400))?;
            own(&path, self.user)?;
        }
        std::fs::set_permissions(&self.secrets, std::fs::Permissions::from_mode(0o500))?;
        own(&self.secrets, self.user)?;
        Ok(self.secrets.clone())
    }

    pub(super) fn remove_secrets(&self) {
        let _ = std::fs::set_permissions(&self.secrets, std::fs::Permissions::from_mode(0o700));
        let _ = std::fs::remove_dir_all(&self.secrets);
        // The instance's own folder, once it is empty: it may belong to another user after a change of service user.
        let _ = self.secrets.parent().map(std::fs::remove_dir);
    }

    /// Everything of this attempt; what cannot be removed is left to the sweep.
    pub(super) fn remove(&self) {
        self.remove_secrets();
        // The kernel leaves folders that only root may enter; whoever owns what is around them may still take them away.
        for number in std::fs::read_dir(self.root.join("overlay")).into_iter().flatten().flatten() {
            for name in ["work", "index"] {
                let _ = std::fs::remove_dir(number.path().join("work").join(name));
            }
        }
        if let Err(error) = std::fs::remove_dir_all(&self.root)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(path = %self.root.display(), %error, "cannot remove a workspace; the sweep tries again");
        }
    }
}

/// A folder inside the checkout, however hostile its links: `None` when it is missing, a file, or leads outside.
pub(super) fn folder_inside(root: &Path, relative: &[&str]) -> Option<PathBuf> {
    let wanted = relative.iter().filter(|part| !part.is_empty()).fold(root.to_path_buf(), |path, part| path.join(part));
    let (root, found) = (root.canonicalize().ok()?, wanted.canonicalize().ok()?);
    (found.starts_with(&root) && found.is_dir()).then_some(found)
}

/// Bounds what a prepared package may be before it meets a key: plain files and folders only.
pub(super) fn check_package(root: &Path, max_files: usize, max_bytes: u64) -> Result<Vec<(String, i64)>, String> {
    let (mut files, mut bytes, mut sizes) = (0usize, 0u64, vec![]);
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|e| e.to_string())? {
            let entry = entry.map_err(|e| e.to_string())?;
            let shown = entry.path().strip_prefix(root).unwrap_or(&entry.path()).display().to_string();
            let meta = entry.path().symlink_metadata().map_err(|e| e.to_string())?;
            if meta.is_dir() {
                folders.push(entry.path());
            } else if !meta.is_file() || meta.nlink() > 1 {
                return Err(format!("{shown}: neither a plain file nor a folder"));
            }
            files += 1;
            if meta.is_file() {
                bytes += meta.len();
                sizes.push((shown, meta.len() as i64));
            }
            if files > max_files || bytes > max_bytes {
                return Err(format!("more than {max_files} files or {max_bytes} bytes"));
            }
        }
    }
    if files == 0 { Err("empty".to_owned()) } else { Ok(sizes) }
}

/// A file that hostile code may have made: never through a link, never more than `max` bytes.
pub(super) fn read_plain(path: &Path, max: u64) -> Option<Vec<u8>> {
    let meta = path.symlink_metadata().ok()?;
    if !meta.is_file() || meta.len() > max {
        return None;
    }
    std::fs::read(path).ok()
}

/// Other users of this machine have no business here: the engine mounts what lies below, so containers need no way
/// through. A login with the containers' uid can still look into their processes; `docs/security.md` says so.
fn private(folder: &Path) -> anyhow::Result<()> {
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))?)
}

pub(super) fn own(path: &Path, (uid, gid): (u32, u32)) -> anyhow::Result<()> {
    if rustix::process::geteuid().is_root() {
        lchown(path, Some(uid), Some(gid)).with_context(|| format!("cannot hand over {}", path.display()))?;
    }
    Ok(())
}

pub(super) fn own_tree(root: &Path, user: (u32, u32)) -> anyhow::Result<()> {
    let mut paths = vec![root.to_path_buf()];
    while let Some(path) = paths.pop() {
        own(&path, user)?;
        if path.symlink_metadata()?.is_dir() {
            for entry in std::fs::read_dir(&path)? {
                paths.push(entry?.path());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_do_not_lead_outside() {
        let outside = tempfile::tempdir().expect("a directory");
        let root = tempfile::tempdir().expect("a directory");
        let at = |name: &str| root.path().join(name);
        std::fs::create_dir_all(at("dist/build")).expect("made");
        std::fs::write(at("file"), "x").expect("written");
        std::os::unix::fs::symlink(outside.path(), at("escape")).expect("linked");
        std::os::unix::fs::symlink("dist", at("inside")).expect("linked");
        assert!(folder_inside(root.path(), &["", "dist/build"]).is_some());
        assert!(folder_inside(root.path(), &["inside", "build"]).is_some());
        for bad in ["escape", "file", "missing"] {
            assert!(folder_inside(root.path(), &["", bad]).is_none(), "{bad}");
        }
        assert!(check_package(&at("dist"), 10, 10).is_ok());
        assert!(check_package(root.path(), 10, 1 << 20).is_err(), "links are refused");
        assert!(read_plain(&at("file"), 0).is_none() && read_plain(&at("file"), 1).is_some());
        assert!(read_plain(&at("escape"), 100).is_none());
    }

    #[test]
    fn secrets_are_for_one_user_and_for_a_moment() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = crate::config::Settings { data_dir: Some(dir.path().into()), ..Default::default() };
        let config = Config::from_settings(settings).expect("valid");
        let instance = crate::model::new_id();
        let workspace = Workspace::make(&config, &instance, "r", 1, container_user()).expect("made");
        let secrets = Secrets::from([("private_key".to_owned(), "top secret".to_owned())]);
        let folder = workspace.write_secrets(&secrets).expect("written");
        let mode = |path: &Path| path.symlink_metadata().expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&folder.join("private_key")), 0o400);
        assert_eq!(mode(&folder), 0o500);
        assert_eq!(mode(folder.parent().expect("a parent")), 0o700);
        assert_eq!(mode(&config.work_dir()), 0o700);
        workspace.remove();
        assert!(!folder.exists() && !workspace.source().exists());
        let _ = std::fs::remove_dir(config.secret_dir(&instance));
    }
}
