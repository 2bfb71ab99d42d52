//! What a phone gets: one pure function over a program's updates. No clock, no IO, no wire format.

use std::cmp::Reverse;

use crate::model::update::{Mode, Os, Update};

/// A phone as its request describes it.
#[derive(Debug, Clone, Copy)]
pub struct Phone<'a> {
    pub os: Os,
    pub channel: &'a str,
    /// The native build it runs.
    pub native_code: i64,
    pub native_version: &'a str,
    /// The wgt it runs, as far as the client knows.
    pub wgt_code: i64,
    pub wgt_version: &'a str,
}

/// A program's updates for one system, newest first.
#[derive(Debug, Clone, Default)]
pub struct Shelf {
    natives: Vec<Update>,
    wgts: Vec<Update>,
}

#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    pub update: &'a Update,
    /// Forced where the update is, or one that it skips over.
    pub mode: Mode,
}

impl Shelf {
    pub fn add(&mut self, update: Update) {
        let side = if update.kind.is_wgt() { &mut self.wgts } else { &mut self.natives };
        let at = side.partition_point(|other| Reverse(other.version_code) <= Reverse(update.version_code));
        side.insert(at, update);
    }

    pub fn is_empty(&self) -> bool {
        self.natives.is_empty() && self.wgts.is_empty()
    }

    /// The code of a native build by the name people see; the newest of that name.
    pub fn native_named(&self, version: &str) -> Option<i64> {
        self.natives.iter().find(|native| native.version == version).map(|native| native.version_code)
    }

    /// What this phone gets: a native build it must have, else a newer wgt, else a native build it may have.
    pub fn decide(&self, phone: &Phone<'_>) -> Option<Offer<'_>> {
        let native = self.native_offer(phone);
        match native {
            Some(offer) if offer.mode == Mode::Force => native,
            _ => self.wgt_offer(phone).or(native),
        }
    }

    fn native_offer(&self, phone: &Phone<'_>) -> Option<Offer<'_>> {
        let newer = || {
            let open = |native: &&Update| native.enabled && native.channel == phone.channel && native.is_offerable();
            self.natives.iter().filter(open).take_while(|native| native.version_code > phone.native_code)
        };
        let update = newer().next()?;
        // Nobody installs an app without being asked.
        let mode = if newer().any(|native| native.mode == Mode::Force) { Mode::Force } else { Mode::Ask };
        Some(Offer { update, mode })
    }

    fn wgt_offer(&self, phone: &Phone<'_>) -> Option<Offer<'_>> {
        let running = self.running(phone);
        let fits = |wgt: &&Update| wgt.enabled && wgt.channel == phone.channel && wgt.runs_on(phone.native_code);
        let newer = || self.wgts.iter().take_while(|wgt| wgt.version_code > running).filter(fits);
        let update = newer().next()?;
        let mode = if newer().any(|wgt| wgt.mode == Mode::Force) { Mode::Force } else { update.mode };
        Some(Offer { update, mode })
    }

    /// The version code of the code a phone runs: never older than the one inside its native build.
    fn running(&self, phone: &Phone<'_>) -> i64 {
        let native = self.natives.iter().find(|native| native.version_code == phone.native_code);
        let embedded = native.and_then(|native| native.embedded_wgt_code).unwrap_or(phone.native_code);
        let native_name = native.map_or(phone.native_version, |native| &native.version);
        // The name is believed before the code: on iOS the client reports the native build's code for ever.
        if phone.wgt_version == native_name {
            return if phone.os == Os::Ios { embedded } else { phone.wgt_code.max(embedded) };
        }
        let mut named = self.wgts.iter().filter(|wgt| wgt.version == phone.wgt_version).map(|wgt| wgt.version_code);
        let code = match named.clone().find(|code| *code == phone.wgt_code).or_else(|| named.next()) {
            Some(code) => code,
            None if phone.os == Os::Ios && phone.wgt_code == phone.native_code => embedded,
            None => phone.wgt_code,
        };
        code.max(embedded)
    }
}

#[cfg(test)]
#[path = "decision_tests.rs"]
mod tests;
