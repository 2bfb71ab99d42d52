//! Recognises a project by its files and proposes how to build it, by the presets of `platform.toml`. Pure.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::manifest::Label;

/// A kind of project and how it is built for one platform.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    pub id: String,
    pub label: Label,
    /// Any of these packages among the dependencies …
    #[serde(default)]
    pub dependencies: Vec<String>,
    /// … or any of these files in the project's folder. Neither: never proposed by itself.
    #[serde(default)]
    pub files: Vec<String>,
    /// A script of package.json that builds for production; used where the project has it.
    #[serde(default)]
    pub script: String,
    /// Used where it has not. Empty: nothing to compile.
    #[serde(default)]
    pub command: String,
    /// What makes either a development build that ends by itself.
    #[serde(default)]
    pub dev_args: String,
    /// An install command, where the lockfile's own will not do.
    #[serde(default)]
    pub install: String,
    #[serde(default)]
    pub output_dir: String,
    /// Major version of Node.js where the current one does not work.
    #[serde(default)]
    pub node: String,
    #[serde(default)]
    pub note: Option<Label>,
}

/// How one folder of a repository could be built.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub preset: Preset,
    pub root_dir: String,
    pub build_command: String,
    pub dev_build_command: String,
}

const SKIPPED: &[&str] = &["node_modules", "dist", "unpackage"];
const MAX_DEPTH: usize = 3;
/// A repository of many projects: more is no help.
const MAX_PROPOSALS: usize = 12;

/// The files whose text [`propose`] needs.
pub fn wants(path: &str) -> bool {
    let mut parts: Vec<&str> = path.split('/').collect();
    let name = parts.pop().unwrap_or_default();
    name == "package.json" && parts.len() <= MAX_DEPTH && !parts.iter().any(|part| SKIPPED.contains(part))
}

/// Proposals for every folder that looks like a project; the one nearest the root first.
pub fn propose(presets: &[Preset], names: &[String], texts: &BTreeMap<String, String>) -> Vec<Proposal> {
    let names: BTreeSet<&str> = names.iter().map(String::as_str).collect();
    let mut folders: Vec<&str> = names.iter().flat_map(|path| folders_of(path)).collect();
    folders.sort_by_key(|folder| (depth(folder), *folder));
    folders.dedup();
    let mut proposals: Vec<Proposal> = vec![];
    for folder in folders {
        // What lies inside a project belongs to it.
        let inside =
            |other: &Proposal| other.root_dir.is_empty() || folder.starts_with(&format!("{}/", other.root_dir));
        if proposals.len() == MAX_PROPOSALS || proposals.iter().any(inside) {
            continue;
        }
        let project = Project::read(folder, &names, texts);
        if let Some(preset) = presets.iter().find(|preset| project.is(preset)) {
            proposals.push(project.proposal(preset));
        }
    }
    proposals
}

/// All folders above a file that may be a project's, the root included.
fn folders_of(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at);
    let folders = std::iter::once("").chain(ends.map(|at| &path[..at]));
    let built = |folder: &&str| folder.split('/').any(|part| SKIPPED.contains(&part));
    folders.take_while(move |folder| depth(folder) <= MAX_DEPTH && !built(folder))
}

fn depth(folder: &str) -> usize {
    folder.split('/').filter(|part| !part.is_empty()).count()
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Manifest {
    scripts: BTreeMap<String, serde_json::Value>,
    dependencies: BTreeMap<String, serde_json::Value>,
    #[serde(rename = "devDependencies")]
    dev_dependencies: BTreeMap<String, serde_json::Value>,
}

struct Project<'a> {
    folder: &'a str,
    names: &'a BTreeSet<&'a str>,
    manifest: Manifest,
}

impl<'a> Project<'a> {
    fn read(folder: &'a str, names: &'a BTreeSet<&'a str>, texts: &BTreeMap<String, String>) -> Self {
        let manifest = texts.get(&below(folder, "package.json")).and_then(|text| serde_json::from_str(text).ok());
        Self { folder, names, manifest: manifest.unwrap_or_default() }
    }

