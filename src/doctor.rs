//! `sampan doctor`: what is missing on this machine, and how to get it.

use std::process::ExitCode;

use crate::config::Config;
use crate::db::Db;
use crate::executor::Executor;
use crate::lang::bytes;
use crate::platform::Platforms;
use crate::runner;

/// Below this a build can fill the disk.
const FREE_BYTES: u64 = 5 * 1024 * 1024 * 1024;

/// Prints a line per check; fails when any did.
pub async fn run(config: &Config) -> anyhow::Result<ExitCode> {
    let mut report = Report::default();
    folder(config, &mut report);
    match Db::open(&config.database_url).await {
        Ok(_) => report.fine("database", "opens and is up to date"),
        Err(error) => report.bad("database", &format!("{error:#}"), "check DATABASE_URL and that the server runs"),
    }
    engine(config, &mut report).await?;
    Ok(if report.bad == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn folder(config: &Config, report: &mut Report) {
    let dir = &config.data_dir;
    let writable = config.make_data_dir().and_then(|()| {
        let probe = dir.join(".doctor");
        Ok(std::fs::write(&probe, "x").and_then(|()| std::fs::remove_file(&probe))?)
    });
    match writable {
        Ok(()) => report.fine("data", &dir.display().to_string()),
        Err(error) => report.bad(
            "data",
            &format!("{}: {error:#}", dir.display()),
            "set SAMPAN_DATA_DIR to a folder this user may write",
        ),
    }
    if let Ok(disk) = rustix::fs::statvfs(dir) {
        let free = disk.f_bavail * disk.f_frsize;
        let text = format!("{} free", bytes(i64::try_from(free).unwrap_or(i64::MAX)));
        if free > FREE_BYTES {
            report.fine("disk", &text);
        } else {
            report.bad("disk", &text, "free some space: a build needs a few gigabytes");
        }
    }
}

async fn engine(config: &Config, report: &mut Report) -> anyhow::Result<()> {
    let engine = match Executor::connect(&config.engine_sockets).await {
        Ok(engine) => engine,
        Err(error) => {
            let advice = "run scripts/engine.sh, or start Docker or Podman, or set DOCKER_HOST";
            report.bad("engine", &error.to_string(), advice);
            return Ok(());
        }
    };
    report.fine("engine", &engine.describe().await?);
    for platform in Platforms::load(config.platforms_dir.as_deref())?.iter() {
        for name in runner::images(platform) {
            match engine.image(&name).await? {
                Some(id) => report.fine(
                    "image",
                    &format!("{name} {}", id.trim_start_matches("sha256:").get(..12).unwrap_or_default()),
                ),
                None => report.bad("image", &format!("{name} is missing"), "run `make`"),
            }
        }
    }
    Ok(())
}

#[derive(Default)]
struct Report {
    bad: usize,
}

impl Report {
    fn fine(&self, what: &str, text: &str) {
        println!("✓ {what:<9} {text}");
    }

    fn bad(&mut self, what: &str, text: &str, advice: &str) {
        self.bad += 1;
        println!("✗ {what:<9} {text}\n  → {advice}");
    }
}
