//! Requests a second that pages bear, by `wrk`, beside a bare axum handler that answers with the same bytes.

use axum::Router;
use axum::routing::get;
use tokio::process::Command;

use crate::report::Report;
use crate::served::Served;

pub(crate) async fn pages(report: &mut Report, sampan: &Served, release: &str) {
    for (name, path) in [
        ("home page", "/".to_owned()),
        ("release page", format!("/releases/{release}")),
        ("part of a log", format!("/releases/{release}/log/chunks?from=500000&to=500100")),
    ] {
        let reply = sampan.http.get(sampan.url(&path)).header("cookie", &sampan.cookie).send().await.unwrap();
        assert!(reply.status().is_success(), "{path}");
        let body = reply.bytes().await.unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let bare = format!("http://{}/", listener.local_addr().unwrap());
        let router = Router::new().route("/", get(move || std::future::ready(body)));
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        let ours = wrk(&sampan.url(&path), &sampan.cookie).await;
        let yardstick = wrk(&bare, &sampan.cookie).await;
        server.abort();
        report.add(&format!("{name}: requests"), "/s", ours);
        report.add(&format!("{name}: bare axum handler"), "/s", yardstick);
        report.add(&format!("{name} / bare handler"), "ratio", ours / yardstick);
    }
}

async fn wrk(url: &str, cookie: &str) -> f64 {
    let header = format!("cookie: {cookie}");
    let done = Command::new("wrk").args(["-t1", "-c16", "-d5s", "-H", &header, url]).output().await.unwrap();
    let said = String::from_utf8(done.stdout).unwrap();
    assert!(done.status.success() && !said.contains("Non-2xx"), "{said}");
    let line = said.lines().find(|line| line.starts_with("Requests/sec:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
