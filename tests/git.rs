//! Git against real servers: HTTPS with a private authority, SSH, and repositories of every kind. Run by `make test`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "the set-up names its servers in the environment")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use sampan::git::{self, Checkout, Commit, GitError, Limits, Login, Remote};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

fn env(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run `make test`"))
}

fn init() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| git::init(Some(Path::new(&env("SAMPAN_EXTRA_CA_FILE")))).unwrap());
}

/// A working copy whose state can be published to the servers' folder.
struct Repo {
    work: TempDir,
    name: String,
}

impl Repo {
    fn new(files: &[(&str, &str)]) -> Self {
        let repo = Self { work: tempfile::tempdir().unwrap(), name: format!("g{}.git", uuid::Uuid::new_v4().simple()) };
        repo.git(&["init", "-q", "-b", "main"]);
        repo.commit(files, "one");
        repo
    }

    fn git(&self, args: &[&str]) -> String {
        let identity =
            ["-c", "user.name=test", "-c", "user.email=test@example.invalid", "-c", "protocol.file.allow=always"];
        let done = Command::new("git").current_dir(self.work.path()).args(identity).args(args).output().unwrap();
        assert!(done.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).trim().to_owned()
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.work.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        for (path, text) in files {
            self.write(path, text);
        }
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn bare(&self) -> PathBuf {
        PathBuf::from(env("DEMO_GIT_ROOT")).join(&self.name)
    }

    /// The servers see exactly what the working copy has.
    fn publish(&self) -> &Self {
        let _ = std::fs::remove_dir_all(self.bare());
        self.git(&["clone", "-q", "--mirror", ".", self.bare().to_str().unwrap()]);
        self
    }

    fn protect(&self, rule: &str) -> &Self {
        std::fs::write(format!("{}.auth.json", self.bare().display()), rule).unwrap();
        self
    }

    fn http(&self) -> String {
        format!("{}/{}", env("DEMO_GIT_URL"), self.name)
    }

    fn https(&self) -> String {
        format!("{}/{}", env("DEMO_GIT_HTTPS_URL"), self.name)
    }

    fn ssh(&self) -> String {
        format!("{}/{}", env("SAMPAN_TEST_SSH_URL"), self.name)
    }

    /// How often the server saw a wrong credential.
    async fn refused(&self) -> u64 {
        let url = format!("{}/_control/attempts/{}", env("DEMO_GIT_URL"), self.name);
        reqwest::get(url).await.unwrap().json::<serde_json::Value>().await.unwrap()["refused"].as_u64().unwrap()
    }
}

/// Mirrors of one test.
struct Client {
    dir: TempDir,
}

impl Client {
    fn new() -> Self {
        init();
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn wanted(&self, url: &str, reference: &str) -> Checkout {
        Checkout {
            mirrors: self.dir.path().join("mirrors"),
            remote: Remote { url: url.to_owned(), login: Login::None, host_key: None },
            reference: reference.to_owned(),
            shallow: false,
            limits: Limits { bytes: 20 << 20, time: Duration::from_secs(60) },
            into: self.dir.path().join(format!("out-{}", uuid::Uuid::new_v4().simple())),
        }
    }

    async fn run(&self, wanted: &Checkout) -> Result<Commit, GitError> {
        git::checkout(wanted.clone(), Arc::new(|_| {}), CancellationToken::new()).await
    }

    async fn with(&self, url: &str, login: Login) -> Result<Commit, GitError> {
        let mut wanted = self.wanted(url, "main");
        wanted.remote.login = login;
        self.run(&wanted).await
    }
}

fn token(user: &str, token: &str) -> Login {
    Login::Token { user: user.into(), token: token.into() }
}

fn key(variable: &str) -> Login {
    Login::Key { pem: std::fs::read_to_string(env(variable)).unwrap() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_opens_a_private_repository_and_a_wrong_one_fails_at_once() {
    let (client, repo) = (Client::new(), Repo::new(&[("a", "1")]));
    repo.publish().protect(r#"{"password":"t0ken"}"#);
    let url = repo.https();
    assert!(matches!(client.with(&url, Login::None).await, Err(GitError::NoLogin(_))));
    client.with(&url, token("", "t0ken")).await.expect("any user name will do");
    let before = repo.refused().await;
    let asked = Instant::now();
    let refused = client.with(&url, token("", "wrong")).await;
    assert!(matches!(refused, Err(GitError::Refused(_))), "{refused:?}");
    assert!(!format!("{refused:?}").contains("wrong"), "no error repeats a token");
    assert_eq!(repo.refused().await - before, 1, "one try");
    assert!(asked.elapsed() < Duration::from_secs(5));
    repo.protect(r#"{"password":"t0ken","refuse":403}"#);
    assert!(matches!(client.with(&url, token("", "wrong")).await, Err(GitError::Refused(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redirect_takes_no_token_along() {
    let (client, repo, other) = (Client::new(), Repo::new(&[("a", "1")]), Repo::new(&[("b", "1")]));
    other.publish().protect(r#"{"password":"t0ken"}"#);
    let elsewhere = other.https().replace("localhost", "127.0.0.1");
    repo.publish().protect(&format!(r#"{{"redirect":"{elsewhere}"}}"#));
    let sent = client.with(&repo.https(), token("", "t0ken")).await;
    assert!(matches!(sent, Err(GitError::Other(_))), "{sent:?}");
    let url = format!("{}/_control/attempts/{}", env("DEMO_GIT_URL"), other.name);
    let seen: serde_json::Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(seen["admitted"], 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_count() {
    let (client, repo) = (Client::new(), Repo::new(&[("a", "1")]));
    repo.publish();
    client.with(&repo.https(), Login::None).await.expect("the private authority is trusted");
    let untrusted = format!("{}/{}", env("DEMO_GIT_UNTRUSTED_URL"), repo.name);
    assert!(matches!(client.with(&untrusted, Login::None).await, Err(GitError::Untrusted(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_keys_and_the_hosts_own_key() {
    let (client, repo) = (Client::new(), Repo::new(&[("a", "1")]));
    repo.publish();
    let first = client.with(&repo.ssh(), key("SAMPAN_TEST_SSH_KEY")).await.expect("admitted");
    assert_eq!(first.host_key, Some(env("SAMPAN_TEST_SSH_HOST_KEY")));
    client.with(&repo.ssh(), key("SAMPAN_TEST_SSH_RSA_KEY")).await.expect("RSA in PEM");
    let stranger = client.with(&repo.ssh(), key("SAMPAN_TEST_SSH_STRANGER_KEY")).await;
    assert!(matches!(stranger, Err(GitError::Refused(_))), "{stranger:?}");
    let none = client.with(&repo.ssh(), Login::None).await;
    assert!(matches!(none, Err(GitError::NoLogin(_))), "{none:?}");

    let mut wanted = client.wanted(&repo.ssh(), "main");
    wanted.remote.login = key("SAMPAN_TEST_SSH_KEY");
    wanted.remote.host_key = first.host_key;
    client.run(&wanted).await.expect("the pinned key");
    wanted.remote.host_key = Some(env("SAMPAN_TEST_SSH_OTHER_HOST_KEY"));
    match client.run(&wanted).await {
        Err(GitError::HostKey { known, now }) => {
            assert_eq!((known, now), (env("SAMPAN_TEST_SSH_OTHER_HOST_KEY"), env("SAMPAN_TEST_SSH_HOST_KEY")));
        }
        other => panic!("{other:?}"),
    }
    let missing = client.with(&repo.ssh().replace(".git", "-gone.git"), key("SAMPAN_TEST_SSH_KEY")).await;
    assert!(matches!(missing, Err(GitError::NoRepository(_))), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn branches_tags_and_commits() {
    let (client, repo) = (Client::new(), Repo::new(&[("a", "1")]));
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["tag", "-a", "v1", "-m", "tagged"]);
    repo.commit(&[("a", "2")], "two");
    repo.git(&["branch", "功能/潮汐"]);
    repo.publish();
    for shallow in [false, true] {
        for (reference, text) in
            [("main", "2"), ("v1", "1"), (first.as_str(), "1"), (&first[..10], "1"), ("功能/潮汐", "2")]
        {
            let wanted = Checkout { shallow, ..client.wanted(&repo.http(), reference) };
            client.run(&wanted).await.unwrap_or_else(|error| panic!("{reference} {shallow}: {error}"));
            assert_eq!(std::fs::read_to_string(wanted.into.join("a")).unwrap(), text, "{reference}");
        }
        for reference in ["nowhere", "--upload-pack=x", "$(id)", "'; rm -rf /", "0123456789abcdef"] {
            let wanted = Checkout { shallow, ..client.wanted(&repo.http(), reference) };
            assert!(matches!(client.run(&wanted).await, Err(GitError::NoReference(_))), "{reference}");
        }
    }
    let refs = git::refs(client.dir.path().into(), client.wanted(&repo.http(), "").remote, Duration::from_secs(20));
    let refs = refs.await.unwrap();
    assert_eq!(refs.default_branch.as_deref(), Some("main"));
    assert_eq!((refs.branches.len(), refs.tags.as_slice()), (2, &["v1".to_owned()][..]));
    let known = git::known_refs(client.dir.path().join("mirrors"), repo.http()).await;
    assert_eq!(known.branches.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_may_become_a_folder_of_branches() {
    let (client, repo) = (Client::new(), Repo::new(&[("a", "1")]));
    repo.git(&["branch", "feature"]);
    repo.publish();
    for shallow in [false, true] {
        client.run(&Checkout { shallow, ..client.wanted(&repo.http(), "feature") }).await.expect("feature");
    }
    repo.git(&["branch", "-D", "feature"]);
    repo.git(&["branch", "feature/x"]);
    repo.publish();
    for shallow in [false, true] {
        let commit = client.run(&Checkout { shallow, ..client.wanted(&repo.http(), "feature/x") }).await;
        commit.unwrap_or_else(|error| panic!("shallow {shallow}: {error}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn submodules_come_along() {
    let (client, inner, middle, outer) =
        (Client::new(), Repo::new(&[("deep.txt", "深")]), Repo::new(&[("m", "1")]), Repo::new(&[("o", "1")]));
    inner.publish();
    let add = |repo: &Repo, module: &Repo, path: &str| {
        repo.git(&["submodule", "--quiet", "add", "--force", module.bare().to_str().unwrap(), path]);
        repo.git(&["config", "-f", ".gitmodules", &format!("submodule.{path}.url"), &format!("../{}", module.name)]);
        repo.commit(&[], "with a submodule");
        repo.publish();
    };
    add(&middle, &inner, "lib/inner");
    add(&outer, &middle, "modules/middle");
    let wanted = client.wanted(&outer.http(), "main");
    let commit = client.run(&wanted).await.unwrap();
    assert_eq!(commit.submodules, ["modules/middle"]);
    let deep = wanted.into.join("modules/middle/lib/inner/deep.txt");
    assert_eq!(std::fs::read_to_string(deep).unwrap(), "深");

    outer.git(&["config", "-f", ".gitmodules", "submodule.modules/middle.url", "file:///etc"]);
    outer.commit(&[], "evil");
    outer.publish();
    let evil = client.run(&client.wanted(&outer.http(), "main")).await;
    assert!(matches!(&evil, Err(GitError::Submodule(path, _)) if path == "modules/middle"), "{evil:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_empty_large_or_elsewhere_says_so() {
    let (client, repo) = (Client::new(), Repo::new(&[("a", "1")]));
    let empty = format!("e{}.git", uuid::Uuid::new_v4().simple());
    repo.git(&["init", "-q", "--bare", PathBuf::from(env("DEMO_GIT_ROOT")).join(&empty).to_str().unwrap()]);
    let url = format!("{}/{empty}", env("DEMO_GIT_URL"));
    for shallow in [false, true] {
        let wanted = Checkout { shallow, ..client.wanted(&url, "main") };
        let found = client.run(&wanted).await;
        assert!(matches!(found, Err(GitError::Empty | GitError::NoReference(_))), "{found:?}");
    }
    assert!(matches!(client.run(&client.wanted(&url, "main")).await, Err(GitError::Empty)));

    let mut noise = vec![0u8; 25 << 20];
    openssl::rand::rand_bytes(&mut noise).unwrap();
    repo.write("big.bin", &noise);
    repo.commit(&[], "big");
    repo.publish();
    assert!(matches!(client.run(&client.wanted(&repo.http(), "main")).await, Err(GitError::TooLarge(20))));
    let zeros = Repo::new(&[]);
    zeros.write("zeros.bin", vec![0u8; 25 << 20]);
    zeros.commit(&[], "small to send, large to write");
    zeros.publish();
    let wanted = client.wanted(&zeros.http(), "main");
    assert!(matches!(client.run(&wanted).await, Err(GitError::TooLarge(20))));
    assert!(!wanted.into.join("zeros.bin").exists(), "nothing was written");

    let lfs = Repo::new(&[
        (".gitattributes", "*.png filter=lfs diff=lfs merge=lfs -text\n"),
        (
            "logo.png",
            "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
        ),
    ]);
    lfs.publish();
    assert_eq!(client.run(&client.wanted(&lfs.http(), "main")).await.unwrap().lfs_pointers, ["logo.png"]);

    let gone = client.run(&client.wanted("http://127.0.0.1:9/a.git", "main")).await;
    assert!(matches!(gone, Err(GitError::Unreachable(_))), "{gone:?}");
    let missing = client.run(&client.wanted(&repo.http().replace(".git", "-gone.git"), "main")).await;
    assert!(matches!(missing, Err(GitError::NoRepository(_))), "{missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mute_server_does_not_hold_a_release() {
    let client = Client::new();
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut wanted = client.wanted(&format!("http://{}/a.git", mute.local_addr().unwrap()), "main");
    wanted.limits.time = Duration::from_secs(2);
    let asked = Instant::now();
    assert!(matches!(client.run(&wanted).await, Err(GitError::TooSlow(1))));
    assert!(asked.elapsed() < Duration::from_secs(10));
    let cancel = CancellationToken::new();
    let task = tokio::spawn(git::checkout(client.wanted(&wanted.remote.url, "main"), Arc::new(|_| {}), cancel.clone()));
    tokio::time::sleep(Duration::from_millis(300)).await;
    cancel.cancel();
    assert!(matches!(task.await.unwrap(), Err(GitError::Canceled)));
    // The listener closes here, so that libgit2's threads end with the test.
    drop(mute);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_fetch_tells_how_far_it_is_and_files_can_be_read_alone() {
    let (client, repo) = (Client::new(), Repo::new(&[("package.json", "{}"), ("src/app.json", "{}")]));
    repo.publish();
    let told = Arc::new(Mutex::new(Vec::<String>::new()));
    let tell = told.clone();
    let wanted = client.wanted(&repo.http(), "main");
    let progress: git::Progress = Arc::new(move |line| tell.lock().unwrap().push(line));
    git::checkout(wanted.clone(), progress, CancellationToken::new()).await.unwrap();
    assert!(told.lock().unwrap().is_empty(), "a short one has nothing to tell");
    let files = git::files(client.dir.path().join("mirrors"), wanted.remote, "main".into(), wanted.limits, |path| {
        path == "package.json"
    });
    let files = files.await.unwrap();
    assert_eq!(files.names, ["package.json", "src/app.json"]);
    assert_eq!(files.texts["package.json"], "{}");
}

#[tokio::test]
async fn what_lies_between_two_commits_is_told_without_asking_the_server() {
    let repo = Repo::new(&[("a", "1")]);
    let one = repo.git(&["rev-parse", "HEAD"]);
    let two = repo.commit(&[("a", "2")], "two: 港口\n\nbody");
    let three = repo.commit(&[("b", "3")], "three");
    repo.git(&["checkout", "-q", "-b", "side", &one]);
    let side = repo.commit(&[("c", "4")], "aside");
    repo.publish();
    let client = Client::new();
    let wanted = client.wanted(&repo.http(), "main");
    git::checkout(wanted.clone(), Arc::new(|_| {}), CancellationToken::new()).await.unwrap();
    std::fs::remove_dir_all(repo.bare()).unwrap();
    let between = async |from: &str, to: &str, limit| {
        git::between(wanted.mirrors.clone(), repo.http(), from.to_owned(), to.to_owned(), limit).await
    };
    let told = between(&one, &three, 10).await.unwrap();
    let subjects: Vec<_> =
        told.commits.iter().map(|c| (c.id.as_str(), c.subject.as_str(), c.author.as_str())).collect();
    assert_eq!(subjects, [(three.as_str(), "three", "test"), (two.as_str(), "two: 港口", "test")]);
    assert_eq!((told.ahead, told.behind), (2, 0));
    let some = between(&one, &three, 1).await.unwrap();
    assert_eq!((some.commits.len(), some.ahead), (1, 2), "at most as many as asked for");
    let other = between(&three, &side, 10).await.unwrap();
    assert_eq!((other.commits.len(), other.ahead, other.behind), (1, 1, 2), "another branch");
    assert!(between(&one, &one, 10).await.unwrap().commits.is_empty());
    for bad in ["0000000000000000000000000000000000000000", "main", "--all", ""] {
        assert!(matches!(between(&one, bad, 10).await, Err(GitError::NoReference(_))), "{bad}");
    }
}
