//! Every program's updates in memory: what phones ask for is answered from here. No SQL, no HTTP, no wire format.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use tokio::sync::{Mutex, MutexGuard};

use crate::model::decision::{Offer, Phone, Shelf};
use crate::model::update::{Os, Package, Update};

#[derive(Clone, Default)]
pub struct Catalogue {
    index: Arc<RwLock<Arc<Index>>>,
    /// Held while the rows are read and put in place, so that an older reading never follows a newer one.
    filling: Arc<Mutex<()>>,
}

/// A program that phones may ask about.
#[derive(Debug, Clone)]
pub struct Entry {
    pub program_id: String,
    /// As the app names itself.
    pub app_id: String,
}

/// One reading of the rows; never changes.
#[derive(Default)]
pub struct Index {
    programs: HashMap<String, Shelves>,
    /// App id → program id.
    apps: HashMap<String, String>,
    /// Hash → package, of all that phones may download.
    packages: HashMap<String, Package>,
}

#[derive(Default)]
struct Shelves {
    android: Shelf,
    ios: Shelf,
    harmony: Shelf,
}

impl Shelves {
    fn of(&self, os: Os) -> &Shelf {
        match os {
            Os::Android => &self.android,
            Os::Ios => &self.ios,
            Os::Harmony => &self.harmony,
        }
    }

    fn add(&mut self, update: Update) {
        match update.kind.os() {
            Os::Android => self.android.add(update),
            Os::Ios => self.ios.add(update),
            Os::Harmony => self.harmony.add(update),
        }
    }

    fn is_empty(&self) -> bool {
        Os::ALL.iter().all(|os| self.of(*os).is_empty())
    }
}

impl Catalogue {
    /// Waits for whoever is filling it; hold the guard from before the rows are read until after [`Catalogue::fill`].
    pub async fn filling(&self) -> MutexGuard<'_, ()> {
        self.filling.lock().await
    }

    pub fn fill(&self, programs: Vec<Entry>, updates: Vec<Update>) {
        let index = Arc::new(Index::new(programs, updates));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
    }

    /// As it is now: a reader keeps its own while another is put in place.
    pub fn read(&self) -> Arc<Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Index {
    fn new(programs: Vec<Entry>, updates: Vec<Update>) -> Self {
        let mut index = Self::default();
        for Entry { program_id, app_id } in programs {
            index.apps.entry(app_id).or_insert_with(|| program_id.clone());
            index.programs.insert(program_id, Shelves::default());
        }
        for update in updates {
            if let Some(package) = &update.package {
                index.packages.entry(package.sha256.clone()).or_insert_with(|| package.clone());
            }
            if let Some(shelves) = index.programs.get_mut(&update.program_id) {
                shelves.add(update);
            }
        }
        index
    }

    pub fn knows(&self, program_id: &str) -> bool {
        self.programs.contains_key(program_id)
    }

    /// The program of an app id.
    pub fn program_of(&self, app_id: &str) -> Option<&str> {
        self.apps.get(app_id).map(String::as_str)
    }

    /// Whether a program has no update at all.
    pub fn is_empty(&self, program_id: &str) -> bool {
        self.programs.get(program_id).is_none_or(Shelves::is_empty)
    }

    pub fn decide(&self, program_id: &str, phone: &Phone<'_>) -> Option<Offer<'_>> {
        self.programs.get(program_id)?.of(phone.os).decide(phone)
    }

    /// The code of a native build by its name.
    pub fn native_named(&self, program_id: &str, os: Os, version: &str) -> Option<i64> {
        self.programs.get(program_id)?.of(os).native_named(version)
    }

    /// A package that some update has, by its hash.
    pub fn package(&self, sha256: &str) -> Option<&Package> {
        self.packages.get(sha256)
    }
}
