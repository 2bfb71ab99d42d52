//! Who may do what, by raw HTTP: nobody, viewer, publisher, admin, owner.

use sampan::model::user::Role;

use crate::site::{Browser, Site, cookie, location, session_cookie, socket};

/// Path, and whether viewer, publisher, admin, owner may go there.
async fn may(browser: &Browser, method: &str, path: &str) -> bool {
    let reply = match method {
        "GET" => browser.get(path).await,
        _ => browser.post(path, &[]).await,
    };
    let status = reply.status().as_u16();
    assert_ne!(status, 500, "{method} {path}");
    assert!(!(status == 303 && location(&reply).starts_with("/sign-in")), "{method} {path}: signed in");
    status != 403
}

#[tokio::test]
async fn the_matrix() {
    let site = Site::start().await;
    let program = site.world.program("商城").await;
    let release = site.world.release(&program, None).await;
    let (p, r, g) = (&program.id, &release.id, &program.group_id);
    // method, path, viewer, publisher, admin, owner
    let matrix = [
        ("GET", "/".to_owned(), true, true, true, true),
        ("GET", format!("/programs/{p}"), true, true, true, true),
        ("GET", format!("/releases/{r}"), true, true, true, true),
        ("GET", format!("/releases/{r}/log.txt"), true, true, true, true),
        ("GET", format!("/releases/{r}/qr"), true, true, true, true),
        ("GET", "/me".to_owned(), true, true, true, true),
        ("GET", "/groups/new".to_owned(), false, false, true, true),
        ("GET", "/programs/new".to_owned(), false, false, true, true),
        ("GET", format!("/groups/{g}/edit"), false, false, true, true),
        ("GET", format!("/programs/{p}/edit"), false, false, true, true),
        ("GET", "/system".to_owned(), false, false, true, true),
        ("POST", "/programs/inspect".to_owned(), false, false, true, true),
        ("POST", format!("/programs/{p}/repository-credential/delete"), false, false, true, true),
        ("POST", format!("/programs/{p}/known-host/delete"), false, false, true, true),
        ("POST", format!("/programs/{p}/robots/delete"), false, false, true, true),
        ("POST", format!("/releases/{r}/remark"), false, false, true, true),
        ("POST", format!("/releases/{r}/confirm"), false, false, true, true),
        ("POST", format!("/releases/{r}/retry"), false, false, true, true),
        ("POST", format!("/groups/{g}/delete"), false, false, true, true),
    ];
    let people = [
        site.signed_in(Role::Viewer).await,
        site.signed_in(Role::Publisher).await,
        site.signed_in(Role::Admin).await,
        site.signed_in(Role::Owner).await,
    ];
    for (method, path, viewer, publisher, admin, owner) in &matrix {
        for (browser, (allowed, role)) in
            people.iter().zip([viewer, publisher, admin, owner].into_iter().zip(Role::ALL))
        {
            assert_eq!(may(browser, method, path).await, *allowed, "{method} {path} as {role}");
        }
    }

    let forms: [(String, Vec<(&str, &str)>); 6] = [
        ("/system/kept/delete".to_owned(), vec![("all", "yes")]),
        (format!("/programs/{p}/archive"), vec![("archived", "yes")]),
        ("/groups".to_owned(), vec![("name", "新")]),
        (format!("/groups/{g}/edit"), vec![("name", "改")]),
        ("/programs".to_owned(), vec![("name", "x")]),
        (format!("/programs/{p}/edit"), vec![("name", "x")]),
    ];
    for (path, form) in &forms {
        for browser in &people[..2] {
            assert_eq!(browser.post(path, form).await.status(), 403, "{path}");
        }
    }
    let publish = [("action", "preview"), ("ref", "main"), ("environment", "production"), ("key", "k1")];
    let path = format!("/programs/{p}/releases");
    assert_eq!(people[0].post(&path, &publish).await.status(), 403, "a viewer cannot publish");
    let reply = people[1].post(&path, &publish).await;
    assert_eq!(reply.status(), 303);
    let own = location(&reply);
    assert_eq!(people[0].post(&format!("{own}/cancel"), &[]).await.status(), 403, "a viewer cannot cancel");
    assert_eq!(people[1].post(&format!("/releases/{r}/cancel"), &[]).await.status(), 403, "not hers");
    assert_eq!(people[1].post(&format!("{own}/cancel"), &[]).await.status(), 303, "her own");
    let key =
        people[1].post_file(&format!("/programs/{p}/credential"), "private_key", &crate::support::rsa_key()).await;
    assert_eq!(key.status(), 403, "a publisher cannot replace a key");
}

