//! What a contact bought, in sum: part of the document. Summed up by `intake`, `merge` and, when orders go by age, `store`.

use crate::domain::money::Money;
use crate::domain::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a contact bought, over all orders that count. `spend` is in the store's currency only.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Purchases {
    pub orders: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spend: Option<Money>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_at: Option<Timestamp>,
}

impl Purchases {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Both together. What was spent in another currency does not count.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Self {
        let spend = match (self.spend, other.spend) {
            (Some(one), Some(two)) => Some(one.plus(two)),
            (one, two) => one.or(two),
        };
        Self {
            orders: self.orders.saturating_add(other.orders),
            spend,
            last_at: self.last_at.max(other.last_at),
            first_at: [self.first_at, other.first_at].into_iter().flatten().min(),
        }
    }
}
