//! The mirrors on disk: fetching into them, finding a commit, writing its files out. Everything here blocks.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use git2::build::CheckoutBuilder;
use git2::{AutotagOption, Direction, FetchOptions, Oid, RemoteRedirect, RemoteUpdateFlags, Repository};

use super::access::Contact;
use super::survey::{self, Files};
use super::{Checkout, Commit, GitError, Limits, Progress, Refs, Remote, Result, Stop, too_large};
use crate::model::program::{is_valid_repo_url, without_credentials};

const TELL_EVERY: Duration = Duration::from_secs(5);
/// Submodules of submodules of submodules.
const MAX_DEPTH: usize = 4;
const MAX_SUBMODULES: usize = 50;
const MAX_PACKS: usize = 200;
const WANTED: &str = "refs/sampan/wanted";
const EVERYTHING: [&str; 2] = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

pub(super) fn checkout(wanted: &Checkout, progress: &Progress, stop: &Stop) -> Result<Commit> {
    let mut left = MAX_SUBMODULES;
    write_out(wanted, progress, stop, 0, &mut left)
}

fn write_out(wanted: &Checkout, tell: &Progress, stop: &Stop, depth: usize, left: &mut usize) -> Result<Commit> {
    let (mirror, host_key) = fetched(wanted, tell, stop)?;
    let commit = mirror.resolve(&wanted.reference)?;
    let found = survey::survey(&mirror.repository, &commit.tree().map_err(other)?, wanted.limits)?;
    std::fs::create_dir_all(&wanted.into).map_err(io)?;
    let into = wanted.into.canonicalize().map_err(io)?;
    // Submodules make libgit2 ask for a working tree; this one is known to this value alone.
    mirror.repository.set_workdir(&into, false).map_err(other)?;
    let mut options = CheckoutBuilder::new();
    // The same bytes everywhere, whatever attributes and settings say.
    options.target_dir(&into).force().update_index(false).disable_filters(true);
    mirror.repository.checkout_tree(commit.as_object(), Some(&mut options)).map_err(other)?;
    let mut done = Commit {
        id: commit.id().to_string(),
        subject: commit.summary().ok().flatten().unwrap_or_default().to_owned(),
        refs: (!mirror.shallow).then(|| mirror.refs()),
        host_key,
        lfs_pointers: found.lfs_pointers,
        submodules: vec![],
    };
    for module in survey::submodules(&wanted.into, &found.gitlinks)? {
        let fail = |why: &str| GitError::Submodule(module.path.clone(), why.to_owned());
        let url = module.absolute_url(&wanted.remote.url);
        if depth + 1 == MAX_DEPTH || *left == 0 {
            return Err(fail("too many, or too deep"));
        }
        if !is_valid_repo_url(&url) {
            return Err(fail(&format!("an address that is not allowed: {}", without_credentials(&url))));
        }
        *left -= 1;
        tell(format!("submodule {}: {}", module.path, without_credentials(&url)));
        let inner = Checkout {
            remote: wanted.remote.neighbour(url),
            reference: module.commit.to_string(),
            shallow: false,
            into: inside(&wanted.into, &module.path).ok_or_else(|| fail("its folder leads outside"))?,
            ..wanted.clone()
        };
        let inner = write_out(&inner, tell, stop, depth + 1, left).map_err(|error| match error {
            GitError::Canceled | GitError::Submodule(..) => error,
            error => fail(&error.to_string()),
        })?;
        let below = |path: String| format!("{}/{path}", module.path);
        done.lfs_pointers.extend(inner.lfs_pointers.into_iter().map(below));
        done.submodules.push(module.path);
    }
    Ok(done)
}

/// The repository's mirror with the wanted commit in it. One commit without history where that was asked for, the
/// reference has a name, and the server can.
fn fetched(wanted: &Checkout, tell: &Progress, stop: &Stop) -> Result<(Mirror, Option<String>)> {
    let (remote, reference) = (&wanted.remote, &wanted.reference);
    if wanted.shallow
        && let Some(source) = refs(&wanted.mirrors, remote, stop)?.full_name(reference)
    {
        let mirror = Mirror::open(&wanted.mirrors, remote, true)?;
        match mirror.fetch_one(remote, &source, wanted.limits, tell, stop) {
            Err(GitError::Other(why)) if why.contains("support shallow") => {
                tell("the server has no shallow clones: fetching all of it".to_owned());
            }
            done => return Ok((mirror, done?)),
        }
    }
    let mirror = Mirror::open(&wanted.mirrors, remote, false)?;
    let host_key = mirror.fetch_all(remote, wanted.limits, tell, stop)?;
    // A submodule's commit may be on no branch; servers that allow it give it by name.
    if is_commit(reference) && reference.len() == 40 && mirror.resolve(reference).is_err() {
        let spec = format!("+{reference}:refs/commits/{reference}");
        let _ = mirror.fetch(remote, &[spec], wanted.limits, tell, stop);
    }
    Ok((mirror, host_key))
}

