//! An update: one package in a program's catalogue, a wgt (the app's own code) or a native build, and whom it is for.

use serde::{Deserialize, Serialize};

use crate::clock::Ms;

super::words! {
    /// The operating system a phone runs.
    Os { Android = "android", Ios = "ios", Harmony = "harmony" }
}

super::words! {
    Kind {
        WgtAndroid = "wgt-android", WgtIos = "wgt-ios", Android = "android", Ios = "ios",
        WgtHarmony = "wgt-harmony", Harmony = "harmony",
    }
}

super::words! {
    /// What the phone does with it: asks its owner, insists, or installs without a word.
    Mode { Ask = "ask", Force = "force", Silent = "silent" }
}

/// The channel of phones that name none.
pub const DEFAULT_CHANNEL: &str = "production";

impl Os {
    /// As clients spell it: `android`, `iOS`, `HarmonyOS`, `ohos`.
    pub fn of_client(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "android" => Some(Self::Android),
            "ios" | "iphone" | "ipad" => Some(Self::Ios),
            "harmony" | "harmonyos" | "ohos" => Some(Self::Harmony),
            _ => None,
        }
    }

    pub fn wgt(self) -> Kind {
        match self {
            Self::Android => Kind::WgtAndroid,
            Self::Ios => Kind::WgtIos,
            Self::Harmony => Kind::WgtHarmony,
        }
    }

    pub fn native(self) -> Kind {
        match self {
            Self::Android => Kind::Android,
            Self::Ios => Kind::Ios,
            Self::Harmony => Kind::Harmony,
        }
    }
}

impl Kind {
    /// `type` on the wire.
    pub fn number(self) -> i64 {
        match self {
            Self::WgtAndroid => 1,
            Self::WgtIos => 2,
            Self::Android => 3,
            Self::Ios => 4,
            Self::WgtHarmony => 5,
            Self::Harmony => 6,
        }
    }

    pub fn os(self) -> Os {
        match self {
            Self::WgtAndroid | Self::Android => Os::Android,
            Self::WgtIos | Self::Ios => Os::Ios,
            Self::WgtHarmony | Self::Harmony => Os::Harmony,
        }
    }

    pub fn is_wgt(self) -> bool {
        self == self.os().wgt()
    }

    /// What a stored package's address ends in; `None` where phones only follow a link to a shop.
    pub fn extension(self) -> Option<&'static str> {
        match self {
            kind if kind.is_wgt() => Some("wgt"),
            Self::Android => Some("apk"),
            _ => None,
        }
    }
}

impl Mode {
    /// `updateType` on the wire.
    pub fn number(self) -> i64 {
        match self {
            Self::Ask => 1,
            Self::Force => 2,
            Self::Silent => 3,
        }
    }
}

/// A package in the store. The signature is Ed25519 over [`statement`], in lower-case hex like the hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Package {
    pub sha256: String,
    pub bytes: i64,
    pub signature: String,
}

#[derive(Debug, Clone)]
pub struct Update {
    pub id: String,
    pub program_id: String,
    pub kind: Kind,
    /// Dotted, as people see it.
    pub version: String,
    /// Grows per program and kind.
    pub version_code: i64,
    pub channel: String,
    /// Of a wgt: the native builds it runs on, by version code, both included. `None` above: all later ones.
    pub min_native: Option<i64>,
    pub max_native: Option<i64>,
    pub mode: Mode,
    pub enabled: bool,
    pub package: Option<Package>,
    /// A page to open or a file kept elsewhere, in place of a package. A native build with neither is known, never offered.
    pub link: Option<String>,
    /// Of a native build: the version code of the wgt inside, where it is not the build's own.
    pub embedded_wgt_code: Option<i64>,
    pub changelog: String,
    pub remark: String,
    /// The release that made it.
    pub release_id: Option<String>,
    pub created_by: String,
    pub created_at: Ms,
    pub updated_at: Ms,
}

impl Update {
    /// Whether there is something to download or to open.
    pub fn is_offerable(&self) -> bool {
        self.package.is_some() || self.link.is_some()
    }

    /// Whether a wgt runs on this native build.
    pub fn runs_on(&self, native: i64) -> bool {
        self.min_native.is_none_or(|min| min <= native) && self.max_native.is_none_or(|max| native <= max)
    }

    /// Whether deleting this native build would take away what a wgt refers to.
    pub fn is_needed_by(&self, wgt: &Update) -> bool {
        let bounds = [wgt.min_native, wgt.max_native];
        wgt.kind == self.kind.os().wgt() && self.kind != wgt.kind && bounds.contains(&Some(self.version_code))
    }
}

/// What a person decides about an update: for whom it is and how phones take it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Whose phones; a release makes one update for each.
    pub systems: Vec<Os>,
    pub channel: String,
    /// `None`: the newest native build of the system.
    pub min_native: Option<i64>,
    pub max_native: Option<i64>,
    pub mode: Mode,
    pub changelog: String,
    pub remark: String,
    /// `None`: as the package says.
    pub version_code: Option<i64>,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            systems: vec![Os::Android, Os::Ios],
            channel: DEFAULT_CHANNEL.to_owned(),
            min_native: None,
            max_native: None,
            mode: Mode::Ask,
            changelog: String::new(),
            remark: String::new(),
            version_code: None,
        }
    }
}

/// The text that is signed: whoever verifies it knows which bytes are which version of which program. One field a line.
pub fn statement(program_id: &str, version: &str, version_code: i64, sha256: &str, bytes: i64) -> String {
    format!("sampan-update-v1\n{program_id}\n{version}\n{version_code}\n{sha256}\n{bytes}\n")
}

/// A channel's name goes into addresses and headers.
pub fn is_channel(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 32
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_their_numbers() {
        for os in Os::ALL {
            assert!(os.wgt().is_wgt() && !os.native().is_wgt());
            assert_eq!((os.wgt().os(), os.native().os()), (*os, *os));
        }
        let numbers: Vec<i64> = Kind::ALL.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
        assert_eq!(Kind::Ios.extension(), None);
        assert_eq!(Os::of_client("HarmonyOS"), Some(Os::Harmony));
        assert_eq!(Os::of_client("windows"), None);
    }

    #[test]
    fn channels_are_plain_words() {
        for good in ["production", "test", "canary-2"] {
            assert!(is_channel(good), "{good}");
        }
        for bad in ["", "Test", "a b", "../x", "-a", "渠道"] {
            assert!(!is_channel(bad), "{bad}");
        }
    }
}
