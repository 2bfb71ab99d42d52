//! What phones meet over real HTTP: a client that decides as the field's does, hostile questions, downloads in parts.

use reqwest::header::HeaderMap;
use reqwest::{Client, StatusCode};
use sampan::ops::updates;
use serde_json::{Value, json};

use crate::site::Site;
use crate::support::{form, wgt};

const ID: &str = "__UNI__PHONES1";

/// What the field's client ends with, by its own rules: the numbers it reports to its app.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// 251: a wgt is downloaded and installed.
    Wgt(i64),
    /// 252: a native build's package or shop.
    Native(i64),
    /// 253: nothing.
    Newest,
    /// 254: the server said no.
    Error,
}

/// The client's second decision, on whatever the server answered: a native build wins if it is newer; a wgt only if it
/// is for exactly this build and newer, and only from an address that ends in `.wgt`.
fn decide(answer: &Value, native: i64, wgt: i64) -> Verdict {
    if answer["success"] != json!(true) {
        return Verdict::Error;
    }
    let offer = &answer["data"]["native"];
    if let Some(code) = offer["versionCode"].as_i64().filter(|code| *code > native) {
        return Verdict::Native(code);
    }
    let offer = &answer["data"]["wgt"];
    let fits = offer["nativeVersionCode"].as_i64() == Some(native) && offer["versionCode"].as_i64() > Some(wgt);
    let is_wgt = offer["url"].as_str().is_some_and(|url| url.to_lowercase().ends_with(".wgt"));
    if fits && is_wgt { Verdict::Wgt(offer["versionCode"].as_i64().unwrap()) } else { Verdict::Newest }
}

struct Phone {
    http: Client,
    base: String,
    program: String,
}

impl Phone {
    fn new(site: &Site, program: &str) -> Self {
        Self { http: Client::new(), base: format!("http://{}", site.address), program: program.into() }
    }

    fn question(&self, platform: &str, native: i64, (version, code): (&str, i64)) -> Value {
        json!({ "projectId": self.program, "platform": platform, "wgtVersion": version, "wgtVersionCode": code,
            "nativeVersion": "1.0.0", "nativeVersionCode": native,
            "systemInfo": { "uuid": "a", "model": "x" } })
    }

    async fn ask(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let reply = self.http.post(format!("{}{path}", self.base)).json(body).send().await.unwrap();
        let status = reply.status();
        (status, reply.json().await.unwrap())
    }

    /// The whole way of a client on either path.
    async fn check(&self, platform: &str, native: i64, wgt: (&str, i64)) -> Verdict {
        let body = self.question(platform, native, wgt);
        let (status, answer) = self.ask("/api/update", &body).await;
        assert_eq!(status, 200, "{answer}");
        assert_eq!(self.ask("/api/basic/update", &body).await.1, answer, "both paths say the same");
        decide(&answer, native, wgt.1)
    }

    async fn center(&self, query: &str) -> Value {
        let reply = self.http.get(format!("{}/api/uni-upgrade-center?{query}", self.base)).send().await.unwrap();
        assert_eq!(reply.status(), 200);
        reply.json().await.unwrap()
    }
}

/// Native builds 100 and 200; a wgt for the old one, a newer for the new one.
async fn filled(site: &Site) -> String {
    let w = &site.world;
    let p = w.app(ID).await;
    for kind in ["android", "ios"] {
        w.add(&p, &[("kind", kind), ("version", "1.0.0"), ("version_code", "100")], None).await.unwrap();
        let wgt_kind = format!("wgt-{kind}");
        let old = [("kind", wgt_kind.as_str()), ("max_native", "100"), ("changelog", "潮汐曲线")];
        w.add(&p, &old, Some(&wgt(ID, "1.0.1", 101))).await.unwrap();
    }
    p.id
}

