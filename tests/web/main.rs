//! Pages over real HTTP and WebSockets: sign-in, roles, forms, cross-site requests, live logs. No engine is needed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "the set-up names its servers in the environment")]

#[path = "../support/mod.rs"]
mod support;

mod api;
mod cli;
mod forms;
mod live;
mod matrix;
mod phones;
mod provider;
mod redis;
mod roles;
mod site;
mod updates;
