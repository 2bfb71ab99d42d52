//! `/api/update`: the question of uni-pushy-client, and the answer it decides by once more.

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Deserializer, Serialize};

use super::{Body, base_url, channel, url_of};
use crate::app::App;
use crate::clock::rfc3339;
use crate::model::decision::{Offer, Phone};
use crate::model::update::Os;

/// Whatever else a phone sends, `systemInfo` included, is not looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    #[serde(default, deserialize_with = "text")]
    project_id: String,
    #[serde(default, deserialize_with = "text")]
    platform: String,
    #[serde(default, deserialize_with = "text")]
    wgt_version: String,
    #[serde(default, deserialize_with = "code")]
    wgt_version_code: Option<i64>,
    #[serde(default, deserialize_with = "text")]
    native_version: String,
    #[serde(default, deserialize_with = "code")]
    native_version_code: Option<i64>,
}

#[derive(Deserialize)]
pub(in crate::web) struct Asked {
    channel: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    success: bool,
    status_code: u16,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<Data<'a>>,
}

/// At most one of them is there: the client would let a native build win.
#[derive(Serialize)]
struct Data<'a> {
    wgt: Option<Item<'a>>,
    native: Option<Item<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    id: &'a str,
    project_id: &'a str,
    version: &'a str,
    version_code: i64,
    native_version_code: i64,
    url: String,
    update_type: i64,
    r#type: i64,
    status: i64,
    changelog: &'a str,
    remark: &'a str,
    created_time: String,
    updated_time: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signature: Option<&'a str>,
}

pub(super) async fn check(
    State(app): State<App>,
    asked: Result<Query<Asked>, axum::extract::rejection::QueryRejection>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let Ok(body) = body else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "the body is larger than 64 KB");
    };
    let Ok(question) = serde_json::from_slice::<Question>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, "the body is not the JSON object that was expected");
    };
    let Some(os) = Os::of_client(&question.platform) else {
        return refuse(StatusCode::BAD_REQUEST, "platform: android, ios or harmony");
    };
    let (Some(native_code), Some(wgt_code)) = (question.native_version_code, question.wgt_version_code) else {
        return refuse(StatusCode::BAD_REQUEST, "nativeVersionCode and wgtVersionCode: whole numbers");
    };
    let index = app.catalogue.read();
    if !index.knows(&question.project_id) {
        return refuse(StatusCode::NOT_FOUND, "projectId: no such program");
    }
    let asked = asked.ok().and_then(|Query(asked)| asked.channel);
    let phone = Phone {
        os,
        channel: channel(asked.as_deref(), &headers),
        native_code,
        native_version: &question.native_version,
        wgt_code,
        wgt_version: &question.wgt_version,
    };
    let offer = index.decide(&question.project_id, &phone);
    let item = offer.and_then(|offer| item(&offer, native_code, &base_url(&app, &headers)));
    let is_wgt = offer.is_some_and(|offer| offer.update.kind.is_wgt());
    let (wgt, native) = if is_wgt { (item, None) } else { (None, item) };
    Json(Answer { success: true, status_code: 200, message: "成功", data: Some(Data { wgt, native }) }).into_response()
}

pub(super) async fn wrong_method() -> Response {
    refuse(StatusCode::METHOD_NOT_ALLOWED, "POST a JSON object")
}

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(Answer { success: false, status_code: status.as_u16(), message, data: None })).into_response()
}

fn item<'a>(offer: &Offer<'a>, native_code: i64, base: &str) -> Option<Item<'a>> {
    let update = offer.update;
    let package = update.package.as_ref();
    Some(Item {
        id: &update.id,
        project_id: &update.program_id,
        version: &update.version,
        version_code: update.version_code,
        // The client wants its own build's code here, whatever range the update is for.
        native_version_code: if update.kind.is_wgt() { native_code } else { update.version_code },
        url: url_of(update, base)?,
        update_type: offer.mode.number(),
        r#type: update.kind.number(),
        status: 1,
        changelog: &update.changelog,
        remark: &update.remark,
        created_time: rfc3339(update.created_at),
        updated_time: rfc3339(update.updated_at),
        sha256: package.map(|package| package.sha256.as_str()),
        size: package.map(|package| package.bytes),
        signature: package.map(|package| package.signature.as_str()),
    })
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Loose {
    Number(i64),
    Text(String),
    Other(serde::de::IgnoredAny),
}

/// Clients send codes as numbers and as text.
fn code<'de, D: Deserializer<'de>>(d: D) -> Result<Option<i64>, D::Error> {
    Ok(match Loose::deserialize(d)? {
        Loose::Number(n) => Some(n),
        Loose::Text(text) => text.trim().parse().ok(),
        Loose::Other(_) => None,
    })
}

fn text<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Ok(match Loose::deserialize(d)? {
        Loose::Number(n) => n.to_string(),
        Loose::Text(text) => text,
        Loose::Other(_) => String::new(),
    })
}