#[tokio::test]
async fn a_client_of_the_field_sees_what_it_should() {
    let site = Site::start().await;
    let program = filled(&site).await;
    let (w, phone) = (&site.world, Phone::new(&site, &program));
    assert_eq!(phone.check("android", 100, ("1.0.0", 100)).await, Verdict::Wgt(101));
    assert_eq!(phone.check("Android", 100, ("1.0.1", 101)).await, Verdict::Newest);
    assert_eq!(phone.check("android", 50, ("0.9", 50)).await, Verdict::Newest, "an old build waits for nothing");
    assert_eq!(phone.check("harmony", 100, ("1.0.0", 100)).await, Verdict::Newest);
    // iOS goes on reporting the native build's code after an update.
    assert_eq!(phone.check("ios", 100, ("1.0.0", 100)).await, Verdict::Wgt(101));
    assert_eq!(phone.check("ios", 100, ("1.0.1", 100)).await, Verdict::Newest);

    // A native build to have if one likes comes after the wgt; one that is forced comes before it.
    let p = sampan::db::programs::find(&w.app.db, w.owner.scope(), &program).await.unwrap().unwrap();
    let shop = [("kind", "ios"), ("version", "2.0.0"), ("version_code", "200"), ("link", "https://apps.example/id1")];
    let native = w.add(&p, &shop, None).await.unwrap();
    assert_eq!(phone.check("ios", 100, ("1.0.0", 100)).await, Verdict::Wgt(101));
    assert_eq!(phone.check("ios", 100, ("1.0.1", 100)).await, Verdict::Native(200));
    updates::edit(&w.app, &w.owner, &native.id, &form(&[("mode", "force"), ("link", shop[3].1)])).await.unwrap();
    assert_eq!(phone.check("ios", 100, ("1.0.0", 100)).await, Verdict::Native(200));
    let (_, answer) = phone.ask("/api/update", &phone.question("ios", 100, ("1.0.0", 100))).await;
    let item = &answer["data"]["native"];
    assert_eq!((item["url"].as_str(), item["type"].as_i64()), (Some("https://apps.example/id1"), Some(4)));
    assert_eq!((item["updateType"].as_i64(), &answer["data"]["wgt"]), (Some(2), &Value::Null));

    // Disabled is not served, also when it is the only one.
    let rows = sampan::db::updates::list_of_program(&w.app.db, w.owner.scope(), &program).await.unwrap();
    for row in rows {
        updates::set_enabled(&w.app, &w.owner, &row.id, false).await.unwrap();
    }
    assert_eq!(phone.check("android", 100, ("1.0.0", 100)).await, Verdict::Newest);
    assert_eq!(phone.check("ios", 100, ("1.0.0", 100)).await, Verdict::Newest);
}

#[tokio::test]
async fn the_wire_is_the_documented_one() {
    let site = Site::start().await;
    let program = filled(&site).await;
    let phone = Phone::new(&site, &program);
    let (_, answer) = phone.ask("/api/update", &phone.question("android", 100, ("1.0.0", 100))).await;
    assert_eq!((&answer["statusCode"], &answer["message"]), (&json!(200), &json!("成功")));
    let item = answer["data"]["wgt"].as_object().unwrap();
    for field in [
        "id",
        "projectId",
        "version",
        "versionCode",
        "nativeVersionCode",
        "url",
        "updateType",
        "type",
        "status",
        "changelog",
        "remark",
        "createdTime",
        "updatedTime",
        "sha256",
        "size",
        "signature",
    ] {
        assert!(item.contains_key(field), "{field}");
    }
    assert_eq!((&item["projectId"], &item["nativeVersionCode"]), (&json!(program), &json!(100)));
    assert_eq!((&item["type"], &item["updateType"], &item["status"]), (&json!(1), &json!(1), &json!(1)));
    assert_eq!(item["changelog"], "潮汐曲线");

    // The bytes are those that were signed.
    let bytes = phone.http.get(item["url"].as_str().unwrap()).send().await.unwrap().bytes().await.unwrap();
    assert_eq!(bytes, wgt(ID, "1.0.1", 101));
    let sha256 = sampan::model::hex_of(&openssl::sha::sha256(&bytes));
    assert_eq!((item["sha256"].as_str(), item["size"].as_u64()), (Some(sha256.as_str()), Some(bytes.len() as u64)));
    let pem = phone.http.get(format!("{}/d/signing-key.pem", phone.base)).send().await.unwrap().text().await.unwrap();
    let key = openssl::pkey::PKey::public_key_from_pem(pem.as_bytes()).unwrap();
    let text = format!("sampan-update-v1\n{program}\n1.0.1\n101\n{sha256}\n{}\n", bytes.len());
    let signature = sampan::model::bytes_of(item["signature"].as_str().unwrap()).unwrap();
    let verify = |text: &str| {
        let mut verifier = openssl::sign::Verifier::new_without_digest(&key).unwrap();
        verifier.verify_oneshot(&signature, text.as_bytes()).unwrap()
    };
    assert!(verify(&text) && !verify(&text.replace("1.0.1", "1.0.2")));
}

