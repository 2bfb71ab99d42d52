//! The client commands: they reach a server over HTTP like any other client, and must know nothing of its insides.

mod answer;
mod asked;
mod follow;
mod http;
mod log;
mod place;
mod profile;
mod programs;
mod qr;
mod release;
mod screen;
mod sign_in;
mod stages;
mod terms;
mod updates;
mod watch;

use std::path::PathBuf;
use std::process::ExitCode;

use self::http::Api;
use self::screen::Screen;

/// What people and scripts ask of a server from elsewhere.
#[derive(clap::Subcommand)]
pub enum Client {
    /// Sign in to a server; its address and a token are kept in a file that only you can read
    Login(sign_in::Login),
    /// Forget the server and the token; a token that `login` made is ended too
    Logout,
    /// The programs you may see
    Programs(programs::List),
    /// Build a branch, tag or commit and deliver it
    Release(Box<asked::Start>),
    /// Ask once more for what a release was asked for; of a preview, for a fresh QR code
    Retry(asked::Retry),
    /// Stop a release
    Cancel(asked::Cancel),
    /// Print the log of a release
    Log(log::Show),
    /// The updates of a program
    Updates(updates::List),
}

/// Where the client runs: what flags, variables and the terminal say, read by others.
pub struct Context {
    /// Address of the server; wins over the saved one.
    pub url: Option<String>,
    /// Token; wins over the saved one.
    pub token: Option<String>,
    /// Folder of the saved address and token; made when there is something to save.
    pub profile: PathBuf,
    /// Whether colours and moving lines are unwanted.
    pub no_color: bool,
    /// PEM file of certificate authorities to trust besides the system's.
    pub extra_ca: Option<PathBuf>,
}

/// Runs one command. Status 0: done; 1: a release that did not succeed; 2: used wrongly. An error is one of talking to
/// the server, or of this machine.
pub async fn run(client: Client, context: Context) -> anyhow::Result<ExitCode> {
    let mut screen = Screen::new(context.no_color);
    let done = dispatch(client, &context, &mut screen).await;
    // What went wrong below a line of progress is told on a line of its own.
    let _ = screen.settle();
    match done {
        Err(error) if error.is::<Usage>() => {
            eprintln!("sampan: {error}");
            Ok(ExitCode::from(2))
        }
        // Whoever reads the output has seen enough: `sampan log ID | head`.
        Err(error) if is_closed_pipe(&error) => Ok(ExitCode::SUCCESS),
        done => done,
    }
}

async fn dispatch(client: Client, context: &Context, screen: &mut Screen) -> anyhow::Result<ExitCode> {
    match client {
        Client::Login(asked) => sign_in::login(context, screen, asked).await,
        Client::Logout => sign_in::logout(context, screen).await,
        Client::Programs(asked) => programs::list(&connect(context)?, screen, &asked).await,
        Client::Release(asked) => release::start(&connect(context)?, screen, &asked).await,
        Client::Retry(asked) => release::retry(&connect(context)?, screen, &asked).await,
        Client::Cancel(asked) => release::cancel(&connect(context)?, screen, &asked).await,
        Client::Log(asked) => log::show(&connect(context)?, screen, &asked).await,
        Client::Updates(asked) => updates::list(&connect(context)?, screen, &asked).await,
    }
}

fn connect(context: &Context) -> anyhow::Result<Api> {
    let saved = profile::read(&context.profile)?;
    let (base, token) = profile::choose(context.url.as_deref(), context.token.as_deref(), saved)?;
    Api::new(base, Some(token), context.extra_ca.as_deref())
}

/// A mistake in the command that clap cannot see.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(&'static str);

fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

/// Reads a release's id as people give it: the id itself, or the address of its page.
fn release_id(text: &str) -> Result<String, String> {
    let id = text.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if is_id(id) { Ok(id.to_owned()) } else { Err("expected an id of 32 hex digits".to_owned()) }
}

fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command() -> clap::Command {
        <Client as clap::Subcommand>::augment_subcommands(clap::Command::new("sampan"))
    }

    #[test]
    fn commands_are_understood() {
        command().debug_assert();
        let id = "0193b1f0c0de7000800000000000abcd";
        for line in [
            "sampan login --login admin",
            "sampan logout",
            "sampan programs --json",
            "sampan release --program P --ref main --action preview --option a=1 --option b= --query x=1 --follow",
            "sampan release --program P --action publish --channel test --system android,ios --system harmony --json",
            &format!("sampan log https://sampan.example.com/releases/{id} --follow"),
            &format!("sampan retry {id} --without-lockfile"),
        ] {
            let understood = command().try_get_matches_from(line.split(' '));
            assert!(understood.is_ok(), "{line}: {understood:?}");
        }
        for line in [
            "sampan release --program P",
            "sampan release --program P --action fly",
            "sampan release --program P --action preview --option a",
            "sampan cancel ../me",
        ] {
            assert!(command().try_get_matches_from(line.split(' ')).is_err(), "{line}");
        }
    }

    #[test]
    fn ids_may_be_pasted_as_addresses() {
        let id = "0193b1f0c0de7000800000000000abcd";
        assert_eq!(release_id(id).as_deref(), Ok(id));
        assert_eq!(release_id(&format!("https://sampan.example.com/releases/{id}/")).as_deref(), Ok(id));
        assert!(release_id("0193").is_err() && release_id("").is_err());
    }
}