    fn is(&self, preset: &Preset) -> bool {
        let depends = |name: &String| {
            self.manifest.dependencies.contains_key(name) || self.manifest.dev_dependencies.contains_key(name)
        };
        preset.dependencies.iter().any(depends) || preset.files.iter().any(|name| self.has(name))
    }

    fn has(&self, name: &str) -> bool {
        self.names.contains(below(self.folder, name).as_str())
    }

    fn proposal(&self, preset: &Preset) -> Proposal {
        let runs = match &preset.script {
            script if !script.is_empty() && self.manifest.scripts.contains_key(script) => self.run(script, ""),
            _ => preset.command.clone(),
        };
        let develops = match &preset.script {
            _ if preset.dev_args.is_empty() => String::new(),
            script if !script.is_empty() && self.manifest.scripts.contains_key(script) => {
                self.run(script, &preset.dev_args)
            }
            _ => format!("{} {}", preset.command, preset.dev_args),
        };
        Proposal {
            preset: preset.clone(),
            root_dir: self.folder.to_owned(),
            build_command: runs,
            dev_build_command: develops,
        }
    }

    /// npm runs the scripts of yarn's projects too, whatever yarn they want; it alone needs a mark before arguments.
    fn run(&self, script: &str, args: &str) -> String {
        let pnpm = self.has("pnpm-lock.yaml") || self.names.contains("pnpm-lock.yaml");
        let (runner, mark) = if pnpm { ("pnpm run", "") } else { ("npm run", "-- ") };
        let args = if args.is_empty() { String::new() } else { format!(" {mark}{args}") };
        format!("{runner} {script}{args}")
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRESETS: &str = r#"
        [[presets]]
        id = "framework"
        label = { zh = "框架", en = "Framework" }
        dependencies = ["some-framework"]
        script = "build:here"
        command = "npx framework build"
        dev_args = "--mode development"
        output_dir = "dist"

        [[presets]]
        id = "plain"
        label = { zh = "原生", en = "Plain" }
        files = ["app.config.json", "src/app.json"]
    "#;

    #[derive(Deserialize)]
    struct Presets {
        presets: Vec<Preset>,
    }

    fn proposals(files: &[(&str, &str)]) -> Vec<Proposal> {
        let presets: Presets = toml::from_str(PRESETS).expect("valid");
        let names: Vec<String> = files.iter().map(|(name, _)| (*name).to_owned()).collect();
        let wanted = files.iter().filter(|(name, _)| wants(name));
        let texts = wanted.map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        propose(&presets.presets, &names, &texts)
    }

    #[test]
    fn folders_of_a_monorepo_come_one_by_one() {
        let package = r#"{"scripts":{"build:here":"x"},"devDependencies":{"some-framework":"3"}}"#;
        let found = proposals(&[
            ("package.json", r#"{"private":true}"#),
            ("pnpm-lock.yaml", ""),
            ("apps/shop/package.json", package),
            ("apps/shop/node_modules/x/package.json", package),
            ("plain/src/app.json", "{}"),
        ]);
        let roots: Vec<&str> = found.iter().map(|p| p.root_dir.as_str()).collect();
        assert_eq!(roots, ["plain", "apps/shop"]);
        assert_eq!(found[1].build_command, "pnpm run build:here");
        assert_eq!(found[1].dev_build_command, "pnpm run build:here --mode development");
        assert!(found[0].build_command.is_empty());
    }

    #[test]
    fn a_project_without_the_script_gets_the_command() {
        let found = proposals(&[("package.json", r#"{"dependencies":{"some-framework":"4"}}"#)]);
        assert_eq!(found[0].build_command, "npx framework build");
        assert_eq!(found[0].dev_build_command, "npx framework build --mode development");
        let npm = r#"{"scripts":{"build:here":"x"},"dependencies":{"some-framework":"4"}}"#;
        let found = proposals(&[("package.json", npm)]);
        assert_eq!(found[0].dev_build_command, "npm run build:here -- --mode development");
        assert!(proposals(&[("package.json", "not json"), ("README.md", "")]).is_empty());
    }
}
