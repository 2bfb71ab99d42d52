//! Pages and runner in one process, and how it stops: no new work, running deliveries end, everything else is put back.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::app::App;
use crate::ops::updates;
use crate::runner::Runner;
use crate::web;

pub struct Server {
    pub app: App,
    pub address: SocketAddr,
    shutdown: CancellationToken,
    web: JoinHandle<std::io::Result<()>>,
    runner: JoinHandle<()>,
}

impl Server {
    pub async fn start(app: App, runner: Runner, shutdown: CancellationToken) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(app.config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", app.config.listen))?;
        let address = listener.local_addr()?;
        let router = web::router(app.clone())?;
        tokio::spawn(updates::keep_catalogue(app.clone()));
        let stop = shutdown.clone();
        let web = tokio::spawn(async move {
            // Live pages stay open for ever: they are not waited for.
            tokio::select! {
                served = async { axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>()).await } => served,
                () = stop.cancelled() => Ok(()),
            }
        });
        let runner = tokio::spawn(runner.serve());
        println!("sampan serves http://{address}");
        Ok(Self { app, address, shutdown, web, runner })
    }

    /// Until SIGTERM or Ctrl-C; then stops in order.
    pub async fn until_stopped(self) -> anyhow::Result<()> {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            _ = term.recv() => {}
            done = tokio::signal::ctrl_c() => done?,
        }
        self.stop().await
    }

    pub async fn stop(self) -> anyhow::Result<()> {
        tracing::info!("stopping: running releases go back to the queue, deliveries end first");
        self.shutdown.cancel();
        self.runner.await?;
        self.web.await??;
        self.app.db.close().await;
        Ok(())
    }
}
