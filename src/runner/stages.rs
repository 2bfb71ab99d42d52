//! The five stages, in order. Each either gives what the next one needs or says why it could not.

mod checkout;
mod contained;
mod deliver;
mod install;
mod publish;

use std::path::{Path, PathBuf};

use contained::{contain, judge};

use install::Installed;

use super::attempt::{Attempt, Halt, fail};
use super::events::{WorkerResult, parse_result};
use super::node;
use super::spec::{self, Base};
use super::workspace::{self, Workspace};
use crate::bus::Moved;
use crate::db;
use crate::lang;
use crate::model::program::Program;
use crate::model::release::{Delivered, Failure, Size, Stage};
use crate::ops::contents;
use crate::platform::manifest::{Level, Produces};
use crate::platform::{Platform, hints};

/// What a package may be before it meets a key; far above every vendor's limit.
const MAX_FILES: usize = 50_000;
const MAX_BYTES: u64 = 500 * 1024 * 1024;
const MAX_RESULT: u64 = 4 * 1024 * 1024;

pub(super) async fn all(
    attempt: &Attempt,
    program: &Program,
    platform: &Platform,
    workspace: &Workspace,
) -> Result<Delivered, Halt> {
    let commit = attempt.stage(Stage::Checkout, checkout::checkout(attempt, program, workspace)).await?;
    let mut attempt = attempt.clone();
    attempt.release.commit = commit;
    let attempt = &attempt;
    let mut base = Base {
        app: &attempt.runner.app,
        release: &attempt.release,
        program,
        workspace,
        user: attempt.runner.user,
        ca_bundle: attempt.runner.ca_bundle.as_deref(),
        node: node::DEFAULT,
        modules: vec![],
        build_cache: None,
    };
    let project = workspace::folder_inside(&workspace.source(), &[&program.root_dir])
        .ok_or_else(|| Halt::Failed(Failure::new("root_dir_missing", "").args([&program.root_dir])))?;
    // Held to the end: what is in use is not swept.
    let mut installed = Installed::default();
    attempt.stage(Stage::Install, install::install(attempt, &mut base, &project, &mut installed)).await?;
    attempt.stage(Stage::Compile, compile(attempt, &mut base, &mut installed)).await?;
    let prepared = attempt.stage(Stage::Prepare, prepare(attempt, &base, platform)).await?;
    let package = prepared.ok_or_else(|| fail("internal", ""))?;
    let delivered = match platform.produces {
        Produces::Receipt => {
            attempt.stage(Stage::Deliver, deliver::deliver(attempt, &base, platform, &package)).await?
        }
        Produces::Update => attempt.stage(Stage::Deliver, publish::publish(attempt, program, &package)).await?,
    };
    delivered.ok_or_else(|| fail("internal", ""))
}

async fn compile(attempt: &Attempt, base: &mut Base<'_>, installed: &mut Installed) -> Result<Option<()>, Halt> {
    let Some(command) = spec::compile_command(base.program, attempt.release.parameters.environment) else {
        attempt.log.say("compile", "no command: nothing to compile").await;
        return Ok(None);
    };
    let cache = install::build_cache(attempt, base, installed).await?;
    attempt.log.say("compile", format!("$ {command}")).await;
    let spec = base.build(Stage::Compile, command, &base.program.root_dir);
    let run = contain(attempt, Stage::Compile, &spec, None).await?;
    if let Some(row) = cache {
        install::measure_cache(attempt, row).await?;
    }
    judge(attempt, run, "compile_failed").map(Some)
}

/// What prepare hands to deliver.
struct Prepared {
    package: PathBuf,
    sizes: Vec<Size>,
}

