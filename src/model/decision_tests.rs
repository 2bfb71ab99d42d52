//! Situations that phones meet, each against [`Shelf::decide`].

use super::*;
use crate::model::update::{DEFAULT_CHANNEL, Kind, Package};

fn update(kind: Kind, code: i64) -> Update {
    Update {
        id: format!("{kind}-{code}"),
        program_id: "p".into(),
        kind,
        version: format!("1.0.{code}"),
        version_code: code,
        channel: DEFAULT_CHANNEL.into(),
        min_native: kind.is_wgt().then_some(100),
        max_native: None,
        mode: Mode::Ask,
        enabled: true,
        package: Some(Package { sha256: String::new(), bytes: 1, signature: String::new() }),
        link: None,
        embedded_wgt_code: None,
        changelog: String::new(),
        remark: String::new(),
        release_id: None,
        created_by: String::new(),
        created_at: 0,
        updated_at: 0,
    }
}

fn wgt(code: i64) -> Update {
    update(Kind::WgtAndroid, code)
}

fn native(code: i64) -> Update {
    update(Kind::Android, code)
}

fn shelf(updates: impl IntoIterator<Item = Update>) -> Shelf {
    let mut shelf = Shelf::default();
    updates.into_iter().for_each(|update| shelf.add(update));
    shelf
}

/// A phone with this native build that runs this wgt.
fn phone(native_code: i64, wgt_code: i64) -> (i64, i64, String) {
    (native_code, wgt_code, format!("1.0.{wgt_code}"))
}

fn ask(shelf: &Shelf, (native_code, wgt_code, wgt_version): &(i64, i64, String)) -> Option<(i64, bool, Mode)> {
    let phone = Phone {
        os: Os::Android,
        channel: DEFAULT_CHANNEL,
        native_code: *native_code,
        native_version: &format!("1.0.{native_code}"),
        wgt_code: *wgt_code,
        wgt_version,
    };
    shelf.decide(&phone).map(|offer| (offer.update.version_code, offer.update.kind.is_wgt(), offer.mode))
}

#[test]
fn the_newest_comes_once() {
    let shelf = shelf([native(100), wgt(101), wgt(103), wgt(102)]);
    assert_eq!(ask(&shelf, &phone(100, 100)), Some((103, true, Mode::Ask)));
    assert_eq!(ask(&shelf, &phone(100, 102)), Some((103, true, Mode::Ask)));
    assert_eq!(ask(&shelf, &phone(100, 103)), None);
    assert_eq!(ask(&shelf, &(100, 103, "1.0.100".into())), None, "a team that counts codes alone");
    assert_eq!(ask(&shelf, &phone(100, 999)), None, "a phone ahead of the catalogue is left alone");
}

#[test]
fn what_is_disabled_is_never_served() {
    let off = |code| Update { enabled: false, ..wgt(code) };
    assert_eq!(ask(&shelf([native(100), off(101)]), &phone(100, 100)), None);
    assert_eq!(ask(&shelf([native(100), wgt(101), off(102)]), &phone(100, 100)), Some((101, true, Mode::Ask)));
    let only = shelf([native(100), Update { enabled: false, ..native(200) }]);
    assert_eq!(ask(&only, &phone(100, 100)), None);
}

#[test]
fn force_is_carried_over_what_is_skipped() {
    let forced = Update { mode: Mode::Force, ..wgt(102) };
    let silent = Update { mode: Mode::Silent, ..wgt(103) };
    let history = shelf([native(100), wgt(101), forced.clone(), silent.clone()]);
    assert_eq!(ask(&history, &phone(100, 100)), Some((103, true, Mode::Force)));
    assert_eq!(ask(&history, &phone(100, 102)), Some((103, true, Mode::Silent)), "it already has the forced one");
    let off = shelf([native(100), Update { enabled: false, ..forced.clone() }, silent.clone()]);
    assert_eq!(ask(&off, &phone(100, 100)), Some((103, true, Mode::Silent)));
    let foreign = shelf([native(100), native(200), Update { min_native: Some(200), ..forced }, silent]);
    assert_eq!(ask(&foreign, &phone(100, 100)).map(|o| o.2), Some(Mode::Silent), "forced for another build");
}

