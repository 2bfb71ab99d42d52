//! The code being built never meets a key: it searches everything it can reach, in every stage it runs in.

use sampan::model::release::{Action, Status};

use crate::outside::{Sampan, VendorApp, native};

/// Searches files, environments and command lines for a needle it only knows backwards, and for a canary it must find.
const SEARCH: &str = r#"
const fs = require('fs'), path = require('path');
const needle = Buffer.from(NEEDLE.split('').reverse().join(''));
const canary = Buffer.from('can' + 'ary-5d1f');
module.exports = function search(where) {
  let files = 0, keys = [], canaries = 0;
  const look = (file) => {
    let bytes;
    try { bytes = fs.readFileSync(file); } catch { return; }
    files++;
    if (bytes.includes(needle)) keys.push(file);
    if (bytes.includes(canary)) canaries++;
  };
  const walk = (folder, depth) => {
    let entries;
    try { entries = fs.readdirSync(folder, { withFileTypes: true }); } catch { return; }
    for (const entry of entries) {
      const at = path.join(folder, entry.name);
      if (/^\/(sys|dev|proc)($|\/)/.test(at) || /node_modules\/./.test(at) && !at.startsWith('/work')) continue;
      if (entry.isDirectory()) { if (depth < 14) walk(at, depth + 1); }
      else if (entry.isFile()) { try { if (fs.statSync(at).size < 4e6) look(at); } catch {} }
    }
  };
  walk('/', 0);
  for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
    for (const name of ['environ', 'cmdline', 'mountinfo']) look(`/proc/${pid}/${name}`);
  const secret = fs.existsSync('/job/secret');
  return `SEARCHED in ${where}: files=${files > 50} keys=${keys.length} canary=${canaries > 0} secret=${secret} uid=${process.getuid()}`;
};
if (require.main === module) console.log(module.exports(process.argv[2]));
"#;

/// A Less plugin: the vendor's own compiler runs it. It swallows what plugins print, so this one speaks through the
/// standard output of whatever process it finds.
const PLUGIN: &str = r#"
const fs = require('fs'), search = require('./search.js');
const text = search('plugin') + '\n';
for (const pid of fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)))
  try { fs.appendFileSync(`/proc/${pid}/fd/1`, text); } catch {}
module.exports = { install() {} };
"#;

#[tokio::test(flavor = "multi_thread")]
async fn repository_code_finds_no_key_anywhere() {
    let (sampan, vendor) = (Sampan::start().await, VendorApp::register().await);
    let needle: String = vendor.key.lines().nth(3).unwrap().chars().rev().collect();
    let search = SEARCH.replace("NEEDLE", &format!("{needle:?}"));
    let repo = native(&[
        ("tools/search.js", &search),
        ("search.js", &search),
        ("plugin.js", PLUGIN),
        ("canary.txt", "canary-5d1f"),
        (
            "package.json",
            r#"{"name":"probe","version":"1.0.0","scripts":{"postinstall":"node tools/search.js install","build":"node tools/search.js compile"}}"#,
        ),
        (
            "package-lock.json",
            r#"{"name":"probe","version":"1.0.0","lockfileVersion":3,"requires":true,"packages":{"":{"name":"probe","version":"1.0.0","hasInstallScript":true}}}"#,
        ),
        ("project.config.json", r#"{"setting":{"useCompilerPlugins":["less"]}}"#),
        ("app.json", r#"{"pages":["pages/index/index","pages/less/less"]}"#),
        ("pages/less/less.js", "Page({});\n"),
        ("pages/less/less.wxml", "<view/>\n"),
        ("pages/less/less.less", "@plugin \"../../plugin.js\";\nview { color: teal; }\n"),
    ]);
    let program = sampan.program(&vendor, &repo, &[("build_command", "npm run build")]).await;
    let release = sampan.run(&program, Action::Upload).await;
    let log = sampan.text(&release.id).await;
    assert_eq!(release.status, Status::Succeeded, "{:?}\n{log}", release.failure);

    let searches: Vec<&str> = log.lines().filter(|line| line.contains("SEARCHED in")).collect();
    for (stage, place) in [("install", "install"), ("compile", "compile"), ("prepare", "plugin")] {
        let found = searches.iter().find(|line| line.starts_with(stage) && line.contains(&format!("in {place}")));
        let found = found.unwrap_or_else(|| panic!("nothing searched in {stage}:\n{log}"));
        assert!(found.contains("files=true keys=0 canary=true secret=false"), "{found}");
        assert!(!found.contains("uid=0"), "{found}");
    }
    assert!(
        !searches.iter().any(|line| line.starts_with("deliver")),
        "no repository code runs beside the key: {searches:?}"
    );
    assert!(!log.contains(vendor.key.lines().nth(3).unwrap()));

    // The key is nowhere in the clear on this machine's side either.
    let line = vendor.key.lines().nth(3).unwrap().as_bytes().to_vec();
    let mut folders = vec![sampan.dir.path().to_path_buf()];
    let mut seen = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else if let Ok(bytes) = std::fs::read(entry.path()) {
                seen += 1;
                assert!(!bytes.windows(line.len()).any(|window| window == line), "{}", entry.path().display());
            }
        }
    }
    assert!(seen > 3);
    sampan.stop().await;
}