/// A folder below `root` for a submodule; `None` where a link on the way leads elsewhere.
fn inside(root: &Path, path: &str) -> Option<PathBuf> {
    let folder = root.join(path);
    std::fs::create_dir_all(&folder).ok()?;
    let (root, folder) = (root.canonicalize().ok()?, folder.canonicalize().ok()?);
    (folder.starts_with(&root) && folder != root).then_some(folder)
}

pub(super) fn refs(mirrors: &Path, remote: &Remote, stop: &Stop) -> Result<Refs> {
    let contact = Contact::new(remote);
    let asker = open(&mirrors.join("ask.git"))?;
    let mut anonymous = asker.remote_anonymous(&remote.url).map_err(|e| contact.explain(&e))?;
    let explain = |e: git2::Error| if stop.load(Ordering::Relaxed) { GitError::Canceled } else { contact.explain(&e) };
    let connection = anonymous.connect_auth(Direction::Fetch, Some(contact.callbacks()), None).map_err(explain)?;
    let mut refs = Refs { host_key: contact.host_key(), ..Refs::default() };
    for head in connection.list().map_err(explain)? {
        refs.add(head.name());
        if head.name() == "HEAD" {
            refs.default_branch =
                head.symref_target().and_then(|name| name.strip_prefix("refs/heads/")).map(str::to_owned);
        }
    }
    Ok(refs)
}

pub(super) fn known_refs(mirrors: &Path, url: &str) -> Refs {
    let folder = mirrors.join(folder_name(url, false));
    Repository::open_bare(folder).map(|repository| refs_of(&repository)).unwrap_or_default()
}

pub(super) fn files(
    mirrors: &Path,
    remote: &Remote,
    reference: &str,
    limits: Limits,
    filter: fn(&str) -> bool,
    stop: &Stop,
) -> Result<Files> {
    let wanted = Checkout {
        mirrors: mirrors.to_owned(),
        remote: remote.clone(),
        reference: reference.to_owned(),
        shallow: true,
        limits,
        into: PathBuf::new(),
    };
    let nobody: Progress = std::sync::Arc::new(|_| {});
    let (mirror, _) = fetched(&wanted, &nobody, stop)?;
    survey::files(&mirror.repository, &mirror.resolve(reference)?.tree().map_err(other)?, filter)
}

impl Refs {
    fn add(&mut self, name: &str) {
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            self.branches.push(branch.to_owned());
        } else if let Some(tag) = name.strip_prefix("refs/tags/").filter(|tag| !tag.ends_with("^{}")) {
            self.tags.push(tag.to_owned());
        }
    }

    fn full_name(&self, reference: &str) -> Option<String> {
        let is = |name: &String| name == reference;
        if self.branches.iter().any(is) {
            Some(format!("refs/heads/{reference}"))
        } else {
            self.tags.iter().any(is).then(|| format!("refs/tags/{reference}"))
        }
    }
}

fn refs_of(repository: &Repository) -> Refs {
    let mut refs = Refs::default();
    for reference in repository.references().into_iter().flatten().flatten() {
        if let Ok(name) = reference.name() {
            refs.add(name);
        }
    }
    refs
}

struct Mirror {
    repository: Repository,
    shallow: bool,
    /// One at a time per mirror, also across processes; released when the file is closed.
    _lock: File,
}

fn open(folder: &Path) -> Result<Repository> {
    let repository = Repository::open_bare(folder).or_else(|_| {
        // Absent, or left half-made by a crash: a mirror can always be made again.
        let _ = std::fs::remove_dir_all(folder);
        Repository::init_bare(folder).map_err(other)
    })?;
    // Another host must not be sent to with our token in hand.
    repository.config().and_then(|mut config| config.set_str("http.followRedirects", "false")).map_err(other)?;
    Ok(repository)
}

/// One folder per address; whoever reaches it with another token fetches with that token first.
pub(super) fn folder_name(url: &str, shallow: bool) -> String {
    let hash = crate::model::hex_of(&openssl::sha::sha256(without_credentials(url).as_bytes()));
    format!("{hash}{}.git", if shallow { "-shallow" } else { "" })
}

