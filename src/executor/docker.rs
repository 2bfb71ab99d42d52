//! Docker and Podman through their socket (bollard): the life of one container.

use std::collections::BTreeMap;

use bollard::container::LogOutput;
use bollard::errors::Error as EngineError;
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, BuildImageOptionsBuilder, CreateContainerOptions, KillContainerOptions,
    ListContainersOptionsBuilder, ListVolumesOptionsBuilder, RemoveContainerOptionsBuilder, RemoveVolumeOptions,
    StopContainerOptionsBuilder, WaitContainerOptionsBuilder,
};
use futures::StreamExt;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Build, Container, Ended, ExecError, OutputSender, RunSpec, docker_spec};
use crate::model::log::Stream;

/// Between TERM and KILL of a canceled container, seconds.
const GRACE: i32 = 3;
/// Seconds until the engine must have answered with headers.
const TIMEOUT: u64 = 120;

#[derive(Clone)]
pub struct Docker {
    api: bollard::Docker,
}

/// Why we stop listening before the output ends.
enum Stop {
    Canceled,
    TimedOut,
    NoOutput,
    TooMuchOutput,
}

impl Docker {
    /// Through the first of these sockets that answers.
    pub async fn connect(sockets: &[String]) -> Result<Self, ExecError> {
        let mut last = EngineError::SocketNotFoundError("no socket of Docker or Podman".to_owned());
        for path in sockets {
            match Self::open(path).await {
                Ok(api) => return Ok(Self { api }),
                Err(error) => last = error,
            }
        }
        Err(last.into())
    }

    async fn open(path: &str) -> Result<bollard::Docker, EngineError> {
        bollard::Docker::connect_with_unix(path, TIMEOUT, bollard::API_DEFAULT_VERSION)?.negotiate_version().await
    }

    pub(super) async fn run(
        &self,
        spec: &RunSpec,
        output: OutputSender,
        cancel: &CancellationToken,
    ) -> Result<Ended, ExecError> {
        let created = self.api.create_container(None::<CreateContainerOptions>, docker_spec::body(spec)).await;
        let id = match created {
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => {
                return Err(ExecError::ImageMissing(spec.image.clone()));
            }
            created => created?.id,
        };
        // Removed also when this future is dropped half-way.
        let guard = Removal { api: self.api.clone(), id: Some(id.clone()) };
        let ended = self.attend(&id, spec, output, cancel).await;
        guard.now().await;
        ended
    }

    async fn attend(
        &self,
        id: &str,
        spec: &RunSpec,
        output: OutputSender,
        cancel: &CancellationToken,
    ) -> Result<Ended, ExecError> {
        let options = AttachContainerOptionsBuilder::new().stdout(true).stderr(true).stream(true).build();
        // Before the start, so that not a byte is missed.
        let mut attached = self.api.attach_container(id, Some(options)).await?;
        if cancel.is_cancelled() {
            return Ok(Ended::Canceled);
        }
        self.api.start_container(id, None).await?;
        let stopped = follow(&mut attached.output, spec, output, cancel).await?;
        if let Some(stop) = stopped {
            self.stop(id, &stop).await;
            return Ok(match stop {
                Stop::Canceled => Ended::Canceled,
                Stop::TimedOut => Ended::TimedOut,
                Stop::NoOutput => Ended::NoOutput,
                Stop::TooMuchOutput => Ended::TooMuchOutput,
            });
        }
        self.wait(id, cancel).await?;
        let state = self.api.inspect_container(id, None).await?.state.unwrap_or_default();
        let status = state.exit_code.unwrap_or(-1);
        let killed = state.oom_killed.unwrap_or(false) && status != 0;
        Ok(if killed { Ended::OutOfMemory(status) } else { Ended::Exited(status) })
    }

    /// Until the container no longer runs. Its output may have ended earlier, if it closed its streams.
    async fn wait(&self, id: &str, cancel: &CancellationToken) -> Result<(), ExecError> {
        let options = WaitContainerOptionsBuilder::new().condition("not-running").build();
        let mut waiting = self.api.wait_container(id, Some(options));
        tokio::select! {
            // A status other than 0 arrives as an error; the inspection after it tells the status.
            waited = waiting.next() => match waited {
                Some(Err(EngineError::DockerContainerWaitError { .. })) | Some(Ok(_)) | None => Ok(()),
                Some(Err(error)) => Err(error.into()),
            },
            () = cancel.cancelled() => {
                self.stop(id, &Stop::Canceled).await;
                Ok(())
            }
        }
    }

    async fn stop(&self, id: &str, why: &Stop) {
        let stopped = match why {
            Stop::Canceled => {
                self.api.stop_container(id, Some(StopContainerOptionsBuilder::new().t(GRACE).build())).await
            }
            _ => self.api.kill_container(id, None::<KillContainerOptions>).await,
        };
        if let Err(error) = stopped {
            tracing::debug!(container = id, %error, "the container was already gone");
        }
    }

