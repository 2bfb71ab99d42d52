//! Forms keep what was typed, say what is wrong at the field, and lose nothing.

use sampan::db;
use sampan::model::user::Role;

use crate::site::{Site, location};

#[tokio::test]
async fn from_nothing_to_a_queued_release() {
    let site = Site::start().await;
    let owner = site.signed_in(Role::Owner).await;
    let empty = owner.text("/").await;
    assert!(empty.contains("创建项目组") && empty.contains("data-step=\"next\""));

    assert_eq!(owner.post("/groups", &[("name", " ")]).await.status(), 422);
    let made = owner.post("/groups", &[("name", "零售 <b>")]).await;
    assert!(location(&made).starts_with("/programs/new?group="));
    let group = location(&made).rsplit('=').next().unwrap().to_owned();
    let choice = owner.text(&location(&made)).await;
    let next = format!("/programs/new?platform=wechat&amp;group={group}");
    assert!(choice.contains(&next), "a platform comes first");
    let form = owner.text(&next.replace("&amp;", "&")).await;
    assert!(
        form.contains("npm run build:mp-weixin") && form.contains("dist/build/mp-weixin"),
        "the platform's defaults"
    );
    assert!(form.contains("零售 &#60;b&#62;") && !form.contains("零售 <b>"), "escaped");

    let mut fields = vec![
        ("group", group.as_str()),
        ("platform", "wechat"),
        ("name", "商城"),
        ("app_id", "nonsense"),
        ("repo_url", "https://user:token@git.example.invalid/a.git"),
        ("default_ref", "main"),
        ("output_dir", "dist"),
        ("options.robot", "12"),
        ("options.es6", "true"),
    ];
    let refused = owner.post("/programs", &fields).await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(
        page.contains("app_id-error") && page.contains("value=\"nonsense\"") && page.contains("value=\"商城\""),
        "typed values stay"
    );
    fields[3].1 = crate::support::APP_ID;
    let made = owner.post("/programs", &fields).await;
    let path = location(&made);
    assert!(path.ends_with("/edit#credential"));
    let id = path.split('/').nth(2).unwrap().to_owned();

    let page = owner.text(&format!("/programs/{id}")).await;
    assert!(page.contains("还没有上传密钥") && !page.contains("token@"), "no secrets of the address on the page");
    let publish =
        [("action", "upload"), ("ref", "main"), ("version", "1.0.0"), ("environment", "production"), ("key", "a")];
    let releases = format!("/programs/{id}/releases");
    let refused = owner.post(&releases, &publish).await;
    assert_eq!(refused.status(), 409);
    assert!(refused.text().await.unwrap().contains("还没有上传密钥"));

    let credential = format!("/programs/{id}/credential");
    let refused = owner.post_file(&credential, "private_key", "hello").await;
    assert_eq!(refused.status(), 422);
    assert!(refused.text().await.unwrap().contains("不是 PEM"));
    let key = crate::support::rsa_key();
    assert_eq!(owner.post_file(&credential, "private_key_file", &key).await.status(), 303);
    let page = owner.text(&format!("/programs/{id}/edit")).await;
    assert!(page.contains("SHA256:") && !page.contains(key.lines().nth(2).unwrap()), "never shown again");
    assert!(page.contains("value=\"12\""));

    let refused = owner
        .post(
            &releases,
            &[("action", "upload"), ("ref", "--upload-pack=x"), ("version", "1.0.0"), ("description", "记得这个")],
        )
        .await;
    assert_eq!(refused.status(), 422);
    let page = refused.text().await.unwrap();
    assert!(page.contains("upload-ref-error") && page.contains("记得这个"));

    let first = owner.post(&releases, &publish).await;
    let second = owner.post(&releases, &publish).await;
    assert_eq!(location(&first), location(&second), "a double click publishes once");
    let count = db::releases::count_of_program(&site.world.app.db, &id).await.unwrap();
    assert_eq!(count, 1);
    let page = owner.text(&location(&first)).await;
    assert!(page.contains("排队中") && page.contains("1.0.0") && page.contains("data-over=\"false\""));
    assert!(owner.text("/").await.contains("排队中"));
}

#[tokio::test]
async fn both_languages_and_themes() {
    let site = Site::start().await;
    let browser = site.signed_in(Role::Owner).await;
    assert!(browser.text("/").await.contains("<html lang=\"zh-CN\""));
    let reply = browser.post("/preferences", &[("lang", "en"), ("next", "/me")]).await;
    assert_eq!(location(&reply), "/me");
    let page = browser.text("/me").await;
    assert!(page.contains("<html lang=\"en\"") && page.contains("My settings"));
    browser.post("/preferences", &[("theme", "dark"), ("next", "//evil.example")]).await;
    assert!(browser.text("/").await.contains("data-theme=\"dark\""));
    let reply = browser.post("/preferences", &[("theme", "auto"), ("next", "//evil.example")]).await;
    assert_eq!(location(&reply), "/");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_loads_is_kept_under_its_version_only() {
    let site = Site::start().await;
    let browser = site.browser();
    let page = browser.text("/sign-in").await;
    let script = page.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
    assert!(script.starts_with("/static/v-") && script.ends_with("/app.js"), "{script}");
    let cache = async |path: &str| {
        let reply = browser.get(path).await;
        assert_eq!(reply.status(), 200, "{path}");
        reply.headers()["cache-control"].to_str().unwrap().to_owned()
    };
    assert!(cache(&script).await.contains("immutable"));
    // A page that came before an upgrade asks for what is gone.
    assert_eq!(cache("/static/v-000000000000/app.js").await, "no-cache");
    assert_eq!(cache("/static/app.js").await, "no-cache");
}
