//! `/updates/…`: what phones get. The programs that have a catalogue, one program's catalogue, one update.

use std::collections::HashMap;

use askama::Template;
use axum::Form;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use qrcode::QrCode;
use qrcode::render::svg;
use serde::Deserialize;

use super::page::{Errors, Frame, html, platform_icon};
use super::phones::{base_url, url_of};
use super::session::SignedIn;
use super::terms::{Asks, Terms};
use crate::app::App;
use crate::clock::{Ms, rfc3339};
use crate::db;
use crate::error::{Error, Result};
use crate::lang::{Lang, bytes};
use crate::model::decision::Phone;
use crate::model::program::Program;
use crate::model::update::{DEFAULT_CHANNEL, Os, Update};
use crate::model::user::Verb;
use crate::ops::programs::Form as Fields;
use crate::ops::updates;
use crate::platform::manifest::Produces;

const PAGE: i64 = 20;

async fn may_publish(app: &App, who: &SignedIn, program: &Program) -> bool {
    crate::ops::allow_in(app, &who.user, Verb::PublishUpdates, &program.group_id).await.is_ok()
}

/// An update as pages show it.
pub(super) struct Shown {
    pub l: Lang,
    pub u: Update,
    pub by: String,
    /// Names of native builds by code, for ranges.
    natives: HashMap<i64, String>,
}

impl Shown {
    fn new(l: Lang, u: Update, by: String, all: &[Update]) -> Self {
        let natives = all.iter().filter(|other| other.kind == u.kind.os().native());
        Self { natives: natives.map(|other| (other.version_code, other.version.clone())).collect(), l, u, by }
    }

    fn kind(&self) -> String {
        self.l.t(if self.u.kind.is_wgt() { "updates.wgt" } else { "updates.native" }).into_owned()
    }

    fn icon(&self) -> &'static str {
        if self.u.kind.is_wgt() { "updates" } else { "platform-generic" }
    }

    fn os(&self) -> String {
        self.l.of("os", self.u.kind.os().as_str()).into_owned()
    }

    fn mode(&self) -> String {
        self.l.of("mode", self.u.mode.as_str()).into_owned()
    }

    fn size(&self) -> String {
        self.u.package.as_ref().map(|package| bytes(package.bytes)).unwrap_or_default()
    }

    /// What phones make of it, as a word of a state's colour.
    fn state(&self) -> (&'static str, String) {
        match (self.u.enabled, self.u.is_offerable()) {
            (true, true) => ("succeeded", self.l.t("updates.on").into_owned()),
            (true, false) => ("canceled", self.l.t("updates.known").into_owned()),
            (false, _) => ("queued", self.l.t("updates.off").into_owned()),
        }
    }

    /// `≥ 1.0.0 (100)`.
    fn range(&self) -> String {
        let name = |code: i64| match self.natives.get(&code) {
            Some(version) => format!("{version} ({code})"),
            None => code.to_string(),
        };
        match (self.u.min_native, self.u.max_native) {
            (Some(min), Some(max)) if min == max => format!("= {}", name(min)),
            (Some(min), Some(max)) => format!("{} – {}", name(min), name(max)),
            (Some(min), None) => format!("≥ {}", name(min)),
            (None, Some(max)) => format!("≤ {}", name(max)),
            (None, None) => String::new(),
        }
    }

    fn made(&self) -> String {
        rfc3339(self.u.created_at)
    }

    fn changed(&self) -> String {
        rfc3339(self.u.updated_at)
    }
}

#[derive(Template)]
#[template(path = "updates/index.html")]
struct IndexPage {
    frame: Frame,
    rows: Vec<IndexRow>,
}

struct IndexRow {
    program: Program,
    glyph: String,
    /// System, its newest wgt, its newest native build.
    newest: Vec<(String, String, String)>,
    at: String,
}

