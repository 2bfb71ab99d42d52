//! Every setting, its default and its variable. Nothing else reads the environment.

use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde::Deserialize;

use crate::clock::{HOUR, Ms};

/// As given: variables and flags win over the file named by `SAMPAN_CONFIG`.
#[derive(Debug, Clone, Default, clap::Args, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Address to listen on [default: 127.0.0.1:8088]
    #[arg(long, env = "SAMPAN_LISTEN")]
    pub listen: Option<SocketAddr>,
    /// The address people type, such as `https://sampan.example.com`; with https, cookies are marked secure
    #[arg(long, env = "SAMPAN_PUBLIC_URL")]
    pub public_url: Option<String>,
    /// Database, mirrors, workspaces and objects [default: ./data]
    #[arg(long, env = "SAMPAN_DATA_DIR")]
    pub data_dir: Option<PathBuf>,
    /// postgres://… or sqlite://… [default: SQLite in the data directory]
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<String>,
    /// File with the master key [default: made on first start in the data directory, mode 0600]
    #[arg(long, env = "SAMPAN_MASTER_KEY_FILE")]
    pub master_key_file: Option<PathBuf>,
    /// The master key itself, 64 hex digits; wins over the file
    #[arg(long, env = "SAMPAN_MASTER_KEY", hide_env_values = true)]
    pub master_key: Option<String>,
    /// Socket of Docker or Podman, unix://… [default: the first usual socket that answers]
    #[arg(long, env = "DOCKER_HOST")]
    pub docker_host: Option<String>,
    /// Releases that run at the same time [default: 2]
    #[arg(long, env = "SAMPAN_RUNNER_SLOTS")]
    pub runner_slots: Option<usize>,
    /// Time zone of proposed versions [default: Asia/Shanghai]
    #[arg(long, env = "SAMPAN_TZ")]
    pub tz: Option<String>,
    /// name=address,… for the containers that talk to vendors
    #[arg(long, env = "SAMPAN_EXTRA_HOSTS")]
    pub extra_hosts: Option<String>,
    /// PEM file of certificate authorities to trust besides the system's, here and in containers
    #[arg(long, env = "SAMPAN_EXTRA_CA_FILE")]
    pub extra_ca_file: Option<PathBuf>,
    /// npm registry for installs [default: the package managers' own]
    #[arg(long, env = "SAMPAN_NPM_REGISTRY")]
    pub npm_registry: Option<String>,
    /// Password of the first owner, on the first start only [default: generated and printed once]
    #[arg(long, env = "SAMPAN_ADMIN_PASSWORD", hide_env_values = true)]
    pub admin_password: Option<String>,
    /// Memory of a build or vendor container, MB [default: 2048]
    #[arg(long, env = "SAMPAN_CONTAINER_MEMORY_MB")]
    pub container_memory_mb: Option<i64>,
    /// Processors of one container [default: 2]
    #[arg(long, env = "SAMPAN_CONTAINER_CPUS")]
    pub container_cpus: Option<f64>,
    /// Longest time of one stage, minutes [default: 30]
    #[arg(long, env = "SAMPAN_STAGE_TIMEOUT_MINUTES")]
    pub stage_timeout_minutes: Option<u64>,
    /// Longest silence of a container, minutes [default: 10]
    #[arg(long, env = "SAMPAN_NO_OUTPUT_TIMEOUT_MINUTES")]
    pub no_output_timeout_minutes: Option<u64>,
    /// Disk of one release: checkout, dependencies, output, MB [default: 10240]
    #[arg(long, env = "SAMPAN_WORKSPACE_LIMIT_MB")]
    pub workspace_limit_mb: Option<u64>,
    /// Free disk below which no release starts, MB [default: 1024]
    #[arg(long, env = "SAMPAN_DISK_FLOOR_MB")]
    pub disk_floor_mb: Option<u64>,
    /// Largest repository: bytes of one fetch, and of one commit's files, MB [default: 2048]
    #[arg(long, env = "SAMPAN_GIT_LIMIT_MB")]
    pub git_limit_mb: Option<u64>,
    /// Longest time of one clone or fetch, minutes [default: 15]
    #[arg(long, env = "SAMPAN_GIT_TIMEOUT_MINUTES")]
    pub git_timeout_minutes: Option<u64>,
    /// Room for installed dependencies and build caches kept between releases, MB; 0 keeps none [default: 20480]
    #[arg(long, env = "SAMPAN_SNAPSHOT_LIMIT_MB")]
    pub snapshot_limit_mb: Option<u64>,
    /// Log text kept per release before the middle is dropped, MB [default: 256]
    #[arg(long, env = "SAMPAN_LOG_LIMIT_MB")]
    pub log_limit_mb: Option<u64>,
    /// redis://… for sessions and sign-in throttling [default: in the database and in this process]
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    pub redis_url: Option<String>,
    /// Let people make an account of their own, always as viewers
    #[arg(long, env = "SAMPAN_SELF_REGISTRATION", default_missing_value = "true", num_args = 0..=1)]
    pub self_registration: Option<bool>,
    /// Hours without a request after which a session ends [default: 168]
    #[arg(long, env = "SAMPAN_SESSION_IDLE_HOURS")]
    pub session_idle_hours: Option<i64>,
    /// Hours after which a session ends whatever happens [default: 720]
    #[arg(long, env = "SAMPAN_SESSION_MAX_HOURS")]
    pub session_max_hours: Option<i64>,
    /// Addresses or networks of proxies whose X-Forwarded-For is believed, with commas between
    #[arg(long, env = "SAMPAN_TRUSTED_PROXIES")]
    pub trusted_proxies: Option<String>,
    /// Issuer of an OpenID provider people may sign in with, such as `https://id.example.com`
    #[arg(long, env = "SAMPAN_OIDC_ISSUER")]
    pub oidc_issuer: Option<String>,
    /// What the provider calls this server
    #[arg(long, env = "SAMPAN_OIDC_CLIENT_ID")]
    pub oidc_client_id: Option<String>,
    #[arg(long, env = "SAMPAN_OIDC_CLIENT_SECRET", hide_env_values = true)]
    pub oidc_client_secret: Option<String>,
    /// What the button says [default: the issuer's host]
    #[arg(long, env = "SAMPAN_OIDC_NAME")]
    pub oidc_name: Option<String>,
    /// Claim that names the role: viewer, publisher or admin, or a list with one of them [default: sampan_role]
    #[arg(long, env = "SAMPAN_OIDC_ROLE_CLAIM")]
    pub oidc_role_claim: Option<String>,
    /// claim value=role,… where the provider has names of its own
    #[arg(long, env = "SAMPAN_OIDC_ROLES")]
    pub oidc_roles: Option<String>,
    /// Whether the API's description and its pages are served [default: true]
    #[arg(long, env = "SAMPAN_API_DOCS")]
    pub api_docs: Option<bool>,
    /// Days that the audit log is kept [default: 730]
    #[arg(long, env = "SAMPAN_AUDIT_DAYS")]
    pub audit_days: Option<i64>,
    /// Largest package that phones install: wgt or apk, MB [default: 400]
    #[arg(long, env = "SAMPAN_PACKAGE_LIMIT_MB")]
    pub package_limit_mb: Option<u64>,
    /// Folder of more platforms: `<id>/platform.toml` in it
    #[arg(long, env = "SAMPAN_PLATFORMS_DIR")]
    pub platforms_dir: Option<PathBuf>,
    /// Says on every page that the vendors' servers are played by a local stand-in
    #[arg(long, env = "SAMPAN_DEMO_BANNER", default_missing_value = "true", num_args = 0..=1)]
    pub demo_banner: Option<bool>,
}

