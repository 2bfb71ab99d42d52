//! Runs one command in one container and tells how it ended. Knows nothing of releases, stages or platforms.

mod docker;
mod docker_spec;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

pub use docker::Docker;
use tokio::sync::mpsc;

use crate::model::log::Stream;

/// Which way out a container has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    None,
    /// Package registries. The engine's default bridge, as `docs/security.md` says.
    Registry,
    /// The vendor's servers. The engine's default bridge too.
    Vendor,
}

/// Paths are those of the engine's host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    Path(PathBuf),
    /// Copy on write: `lower` is seen and never changed, writes land in `upper`; `work` is the kernel's own.
    Overlay {
        lower: PathBuf,
        upper: PathBuf,
        work: PathBuf,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    pub source: Source,
    pub target: String,
    pub read_only: bool,
}

impl Mount {
    pub fn read_only(host: impl Into<PathBuf>, target: &str) -> Self {
        Self { source: Source::Path(host.into()), target: target.into(), read_only: true }
    }

    pub fn writable(host: impl Into<PathBuf>, target: &str) -> Self {
        Self { source: Source::Path(host.into()), target: target.into(), read_only: false }
    }
}

/// Everything about one run. The root file system is always read-only, capabilities always dropped.
#[derive(Debug, Clone)]
pub struct RunSpec {
    pub image: String,
    pub command: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub workdir: String,
    pub mounts: Vec<Mount>,
    pub network: Network,
    /// `name:address`
    pub extra_hosts: Vec<String>,
    pub user: (u32, u32),
    /// Bytes; swap is never added.
    pub memory: i64,
    pub cpus: f64,
    pub pids: i64,
    /// Bytes of the `/tmp` in memory; counts towards `memory`.
    pub tmp: i64,
    pub labels: BTreeMap<String, String>,
    pub timeout: Duration,
    pub no_output_timeout: Duration,
    /// Bytes of output after which the container is stopped.
    pub output_limit: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with this status.
    Exited(i64),
    /// The memory limit killed it or one of its children.
    OutOfMemory(i64),
    TimedOut,
    NoOutput,
    TooMuchOutput,
    Canceled,
}

/// A container somebody may have left behind.
#[derive(Debug, Clone)]
pub struct Container {
    pub id: String,
    pub labels: BTreeMap<String, String>,
}

/// An image to be built.
#[derive(Debug, Clone)]
pub struct Build<'a> {
    pub dockerfile: &'a str,
    pub tag: &'a str,
    pub args: &'a BTreeMap<String, String>,
    pub labels: &'a BTreeMap<String, String>,
}

/// Raw bytes as they come; order within a stream holds.
pub type Output = (Stream, bytes::Bytes);
pub type OutputSender = mpsc::Sender<Output>;

#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    #[error("image {0} is missing")]
    ImageMissing(String),
    #[error("the container engine failed: {0}")]
    Engine(#[from] bollard::errors::Error),
    #[error("the image could not be built: {0}")]
    Build(String),
}

/// The one engine we know; another would be an arm here and a file beside `docker`.
#[derive(Clone)]
pub enum Executor {
    Docker(Docker),
}

impl Executor {
    pub async fn connect(sockets: &[String]) -> Result<Self, ExecError> {
        Ok(Self::Docker(Docker::connect(sockets).await?))
    }

    /// Runs to the end, sends every byte of output, always removes the container.
    pub async fn run(
        &self,
        spec: &RunSpec,
        output: OutputSender,
        cancel: &tokio_util::sync::CancellationToken,
    ) -> Result<Ended, ExecError> {
        match self {
            Self::Docker(docker) => docker.run(spec, output, cancel).await,
        }
    }

    /// All containers, running or not, that carry these labels.
    pub async fn list(&self, labels: &BTreeMap<String, String>) -> Result<Vec<Container>, ExecError> {
        match self {
            Self::Docker(docker) => docker.list(labels).await,
        }
    }

    /// Kills and removes.
    pub async fn remove(&self, id: &str) {
        match self {
            Self::Docker(docker) => docker.remove(id).await,
        }
    }

    /// Removes volumes with these labels that no container uses; what a kill left between two calls.
    pub async fn prune_volumes(&self, labels: &BTreeMap<String, String>) -> Result<(), ExecError> {
        match self {
            Self::Docker(docker) => docker.prune_volumes(labels).await,
        }
    }

    /// Builds an image from a Dockerfile that copies nothing; each line of output goes to `said`.
    pub async fn build(&self, image: &Build<'_>, said: impl FnMut(&str)) -> Result<(), ExecError> {
        match self {
            Self::Docker(docker) => docker.build(image, said).await,
        }
    }

    /// Name and version of the engine.
    pub async fn describe(&self) -> Result<String, ExecError> {
        match self {
            Self::Docker(docker) => docker.describe().await,
        }
    }

    /// The image's id, or `None` when it is not there.
    pub async fn image(&self, name: &str) -> Result<Option<String>, ExecError> {
        match self {
            Self::Docker(docker) => docker.image(name).await,
        }
    }
}