pub(super) async fn index(State(app): State<App>, who: SignedIn) -> Result<Response> {
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let mut rows = vec![];
    for program in db::programs::list(&app.db, scope).await? {
        if app.platforms.get(&program.platform).is_none_or(|p| p.produces != Produces::Update) {
            continue;
        }
        let all = db::updates::list_of_program(&app.db, scope, &program.id).await?;
        let newest = |kind| all.iter().find(|u| u.kind == kind && u.enabled).map(|u| u.version.clone());
        let of = |os: &Os| (l.of("os", os.as_str()).into_owned(), newest(os.wgt()), newest(os.native()));
        rows.push(IndexRow {
            glyph: platform_icon(&program.platform),
            newest: Os::ALL
                .iter()
                .map(of)
                .filter(|(_, wgt, native)| wgt.is_some() || native.is_some())
                .map(|(os, wgt, native)| (os, wgt.unwrap_or_else(|| "–".into()), native.unwrap_or_else(|| "–".into())))
                .collect(),
            at: all.iter().map(|u| u.created_at).max().map(rfc3339).unwrap_or_default(),
            program,
        });
    }
    Ok(html(&IndexPage { frame: Frame::load(&app, &who, l.t("updates.title")).await?, rows }))
}

#[derive(Deserialize)]
pub(super) struct View {
    os: Option<String>,
    before: Option<Ms>,
    /// The phone somebody wonders about.
    native: Option<String>,
    wgt: Option<String>,
    channel: Option<String>,
}

#[derive(Template)]
#[template(path = "updates/catalogue.html")]
struct CataloguePage {
    frame: Frame,
    program: Program,
    may_publish: bool,
    os: Os,
    /// Every system with how many updates it has.
    systems: Vec<(Os, usize)>,
    rows: Vec<Shown>,
    older: Option<Ms>,
    paged: bool,
    question: Question,
    key_url: String,
}

/// "What would this phone get?"
struct Question {
    native: String,
    wgt: String,
    channel: String,
    asked: bool,
    answer: Option<(Shown, String)>,
}

pub(super) async fn catalogue(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(view): Query<View>,
    headers: HeaderMap,
) -> Result<Response> {
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let program = updates::program(&app, &who.user, &id).await?;
    let all = db::updates::list_of_program(&app.db, scope, &id).await?;
    let count = |os: Os| all.iter().filter(|u| u.kind.os() == os).count();
    let chosen = view.os.as_deref().and_then(Os::of_client);
    let os = chosen.or_else(|| Os::ALL.iter().copied().find(|os| count(*os) > 0)).unwrap_or(Os::Android);
    let before = view.before.unwrap_or(Ms::MAX);
    let mut listed = db::updates::page(&app.db, scope, &id, [os.wgt(), os.native()], before, PAGE + 1).await?;
    let more = listed.len() as i64 > PAGE;
    listed.truncate(PAGE as usize);
    Ok(html(&CataloguePage {
        frame: Frame::load(&app, &who, format!("{} · {}", program.name, l.t("updates.title"))).await?,
        may_publish: may_publish(&app, &who, &program).await,
        systems: Os::ALL.iter().map(|os| (*os, count(*os))).collect(),
        older: listed.last().filter(|_| more).map(|last| last.update.created_at),
        rows: listed.into_iter().map(|item| Shown::new(l, item.update, item.created_by_name, &all)).collect(),
        paged: view.before.is_some(),
        question: question(&app, &program, os, l, &all, &view),
        key_url: format!("{}/d/signing-key.pem", base_url(&app, &headers)),
        program,
        os,
    }))
}

fn question(app: &App, program: &Program, os: Os, l: Lang, all: &[Update], view: &View) -> Question {
    let text = |field: &Option<String>| field.as_deref().map(str::trim).unwrap_or_default().to_owned();
    let (native, wgt) = (text(&view.native), text(&view.wgt));
    let channel = Some(text(&view.channel)).filter(|name| !name.is_empty()).unwrap_or_else(|| DEFAULT_CHANNEL.into());
    let newest = all.iter().find(|u| u.kind == os.native()).map(|u| u.version_code);
    let native_code: Option<i64> = native.parse().ok();
    let index = app.catalogue.read();
    let offer = native_code.and_then(|native_code| {
        let named = all.iter().find(|u| u.kind == os.native() && u.version_code == native_code);
        let wgt_code = wgt.parse().unwrap_or(native_code);
        let running = all.iter().find(|u| u.kind == os.wgt() && u.version_code == wgt_code);
        index.decide(
            &program.id,
            &Phone {
                os,
                channel: &channel,
                native_code,
                native_version: named.map_or("", |u| &u.version),
                wgt_code,
                wgt_version: running.or(named).map_or("", |u| &u.version),
            },
        )
    });
    let answer = offer.map(|offer| {
        let mode = l.of("mode", offer.mode.as_str()).into_owned();
        (Shown::new(l, offer.update.clone(), String::new(), all), mode)
    });
    Question {
        asked: native_code.is_some(),
        native: if native.is_empty() { newest.map(|code| code.to_string()).unwrap_or_default() } else { native },
        wgt,
        channel,
        answer,
    }
}

