//! The five stages, in order. Each either gives what the next one needs or says why it could not.

mod contained;
mod deliver;

use std::path::{Path, PathBuf};

use contained::{contain, judge};

use super::attempt::{Attempt, Halt, fail, git_failure};
use super::events::{WorkerResult, parse_result};
use super::spec::{self, Base};
use super::workspace::{self, Workspace};
use crate::bus::Moved;
use crate::db;
use crate::executor::Ended;
use crate::git;
use crate::lang;
use crate::model::program::{Program, without_credentials};
use crate::model::release::{Delivered, Failure, Size, Stage};
use crate::platform::manifest::Level;
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
    let commit = attempt.stage(Stage::Checkout, checkout(attempt, program, workspace)).await?;
    let mut attempt = attempt.clone();
    attempt.release.commit = commit;
    let attempt = &attempt;
    let base = Base {
        app: &attempt.runner.app,
        release: &attempt.release,
        program,
        workspace,
        user: attempt.runner.user,
        ca_bundle: attempt.runner.ca_bundle.as_deref(),
    };
    let project = workspace::folder_inside(&workspace.source(), &[&program.root_dir])
        .ok_or_else(|| Halt::Failed(Failure::new("root_dir_missing", "").args([&program.root_dir])))?;
    attempt.stage(Stage::Install, install(attempt, &base, &project)).await?;
    attempt.stage(Stage::Compile, compile(attempt, &base)).await?;
    let prepared = attempt.stage(Stage::Prepare, prepare(attempt, &base, platform)).await?;
    let package = prepared.ok_or_else(|| fail("internal", ""))?;
    let delivered = attempt.stage(Stage::Deliver, deliver::deliver(attempt, &base, platform, &package)).await?;
    delivered.ok_or_else(|| fail("internal", ""))
}

async fn checkout(attempt: &Attempt, program: &Program, workspace: &Workspace) -> Result<Option<String>, Halt> {
    let app = &attempt.runner.app;
    let reference = attempt.release.parameters.reference.clone();
    let shown = without_credentials(&program.repo_url);
    attempt.log.say("checkout", format!("{shown} @ {reference}")).await;
    let cancel = attempt.stopper.token.clone();
    let done =
        git::checkout(app.config.mirror_dir(), program.repo_url.clone(), reference, workspace.source(), cancel).await;
    let commit = done.map_err(|error| git_failure(error, &attempt.stopper))?;
    attempt.log.say("checkout", format!("{} {}", commit.id, commit.subject)).await;
    let owned = workspace.clone();
    tokio::task::spawn_blocking(move || owned.own_source()).await??;
    db::releases::set_commit(&app.db, &attempt.release.id, attempt.release.attempt, &commit.id, &commit.subject)
        .await?;
    Ok(Some(commit.id))
}

async fn install(attempt: &Attempt, base: &Base<'_>, project: &Path) -> Result<Option<()>, Halt> {
    let Some(command) = spec::install_command(base.program, project) else {
        attempt.log.say("install", "no package.json: nothing to install").await;
        return Ok(None);
    };
    attempt.log.say("install", format!("$ {command}")).await;
    let run = contain(attempt, Stage::Install, &base.build(Stage::Install, &command), None).await?;
    judge(attempt, run, "install_failed").map(Some)
}

async fn compile(attempt: &Attempt, base: &Base<'_>) -> Result<Option<()>, Halt> {
    let Some(command) = spec::compile_command(base.program, attempt.release.parameters.environment) else {
        attempt.log.say("compile", "no command: nothing to compile").await;
        return Ok(None);
    };
    attempt.log.say("compile", format!("$ {command}")).await;
    let run = contain(attempt, Stage::Compile, &base.build(Stage::Compile, command), None).await?;
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
    for name in &platform.output_must_contain {
        if !output.join(name).exists() {
            return Err(Halt::Failed(Failure::new("output_unlike", "").args([&program.output_dir, name])));
        }
    }
    let nonce = crate::model::new_id();
    let job = base.workspace.write_job("prepare", &base.job(Stage::Prepare, &nonce))?;
    let container = base.worker(platform, Stage::Prepare, &output, job, None);
    let run = contain(attempt, Stage::Prepare, &container, Some(&nonce)).await?;
    if run.ended == Ended::Canceled {
        return Err(attempt.stopper.halt());
    }
    let out = base.workspace.out("prepare");
    let sizes = match read_result(&out) {
        Some(Ok(WorkerResult::Ok { sizes, .. })) => sizes,
        Some(Ok(WorkerResult::Failed { code, message, path })) => {
            return Err(Halt::Failed(vendor_failure(platform, &code, &message, path)));
        }
        Some(Err(error)) => return Err(fail("bad_result", error)),
        None => {
            judge(attempt, run, "prepare_failed")?;
            return Err(fail("no_result", ""));
        }
    };
    let sizes = gate(attempt, platform, sizes).await?;
    // Whatever ran in there could read repository code: from here on its output is hostile.
    let package = out.join("package");
    let checked = package.clone();
    let found = tokio::task::spawn_blocking(move || match checked.symlink_metadata() {
        Ok(meta) if meta.is_dir() => workspace::check_package(&checked, MAX_FILES, MAX_BYTES),
        _ => Err("no package".to_owned()),
    });
    found.await?.map_err(|error| fail("bad_package", error))?;
    Ok(Some(Prepared { package, sizes }))
}

/// Sizes against the platform's limits, before anything is uploaded.
async fn gate(attempt: &Attempt, platform: &Platform, mut sizes: Vec<Size>) -> Result<Vec<Size>, Halt> {
    let mut too_big = None;
    for size in &mut sizes {
        let own = platform.limits.iter().find(|limit| limit.what == size.name);
        let Some(limit) = own.or_else(|| platform.limits.iter().find(|limit| limit.what == "package")) else {
            continue;
        };
        size.limit = Some(limit.bytes);
        let text = format!("{}: {} / {}", size.name, lang::bytes(size.bytes), lang::bytes(limit.bytes));
        attempt.log.say("prepare", text).await;
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