impl Mirror {
    fn open(mirrors: &Path, remote: &Remote, shallow: bool) -> Result<Self> {
        let folder = mirrors.join(folder_name(&remote.url, shallow));
        std::fs::create_dir_all(mirrors).map_err(io)?;
        let lock = File::create(folder.with_extension("lock")).map_err(io)?;
        lock.lock().map_err(io)?;
        // Every fetch adds a pack, and nobody packs them together: now and then a new mirror is cheaper.
        let packs = std::fs::read_dir(folder.join("objects/pack")).map_or(0, |entries| entries.count() / 2);
        if packs > MAX_PACKS {
            std::fs::remove_dir_all(&folder).map_err(io)?;
        }
        Ok(Self { repository: open(&folder)?, shallow, _lock: lock })
    }

    /// All branches and tags. What is gone goes first: `a` may have become `a/b`.
    fn fetch_all(&self, remote: &Remote, limits: Limits, tell: &Progress, stop: &Stop) -> Result<Option<String>> {
        self.fetch(remote, &EVERYTHING.map(str::to_owned), limits, tell, stop)
    }

    /// One commit, under a name of our own.
    fn fetch_one(
        &self,
        remote: &Remote,
        source: &str,
        limits: Limits,
        tell: &Progress,
        stop: &Stop,
    ) -> Result<Option<String>> {
        self.fetch(remote, &[format!("+{source}:{WANTED}")], limits, tell, stop)
    }

    /// The SSH host's key, where the server has one.
    fn fetch(
        &self,
        remote: &Remote,
        specs: &[String],
        limits: Limits,
        tell: &Progress,
        stop: &Stop,
    ) -> Result<Option<String>> {
        let contact = Contact::new(remote);
        let over = Stop::default();
        let mut told = Instant::now();
        let mut callbacks = contact.callbacks();
        callbacks.transfer_progress(|p| {
            if p.received_bytes() as u64 > limits.bytes {
                over.store(true, Ordering::Relaxed);
                return false;
            }
            if told.elapsed() >= TELL_EVERY {
                told = Instant::now();
                let megabytes = p.received_bytes() / 1024 / 1024;
                tell(format!("{} of {} objects, {megabytes} MB", p.received_objects(), p.total_objects()));
            }
            !stop.load(Ordering::Relaxed)
        });
        callbacks.sideband_progress(|_| !stop.load(Ordering::Relaxed));
        let mut options = FetchOptions::new();
        options.remote_callbacks(callbacks).download_tags(AutotagOption::None).follow_redirects(RemoteRedirect::None);
        if self.shallow {
            options.depth(1);
        }
        let mut anonymous = self.repository.remote_anonymous(&remote.url).map_err(|e| contact.explain(&e))?;
        let fetched = anonymous.download(specs, Some(&mut options)).and_then(|()| {
            if !self.shallow {
                anonymous.prune(None)?;
            }
            anonymous.update_tips(None, RemoteUpdateFlags::empty(), AutotagOption::None, None)
        });
        drop(options);
        match fetched {
            Ok(()) => Ok(contact.host_key()),
            Err(_) if over.load(Ordering::Relaxed) => Err(too_large(limits)),
            Err(_) if stop.load(Ordering::Relaxed) => Err(GitError::Canceled),
            Err(error) => Err(contact.explain(&error)),
        }
    }

    fn refs(&self) -> Refs {
        refs_of(&self.repository)
    }

    /// A branch, then a tag, then a commit.
    fn resolve(&self, reference: &str) -> Result<git2::Commit<'_>> {
        if self.shallow {
            return self.repository.find_reference(WANTED).and_then(|r| r.peel_to_commit()).map_err(other);
        }
        for name in [format!("refs/heads/{reference}"), format!("refs/tags/{reference}")] {
            if let Ok(commit) = self.repository.find_reference(&name).and_then(|r| r.peel_to_commit()) {
                return Ok(commit);
            }
        }
        let by_id = Oid::from_str(reference).ok().filter(|_| reference.len() == 40);
        let found = by_id.and_then(|id| self.repository.find_commit(id).ok());
        let prefix = || is_commit(reference).then(|| self.repository.find_commit_by_prefix(reference).ok()).flatten();
        if let Some(commit) = found.or_else(prefix) {
            return Ok(commit);
        }
        let refs = self.refs();
        match refs.branches.is_empty() && refs.tags.is_empty() {
            true => Err(GitError::Empty),
            false => Err(GitError::NoReference(reference.to_owned())),
        }
    }
}

fn is_commit(reference: &str) -> bool {
    (7..=40).contains(&reference.len()) && reference.chars().all(|c| c.is_ascii_hexdigit())
}

pub(super) fn other(error: git2::Error) -> GitError {
    GitError::Other(error.message().to_owned())
}

fn io(error: std::io::Error) -> GitError {
    GitError::Other(error.to_string())
}
