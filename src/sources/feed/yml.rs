//! YML, Yandex Market's language: `yml_catalog` > `shop` > `offers` > `offer`. Called by [`super::FeedReader`].
//!
//! Of the shop only its categories are kept, as they stand before the offers.

use super::draft::{self, MAX_FIELD_BYTES};
use super::xml::{Attributes, Listener};
use super::{FeedError, Found, Terms};
use crate::domain::money::Currency;
use crate::domain::offer::Offer;
use std::collections::BTreeMap;

/// Most categories of a shop, and how deep they may lie in each other.
const MAX_CATEGORIES: usize = 20_000;
const MAX_NESTING: usize = 8;

#[derive(Debug)]
pub(super) struct Yml {
    terms: Terms,
    categories: BTreeMap<String, Category>,
    /// The category that is being read.
    category: Option<(String, Category)>,
    offer: Option<Draft>,
    /// Depth of the open offer.
    at: usize,
    text: String,
    pub(super) found: Found,
}

#[derive(Debug, Default)]
struct Category {
    name: String,
    parent: Option<String>,
}

#[derive(Debug, Default)]
struct Draft {
    offer: Offer,
    price: Option<String>,
    old_price: Option<String>,
    currency: Option<Currency>,
    category: Option<String>,
    /// `typePrefix` and `model` of an offer of the type `vendor.model`, which has no name.
    prefix: Option<String>,
    model: Option<String>,
}

impl Yml {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            categories: BTreeMap::new(),
            category: None,
            offer: None,
            at: 0,
            text: String::new(),
            found: Found::default(),
        }
    }

    /// The names of a category and of those it lies in, from the widest.
    fn path(&self, id: &str) -> Vec<String> {
        let mut names = Vec::new();
        let mut next = Some(id);
        while let Some(category) = next.and_then(|id| self.categories.get(id)) {
            names.push(category.name.as_str());
            next = category.parent.as_deref().filter(|_| names.len() < MAX_NESTING);
        }
        draft::categories(names.into_iter().rev())
    }

    fn finish(&mut self, draft: Draft) -> Result<(), FeedError> {
        let Draft { mut offer, .. } = draft;
        let currency = draft.currency.unwrap_or(self.terms.currency);
        let sum = |text: Option<String>| text.and_then(|text| draft::amount(&text, currency));
        offer.price = sum(draft.price);
        offer.compare_at = sum(draft.old_price);
        offer.categories = draft.category.map_or_else(Vec::new, |id| self.path(&id));
        if offer.title.is_none() {
            let parts = [
                draft.prefix.as_deref(),
                offer.brand.as_deref(),
                draft.model.as_deref(),
            ];
            let title = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
            offer.title = Some(title);
        }
        self.found.add(offer, &self.terms)
    }
}

impl Draft {
    fn new(attributes: &Attributes<'_>) -> Self {
        let offer = Offer {
            id: attributes.get("id").unwrap_or_default(),
            product: attributes.get("group_id"),
            // Said of what is not there; what says nothing is.
            available: attributes
                .get("available")
                .is_none_or(|text| text.trim() != "false"),
            ..Offer::default()
        };
        Self {
            offer,
            ..Self::default()
        }
    }

    fn set(&mut self, name: &str, text: &str) {
        let value = || Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        match name {
            "url" => self.offer.url = value(),
            // The first of several.
            "picture" if self.offer.image.is_none() => self.offer.image = value(),
            "name" => self.offer.title = value(),
            "vendor" => self.offer.brand = value(),
            "vendorCode" => self.offer.sku = value(),
            "price" => self.price = value(),
            "oldprice" => self.old_price = value(),
            "currencyId" => self.currency = Currency::parse(text).ok(),
            "categoryId" if self.category.is_none() => self.category = value(),
            "typePrefix" => self.prefix = value(),
            "model" => self.model = value(),
            _ => {}
        }
    }
}

impl Listener for Yml {
    fn open(&mut self, depth: usize, name: &str, attributes: &Attributes<'_>) -> Result<(), FeedError> {
        self.text.clear();
        match name {
            "offer" if self.offer.is_none() => {
                self.offer = Some(Draft::new(attributes));
                self.at = depth;
            }
            "category" if self.offer.is_none() => {
                let parent = attributes.get("parentId").filter(|id| id != "0");
                let name = String::new();
                let id = attributes.get("id");
                self.category = id.map(|id| (id, Category { name, parent }));
            }
            _ => {}
        }
        Ok(())
    }

    fn text(&mut self, text: &str) {
        let inside = self.offer.is_some() || self.category.is_some();
        if inside && self.text.len() + text.len() <= MAX_FIELD_BYTES {
            self.text.push_str(text);
        }
    }

    fn close(&mut self, depth: usize, name: &str) -> Result<(), FeedError> {
        if let Some((id, mut category)) = self.category.take_if(|_| name == "category") {
            if self.categories.len() < MAX_CATEGORIES {
                category.name = self.text.chars().take(200).collect();
                self.categories.insert(id, category);
            }
        } else if depth == self.at + 1
            && let Some(draft) = &mut self.offer
        {
            draft.set(name, &self.text);
        } else if depth == self.at
            && let Some(draft) = self.offer.take()
        {
            self.finish(draft)?;
        }
        self.text.clear();
        Ok(())
    }
}
