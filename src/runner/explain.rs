//! What the output of package managers and compilers means for a person. Pure: lines in, a failure's code and arguments
//! out; the words are in `locales/`.

use std::collections::VecDeque;
use std::sync::LazyLock;

use regex::Regex;

use crate::model::release::{Failure, Stage};

/// Lines shown before and after the first error.
const BEFORE: usize = 4;
const AFTER: usize = 14;
/// Lines of output that a failure shows from the end.
const TAIL: usize = 30;

type Rule = (&'static str, Regex);

fn rules(table: &[(&'static str, &str)]) -> Vec<Rule> {
    #[expect(clippy::unwrap_used, reason = "literals, tested below")]
    table.iter().map(|(code, pattern)| (*code, Regex::new(pattern).unwrap())).collect()
}

/// First match wins, over all lines seen; captures become the failure's arguments.
static ANYWHERE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        ("disk_full", r"ENOSPC|No space left on device|Disk quota exceeded"),
        (
            "process_limit",
            r"Cannot fork|fork: .*Resource temporarily unavailable|spawn \S+ EAGAIN|pthread_create: Resource temp",
        ),
        ("heap_limit", r"heap out of memory|Allocation failed - "),
    ])
});

static INSTALL: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        ("lockfile_outdated", r"npm (?:ERR!|error) .*can only install packages when your package\.json and"),
        ("lockfile_outdated", r"ERR_PNPM_OUTDATED_LOCKFILE|Your lockfile needs to be updated|YN0028"),
        ("lockfile_version", r"ERR_PNPM_LOCKFILE_BREAKING_CHANGE|Lockfile .* not compatible with current pnpm"),
        ("package_not_found", r"npm (?:ERR!|error) 404 .*?'(@?[^\s'@]+(?:@[^\s']+)?)'"),
        ("package_not_found", r"ERR_PNPM_FETCH_404.*?/(@?[^\s/]+): Not Found"),
        ("package_not_found", r#"(?:Couldn't find package|Couldn't find any versions for) "([^"]+)""#),
        ("package_not_found", r"npm (?:ERR!|error) notarget No matching version found for (\S+?)\.?$"),
        ("package_not_found", r"ERR_PNPM_NO_MATCHING_VERSION.*?No matching version found for (\S+)"),
        ("package_forbidden", r"npm (?:ERR!|error) (?:code )?E40[13]\b|ERR_PNPM_FETCH_40[13]|status code 40[13]"),
        ("peer_conflict", r"npm (?:ERR!|error) (?:code )?ERESOLVE"),
        ("integrity_mismatch", r"EINTEGRITY|Integrity check failed|ERR_PNPM_TARBALL_INTEGRITY|checksum mismatch"),
        (
            "registry_unreachable",
            r"(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ECONNRESET)\D*?\b(?:https?://)?([A-Za-z0-9.-]+\.[A-Za-z]{2,})",
        ),
        ("registry_unreachable", r"ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ESOCKETTIMEDOUT|network timeout"),
        (
            "registry_untrusted",
            r"SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_VERIFY_LEAF_SIGNATURE|unable to get local issuer|CERT_HAS_EXPIRED",
        ),
        (
            "node_unsuitable",
            r"npm (?:ERR!|error) (?:code )?EBADENGINE|ERR_PNPM_UNSUPPORTED_ENGINE|^error .*The engine ",
        ),
        ("script_failed", r"npm (?:ERR!|error) path (?:/work/)?(?:.*node_modules/)?(\S+)$"),
        (
            "script_failed",
            r"^(?:\S*/)?node_modules/(?:\S*/node_modules/)?(@?[^\s/]+(?:/[^\s/]+)?)\S* (?:pre|post)?install(?:\$|: Failed)",
        ),
        ("script_failed", r"ELIFECYCLE|error .*: Command failed|lifecycle script"),
    ])
});

static COMPILE: LazyLock<Vec<Rule>> = LazyLock::new(|| {
    rules(&[
        (
            "openssl_legacy",
            r"ERR_OSSL_EVP_UNSUPPORTED|digital envelope routines::unsupported|util\.isRegExp is not a function",
        ),
        ("command_missing", r"^(?:sh|/bin/sh|bash)(?:: \d+)?: (?:line \d+: )?(\S+): (?:command )?not found"),
        (
            "script_missing",
            r#"(?:npm (?:ERR!|error) Missing script: |Missing script: |Command )"?([\w:.-]+)"?(?: not found)?\.?$"#,
        ),
        (
            "module_missing",
            r#"(?:Cannot find module|Can't resolve|Failed to resolve import|Rollup failed to resolve import) ['"]([^'"]+)['"]"#,
        ),
    ])
});