/// With defaults filled in and values checked.
#[derive(Debug, Clone)]
pub struct Config {
    pub listen: SocketAddr,
    pub public_url: Option<String>,
    pub data_dir: PathBuf,
    pub database_url: String,
    pub master_key: Option<String>,
    pub master_key_file: PathBuf,
    /// Paths where an engine may listen, best first.
    pub engine_sockets: Vec<String>,
    pub runner_slots: usize,
    pub tz: String,
    pub extra_hosts: Vec<String>,
    pub extra_ca_file: Option<PathBuf>,
    pub npm_registry: Option<String>,
    pub admin_password: Option<String>,
    pub container: ContainerLimits,
    pub log_limit: u64,
    pub git: GitLimits,
    pub snapshot_limit: u64,
    pub disk_floor: u64,
    /// Bytes of one package that phones install.
    pub package_limit: u64,
    pub platforms_dir: Option<PathBuf>,
    pub redis_url: Option<String>,
    pub self_registration: bool,
    pub sessions: SessionLimits,
    pub trusted_proxies: Vec<ipnet::IpNet>,
    pub oidc: Option<Oidc>,
    pub api_docs: bool,
    pub audit_days: i64,
    pub demo_banner: bool,
}

/// How long somebody stays signed in.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    pub idle: Ms,
    pub max: Ms,
}

/// An OpenID provider that people may sign in with.
#[derive(Debug, Clone)]
pub struct Oidc {
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub name: String,
    pub role_claim: String,
    /// Claim value → role.
    pub roles: Vec<(String, String)>,
}

/// How much a repository may cost.
#[derive(Debug, Clone, Copy)]
pub struct GitLimits {
    /// Of one fetch, and of one commit's files.
    pub bytes: u64,
    pub time: std::time::Duration,
}