#[test]
fn each_native_build_gets_its_newest() {
    let of = |code, min, max| Update { min_native: Some(min), max_native: max, ..wgt(code) };
    let shelf = shelf([native(100), native(200), of(101, 100, Some(100)), of(150, 100, None)].into_iter().chain(
        // Sixty for the newer build do not starve the older one.
        (201..261).map(|code| of(code, 200, None)),
    ));
    let without_native = |phone: &(i64, i64, String)| ask(&shelf, phone);
    assert_eq!(without_native(&phone(200, 200)), Some((260, true, Mode::Ask)));
    assert_eq!(without_native(&phone(100, 100)), Some((150, true, Mode::Ask)));
}

#[test]
fn never_older_than_what_is_inside() {
    let new = Update { embedded_wgt_code: Some(130), ..native(200) };
    let shelf = shelf([native(100), new, wgt(120), wgt(131)]);
    assert_eq!(ask(&shelf, &(200, 130, "1.0.200".into())), Some((131, true, Mode::Ask)));
    let older = self::shelf([Update { embedded_wgt_code: Some(130), ..native(200) }, wgt(120)]);
    assert_eq!(ask(&older, &(200, 0, "1.0.200".into())), None);
}

#[test]
fn native_builds_wait_for_the_wgt_unless_forced() {
    let history = [native(100), native(200), Update { max_native: Some(100), ..wgt(110) }];
    let shelf_ask = shelf(history.clone());
    assert_eq!(ask(&shelf_ask, &phone(100, 100)), Some((110, true, Mode::Ask)));
    assert_eq!(ask(&shelf_ask, &phone(100, 110)), Some((200, false, Mode::Ask)));
    let forced = shelf(history.into_iter().chain([Update { mode: Mode::Force, ..native(150) }]));
    assert_eq!(ask(&forced, &phone(100, 100)), Some((200, false, Mode::Force)));
    let silent = shelf([Update { mode: Mode::Silent, ..native(200) }]);
    assert_eq!(ask(&silent, &phone(100, 100)), Some((200, false, Mode::Ask)), "never silent");
    let known = shelf([Update { package: None, ..native(200) }]);
    assert_eq!(ask(&known, &phone(100, 100)), None, "known, but nothing to download");
    let linked = shelf([Update { package: None, link: Some("https://shop.example".into()), ..native(200) }]);
    assert_eq!(ask(&linked, &phone(100, 100)), Some((200, false, Mode::Ask)));
}

#[test]
fn channels_are_apart() {
    let test = |update: Update| Update { channel: "test".into(), ..update };
    let shelf = shelf([native(100), wgt(101), test(wgt(102)), test(native(200))]);
    assert_eq!(ask(&shelf, &phone(100, 100)), Some((101, true, Mode::Ask)));
}

#[test]
fn an_iphone_that_updated_does_not_look_old_for_ever() {
    let ios = |kind, code| update(kind, code);
    let history = shelf([ios(Kind::Ios, 100), ios(Kind::WgtIos, 101), ios(Kind::WgtIos, 102)]);
    let asks = |wgt_version: &str| {
        let (native_version, channel) = ("1.0.100", DEFAULT_CHANNEL);
        let phone = Phone { os: Os::Ios, channel, native_code: 100, native_version, wgt_code: 100, wgt_version };
        history.decide(&phone).map(|offer| offer.update.version_code)
    };
    assert_eq!(asks("1.0.100"), Some(102), "fresh from the shop");
    assert_eq!(asks("1.0.101"), Some(102));
    assert_eq!(asks("1.0.102"), None, "it reports the native code for what it runs");
    assert_eq!(asks("9.9.9"), Some(102), "an unknown name with the native code says nothing");
}