#[tokio::test]
async fn nobody_sees_anything() {
    let site = Site::start().await;
    let program = site.world.program("商城").await;
    let release = site.world.release(&program, None).await;
    let nobody = site.browser();
    for path in [
        "/",
        "/me",
        "/groups/new",
        "/programs/new",
        &format!("/programs/{}", program.id),
        &format!("/releases/{}", release.id),
        &format!("/releases/{}/log.txt", release.id),
        &format!("/releases/{}/qr", release.id),
    ] {
        let reply = nobody.get(path).await;
        assert_eq!(reply.status(), 303, "{path}");
        assert!(location(&reply).starts_with("/sign-in?next="), "{path}");
    }
    for path in ["/groups", "/programs", "/sign-out", "/me/password", &format!("/releases/{}/cancel", release.id)] {
        let reply = nobody.post(path, &[]).await;
        assert!(reply.status() == 303 && location(&reply).starts_with("/sign-in"), "{path}");
    }
    for path in ["/live", &format!("/releases/{}/live", release.id)] {
        assert!(socket(&site, path, "", None).await.is_err(), "{path}");
    }
    assert_eq!(nobody.text("/healthz").await, "ok\n");
    assert_eq!(nobody.text("/readyz").await, "ready\n");
    let missing = nobody.get("/no/such/page").await;
    assert_eq!(missing.status(), 404);
    assert!(missing.text().await.unwrap().contains("没有这个页面"));
}

#[tokio::test]
async fn sessions_and_foreign_sites() {
    let site = Site::start().await;
    let browser = site.browser();
    assert_eq!(browser.sign_in("admin", "wrong").await, 401);
    let planted = browser.get("/sign-in").await.headers().get("set-cookie").map(|c| c.to_str().unwrap().to_owned());
    let signed = browser
        .post("/sign-in", &[("login", "admin"), ("password", "correct horse"), ("next", "//evil.example")])
        .await;
    assert_eq!(location(&signed), "/", "never to another site");
    let cookie_line = session_cookie(&signed);
    assert!(cookie_line.contains("HttpOnly") && cookie_line.contains("SameSite=Lax"), "{cookie_line}");
    assert_ne!(planted.as_deref().map(|c| c.split(';').next().unwrap()), Some(cookie_line.split(';').next().unwrap()));

    // A form post from another site is refused, also with the cookie.
    let base = format!("http://{}", site.address);
    for headers in [
        [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")],
        [("origin", "null"), ("accept", "*/*")],
    ] {
        let mut request = browser.http.post(format!("{base}/groups")).form(&[("name", "x")]);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        assert_eq!(request.send().await.unwrap().status(), 403, "{headers:?}");
    }
    let cookie = cookie(&site, "admin", "correct horse").await;
    assert_eq!(socket(&site, "/live", &cookie, Some("https://evil.example")).await.err(), Some(403));
    assert!(socket(&site, "/live", &cookie, Some(&base)).await.is_ok());

    // A tampered cookie is no session; a new password ends the other sessions.
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let with = |cookie: String| client.get(format!("{base}/me")).header("cookie", cookie).send();
    assert_eq!(with(cookie.clone()).await.unwrap().status(), 200);
    assert_eq!(with(cookie.replace('=', "=x")).await.unwrap().status(), 303);
    let changed = browser.post("/me/password", &[("current", "correct horse"), ("password", "another horse")]).await;
    assert_eq!(changed.status(), 200);
    assert_eq!(with(cookie).await.unwrap().status(), 303, "ended");
    assert_eq!(browser.get("/me").await.status(), 200, "this one stays");
    assert_eq!(browser.post("/sign-out", &[]).await.status(), 303);
    assert_eq!(browser.get("/me").await.status(), 303);

    let headers = browser.get("/sign-in").await.headers().clone();
    let csp = headers["content-security-policy"].to_str().unwrap();
    assert!(csp.contains("script-src 'self'") && !csp.contains("unsafe"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
}
