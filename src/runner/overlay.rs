//! Finds out whether the engine mounts copy-on-write folders: some cannot (rootless, remote disks), and then we copy.

use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use super::Runner;
use super::workspace::own;
use crate::executor::{Ended, Mount, Network, RunSpec, Source};

impl Runner {
    /// Asked of the engine once, with an image that is there.
    pub(super) async fn mounts_overlays(&self, image: &str) -> bool {
        *self.overlays.get_or_init(|| self.try_overlay(image)).await
    }

    async fn try_overlay(&self, image: &str) -> bool {
        let folder = self.app.config.data_dir.join(format!("probe-{}", self.name));
        let works = match self.probe(image, &folder).await {
            Ok(works) => works,
            Err(error) => {
                tracing::warn!(%error, "cannot try copy-on-write mounts");
                false
            }
        };
        let _ = std::fs::remove_dir(folder.join("work/work"));
        let _ = std::fs::remove_dir_all(&folder);
        if !works {
            tracing::warn!("this engine mounts no copy-on-write folders: dependencies are copied, which takes seconds");
        }
        works
    }

    async fn probe(&self, image: &str, folder: &Path) -> anyhow::Result<bool> {
        // Commas and colons separate the mount's options.
        if folder.to_string_lossy().contains([',', ':', '\\']) {
            return Ok(false);
        }
        for name in ["lower", "upper", "work"] {
            std::fs::create_dir_all(folder.join(name))?;
            own(&folder.join(name), self.user)?;
        }
        std::fs::write(folder.join("lower/a"), "1")?;
        own(&folder.join("lower/a"), self.user)?;
        let source =
            Source::Overlay { lower: folder.join("lower"), upper: folder.join("upper"), work: folder.join("work") };
        let spec = RunSpec {
            image: image.to_owned(),
            command: ["sh", "-ec", "test \"$(cat /probe/a)\" = 1; echo 2 > /probe/a; echo 3 > /probe/b"]
                .map(str::to_owned)
                .to_vec(),
            env: Default::default(),
            workdir: "/".to_owned(),
            mounts: vec![Mount { source, target: "/probe".to_owned(), read_only: false }],
            network: Network::None,
            extra_hosts: vec![],
            user: self.user,
            memory: 256 << 20,
            cpus: 1.0,
            pids: 32,
            tmp: 1 << 20,
            // None: the sweep would take it for a release's.
            labels: Default::default(),
            timeout: Duration::from_secs(30),
            no_output_timeout: Duration::from_secs(30),
            output_limit: 1 << 20,
        };
        let (sender, mut receiver) = mpsc::channel(8);
        let drain = tokio::spawn(async move { while receiver.recv().await.is_some() {} });
        let ended = self.executor.run(&spec, sender, &self.shutdown).await?;
        drain.await?;
        let untouched = std::fs::read_to_string(folder.join("lower/a"))? == "1";
        Ok(ended == Ended::Exited(0) && untouched && folder.join("upper/b").exists())
    }
}
