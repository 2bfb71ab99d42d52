//! Install: the right Node.js, the right package manager, the lockfile as it is or as it must be, and dependencies that an
//! earlier release has installed already.

use std::path::{Path, PathBuf};

use super::contained::{contain, judge};
use crate::db;
use crate::model::program::{BuildCache, without_credentials};
use crate::model::release::{Environment, Failure, Stage};
use crate::model::snapshot::{Snapshot as Row, SnapshotKind};
use crate::runner::attempt::{Attempt, Halt};
use crate::runner::cache::{self, Snapshot, Terms};
use crate::runner::packages::{self, Plan};
use crate::runner::spec::{Base, Module, build_image};
use crate::runner::{lockfile, node, tree, workspace};

/// What later stages hold on to while they use it.
#[derive(Default)]
pub(super) struct Installed {
    snapshot: Option<Snapshot>,
    build_cache: Option<std::fs::File>,
}

/// `Ok(None)`: nothing to install, or installed before.
pub(super) async fn install(
    attempt: &Attempt,
    base: &mut Base<'_>,
    project: &Path,
    installed: &mut Installed,
) -> Result<Option<()>, Halt> {
    choose_node(attempt, base, project).await?;
    let source = base.workspace.source().canonicalize()?;
    let without = base.program.settings.ignore_lockfile || attempt.release.parameters.without_lockfile;
    let Some(plan) = packages::plan(base.program, &source, project, without) else {
        attempt.log.say("install", "no package.json: nothing to install").await;
        return Ok(None);
    };
    adapt_lockfiles(attempt, base, &plan, without).await?;
    let image = image_id(attempt, &build_image(base.node)).await?;
    let id = match keeps(attempt, base) {
        true => Some(key(attempt, base, &plan, &image, source.clone()).await?),
        false => None,
    };
    if let Some(id) = &id
        && let Some(snapshot) = reuse(attempt, id, &source).await?
    {
        use_snapshot(attempt, base, installed, snapshot).await?;
        return Ok(None);
    }
    let before = tokio::task::spawn_blocking({
        let source = source.clone();
        move || tree::listing(&source)
    });
    let before = before.await??;
    attempt.log.say("install", format!("$ {}", plan.command)).await;
    let spec = base.build(Stage::Install, &plan.command, &plan.folder);
    let run = contain(attempt, Stage::Install, &spec, None).await?;
    judge(attempt, run, "install_failed")?;
    if let Some(id) = id
        && let Some(snapshot) = keep(attempt, base, id, source, before).await?
    {
        use_snapshot(attempt, base, installed, snapshot).await?;
    }
    Ok(Some(()))
}

async fn choose_node(attempt: &Attempt, base: &mut Base<'_>, project: &Path) -> Result<(), Halt> {
    let root = base.workspace.source();
    let read = |folder: &Path, name: &str| {
        let text = workspace::read_plain(&folder.join(name), 1 << 20)?;
        Some(String::from_utf8_lossy(&text).into_owned())
    };
    let folders = [project, &root];
    let version_file =
        folders.iter().find_map(|folder| read(folder, ".nvmrc").or_else(|| read(folder, ".node-version")));
    let manifest = read(project, "package.json");
    let said = node::Said {
        setting: &base.program.settings.node,
        version_file: version_file.as_deref(),
        manifest: manifest.as_deref(),
    };
    let choice = node::choose(&said);
    if choice.major != node::DEFAULT {
        attempt.log.say("install", format!("Node.js {} ({})", choice.major, choice.because)).await;
    }
    base.node = choice.major;
    Ok(())
}

/// Points lockfiles at the configured registry, or takes them away where a person asked for that.
async fn adapt_lockfiles(attempt: &Attempt, base: &Base<'_>, plan: &Plan, without: bool) -> Result<(), Halt> {
    let folder = base.workspace.source().join(&plan.folder);
    if without {
        let removed = lockfile::remove(&folder)?;
        if !removed.is_empty() {
            let line = format!("without {}: the package manager chooses versions anew", removed.join(", "));
            attempt.log.say("install", line).await;
        }
        return Ok(());
    }
    let Some(registry) = base.registry() else { return Ok(()) };
    let adapted = lockfile::adapt(&folder, registry)?;
    for host in &adapted.replaced {
        attempt.log.say("install", format!("lockfile: {host} → {registry}")).await;
    }
    match adapted.foreign {
        Some(foreign) => {
            let failure = Failure::new("lockfile_foreign", foreign.example);
            Err(Halt::Failed(failure.args([&foreign.file, &foreign.host])))
        }
        None => Ok(()),
    }
}

