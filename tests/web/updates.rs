//! The pages of what phones get: uploads with their mistakes, the catalogue, editing, taking back.

use reqwest::multipart::{Form, Part};
use sampan::db;
use sampan::model::update::Update;
use sampan::model::user::Role;

use crate::site::{Browser, Site, location};
use crate::support::{wgt, zip_of};

const ID: &str = "__UNI__PAGES1";

async fn rows(site: &Site, program: &str) -> Vec<Update> {
    db::updates::list_of_program(&site.world.app.db, site.world.owner.scope(), program).await.unwrap()
}

async fn send(
    browser: &Browser,
    program: &str,
    fields: &[(&str, &str)],
    file: Option<(&str, Vec<u8>)>,
) -> (u16, String) {
    let mut form = Form::new();
    for (name, value) in fields {
        form = form.text((*name).to_owned(), (*value).to_owned());
    }
    if let Some((name, bytes)) = file {
        form = form.part("file", Part::bytes(bytes).file_name(name.to_owned()));
    }
    let reply = browser.post_form(&format!("/updates/{program}"), form).await;
    match reply.status().as_u16() {
        303 => (303, location(&reply)),
        status => (status, reply.text().await.unwrap()),
    }
}

#[tokio::test]
async fn from_an_empty_catalogue_to_what_a_phone_gets() {
    let site = Site::start().await;
    let p = site.world.app(ID).await.id;
    let owner = site.signed_in(Role::Owner).await;
    assert!(owner.text("/updates").await.contains(&format!("/updates/{p}")));
    assert!(owner.text("/").await.contains("href=\"/updates\""), "the navigation leads there");
    let empty = owner.text(&format!("/updates/{p}")).await;
    assert!(empty.contains("还没有更新") && empty.contains("kind=android"));
    let publish = owner.text(&format!("/programs/{p}")).await;
    assert!(publish.contains("先登记手机上已有的安装包") && publish.contains("name=\"system_android\""));
    assert!(!publish.contains("还没有上传密钥"), "no key is needed");

    let native = [("kind", "android"), ("version", "1.0.0"), ("version_code", "100"), ("channel", "production")];
    let (status, path) = send(&owner, &p, &native, None).await;
    assert_eq!(status, 303, "{path}");
    let page = owner.text(&path).await;
    assert!(page.contains("已登记") && !page.contains("<svg xmlns"), "nothing to download");

    let fields = [("kind", "wgt-android"), ("mode", "force"), ("changelog", "<b>潮汐</b>"), ("remark", "给客户")];
    let (status, path) = send(&owner, &p, &fields, Some(("港.wgt", wgt(ID, "1.0.1", 101)))).await;
    assert_eq!(status, 303, "{path}");
    let page = owner.text(&path).await;
    for part in ["1.0.1", "&#60;b&#62;潮汐", "强制", "≥ 1.0.0 (100)", "/d/", "1.0.1-101.wgt", "<svg", "给客户"]
    {
        assert!(page.contains(part), "{part}");
    }
    let catalogue = owner.text(&format!("/updates/{p}?os=android&native=100&wgt=100&channel=production")).await;
    assert!(catalogue.contains("class=\"answer\"") && catalogue.contains("wgt 热更新 · 强制"));
    let nothing = owner.text(&format!("/updates/{p}?os=android&native=100&wgt=101")).await;
    assert!(nothing.contains("它已经是最新的"));
    assert!(owner.text(&format!("/updates/{p}?os=ios&native=x&before=1")).await.contains("还没有更新"));

    // Change, stop, delete: each with its own way back to the page.
    assert_eq!(owner.post(&path, &[("mode", "silent"), ("changelog", "新")]).await.status(), 303);
    assert!(owner.text(&path).await.contains("静默"));
    let refused = owner.post(&path, &[("mode", "loud"), ("changelog", "记得这个")]).await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("记得这个"));
    assert_eq!(owner.post(&format!("{path}/enabled"), &[("enabled", "no")]).await.status(), 303);
    assert!(owner.text(&path).await.contains("已停用"));
    let native = rows(&site, &p).await.into_iter().find(|u| !u.kind.is_wgt()).unwrap();
    let refused = owner.post(&format!("/updates/{p}/{}/delete", native.id), &[]).await;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("1.0.1"), "it names what depends on it");
    assert_eq!(location(&owner.post(&format!("{path}/delete"), &[]).await), format!("/updates/{p}"));
    assert_eq!(owner.get(&path).await.status(), 404);
}

