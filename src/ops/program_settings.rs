//! How a program's builds run, as a form gives it: checked here, stored by `programs`.

use super::programs::Form;
use crate::error::{FieldError, Text};
use crate::model::program::Settings;

/// What one program may ask for; the instance's own limits are set by whoever runs it.
const MEMORY_MB: std::ops::RangeInclusive<i64> = 512..=65_536;
const CPUS: std::ops::RangeInclusive<i64> = 1..=64;
const MINUTES: std::ops::RangeInclusive<i64> = 1..=720;
const NODE: std::ops::RangeInclusive<i64> = 12..=99;

pub(super) fn checked(form: &Form, errors: &mut Vec<FieldError>) -> Settings {
    let field = |name: &str| form.get(name).map(|text| text.trim()).unwrap_or_default();
    let mut refuse = |name: &str, text: Text| errors.push(FieldError { field: name.into(), text });
    let mut number = |name: &str, range: &std::ops::RangeInclusive<i64>| match field(name) {
        "" => None,
        text => match text.parse().ok().filter(|n| range.contains(n)) {
            None => {
                let bounds = Text::new("errors.number_range").arg("min", range.start().to_string());
                refuse(name, bounds.arg("max", range.end().to_string()));
                None
            }
            some => some,
        },
    };
    let node = number("node", &NODE).map(|n| n.to_string()).unwrap_or_default();
    let (memory_mb, cpus) = (number("memory_mb", &MEMORY_MB), number("cpus", &CPUS));
    let stage = number("stage_timeout_minutes", &MINUTES);
    let silence = number("no_output_timeout_minutes", &MINUTES);
    let registry = field("npm_registry").trim_end_matches('/');
    if !registry.is_empty() && !is_registry(registry) {
        refuse("npm_registry", Text::new("errors.npm_registry"));
    }
    let flag = |name: &str, default: bool| match field(name) {
        "" => default,
        text => text == "true",
    };
    let defaults = Settings::default();
    Settings {
        node,
        npm_registry: registry.to_owned(),
        ignore_lockfile: flag("ignore_lockfile", defaults.ignore_lockfile),
        snapshots: flag("snapshots", defaults.snapshots),
        build_cache: field("build_cache").parse().unwrap_or(defaults.build_cache),
        shallow: flag("shallow", defaults.shallow),
        offline_compile: flag("offline_compile", defaults.offline_compile),
        memory_mb,
        cpus,
        stage_timeout_minutes: stage.map(|n| n as u64),
        no_output_timeout_minutes: silence.map(|n| n as u64),
    }
}

/// As a form shows it again.
pub fn values(settings: &Settings) -> Vec<(&'static str, String)> {
    let number = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
    vec![
        ("node", settings.node.clone()),
        ("npm_registry", settings.npm_registry.clone()),
        ("ignore_lockfile", settings.ignore_lockfile.to_string()),
        ("snapshots", settings.snapshots.to_string()),
        ("build_cache", settings.build_cache.to_string()),
        ("shallow", settings.shallow.to_string()),
        ("offline_compile", settings.offline_compile.to_string()),
        ("memory_mb", number(settings.memory_mb)),
        ("cpus", number(settings.cpus)),
        ("stage_timeout_minutes", number(settings.stage_timeout_minutes.map(|n| n as i64))),
        ("no_output_timeout_minutes", number(settings.no_output_timeout_minutes.map(|n| n as i64))),
    ]
}

fn is_registry(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '-']) && !rest.contains('@'))
        && !url.chars().any(|c| c.is_whitespace() || c.is_control() || "'\"`$\\".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_what_was_given() {
        let form: Form = [("node", "16"), ("snapshots", "false"), ("memory_mb", "4096"), ("build_cache", "always")]
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let mut errors = vec![];
        let settings = checked(&form, &mut errors);
        assert!(errors.is_empty() && settings.node == "16" && !settings.snapshots);
        let again: Form = values(&settings).into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        assert_eq!(checked(&again, &mut errors), settings);
        assert_eq!(checked(&Form::new(), &mut errors), Settings::default());
    }

    #[test]
    fn nonsense_is_named_at_its_field() {
        for (name, bad) in [("node", "latest"), ("memory_mb", "1"), ("npm_registry", "file:///x"), ("cpus", "-1")] {
            let mut errors = vec![];
            checked(&Form::from([(name.to_owned(), bad.to_owned())]), &mut errors);
            assert_eq!(errors.len(), 1, "{name}");
            assert_eq!(errors[0].field, name);
        }
    }
}
