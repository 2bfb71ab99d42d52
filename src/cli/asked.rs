//! The flags of `release`, `retry` and `cancel`, and what they are as the API's JSON. Knows no connection.

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::terms::Terms;
use super::{Usage, release_id};

/// Build a branch, tag or commit and deliver it.
#[derive(clap::Args)]
pub struct Start {
    /// Id or name of the program; `group/name` where groups share a name
    #[arg(long)]
    pub(super) program: String,
    /// Branch, tag or commit [default: the program's own]
    #[arg(long = "ref", value_name = "REF")]
    reference: Option<String>,
    /// What to make of it
    #[arg(long)]
    action: Action,
    /// Version to give it [default: as the server proposes]
    #[arg(long)]
    version: Option<String>,
    #[arg(long)]
    description: Option<String>,
    /// [default: production]
    #[arg(long)]
    environment: Option<Environment>,
    /// Page that a preview opens
    #[arg(long)]
    page_path: Option<String>,
    /// Query of that page
    #[arg(long)]
    query: Option<String>,
    /// Scene that a preview is opened from
    #[arg(long)]
    scene: Option<String>,
    /// An option of the platform; may be given several times
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = option)]
    options: Vec<(String, Value)>,
    /// Install without a lockfile
    #[arg(long)]
    pub(super) without_lockfile: bool,
    #[command(flatten)]
    pub(super) show: Show,
    #[command(flatten)]
    #[command(next_help_heading = "Of an update (--action publish)")]
    update: Terms,
}

/// Ask once more for what a release was asked for.
#[derive(clap::Args)]
pub struct Retry {
    /// Id of the release, or the address of its page
    #[arg(value_name = "RELEASE", value_parser = release_id)]
    pub(super) release: String,
    /// Install without a lockfile
    #[arg(long)]
    pub(super) without_lockfile: bool,
    #[command(flatten)]
    pub(super) show: Show,
}

/// Stop a release.
#[derive(clap::Args)]
pub struct Cancel {
    /// Id of the release, or the address of its page
    #[arg(value_name = "RELEASE", value_parser = release_id)]
    pub(super) release: String,
    /// Print the release as JSON
    #[arg(long)]
    pub(super) json: bool,
}

/// What is printed of a release.
#[derive(clap::Args)]
pub(super) struct Show {
    /// Show stages and log until it is over; the status then tells whether it succeeded
    #[arg(long)]
    pub(super) follow: bool,
    /// Print the release as JSON; with --follow, one line each time it changes, the outcome last
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Action {
    Preview,
    Upload,
    Publish,
}

#[derive(Clone, Copy, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum Environment {
    Production,
    Development,
}

/// What was given, and nothing else: the server knows the defaults.
pub(super) fn body(asked: &Start) -> anyhow::Result<Value> {
    let update = without_nothing(serde_json::to_value(&asked.update)?);
    if !update.is_null() && asked.action != Action::Publish {
        return Err(Usage("an update is only made by --action publish").into());
    }
    let options: Map<String, Value> = asked.options.iter().cloned().collect();
    Ok(without_nothing(json!({
        "action": asked.action,
        "ref": asked.reference,
        "version": asked.version,
        "description": asked.description,
        "environment": asked.environment,
        "page_path": asked.page_path,
        "query": asked.query,
        "scene": asked.scene,
        "options": without_nothing(options.into()),
        "without_lockfile": asked.without_lockfile.then_some(true),
        "update": update,
    })))
}

/// An object without what is null or an empty list; null where nothing is left.
fn without_nothing(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    if object.as_object().is_some_and(Map::is_empty) { Value::Null } else { object }
}

/// `name=value`, with truth and whole numbers as such where nothing is lost by it: `007` stays a text.
fn option(text: &str) -> Result<(String, Value), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    if name.is_empty() {
        return Err("expected NAME=VALUE".to_owned());
    }
    let value: Value = match (value, value.parse::<i64>()) {
        ("true", _) => true.into(),
        ("false", _) => false.into(),
        (text, Ok(number)) if number.to_string() == text => number.into(),
        (text, _) => text.into(),
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use clap::{Args, FromArgMatches};

    use super::*;

    fn asked(line: &str) -> anyhow::Result<Value> {
        let command = Start::augment_args(clap::Command::new("release"));
        let matches = command.try_get_matches_from(std::iter::once("release").chain(line.split(' ')))?;
        body(&Start::from_arg_matches(&matches)?)
    }

    #[test]
    fn only_what_was_given_is_sent() {
        let body = asked("--program P --action preview").unwrap();
        assert_eq!(body, json!({"action": "preview"}));
        let body = asked("--program P --ref main --action upload --option a=true --option b=7 --option c=x=y").unwrap();
        let options = json!({"a": true, "b": 7, "c": "x=y"});
        assert_eq!(body, json!({"action": "upload", "ref": "main", "options": options}));
        let body = asked("--program P --action publish --system android,ios --version-code 7").unwrap();
        let update = json!({"systems": ["android", "ios"], "version_code": 7});
        assert_eq!(body, json!({"action": "publish", "update": update}));
        let error = asked("--program P --action upload --channel test").unwrap_err();
        assert!(error.is::<Usage>(), "{error}");
    }

    #[test]
    fn options_keep_their_text() {
        assert_eq!(option("a=007").unwrap(), ("a".to_owned(), json!("007")));
        assert_eq!(option("a=").unwrap(), ("a".to_owned(), json!("")));
        assert!(option("a").is_err() && option("=b").is_err());
    }
}