#[tokio::test]
async fn the_other_clients_words() {
    let site = Site::start().await;
    let program = filled(&site).await;
    let phone = Phone::new(&site, &program);
    let known = format!("appid={ID}&platform=android");
    let found = phone.center(&format!("{known}&appVersion=1.0.0&wgtVersion=1.0.0")).await;
    assert_eq!((&found["code"], &found["type"], &found["version"]), (&json!(101), &json!("wgt"), &json!("1.0.1")));
    assert_eq!((&found["is_mandatory"], &found["is_silently"]), (&json!(false), &json!(false)));
    assert!(found["url"].as_str().unwrap().ends_with(".wgt") && found["contents"] == "潮汐曲线");
    assert_eq!(phone.center(&format!("{known}&appVersion=1.0.0&wgtVersion=1.0.1")).await["code"], 0);
    assert_eq!(phone.center(&format!("{known}&appVersion=7.7.7&wgtVersion=7.7.7")).await["code"], 0);
    assert_eq!(phone.center("appid=__UNI__NOBODY&platform=android&appVersion=1.0.0").await["code"], -101);
    for bad in ["", "appid=x", "appid=x&appVersion=1&platform=windows", "platform=ios"] {
        assert_eq!(phone.center(bad).await["code"], -102, "{bad}");
    }
    // The call as the cloud function got it, and the system from the agent.
    let url = format!("{}/api/uni-upgrade-center", phone.base);
    let data = json!({ "action": "checkVersion", "appid": ID, "appVersion": "1.0.0", "wgtVersion": "1.0.0" });
    for body in [data.clone(), json!({ "name": "uni-upgrade-center", "data": data })] {
        for (agent, code) in [
            ("Mozilla/5.0 (Linux; Android 14) uni-app", 101),
            ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)", 101),
            ("Mozilla/5.0 (Linux; HarmonyOS; Android 12)", 0),
            ("curl", -102),
        ] {
            let reply = phone.http.post(&url).header("user-agent", agent).json(&body).send().await.unwrap();
            assert_eq!(reply.json::<Value>().await.unwrap()["code"], code, "{agent}");
        }
    }
    let reply = phone.http.post(&url).body("{").send().await.unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap()["code"], -102);
}

#[tokio::test]
async fn hostile_questions_change_nothing() {
    let site = Site::start().await;
    let program = filled(&site).await;
    let phone = Phone::new(&site, &program);
    let url = format!("{}/api/update", phone.base);
    let good = phone.question("android", 100, ("1.0.0", 100));
    let expected = phone.ask("/api/update", &good).await;
    let deep = format!("{}1{}", "[".repeat(20_000), "]".repeat(20_000));
    let telemetry = ["null", "7", "\"x\"", "[]", "{\"uuid\":{}}", "{\"uuid\":null,\"a\":[[[]]]}", &deep];
    for odd in telemetry.iter().map(|odd| (*odd).to_owned()).chain([format!("\"{}\"", "ж".repeat(20_000))]) {
        let mut text = good.to_string();
        text.truncate(text.len() - 1);
        // Again with another value: the last word on telemetry does not matter, there is no word on it.
        let text = text.replace("\"systemInfo\"", "\"telemetry\"") + &format!(",\"systemInfo\":{odd}}}");
        let reply = phone.http.post(&url).body(text).send().await.unwrap();
        let found = (reply.status(), reply.json::<Value>().await.unwrap());
        assert_eq!(found, expected, "{}", &odd[..odd.len().min(40)]);
    }
    // A client that sends codes as text, and one that sends no telemetry.
    let mut texts = good.clone();
    texts["nativeVersionCode"] = json!("100");
    texts["wgtVersionCode"] = json!(" 100 ");
    texts.as_object_mut().unwrap().remove("systemInfo");
    assert_eq!(phone.ask("/api/update", &texts).await, expected);

    for (change, status) in [
        (json!({ "projectId": "nobody" }), 404),
        (json!({ "projectId": 7 }), 404),
        (json!({ "projectId": null }), 404),
        (json!({ "platform": "windows" }), 400),
        (json!({ "platform": ["android"] }), 400),
        (json!({ "nativeVersionCode": "x" }), 400),
        (json!({ "nativeVersionCode": 1e300 }), 400),
        (json!({ "wgtVersionCode": {} }), 400),
    ] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (found, answer) = phone.ask("/api/update", &body).await;
        assert_eq!(found.as_u16(), status, "{change}");
        assert_eq!(
            (&answer["success"], answer["statusCode"].as_u64()),
            (&json!(false), Some(u64::from(status))),
            "{change}"
        );
        assert_eq!(decide(&answer, 100, 100), Verdict::Error);
    }
    for body in ["", "{", "[]", "null", "\u{0}", "{\"projectId\":"] {
        let reply = phone.http.post(&url).body(body).send().await.unwrap();
        assert_eq!(reply.status(), 400, "{body:?}");
        assert_eq!(reply.json::<Value>().await.unwrap()["success"], false);
    }
    let huge = phone.http.post(&url).body(vec![b' '; 10 * 1024 * 1024]).send().await;
    // Refused before it is read: the connection may break while the rest is still being sent.
    assert!(huge.is_err() || huge.unwrap().status() == 413);
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let reply = phone.http.request(method.parse().unwrap(), &url).send().await.unwrap();
        assert_eq!(reply.status(), 405, "{method}");
        assert_eq!(reply.json::<Value>().await.unwrap()["success"], false);
    }
    assert_eq!(phone.ask("/api/update", &good).await, expected, "still there");
}

