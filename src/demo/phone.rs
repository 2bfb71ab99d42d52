//! A phone as the demo plays it: asks over HTTP as apps do, downloads, and believes nothing that does not verify.

use std::net::SocketAddr;

use anyhow::{Context, ensure};
use openssl::pkey::PKey;
use openssl::sign::Verifier;
use serde_json::{Value, json};

use crate::app::App;
use crate::db;
use crate::lang::bytes;
use crate::model::program::Program;
use crate::model::update::statement;
use crate::model::user::User;
use crate::model::{bytes_of, hex_of};

/// Prints what a phone with the newest native build gets; an error where it gets nothing, or something that does not verify.
pub(super) async fn show(address: &SocketAddr, app: &App, owner: &User, program: &Program) -> anyhow::Result<()> {
    let known = db::updates::list_of_program(&app.db, owner.scope(), &program.id).await?;
    let native = known.iter().find(|update| !update.kind.is_wgt()).context("a native build")?;
    let (os, code, version) = (native.kind.os(), native.version_code, &native.version);
    let question = json!({
        "projectId": program.id, "platform": os, "nativeVersion": version, "nativeVersionCode": code,
        "wgtVersion": version, "wgtVersionCode": code, "systemInfo": { "uuid": "demo" },
    });
    let http = reqwest::Client::new();
    let url = format!("http://{address}/api/update");
    let answer: Value = http.post(&url).json(&question).send().await?.json().await?;
    println!("  a phone ({os}, native {version}) asks {url}");
    let offer = &answer["data"]["wgt"];
    let text = |name: &str| offer[name].as_str().with_context(|| format!("no {name} in {answer}"));
    let number = |name: &str| offer[name].as_i64().with_context(|| format!("no {name} in {answer}"));
    println!("  gets wgt {} ({}) {}", text("version")?, number("versionCode")?, text("url")?);

    let package = http.get(text("url")?).send().await?.error_for_status()?.bytes().await?;
    let sha256 = hex_of(&openssl::sha::sha256(&package));
    ensure!(sha256 == text("sha256")?, "the bytes are not those that were announced");
    let pem = http.get(format!("http://{address}/d/signing-key.pem")).send().await?.bytes().await?;
    let signed = statement(&program.id, text("version")?, number("versionCode")?, &sha256, package.len() as i64);
    let signature = bytes_of(text("signature")?).context("a signature in hex")?;
    let key = PKey::public_key_from_pem(&pem)?;
    let genuine = Verifier::new_without_digest(&key)?.verify_oneshot(&signature, signed.as_bytes())?;
    ensure!(genuine, "the signature does not verify");
    println!("  downloads {}: hash and signature verify", bytes(package.len() as i64));
    Ok(())
}