/// A line that begins a compiler's complaint; package managers repeating a status are none.
#[expect(clippy::unwrap_used, reason = "a literal, tested below")]
static FIRST_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x) ^\s*(?:✗|✘|×|✖|❌|\[!\]) | (?:^|[\s\[:(])(?:[A-Z][A-Za-z]*)?Error\b[:\]\s] | \bERROR\b | \berror\s+TS\d | (?:^|\s)error(?:\[\w+\])?:
        | ^\s*error\s+(?:in|during|while)\b | Module\ build\ failed | Failed\ to\ compile | Build\ failed | 编译失败 | 报错 ",
    )
    .unwrap()
});
#[expect(clippy::unwrap_used, reason = "a literal, tested below")]
static NO_ERROR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^npm (?:ERR!|error)|\b0 errors?\b|ELIFECYCLE|^error Command failed|no[- ]errors?\b|-W(no-)?error")
        .unwrap()
});

/// Watches a container's output go by and remembers what a failure will need.
#[derive(Debug)]
pub(super) struct Watch {
    stage: Stage,
    tail: VecDeque<String>,
    excerpt: Vec<String>,
    /// How many lines the excerpt still takes.
    wanting: Option<usize>,
    known: Option<(usize, Failure)>,
    /// Number of the first error's line in the log, and of the last line seen.
    first: Option<i64>,
    last: Option<i64>,
}

impl Watch {
    pub(super) fn new(stage: Stage) -> Self {
        Self { stage, tail: VecDeque::new(), excerpt: vec![], wanting: None, known: None, first: None, last: None }
    }

    /// One line, without colours, and its number where it has one.
    pub(super) fn see(&mut self, n: Option<i64>, line: &str) {
        self.last = n.or(self.last);
        let known = self.recognise(line);
        match &mut self.wanting {
            Some(0) => {}
            Some(more) => {
                *more -= 1;
                self.excerpt.push(line.to_owned());
            }
            None if known || (FIRST_ERROR.is_match(line) && !NO_ERROR.is_match(line)) => {
                self.excerpt = self.tail.iter().rev().take(BEFORE).rev().cloned().collect();
                self.excerpt.push(line.to_owned());
                self.wanting = Some(AFTER);
                self.first = n;
            }
            None => {}
        }
        if self.tail.len() == TAIL {
            self.tail.pop_front();
        }
        self.tail.push_back(line.to_owned());
    }

    /// Whether this line said something better than any before.
    fn recognise(&mut self, line: &str) -> bool {
        let own: &[Rule] = match self.stage {
            Stage::Install => &INSTALL,
            Stage::Compile => &COMPILE,
            _ => &[],
        };
        let upto = self.known.as_ref().map_or(usize::MAX, |(rank, _)| *rank);
        for (rank, (code, pattern)) in ANYWHERE.iter().chain(own).enumerate().take_while(|(rank, _)| *rank < upto) {
            if let Some(found) = pattern.captures(line) {
                let args = found.iter().skip(1).flatten().map(|m| m.as_str().to_owned()).collect();
                self.known = Some((rank, Failure { args, ..Failure::new(code, "") }));
                return true;
            }
        }
        false
    }

    /// What the output said about its end, if we know the saying.
    pub(super) fn known(&self) -> Option<Failure> {
        self.known.as_ref().map(|(_, failure)| failure.clone())
    }

    pub(super) fn tail(&self) -> Vec<String> {
        self.tail.iter().cloned().collect()
    }

    /// Where a reader should look first: the line of the first error, else the last one.
    pub(super) fn line(&self) -> Option<i64> {
        self.first.or(self.last)
    }

