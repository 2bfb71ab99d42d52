//! Sampan ships mini-programs: one click turns a branch into something a tester can scan.
//!
//! Imports only go right; `tests/architecture.rs` reads the `crate::` paths and fails on a wrong arrow.
//!
//! ```text
//! main → demo → web    ┐
//!             → runner ┴→ ops → app → db queue bus catalogue logs store vault platform ┐
//!             ops → package; ops, runner → git; runner → executor;                     |
//!             queue, sessions → db; web, ops, app → sessions ──────────────────────────┴→ model
//! main → cli, which reaches a server over HTTP and imports no room
//! config, error, clock, lang: beside model, importable by all
//! ```

pub mod app;
pub mod bus;
pub mod catalogue;
pub mod cli;
pub mod clock;
pub mod config;
pub mod db;
pub mod demo;
pub mod doctor;
pub mod error;
pub mod executor;
pub mod git;
pub mod images;
pub mod lang;
pub mod logs;
pub mod model;
pub mod ops;
pub mod package;
pub mod platform;
pub mod queue;
pub mod runner;
pub mod serve;
pub mod sessions;
pub mod store;
pub mod vault;
pub mod web;

rust_i18n::i18n!("locales", fallback = "zh-CN");
