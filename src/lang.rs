//! Chinese first, and English: looks texts up in `locales/` and formats what people read.

use std::borrow::Cow;
use std::sync::LazyLock;

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

    /// The words of the pages' scripts as a JSON object: `script` of the locale at the top, `script_log` below `log`. Fit to
    /// stand in a data block of a page.
    pub fn words(self) -> &'static str {
        static WORDS: LazyLock<[String; 2]> = LazyLock::new(|| [Lang::Zh, Lang::En].map(script_words));
        &WORDS[usize::from(self == Self::En)]
    }

    pub fn text(self, text: &Text) -> String {
        let args: Vec<_> = text.args.iter().map(|(name, value)| (*name, value.as_str())).collect();
        self.with(text.key, &args)
    }
}

fn script_words(lang: Lang) -> String {
    let mut words = serde_json::Map::new();
    for (key, text) in crate::_RUST_I18N_BACKEND.messages_for_locale(lang.tag()).into_iter().flatten() {
        let path = key.strip_prefix("script.").map(str::to_owned);
        let Some(path) = path.or_else(|| key.strip_prefix("script_log.").map(|rest| format!("log.{rest}"))) else {
            continue;
        };
        let mut at = &mut words;
        let mut names: Vec<&str> = path.split('.').collect();
        let last = names.pop().unwrap_or_default().to_owned();
        for name in names {
            let inner = at.entry(name).or_insert_with(|| serde_json::json!({}));
            match inner.as_object_mut() {
                Some(inner) => at = inner,
                None => return String::new(),
            }
        }
        at.insert(last, text.into());
    }
    // So that no text can end the block it stands in.
    serde_json::Value::Object(words).to_string().replace('<', "\\u003c")
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
