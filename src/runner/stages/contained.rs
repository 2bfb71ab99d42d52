//! One container of a stage: its output becomes log lines and events, its end an outcome.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::executor::{Ended, ExecError, Output, RunSpec};
use crate::model::log::{Stream, plain};
use crate::model::release::{Failure, Stage};
use crate::runner::attempt::{Attempt, Halt, fail};
use crate::runner::events;
use crate::runner::lines::Splitter;
use crate::runner::log::Log;

/// Chunks of output between engine and log; beyond it the container waits.
const CHANNEL: usize = 64;
/// Lines of output that a failure shows.
const TAIL: usize = 30;

pub(super) struct Run {
    pub ended: Ended,
    /// The last lines, plain.
    pub tail: VecDeque<String>,
}

/// Runs a container to its end, its output in the log. `nonce` opens the driver's events.
pub(super) async fn contain(attempt: &Attempt, stage: Stage, spec: &RunSpec, nonce: Option<&str>) -> Result<Run, Halt> {
    let (sender, receiver) = mpsc::channel(CHANNEL);
    let reader = tokio::spawn(read(attempt.log.clone(), stage, nonce.map(str::to_owned), receiver));
    let ended = attempt.runner.executor.run(spec, sender, &attempt.stopper.token).await;
    let tail = reader.await?;
    match ended {
        Ok(ended) => Ok(Run { ended, tail }),
        Err(ExecError::ImageMissing(name)) => Err(Halt::Failed(Failure::new("image_missing", "").args([&name]))),
        Err(error @ ExecError::Engine(_)) => Err(fail("engine_failed", error.to_string())),
    }
}

async fn read(log: Log, stage: Stage, nonce: Option<String>, mut output: mpsc::Receiver<Output>) -> VecDeque<String> {
    let (mut stdout, mut stderr) = (Splitter::default(), Splitter::default());
    let mut tail = VecDeque::new();
    let mut take = async |stream: Stream, lines: Vec<String>| {
        let mut shown = Vec::with_capacity(lines.len());
        for line in lines {
            match nonce.as_deref().and_then(|nonce| events::parse(&line, nonce)) {
                Some(event) => log.write(stage.as_str(), Stream::System, vec![events::describe(&event)]).await,
                None => shown.push(line),
            }
        }
        for line in &shown {
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(plain(line));
        }
        log.write(stage.as_str(), stream, shown).await;
    };
    let mask = log.mask();
    while let Some((stream, bytes)) = output.recv().await {
        let splitter = if stream == Stream::Stderr { &mut stderr } else { &mut stdout };
        take(stream, splitter.push(&bytes, &mask)).await;
    }
    take(Stream::Stdout, stdout.finish(&mask).into_iter().collect()).await;
    take(Stream::Stderr, stderr.finish(&mask).into_iter().collect()).await;
    tail
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
    let limits = &attempt.runner.app.config.container;
    let megabytes = (limits.memory / 1024 / 1024).to_string();
    let minutes = |duration: std::time::Duration| (duration.as_secs() / 60).to_string();
    let heap = run.tail.iter().any(|line| line.contains("heap out of memory") || line.contains("Allocation failed"));
    let failure = match run.ended {
        Ended::Exited(0) => return None,
        Ended::Canceled => return Some(attempt.stopper.halt()),
        Ended::OutOfMemory(_) | Ended::Exited(137) => Failure::new("memory_limit", "").args([&megabytes]),
        Ended::Exited(_) if heap => Failure::new("heap_limit", "").args([&megabytes]),
        Ended::Exited(status) => Failure::new(code, "").args([&status.to_string()]),
        Ended::TimedOut => Failure::new("stage_timeout", "").args([&minutes(limits.stage_timeout)]),
        Ended::NoOutput => Failure::new("no_output", "").args([&minutes(limits.no_output_timeout)]),
        Ended::TooMuchOutput => Failure::new("too_much_output", ""),
    };
    Some(Halt::Failed(Failure { tail: run.tail.iter().cloned().collect(), ..failure }))
}
