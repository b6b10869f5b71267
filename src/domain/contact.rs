//! What is known of a person besides identifiers and consent.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Longest name or attribute text kept, in characters; more is cut, never refused.
pub const MAX_TEXT_CHARS: usize = 500;
/// Most custom attributes kept for a contact.
pub const MAX_ATTRIBUTES: usize = 100;

/// A person's details. In an event only what the source said is present; absent fields change nothing.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// BCP 47 language tag, as `en-GB` or `pl`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
    /// IANA zone name, as `Europe/Warsaw`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// ISO 3166-1 alpha-2 country code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<String, serde_json::Value>,
}

impl Profile {
    /// Takes over every field that `newer` has.
    pub fn update(&mut self, newer: &Self) {
        let take = |held: &mut Option<String>, new: &Option<String>| {
            if let Some(text) = new {
                *held = Some(cut(text));
            }
        };
        take(&mut self.first_name, &newer.first_name);
        take(&mut self.last_name, &newer.last_name);
        take(&mut self.locale, &newer.locale);
        take(&mut self.timezone, &newer.timezone);
        take(&mut self.country, &newer.country);
        if let Some(tags) = &newer.tags {
            self.tags = Some(tags.iter().map(|tag| cut(tag)).collect());
        }
        for (name, value) in &newer.attributes {
            if self.attributes.len() < MAX_ATTRIBUTES || self.attributes.contains_key(name) {
                self.attributes.insert(name.clone(), value.clone());
            }
        }
    }

    /// Takes over only what is missing here: for a merge, and for an update older than the one held.
    pub fn fill_from(&mut self, other: &Self) {
        let mut filled = other.clone();
        filled.update(self);
        *self = filled;
    }
}

fn cut(text: &str) -> String {
    text.chars().take(MAX_TEXT_CHARS).collect()
}
