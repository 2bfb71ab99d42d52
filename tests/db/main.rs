//! Every query on SQLite and on a real PostgreSQL: the same cases, the same answers.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]
#![allow(clippy::disallowed_methods, reason = "the set-up names its servers in the environment")]

#[path = "../support/mod.rs"]
mod support;

/// Declares cases once and runs each on both engines.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::world(None).await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                super::$name(crate::support::world(Some(crate::support::fresh_postgres().await)).await).await;
            })+
        }
    };
}

mod logs;
mod people;
mod projects;
mod queue;
mod turns;
mod updates;
