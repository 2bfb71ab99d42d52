//! Releases on a real engine with the vendor's real tool; only the vendor's servers are a stand-in. Run by `make test`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "the set-up names its servers in the environment")]

#[path = "../support/mod.rs"]
mod support;

mod bad_input;
mod crash;
mod engine;
mod installs;
mod nodes;
mod outcomes;
mod outside;
mod platforms;
mod secrets;
mod snapshots;
mod templates;
