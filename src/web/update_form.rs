//! `/updates/{program}/new`: an update by hand. The bytes go to the store as they come; what was sent is not lost by a mistake.

use askama::Template;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use futures::StreamExt;

use super::page::{Errors, Frame, html};
use super::session::SignedIn;
use super::terms::{Asks, Terms};
use crate::app::App;
use crate::db;
use crate::error::{Error, Result, Text};
use crate::lang::bytes;
use crate::model::program::Program;
use crate::model::update::{Kind, Os};
use crate::ops::programs::Form as Fields;
use crate::ops::updates;
use crate::store::{Refused, Staged};

/// Of one field that is not the file.
const MAX_TEXT: usize = 64 * 1024;
const MAX_FIELDS: usize = 64;

#[derive(Template)]
#[template(path = "updates/new.html")]
struct NewPage {
    frame: Frame,
    program: Program,
    kinds: Vec<(Kind, String, String)>,
    kind: Kind,
    values: Fields,
    errors: Errors,
    terms: Terms,
    limit: String,
    limit_bytes: u64,
    /// What was sent before and waits.
    staged: Option<(String, String)>,
    has_natives: bool,
}

impl NewPage {
    fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    fn is_wgt(&self) -> bool {
        self.kind.is_wgt()
    }

    fn takes_file(&self) -> bool {
        self.kind.extension().is_some()
    }

    fn accept(&self) -> String {
        self.kind.extension().map(|extension| format!(".{extension}")).unwrap_or_default()
    }
}

async fn page(
    app: &App,
    who: &SignedIn,
    id: &str,
    values: Fields,
    errors: Errors,
    staged: Option<(String, String)>,
) -> Result<NewPage> {
    let l = who.visitor.lang;
    let program = updates::program_to_publish(app, &who.user, id).await?;
    let all = db::updates::list_of_program(&app.db, who.user.scope(), id).await?;
    // Before a wgt there must be a native build to run it on.
    let first = if all.is_empty() { Kind::Android } else { Kind::WgtAndroid };
    let kind = values.get("kind").and_then(|kind| kind.parse().ok()).unwrap_or(first);
    let of_system: Vec<_> = all.into_iter().filter(|u| u.kind.os() == kind.os()).collect();
    let shown = |kind: Kind| {
        let word = l.t(if kind.is_wgt() { "updates.wgt" } else { "updates.native" }).into_owned();
        (kind, l.of("os", kind.os().as_str()).into_owned(), word)
    };
    let asks = if kind.is_wgt() { Asks::Upload } else { Asks::UploadNative };
    Ok(NewPage {
        frame: Frame::load(app, who, l.t("updates.add")).await?,
        kinds: Os::ALL.iter().map(|os| os.wgt()).chain(Os::ALL.iter().map(|os| os.native())).map(shown).collect(),
        terms: Terms::new(l, asks, "", values.clone(), &errors, &of_system),
        limit: bytes(app.config.package_limit as i64),
        limit_bytes: app.config.package_limit,
        has_natives: of_system.iter().any(|u| !u.kind.is_wgt()),
        program,
        kind,
        values,
        errors,
        staged,
    })
}

pub(super) async fn new(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(values): Query<Fields>,
) -> Result<Response> {
    Ok(html(&page(&app, &who, &id, values, Errors::default(), None).await?))
}

/// What a form brought.
#[derive(Default)]
pub(super) struct Sent {
    pub fields: Fields,
    pub staged: Option<Staged>,
    name: String,
    pub problem: Option<Text>,
}

pub(super) async fn create(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    form: Multipart,
) -> Result<Response> {
    // Before anything is taken in.
    updates::program_to_publish(&app, &who.user, &id).await?;
    let mut sent = receive(&app, form).await?;
    if sent.staged.is_none()
        && let Some(earlier) = sent.fields.get("staged").filter(|id| !id.is_empty())
    {
        sent.staged = app.store.staged(earlier).await.unwrap_or_default();
        sent.name = sent.fields.get("staged_name").cloned().unwrap_or_default();
    }
    let added = match sent.problem {
        Some(text) => Err(Error::invalid("file", text)),
        None => updates::add(&app, &who.user, &id, &sent.fields, sent.staged.as_ref()).await,
    };
    match added {
        Ok(update) => Ok(Redirect::to(&format!("/updates/{id}/{}", update.id)).into_response()),
        Err(error) => {
            let errors = Errors::take(error)?;
            let bad_file = !errors.of("file", &who.visitor.lang).is_empty();
            if let Some(staged) = sent.staged.as_ref().filter(|_| bad_file) {
                app.store.drop_staged(staged).await;
            }
            let kept = sent.staged.filter(|_| !bad_file).map(|staged| {
                let size = bytes(staged.bytes as i64);
                (staged.id, format!("{} · {size}", shown(&sent.name)))
            });
            sent.fields.insert("staged_name".to_owned(), shown(&sent.name));
            let page = page(&app, &who, &id, sent.fields, errors, kept).await?;
            Ok((StatusCode::UNPROCESSABLE_ENTITY, html(&page)).into_response())
        }
    }
}

pub(super) async fn receive(app: &App, mut form: Multipart) -> Result<Sent> {
    let unreadable = |_| Error::invalid("file", Text::new("errors.upload"));
    let mut sent = Sent::default();
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        let name = field.name().unwrap_or_default().to_owned();
        if name == "file" {
            let file_name = field.file_name().unwrap_or_default().to_owned();
            take_file(app, field, file_name, &mut sent).await?;
        } else if sent.fields.len() < MAX_FIELDS {
            sent.fields.insert(name, take_text(field).await?);
        }
    }
    Ok(sent)
}

async fn take_text(mut field: Field<'_>) -> Result<String> {
    let mut text = Vec::new();
    while let Some(piece) = field.next().await {
        text.extend(piece.map_err(|_| Error::invalid("file", Text::new("errors.upload")))?);
        if text.len() > MAX_TEXT {
            return Err(Error::invalid("changelog", Text::new("errors.too_long")));
        }
    }
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// An empty file field is no file. What is too large is read to its end all the same, or a browser would show a broken
/// connection instead of the reason.
async fn take_file(app: &App, mut field: Field<'_>, name: String, sent: &mut Sent) -> Result<()> {
    if name.is_empty() {
        return Ok(());
    }
    let limit = app.config.package_limit;
    match app.store.stage(field.by_ref(), limit).await {
        Ok(staged) if staged.bytes == 0 => app.store.drop_staged(&staged).await,
        Ok(staged) => (sent.staged, sent.name) = (Some(staged), name),
        Err(Refused::TooLarge) => {
            let mut rest = 0;
            while let Some(Ok(piece)) = field.next().await {
                rest += piece.len() as u64;
                if rest > 4 * limit {
                    break;
                }
            }
            let megabytes = (limit / 1024 / 1024).to_string();
            sent.problem = Some(Text::new("failures.package_too_large").arg("1", megabytes));
        }
        Err(Refused::Failed(error)) => {
            tracing::info!(error = format!("{error:#}"), "an upload broke off");
            sent.problem = Some(Text::new("errors.upload"));
        }
    }
    Ok(())
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(120).collect()
}
