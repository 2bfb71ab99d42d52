//! Sessions and the brake in a real Redis: shared by instances, and away for a while.

use std::path::Path;
use std::process::Command;

use crate::site::{Site, cookie, location, socket};

struct Redis {
    dir: tempfile::TempDir,
}

impl Redis {
    fn run(verb: &str, dir: &Path) -> String {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/redis.sh");
        let done = Command::new(script).arg(verb).arg(dir).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    fn start() -> (Self, String) {
        let dir = tempfile::tempdir().unwrap();
        let url = Self::run("up", dir.path());
        (Self { dir }, url)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        Self::run("down", self.dir.path());
    }
}

async fn site(url: &str) -> Site {
    let url = url.to_owned();
    Site::start_with(|settings| settings.redis_url = Some(url)).await
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_in_redis() {
    let (redis, url) = Redis::start();
    let site = site(&url).await;
    let browser = site.browser();
    assert_eq!(browser.sign_in("admin", "correct horse").await, 303);
    assert_eq!(browser.get("/me").await.status(), 200);
    let other = cookie(&site, "admin", "correct horse").await;
    let sessions = site.world.app.sessions.list_of_user(&site.world.owner.id).await.unwrap();
    assert_eq!(sessions.len(), 2);
    assert!(!other.contains(&sessions[0].id) && !other.contains(&sessions[1].id), "what rests there opens nothing");
    assert_eq!(browser.post("/me/sessions/delete", &[]).await.status(), 303, "all others");
    assert_eq!(socket(&site, "/live", &other, None).await.err(), Some(303), "ended");
    assert_eq!(browser.get("/me").await.status(), 200, "this one stays");

    Redis::run("down", redis.dir.path());
    let away = browser.get("/me").await;
    assert_eq!(away.status(), 503);
    assert!(away.text().await.unwrap().contains("登录服务暂时不可用"), "says what is wrong");
    assert_eq!(site.browser().sign_in("admin", "correct horse").await, 503, "and nobody is let in blindly");
    assert_eq!(browser.get("/healthz").await.status(), 200);
    assert_eq!(Redis::run("up", redis.dir.path()), url);
    // It keeps nothing: everybody signs in again, and can.
    let again = browser.get("/me").await;
    assert_eq!((again.status().as_u16(), location(&again).starts_with("/sign-in")), (303, true));
    assert_eq!(browser.sign_in("admin", "correct horse").await, 303);
    assert_eq!(browser.get("/me").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_count_across_instances() {
    let (_redis, url) = Redis::start();
    let (one, two) = (site(&url).await, site(&url).await);
    for _ in 0..5 {
        assert_eq!(one.browser().sign_in("admin", "wrong").await, 401);
    }
    assert_eq!(one.browser().sign_in("admin", "correct horse").await, 429);
    assert_eq!(two.browser().sign_in("admin", "correct horse").await, 429, "the other instance knows");
    assert_eq!(two.browser().sign_in("somebody", "wrong").await, 401, "others are not slowed down");
}
