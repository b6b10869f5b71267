//! Who is in two journeys at once, and in which two.

use crate::domain::ids::JourneyId;
use crate::domain::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};

/// One run of a journey: from, to.
pub(super) type Run = (JourneyId, Timestamp, Timestamp);

#[derive(Debug, Default)]
pub(super) struct Overlaps {
    pub contacts: u64,
    /// How many contacts were in both at once.
    pub pairs: BTreeMap<(JourneyId, JourneyId), u64>,
}

impl Overlaps {
    /// Counts a contact with all of its runs.
    pub fn add(&mut self, runs: &[Run]) {
        let mut pairs = BTreeSet::new();
        for (at, (journey, from, to)) in runs.iter().enumerate() {
            for (other, other_from, other_to) in runs.iter().skip(at + 1) {
                let at_once = from < other_to && other_from < to;
                if at_once && journey != other {
                    let pair = (journey.min(other).clone(), journey.max(other).clone());
                    pairs.insert(pair);
                }
            }
        }
        self.contacts += u64::from(!pairs.is_empty());
        for pair in pairs {
            *self.pairs.entry(pair).or_default() += 1;
        }
    }
}
