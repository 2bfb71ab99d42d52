//! The only SQL; one file a table. Every query runs on SQLite and PostgreSQL in `tests/db`.

pub mod audit;
pub mod credentials;
pub mod logs;
pub mod members;
pub mod meta;
pub mod programs;
pub mod releases;
pub mod repositories;
pub mod robots;
pub mod runners;
pub mod sessions;
pub mod snapshots;
pub mod tokens;
pub mod updates;
pub mod users;

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, Postgres, Sqlite, SqlitePool, Transaction};

#[derive(Clone)]
pub enum Db {
    Sqlite(SqlitePool),
    Pg(PgPool),
}

/// A transaction on either engine.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Pg(Transaction<'static, Postgres>),
}

/// Runs one query text on whichever engine there is: `on!(db, c => sqlx::query(SQL).execute(c).await)`.
macro_rules! on {
    ($db:expr, $c:ident => $body:expr) => {
        match $db {
            crate::db::Db::Sqlite($c) => $body,
            crate::db::Db::Pg($c) => $body,
        }
    };
}
/// The same inside a transaction.
macro_rules! within {
    ($tx:expr, $c:ident => $body:expr) => {
        match $tx {
            crate::db::Tx::Sqlite(tx) => {
                let $c = &mut **tx;
                $body
            }
            crate::db::Tx::Pg(tx) => {
                let $c = &mut **tx;
                $body
            }
        }
    };
}
/// Reads a model type from a row of either engine.
macro_rules! rows {
    ($ty:ty, $row:ident => $body:expr) => {
        impl<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> for $ty {
            fn from_row($row: &'r sqlx::sqlite::SqliteRow) -> sqlx::Result<Self> {
                Ok($body)
            }
        }
        impl<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow> for $ty {
            fn from_row($row: &'r sqlx::postgres::PgRow) -> sqlx::Result<Self> {
                Ok($body)
            }
        }
    };
}
pub(crate) use {on, rows, within};

type Result<T> = anyhow::Result<T>;

impl Db {
    /// Connects and brings the schema up to date.
    pub async fn open(url: &str) -> Result<Self> {
        let db = Self::connect(url).await.context("cannot open the database")?;
        let migrations = sqlx::migrate!();
        match &db {
            Self::Sqlite(pool) => migrations.run(pool).await?,
            Self::Pg(pool) => migrations.run(pool).await?,
        }
        Ok(db)
    }

    async fn connect(url: &str) -> Result<Self> {
        if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            return Ok(Self::Pg(sqlx::postgres::PgPoolOptions::new().max_connections(16).connect(url).await?));
        }
        let options = SqliteConnectOptions::from_str(url)?
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(Duration::from_secs(15));
        Ok(Self::Sqlite(SqlitePoolOptions::new().max_connections(8).connect_with(options).await?))
    }

    /// Takes the write lock at once on SQLite, so that read-then-write never has to give up half-way.
    pub async fn begin(&self) -> Result<Tx> {
        Ok(match self {
            Self::Sqlite(pool) => Tx::Sqlite(pool.begin_with("BEGIN IMMEDIATE").await?),
            Self::Pg(pool) => Tx::Pg(pool.begin().await?),
        })
    }

    /// Ends all connections; SQLite then folds its write-ahead log into the file.
    pub async fn close(&self) {
        on!(self, c => c.close().await);
    }

    /// Answers whether the database does.
    pub async fn ping(&self) -> Result<()> {
        on!(self, c => sqlx::query("SELECT 1").execute(c).await.map(drop))?;
        Ok(())
    }
}

impl Tx {
    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Pg(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// A stored word as its type.
fn word<T: FromStr<Err = String>>(text: String) -> sqlx::Result<T> {
    text.parse().map_err(|error: String| sqlx::Error::Decode(error.into()))
}

/// Stored JSON as its type.
fn json<T: serde::de::DeserializeOwned>(text: String) -> sqlx::Result<T> {
    serde_json::from_str(&text).map_err(|error| sqlx::Error::Decode(error.into()))
}

fn json_opt<T: serde::de::DeserializeOwned>(text: Option<String>) -> sqlx::Result<Option<T>> {
    text.map(json).transpose()
}

/// The name of what a write would have made twice, if that is why it failed.
pub fn is_duplicate(error: &anyhow::Error) -> bool {
    error.downcast_ref::<sqlx::Error>().and_then(|e| e.as_database_error()).is_some_and(|e| e.is_unique_violation())
}
