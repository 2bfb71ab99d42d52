//! `login` and `logout`: gets a token, or checks one that is given, and keeps it in the profile.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::answer::Failure;
use super::http::{Api, base};
use super::profile::{self, Profile, given};
use super::screen::{Screen, field};
use super::{Context, Usage};

/// Sign in to a server; its address and a token are kept in a file that only you can read.
#[derive(clap::Args)]
pub struct Login {
    /// Who you are; the password is asked for, or is a line of standard input. Not needed with --token
    #[arg(long, value_name = "NAME")]
    login: Option<String>,
}

/// Signs in with `--login`, else checks and keeps the token that is given.
pub(super) async fn login(context: &Context, screen: &mut Screen, asked: Login) -> anyhow::Result<ExitCode> {
    let url = match given(context.url.as_deref()) {
        Some(url) => base(url)?,
        // Once more to the same server; a file that cannot be read is about to be replaced.
        None => match profile::read(&context.profile).ok().flatten() {
            Some(saved) => saved.url,
            None => return Err(Usage("which server? give --url URL").into()),
        },
    };
    let ca = context.extra_ca.as_deref();
    let (token, issued_here) = match (asked.login, given(context.token.as_deref())) {
        (None, Some(token)) => (token.to_owned(), false),
        (login, _) => (sign_in(&Api::new(url.clone(), None, ca)?, login).await?, true),
    };
    let me = Api::new(url.clone(), Some(token.clone()), ca)?.get("/me").await?;
    let (login, role) = (field(&me, "login"), field(&me, "role"));
    if login.is_empty() {
        bail!("{url} does not answer like a Sampan server");
    }
    let profile = Profile { url, token, issued_here };
    profile::write(&context.profile, &profile)?;
    screen.line(&format!("signed in to {} as {login} ({role})", profile.url))?;
    Ok(ExitCode::SUCCESS)
}

/// Forgets the token here, and ends it on the server where `login` made it.
pub(super) async fn logout(context: &Context, screen: &mut Screen) -> anyhow::Result<ExitCode> {
    let Some(saved) = profile::read(&context.profile)? else {
        screen.line("not signed in")?;
        return Ok(ExitCode::SUCCESS);
    };
    let ended = if saved.issued_here { end(context, &saved).await } else { Ok(()) };
    profile::remove(&context.profile)?;
    ended
        .with_context(|| format!("signed out here, but the token may still be good: end it under {}/me", saved.url))?;
    screen.line(&format!("signed out of {}", saved.url))?;
    Ok(ExitCode::SUCCESS)
}

async fn end(context: &Context, saved: &Profile) -> anyhow::Result<()> {
    let api = Api::new(saved.url.clone(), Some(saved.token.clone()), context.extra_ca.as_deref())?;
    let me = match api.get("/me").await {
        // Over already.
        Err(Failure::Refused { status: 401, .. }) => return Ok(()),
        answer => answer?,
    };
    let id = me["token"]["id"].as_str().context("the server does not say which token this is")?;
    api.delete(&format!("/tokens/{id}")).await?;
    Ok(())
}

/// Name and password for a token.
async fn sign_in(api: &Api, login: Option<String>) -> anyhow::Result<String> {
    // Waiting for a person would hold up everything else.
    let (login, password) = tokio::task::spawn_blocking(move || ask(login)).await??;
    let body = json!({ "login": login, "password": password, "name": "sampan login" });
    let answer = api.post("/sign-in", &body).await?;
    let token = answer["token"].as_str().context("the server gave no token")?;
    Ok(token.to_owned())
}

/// From the terminal, the password without echo; else the password is a line of standard input.
fn ask(login: Option<String>) -> anyhow::Result<(String, String)> {
    let terminal = io::stdin().is_terminal();
    let login = match login {
        Some(login) => login,
        None if terminal => {
            eprint!("Login: ");
            io::stderr().flush()?;
            line()?
        }
        None => return Err(Usage("who are you? give --login NAME, or --token TOKEN").into()),
    };
    let password = if terminal { rpassword::prompt_password("Password: ")? } else { line()? };
    if password.is_empty() {
        bail!("no password");
    }
    Ok((login, password))
}

fn line() -> io::Result<String> {
    let mut text = String::new();
    io::stdin().read_line(&mut text)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
