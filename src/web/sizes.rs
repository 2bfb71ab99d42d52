//! `/programs/{id}/sizes`: how large the packages are, file by file, and how they grew.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use serde::Deserialize;

use super::find_release_of;
use super::page::{Frame, html};
use super::session::SignedIn;
use super::shown::{Shown, package_label};
use crate::app::App;
use crate::db;
use crate::error::{Error, Result};
use crate::lang::{Lang, bytes};
use crate::model::contents::{Contents, WHOLE};
use crate::model::release::Size;
use crate::model::treemap::{Rect, squarify};
use crate::ops::contents;

/// Releases whose sizes are drawn side by side.
const TREND: i64 = 30;
/// Tiles of one package; what is smaller shares one.
const TILES: usize = 60;
const TABLE: usize = 50;
/// The map is laid out for this size and stretches: names that would not fit are left out.
const MAP: Rect = Rect { x: 0.0, y: 0.0, width: 1056.0, height: 480.0 };
const HEAD: f64 = 24.0;

#[derive(Deserialize)]
pub(super) struct Asked {
    release: Option<String>,
    package: Option<String>,
}

#[derive(Template)]
#[template(path = "programs/sizes.html")]
struct SizesPage {
    frame: Frame,
    program_id: String,
    program: String,
    /// The release whose package is drawn; none where nothing was measured yet.
    chosen: Option<Shown>,
    packages: Vec<Tab>,
    trend: Vec<Bar>,
    /// In words.
    limit: Option<String>,
    /// Where its line lies, percent of the height from the top; none where packages are far below.
    line: Option<String>,
    /// The most that the trend shows, in words.
    most: String,
    map: Vec<Package>,
    files: Vec<FileRow>,
    more_files: i64,
}

struct Tab {
    name: String,
    label: String,
    here: bool,
}

/// One release in the trend. Lengths are percentages.
struct Bar {
    id: String,
    title: String,
    x: String,
    width: String,
    y: String,
    height: String,
    over: bool,
    here: bool,
}

/// A package on the map. Lengths are percentages of the whole map.
struct Package {
    name: String,
    size: String,
    place: Place,
    over: bool,
    tiles: Vec<Tile>,
}

/// A file on the map; its place is within its package.
struct Tile {
    title: String,
    name: String,
    place: Place,
    kind: &'static str,
    named: bool,
}

struct Place {
    x: String,
    y: String,
    width: String,
    height: String,
}

struct FileRow {
    path: String,
    package: String,
    size: String,
    share: String,
}

pub(super) async fn show(
    State(app): State<App>,
    who: SignedIn,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response> {
    let (scope, l) = (who.user.scope(), who.visitor.lang);
    let program = db::programs::find(&app.db, scope, &id).await?.ok_or(Error::NotFound)?;
    let mut listed = db::releases::list_measured(&app.db, scope, &id, TREND).await?;
    if let Some(wanted) = &asked.release
        && !listed.iter().any(|item| item.release.id == *wanted)
    {
        // An older one, as its own page links to it.
        let found = find_release_of(&app, &who.user, &id, wanted).await?;
        if found.release.sizes.is_empty() {
            return Err(Error::NotFound);
        }
        listed.push(found);
    }
    let shown: Vec<Shown> = listed.into_iter().map(|item| Shown::new(&app, l, item, Some(&program))).collect();
    let chosen = asked.release.as_deref().and_then(|wanted| shown.iter().position(|s| s.r.id == wanted));
    let chosen = chosen.or((!shown.is_empty()).then_some(0));
    let sizes: Vec<Size> = chosen.map(|at| shown[at].r.sizes.clone()).unwrap_or_default();
    let wanted = asked.package.filter(|name| sizes.iter().any(|size| size.name == *name));
    let package = wanted.or_else(|| most_limited(&sizes)).unwrap_or_else(|| WHOLE.to_owned());
    let found = match chosen {
        Some(at) => contents::find(&app, &shown[at].r.id).await?.unwrap_or_default(),
        None => Contents::default(),
    };
    let limit = chosen.and_then(|at| size_of(&shown[at], &package)).and_then(|size| size.limit);
    let (trend, line, most) = trend(&shown, &package, chosen);
    let packages = sizes.iter().map(|size| Tab {
        name: size.name.clone(),
        label: package_label(l, &size.name),
        here: size.name == package,
    });
    let (files, more_files) = table(l, &found, &sizes);
    Ok(html(&SizesPage {
        frame: Frame::load(&app, &who, l.t("sizes.title")).await?,
        program_id: program.id,
        program: program.name,
        packages: packages.collect(),
        trend,
        limit: limit.map(bytes),
        line,
        most,
        map: map(l, &found, &sizes),
        files,
        more_files,
        chosen: chosen.map(|at| shown.into_iter().nth(at)).unwrap_or_default(),
    }))
}

/// The package that is nearest to its limit.
fn most_limited(sizes: &[Size]) -> Option<String> {
    let share = |size: &Size| size.limit.map(|limit| size.bytes as f64 / limit.max(1) as f64);
    let near = sizes.iter().filter_map(|size| share(size).map(|share| (share, size)));
    near.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, size)| size.name.clone())
}

fn percent(value: f64) -> String {
    format!("{:.3}%", value * 100.0)
}

fn size_of(shown: &Shown, package: &str) -> Option<Size> {
    shown.r.sizes.iter().find(|size| size.name == package).cloned()
}