#[derive(Debug, Clone)]
pub struct ContainerLimits {
    pub memory: i64,
    pub cpus: f64,
    pub stage_timeout: std::time::Duration,
    pub no_output_timeout: std::time::Duration,
    /// Bytes on disk of one release's workspace.
    pub workspace: u64,
}

macro_rules! first_of {
    ($given:ident, $file:ident; $($field:ident),+ $(,)?) => {
        Settings { $($field: $given.$field.or($file.$field)),+ }
    };
}

impl Config {
    #[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
    /// Reads the file named by `SAMPAN_CONFIG`, lets `given` win, fills in defaults, checks.
    pub fn load(given: Settings) -> anyhow::Result<Self> {
        let file = match std::env::var_os("SAMPAN_CONFIG") {
            Some(path) => {
                let text =
                    std::fs::read_to_string(&path).with_context(|| format!("SAMPAN_CONFIG: {}", path.display()))?;
                toml::from_str(&text).with_context(|| format!("SAMPAN_CONFIG: {}", path.display()))?
            }
            None => Settings::default(),
        };
        Self::from_settings(first_of!(given, file; listen, public_url, data_dir, database_url, master_key_file,
            master_key, docker_host, runner_slots, tz, extra_hosts, extra_ca_file, npm_registry, admin_password,
            container_memory_mb, container_cpus, stage_timeout_minutes, no_output_timeout_minutes, log_limit_mb,
            workspace_limit_mb, disk_floor_mb, git_limit_mb, git_timeout_minutes, snapshot_limit_mb, package_limit_mb,
            platforms_dir, redis_url, self_registration, session_idle_hours, session_max_hours, trusted_proxies,
            oidc_issuer, oidc_client_id, oidc_client_secret, oidc_name, oidc_role_claim, oidc_roles, api_docs, audit_days,
            demo_banner))
    }

    pub fn from_settings(s: Settings) -> anyhow::Result<Self> {
        let oidc = oidc(&s)?;
        let data_dir = std::path::absolute(s.data_dir.unwrap_or_else(|| "data".into()))?;
        let tz = s.tz.unwrap_or_else(|| "Asia/Shanghai".into());
        jiff::tz::TimeZone::get(&tz).with_context(|| format!("SAMPAN_TZ: unknown time zone {tz}"))?;
        let minutes =
            |given: Option<u64>, default| std::time::Duration::from_secs(60 * given.unwrap_or(default).max(1));
        let memory_mb = s.container_memory_mb.unwrap_or(2048);
        anyhow::ensure!(memory_mb >= 512, "SAMPAN_CONTAINER_MEMORY_MB: the vendors' tools need at least 512");
        if oidc.is_some() && s.public_url.is_none() {
            anyhow::bail!("SAMPAN_OIDC_ISSUER needs SAMPAN_PUBLIC_URL: the provider sends people back there");
        }
        Ok(Self {
            oidc,
            redis_url: s.redis_url,
            self_registration: s.self_registration.unwrap_or(false),
            sessions: SessionLimits {
                idle: s.session_idle_hours.unwrap_or(7 * 24).max(1) * HOUR,
                max: s.session_max_hours.unwrap_or(30 * 24).max(1) * HOUR,
            },
            trusted_proxies: parse_networks(s.trusted_proxies.as_deref().unwrap_or_default())?,
            api_docs: s.api_docs.unwrap_or(true),
            audit_days: s.audit_days.unwrap_or(730).max(1),
            listen: s.listen.unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8088))),
            public_url: s.public_url.map(|url| url.trim_end_matches('/').to_owned()),
            database_url: s
                .database_url
                .unwrap_or_else(|| format!("sqlite://{}", data_dir.join("sampan.db").display())),
            master_key: s.master_key,
            master_key_file: s.master_key_file.unwrap_or_else(|| data_dir.join("master.key")),
            engine_sockets: engine_sockets(s.docker_host),
            runner_slots: s.runner_slots.unwrap_or(2).max(1),
            tz,
            extra_hosts: parse_hosts(s.extra_hosts.as_deref().unwrap_or_default())?,
            extra_ca_file: s.extra_ca_file,
            npm_registry: s.npm_registry,
            admin_password: s.admin_password,
            container: ContainerLimits {
                memory: memory_mb * 1024 * 1024,
                cpus: s.container_cpus.unwrap_or(2.0),
                stage_timeout: minutes(s.stage_timeout_minutes, 30),
                no_output_timeout: minutes(s.no_output_timeout_minutes, 10),
                workspace: s.workspace_limit_mb.unwrap_or(10 * 1024) * 1024 * 1024,
            },
            log_limit: s.log_limit_mb.unwrap_or(256) * 1024 * 1024,
            git: GitLimits {
                bytes: s.git_limit_mb.unwrap_or(2048).max(1) * 1024 * 1024,
                time: minutes(s.git_timeout_minutes, 15),
            },
            disk_floor: s.disk_floor_mb.unwrap_or(1024) * 1024 * 1024,
            snapshot_limit: s.snapshot_limit_mb.unwrap_or(20 * 1024) * 1024 * 1024,
            package_limit: s.package_limit_mb.unwrap_or(400).max(1) * 1024 * 1024,
            platforms_dir: s.platforms_dir,
            demo_banner: s.demo_banner.unwrap_or(false),
            data_dir,
        })
    }

    /// Rows, objects and the master key are nobody else's business on this machine.
    pub fn make_data_dir(&self) -> anyhow::Result<()> {
        let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.data_dir);
        made.with_context(|| format!("cannot make {}", self.data_dir.display()))
    }

    pub fn secure_cookies(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    pub fn snapshot_dir(&self) -> PathBuf {
        self.data_dir.join("snapshots")
    }

    pub fn work_dir(&self) -> PathBuf {
        self.data_dir.join("work")
    }

    pub fn mirror_dir(&self) -> PathBuf {
        self.data_dir.join("mirrors")
    }

    /// Where secrets wait for a container: memory, not disk, wherever there is some.
    pub fn secret_dir(&self, instance: &str) -> PathBuf {
        let shm = Path::new("/dev/shm");
        if shm.is_dir() { shm.join(format!("sampan-{instance}")) } else { self.data_dir.join("secrets") }
    }
}