#[tokio::test]
async fn packages_that_lie_are_refused_with_the_reason() {
    let site = Site::start().await;
    let p = site.world.app(ID).await.id;
    let owner = site.signed_in(Role::Owner).await;
    send(&owner, &p, &[("kind", "android"), ("version", "1.0.0"), ("version_code", "100")], None).await;
    let mut bomb = wgt(ID, "1.0.1", 101);
    let at = bomb.windows(4).rposition(|w| w == b"PK\x01\x02").unwrap();
    // The central directory promises four gigabytes.
    bomb[at + 24..at + 28].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    let good = r#"{"id":"__UNI__PAGES1","version":{"name":"1.0.1","code":"101"}}"#;
    let climbing = zip_of(&[("manifest.json", good), ("../../../etc/cron.d/x", "x")]);
    for (bytes, reason) in [
        (b"GIF89a".to_vec(), "不是一个完整的 zip"),
        (zip_of(&[("readme.txt", "x")]), "必须有 manifest.json"),
        (wgt("__UNI__OTHERS", "1.0.1", 101), "包里的 id 是 __UNI__OTHERS"),
        (climbing, "会写到应用目录之外"),
        (bomb, "手机装不下"),
        (wgt(ID, "1.0.1", 0), "version.code 必须是"),
        (wgt(ID, "latest", 101), "必须是用点分开的数字"),
    ] {
        let (status, page) =
            send(&owner, &p, &[("kind", "wgt-android"), ("changelog", "别丢")], Some(("x.wgt", bytes))).await;
        assert_eq!(status, 422, "{reason}");
        assert!(page.contains(reason) && page.contains("别丢"), "{reason}");
    }
    let staged = site.world.dir.path().join("data/objects/staged");
    assert_eq!(std::fs::read_dir(&staged).unwrap().count(), 0, "nothing of them is kept");
    assert_eq!(rows(&site, &p).await.len(), 1);
    let (status, page) = send(&owner, &p, &[("kind", "wgt-android")], None).await;
    assert!(status == 422 && page.contains("file-error"));
}

#[tokio::test]
async fn a_mistake_beside_a_good_package_does_not_cost_the_upload() {
    let site = Site::start().await;
    let p = site.world.app(ID).await.id;
    let owner = site.signed_in(Role::Owner).await;
    send(&owner, &p, &[("kind", "android"), ("version", "1.0.0"), ("version_code", "100")], None).await;
    let fields = [("kind", "wgt-android"), ("min_native", "7"), ("changelog", "说明")];
    let (status, page) = send(&owner, &p, &fields, Some(("港 <1>.wgt", wgt(ID, "1.0.1", 101)))).await;
    assert_eq!(status, 422);
    assert!(
        page.contains("没有 android 的原生版本 7") && page.contains("不用再传") && page.contains("港 &#60;1&#62;.wgt")
    );
    let id = page.split("name=\"staged\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (status, path) = send(&owner, &p, &[("kind", "wgt-android"), ("staged", &id)], None).await;
    assert_eq!(status, 303, "{path}");
    assert_eq!(rows(&site, &p).await[0].version_code, 101);
    for forged in [id.as_str(), "../../../../etc/passwd", ""] {
        let (status, page) = send(&owner, &p, &[("kind", "wgt-android"), ("staged", forged)], None).await;
        assert!(status == 422 && page.contains("file-error"), "{forged}");
    }
}

#[tokio::test]
async fn too_large_is_said_and_nothing_is_kept() {
    let site = Site::start_with(|settings| settings.package_limit_mb = Some(1)).await;
    let p = site.world.app(ID).await.id;
    let owner = site.signed_in(Role::Owner).await;
    let (status, page) = send(&owner, &p, &[("kind", "wgt-android")], Some(("x.wgt", vec![7; 3 << 20]))).await;
    assert_eq!(status, 422);
    assert!(page.contains("超过 1 MB 的上限"));
    assert_eq!(std::fs::read_dir(site.world.dir.path().join("data/objects/staged")).unwrap().count(), 0);
}

#[tokio::test]
async fn who_may_do_what() {
    let site = Site::start().await;
    let program = site.world.app(ID).await;
    let p = &program.id;
    let native = [("kind", "android"), ("version", "1.0.0"), ("version_code", "100")];
    let update = site.world.add(&program, &native, None).await.unwrap();
    let other = site.world.program("商城").await;
    for role in [Role::Viewer, Role::Publisher] {
        let person = site.signed_in(role).await;
        let page = person.text(&format!("/updates/{p}/{}", update.id)).await;
        assert!(!page.contains("/delete\"") && !page.contains("/enabled\""), "{role}");
        assert_eq!(person.get(&format!("/updates/{p}/new")).await.status(), 403, "{role}");
        assert_eq!(send(&person, p, &native, None).await.0, 403, "{role}");
        for action in ["", "/enabled", "/delete"] {
            let path = format!("/updates/{p}/{}{action}", update.id);
            assert_eq!(person.post(&path, &[("mode", "ask")]).await.status(), 403, "{role} {action}");
        }
        let publish = [("action", "publish"), ("ref", "main"), ("system_android", "yes")];
        assert_eq!(person.post(&format!("/programs/{p}/releases"), &publish).await.status(), 403, "{role}");
        assert!(!person.text(&format!("/programs/{p}")).await.contains("name=\"system_android\""), "{role}");
    }
    let admin = site.signed_in(Role::Admin).await;
    assert_eq!(admin.get(&format!("/updates/{}", other.id)).await.status(), 404, "no catalogue of that program");
    assert_eq!(admin.get(&format!("/updates/{}/{}", other.id, update.id)).await.status(), 404);
    let nobody = site.browser();
    for path in ["/updates".to_owned(), format!("/updates/{p}"), format!("/updates/{p}/new")] {
        assert_eq!(nobody.get(&path).await.status(), 303, "{path}");
    }
    let system = admin.text("/system").await;
    for tool in ["miniprogram-ci 2.1.42", "minidev ", "tt-ide-cli 0.1.33"] {
        assert!(system.contains(tool), "{tool}");
    }
}
