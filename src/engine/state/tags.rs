//! The tags of a contact: those that its storefront gave, and those that journeys set. Each has its own list.
//!
//! A storefront sends its whole list with every customer. What a journey wrote down (`unhappy`, `sunset`) must outlive that,
//! so it is kept apart; conditions and outside systems are shown both as one.

use super::Contact;
use serde::{Deserialize, Serialize};

/// Tags that journeys set, in the order they did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OwnTags(Vec<String>);

impl OwnTags {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn set(&mut self, tag: &str) {
        if !self.0.iter().any(|held| held == tag) {
            self.0.push(tag.to_owned());
        }
    }

    /// Those of somebody who turned out to be the same person come along.
    pub fn join(&mut self, other: &Self) {
        for tag in &other.0 {
            self.set(tag);
        }
    }

    /// Takes the newest away.
    pub fn pop(&mut self) -> Option<String> {
        self.0.pop()
    }
}

impl FromIterator<String> for OwnTags {
    fn from_iter<I: IntoIterator<Item = String>>(tags: I) -> Self {
        let mut own = Self::default();
        for tag in tags {
            own.set(&tag);
        }
        own
    }
}

impl Contact {
    /// All tags, each once: the storefront's first.
    pub fn tags(&self) -> Vec<&str> {
        let given = self.profile.tags.as_deref().unwrap_or_default();
        let mut tags: Vec<&str> = given.iter().map(String::as_str).collect();
        for own in &self.own_tags.0 {
            if !tags.contains(&own.as_str()) {
                tags.push(own);
            }
        }
        tags
    }

    /// Takes a tag away, whoever gave it. What the storefront still lists comes back with its next list.
    pub fn untag(&mut self, tag: &str) {
        self.own_tags.0.retain(|held| held != tag);
        if let Some(given) = &mut self.profile.tags {
            given.retain(|held| held != tag);
        }
        self.profile.tags.take_if(|given| given.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use crate::domain::consent::ConsentState;
    use crate::domain::contact::Profile;
    use crate::engine::fixtures::contact;

    fn list(tags: &[&str]) -> Profile {
        Profile {
            tags: Some(tags.iter().map(|tag| (*tag).to_owned()).collect()),
            ..Profile::default()
        }
    }

    #[test]
    fn a_storefronts_list_replaces_only_its_own() {
        let mut contact = contact(ConsentState::Subscribed);
        contact.profile.update(&list(&["wholesale", "vip"]));
        contact.own_tags.set("unhappy");
        contact.own_tags.set("vip");
        assert_eq!(contact.tags(), ["wholesale", "vip", "unhappy"]);
        contact.profile.update(&list(&["retail"]));
        assert_eq!(contact.tags(), ["retail", "unhappy", "vip"]);
        contact.profile.update(&list(&[]));
        assert_eq!(contact.tags(), ["unhappy", "vip"]);
    }

    #[test]
    fn a_tag_that_is_taken_away_is_gone_from_both() {
        let mut contact = contact(ConsentState::Subscribed);
        contact.profile.update(&list(&["vip"]));
        contact.own_tags.set("vip");
        contact.untag("vip");
        assert_eq!((contact.tags(), &contact.profile.tags), (Vec::new(), &None));
    }
}