async fn image_id(attempt: &Attempt, name: &str) -> Result<String, Halt> {
    let engine = |error: crate::executor::ExecError| super::super::attempt::fail("engine_failed", error.to_string());
    let id = attempt.runner.executor.image(name).await.map_err(engine)?;
    id.ok_or_else(|| super::contained::image_missing(name))
}

fn keeps(attempt: &Attempt, base: &Base<'_>) -> bool {
    base.program.settings.snapshots && attempt.runner.app.config.snapshot_limit > 0
}

async fn key(attempt: &Attempt, base: &Base<'_>, plan: &Plan, image: &str, source: PathBuf) -> Result<String, Halt> {
    let (repository, folder, command) = (repository(base), plan.folder.clone(), plan.command.clone());
    let (image, registry) = (image.to_owned(), base.registry().unwrap_or_default().to_owned());
    let day = match plan.locked {
        true => String::new(),
        false => crate::clock::rfc3339(attempt.runner.app.clock.now())[..10].to_owned(),
    };
    let made = tokio::task::spawn_blocking(move || {
        let terms = Terms {
            repository: &repository,
            folder: &folder,
            command: &command,
            image: &image,
            registry: &registry,
            day: &day,
        };
        cache::key(&source, &terms)
    });
    Ok(made.await??)
}

fn repository(base: &Base<'_>) -> String {
    without_credentials(&base.program.repo_url)
}

/// A snapshot that fits, laid out in the workspace.
async fn reuse(attempt: &Attempt, id: &str, source: &Path) -> Result<Option<Snapshot>, Halt> {
    let app = &attempt.runner.app;
    let Some(row) = db::snapshots::touch(&app.db, id, app.clock.now()).await? else { return Ok(None) };
    let (dir, name, source) = (app.config.snapshot_dir(), id.to_owned(), source.to_owned());
    let user = attempt.runner.user;
    let opened = tokio::task::spawn_blocking(move || -> std::io::Result<_> {
        let Some(snapshot) = Snapshot::open(&dir, &name) else { return Ok(None) };
        Ok(snapshot.lay_out(&source, user)?.then_some(snapshot))
    });
    let Some(snapshot) = opened.await?? else { return Ok(None) };
    let megabytes = row.bytes / 1024 / 1024;
    let made = crate::clock::rfc3339(row.created_at);
    let line =
        format!("dependencies unchanged: {} files, {megabytes} MB, installed {made} on {}", row.files, row.reference);
    attempt.log.say("install", line).await;
    Ok(Some(snapshot))
}

/// Keeps what was installed, if there is room and something to keep.
async fn keep(
    attempt: &Attempt,
    base: &Base<'_>,
    id: String,
    source: PathBuf,
    before: std::collections::BTreeMap<PathBuf, (u64, i64, i64)>,
) -> Result<Option<Snapshot>, Halt> {
    let app = &attempt.runner.app;
    let dir = app.config.snapshot_dir();
    let (at, user) = (source.clone(), attempt.runner.user);
    let found = tokio::task::spawn_blocking(move || cache::found(&at, &before)).await??;
    let Some(found) = found.filter(|found| found.bytes <= app.config.snapshot_limit) else {
        attempt.log.say("install", "these dependencies are not kept for the next release").await;
        return Ok(None);
    };
    let now = app.clock.now();
    let row = Row {
        id: id.clone(),
        kind: SnapshotKind::Dependencies,
        repository: repository(base),
        program_id: Some(base.program.id.clone()),
        reference: attempt.release.parameters.reference.clone(),
        bytes: found.bytes as i64,
        files: found.files as i64,
        created_at: now,
        used_at: now,
    };
    // The row first: a folder without one would be swept.
    db::snapshots::put(&app.db, &row).await?;
    let kept = tokio::task::spawn_blocking(move || Snapshot::keep(&dir, &id, &source, found, user)).await?;
    evict(attempt, &row.id).await?;
    Ok(Some(kept?))
}

