//! One container of a stage: its output becomes log lines and events, its end an outcome.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::executor::{Ended, ExecError, Output, RunSpec};
use crate::model::log::{Stream, plain};
use crate::model::release::{Failure, Stage};
use crate::runner::attempt::{Attempt, Halt, fail};
use crate::runner::events;
use crate::runner::explain::Watch;
use crate::runner::lines::Splitter;
use crate::runner::log::Log;
use crate::runner::tree;

/// Chunks of output between engine and log; beyond it the container waits.
const CHANNEL: usize = 64;
/// How often the workspace's size is looked at.
const MEASURE_EVERY: Duration = Duration::from_secs(3);
/// How often a progress bar that ends no line is quoted.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

pub(super) struct Run {
    pub ended: Ended,
    /// It was stopped because its workspace outgrew the limit.
    overgrown: bool,
    watch: Watch,
    timeout: Duration,
    no_output_timeout: Duration,
    memory: i64,
}

impl Run {
    /// Somebody asked it to stop, or the attempt is over.
    pub(super) fn canceled(&self) -> bool {
        self.ended == Ended::Canceled && !self.overgrown
    }
}

/// Runs a container to its end, its output in the log. `nonce` opens the driver's events.
pub(super) async fn contain(attempt: &Attempt, stage: Stage, spec: &RunSpec, nonce: Option<&str>) -> Result<Run, Halt> {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let reader = tokio::spawn(read(attempt.log.clone(), stage, nonce.map(str::to_owned), receiver));
    let stop = attempt.stopper.token.child_token();
    let overgrown = Arc::new(AtomicBool::new(false));
    let measured = tokio::spawn(measure(attempt.clone(), overgrown.clone(), stop.clone()));
    let ended = attempt.runner.executor.run(spec, sender, &stop).await;
    measured.abort();
    let watch = reader.await?;
    match ended {
        Ok(ended) => Ok(Run {
            ended,
            overgrown: overgrown.load(Ordering::Relaxed),
            watch,
            timeout: spec.timeout,
            no_output_timeout: spec.no_output_timeout,
            memory: spec.memory,
        }),
        Err(ExecError::ImageMissing(name)) => Err(image_missing(&name)),
        Err(error) => Err(fail("engine_failed", error.to_string())),
    }
}

/// An image of another Node.js is added by a command; all others come with an installation.
pub(super) fn image_missing(name: &str) -> Halt {
    let node = name.split_once("/build-node").and_then(|(_, rest)| rest.split(':').next());
    Halt::Failed(match node {
        Some(major) => Failure::new("node_missing", "").args([major]),
        None => Failure::new("image_missing", "").args([name]),
    })
}

/// Engines limit no disk space: we look, and stop what takes more than its share.
async fn measure(attempt: Attempt, overgrown: Arc<AtomicBool>, stop: CancellationToken) {
    let config = &attempt.runner.app.config;
    let root = config.work_dir().join(format!("{}-{}", attempt.release.id, attempt.release.attempt));
    loop {
        tokio::time::sleep(MEASURE_EVERY).await;
        let at = root.clone();
        let size = tokio::task::spawn_blocking(move || tree::measure(&at)).await;
        if matches!(size, Ok(Ok((bytes, _))) if bytes > config.container.workspace) {
            overgrown.store(true, Ordering::Relaxed);
            return stop.cancel();
        }
    }
}

async fn read(log: Log, stage: Stage, nonce: Option<String>, mut output: mpsc::Receiver<Output>) -> Watch {
    let (mut stdout, mut stderr) = (Splitter::default(), Splitter::default());
    let mut watch = Watch::new(stage);
    let mut take = async |stream: Stream, lines: Vec<String>| {
        let mut shown = Vec::with_capacity(lines.len());
        for line in lines {
            match nonce.as_deref().and_then(|nonce| events::parse(&line, nonce)) {
                Some(event) => {
                    let said = events::describe(&event).lines().map(str::to_owned).collect();
                    log.write(stage.as_str(), Stream::System, said).await;
                }
                None => shown.push(line),
            }
        }
        let bare: Vec<String> = shown.iter().map(|line| plain(line)).collect();
        let mut numbers = log.write(stage.as_str(), stream, shown).await;
        for line in &bare {
            watch.see(numbers.next(), line);
        }
    };
    let mask = log.mask();
    let mut spoke = Instant::now();
    while let Some((stream, bytes)) = output.recv().await {
        let splitter = if stream == Stream::Stderr { &mut stderr } else { &mut stdout };
        let mut lines = splitter.push(&bytes, &mask);
        if lines.is_empty() && spoke.elapsed() >= PROGRESS_EVERY {
            lines.extend(splitter.progress(&mask));
        }
        if !lines.is_empty() {
            spoke = Instant::now();
            take(stream, lines).await;
        }
    }
    take(Stream::Stdout, stdout.finish(&mask).into_iter().collect()).await;
    take(Stream::Stderr, stderr.finish(&mask).into_iter().collect()).await;
    watch
}

/// The verdict where only the exit status speaks.
pub(super) fn judge(attempt: &Attempt, run: Run, code: &str) -> Result<(), Halt> {
    match why(attempt, &run, code) {
        None => Ok(()),
        Some(halt) => Err(halt),
    }
}

/// Why the container did not end well; `None` when it did.
pub(super) fn why(attempt: &Attempt, run: &Run, code: &str) -> Option<Halt> {
    let shown = |bytes: i64| (bytes / 1024 / 1024).to_string();
    let minutes = |duration: Duration| (duration.as_secs() / 60).to_string();
    let megabytes = shown(run.memory);
    let failure = match run.ended {
        Ended::Exited(0) => return None,
        Ended::Canceled if run.overgrown => {
            let limit = attempt.runner.app.config.container.workspace;
            Failure::new("workspace_limit", "").args([&shown(limit as i64)])
        }
        Ended::Canceled => return Some(attempt.stopper.halt()),
        // The kernel killed the container itself, or a child of it that the command noticed.
        Ended::OutOfMemory(137) => Failure::new("memory_limit", "").args([&megabytes]),
        Ended::OutOfMemory(_) => Failure::new("memory_limit_child", "").args([&megabytes]),
        Ended::Exited(status) => match run.watch.known() {
            Some(known) if known.code == "heap_limit" => known.args([&megabytes]),
            Some(known) => known,
            None if status == 137 => Failure::new("killed", ""),
            None => Failure::new(code, "").args([&status.to_string()]),
        },
        Ended::TimedOut => Failure::new("stage_timeout", "").args([&minutes(run.timeout)]),
        Ended::NoOutput => Failure::new("no_output", "").args([&minutes(run.no_output_timeout)]),
        Ended::TooMuchOutput => Failure::new("too_much_output", ""),
    };
    let (tail, excerpt, line) = (run.watch.tail(), run.watch.excerpt(), run.watch.line());
    Some(Halt::Failed(Failure { tail, excerpt, line, ..failure }))
}