/// Oldest first. With the place of the limit's line, where there is one, and the most there was.
fn trend(shown: &[Shown], package: &str, chosen: Option<usize>) -> (Vec<Bar>, Option<String>, String) {
    let measured: Vec<(usize, &Shown, Size)> =
        shown.iter().enumerate().filter_map(|(at, s)| Some((at, s, size_of(s, package)?))).collect();
    let limit = measured.first().and_then(|(_, _, size)| size.limit);
    let largest = measured.iter().map(|(_, _, size)| size.bytes).max().unwrap_or(0);
    // The limit is drawn where packages come near it; far below, it would flatten them all.
    let limit = limit.filter(|limit| largest > *limit / 5);
    let most = (largest.max(limit.unwrap_or(0)) as f64 * 1.08).max(1.0);
    let step = 1.0 / measured.len().max(8) as f64;
    let bars = measured.iter().rev().enumerate().map(|(place, (at, s, size))| Bar {
        id: s.r.id.clone(),
        title: format!("{} · {} · {}", s.label(), s.r.parameters.reference, bytes(size.bytes)),
        x: percent((place as f64 + 0.15) * step),
        width: percent(step * 0.7),
        y: percent(1.0 - size.bytes as f64 / most),
        height: percent(size.bytes as f64 / most),
        over: size.limit.is_some_and(|limit| size.bytes > limit),
        here: chosen == Some(*at),
    });
    let line = limit.map(|limit| percent(1.0 - limit as f64 / most));
    (bars.collect(), line, bytes(largest))
}

fn map(l: Lang, found: &Contents, sizes: &[Size]) -> Vec<Package> {
    let packages = found.by_package(sizes);
    let total = |files: &[(&str, i64)]| files.iter().map(|(_, bytes)| *bytes).fold(0, i64::saturating_add);
    let values: Vec<f64> = packages.iter().map(|(_, files)| total(files).max(1) as f64).collect();
    let rects = squarify(&values, MAP);
    let drawn = packages.iter().zip(rects).map(|((name, files), rect)| {
        let size = sizes.iter().find(|size| size.name == *name);
        Package {
            name: package_label(l, name),
            size: bytes(total(files)),
            place: place(rect, MAP),
            over: size.is_some_and(|size| size.limit.is_some_and(|limit| size.bytes > limit)),
            tiles: tiles(l, files, rect),
        }
    });
    drawn.collect()
}

/// A package's files below its headline.
fn tiles(l: Lang, files: &[(&str, i64)], package: Rect) -> Vec<Tile> {
    let within = Rect { x: 0.0, y: HEAD, width: package.width, height: (package.height - HEAD).max(1.0) };
    let (named, small) = files.split_at(files.len().min(TILES));
    let small: i64 = small.iter().map(|(_, bytes)| bytes).sum();
    let others = l.n("sizes.others", files.len() - named.len());
    let mut values: Vec<(&str, i64)> = named.iter().filter(|(_, bytes)| *bytes > 0).copied().collect();
    if small > 0 {
        let at = values.partition_point(|(_, bytes)| *bytes >= small);
        values.insert(at, (&others, small));
    }
    let areas: Vec<f64> = values.iter().map(|(_, bytes)| *bytes as f64).collect();
    let drawn = values.iter().zip(squarify(&areas, within)).map(|((path, size), rect)| {
        let name = path.rsplit('/').next().unwrap_or(path);
        Tile {
            title: format!("{path} · {}", bytes(*size)),
            name: name.to_owned(),
            place: place(rect, Rect { x: 0.0, y: 0.0, ..package }),
            kind: kind(path),
            // About seven units of the map for each letter.
            named: rect.height > 20.0 && rect.width > 16.0 + 7.0 * name.chars().count().min(12) as f64,
        }
    });
    drawn.collect()
}

fn place(rect: Rect, within: Rect) -> Place {
    Place {
        x: percent((rect.x - within.x) / within.width),
        y: percent((rect.y - within.y) / within.height),
        width: percent(rect.width / within.width),
        height: percent(rect.height / within.height),
    }
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "js" | "mjs" | "wxs" | "sjs" | "wasm" => "script",
        "png" | "jpg" | "jpeg" | "gif" | "webp" | "svg" | "ttf" | "woff" | "woff2" | "mp3" | "mp4" => "media",
        "wxss" | "css" | "acss" | "ttss" => "style",
        _ => "other",
    }
}

fn table(l: Lang, found: &Contents, sizes: &[Size]) -> (Vec<FileRow>, i64) {
    let packages = found.by_package(sizes);
    let of = |path: &str| packages.iter().find(|(_, files)| files.iter().any(|(known, _)| *known == path));
    let whole = found.bytes().max(1) as f64;
    let rows = found.files.iter().take(TABLE).map(|(path, size)| FileRow {
        path: path.clone(),
        package: of(path).map(|(name, _)| package_label(l, name)).unwrap_or_default(),
        size: bytes(*size),
        share: format!("{:.1}%", *size as f64 / whole * 100.0),
    });
    let left = found.files.len() as i64 + found.rest.0 - TABLE as i64;
    (rows.collect(), left.max(0))
}

impl SizesPage {
    fn package_here(&self) -> String {
        self.packages.iter().find(|tab| tab.here).map(|tab| tab.label.clone()).unwrap_or_default()
    }
}