/// The least recently used go until the rest fits.
async fn evict(attempt: &Attempt, newest: &str) -> Result<(), Halt> {
    let app = &attempt.runner.app;
    let mut room = app.config.snapshot_limit as i64;
    for row in db::snapshots::list(&app.db).await? {
        room -= row.bytes;
        if room < 0 && row.id != newest {
            db::snapshots::delete(&app.db, &row.id).await?;
        }
    }
    Ok(())
}

/// From here on the folders are mounts, or copies where the engine cannot mount them.
async fn use_snapshot(
    attempt: &Attempt,
    base: &mut Base<'_>,
    installed: &mut Installed,
    snapshot: Snapshot,
) -> Result<(), Halt> {
    let modules: Vec<Module> =
        snapshot.modules().map(|(place, lower)| Module { place: place.to_owned(), lower }).collect();
    if attempt.runner.mounts_overlays(&build_image(base.node)).await {
        base.workspace.make_overlays(modules.len())?;
        base.modules = modules;
        installed.snapshot = Some(snapshot);
        return Ok(());
    }
    let (source, user) = (base.workspace.source(), attempt.runner.user);
    let copied = tokio::task::spawn_blocking(move || -> anyhow::Result<()> {
        for module in modules {
            tree::copy(&module.lower, &source.join(&module.place))?;
            workspace::own_tree(&source.join(&module.place), user)?;
        }
        drop(snapshot);
        Ok(())
    });
    Ok(copied.await??)
}

/// Compilers' caches of this program and branch, where its setting allows them for the release's environment.
pub(super) async fn build_cache(
    attempt: &Attempt,
    base: &mut Base<'_>,
    installed: &mut Installed,
) -> Result<Option<Row>, Halt> {
    let app = &attempt.runner.app;
    let p = &attempt.release.parameters;
    let wanted = match base.program.settings.build_cache {
        BuildCache::Off => false,
        BuildCache::Development => p.environment == Environment::Development,
        BuildCache::Always => true,
    };
    let place = base.workspace.source().join(&base.program.root_dir).join(tree::MODULES);
    if !wanted || app.config.snapshot_limit == 0 || !place.is_dir() {
        return Ok(None);
    }
    let name = format!("{}\n{}\n{}", base.program.id, p.reference, p.environment);
    let id = crate::model::hex_of(&openssl::sha::sha256(name.as_bytes()));
    let now = app.clock.now();
    let known = db::snapshots::touch(&app.db, &id, now).await?;
    let row = known.clone().unwrap_or_else(|| Row {
        id: id.clone(),
        kind: SnapshotKind::BuildCache,
        repository: repository(base),
        program_id: Some(base.program.id.clone()),
        reference: p.reference.clone(),
        bytes: 0,
        files: 0,
        created_at: now,
        used_at: now,
    });
    db::snapshots::put(&app.db, &row).await?;
    let folder = app.config.snapshot_dir().join(&id);
    installed.build_cache = Some(cache::make_build_cache(&folder, known.is_none(), attempt.runner.user)?);
    let line = match known {
        Some(row) => format!("build cache of {}, last used {}", row.reference, crate::clock::rfc3339(row.used_at)),
        None => format!("new build cache of {}", p.reference),
    };
    attempt.log.say("compile", line).await;
    base.build_cache = Some(folder);
    Ok(Some(row))
}

/// After a compile: how large its cache has become.
pub(super) async fn measure_cache(attempt: &Attempt, row: Row) -> Result<(), Halt> {
    let app = &attempt.runner.app;
    let folder = app.config.snapshot_dir().join(&row.id);
    let (bytes, files) = tokio::task::spawn_blocking(move || tree::measure(&folder)).await??;
    let row = Row { bytes: bytes as i64, files: files as i64, ..row };
    db::snapshots::put(&app.db, &row).await?;
    evict(attempt, &row.id).await
}
