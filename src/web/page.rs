//! What every page has around it: navigation, who I am, language, theme.

use askama::Template;
use axum::response::{Html, IntoResponse, Response};

use super::session::SignedIn;
use crate::app::App;
use crate::clock::Ms;
use crate::db;
use crate::error::{Error, FieldError, Result};
use crate::lang::Lang;
use crate::model::release::Status;
use crate::model::user::{User, Verb};
use crate::platform::manifest::Produces;

pub(super) struct Frame {
    pub l: Lang,
    /// `auto`, `light` or `dark`.
    pub theme: &'static str,
    pub user: Option<User>,
    pub nav: Nav,
    pub count: Count,
    pub demo: bool,
    pub title: String,
    /// Where the language and theme switches lead back to.
    pub path: String,
    /// Of a program's page: the oldest release among its cards that are live.
    pub oldest: Option<String>,
    /// The server's time, for ages that do not trust the browser's clock.
    pub now: Ms,
}

/// Groups and programs with their states; live on every page.
#[derive(Template, Default)]
#[template(path = "_nav.html")]
pub(super) struct Nav {
    pub l: Lang,
    pub groups: Vec<NavGroup>,
    pub places: Vec<Place>,
}

/// A page of the whole instance.
pub(super) struct Place {
    pub path: &'static str,
    pub icon: &'static str,
    pub label: &'static str,
    pub here: bool,
}

/// Running and waiting releases; live on every page.
#[derive(Template, Default)]
#[template(path = "_count.html")]
pub(super) struct Count {
    pub l: Lang,
    pub active: usize,
}

pub(super) struct NavGroup {
    pub id: String,
    pub name: String,
    pub programs: Vec<NavProgram>,
}

pub(super) struct NavProgram {
    pub id: String,
    pub name: String,
    pub platform: String,
    /// State of the newest release.
    pub state: Option<Status>,
    pub here: bool,
}

impl Frame {
    /// For a signed-in person.
    pub(super) async fn load(app: &App, who: &SignedIn, title: impl Into<String>) -> Result<Self> {
        let (nav, count) = navigation(app, &who.user, who.visitor.lang, &who.visitor.path).await?;
        Ok(Self {
            l: who.visitor.lang,
            theme: who.visitor.theme,
            user: Some(who.user.clone()),
            nav,
            count,
            demo: app.config.demo_banner,
            title: title.into(),
            path: who.visitor.path.clone(),
            oldest: None,
            now: app.clock.now(),
        })
    }

    /// For nobody in particular: sign-in and errors.
    pub(super) fn bare(app: &App, l: Lang, theme: &'static str, title: String) -> Self {
        Self {
            l,
            theme,
            user: None,
            nav: Nav::default(),
            count: Count::default(),
            demo: app.config.demo_banner,
            title,
            path: "/".to_owned(),
            oldest: None,
            now: app.clock.now(),
        }
    }

    /// Where scripts and styles are.
    pub(super) fn assets(&self) -> &'static str {
        super::assets::base()
    }

    pub(super) fn may(&self, verb: Verb) -> bool {
        self.user.as_ref().is_some_and(|user| user.may(verb))
    }

    pub(super) fn may_edit(&self) -> bool {
        self.may(Verb::EditPrograms)
    }

    /// The switch goes round: system, light, dark.
    pub(super) fn next_theme(&self) -> &'static str {
        match self.theme {
            "auto" => "light",
            "light" => "dark",
            _ => "auto",
        }
    }

    pub(super) fn theme_key(&self) -> &'static str {
        match self.theme {
            "auto" => "frame.theme_auto",
            "light" => "frame.theme_light",
            _ => "frame.theme_dark",
        }
    }

    pub(super) fn theme_icon(&self) -> String {
        format!("theme-{}", self.theme)
    }
}

/// The live parts of the frame, for a page at `path`.
pub(super) async fn navigation(app: &App, user: &User, l: Lang, path: &str) -> Result<(Nav, Count)> {
    let scope = user.scope();
    let active = db::releases::list_active(&app.db, scope).await?;
    let latest = db::releases::list_latest(&app.db, scope).await?;
    // The first one wins: what runs before what ended, newest first.
    let newest = active.iter().chain(&latest).rev();
    let states: std::collections::HashMap<_, _> =
        newest.map(|item| (item.release.program_id.clone(), item.release.status)).collect();
    let mut groups: Vec<NavGroup> = db::programs::list_groups(&app.db, scope)
        .await?
        .into_iter()
        .map(|group| NavGroup { id: group.id, name: group.name, programs: vec![] })
        .collect();
    let mut updates = false;
    for program in db::programs::list(&app.db, scope).await? {
        updates |= app.platforms.get(&program.platform).is_some_and(|p| p.produces == Produces::Update);
        if let Some(group) = groups.iter_mut().find(|group| group.id == program.group_id) {
            group.programs.push(NavProgram {
                here: path.starts_with(&format!("/programs/{}", program.id)),
                state: states.get(&program.id).copied(),
                platform: program.platform,
                name: program.name,
                id: program.id,
            });
        }
    }
    let place =
        |path_of: &'static str, icon, label| Place { path: path_of, icon, label, here: path.starts_with(path_of) };
    let mut places = vec![];
    if updates {
        places.push(place("/updates", "updates", "updates.title"));
    }
    if user.may(Verb::Oversee) {
        places.extend([
            place("/tasks", "tasks", "tasks.title"),
            place("/users", "users", "users.title"),
            place("/robots", "key", "robots.title"),
            place("/audit", "audit", "audit.title"),
            place("/system", "system", "system.title"),
        ]);
    }
    Ok((Nav { l, groups, places }, Count { l, active: active.len() }))
}

impl NavProgram {
    pub(super) fn icon(&self) -> String {
        platform_icon(&self.platform)
    }
}

/// The glyph of a platform; one that the sprite does not hold shows the generic one.
pub(super) fn platform_icon(platform: &str) -> String {
    let id = format!("platform-{platform}");
    if super::assets::has_icon(&id) { id } else { "platform-generic".to_owned() }
}

/// Messages at their fields.
#[derive(Default)]
pub(super) struct Errors(Vec<FieldError>);

impl Errors {
    pub(super) fn of(&self, field: &str, lang: &Lang) -> String {
        self.0.iter().find(|error| error.field == field).map(|error| lang.text(&error.text)).unwrap_or_default()
    }

    /// The first field and its message, where there is room for one.
    pub(super) fn first(&self, lang: &Lang) -> (String, String) {
        self.0.first().map(|error| (error.field.clone(), lang.text(&error.text))).unwrap_or_default()
    }

    pub(super) fn any(&self) -> bool {
        !self.0.is_empty()
    }

    /// Field errors go back to their form; everything else is for the error page.
    pub(super) fn take(error: Error) -> Result<Self> {
        match error {
            Error::Invalid(fields) => Ok(Self(fields)),
            other => Err(other),
        }
    }
}

pub(super) fn html(page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => Html(text).into_response(),
        Err(error) => Error::Internal(error.into()).into_response(),
    }
}
