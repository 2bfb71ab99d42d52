//! Which Node.js a project is built with. Pure: settings and files in, a major version and its reason out.

use nodejs_semver::{Range, Version};

/// The current LTS: the default build image carries it.
pub const DEFAULT: u32 = 24;
/// What `engines` may choose from, newest first.
const KNOWN: &[u32] = &[26, 24, 22, 20, 18, 16, 14];
const CODENAMES: &[(&str, u32)] =
    &[("fermium", 14), ("gallium", 16), ("hydrogen", 18), ("iron", 20), ("jod", 22), ("krypton", 24)];

/// What a project says about its Node.js.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    /// The program's setting.
    pub setting: &'a str,
    /// Text of `.nvmrc` or `.node-version`.
    pub version_file: Option<&'a str>,
    /// Text of package.json.
    pub manifest: Option<&'a str>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Choice {
    pub major: u32,
    /// Where it was said, for the log.
    pub because: &'static str,
}

/// The setting, then a version file, then `engines` where the default does not satisfy it, then the default.
pub(super) fn choose(said: &Said<'_>) -> Choice {
    if let Ok(major) = said.setting.trim().parse() {
        return Choice { major, because: "the program's setting" };
    }
    if let Some(major) = said.version_file.and_then(version_file) {
        return Choice { major, because: ".nvmrc" };
    }
    match said.manifest.and_then(engines) {
        Some(major) => Choice { major, because: "engines in package.json" },
        None => Choice { major: DEFAULT, because: "the default" },
    }
}

/// `v16.20.0`, `16`, `lts/gallium`; names that move, such as `lts/*` and `node`, mean the default.
fn version_file(text: &str) -> Option<u32> {
    let word = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).find(|l| !l.is_empty())?;
    let word = word.to_lowercase();
    if let Some(name) = word.strip_prefix("lts/") {
        return CODENAMES.iter().find(|(known, _)| *known == name).map(|(_, major)| *major);
    }
    word.trim_start_matches('v').split('.').next()?.parse().ok()
}

/// `None` when the default will do, or nothing known will.
fn engines(manifest: &str) -> Option<u32> {
    let manifest: serde_json::Value = serde_json::from_str(manifest).ok()?;
    let range = Range::parse(manifest.get("engines")?.get("node")?.as_str()?).ok()?;
    // The newest of a major: `^20.19.0` is satisfied by what an image of 20 has.
    let allows = |major: u32| Version::parse(format!("{major}.999.999")).is_ok_and(|newest| range.satisfies(&newest));
    if allows(DEFAULT) { None } else { KNOWN.iter().copied().find(|major| allows(*major)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn major(setting: &str, file: Option<&str>, engines: &str) -> u32 {
        let manifest = format!(r#"{{"engines":{{"node":"{engines}"}}}}"#);
        choose(&Said { setting, version_file: file, manifest: Some(&manifest) }).major
    }

    #[test]
    fn the_most_definite_word_counts() {
        assert_eq!(major("16", Some("18"), ">=20"), 16);
        assert_eq!(major("", Some("v18.17.0\n"), ">=20"), 18);
        assert_eq!(major("", Some("lts/gallium"), ">=20"), 16);
        assert_eq!(major("", Some("lts/*"), "^16 || ^18"), 18);
        assert_eq!(major("", None, ">=16"), DEFAULT);
        assert_eq!(major("", None, "^20.19.0"), 20);
        assert_eq!(major("", None, "16.x"), 16);
        assert_eq!(major("", None, "<0.1"), DEFAULT);
        assert_eq!(major("", None, "nonsense"), DEFAULT);
        assert_eq!(choose(&Said::default()).major, DEFAULT);
    }
}