#[derive(Template)]
#[template(path = "updates/show.html")]
struct UpdatePage {
    frame: Frame,
    program: Program,
    s: Shown,
    may_publish: bool,
    terms: Terms,
    errors: Errors,
    link: String,
    url: String,
    /// The address as an SVG picture.
    qr: String,
    /// Wgts that need this native build.
    needed_by: Vec<String>,
}

async fn update_page(
    app: &App,
    who: &SignedIn,
    (program, id): (&str, &str),
    base: &str,
    typed: Option<(Fields, Errors)>,
) -> Result<UpdatePage> {
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let program = updates::program(app, &who.user, program).await?;
    let listed = db::updates::find(&app.db, scope, id).await?.ok_or(Error::NotFound)?;
    if listed.update.program_id != program.id {
        return Err(Error::NotFound);
    }
    let all = db::updates::list_of_program(&app.db, scope, &program.id).await?;
    let u = &listed.update;
    let (values, errors) = typed.unwrap_or_else(|| (values_of(u), Errors::default()));
    let asks = if u.kind.is_wgt() { Asks::EditWgt } else { Asks::EditNative };
    let same_system: Vec<Update> = all.iter().filter(|other| other.kind.os() == u.kind.os()).cloned().collect();
    let url = url_of(u, base).unwrap_or_default();
    let link = values.get("link").cloned().unwrap_or_default();
    Ok(UpdatePage {
        frame: Frame::load(app, who, format!("{} {}", program.name, u.version)).await?,
        may_publish: may_publish(app, who, &program).await,
        terms: Terms::new(l, asks, "", values, &errors, &same_system),
        errors,
        link,
        qr: qr_of(&url),
        url,
        needed_by: all.iter().filter(|other| u.is_needed_by(other)).map(|other| other.version.clone()).collect(),
        s: Shown::new(l, listed.update, listed.created_by_name, &all),
        program,
    })
}

pub(super) fn values_of(u: &Update) -> Fields {
    let code = |code: Option<i64>| code.map(|code| code.to_string()).unwrap_or_default();
    [
        ("min_native", code(u.min_native)),
        ("max_native", code(u.max_native)),
        ("mode", u.mode.to_string()),
        ("channel", u.channel.clone()),
        ("changelog", u.changelog.clone()),
        ("remark", u.remark.clone()),
        ("link", u.link.clone().unwrap_or_default()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Black on white in both themes: that is what cameras read.
fn qr_of(url: &str) -> String {
    if url.is_empty() {
        return String::new();
    }
    let code = QrCode::new(url.as_bytes());
    code.map(|code| code.render::<svg::Color<'_>>().min_dimensions(192, 192).build()).unwrap_or_default()
}

pub(super) async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path((program, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    Ok(html(&update_page(&app, &who, (&program, &id), &base_url(&app, &headers), None).await?))
}

pub(super) async fn edit(
    State(app): State<App>,
    who: SignedIn,
    Path((program, id)): Path<(String, String)>,
    headers: HeaderMap,
    Form(form): Form<Fields>,
) -> Result<Response> {
    match updates::edit(&app, &who.user, &id, &form).await {
        Ok(update) => Ok(Redirect::to(&format!("/updates/{}/{id}", update.program_id)).into_response()),
        Err(error) => {
            let typed = Some((form, Errors::take(error)?));
            let page = update_page(&app, &who, (&program, &id), &base_url(&app, &headers), typed).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn set_enabled(
    State(app): State<App>,
    who: SignedIn,
    Path((program, id)): Path<(String, String)>,
    Form(form): Form<Fields>,
) -> Result<Redirect> {
    updates::set_enabled(&app, &who.user, &id, form.get("enabled").is_some_and(|value| value == "yes")).await?;
    Ok(Redirect::to(&format!("/updates/{program}/{id}")))
}

pub(super) async fn delete(
    State(app): State<App>,
    who: SignedIn,
    Path((_, id)): Path<(String, String)>,
) -> Result<Redirect> {
    let program = updates::delete(&app, &who.user, &id).await?;
    Ok(Redirect::to(&format!("/updates/{program}")))
}
