//! Release + program + platform → RunSpec. Pure: what each container sees is decided, and tested, here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::workspace::Workspace;
use crate::app::App;
use crate::executor::{Mount, Network, RunSpec};
use crate::model::program::Program;
use crate::model::release::{Environment, Release, Stage};
use crate::platform::Platform;

pub(super) const LABEL_INSTANCE: &str = "sampan.instance";
pub(super) const LABEL_RELEASE: &str = "sampan.release";
pub(super) const LABEL_ATTEMPT: &str = "sampan.attempt";
const LABEL_STAGE: &str = "sampan.stage";

/// The Node.js of program builds and of the vendors' tools: the current LTS.
const BUILD_IMAGE: &str = "build-node24";
const CA: &str = "/etc/sampan/ca.pem";
const HOME: &str = "/home/build";
const MB: i64 = 1024 * 1024;

/// The full name of an image this version of Sampan uses.
fn image(name: &str) -> String {
    format!("sampan/{name}:{}", env!("CARGO_PKG_VERSION"))
}

/// Every image a platform needs.
pub fn images(platform: &Platform) -> [String; 2] {
    [image(BUILD_IMAGE), image(&platform.image)]
}

/// What all containers of one attempt have in common.
pub(super) struct Base<'a> {
    pub app: &'a App,
    pub release: &'a Release,
    pub program: &'a Program,
    pub workspace: &'a Workspace,
    pub user: (u32, u32),
    pub ca_bundle: Option<&'a Path>,
}

impl Base<'_> {
    fn spec(&self, stage: Stage, image: String, command: Vec<String>, network: Network) -> RunSpec {
        let limits = &self.app.config.container;
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
    pub(super) fn build(&self, stage: Stage, command: &str) -> RunSpec {
        let shell = vec!["sh".to_owned(), "-ec".to_owned(), command.to_owned()];
        let mut spec = self.spec(stage, image(BUILD_IMAGE), shell, Network::Registry);
        let p = &self.release.parameters;
        spec.mounts.push(Mount::writable(self.workspace.source(), "/work"));
        spec.mounts.push(Mount::writable(self.workspace.home(), HOME));
        spec.workdir = join("/work", &self.program.root_dir);
        let heap = format!("--max-old-space-size={}", spec.memory / MB * 3 / 4);
        for (name, value) in [
            ("HOME", HOME),
            ("NODE_OPTIONS", &heap),
            ("npm_config_update_notifier", "false"),
            ("SAMPAN_ACTION", p.action.as_str()),
            ("SAMPAN_ENVIRONMENT", p.environment.as_str()),
            ("SAMPAN_VERSION", &p.version),
            ("SAMPAN_REF", &p.reference),
            ("SAMPAN_COMMIT", self.release.commit.as_deref().unwrap_or_default()),
        ] {
            spec.env.insert(name.to_owned(), value.to_owned());
        }
        if let Some(registry) = &self.app.config.npm_registry {
            spec.env.insert("npm_config_registry".to_owned(), registry.clone());
        }
        spec
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
        let limits = &self.app.config.container;
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

/// How dependencies are installed: the program's own command, else by lockfile. `None`: there is nothing to install.
pub(super) fn install_command(program: &Program, project: &Path) -> Option<String> {
    if !program.install_command.is_empty() {
        return Some(program.install_command.clone());
    }
    let has = |name: &str| project.join(name).is_file();
    // Development dependencies hold the compilers: wanted whatever NODE_ENV says.
    let command = if has("pnpm-lock.yaml") {
        "pnpm install --frozen-lockfile --prod=false"
    } else if has("yarn.lock") {
        "yarn install --frozen-lockfile --production=false --non-interactive"
    } else if has("package-lock.json") || has("npm-shrinkwrap.json") {
        "npm ci --include=dev --no-audit --no-fund"
    } else if has("package.json") {
        "npm install --include=dev --no-audit --no-fund --no-package-lock"
    } else {
        return None;
    };
    Some(command.to_owned())
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
