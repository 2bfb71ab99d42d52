//! The only source of time: UTC epoch milliseconds, injectable so that tests can move it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Epoch milliseconds, UTC.
pub type Ms = i64;

pub const SECOND: Ms = 1_000;
pub const MINUTE: Ms = 60 * SECOND;
pub const HOUR: Ms = 60 * MINUTE;
pub const DAY: Ms = 24 * HOUR;

#[derive(Clone, Default)]
pub struct Clock {
    fixed: Option<Arc<AtomicI64>>,
}

impl Clock {
    /// A clock that stands still until [`Clock::advance`].
    pub fn fixed(now: Ms) -> Self {
        Self { fixed: Some(Arc::new(AtomicI64::new(now))) }
    }

    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    pub fn now(&self) -> Ms {
        match &self.fixed {
            Some(at) => at.load(Ordering::Relaxed),
            None => jiff::Timestamp::now().as_millisecond(),
        }
    }

    /// Moves a fixed clock; a real one does not move by itself.
    pub fn advance(&self, by: Ms) {
        if let Some(at) = &self.fixed {
            at.fetch_add(by, Ordering::Relaxed);
        }
    }
}

/// RFC 3339 UTC with milliseconds, for pages, API and logs.
pub fn rfc3339(at: Ms) -> String {
    jiff::Timestamp::from_millisecond(at).map(|t| format!("{t:.3}")).unwrap_or_default()
}

/// `17:03:09` in a time zone.
pub fn time_of_day(at: Ms, zone: &str) -> String {
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    let at = jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    at.to_zoned(zone).strftime("%H:%M:%S").to_string()
}

/// The civil date of an instant in a time zone such as `Asia/Shanghai`.
pub fn date_in(at: Ms, zone: &str) -> Option<jiff::civil::Date> {
    let zone = jiff::tz::TimeZone::get(zone).ok()?;
    Some(jiff::Timestamp::from_millisecond(at).ok()?.to_zoned(zone).date())
}

/// The first instant of that civil date in the zone.
pub fn day_start(at: Ms, zone: &str) -> Option<Ms> {
    let tz = jiff::tz::TimeZone::get(zone).ok()?;
    Some(date_in(at, zone)?.to_zoned(tz).ok()?.timestamp().as_millisecond())
}
