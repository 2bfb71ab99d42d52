//! The fields that decide whom an update is for: part of the publish form, of an upload and of an edit.

use std::collections::BTreeMap;

use askama::Template;

use super::page::Errors;
use crate::lang::Lang;
use crate::model::update::{Mode, Os, Update};
use crate::ops::update_terms::system_field;

type Values = BTreeMap<String, String>;

/// Which of the fields a form has.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// A release: for which systems, and everything else.
    Release,
    /// A wgt that is being added.
    Upload,
    /// A native build that is being added.
    UploadNative,
    /// A wgt that is there.
    EditWgt,
    /// A native build that is there.
    EditNative,
}

#[derive(Template)]
#[template(path = "updates/_terms.html")]
pub(super) struct Terms {
    l: Lang,
    asks: Asks,
    /// Tells the ids of two such forms on one page apart.
    prefix: &'static str,
    values: Values,
    errors: BTreeMap<String, String>,
    channels: Vec<String>,
    natives: Vec<Native>,
}

/// A native build that a wgt may be for: one code, on one or several systems.
pub(super) struct Native {
    pub code: i64,
    pub label: String,
}

/// The known native builds, newest first; those of the same code and name in one line.
pub(super) fn natives(updates: &[Update], l: Lang) -> Vec<Native> {
    let mut found: BTreeMap<(i64, &str), Vec<Os>> = BTreeMap::new();
    for update in updates.iter().filter(|update| !update.kind.is_wgt()) {
        found.entry((update.version_code, &update.version)).or_default().push(update.kind.os());
    }
    let label = |((code, version), systems): ((i64, &str), Vec<Os>)| {
        let names: Vec<_> = systems.iter().map(|os| l.of("os", os.as_str())).collect();
        Native { code, label: format!("{version} ({code}) · {}", names.join(", ")) }
    };
    found.into_iter().rev().map(label).collect()
}

impl Terms {
    pub(super) fn new(
        l: Lang,
        asks: Asks,
        prefix: &'static str,
        mut values: Values,
        errors: &Errors,
        updates: &[Update],
    ) -> Self {
        values.entry("channel".to_owned()).or_insert_with(|| crate::model::update::DEFAULT_CHANNEL.to_owned());
        values.entry("mode".to_owned()).or_insert_with(|| Mode::Ask.to_string());
        let mut channels: Vec<String> = updates.iter().map(|update| update.channel.clone()).collect();
        channels.extend(["production".to_owned(), "test".to_owned()]);
        channels.sort();
        channels.dedup();
        let names = ["systems", "version_code", "channel", "min_native", "max_native", "mode", "changelog", "remark"];
        Self {
            errors: names.iter().map(|name| ((*name).to_owned(), errors.of(name, &l))).collect(),
            natives: natives(updates, l),
            l,
            asks,
            prefix,
            values,
            channels,
        }
    }

    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn value(&self, name: &str) -> &str {
        self.values.get(name).map(String::as_str).unwrap_or_default()
    }

    fn error(&self, name: &str) -> &str {
        self.errors.get(name).map(String::as_str).unwrap_or_default()
    }

    fn has_system(&self, os: &Os) -> bool {
        self.values.contains_key(&system_field(*os))
    }

    fn system(&self, os: &Os) -> String {
        system_field(*os)
    }

    fn asks_systems(&self) -> bool {
        self.asks == Asks::Release
    }

    fn asks_channel(&self) -> bool {
        matches!(self.asks, Asks::Release | Asks::Upload | Asks::UploadNative)
    }

    fn asks_range(&self) -> bool {
        matches!(self.asks, Asks::Release | Asks::Upload | Asks::EditWgt)
    }

    fn is_code(&self, name: &str, code: &i64) -> bool {
        self.value(name).parse() == Ok(*code)
    }
}
