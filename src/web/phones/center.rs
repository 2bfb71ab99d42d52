//! `/api/uni-upgrade-center`: the same decision in the words of DCloud's client, which knows names, not codes.

use std::cmp::Ordering;

use axum::Json;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Body, base_url, channel, url_of};
use crate::app::App;
use crate::model::decision::Phone;
use crate::model::update::{Mode, Os};
use crate::model::version;

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(in crate::web) struct Question {
    appid: String,
    app_version: String,
    wgt_version: String,
    platform: String,
    channel: Option<String>,
}

const WGT: i64 = 101;
const NATIVE: i64 = 102;
const NOTHING: i64 = 0;
const NO_RECORD: i64 = -101;
const BAD_ARGUMENTS: i64 = -102;

pub(super) async fn from_query(
    State(app): State<App>,
    headers: HeaderMap,
    question: Result<Query<Question>, axum::extract::rejection::QueryRejection>,
) -> Response {
    match question {
        Ok(Query(question)) => Json(answer(&app, &headers, &question)).into_response(),
        Err(_) => bad("arguments as in the client's checkVersion"),
    }
}

/// The client's call as it is, or wrapped as `{"data": {…}}`.
pub(super) async fn from_body(State(app): State<App>, headers: HeaderMap, body: Body) -> Response {
    let Ok(mut value) = body.map_err(drop).and_then(|body| serde_json::from_slice::<Value>(&body).map_err(drop)) else {
        return bad("a JSON object of at most 64 KB");
    };
    if value.get("data").is_some_and(Value::is_object) {
        value = value["data"].take();
    }
    match serde_json::from_value(value) {
        Ok(question) => Json(answer(&app, &headers, &question)).into_response(),
        Err(_) => bad("arguments as in the client's checkVersion"),
    }
}

fn bad(message: &str) -> Response {
    Json(json!({ "code": BAD_ARGUMENTS, "message": message })).into_response()
}

fn answer(app: &App, headers: &HeaderMap, question: &Question) -> Value {
    let agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let Some(os) = Os::of_client(&question.platform).or_else(|| os_of_agent(agent)) else {
        return json!({ "code": BAD_ARGUMENTS, "message": "platform: android, ios or harmony" });
    };
    if question.appid.is_empty() || question.app_version.is_empty() {
        return json!({ "code": BAD_ARGUMENTS, "message": "appid and appVersion are needed" });
    }
    let index = app.catalogue.read();
    let known = index.program_of(&question.appid).filter(|program| !index.is_empty(program));
    let Some(program) = known else {
        return json!({ "code": NO_RECORD, "message": "no update of this appid" });
    };
    let wgt_version = match question.wgt_version.as_str() {
        "" => &question.app_version,
        version => version,
    };
    let phone = Phone {
        os,
        channel: channel(question.channel.as_deref(), headers),
        // A name that nobody registered counts as older than all.
        native_code: index.native_named(program, os, &question.app_version).unwrap_or(0),
        native_version: &question.app_version,
        wgt_code: 0,
        wgt_version,
    };
    let nothing = json!({ "code": NOTHING, "message": "this is the newest version" });
    let Some(offer) = index.decide(program, &phone) else { return nothing };
    let update = offer.update;
    let newer = |than: &str| version::compare(&update.version, than) == Some(Ordering::Greater);
    let Some(url) =
        url_of(update, &base_url(app, headers)).filter(|_| newer(&question.app_version) && newer(wgt_version))
    else {
        return nothing;
    };
    json!({
        "code": if update.kind.is_wgt() { WGT } else { NATIVE },
        "message": "there is a newer version",
        "appid": question.appid,
        "version": update.version,
        "url": url,
        "type": if update.kind.is_wgt() { "wgt" } else { "native_app" },
        "platform": [spelled(os)],
        "title": update.version,
        "contents": update.changelog,
        "is_mandatory": offer.mode == Mode::Force,
        "is_silently": offer.mode == Mode::Silent,
        "min_uni_version": "",
        "store_list": [],
        "sha256": update.package.as_ref().map(|package| &package.sha256),
    })
}

fn os_of_agent(agent: &str) -> Option<Os> {
    let agent = agent.to_ascii_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| agent.contains(word));
    // Harmony's agents name Android too.
    match () {
        () if has(&["harmony"]) => Some(Os::Harmony),
        () if has(&["android"]) => Some(Os::Android),
        () if has(&["iphone", "ipad", "ios"]) => Some(Os::Ios),
        () => None,
    }
}

fn spelled(os: Os) -> &'static str {
    match os {
        Os::Android => "Android",
        Os::Ios => "iOS",
        Os::Harmony => "Harmony",
    }
}
