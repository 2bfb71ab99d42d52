//! `sampan images`: the images that builds run in, and how to add one for another Node.js.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};

use crate::config::Config;
use crate::executor::{Build, Executor};
use crate::model::log::plain;
use crate::platform::Platforms;
use crate::runner;

/// Makes an image from the default build image and npm's packages: no image registry is needed.
const DOCKERFILE: &str = include_str!("../dockerfiles/node.Dockerfile");
const MAJORS: std::ops::RangeInclusive<u32> = 12..=99;

/// Builds the image for `node`; says every step.
pub async fn add_node(config: &Config, node: u32) -> anyhow::Result<ExitCode> {
    ensure!(MAJORS.contains(&node), "Node.js versions are named by their major number, such as 16");
    let engine = Executor::connect(&config.engine_sockets).await.context("no container engine answers")?;
    let (base, tag) = (runner::build_image(runner::DEFAULT_NODE), runner::build_image(node));
    if node == runner::DEFAULT_NODE {
        bail!("Node.js {node} is the default; `make` builds {base}");
    }
    if engine.image(&base).await?.is_none() {
        bail!("{base} is missing, and every other Node.js is added to it: run `make` first");
    }
    let args = [
        ("FROM", base),
        ("NODE", node.to_string()),
        ("NPM_REGISTRY", config.npm_registry.clone().unwrap_or_default()),
        ("EXTRA_CA", extra_authorities(config)?),
    ];
    let args: BTreeMap<String, String> = args.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let build = Build { dockerfile: DOCKERFILE, tag: &tag, args: &args, labels: &BTreeMap::new() };
    let mut why = None;
    let built = engine.build(&build, |line| {
        let line = plain(line);
        println!("{line}");
        why = line.strip_prefix("error: ").map(str::to_owned).or(why.take());
    });
    let built = built.await;
    if let (Err(_), Some(why)) = (&built, why) {
        bail!("{why}");
    }
    built?;
    println!("{tag} is ready: programs that ask for Node.js {node} use it from now on");
    Ok(ExitCode::SUCCESS)
}

/// Whom npm must trust while the image is built, besides the usual: the setting's file, and what this machine's
/// administrator added to the system. An argument, so no more than that.
fn extra_authorities(config: &Config) -> anyhow::Result<String> {
    let mut files: Vec<PathBuf> = config.extra_ca_file.iter().cloned().collect();
    if let Ok(folder) = std::fs::read_dir("/usr/local/share/ca-certificates") {
        files.extend(
            folder.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "crt")),
        );
    }
    let mut text = String::new();
    for file in files {
        text += &std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        text.push('\n');
    }
    ensure!(text.len() < 100_000, "too many extra certificates: SAMPAN_EXTRA_CA_FILE should hold the extra ones only");
    Ok(text)
}

/// A line per image: there or missing.
pub async fn list(config: &Config) -> anyhow::Result<ExitCode> {
    let engine = Executor::connect(&config.engine_sockets).await.context("no container engine answers")?;
    let mut names: Vec<String> = MAJORS.map(runner::build_image).collect();
    for platform in Platforms::load(config.platforms_dir.as_deref())?.iter() {
        names.extend(runner::images(platform));
    }
    let needed: Vec<String> =
        Platforms::load(config.platforms_dir.as_deref())?.iter().flat_map(runner::images).collect();
    names.sort();
    names.dedup();
    for name in names {
        match engine.image(&name).await? {
            Some(id) => println!("{name}  {}", id.trim_start_matches("sha256:").get(..12).unwrap_or_default()),
            None if needed.contains(&name) => println!("{name}  missing: run `make`"),
            None => {}
        }
    }
    Ok(ExitCode::SUCCESS)
}
