//! Release + program + platform → RunSpec. Pure: what each container sees is decided, and tested, here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::node;
use super::workspace::Workspace;
use crate::app::App;
use crate::config::ContainerLimits;
use crate::executor::{Mount, Network, RunSpec, Source};
use crate::model::program::Program;
use crate::model::release::{Environment, Release, Stage};
use crate::platform::Platform;

pub(super) const LABEL_INSTANCE: &str = "sampan.instance";
pub(super) const LABEL_RELEASE: &str = "sampan.release";
pub(super) const LABEL_ATTEMPT: &str = "sampan.attempt";
const LABEL_STAGE: &str = "sampan.stage";

const CA: &str = "/etc/sampan/ca.pem";
const HOME: &str = "/home/build";
const MB: i64 = 1024 * 1024;
/// Where vite and webpack keep what they have compiled, below `node_modules`.
pub(super) const BUILD_CACHES: [&str; 2] = [".cache", ".vite"];

/// The full name of an image this version of Sampan uses.
fn image(name: &str) -> String {
    format!("sampan/{name}:{}", env!("CARGO_PKG_VERSION"))
}

/// Every image a platform needs.
pub fn images(platform: &Platform) -> [String; 2] {
    [build_image(node::DEFAULT), image(&platform.image)]
}

/// The image that installs and compiles with this Node.js.
pub fn build_image(node: u32) -> String {
    image(&format!("build-node{node}"))
}

/// A `node_modules` folder that lies in a snapshot.
#[derive(Debug, Clone)]
pub(super) struct Module {
    /// Below the checkout.
    pub place: PathBuf,
    pub lower: PathBuf,
}

/// What all containers of one attempt have in common.
#[derive(Clone)]
pub(super) struct Base<'a> {
    pub app: &'a App,
    pub release: &'a Release,
    pub program: &'a Program,
    pub workspace: &'a Workspace,
    pub user: (u32, u32),
    pub ca_bundle: Option<&'a Path>,
    /// Of install and compile; chosen after checkout.
    pub node: u32,
    /// Known after install.
    pub modules: Vec<Module>,
    /// Where compilers keep their caches between releases of a branch; `None`: nowhere.
    pub build_cache: Option<PathBuf>,
}

