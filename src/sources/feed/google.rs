//! Google Merchant's attributes, whatever carries them: RSS 2.0, Atom, or a table with a line for each offer.
//!
//! Called by [`super::FeedReader`] for XML and by `table` for lines. Names count without their prefix: `g:title` is `title`.

use super::draft::{self, MAX_FIELD_BYTES};
use super::xml::{Attributes, Listener};
use super::{FeedError, Found, Terms};
use crate::domain::offer::Offer;

/// The attributes of one offer.
#[derive(Debug, Default)]
pub(super) struct Draft {
    offer: Offer,
    availability: Option<String>,
    price: Option<String>,
    sale_price: Option<String>,
    sale_span: Option<String>,
}

impl Draft {
    /// Notes an attribute. The first one counts of those that come twice, as of a title with prefix and one without.
    pub(super) fn set(&mut self, name: &str, text: &str) {
        let text = text.trim();
        let place = match name {
            "id" if self.offer.id.is_empty() => {
                text.clone_into(&mut self.offer.id);
                return;
            }
            "product_type" if self.offer.categories.is_empty() => {
                self.offer.categories = draft::path(text);
                return;
            }
            "item_group_id" => &mut self.offer.product,
            "mpn" => &mut self.offer.sku,
            "title" => &mut self.offer.title,
            "link" => &mut self.offer.url,
            "image_link" => &mut self.offer.image,
            "brand" => &mut self.offer.brand,
            "availability" => &mut self.availability,
            "price" => &mut self.price,
            "sale_price" => &mut self.sale_price,
            "sale_price_effective_date" => &mut self.sale_span,
            _ => return,
        };
        if place.is_none() && !text.is_empty() {
            *place = Some(text.to_owned());
        }
    }

    pub(super) fn finish(self, terms: &Terms, found: &mut Found) -> Result<(), FeedError> {
        let mut offer = self.offer;
        let read = |text: &String| draft::price(text, terms.currency);
        let price = self.price.as_ref().and_then(read);
        let on_sale = self
            .sale_span
            .is_none_or(|span| draft::is_within(&span, terms.now));
        let sale = self.sale_price.as_ref().and_then(read).filter(|_| on_sale);
        offer.price = sale.or(price);
        offer.compare_at = sale.and(price);
        offer.available = self.availability.is_none_or(|said| is_there(&said));
        found.add(offer, terms)
    }
}

/// `in_stock`, in the spellings of old feeds. What can only be ordered ahead is not there.
fn is_there(said: &str) -> bool {
    let said = said.trim().to_ascii_lowercase().replace([' ', '-'], "_");
    matches!(
        said.as_str(),
        "in_stock" | "instock" | "available" | "limited_availability"
    )
}

/// `rss` > `channel` > `item`, or `feed` > `entry`.
#[derive(Debug)]
pub(super) struct Google {
    terms: Terms,
    item: &'static str,
    draft: Option<Draft>,
    /// Depth of the open item.
    at: usize,
    text: String,
    pub(super) found: Found,
}

impl Google {
    pub(super) fn new(terms: Terms, item: &'static str) -> Self {
        Self {
            terms,
            item,
            draft: None,
            at: 0,
            text: String::new(),
            found: Found::default(),
        }
    }
}

impl Listener for Google {
    fn open(&mut self, depth: usize, name: &str, attributes: &Attributes<'_>) -> Result<(), FeedError> {
        self.text.clear();
        match &mut self.draft {
            None if name == self.item => {
                self.draft = Some(Draft::default());
                self.at = depth;
            }
            // Atom's own link says where it leads beside it.
            Some(draft) if name == "link" && depth == self.at + 1 => {
                let other = attributes.get("rel").is_some_and(|rel| rel != "alternate");
                if let Some(target) = attributes.get("href").filter(|_| !other) {
                    draft.set("link", &target);
                }
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        if self.draft.is_some() && self.text.len() + text.len() <= MAX_FIELD_BYTES {
            self.text.push_str(text);
        }
    }

    fn close(&mut self, depth: usize, name: &str) -> Result<(), FeedError> {
        if depth == self.at + 1
            && let Some(draft) = &mut self.draft
        {
            draft.set(name, &self.text);
        } else if depth == self.at
            && let Some(draft) = self.draft.take()
        {
            draft.finish(&self.terms, &mut self.found)?;
        }
        self.text.clear();
        Ok(())
    }
}
