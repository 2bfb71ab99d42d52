//! `/api/openapi.json`, and `/api/docs` to read it in a browser: plain pages of ours, no script of others.

use askama::Template;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::Value;
use std::sync::Arc;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};

use super::super::page::{Frame, html};
use super::super::session::{lang_of, theme_of};
use crate::app::App;

/// What is true of the whole API.
pub(super) fn document() -> OpenApi {
    let about = "Everything the pages can do. Make a token under \"My settings\" and send it as \
        `Authorization: Bearer smp_…`. Lists answer `{items, next_cursor}`; errors `{error: {code, message, fields, request_id}}`.";
    let info = InfoBuilder::new().title("Sampan").version(env!("CARGO_PKG_VERSION")).description(Some(about));
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    OpenApiBuilder::new()
        .info(info.build())
        .components(Some(
            // The router collects what answers name, but not what that names in turn.
            ComponentsBuilder::new().security_scheme("token", bearer).schema_from::<super::error::Detail>().build(),
        ))
        .security(Some([utoipa::openapi::SecurityRequirement::new("token", Vec::<String>::new())]))
        .build()
}

#[derive(Template)]
#[template(path = "api_docs.html")]
struct DocsPage {
    frame: Frame,
    about: String,
    sections: Vec<Section>,
}

struct Section {
    name: String,
    calls: Vec<Call>,
}

struct Call {
    method: String,
    path: String,
    summary: String,
    /// Name, where it stands, whether it is needed, what it means.
    parameters: Vec<(String, String, bool, String)>,
    body: Vec<Row>,
    answer: Vec<Row>,
    status: String,
}

/// A field: its name, its type, what it means.
struct Row {
    name: String,
    kind: String,
    about: String,
}

pub(super) fn router(document: OpenApi) -> Router<App> {
    let value = Arc::new(serde_json::to_value(&document).unwrap_or_default());
    let pages = value.clone();
    Router::new()
        .route("/api/openapi.json", get(async move || Json((*value).clone())))
        .route("/api/docs", get(async move |State(app): State<App>, headers: HeaderMap| docs(&app, &headers, &pages)))
}

fn docs(app: &App, headers: &HeaderMap, document: &Value) -> Response {
    let l = lang_of(headers);
    let mut frame = Frame::bare(app, l, theme_of(headers), l.t("api_docs.title").into_owned());
    frame.path = "/api/docs".to_owned();
    let about = document["info"]["description"].as_str().unwrap_or_default().to_owned();
    let mut response = html(&DocsPage { frame, about, sections: sections(document) }).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, super::super::policy());
    response
}

fn sections(document: &Value) -> Vec<Section> {
    let mut sections: Vec<Section> = vec![];
    let paths = document["paths"].as_object().into_iter().flatten();
    for (path, methods) in paths {
        let name = path.trim_start_matches(super::BASE).split('/').nth(1).unwrap_or_default().to_owned();
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let call = call(document, method, path, operation);
            match sections.iter_mut().find(|section| section.name == name) {
                Some(section) => section.calls.push(call),
                None => sections.push(Section { name: name.clone(), calls: vec![call] }),
            }
        }
    }
    sections
}

fn call(document: &Value, method: &str, path: &str, operation: &Value) -> Call {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let parameters = operation["parameters"].as_array().into_iter().flatten().map(|parameter| {
        let needed = parameter["required"].as_bool().unwrap_or(false);
        (text(&parameter["name"]), text(&parameter["in"]), needed, text(&parameter["description"]))
    });
    let content = |holder: &Value| {
        let first = holder["content"].as_object().and_then(|content| content.values().next().cloned());
        fields(document, &first.unwrap_or_default()["schema"])
    };
    let good =
        operation["responses"].as_object().into_iter().flatten().find(|(status, _)| status.starts_with(['1', '2']));
    Call {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        parameters: parameters.collect(),
        body: content(&operation["requestBody"]),
        answer: good.map(|(_, answer)| content(answer)).unwrap_or_default(),
        status: good.map(|(status, _)| status.clone()).unwrap_or_default(),
    }
}

/// A schema behind its reference.
fn behind<'d>(document: &'d Value, schema: &'d Value) -> &'d Value {
    match schema["$ref"].as_str() {
        Some(path) => document.pointer(path.trim_start_matches('#')).unwrap_or(schema),
        None => schema,
    }
}

fn fields(document: &Value, schema: &Value) -> Vec<Row> {
    let schema = behind(document, schema);
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .map(|(name, property)| Row {
            name: name.clone(),
            kind: kind(property),
            about: property["description"].as_str().unwrap_or_default().to_owned(),
        })
        .collect()
}

fn kind(schema: &Value) -> String {
    let named = |schema: &Value| schema["$ref"].as_str().and_then(|path| path.rsplit('/').next()).map(str::to_owned);
    if let Some(name) = named(schema) {
        return name;
    }
    if let Some(items) = schema.get("items") {
        return format!("[{}]", kind(items));
    }
    if let Some(choices) = schema["oneOf"].as_array() {
        return choices.iter().map(kind).collect::<Vec<_>>().join(" | ");
    }
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | "),
        Value::String(kind) => kind.clone(),
        _ => String::new(),
    }
}