impl Base<'_> {
    fn spec(&self, stage: Stage, image: String, command: Vec<String>, network: Network) -> RunSpec {
        let limits = limits(&self.app.config.container, self.program);
        let mut env = BTreeMap::from([
            ("HOME".to_owned(), "/tmp/home".to_owned()),
            ("TMPDIR".to_owned(), "/tmp".to_owned()),
            ("TZ".to_owned(), self.app.config.tz.clone()),
            ("CI".to_owned(), "true".to_owned()),
        ]);
        let mut mounts = Vec::new();
        if let Some(bundle) = self.ca_bundle {
            mounts.push(Mount::read_only(bundle, CA));
            for name in ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE", "GIT_SSL_CAINFO", "npm_config_cafile"] {
                env.insert(name.to_owned(), CA.to_owned());
            }
        }
        RunSpec {
            image,
            command,
            env,
            workdir: "/tmp".to_owned(),
            mounts,
            network,
            extra_hosts: self.app.config.extra_hosts.clone(),
            user: self.user,
            memory: limits.memory,
            cpus: limits.cpus,
            pids: 512,
            tmp: 512 * MB,
            labels: BTreeMap::from([
                (LABEL_INSTANCE.to_owned(), self.app.instance.to_string()),
                (LABEL_RELEASE.to_owned(), self.release.id.clone()),
                (LABEL_ATTEMPT.to_owned(), self.release.attempt.to_string()),
                (LABEL_STAGE.to_owned(), stage.to_string()),
            ]),
            timeout: limits.stage_timeout,
            no_output_timeout: limits.no_output_timeout,
            // The log keeps less; this only ends a build that floods the engine's disk.
            output_limit: self.app.config.log_limit.saturating_mul(8),
        }
    }

    /// Install and compile: the repository's own code, without secrets.
    pub(super) fn build(&self, stage: Stage, command: &str, folder: &str) -> RunSpec {
        let shell = vec!["sh".to_owned(), "-ec".to_owned(), command.to_owned()];
        let offline = stage == Stage::Compile && self.program.settings.offline_compile;
        let network = if offline { Network::None } else { Network::Registry };
        let mut spec = self.spec(stage, build_image(self.node), shell, network);
        let p = &self.release.parameters;
        spec.mounts.push(Mount::writable(self.workspace.source(), "/work"));
        spec.mounts.push(Mount::writable(self.workspace.home(), HOME));
        spec.mounts.extend(self.module_mounts("/work", Path::new(""), false));
        spec.workdir = join("/work", folder);
        if stage == Stage::Compile
            && let Some(cache) = &self.build_cache
        {
            for name in BUILD_CACHES {
                let target = format!("{}/node_modules/{name}", spec.workdir);
                spec.mounts.push(Mount::writable(cache.join(name.trim_start_matches('.')), &target));
            }
        }
        let heap = format!("--max-old-space-size={}", spec.memory / MB * 3 / 4);
        for (name, value) in [
            ("HOME", HOME),
            ("NODE_OPTIONS", &heap),
            ("npm_config_update_notifier", "false"),
            // A connection that went quiet is given up for another after two minutes, not five.
            ("npm_config_fetch_timeout", "120000"),
            // Test tools that would download a browser; no build needs one.
            ("PUPPETEER_SKIP_DOWNLOAD", "true"),
            ("PUPPETEER_SKIP_CHROMIUM_DOWNLOAD", "true"),
            ("SAMPAN_ACTION", p.action.as_str()),
            ("SAMPAN_ENVIRONMENT", p.environment.as_str()),
            ("SAMPAN_VERSION", &p.version),
            ("SAMPAN_REF", &p.reference),
            ("SAMPAN_COMMIT", self.release.commit.as_deref().unwrap_or_default()),
        ] {
            spec.env.insert(name.to_owned(), value.to_owned());
        }
        if let Some(registry) = self.registry() {
            for name in ["npm_config_registry", "YARN_REGISTRY", "YARN_NPM_REGISTRY_SERVER", "COREPACK_NPM_REGISTRY"] {
                spec.env.insert(name.to_owned(), registry.to_owned());
            }
        }
        spec
    }

    /// The program's npm registry, else the instance's.
    pub(super) fn registry(&self) -> Option<&str> {
        let own = Some(self.program.settings.npm_registry.as_str()).filter(|url| !url.is_empty());
        own.or(self.app.config.npm_registry.as_deref().map(|url| url.trim_end_matches('/')))
    }

    /// Installed dependencies where a container sees the checkout's folder `root` as `target`.
    fn module_mounts(&self, target: &str, root: &Path, read_only: bool) -> Vec<Mount> {
        let mount = |(number, module): (usize, &Module)| {
            let place = module.place.strip_prefix(root).ok()?;
            let (upper, work) = self.workspace.overlay(number);
            let source = Source::Overlay { lower: module.lower.clone(), upper, work };
            Some(Mount { source, target: format!("{target}/{}", place.display()), read_only })
        };
        self.modules.iter().enumerate().filter_map(mount).collect()
    }

    /// Prepare and deliver: the platform's driver. Only deliver has a network, and only it has `secrets`.
    pub(super) fn worker(
        &self,
        platform: &Platform,
        stage: Stage,
        project: &Path,
        job: PathBuf,
        secrets: Option<PathBuf>,
    ) -> RunSpec {
        let mut command = platform.command.clone();
        command.push(stage.to_string());
        let network = if secrets.is_some() { Network::Vendor } else { Network::None };
        let mut spec = self.spec(stage, image(&platform.image), command, network);
        spec.mounts.push(Mount::read_only(project, "/project"));
        // A native project packs its dependencies in prepare.
        if secrets.is_none()
            && let Ok(root) = self.workspace.source().canonicalize()
            && let Ok(root) = project.strip_prefix(root)
        {
            spec.mounts.extend(self.module_mounts("/project", root, true));
        }
        spec.mounts.push(Mount::read_only(job, "/job/job.json"));
        spec.mounts.push(Mount::writable(self.workspace.out(stage.as_str()), "/out"));
        if let Some(secrets) = secrets {
            spec.mounts.push(Mount::read_only(secrets, "/job/secret"));
        }
        spec
    }

    /// The job file; the nonce keeps repository code from speaking for the driver.
    pub(super) fn job(&self, stage: Stage, nonce: &str) -> serde_json::Value {
        let p = &self.release.parameters;
        let limits = limits(&self.app.config.container, self.program);
        json!({
            "release": self.release.id, "attempt": self.release.attempt, "nonce": nonce, "stage": stage,
            "action": p.action, "platform": self.program.platform, "app_id": self.program.app_id,
            "version": p.version, "description": p.description, "environment": p.environment,
            "page_path": p.page_path, "query": p.query, "scene": p.scene,
            "robot": p.options.get("robot"), "options": p.options,
            "project": "/project", "out": "/out", "secrets": "/job/secret",
            "threads": (limits.cpus.ceil() as i64).max(1),
            // The driver gives up first, and can then still say what it was waiting for.
            "timeout_seconds": limits.stage_timeout.as_secs().saturating_sub(20).max(10),
        })
    }
}

/// The instance's limits, with the program's own in place of them.
pub(super) fn limits(instance: &ContainerLimits, program: &Program) -> ContainerLimits {
    let own = &program.settings;
    let minutes = |n: u64| std::time::Duration::from_secs(60 * n);
    ContainerLimits {
        memory: own.memory_mb.map_or(instance.memory, |n| n * MB),
        cpus: own.cpus.map_or(instance.cpus, |n| n as f64),
        stage_timeout: own.stage_timeout_minutes.map_or(instance.stage_timeout, minutes),
        no_output_timeout: own.no_output_timeout_minutes.map_or(instance.no_output_timeout, minutes),
        workspace: instance.workspace,
    }
}

/// The command of the environment; development falls back to production's. `None`: nothing to compile.
pub(super) fn compile_command(program: &Program, environment: Environment) -> Option<&str> {
    let command = match environment {
        Environment::Development if !program.dev_build_command.is_empty() => &program.dev_build_command,
        _ => &program.build_command,
    };
    (!command.is_empty()).then_some(command.as_str())
}

fn join(base: &str, relative: &str) -> String {
    if relative.is_empty() || relative == "." { base.to_owned() } else { format!("{base}/{relative}") }
}
