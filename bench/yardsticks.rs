//! The same container without Sampan, its output taken by the engine's own means.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::time::Instant;

use bollard::query_parameters::{AttachContainerOptionsBuilder, CreateContainerOptions, RemoveContainerOptionsBuilder};
use futures::StreamExt;
use sampan::runner::{DEFAULT_NODE, build_image};

use crate::{COMMAND, LINES};

/// Lines a second that `docker logs -f` writes into a file.
pub(crate) async fn docker_logs() -> f64 {
    tokio::task::spawn_blocking(|| {
        let engine = std::env::var("ENGINE_CLI").unwrap_or_else(|_| "docker".to_owned());
        let made = Command::new(&engine)
            .args(["run", "-d", "--network", "none", "--cpus", "2", &build_image(DEFAULT_NODE), "sh", "-c", COMMAND])
            .output()
            .unwrap();
        let id = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let mut following = Command::new(&engine).args(["logs", "-f", &id]).stdout(Stdio::piped()).spawn().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        let (mut began, mut lines, mut piece) = (None, 0, vec![0; 64 * 1024]);
        let output = following.stdout.as_mut().unwrap();
        loop {
            let n = output.read(&mut piece).unwrap();
            if n == 0 {
                break;
            }
            began.get_or_insert_with(Instant::now);
            lines += memchr::memchr_iter(b'\n', &piece[..n]).count();
            file.write_all(&piece[..n]).unwrap();
        }
        let seconds = began.unwrap().elapsed().as_secs_f64();
        following.wait().unwrap();
        Command::new(&engine).args(["rm", "-f", &id]).output().unwrap();
        if lines != LINES {
            eprintln!("docker logs -f lost {} of {LINES} lines", LINES - lines);
        }
        lines as f64 / seconds
    })
    .await
    .unwrap()
}

/// Lines a second through an attach that keeps nothing.
pub(crate) async fn attach() -> f64 {
    let engine = bollard::Docker::connect_with_defaults().unwrap().negotiate_version().await.unwrap();
    let body = bollard::models::ContainerCreateBody {
        image: Some(build_image(DEFAULT_NODE)),
        cmd: Some(["sh", "-c", COMMAND].map(str::to_owned).to_vec()),
        host_config: Some(bollard::models::HostConfig {
            network_mode: Some("none".to_owned()),
            nano_cpus: Some(2_000_000_000),
            ..Default::default()
        }),
        ..Default::default()
    };
    let id = engine.create_container(None::<CreateContainerOptions>, body).await.unwrap().id;
    let options = AttachContainerOptionsBuilder::new().stdout(true).stderr(true).stream(true).build();
    let mut attached = engine.attach_container(&id, Some(options)).await.unwrap();
    engine.start_container(&id, None).await.unwrap();
    let (mut began, mut bytes) = (None, 0);
    while let Some(output) = attached.output.next().await {
        began.get_or_insert_with(Instant::now);
        bytes += output.unwrap().into_bytes().len();
    }
    let seconds = began.unwrap().elapsed().as_secs_f64();
    assert_eq!(bytes, LINES * 100);
    engine.remove_container(&id, Some(RemoveContainerOptionsBuilder::new().force(true).build())).await.unwrap();
    LINES as f64 / seconds
}
