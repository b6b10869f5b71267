//! Who wants to hear that an offer is back or cheaper: whoever looked at it, put it into a cart, or asked for it, and has not
//! bought it since. Called by `turn::interest` with a contact's events; it reads nothing itself.

use crate::domain::event::{Event, EventData, EventKind, LineItem};
use crate::domain::offer::{Change, News};
use crate::domain::time::{Delay, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A look is forgotten after this long.
pub const REMEMBERED: Delay = Delay::from_days(60);
/// The store's own event by which somebody asks to be told.
pub const REQUESTED: &str = "Back In Stock Requested";
/// Most products told in one event.
const MAX_ITEMS: usize = 10;

/// The events that say what somebody wants, or has.
pub fn kinds() -> [EventKind; 6] {
    [
        EventKind::ProductViewed,
        EventKind::ProductAdded,
        EventKind::CheckoutStarted,
        EventKind::CheckoutUpdated,
        EventKind::OrderCompleted,
        EventKind::Custom(REQUESTED.to_owned()),
    ]
}

/// Those of them that say what somebody wants.
pub fn wanting() -> Vec<EventKind> {
    let wants = |kind: &EventKind| How::of(kind).is_some();
    kinds().into_iter().filter(wants).collect()
}

/// How somebody showed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    Asked,
    Cart,
    Viewed,
}

impl How {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Cart => "cart",
            Self::Viewed => "viewed",
        }
    }

    /// None of an order, which ends it.
    fn of(kind: &EventKind) -> Option<Self> {
        match kind {
            EventKind::ProductViewed => Some(Self::Viewed),
            EventKind::Custom(name) if name == REQUESTED => Some(Self::Asked),
            EventKind::ProductAdded | EventKind::CheckoutStarted | EventKind::CheckoutUpdated => {
                Some(Self::Cart)
            }
            EventKind::SignedUp
            | EventKind::ContactUpdated
            | EventKind::Unsubscribed
            | EventKind::OrderCompleted
            | EventKind::OrderFulfilled
            | EventKind::OrderDelivered
            | EventKind::OrderCancelled
            | EventKind::OrderRefunded
            | EventKind::EmailOpened
            | EventKind::EmailClicked
            | EventKind::EmailBounced
            | EventKind::EmailComplained
            | EventKind::JourneyRequested
            | EventKind::ReferralCredited
            | EventKind::PreferencesUpdated
            | EventKind::ConsentConfirmed
            | EventKind::BackInStock
            | EventKind::PriceDropped
            | EventKind::QuestionAnswered
            | EventKind::QuestionCommented
            | EventKind::GiftRevealed
            | EventKind::Custom(_) => None,
        }
    }
}

/// News, found by the ids that lines of events name.
pub struct Index<'n> {
    news: &'n [News],
    by_variant: BTreeMap<&'n str, Vec<usize>>,
    by_product: BTreeMap<&'n str, Vec<usize>>,
}

impl<'n> Index<'n> {
    pub fn new(news: &'n [News]) -> Self {
        let (mut by_variant, mut by_product) = (BTreeMap::<_, Vec<_>>::new(), BTreeMap::<_, Vec<_>>::new());
        for (at, News { offer, .. }) in news.iter().enumerate() {
            by_variant.entry(offer.id.as_str()).or_default().push(at);
            if let Some(sku) = offer.sku.as_deref().filter(|sku| *sku != offer.id) {
                by_variant.entry(sku).or_default().push(at);
            }
            // A product without variants is its own.
            let product = offer.product.as_deref().unwrap_or(&offer.id);
            by_product.entry(product).or_default().push(at);
        }
        Self {
            news,
            by_variant,
            by_product,
        }
    }

    /// The news about a line. Whoever looked at a product without choosing a variant hears of each.
    fn about(&self, source: &str, line: &LineItem) -> BTreeSet<usize> {
        let variants = [line.variant_id.as_deref(), line.sku.as_deref()];
        let chosen = variants.iter().flatten().filter_map(|id| self.by_variant.get(id));
        let whole = line.product_id.as_deref().filter(|_| line.variant_id.is_none());
        let of_product = whole.and_then(|id| self.by_product.get(id));
        let found = chosen.chain(of_product).flatten().copied();
        found
            .filter(|at| {
                self.news
                    .get(*at)
                    .is_some_and(|news| speaks_of(&news.space, source))
            })
            .collect()
    }

    /// What this person hears of, by change, most recent interest first. `events` are newest first.
    pub fn heard_by(&self, events: &[Event]) -> Vec<(&'n News, How)> {
        let mut decided = BTreeSet::new();
        let mut heard = Vec::new();
        for event in events.iter().filter(|event| !event.test) {
            for line in event.data.items.iter() {
                for at in self.about(event.source.as_str(), line) {
                    // The newest event about it decides; an order says that it was bought.
                    if decided.insert(at)
                        && let (Some(how), Some(news)) = (How::of(&event.kind), self.news.get(at))
                    {
                        heard.push((news, how));
                    }
                }
            }
        }
        heard
    }
}

/// Whether ids of this namespace are those that events of the source name. Pages and scripts name the shop's own.
fn speaks_of(space: &str, source: &str) -> bool {
    space.is_empty() || space == source || matches!(source, "events" | "segment")
}

/// What the events say, one for each kind of change: its products, most recent interest first.
pub fn told(heard: &[(&News, How)]) -> Vec<(EventKind, EventData)> {
    [EventKind::BackInStock, EventKind::PriceDropped]
        .into_iter()
        .filter_map(|kind| {
            let of_kind: Vec<&(&News, How)> = heard
                .iter()
                .filter(|(news, _)| kind_of(&news.change) == kind)
                .collect();
            let (first, how) = of_kind.first()?;
            let mut properties = BTreeMap::from([("interest".to_owned(), how.as_str().into())]);
            if let Change::PriceDropped { was } = &first.change {
                properties.insert("was".to_owned(), was.amount.to_string().into());
            }
            let lines = of_kind.iter().take(MAX_ITEMS).map(|(news, _)| news.offer.line());
            let data = EventData {
                value: first.offer.price,
                url: first.offer.url.clone(),
                items: Arc::new(lines.collect()),
                properties,
                ..EventData::default()
            };
            Some((kind, data))
        })
        .collect()
}

/// The event that tells of a change.
pub const fn kind_of(change: &Change) -> EventKind {
    match change {
        Change::BackInStock => EventKind::BackInStock,
        Change::PriceDropped { .. } => EventKind::PriceDropped,
    }
}

/// The oldest event that still counts.
pub const fn since(now: Timestamp) -> Timestamp {
    now.minus(REMEMBERED)
}