    pub(super) async fn list(&self, labels: &BTreeMap<String, String>) -> Result<Vec<Container>, ExecError> {
        let wanted = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let filters = std::collections::HashMap::from([("label".to_owned(), wanted)]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.api.list_containers(Some(options)).await?;
        Ok(found
            .into_iter()
            .filter_map(|c| Some(Container { id: c.id?, labels: c.labels.unwrap_or_default().into_iter().collect() }))
            .collect())
    }

    pub(super) async fn remove(&self, id: &str) {
        remove(&self.api, id).await;
    }

    pub(super) async fn prune_volumes(&self, labels: &BTreeMap<String, String>) -> Result<(), ExecError> {
        let wanted: Vec<String> = labels.iter().map(|(k, v)| format!("{k}={v}")).collect();
        let filters = std::collections::HashMap::from([("label".to_owned(), wanted)]);
        let options = ListVolumesOptionsBuilder::new().filters(&filters).build();
        for volume in self.api.list_volumes(Some(options)).await?.volumes.unwrap_or_default() {
            // One that a container still uses refuses to go.
            let _ = self.api.remove_volume(&volume.name, None::<RemoveVolumeOptions>).await;
        }
        Ok(())
    }

    pub(super) async fn build(&self, image: &Build<'_>, mut said: impl FnMut(&str)) -> Result<(), ExecError> {
        let mut context = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(image.dockerfile.len() as u64);
        header.set_mode(0o644);
        let packed = context.append_data(&mut header, "Dockerfile", image.dockerfile.as_bytes());
        let context =
            packed.and_then(|()| context.into_inner()).map_err(|error| ExecError::Build(error.to_string()))?;
        let options = BuildImageOptionsBuilder::new()
            .t(image.tag)
            .buildargs(&image.args.clone().into_iter().collect())
            .labels(&image.labels.clone().into_iter().collect())
            .rm(true)
            .forcerm(true)
            .build();
        let mut building = self.api.build_image(options, None, Some(bollard::body_full(context.into())));
        while let Some(step) = building.next().await {
            let step = step.map_err(|error| match error {
                EngineError::DockerStreamError { error } => ExecError::Build(error),
                error => error.into(),
            })?;
            if let Some(failed) = step.error_detail.and_then(|detail| detail.message) {
                return Err(ExecError::Build(failed));
            }
            step.stream.unwrap_or_default().lines().filter(|line| !line.trim().is_empty()).for_each(&mut said);
        }
        Ok(())
    }

    pub(super) async fn describe(&self) -> Result<String, ExecError> {
        let version = self.api.version().await?;
        let name =
            version.platform.map(|p| p.name).filter(|name| !name.is_empty()).unwrap_or_else(|| "Docker".to_owned());
        Ok(format!("{name} {}", version.version.unwrap_or_default()))
    }

    pub(super) async fn image(&self, name: &str) -> Result<Option<String>, ExecError> {
        match self.api.inspect_image(name).await {
            Ok(image) => Ok(image.id),
            Err(EngineError::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Passes output on until it ends (`None`) or there is a reason to stop.
async fn follow(
    attached: &mut (impl futures::Stream<Item = Result<LogOutput, EngineError>> + Unpin),
    spec: &RunSpec,
    output: OutputSender,
    cancel: &CancellationToken,
) -> Result<Option<Stop>, ExecError> {
    let deadline = Instant::now() + spec.timeout;
    let mut silent_until = Instant::now() + spec.no_output_timeout;
    let mut bytes = 0u64;
    loop {
        let next = tokio::select! {
            biased;
            () = cancel.cancelled() => return Ok(Some(Stop::Canceled)),
            () = tokio::time::sleep_until(deadline) => return Ok(Some(Stop::TimedOut)),
            () = tokio::time::sleep_until(silent_until) => return Ok(Some(Stop::NoOutput)),
            next = attached.next() => next,
        };
        let (stream, message) = match next {
            None => return Ok(None),
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(LogOutput::StdErr { message })) => (Stream::Stderr, message),
            Some(Ok(LogOutput::StdOut { message } | LogOutput::Console { message })) => (Stream::Stdout, message),
            Some(Ok(LogOutput::StdIn { .. })) => continue,
        };
        silent_until = Instant::now() + spec.no_output_timeout;
        bytes += message.len() as u64;
        if bytes > spec.output_limit {
            return Ok(Some(Stop::TooMuchOutput));
        }
        // Nobody listens any more: keep reading, so that the container can end.
        let _ = output.send((stream, message)).await;
    }
}

/// Removes a container when dropped, whatever happened to the future that ran it.
struct Removal {
    api: bollard::Docker,
    id: Option<String>,
}

impl Removal {
    async fn now(mut self) {
        if let Some(id) = self.id.take() {
            remove(&self.api, &id).await;
        }
    }
}

impl Drop for Removal {
    fn drop(&mut self) {
        if let (Some(id), Ok(runtime)) = (self.id.take(), tokio::runtime::Handle::try_current()) {
            let api = self.api.clone();
            runtime.spawn(async move { remove(&api, &id).await });
        }
    }
}

/// Kills and removes; a container that is gone already is fine, anything else is left to the next sweep.
async fn remove(api: &bollard::Docker, id: &str) {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    match api.remove_container(id, Some(options)).await {
        Ok(()) | Err(EngineError::DockerResponseServerError { status_code: 404 | 409, .. }) => {}
        Err(error) => tracing::warn!(container = id, %error, "cannot remove a container; the sweep tries again"),
    }
}
