//! The shape of `platform.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use regex::Regex;
use serde::Deserialize;

use crate::clock::{MINUTE, Ms};
use crate::lang::Lang;
use crate::model::release::Action;
use crate::model::version;
use crate::platform::detect::Preset;

/// A text in both languages.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Label {
    pub zh: String,
    pub en: String,
}

impl Label {
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    pub id: String,
    pub label: Label,
    /// Where it stands in lists: the smaller the earlier.
    #[serde(default)]
    pub rank: i64,
    pub console_url: String,
    /// Image of prepare and deliver, without the `sampan/` prefix.
    pub image: String,
    /// The driver; the stage's name is appended.
    pub command: Vec<String>,
    /// The vendor's package in `package.json` beside the manifest; its version is shown to people.
    #[serde(default)]
    pub tool: String,
    pub actions: Vec<Action>,
    #[serde(default)]
    pub produces: Produces,
    /// Which of page_path, query, scene, version, description an action takes.
    pub params: BTreeMap<Action, Vec<String>>,
    pub version: Versions,
    /// How long a QR code works, by action; unknown when absent.
    #[serde(default)]
    pub qr_ttl: BTreeMap<Action, String>,
    pub robots: Option<Robots>,
    /// Kinds of projects, the more telling first.
    #[serde(default)]
    pub presets: Vec<Preset>,
    /// Characters of a description that the vendor takes.
    #[serde(default = "usual_description")]
    pub description_max: usize,
    pub app_id_pattern: String,
    pub default_output_dir: String,
    #[serde(default)]
    pub default_build_command: String,
    #[serde(default)]
    pub default_dev_build_command: String,
    /// One of these must lie in the output folder; a project of another kind is refused before anything runs on it.
    #[serde(default)]
    pub output_must_contain_any: Vec<String>,
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Groups of credential fields of which one must be complete, where there is more than one way in.
    #[serde(default)]
    pub credential_sets: Vec<Vec<String>>,
    #[serde(default)]
    pub limits: Vec<Limit>,
    #[serde(default)]
    pub errors: Vec<Known>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    pub rule: version::Rule,
    /// What a version looks like beyond [`version::is_valid`].
    #[serde(default, deserialize_with = "maybe_regex")]
    pub pattern: Option<Regex>,
    /// Whether each upload must be higher than the one before.
    #[serde(default)]
    pub must_grow: bool,
    /// Whether an empty version means the project's own.
    #[serde(default)]
    pub from_project: bool,
}

/// What a release leaves behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Produces {
    /// Something at the vendor, and its receipt.
    #[default]
    Receipt,
    /// An update in our own catalogue.
    Update,
}

fn usual_description() -> usize {
    500
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Robots {
    pub min: i64,
    pub max: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Text,
    Number,
    Bool,
    Choice,
    /// An RSA private key in PEM, unencrypted.
    PemRsa,
    /// The same, also as bare base64; always handed over as PKCS#8 in PEM.
    RsaPkcs8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldScope {
    /// Sealed, write-only.
    Credential,
    /// Stored with the program, shown in its form.
    Option,
    /// Asked at every release.
    Release,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    pub name: String,
    pub kind: Kind,
    pub scope: FieldScope,
    #[serde(default)]
    pub secret: bool,
    #[serde(default)]
    pub required: bool,
    pub label: Label,
    #[serde(default)]
    pub help: Option<Label>,
    #[serde(default)]
    pub default: Option<serde_json::Value>,
    #[serde(default)]
    pub min: Option<i64>,
    #[serde(default)]
    pub max: Option<i64>,
    #[serde(default)]
    pub choices: Vec<String>,
    /// Of scope `release`: the actions that ask for it.
    #[serde(default)]
    pub actions: Vec<Action>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    Block,
    Warn,
}

/// A bound on sizes known after prepare: `package` means each single one, any other name that one.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// Only for packages of this kind; absent: of the usual one.
    #[serde(default)]
    pub kind: Option<String>,
    pub what: String,
    pub bytes: i64,
    pub level: Level,
}

/// A known error of the vendor's tool and what a tester can do about it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    #[serde(rename = "match", deserialize_with = "regex_of")]
    pub pattern: Regex,
    pub code: String,
    pub hint: Label,
    /// In deliver: the vendor may have taken an upload all the same.
    #[serde(default)]
    pub uncertain: bool,
}

fn regex_of<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Regex, D::Error> {
    let text = String::deserialize(d)?;
    Regex::new(&text).map_err(serde::de::Error::custom)
}

fn maybe_regex<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Regex>, D::Error> {
    regex_of(d).map(Some)
}

impl Platform {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let p: Self = toml::from_str(text)?;
        ensure!(!p.actions.is_empty(), "no actions");
        ensure!(!p.command.is_empty(), "no command");
        ensure!(p.actions.iter().all(|a| p.params.contains_key(a)), "params: an entry for every action");
        Regex::new(&p.app_id_pattern).context("app_id_pattern")?;
        for (action, ttl) in &p.qr_ttl {
            duration(ttl).with_context(|| format!("qr_ttl.{action}"))?;
        }
        for field in &p.fields {
            ensure!(field.secret == (field.scope == FieldScope::Credential), "{}: credentials are secret", field.name);
            ensure!(field.name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{}: a plain name", field.name);
            let asked = field.scope == FieldScope::Release;
            ensure!(asked != field.actions.is_empty(), "{}: scope release, and only that, names actions", field.name);
        }
        let secret = |name: &String| p.fields(FieldScope::Credential).any(|field| field.name == *name);
        ensure!(p.credential_sets.iter().flatten().all(secret), "credential_sets: names of credential fields");
        let only_update = p.actions == [Action::Publish];
        ensure!(
            (p.produces == Produces::Update) == only_update,
            "produces = \"update\" goes with the action publish alone"
        );
        Ok(p)
    }

    pub fn takes(&self, action: Action, param: &str) -> bool {
        self.params.get(&action).is_some_and(|params| params.iter().any(|p| p == param))
    }

    pub fn qr_ttl(&self, action: Action) -> Option<Ms> {
        duration(self.qr_ttl.get(&action)?).ok()
    }

    /// What a release of this kind asks beyond the usual parameters.
    pub fn asked(&self, action: Action) -> impl Iterator<Item = &Field> {
        self.fields(FieldScope::Release).filter(move |field| field.actions.contains(&action))
    }

    /// Whether a release needs a key or a login.
    pub fn needs_credential(&self) -> bool {
        self.fields(FieldScope::Credential).next().is_some()
    }

    pub fn fields(&self, scope: FieldScope) -> impl Iterator<Item = &Field> {
        self.fields.iter().filter(move |field| field.scope == scope)
    }

    /// What a package or sub-package of this kind may weigh: its own limit, else that of every single one.
    pub fn limit(&self, kind: Option<&str>, name: &str) -> Option<&Limit> {
        let of = |what: &str| self.limits.iter().find(|limit| limit.kind.as_deref() == kind && limit.what == what);
        of(name).or_else(|| of("package"))
    }

    pub fn valid_app_id(&self, id: &str) -> bool {
        Regex::new(&self.app_id_pattern).is_ok_and(|pattern| pattern.is_match(id))
    }
}

/// `25m`, `24h`.
fn duration(text: &str) -> anyhow::Result<Ms> {
    let (number, unit) = text.split_at(text.len().saturating_sub(1));
    let unit = match unit {
        "m" => MINUTE,
        "h" => 60 * MINUTE,
        "d" => 24 * 60 * MINUTE,
        _ => anyhow::bail!("expected a number and m, h or d: {text}"),
    };
    Ok(number.parse::<Ms>()? * unit)
}