#[tokio::test]
async fn channels_are_named_by_query_or_header() {
    let site = Site::start().await;
    let program = filled(&site).await;
    let (w, phone) = (&site.world, Phone::new(&site, &program));
    let p = sampan::db::programs::find(&w.app.db, w.owner.scope(), &program).await.unwrap().unwrap();
    let test = [("kind", "wgt-android"), ("channel", "test")];
    w.add(&p, &test, Some(&wgt(ID, "1.0.2", 102))).await.unwrap();
    let body = phone.question("android", 100, ("1.0.0", 100));
    let of = |answer: Value| answer["data"]["wgt"]["versionCode"].as_i64();
    assert_eq!(of(phone.ask("/api/update", &body).await.1), Some(101));
    assert_eq!(of(phone.ask("/api/update?channel=test", &body).await.1), Some(102));
    assert_eq!(of(phone.ask("/api/update?channel=%F0%9F%92%A5", &body).await.1), None);
    let request = phone.http.post(format!("{}/api/update", phone.base)).header("x-sampan-channel", "test").json(&body);
    assert_eq!(of(request.send().await.unwrap().json().await.unwrap()), Some(102));
}

#[tokio::test]
async fn packages_come_in_parts_and_stay_in_caches() {
    let site = Site::start().await;
    let program = filled(&site).await;
    let phone = Phone::new(&site, &program);
    let (_, answer) = phone.ask("/api/update", &phone.question("android", 100, ("1.0.0", 100))).await;
    let url = answer["data"]["wgt"]["url"].as_str().unwrap().to_owned();
    let whole = wgt(ID, "1.0.1", 101);
    let get = async |headers: &[(&'static str, &str)]| -> (u16, HeaderMap, Vec<u8>) {
        let mut request = phone.http.get(&url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let reply = request.send().await.unwrap();
        (reply.status().as_u16(), reply.headers().clone(), reply.bytes().await.unwrap().to_vec())
    };
    let (status, headers, bytes) = get(&[]).await;
    assert_eq!((status, &bytes), (200, &whole));
    let etag = headers["etag"].to_str().unwrap().to_owned();
    assert!(headers["cache-control"].to_str().unwrap().contains("immutable"));
    assert_eq!((headers["accept-ranges"].as_bytes(), headers["content-length"].len()), (&b"bytes"[..], 3));
    let end = whole.len();
    for (range, from, to) in
        [("bytes=0-9", 0, 10), ("bytes=10-", 10, end), ("bytes=-5", end - 5, end), ("bytes=5-999999", 5, end)]
    {
        let (status, headers, bytes) = get(&[("range", range)]).await;
        assert_eq!((status, bytes.as_slice()), (206, &whole[from..to]), "{range}");
        assert_eq!(headers["content-range"], format!("bytes {from}-{}/{end}", to - 1));
    }
    assert_eq!(get(&[("range", "bytes=999999-")]).await.0, 416);
    for whole_again in ["bytes=0-1,3-4", "lines=1-2"] {
        assert_eq!(get(&[("range", whole_again)]).await.2, whole, "{whole_again}");
    }
    assert_eq!(get(&[("range", "bytes=0-9"), ("if-range", &etag)]).await.0, 206);
    assert_eq!(get(&[("range", "bytes=0-9"), ("if-range", "\"other\"")]).await.2, whole, "an older file's part");
    let (status, _, bytes) = get(&[("if-none-match", &etag)]).await;
    assert_eq!((status, bytes.len()), (304, 0));
    let head = phone.http.head(&url).send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), head.headers()["content-length"].to_str().unwrap()),
        (200, end.to_string().as_str())
    );
    for missing in ["/d/0000/x.wgt", "/d/..%2f..%2fmaster.key/x.wgt", "/d/", "/d/packages/x"] {
        let reply = phone.http.get(format!("{}{missing}", phone.base)).send().await.unwrap();
        assert_eq!(reply.status(), 404, "{missing}");
    }
}
