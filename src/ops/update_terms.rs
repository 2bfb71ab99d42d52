//! Whom an update is for and how phones take it, as a form gives it, and the rules between a program's updates.

use std::cmp::Ordering;

use super::programs::Form;
use crate::error::{FieldError, Text};
use crate::model::update::{DEFAULT_CHANNEL, Kind, Mode, Os, Terms, Update, is_channel};
use crate::model::version;
use crate::package::is_code;

const MAX_CHANGELOG: usize = 2_000;
const MAX_REMARK: usize = 200;

/// The name of a system's checkbox.
pub fn system_field(os: Os) -> String {
    format!("system_{os}")
}

/// Reads a form; what is wrong with it goes to `errors`.
pub(super) fn checked(form: &Form, errors: &mut Vec<FieldError>) -> Terms {
    let field = |name: &str| form.get(name).map(|text| text.trim()).unwrap_or_default();
    let mut refuse = |name: &str, text: Text| errors.push(FieldError::new(name, text));
    let mut code = |name: &str| match field(name) {
        "" => None,
        text => {
            let code = text.parse().ok().filter(|code| is_code(*code));
            if code.is_none() {
                refuse(name, Text::new("errors.version_code"));
            }
            code
        }
    };
    let (version_code, min_native, max_native) = (code("version_code"), code("min_native"), code("max_native"));
    let channel = match field("channel") {
        "" => DEFAULT_CHANNEL,
        name => name,
    };
    if !is_channel(channel) {
        refuse("channel", Text::new("errors.channel"));
    }
    let mode = match field("mode") {
        "" => Mode::Ask,
        word => word.parse().unwrap_or_else(|_| {
            refuse("mode", Text::new("errors.choice"));
            Mode::Ask
        }),
    };
    for (name, max) in [("changelog", MAX_CHANGELOG), ("remark", MAX_REMARK)] {
        if field(name).chars().count() > max {
            refuse(name, Text::new("errors.too_long"));
        }
    }
    Terms {
        systems: Os::ALL.iter().copied().filter(|os| form.contains_key(&system_field(*os))).collect(),
        channel: channel.to_owned(),
        min_native,
        max_native,
        mode,
        changelog: field("changelog").replace("\r\n", "\n"),
        remark: field("remark").to_owned(),
        version_code,
    }
}

/// As a form shows it again.
pub fn values(terms: &Terms) -> Form {
    let code = |code: Option<i64>| code.map(|code| code.to_string()).unwrap_or_default();
    let mut values = Form::from([
        ("channel".to_owned(), terms.channel.clone()),
        ("min_native".to_owned(), code(terms.min_native)),
        ("max_native".to_owned(), code(terms.max_native)),
        ("mode".to_owned(), terms.mode.to_string()),
        ("changelog".to_owned(), terms.changelog.clone()),
        ("remark".to_owned(), terms.remark.clone()),
        ("version_code".to_owned(), code(terms.version_code)),
    ]);
    values.extend(terms.systems.iter().map(|os| (system_field(*os), "yes".to_owned())));
    values
}

/// The next free version code of a program's wgts; `None` before the first.
pub fn next_code(updates: &[Update]) -> Option<i64> {
    updates.iter().filter(|update| update.kind.is_wgt()).map(|update| update.version_code + 1).max()
}

/// Whether the native builds that a wgt runs on are known; gives the range with the default filled in.
pub(super) fn range(
    kind: Kind,
    (min, max): (Option<i64>, Option<i64>),
    others: &[Update],
) -> Result<(Option<i64>, Option<i64>), FieldError> {
    if !kind.is_wgt() {
        return Ok((None, None));
    }
    let natives: Vec<i64> =
        others.iter().filter(|other| other.kind == kind.os().native()).map(|other| other.version_code).collect();
    let system = kind.os().to_string();
    let Some(newest) = natives.iter().max() else {
        return Err(FieldError::new("min_native", Text::new("failures.update_no_native").arg("1", system)));
    };
    let min = min.unwrap_or(*newest);
    for (field, code) in [("min_native", Some(min)), ("max_native", max)] {
        if let Some(code) = code.filter(|code| !natives.contains(code)) {
            let text = Text::new("failures.update_native_unknown").arg("1", system).arg("2", code.to_string());
            return Err(FieldError::new(field, text));
        }
    }
    match max {
        Some(max) if max < min => Err(FieldError::new("max_native", Text::new("errors.range"))),
        max => Ok((Some(min), max)),
    }
}

/// Whether a new update fits behind the ones there are: codes and versions grow, and are never used twice.
pub(super) fn fits(new: &Update, others: &[Update]) -> Result<(), FieldError> {
    let same_kind = || others.iter().filter(|other| other.kind == new.kind);
    if let Some(last) = same_kind().max_by_key(|other| other.version_code)
        && new.version_code <= last.version_code
    {
        let text = Text::new("failures.update_code_not_higher");
        let text = text.arg("1", new.version_code.to_string()).arg("2", last.version_code.to_string());
        return Err(FieldError::new("version_code", text));
    }
    // Clients cache by version, and those that install compare names.
    same_kind().try_for_each(|other| higher_name(new, other))?;
    above_native(new, others)
}

/// Whether phones with the lowest native build would take a wgt: its name and code are above what that build brings.
pub(super) fn above_native(wgt: &Update, others: &[Update]) -> Result<(), FieldError> {
    let native = others.iter().find(|other| {
        wgt.kind.is_wgt() && other.kind == wgt.kind.os().native() && wgt.min_native == Some(other.version_code)
    });
    let Some(native) = native else { return Ok(()) };
    let inside = native.embedded_wgt_code.unwrap_or(native.version_code);
    if wgt.version_code <= inside {
        let text = Text::new("failures.update_code_not_higher");
        return Err(FieldError::new(
            "version_code",
            text.arg("1", wgt.version_code.to_string()).arg("2", inside.to_string()),
        ));
    }
    higher_name(wgt, native)
}

fn higher_name(new: &Update, other: &Update) -> Result<(), FieldError> {
    if version::compare(&new.version, &other.version) == Some(Ordering::Greater) {
        return Ok(());
    }
    let text = Text::new("failures.update_version_not_higher");
    Err(FieldError::new("version", text.arg("1", new.version.clone()).arg("2", other.version.clone())))
}
