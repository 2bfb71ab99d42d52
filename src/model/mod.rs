//! Pure data and rules: no IO, no clock of its own, no platform by name.

pub mod audit;
pub mod contents;
pub mod credential;
pub mod decision;
pub mod log;
pub mod program;
pub mod release;
pub mod robot;
pub mod runner;
pub mod snapshot;
pub mod token;
pub mod treemap;
pub mod update;
pub mod user;
pub mod version;

/// A fresh id: 32 hex digits that sort by time of making.
pub fn new_id() -> String {
    uuid::Uuid::now_v7().simple().to_string()
}

/// Bytes in lower-case hex digits.
pub fn hex_of(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

/// What [`hex_of`] wrote; `None` for anything else.
pub fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.len().is_multiple_of(2) && hex.bytes().all(|b| b.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(&hex[at..at + 2], 16).ok();
    if digits { (0..hex.len()).step_by(2).map(byte).collect() } else { None }
}

/// Declares a closed set of words that are stored and shown by their name.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(s: &str) -> Result<Self, String> {
                match s { $($word => Ok(Self::$variant),)+ _ => Err(format!("unknown {}: {s}", stringify!($name))) }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use words;