    /// The lines around the first error; empty when the last lines show it anyway.
    pub(super) fn excerpt(&self) -> Vec<String> {
        let shown = self.excerpt.iter().all(|line| self.tail.contains(line));
        if shown { vec![] } else { self.excerpt.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(stage: Stage, lines: &[&str]) -> Option<(String, Vec<String>)> {
        let mut watch = Watch::new(stage);
        lines.iter().for_each(|line| watch.see(None, line));
        watch.known().map(|failure| (failure.code, failure.args))
    }

    #[test]
    fn installs_fail_for_reasons() {
        for (lines, code, args) in [
            (
                &[
                    "npm error code E404",
                    "npm error 404 Not Found - GET https://r.example/no-such",
                    "npm error 404  'no-such@1.0.0' is not in this registry.",
                ][..],
                "package_not_found",
                &["no-such@1.0.0"][..],
            ),
            (
                &[
                    "npm error 404  The requested resource 'gone@2' could not be found or you do not have permission to access it.",
                ],
                "package_not_found",
                &["gone@2"],
            ),
            (
                &["npm ERR! code ETARGET", "npm ERR! notarget No matching version found for left-pad@99.0.0."],
                "package_not_found",
                &["left-pad@99.0.0"],
            ),
            (&["error Couldn't find package \"no-such\" on the \"npm\" registry."], "package_not_found", &["no-such"]),
            (
                &[
                    "npm error code EUSAGE",
                    "npm error `npm ci` can only install packages when your package.json and package-lock.json are in sync.",
                ],
                "lockfile_outdated",
                &[],
            ),
            (&[" ERR_PNPM_OUTDATED_LOCKFILE  Cannot install with \"frozen-lockfile\""], "lockfile_outdated", &[]),
            (
                &[
                    "npm error code ENOTFOUND",
                    "npm error network request to https://old.example.com/a failed, reason: getaddrinfo ENOTFOUND old.example.com",
                ],
                "registry_unreachable",
                &["old.example.com"],
            ),
            (
                &["npm error code 1", "npm error path /work/node_modules/bad-dep", "npm error command failed"],
                "script_failed",
                &["bad-dep"],
            ),
            (&["npm error code ENOSPC", "npm error path /work/node_modules/x"], "disk_full", &[]),
            (&["npm error code ERESOLVE"], "peer_conflict", &[]),
        ] {
            let found = known(Stage::Install, lines).expect(code);
            assert_eq!(
                (found.0.as_str(), found.1),
                (code, args.iter().map(|a| (*a).to_owned()).collect()),
                "{lines:?}"
            );
        }
        assert_eq!(known(Stage::Install, &["added 12 packages in 3s"]), None);
    }

    #[test]
    fn compiles_fail_for_reasons() {
        for (line, code) in [
            ("Error: error:0308010C:digital envelope routines::unsupported", "openssl_legacy"),
            ("sh: 1: vite: not found", "command_missing"),
            ("npm error Missing script: \"build:mp-weixin\"", "script_missing"),
            ("Module not found: Error: Can't resolve './nowhere' in '/work/src'", "module_missing"),
            ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", "heap_limit"),
        ] {
            assert_eq!(known(Stage::Compile, &[line]).expect(line).0, code);
        }
    }

    #[test]
    fn the_first_error_is_kept_with_what_is_around_it() {
        let mut watch = Watch::new(Stage::Compile);
        for (n, line) in
            (11..).zip(["compiling", "pages/a.vue", "pages/b.vue", "0 errors so far", "[vite] transforming"])
        {
            watch.see(Some(n), line);
        }
        assert_eq!(watch.line(), Some(15), "the last one, without an error");
        watch.see(Some(16), "SyntaxError: Unexpected token (3:7)");
        for n in 0..60 {
            watch.see(Some(17 + n), &format!("stack {n}"));
        }
        assert_eq!(watch.line(), Some(16));
        let excerpt = watch.excerpt();
        assert_eq!(excerpt.first().map(String::as_str), Some("pages/a.vue"));
        assert_eq!(excerpt[BEFORE], "SyntaxError: Unexpected token (3:7)");
        assert_eq!(excerpt.len(), BEFORE + 1 + AFTER);
        assert_eq!(watch.tail().len(), TAIL);
    }

    #[test]
    fn an_error_that_the_tail_shows_is_not_shown_twice() {
        let mut watch = Watch::new(Stage::Compile);
        watch.see(None, "src/a.ts(1,1): error TS2304: Cannot find name 'x'.");
        assert!(watch.excerpt().is_empty() && watch.tail().len() == 1);
    }
}
