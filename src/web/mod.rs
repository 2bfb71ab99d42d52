//! HTTP only: the whole URL table and its layers.

mod api;
mod assets;
mod audit;
mod compare;
mod dashboard;
mod error;
mod groups;
mod live;
mod me;
mod notices;
mod page;
mod phones;
mod program_form;
mod programs;
mod provider;
mod release_log;
mod releases;
mod repository;
mod session;
mod shown;
mod sign_in;
mod sizes;
mod system;
mod tasks;
mod terms;
mod update_form;
mod updates;
mod users;

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, NotForContentType, Predicate};
use tower_http::csrf::CsrfLayer;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::app::App;
use crate::db;
use crate::model::user::User;

pub use api::openapi;

/// Forms carry a key and a few texts.
const MAX_FORM: usize = 256 * 1024;

const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
    font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What our pages may do.
fn policy() -> HeaderValue {
    HeaderValue::from_static(CSP)
}

pub fn router(app: App) -> anyhow::Result<Router> {
    let pages = Router::new()
        .route("/", get(dashboard::home))
        .route("/live", get(dashboard::live))
        .route("/sign-in", get(sign_in::get).post(sign_in::post))
        .route("/sign-in/provider", get(provider::leave))
        .route("/sign-in/callback", get(provider::back))
        .route("/sign-up", get(sign_in::get_up).post(sign_in::post_up))
        .route("/sign-out", post(sign_in::out))
        .route("/preferences", post(me::preferences))
        .route("/me", get(me::get))
        .route("/me/profile", post(me::profile))
        .route("/me/password", get(me::password_page).post(me::password))
        .route("/me/sessions/delete", post(me::end_sessions))
        .route("/me/tokens", post(me::make_token))
        .route("/me/tokens/delete", post(me::delete_token))
        .route("/users", get(users::index).post(users::create))
        .route("/users/new", get(users::new))
        .route("/users/{id}", get(users::show).post(users::update))
        .route("/users/{id}/password", post(users::reset))
        .route("/users/{id}/delete", post(users::delete))
        .route("/groups/new", get(groups::new))
        .route("/groups", post(groups::create))
        .route("/groups/{id}/edit", get(groups::edit).post(groups::update))
        .route("/groups/{id}/delete", post(groups::delete))
        .route("/groups/{id}/members", post(groups::set_member))
        .route("/groups/{id}/members/{user}/delete", post(groups::remove_member))
        .route("/programs/new", get(program_form::new))
        .route("/programs", post(program_form::create))
        .route("/programs/{id}", get(programs::show))
        .route("/programs/{id}/sizes", get(sizes::show))
        .route("/programs/{id}/compare", get(compare::show))
        .route("/programs/{id}/edit", get(program_form::edit).post(program_form::update))
        .route("/programs/inspect", post(repository::inspect))
        .route("/programs/{id}/refs", get(repository::refs))
        .route("/programs/{id}/repository-credential/delete", post(repository::remove_login))
        .route("/programs/{id}/known-host/delete", post(repository::forget_host))
        .route("/programs/{id}/robots/delete", post(repository::free_robot))
        .route("/programs/{id}/archive", post(program_form::archive))
        .route("/programs/{id}/credential", post(program_form::credential))
        .route("/programs/{id}/releases", post(releases::create))
        .route("/releases/{id}", get(releases::show))
        .route("/releases/{id}/qr", get(releases::qr))
        .route("/releases/{id}/cancel", post(releases::cancel))
        .route("/releases/{id}/retry", post(releases::retry))
        .route("/releases/{id}/confirm", post(releases::confirm))
        .route("/releases/{id}/delete", post(releases::delete))
        .route("/releases/{id}/remark", post(releases::remark))
        .route("/updates", get(updates::index))
        .route(
            "/updates/{program}",
            // A package has a limit of its own, watched while it is read.
            get(updates::catalogue).post(update_form::create).layer(DefaultBodyLimit::disable()),
        )
        .route("/updates/{program}/new", get(update_form::new))
        .route("/updates/{program}/{id}", get(updates::show).post(updates::edit))
        .route("/updates/{program}/{id}/enabled", post(updates::set_enabled))
        .route("/updates/{program}/{id}/delete", post(updates::delete))
        .route("/tasks", get(tasks::tasks))
        .route("/robots", get(tasks::robots))
        .route("/audit", get(audit::index))
        .route("/audit/export.csv", get(audit::export))
        .route("/system", get(system::show))
        .route("/system/kept/delete", post(system::clear))
        .route("/releases/{id}/log.txt", get(release_log::text))
        .route("/releases/{id}/log/chunks", get(release_log::chunks))
        .route("/releases/{id}/log/search", get(release_log::search))
        .route("/releases/{id}/live", get(release_log::live))
        .layer(session::layer(&app)?)
        .layer(DefaultBodyLimit::max(MAX_FORM));

    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    let pages = pages
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/static/{*path}", get(assets::file))
        .layer(axum::middleware::from_fn_with_state(app.clone(), error::pages))
        .layer(CsrfLayer::new())
        .layer(header(header::CONTENT_SECURITY_POLICY, CSP))
        .layer(header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(header::REFERRER_POLICY, "same-origin"))
        .layer(header(header::X_FRAME_OPTIONS, "DENY"))
        .layer(header(header::CACHE_CONTROL, "no-store"))
        .layer(
            CompressionLayer::new()
                .compress_when(DefaultPredicate::new().and(NotForContentType::const_new(release_log::PACKED))),
        )
        .layer(CatchPanicLayer::new());
    let api = api::router(&app);
    // Neither has cookies: sessions and cross-site checks are not for them. Phones also ask for parts of files, so that
    // nothing is compressed for them.
    Ok(phones::router().merge(api.layer(CompressionLayer::new())).merge(pages).with_state(app))
}

async fn ready(State(app): State<App>) -> Response {
    match app.db.ping().await {
        Ok(()) => "ready\n".into_response(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n").into_response()
        }
    }
}

/// What people and programs may look up of a release; 404 for all that is not theirs to see.
async fn find_release(app: &App, user: &User, id: &str) -> crate::error::Result<db::releases::Listed> {
    db::releases::find(&app.db, user.scope(), id).await?.ok_or(crate::error::Error::NotFound)
}

/// The same of one program.
async fn find_release_of(
    app: &App,
    user: &User,
    program: &str,
    id: &str,
) -> crate::error::Result<db::releases::Listed> {
    let found = find_release(app, user, id).await?;
    if found.release.program_id == program { Ok(found) } else { Err(crate::error::Error::NotFound) }
}
