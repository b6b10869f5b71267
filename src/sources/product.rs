//! What a product webhook says: offers for the catalogue, and no event of anybody's.

use super::loose::Text;
use super::{SourceKind, clean};
use crate::domain::money::{Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::time::Timestamp;

/// A product as its shop tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Whose ids these are.
    pub source: SourceKind,
    pub id: String,
    /// The same for every repetition of the delivery.
    pub delivery: String,
    pub offers: Vec<Offer>,
    /// Whether these are all of its variants: another one is for sale no more.
    pub whole: bool,
    /// When the shop took it away; none of one that it still has.
    pub as_of: Option<Timestamp>,
}

/// The price, and the one before where that was higher.
pub(super) fn prices(
    price: &Text,
    before: &Text,
    currency: Option<Currency>,
) -> (Option<Money>, Option<Money>) {
    let (price, before) = (clean::money(price, currency), clean::money(before, currency));
    let higher = before.filter(|before| price.is_some_and(|price| price.amount < before.amount));
    (price, higher)
}
