//! A program's form, drawn from its platform's manifest, and its credential: taken once, never shown.

use std::collections::BTreeMap;

use askama::Template;
use axum::Form;
use axum::extract::{Multipart, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::page::{Errors, Frame, html, platform_icon};
use super::programs::may_edit;
use super::repository::{self, Inspection, WayIn};
use super::session::SignedIn;
use crate::app::App;
use crate::clock::{Ms, rfc3339};
use crate::db;
use crate::error::{Error, Result, Text};
use crate::lang::Lang;
use crate::model::program::{Program, split_login};
use crate::model::robot::Lease;
use crate::ops::{credentials, program_settings, programs};
use crate::platform::Platform;
use crate::platform::fields::PREFIX;
use crate::platform::manifest::{Field, FieldScope, Kind};

type Values = BTreeMap<String, String>;

#[derive(Template)]
#[template(path = "programs/form.html")]
pub(super) struct FormPage {
    frame: Frame,
    /// Of a program that exists.
    id: Option<String>,
    platform: String,
    platform_label: String,
    glyph: String,
    groups: Vec<(String, String)>,
    values: Values,
    errors: Errors,
    options: Vec<Drawn>,
    secrets: Vec<Drawn>,
    fingerprint: Option<String>,
    fingerprint_at: String,
    way_in: WayIn,
    inspection: Option<Inspection>,
    leases: Vec<Lease>,
    archived: bool,
}

/// A field of the platform's manifest, as the form draws it.
pub(super) struct Drawn {
    pub name: String,
    pub label: String,
    pub help: String,
    pub kind: &'static str,
    pub required: bool,
    pub value: String,
    pub min: String,
    pub max: String,
    pub choices: Vec<String>,
}

pub(super) fn draw(field: &Field, name: String, value: String, l: Lang) -> Drawn {
    let kind = match field.kind {
        Kind::Text => "text",
        Kind::Number => "number",
        Kind::Bool => "bool",
        Kind::Choice => "choice",
        Kind::PemRsa | Kind::RsaPkcs8 => "pem",
    };
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    Drawn {
        label: field.label.get(l).to_owned(),
        help: field.help.as_ref().map(|help| help.get(l).to_owned()).unwrap_or_default(),
        kind,
        required: field.required,
        value,
        min: number(field.min),
        max: number(field.max),
        choices: field.choices.clone(),
        name,
    }
}

pub(super) async fn form_page(
    app: &App,
    who: &SignedIn,
    id: Option<&Program>,
    mut values: Values,
    errors: Errors,
) -> Result<FormPage> {
    let l = who.visitor.lang;
    if !may_edit(&who.user) {
        return Err(Error::Forbidden);
    }
    // A password typed into the address was taken or refused: it does not come back.
    if let Some(url) = values.get_mut("repo_url")
        && let Some((bare, _, _)) = split_login(url.trim())
    {
        *url = bare;
    }
    let platform_id = values.get("platform").map(String::as_str).unwrap_or_default();
    let platform =
        app.platforms.get(platform_id).ok_or_else(|| Error::invalid("platform", Text::new("errors.platform")))?;
    let drawn = |scope: FieldScope| -> Vec<Drawn> {
        platform
            .fields(scope)
            .map(|field| {
                let name =
                    if scope == FieldScope::Option { format!("{PREFIX}{}", field.name) } else { field.name.clone() };
                let default =
                    || field.default.as_ref().map(|v| v.to_string().trim_matches('"').to_owned()).unwrap_or_default();
                let value =
                    if field.secret { String::new() } else { values.get(&name).cloned().unwrap_or_else(default) };
                draw(field, name, value, l)
            })
            .collect()
    };
    let credential = match id {
        Some(program) => db::credentials::find(&app.db, &program.id).await?,
        None => None,
    };
    let title = if id.is_some() { "program.edit" } else { "program.new" };
    let mut frame = Frame::load(app, who, l.t(title)).await?;
    // This page also answers a POST, to whose path nobody can go back.
    frame.path = id.map_or("/programs/new".to_owned(), |program| format!("/programs/{}/edit", program.id));
    Ok(FormPage {
        frame,
        id: id.map(|program| program.id.clone()),
        platform: platform.id.clone(),
        platform_label: platform.label.get(l).to_owned(),
        glyph: platform_icon(&platform.id),
        groups: db::programs::list_groups(&app.db, who.user.scope())
            .await?
            .into_iter()
            .map(|g| (g.id, g.name))
            .collect(),
        options: drawn(FieldScope::Option),
        secrets: drawn(FieldScope::Credential),
        fingerprint_at: credential.as_ref().map(|c| rfc3339(c.updated_at)).unwrap_or_default(),
        fingerprint: credential.map(|c| c.fingerprint),
        way_in: repository::way_in(app, id).await?,
        inspection: None,
        leases: match id {
            Some(program) => db::robots::list(&app.db, &program.platform, &program.app_id).await?,
            None => vec![],
        },
        archived: id.is_some_and(|program| program.archived_at.is_some()),
        values,
        errors,
    })
}

impl FormPage {
    /// The page with what a look at the repository found.
    pub(super) fn inspected(mut self, inspection: Inspection) -> Self {
        self.inspection = Some(inspection);
        self
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.value(name) == value
    }

    /// Whether the settings that few projects need are worth showing at once.
    fn unusual(&self, l: &Lang) -> bool {
        SETTINGS.iter().any(|name| !self.errors.of(name, l).is_empty())
    }

    fn login_error(&self, l: &Lang) -> bool {
        ["repo_user", "repo_token", "repo_key"].iter().any(|name| !self.errors.of(name, l).is_empty())
    }

    fn time(&self, at: &Ms) -> String {
        rfc3339(*at)
    }

    fn secret_error(&self, l: &Lang) -> bool {
        self.secrets.iter().any(|field| !self.errors.of(&field.name, l).is_empty())
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }
}

pub(super) fn defaults(platform: &Platform, values: &mut Values) {
    for (name, value) in [
        ("platform", platform.id.as_str()),
        ("default_ref", "main"),
        ("build_command", &platform.default_build_command),
        ("dev_build_command", &platform.default_dev_build_command),
        ("output_dir", &platform.default_output_dir),
    ] {
        values.entry(name.to_owned()).or_insert_with(|| value.to_owned());
    }
}

pub(super) async fn new(State(app): State<App>, who: SignedIn, Query(mut values): Query<Values>) -> Result<Response> {
    if !may_edit(&who.user) {
        return Err(Error::Forbidden);
    }
    if db::programs::list_groups(&app.db, who.user.scope()).await?.is_empty() {
        return Ok(Redirect::to("/groups/new").into_response());
    }
    let Some(platform) = values.get("platform").and_then(|id| app.platforms.get(id)) else {
        return choose(&app, &who, &values).await;
    };
    defaults(platform, &mut values);
    Ok(html(&form_page(&app, &who, None, values, Errors::default()).await?))
}

/// What a program is for decides what its form asks, so it comes first.
#[derive(Template)]
#[template(path = "programs/choose.html")]
struct ChoosePage {
    frame: Frame,
    /// Carried along.
    group: String,
    /// Id, glyph, label, what its releases give.
    platforms: Vec<(String, String, String, String)>,
}

async fn choose(app: &App, who: &SignedIn, values: &Values) -> Result<Response> {
    let l = who.visitor.lang;
    let shown = |p: &Platform| {
        let gives: Vec<_> = p.actions.iter().map(|action| l.action(action.as_str())).collect();
        (p.id.clone(), platform_icon(&p.id), p.label.get(l).to_owned(), gives.join(" · "))
    };
    Ok(html(&ChoosePage {
        frame: Frame::load(app, who, l.t("program.new")).await?,
        group: values.get("group").cloned().unwrap_or_default(),
        platforms: app.platforms.iter().map(shown).collect(),
    }))
}

/// Fields of the folded part of the form.
const SETTINGS: &[&str] =
    &["node", "npm_registry", "memory_mb", "cpus", "stage_timeout_minutes", "no_output_timeout_minutes"];

pub(super) async fn create(State(app): State<App>, who: SignedIn, Form(form): Form<Values>) -> Result<Response> {
    match programs::create(&app, &who.user, &form).await {
        // The key comes next: on the program's form, where it can also be replaced later.
        Ok(program) => {
            let needs = app.platforms.get(&program.platform).is_some_and(|p| p.needs_credential());
            let next = if needs { "/edit#credential" } else { "" };
            Ok(Redirect::to(&format!("/programs/{}{next}", program.id)).into_response())
        }
        Err(error) => {
            let page = form_page(&app, &who, None, form, Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) fn values_of(p: &Program) -> Values {
    let plain = [
        ("group", &p.group_id),
        ("name", &p.name),
        ("platform", &p.platform),
        ("app_id", &p.app_id),
        ("repo_url", &p.repo_url),
        ("default_ref", &p.default_ref),
        ("root_dir", &p.root_dir),
        ("install_command", &p.install_command),
        ("build_command", &p.build_command),
        ("dev_build_command", &p.dev_build_command),
        ("output_dir", &p.output_dir),
    ];
    let plain = plain.into_iter().map(|(name, value)| (name.to_owned(), value.clone()));
    let options = p.options.iter().map(|(name, value)| {
        (format!("{PREFIX}{name}"), value.as_str().map(str::to_owned).unwrap_or_else(|| value.to_string()))
    });
    let settings = program_settings::values(&p.settings).into_iter().map(|(name, value)| (name.to_owned(), value));
    plain.chain(options).chain(settings).collect()
}

pub(super) async fn edit(State(app): State<App>, who: SignedIn, Path(id): Path<String>) -> Result<Response> {
    let program = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    Ok(html(&form_page(&app, &who, Some(&program), values_of(&program), Errors::default()).await?))
}

pub(super) async fn update(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(mut form): Form<Values>,
) -> Result<Response> {
    let program = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    match programs::update(&app, &who.user, &id, &form).await {
        Ok(_) => Ok(Redirect::to(&format!("/programs/{id}")).into_response()),
        Err(error) => {
            form.insert("platform".to_owned(), program.platform.clone());
            let page = form_page(&app, &who, Some(&program), form, Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

/// Pasted or as a file: a field `<name>_file` that holds something stands for `<name>`.
pub(super) async fn credential(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    mut form: Multipart,
) -> Result<Response> {
    let program = db::programs::find(&app.db, who.user.scope(), &id).await?.ok_or(Error::NotFound)?;
    let mut values = Values::new();
    let unreadable = |_| Error::invalid("credential", Text::new("errors.upload"));
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        let text = String::from_utf8_lossy(&field.bytes().await.map_err(unreadable)?).into_owned();
        if !text.trim().is_empty() {
            values.insert(name.trim_end_matches("_file").to_owned(), text);
        }
    }
    match credentials::put(&app, &who.user, &id, &values).await {
        Ok(_) => Ok(Redirect::to(&format!("/programs/{id}")).into_response()),
        Err(error) => {
            let page = form_page(&app, &who, Some(&program), values_of(&program), Errors::take(error)?).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn archive(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Form(form): Form<Values>,
) -> Result<Redirect> {
    let archived = form.get("archived").is_some_and(|value| value == "yes");
    programs::archive(&app, &who.user, &id, archived).await?;
    Ok(Redirect::to(&format!("/programs/{id}")))
}
