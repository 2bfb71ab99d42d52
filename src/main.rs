//! The commands.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use sampan::app::App;
use sampan::cli::{self, Client};
use sampan::config::{self, Config, Settings};
use sampan::model::token::TokenScope;
use sampan::model::user::Role;
use sampan::ops::accounts;
use sampan::runner::Runner;
use tokio_util::sync::CancellationToken;

/// Ships mini-programs: one click turns a branch into a build a tester can scan.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    server: Remote,
    #[command(subcommand)]
    command: Command,
}

/// Which server the client commands speak to.
#[derive(Args)]
struct Remote {
    /// Address of the server [default: as `sampan login` saved it]
    #[arg(long, global = true, env = "SAMPAN_URL", help_heading = "Of the client commands")]
    url: Option<String>,
    /// Token [default: as `sampan login` saved it]
    #[arg(long, global = true, env = "SAMPAN_TOKEN", hide_env_values = true, help_heading = "Of the client commands")]
    token: Option<String>,
    /// PEM file of certificate authorities to trust besides the system's
    #[arg(long = "ca-file", global = true, value_name = "FILE", help_heading = "Of the client commands")]
    ca_file: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Pages and runner in one process
    Serve(Settings),
    /// Bring the database up to date and stop
    Migrate(Settings),
    /// Say what is missing on this machine, and how to get it
    Doctor(Settings),
    /// The container images that builds run in
    Images(Images),
    /// Accounts, for whoever may run commands on this server
    Admin(Admin),
    /// Serve, publish what a seed file lists, print the receipts
    Demo(Demo),
    #[command(flatten)]
    Client(Client),
}

#[derive(Args)]
struct Images {
    #[command(subcommand)]
    command: ImagesCommand,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum ImagesCommand {
    /// Those that are there, and those that are needed and missing
    List,
    /// Build one more, for programs that want it: `images add node 16`
    Add {
        kind: Addable,
        /// Major version
        version: u32,
    },
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Addable {
    Node,
}

#[derive(Args)]
struct Admin {
    #[command(subcommand)]
    command: AdminCommand,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Add an account; prints its password once
    Create {
        login: String,
        #[arg(long, default_value = "")]
        name: String,
        /// viewer, publisher or admin
        #[arg(long, default_value = "publisher")]
        role: Role,
    },
    /// Give an account a new password and end its sessions
    ResetPassword { login: String },
    /// Make a token for an account; prints it once
    Token {
        login: String,
        #[arg(long, default_value = "CLI")]
        name: String,
        /// read, publish or admin
        #[arg(long, default_value = "publish")]
        scope: TokenScope,
        /// Days until it ends [default: it does not]
        #[arg(long)]
        days: Option<i64>,
    },
}

#[derive(Args)]
struct Demo {
    /// TOML file with a group and its programs
    #[arg(long)]
    seed: PathBuf,
    /// Stop after the receipts; the status tells whether every release succeeded
    #[arg(long)]
    exit: bool,
    #[command(flatten)]
    settings: Settings,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let filter = tracing_subscriber::EnvFilter::try_from_env("SAMPAN_LOG")
        .unwrap_or_else(|_| "info,apalis=warn,sqlx=warn".into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&error.into()),
    };
    match runtime.block_on(run(cli.command, cli.server)) {
        Ok(status) => status,
        Err(error) => fail(&error),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("sampan: {error:#}");
    ExitCode::FAILURE
}

async fn run(command: Command, server: Remote) -> anyhow::Result<ExitCode> {
    match command {
        Command::Serve(settings) => serve(Config::load(settings)?).await,
        Command::Migrate(settings) => App::boot(Config::load(settings)?).await.map(|_| ExitCode::SUCCESS),
        Command::Doctor(settings) => sampan::doctor::run(&Config::load(settings)?).await,
        Command::Images(images) => {
            let config = Config::load(images.settings)?;
            match images.command {
                ImagesCommand::List => sampan::images::list(&config).await,
                ImagesCommand::Add { kind: Addable::Node, version } => sampan::images::add_node(&config, version).await,
            }
        }
        Command::Admin(admin) => administer(admin).await,
        Command::Demo(demo) => {
            sampan::demo::run(start(Config::load(demo.settings)?).await?, &demo.seed, demo.exit).await
        }
        Command::Client(client) => {
            let context = cli::Context {
                url: server.url,
                token: server.token,
                profile: config::profile_dir(),
                no_color: config::no_color(),
                extra_ca: server.ca_file,
            };
            cli::run(client, context).await
        }
    }
}

async fn serve(config: Config) -> anyhow::Result<ExitCode> {
    let server = start(config).await?;
    server.until_stopped().await?;
    Ok(ExitCode::SUCCESS)
}

async fn start(config: Config) -> anyhow::Result<sampan::serve::Server> {
    sampan::git::init(config.extra_ca_file.as_deref())?;
    let app = App::boot(config).await?;
    if let Some(password) = accounts::first_owner(&app).await.map_err(|e| anyhow::anyhow!("{e}"))? {
        println!("first sign-in: admin / {password}   (shown only now; change it under /me)");
    }
    let shutdown = CancellationToken::new();
    let runner = Runner::new(app.clone(), shutdown.clone()).await?;
    sampan::serve::Server::start(app, runner, shutdown).await.context("cannot serve")
}

async fn administer(admin: Admin) -> anyhow::Result<ExitCode> {
    let app = App::boot(Config::load(admin.settings)?).await?;
    let done = match admin.command {
        AdminCommand::Create { login, name, role } => {
            let name = if name.is_empty() { login.clone() } else { name };
            accounts::create_from_server(&app, &login, &name, role).await.map(|(user, password)| (user.login, password))
        }
        AdminCommand::ResetPassword { login } => {
            accounts::reset_password(&app, &login).await.map(|password| (login, password))
        }
        AdminCommand::Token { login, name, scope, days } => {
            let made = accounts::token_from_server(&app, &login, &name, scope, days).await;
            println!("{}", made.map_err(|error| anyhow::anyhow!("{error}"))?);
            return Ok(ExitCode::SUCCESS);
        }
    };
    let (login, password) = done.map_err(|error| anyhow::anyhow!("{error}"))?;
    println!("{login} / {password}");
    Ok(ExitCode::SUCCESS)
}
