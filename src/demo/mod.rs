//! What `make demo` runs: programs from a seed file, one release each of what they offer, the receipts on the terminal,
//! and what a phone gets.

mod phone;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use serde::Deserialize;

use crate::app::App;
use crate::db;
use crate::lang::{Lang, bytes, duration};
use crate::model::program::Program;
use crate::model::release::{Action, Environment, Release, Status};
use crate::model::update::{Os, Terms};
use crate::model::user::User;
use crate::model::version::next_patch;
use crate::ops::{credentials, groups, programs, releases, update_terms, updates};
use crate::platform::hints;
use crate::serve::Server;

#[derive(Deserialize)]
struct Seed {
    group: String,
    programs: Vec<SeedProgram>,
}

#[derive(Deserialize)]
struct SeedProgram {
    /// As in the program form: name, platform, app_id, repo_url, …; the platform's defaults fill the rest.
    form: BTreeMap<String, String>,
    /// Field of the credential → file that holds it.
    #[serde(default)]
    credential: BTreeMap<String, PathBuf>,
    /// Native builds that phones are said to run, as in the form that registers one.
    #[serde(default)]
    natives: Vec<BTreeMap<String, String>>,
    actions: Vec<Action>,
}

pub async fn run(server: Server, seed: &Path, exit: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(seed).with_context(|| format!("cannot read {}", seed.display()))?;
    let seed: Seed = toml::from_str(&text).with_context(|| format!("{}", seed.display()))?;
    let app = server.app.clone();
    let owner = db::users::find_by_login(&app.db, "admin").await?.context("the first owner")?;
    let mut failed = 0;
    for item in &seed.programs {
        let program = plant(&app, &owner, &seed.group, item).await.map_err(describe)?;
        for action in &item.actions {
            let request = request(&app, &owner, &program, *action).await.map_err(describe)?;
            let release = releases::request(&app, &owner, &program.id, request).await.map_err(describe)?;
            let ended = follow(&app, &owner, &program, &release.id).await?;
            failed += u32::from(ended.status != Status::Succeeded);
            if ended.status == Status::Succeeded && *action == Action::Publish {
                phone::show(&server.address, &app, &owner, &program).await?;
            }
        }
    }
    println!("\n{} of the releases failed. The vendors' servers were played by a local stand-in.", failed);
    let password = app.config.admin_password.as_deref().unwrap_or("the password printed at the first start");
    println!("open http://{}   sign in: admin / {password}", server.address);
    if exit {
        server.stop().await?;
    } else {
        server.until_stopped().await?;
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn describe(error: crate::error::Error) -> anyhow::Error {
    match error {
        crate::error::Error::Invalid(fields) => {
            let all: Vec<_> = fields.iter().map(|f| format!("{}: {}", f.field, Lang::En.text(&f.text))).collect();
            anyhow::anyhow!("{}", all.join("; "))
        }
        other => anyhow::anyhow!("{other}"),
    }
}

/// The program as the seed says: made, or brought up to date by a second run.
async fn plant(app: &App, owner: &User, group: &str, item: &SeedProgram) -> crate::error::Result<Program> {
    let scope = owner.scope();
    let groups = db::programs::list_groups(&app.db, scope).await?;
    let group = match groups.into_iter().find(|known| known.name == group) {
        Some(group) => group,
        None => groups::create(app, owner, group, false).await?,
    };
    let mut form = item.form.clone();
    let platform = form.get("platform").and_then(|id| app.platforms.get(id)).context("a known platform")?;
    form.insert("group".to_owned(), group.id);
    for (name, value) in [
        ("build_command", &platform.default_build_command),
        ("dev_build_command", &platform.default_dev_build_command),
        ("output_dir", &platform.default_output_dir),
    ] {
        form.entry(name.to_owned()).or_insert_with(|| value.clone());
    }
    let known = db::programs::list(&app.db, scope).await?.into_iter().find(|p| Some(&p.name) == form.get("name"));
    let program = match known {
        Some(program) => programs::update(app, owner, &program.id, &form).await?,
        None => programs::create(app, owner, &form).await?,
    };
    let mut secrets = BTreeMap::new();
    for (field, file) in &item.credential {
        secrets.insert(
            field.clone(),
            std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?,
        );
    }
    if !secrets.is_empty() {
        credentials::put(app, owner, &program.id, &secrets).await?;
    }
    let known = db::updates::list_of_program(&app.db, scope, &program.id).await?;
    for native in &item.natives {
        let code = native.get("version_code").and_then(|code| code.parse().ok());
        let kind = native.get("kind").map(String::as_str);
        if !known.iter().any(|update| Some(update.kind.as_str()) == kind && Some(update.version_code) == code) {
            updates::add(app, owner, &program.id, native, None).await?;
        }
    }
    Ok(program)
}

/// Everything as proposed; an update for all systems that have a native build, higher than what there is.
async fn request(
    app: &App,
    owner: &User,
    program: &Program,
    action: Action,
) -> crate::error::Result<releases::Request> {
    let mut version = String::new();
    let mut more = BTreeMap::new();
    if action == Action::Publish {
        let known = db::updates::list_of_program(&app.db, owner.scope(), &program.id).await?;
        let natives = || known.iter().filter(|update| !update.kind.is_wgt());
        version = releases::propose_version(app, program).await?;
        if version.is_empty() {
            version = natives().find_map(|native| next_patch(&native.version)).unwrap_or_default();
        }
        let highest = known.iter().map(|update| update.version_code).max();
        let mut systems: Vec<Os> = natives().map(|native| native.kind.os()).collect();
        systems.sort();
        systems.dedup();
        let changelog = "演示：潮汐表更新 Demo: tide table updated".to_owned();
        let terms = Terms { systems, changelog, version_code: highest.map(|code| code + 1), ..Terms::default() };
        more = update_terms::values(&terms);
    }
    Ok(releases::Request {
        action,
        reference: program.default_ref.clone(),
        version,
        description: "demo".to_owned(),
        environment: Environment::Production,
        page_path: String::new(),
        query: String::new(),
        scene: String::new(),
        idempotency_key: None,
        retry_of: None,
        without_lockfile: false,
        more,
    })
}

/// Prints each stage as it ends, then the receipt or the reason.
async fn follow(app: &App, owner: &User, program: &Program, id: &str) -> anyhow::Result<Release> {
    println!("\n{} · {}", program.name, id);
    let mut bus = app.bus.listen();
    let mut told = 0;
    loop {
        let listed = db::releases::find(&app.db, owner.scope(), id).await?.context("the release")?;
        let stages = db::releases::list_stages(&app.db, id).await?;
        for row in stages.iter().skip(told).take_while(|row| row.finished_at.is_some()) {
            let took = row.finished_at.unwrap_or_default() - row.started_at;
            println!("  {:<9} {:<10} {:>8}", row.name.as_str(), row.status.as_str(), duration(took));
            told += 1;
        }
        if listed.release.status.is_final() {
            print_end(app, program, &listed.release);
            return Ok(listed.release);
        }
        bus.release(id).await.context("shutting down")?;
    }
}

fn print_end(app: &App, program: &Program, release: &Release) {
    println!("  {} {}", release.parameters.action, release.status);
    if let Some(receipt) = &release.receipt {
        println!("  receipt: version {} {}", receipt.version, receipt.vendor);
        for size in &release.sizes {
            println!("  {:<12} {}", size.name, bytes(size.bytes));
        }
    }
    if let Some(key) = &release.qr_key {
        println!("  QR: {}", app.config.data_dir.join("objects").join(key).display());
    }
    if let Some(failure) = &release.failure {
        println!("  {}: {}", failure.code, failure.message);
        let platform = app.platforms.get(&program.platform);
        for hint in [Lang::Zh, Lang::En].iter().filter_map(|l| hints::hint(platform, failure, *l)) {
            println!("  → {hint}");
        }
        for line in &failure.tail {
            println!("  | {line}");
        }
    }
}
