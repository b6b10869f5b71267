//! Orders and the lattice of their status.

use super::event::LineItem;
use super::ids::{MessageId, OrderKey};
use super::money::Money;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Status of an order, in the order in which equal-timed reports are resolved: the later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrderStatus {
    Completed,
    Fulfilled,
    Delivered,
    Cancelled,
    Refunded,
}

/// An order as we know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    pub key: OrderKey,
    pub status: OrderStatus,
    /// The source's time of the status.
    pub status_at: Timestamp,
    /// The source's time of the first report that the order was placed.
    pub placed_at: Timestamp,
    pub number: Option<String>,
    pub total: Option<Money>,
    pub items: Arc<Vec<LineItem>>,
    /// The message credited with the order, if any.
    pub attributed_to: Option<MessageId>,
}

impl OrderStatus {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Fulfilled => "fulfilled",
            Self::Delivered => "delivered",
            Self::Cancelled => "cancelled",
            Self::Refunded => "refunded",
        }
    }

    /// Whether the order counts as a purchase.
    pub const fn counts(self) -> bool {
        match self {
            Self::Completed | Self::Fulfilled | Self::Delivered => true,
            Self::Cancelled | Self::Refunded => false,
        }
    }
}

impl Order {
    /// Takes a report of `status` at the source's time `at`. Reports in any order end in the same state: the latest
    /// time wins, at equal times the higher status. Returns whether anything changed.
    pub fn report(&mut self, status: OrderStatus, at: Timestamp) -> bool {
        let earlier_placing = at < self.placed_at;
        if earlier_placing {
            self.placed_at = at;
        }
        if (at, status) > (self.status_at, self.status) {
            (self.status_at, self.status) = (at, status);
            return true;
        }
        earlier_placing
    }

    /// Takes over what another record of the same order knows: two contacts that become one may both have it.
    pub fn join(&mut self, other: &Self) {
        self.report(other.status, other.status_at);
        self.placed_at = self.placed_at.min(other.placed_at);
        self.total = self.total.or(other.total);
        if self.items.is_empty() {
            self.items.clone_from(&other.items);
        }
        self.number = self.number.take().or_else(|| other.number.clone());
        self.attributed_to = self.attributed_to.take().or_else(|| other.attributed_to.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reported(reports: &[(OrderStatus, i64)]) -> (OrderStatus, Timestamp, Timestamp) {
        let (status, at) = reports[0];
        let at = Timestamp::from_seconds(at);
        let key = OrderKey::parse("shopify:1").unwrap();
        let (number, total, items, attributed_to) = (None, None, vec![], None);
        let mut order = Order {
            key,
            status,
            status_at: at,
            placed_at: at,
            number,
            total,
            items: items.into(),
            attributed_to,
        };
        for (status, at) in &reports[1..] {
            order.report(*status, Timestamp::from_seconds(*at));
        }
        (order.status, order.status_at, order.placed_at)
    }

    fn status() -> impl Strategy<Value = OrderStatus> {
        use OrderStatus::{Cancelled, Completed, Delivered, Fulfilled, Refunded};
        prop::sample::select(vec![Completed, Fulfilled, Delivered, Cancelled, Refunded])
    }

    proptest! {
        #[test]
        fn the_order_of_arrival_does_not_matter(
            (reports, shuffled) in prop::collection::vec((status(), 0_i64..20), 1..8)
                .prop_flat_map(|reports| (Just(reports.clone()), Just(reports).prop_shuffle()))
        ) {
            prop_assert_eq!(reported(&reports), reported(&shuffled));
        }
    }
}
