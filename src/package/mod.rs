//! What a package that phones will install says of itself. Trusts nothing: whoever sends one may lie in every field.

use std::collections::HashSet;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;
use zip::ZipArchive;
use zip::read::ZipFile;

use crate::error::Text;
use crate::model::update::Kind;

const MAX_ENTRIES: usize = 50_000;
/// Of all files together, unpacked: a phone has to hold them.
const MAX_UNPACKED: u64 = 1024 * 1024 * 1024;
const MAX_MANIFEST: u64 = 4 * 1024 * 1024;
/// Bytes of a name that is shown.
const MAX_NAME: usize = 1024;
const MANIFEST: &str = "manifest.json";
/// What every installable Android package has at its root.
const ANDROID: [&str; 2] = ["AndroidManifest.xml", "classes.dex"];

/// What a wgt's manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    pub id: String,
    pub version: String,
    pub version_code: i64,
}

/// Reads a package of this kind; `None` for kinds that carry no manifest we can read. Blocking.
pub fn inspect(path: &Path, kind: Kind) -> Result<Option<Manifest>, Text> {
    let file = std::fs::File::open(path).map_err(|_| broken())?;
    let mut zip = ZipArchive::new(file).map_err(|_| Text::new("failures.package_no_zip"))?;
    if zip.len() > MAX_ENTRIES {
        return Err(Text::new("failures.package_bomb"));
    }
    check_names(&mut zip)?;
    if !kind.is_wgt() {
        let has = |name: &str| zip.index_for_name(name).is_some();
        return if ANDROID.iter().all(|name| has(name)) { Ok(None) } else { Err(Text::new("failures.package_no_apk")) };
    }
    check_contents(&mut zip)?;
    let mut text = Vec::new();
    let manifest = zip.by_name(MANIFEST).map_err(|_| Text::new("failures.package_no_manifest"))?;
    manifest.take(MAX_MANIFEST).read_to_end(&mut text).map_err(|_| broken())?;
    manifest_of(&text).map(Some)
}

/// Names of the files in an archive and the bytes that each takes there; `None` for what is none. Blocking.
pub fn entries(path: &Path) -> Option<Vec<(String, i64)>> {
    let file = std::fs::File::open(path).ok()?;
    let whole = file.metadata().ok()?.len();
    let mut zip = ZipArchive::new(file).ok()?;
    if zip.len() > MAX_ENTRIES {
        return None;
    }
    let mut entries = Vec::with_capacity(zip.len());
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).ok()?;
        let name = name_of(&entry);
        // It may claim anything.
        if name.len() > MAX_NAME || entry.compressed_size() > whole {
            return None;
        }
        if entry.is_file() {
            entries.push((name, i64::try_from(entry.compressed_size()).unwrap_or(i64::MAX)));
        }
    }
    Some(entries)
}

fn broken() -> Text {
    Text::new("failures.package_broken")
}

/// Names that lead out of the folder a phone unpacks into, twice the same, links, or secrets.
fn check_names(zip: &mut ZipArchive<std::fs::File>) -> Result<(), Text> {
    let mut seen = HashSet::new();
    let mut unpacked = 0u64;
    for index in 0..zip.len() {
        let entry = zip.by_index_raw(index).map_err(|_| broken())?;
        let name = name_of(&entry);
        if !is_plain(&entry, &name) {
            return Err(Text::new("failures.package_bad_name").arg("1", shown(&name)));
        }
        unpacked = unpacked.saturating_add(entry.size());
        if !seen.insert(name.trim_end_matches('/').to_owned()) {
            return Err(Text::new("failures.package_twice").arg("1", shown(&name)));
        }
    }
    if unpacked > MAX_UNPACKED { Err(Text::new("failures.package_bomb")) } else { Ok(()) }
}

/// Empty for one that is no text.
fn name_of(entry: &ZipFile<'_, std::fs::File>) -> String {
    entry.name().map(|name| name.into_owned()).unwrap_or_default()
}

fn is_plain(entry: &ZipFile<'_, std::fs::File>, name: &str) -> bool {
    let path = name.trim_end_matches('/');
    !entry.encrypted()
        && !entry.is_symlink()
        && !path.is_empty()
        && !path.starts_with('/')
        && !path.contains(['\\', '\0', '\u{fffd}'])
        && !path.chars().any(char::is_control)
        && path.get(1..2).is_none_or(|colon| colon != ":")
        && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

/// Unpacks everything into nothing: sizes may lie, checksums tell.
fn check_contents(zip: &mut ZipArchive<std::fs::File>) -> Result<(), Text> {
    let mut left = MAX_UNPACKED;
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(|_| broken())?;
        let name = name_of(&entry);
        // One more than what was promised shows a lie without following it.
        let bound = entry.size().saturating_add(1).min(left);
        let promised = entry.size();
        let read = std::io::copy(&mut entry.take(bound), &mut std::io::sink()).map_err(|_| broken())?;
        if read != promised {
            return Err(Text::new("failures.package_lies").arg("1", shown(&name)));
        }
        left -= read;
    }
    Ok(())
}

fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[derive(Deserialize)]
struct Raw {
    id: String,
    version: RawVersion,
}

#[derive(Deserialize)]
struct RawVersion {
    name: String,
    code: serde_json::Value,
}

fn manifest_of(text: &[u8]) -> Result<Manifest, Text> {
    let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
    let raw: Raw = serde_json::from_slice(text).map_err(|_| Text::new("failures.package_bad_manifest"))?;
    // The compiler writes the code as text, other tools as a number.
    let code = match &raw.version.code {
        serde_json::Value::String(text) => text.trim().parse().ok(),
        value => value.as_i64(),
    };
    let version_code = code.filter(|code| is_code(*code)).ok_or_else(|| Text::new("failures.package_bad_code"))?;
    Ok(Manifest { id: raw.id, version: raw.version.name, version_code })
}

/// What Android takes as a version code; other systems take no more.
pub fn is_code(code: i64) -> bool {
    (1..=2_100_000_000).contains(&code)
}

#[cfg(test)]
mod tests;