async fn prepare(attempt: &Attempt, base: &Base<'_>, platform: &Platform) -> Result<Option<Prepared>, Halt> {
    let program = base.program;
    let output = workspace::folder_inside(&base.workspace.source(), &[&program.root_dir, &program.output_dir])
        .ok_or_else(|| Halt::Failed(Failure::new("output_missing", "").args([&program.output_dir])))?;
    let wanted = &platform.output_must_contain_any;
    if !wanted.is_empty() && !wanted.iter().any(|name| output.join(name).exists()) {
        let names = wanted.join(", ");
        return Err(Halt::Failed(Failure::new("output_unlike", "").args([&program.output_dir, &names])));
    }
    let nonce = crate::model::new_id();
    let job = base.workspace.write_job("prepare", &base.job(Stage::Prepare, &nonce))?;
    let container = base.worker(platform, Stage::Prepare, &output, job, None);
    let run = contain(attempt, Stage::Prepare, &container, Some(&nonce)).await?;
    if run.canceled() {
        return Err(attempt.stopper.halt());
    }
    let out = base.workspace.out("prepare");
    let (version, kind, sizes) = match read_result(&out) {
        Some(Ok(WorkerResult::Ok { version, kind, sizes, .. })) => (version, kind, sizes),
        Some(Ok(WorkerResult::Failed { code, message, path })) => {
            return Err(Halt::Failed(vendor_failure(platform, &code, &message, path)));
        }
        Some(Err(error)) => return Err(fail("bad_result", error)),
        None => {
            judge(attempt, run, "prepare_failed")?;
            return Err(fail("no_result", ""));
        }
    };
    if attempt.release.parameters.version.is_empty() && crate::model::version::is_valid(&version) {
        let (app, release) = (&attempt.runner.app, &attempt.release);
        db::releases::set_version(&app.db, &release.id, release.attempt, &version).await?;
    }
    let sizes = gate(attempt, platform, kind.as_deref(), sizes).await?;
    // Whatever ran in there could read repository code: from here on its output is hostile.
    let package = out.join("package");
    let checked = package.clone();
    let found = tokio::task::spawn_blocking(move || match checked.symlink_metadata() {
        Ok(meta) if meta.is_dir() => workspace::check_package(&checked, MAX_FILES, MAX_BYTES),
        _ => Err("no package".to_owned()),
    });
    let mut files = found.await?.map_err(|error| fail("bad_package", error))?;
    // A wgt is one file; what it is made of says more.
    if let [(name, _)] = &files[..] {
        let archive = package.join(name);
        let inside = tokio::task::spawn_blocking(move || contents::of_archive(&archive)).await?;
        files = inside.unwrap_or(files);
    }
    if let Err(error) = contents::keep(&attempt.runner.app, &attempt.release.id, files).await {
        tracing::warn!(release = %attempt.release.id, %error, "cannot keep what the package is made of");
    }
    Ok(Some(Prepared { package, sizes }))
}

/// Sizes against the platform's limits, before anything is uploaded.
async fn gate(
    attempt: &Attempt,
    platform: &Platform,
    kind: Option<&str>,
    mut sizes: Vec<Size>,
) -> Result<Vec<Size>, Halt> {
    let mut too_big = None;
    for size in &mut sizes {
        let Some(limit) = platform.limit(kind, &size.name) else { continue };
        size.limit = Some(limit.bytes);
        let text = format!("{}: {} / {}", size.name, lang::bytes(size.bytes), lang::bytes(limit.bytes));
        attempt.log.say("prepare", text).await;
        if size.bytes > limit.bytes && limit.level == Level::Warn {
            attempt.log.say("prepare", format!("⚠ {} is over its limit; the vendor may refuse it", size.name)).await;
        }
        if size.bytes > limit.bytes && limit.level == Level::Block {
            too_big.get_or_insert_with(|| {
                Failure::new("package_over_limit", "").args([
                    &size.name,
                    &lang::bytes(size.bytes),
                    &lang::bytes(limit.bytes),
                ])
            });
        }
    }
    let app = &attempt.runner.app;
    db::releases::set_sizes(&app.db, &attempt.release.id, attempt.release.attempt, &sizes).await?;
    app.bus.tell(Moved::Release(attempt.release.id.clone()));
    match too_big {
        Some(failure) => Err(Halt::Failed(failure)),
        None => Ok(sizes),
    }
}

/// The driver's last word; `None` when it left none.
fn read_result(out: &Path) -> Option<Result<WorkerResult, String>> {
    Some(parse_result(&workspace::read_plain(&out.join("result.json"), MAX_RESULT)?))
}

fn vendor_failure(platform: &Platform, code: &str, message: &str, path: Option<String>) -> Failure {
    let message = match path {
        Some(path) if !message.contains(&path) => format!("{path}: {message}"),
        _ => message.to_owned(),
    };
    hints::recognise(platform, code, &message)
}
