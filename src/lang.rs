//! Chinese first, and English: looks texts up in `locales/` and formats what people read.

use std::borrow::Cow;

use crate::error::Text;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    #[default]
    Zh,
    En,
}

impl Lang {
    pub fn parse(s: &str) -> Option<Self> {
        match s {
            "zh-CN" | "zh" => Some(Self::Zh),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The tag for `<html lang>` and the name of the locale file.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The text of a key; an unknown key shows itself, and a test finds it.
    pub fn t(self, key: &str) -> Cow<'static, str> {
        crate::_rust_i18n_try_translate(self.tag(), key).unwrap_or_else(|| Cow::Owned(key.to_owned()))
    }

    /// Like [`Lang::t`], with `%{name}` replaced, and `%1` where the name is a digit: failures number their arguments.
    pub fn with(self, key: &str, args: &[(&str, &str)]) -> String {
        let text = self.t(key).into_owned();
        args.iter().fold(text, |text, (name, value)| match name.as_bytes() {
            [b'1'..=b'9'] => text.replace(&format!("%{name}"), value),
            _ => text.replace(&format!("%{{{name}}}"), value),
        })
    }

    pub fn is_zh(self) -> bool {
        self == Self::Zh
    }

    /// The text of `<family>.<name>`, for words that are data.
    pub fn of(self, family: &str, name: impl AsRef<str>) -> Cow<'static, str> {
        self.t(&format!("{family}.{}", name.as_ref()))
    }

    /// Like [`Lang::of`], empty where there is no such text.
    pub fn maybe(self, family: &str, name: impl AsRef<str>) -> String {
        let key = format!("{family}.{}", name.as_ref());
        let text = self.t(&key);
        if text == key { String::new() } else { text.into_owned() }
    }

    /// A text with a count in it.
    pub fn n(self, key: &str, n: impl ToString) -> String {
        self.with(key, &[("n", &n.to_string())])
    }

    pub fn state(self, name: impl AsRef<str>) -> Cow<'static, str> {
        self.of("status", name)
    }

    pub fn action(self, name: impl AsRef<str>) -> Cow<'static, str> {
        self.of("action", name)
    }

    pub fn stage(self, name: impl AsRef<str>) -> Cow<'static, str> {
        self.of("stage", name)
    }

    pub fn environment(self, name: impl AsRef<str>) -> Cow<'static, str> {
        self.of("environment", name)
    }

    pub fn role(self, role: &crate::model::user::Role) -> Cow<'static, str> {
        self.of("role", role.as_str())
    }

    pub fn text(self, text: &Text) -> String {
        let args: Vec<_> = text.args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.with(text.key, &args)
    }
}

/// `1536` → `1.5 KB`, in units of 1024 as the vendors count.
pub fn bytes(n: i64) -> String {
    let n = n as f64;
    match n {
        _ if n < 1024.0 => format!("{n} B"),
        _ if n < 1024.0 * 1024.0 => format!("{:.1} KB", n / 1024.0),
        _ if n < 1024.0 * 1024.0 * 1024.0 => format!("{:.2} MB", n / 1024.0 / 1024.0),
        _ => format!("{:.1} GB", n / 1024.0 / 1024.0 / 1024.0),
    }
}

/// `83_000` → `1:23`; below ten seconds with a decimal.
pub fn duration(ms: i64) -> String {
    let s = ms.max(0) / 1000;
    match s {
        0..10 => format!("{}.{} s", s, ms.max(0) % 1000 / 100),
        10..60 => format!("{s} s"),
        60..3600 => format!("{}:{:02}", s / 60, s % 60),
        _ => format!("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60),
    }
}