/// The given socket alone, else the usual ones that exist.
#[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
fn engine_sockets(given: Option<String>) -> Vec<String> {
    if let Some(host) = given {
        return vec![host.trim_start_matches("unix://").to_owned()];
    }
    let runtime = std::env::var("XDG_RUNTIME_DIR").unwrap_or_default();
    let usual = [
        "/var/run/docker.sock".to_owned(),
        format!("{runtime}/podman/podman.sock"),
        "/run/podman/podman.sock".to_owned(),
    ];
    usual.into_iter().filter(|path| Path::new(path).exists()).collect()
}

/// Where a person's own settings lie: the address and token of the command line's server.
#[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
pub fn profile_dir() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = set("XDG_CONFIG_HOME").or_else(|| set("HOME").map(|home| home.join(".config")));
    base.unwrap_or_else(|| ".".into()).join("sampan")
}

/// Whether the terminal is to stay without colours, whatever the value: <https://no-color.org>.
#[expect(clippy::disallowed_methods, reason = "this is the room that reads the environment")]
pub fn no_color() -> bool {
    std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
}

/// All three, or none.
fn oidc(s: &Settings) -> anyhow::Result<Option<Oidc>> {
    let (issuer, client_id, client_secret) = match (&s.oidc_issuer, &s.oidc_client_id, &s.oidc_client_secret) {
        (None, None, None) => return Ok(None),
        (Some(issuer), Some(id), Some(secret)) => (issuer.clone(), id.clone(), secret.clone()),
        _ => anyhow::bail!("SAMPAN_OIDC_ISSUER, SAMPAN_OIDC_CLIENT_ID and SAMPAN_OIDC_CLIENT_SECRET go together"),
    };
    let host = issuer.split("://").last().and_then(|rest| rest.split('/').next()).unwrap_or(&issuer).to_owned();
    let pairs = s.oidc_roles.as_deref().unwrap_or_default().split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let role = |pair: &str| match pair.split_once('=') {
        Some((value, role @ ("viewer" | "publisher" | "admin"))) => Ok((value.to_owned(), role.to_owned())),
        _ => anyhow::bail!("SAMPAN_OIDC_ROLES: expected value=viewer, publisher or admin, found {pair}"),
    };
    Ok(Some(Oidc {
        issuer,
        client_id,
        client_secret,
        name: s.oidc_name.clone().unwrap_or(host),
        role_claim: s.oidc_role_claim.clone().unwrap_or_else(|| "sampan_role".into()),
        roles: pairs.map(role).collect::<anyhow::Result<_>>()?,
    }))
}

/// Addresses stand for networks of one.
fn parse_networks(text: &str) -> anyhow::Result<Vec<ipnet::IpNet>> {
    let parse = |item: &str| {
        let address = || item.parse::<std::net::IpAddr>().map(ipnet::IpNet::from);
        item.parse().or_else(|_| address()).with_context(|| format!("SAMPAN_TRUSTED_PROXIES: {item}"))
    };
    text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(parse).collect()
}

/// `name=address,…` → `name:address`, as engines take them.
fn parse_hosts(text: &str) -> anyhow::Result<Vec<String>> {
    text.split(',')
        .map(str::trim)
        .filter(|item| !item.is_empty())
        .map(|item| match item.split_once('=') {
            Some((name, address)) if !name.is_empty() && !address.is_empty() => Ok(format!("{name}:{address}")),
            _ => anyhow::bail!("SAMPAN_EXTRA_HOSTS: expected name=address, found {item}"),
        })
        .collect()
}
