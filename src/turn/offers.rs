//! Pictures and pages for lines of carts that came without: asked of the catalogue before mails are claimed, filled in when
//! they are rendered.
//!
//! Without `catalogue:` in `store.yaml` nothing is asked. What is not known stays as it is: no mail waits for a picture.

use super::Turn;
use super::wake::DueMessage;
use crate::domain::event::{EventData, LineItem};
use crate::domain::offer::{Offer, Space};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most ids asked about at once.
const MAX_ASKED: usize = 500;

/// Offers by their ids; with each the namespace that it is of.
pub type Offers = BTreeMap<String, Vec<(Space, Offer)>>;

/// By the ids that they were asked by.
pub fn by_id(found: Vec<(Space, Offer)>) -> Offers {
    let mut offers = Offers::new();
    for (space, offer) in found {
        offers.entry(offer.id.clone()).or_default().push((space, offer));
    }
    offers
}

impl Turn<'_> {
    /// Ids of the lines in these mails that say no picture or no page. A contact that cannot be read is left out.
    pub fn bare_lines(&self, messages: &[DueMessage]) -> Vec<String> {
        let mut ids = BTreeSet::new();
        if self.catalog.store.catalogue.is_none() {
            return Vec::new();
        }
        for item in messages {
            let Ok(Some(loaded)) = self.existing(&item.contact) else {
                continue;
            };
            if let Some((enrollment, _)) = loaded.contact.sending(&item.message) {
                let bare = enrollment.data.items.iter().filter(|line| is_bare(line));
                ids.extend(bare.flat_map(ids_of).map(str::to_owned));
            }
        }
        ids.into_iter().take(MAX_ASKED).collect()
    }
}

/// The data with what the catalogue knows of its lines.
pub(super) fn filled<'d>(data: &'d EventData, offers: &Offers) -> Cow<'d, EventData> {
    if offers.is_empty() || !data.items.iter().any(is_bare) {
        return Cow::Borrowed(data);
    }
    let mut items = Vec::clone(&data.items);
    for line in items.iter_mut().filter(|line| is_bare(line)) {
        let known: Option<Offer> = ids_of(line).find_map(|id| only(offers.get(id)?)).cloned();
        if let Some(offer) = known {
            offer.fill(line);
        }
    }
    Cow::Owned(EventData {
        items: Arc::new(items),
        ..data.clone()
    })
}

fn is_bare(line: &LineItem) -> bool {
    line.title.is_empty() || line.image_url.is_none() || line.url.is_none()
}

/// The variant's id first, then what else may name it; its product last.
fn ids_of(line: &LineItem) -> impl Iterator<Item = &str> {
    let ids = [&line.variant_id, &line.sku, &line.product_id];
    ids.into_iter().filter_map(|id| id.as_deref())
}

/// An id that two shops of a store both use says nothing: a wrong picture is worse than none.
const fn only(found: &[(Space, Offer)]) -> Option<&Offer> {
    match found {
        [(_, offer)] => Some(offer),
        [] | [_, _, ..] => None,
    }
}
