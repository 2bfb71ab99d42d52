//! Uploader slots of a vendor: few, and a new package in a slot replaces the one before it.

use crate::clock::{DAY, Ms};

/// A branch keeps its slot this long after its last release.
pub const IDLE: Ms = 30 * DAY;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    pub platform: String,
    pub app_id: String,
    /// The branch, tag or commit that holds it.
    pub reference: String,
    pub robot: i64,
    /// The program whose release took it.
    pub program_id: String,
    pub used_at: Ms,
}

impl Lease {
    pub fn is_idle(&self, now: Ms) -> bool {
        self.used_at + IDLE <= now
    }
}

/// The slot of a reference: the one it holds, else the lowest free number. `None`: all are held.
pub fn choose(leases: &[Lease], reference: &str, min: i64, max: i64) -> Option<i64> {
    let held = leases.iter().find(|lease| lease.reference == reference && (min..=max).contains(&lease.robot));
    held.map(|lease| lease.robot).or_else(|| (min..=max).find(|n| leases.iter().all(|lease| lease.robot != *n)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(reference: &str, robot: i64) -> Lease {
        Lease {
            platform: "p".into(),
            app_id: "a".into(),
            reference: reference.into(),
            robot,
            program_id: "x".into(),
            used_at: 0,
        }
    }

    #[test]
    fn a_branch_keeps_its_slot_and_a_new_one_gets_the_lowest() {
        let leases = [lease("main", 1), lease("dev", 3)];
        assert_eq!(choose(&leases, "dev", 1, 3), Some(3));
        assert_eq!(choose(&leases, "new", 1, 3), Some(2));
        assert_eq!(choose(&[lease("a", 1), lease("b", 2)], "c", 1, 2), None);
        assert!(lease("a", 1).is_idle(IDLE) && !lease("a", 1).is_idle(IDLE - 1));
    }
}
