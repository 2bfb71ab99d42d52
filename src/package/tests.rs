//! Packages as they come, and as somebody made them to do harm.

use std::io::Write;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::*;

const GOOD: &str = r#"{"id":"__UNI__A","name":"x","version":{"name":"1.0.1","code":"101"}}"#;

fn zip_of(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, content) in entries {
        zip.start_file(*name, SimpleFileOptions::default()).expect("started");
        zip.write_all(content).expect("written");
    }
    zip.finish().expect("finished").into_inner()
}

fn read(bytes: &[u8], kind: Kind) -> Result<Option<Manifest>, &'static str> {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("written");
    inspect(file.path(), kind).map_err(|text| text.key)
}

fn wgt(bytes: &[u8]) -> Result<Option<Manifest>, &'static str> {
    read(bytes, Kind::WgtAndroid)
}

#[test]
fn a_manifest_is_read_with_its_code_as_text_or_number() {
    let found = wgt(&zip_of(&[(MANIFEST, GOOD.as_bytes()), ("app-service.js", b"x")])).expect("read").expect("one");
    assert_eq!(found, Manifest { id: "__UNI__A".into(), version: "1.0.1".into(), version_code: 101 });
    let number = format!("\u{feff}{}", GOOD.replace("\"101\"", "101"));
    assert_eq!(wgt(&zip_of(&[(MANIFEST, number.as_bytes())])), Ok(Some(found)));
}

#[test]
fn what_is_no_wgt_is_told_apart() {
    assert_eq!(wgt(b"not a zip"), Err("failures.package_no_zip"));
    assert_eq!(wgt(b""), Err("failures.package_no_zip"));
    assert_eq!(wgt(&zip_of(&[("readme", b"x")])), Err("failures.package_no_manifest"));
    assert_eq!(wgt(&zip_of(&[("www/manifest.json", GOOD.as_bytes())])), Err("failures.package_no_manifest"));
    for bad in ["", "[]", "{\"id\":1}", "{\"id\":\"x\",\"version\":{}}"] {
        assert_eq!(wgt(&zip_of(&[(MANIFEST, bad.as_bytes())])), Err("failures.package_bad_manifest"), "{bad}");
    }
    for bad in ["\"x\"", "\"0\"", "-5", "2100000001", "1.5", "null"] {
        let text = GOOD.replace("\"101\"", bad);
        assert_eq!(wgt(&zip_of(&[(MANIFEST, text.as_bytes())])), Err("failures.package_bad_code"), "{bad}");
    }
}

#[test]
fn names_stay_inside() {
    for bad in ["../evil.js", "a/../../b", "/etc/passwd", "a\\..\\b", "C:/x", "a//b", "./a", "a\u{1b}[31m"] {
        let zip = zip_of(&[(MANIFEST, GOOD.as_bytes()), (bad, b"x")]);
        assert_eq!(wgt(&zip), Err("failures.package_bad_name"), "{bad:?}");
    }
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(MANIFEST, SimpleFileOptions::default()).expect("started");
    zip.write_all(GOOD.as_bytes()).expect("written");
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).expect("linked");
    assert_eq!(wgt(&zip.finish().expect("finished").into_inner()), Err("failures.package_bad_name"));
}

#[test]
fn sizes_are_not_believed() {
    let zeros = vec![0u8; 1_000_000];
    let honest = zip_of(&[(MANIFEST, GOOD.as_bytes()), ("zeros", &zeros)]);
    assert!(wgt(&honest).is_ok());
    // Both headers promise 10 bytes where a million come out.
    let lying = replaced(&honest, &1_000_000u32.to_le_bytes(), &10u32.to_le_bytes());
    assert!(["failures.package_lies", "failures.package_broken"].contains(&wgt(&lying).expect_err("refused")));
    // And the other way round: a gigabyte and more promised.
    let bomb = replaced(&honest, &1_000_000u32.to_le_bytes(), &0xf000_0000u32.to_le_bytes());
    assert_eq!(wgt(&bomb), Err("failures.package_bomb"));
    let cut = &honest[..honest.len() - 30];
    assert_eq!(wgt(cut), Err("failures.package_no_zip"));
    let mut flipped = honest.clone();
    let at = flipped.windows(4).position(|w| w == b"\"id\"").unwrap_or(60);
    flipped[at] ^= 0xff;
    assert!(wgt(&flipped).is_err(), "a checksum tells");
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    let places: Vec<usize> = (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from)).collect();
    assert!(places.len() >= 2, "local and central header");
    for at in places {
        changed[at..at + to.len()].copy_from_slice(to);
    }
    changed
}

#[test]
fn a_bomb_of_many_files_is_refused() {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for n in 0..=MAX_ENTRIES {
        zip.start_file(format!("f{n}"), stored).expect("started");
    }
    assert_eq!(wgt(&zip.finish().expect("finished").into_inner()), Err("failures.package_bomb"));
}

#[test]
fn an_apk_is_known_by_what_android_needs() {
    let apk = zip_of(&[("AndroidManifest.xml", b"\x03\x00"), ("classes.dex", b"dex\n")]);
    assert_eq!(read(&apk, Kind::Android), Ok(None));
    assert_eq!(read(&zip_of(&[(MANIFEST, GOOD.as_bytes())]), Kind::Android), Err("failures.package_no_apk"));
}
