//! `release`, `retry` and `cancel`: asks the server, and shows what it answers.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::asked::{Cancel, Retry, Show, Start, body};
use super::http::Api;
use super::screen::{Screen, field};
use super::{programs, watch};

pub(super) async fn start(api: &Api, screen: &mut Screen, asked: &Start) -> anyhow::Result<ExitCode> {
    let body = body(asked)?;
    let program = programs::find(api, &asked.program).await?;
    let key = uuid::Uuid::new_v4().to_string();
    let path = format!("/programs/{}/releases", field(&program, "id"));
    let release = api.post_once(&path, &body, &key).await?;
    told(api, screen, release, &asked.show).await
}

pub(super) async fn retry(api: &Api, screen: &mut Screen, asked: &Retry) -> anyhow::Result<ExitCode> {
    let body = if asked.without_lockfile { json!({ "without_lockfile": true }) } else { json!({}) };
    let release = api.post(&format!("/releases/{}/retry", asked.release), &body).await?;
    told(api, screen, release, &asked.show).await
}

pub(super) async fn cancel(api: &Api, screen: &mut Screen, asked: &Cancel) -> anyhow::Result<ExitCode> {
    api.post(&format!("/releases/{}/cancel", asked.release), &json!({})).await?;
    let release = api.get(&format!("/releases/{}", asked.release)).await?;
    if asked.json {
        screen.json(&release)?;
    } else {
        screen.line(&format!("asked to stop; {} is {}", asked.release, field(&release, "status")))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn told(api: &Api, screen: &mut Screen, release: Value, show: &Show) -> anyhow::Result<ExitCode> {
    if show.follow {
        return watch::watch(api, screen, release, show.json).await;
    }
    if show.json {
        screen.json(&release)?;
    } else {
        watch::head(api, screen, &release)?;
        screen.line(&format!("  to follow it: sampan log {} --follow", field(&release, "id")))?;
    }
    Ok(ExitCode::SUCCESS)
}
