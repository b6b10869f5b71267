//! Keeps a contact's document within its bound: a document that cannot be stored would make every webhook of the
//! person fail for ever.
//!
//! Called by the storage turn when a document turned out too large. What goes is what mails and conditions can best do
//! without: the oldest runs' properties and cart lines first, the person's own attributes and weakest identifiers
//! last. Nothing that decides goes: positions, consent and addresses stay.

use super::state::{Contact, Enrollment};
use crate::domain::event::EventData;
use crate::domain::time::Timestamp;
use serde::Serialize;

/// Cart lines left to an enrollment when its document is cut: a mail still shows what it is about.
const ITEMS_LEFT: usize = 3;
/// Longest text left to a field of a cart line or an address on the web.
const TEXT_LEFT: usize = 200;

/// Identifiers left, whatever the size: what a later merge needs to lead them all to one contact.
const IDENTIFIERS_LEFT: usize = 20;

/// One way to make a document smaller: how many bytes of JSON it took away, none when nothing is left to cut.
type Cut = fn(&mut Contact) -> Option<usize>;

/// In this order; each is repeated until it has nothing more to cut.
const CUTS: [Cut; 6] = [properties, items, texts, attributes, tags, identifiers];

/// Cuts until the document's JSON has at most `bytes_max` bytes. Returns whether it now fits.
pub fn fit(contact: &mut Contact, bytes_max: usize) -> bool {
    // What wraps the document in its row.
    const WRAPPING: usize = 16;
    let mut size = size_of(contact).saturating_add(WRAPPING);
    for cut in CUTS {
        while size > bytes_max {
            match cut(contact) {
                Some(saved) => size = size.saturating_sub(saved),
                None => break,
            }
        }
    }
    size <= bytes_max
}

fn size_of<T: Serialize>(value: &T) -> usize {
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

/// Changes an enrollment's data and tells what that saved.
fn shrink(enrollment: Option<&mut Enrollment>, change: impl FnOnce(&mut EventData)) -> Option<usize> {
    let data = &mut enrollment?.data;
    let before = size_of(data);
    change(data);
    Some(before.saturating_sub(size_of(data)))
}

/// The enrollment whose data is oldest, of those that `has` something to cut.
fn oldest(contact: &mut Contact, has: impl Fn(&Enrollment) -> bool) -> Option<&mut Enrollment> {
    let with_something = contact
        .enrollments
        .iter_mut()
        .filter(|enrollment| has(enrollment));
    with_something.min_by_key(|enrollment| -> Timestamp { enrollment.data_at })
}

fn properties(contact: &mut Contact) -> Option<usize> {
    let enrollment = oldest(contact, |held| !held.data.properties.is_empty());
    shrink(enrollment, |data| data.properties.clear())
}

fn items(contact: &mut Contact) -> Option<usize> {
    let enrollment = oldest(contact, |held| held.data.items.len() > ITEMS_LEFT);
    shrink(enrollment, |data| data.items.truncate(ITEMS_LEFT))
}

/// Long texts that are left: titles are shortened; addresses, which would not lead anywhere then, go.
fn texts(contact: &mut Contact) -> Option<usize> {
    let is_long = |text: &String| text.len() > TEXT_LEFT;
    let any_long = |text: &Option<String>| text.as_ref().is_some_and(is_long);
    let has = |held: &Enrollment| {
        let lines = held.data.items.iter().any(|item| {
            is_long(&item.title)
                || any_long(&item.variant)
                || any_long(&item.url)
                || any_long(&item.image_url)
        });
        lines || any_long(&held.data.url) || held.data.discount_codes.len() > ITEMS_LEFT
    };
    shrink(oldest(contact, has), |data| {
        data.url.take_if(|url| is_long(url));
        data.discount_codes.truncate(ITEMS_LEFT);
        for item in &mut data.items {
            // A character has at most four bytes.
            item.title = item.title.chars().take(TEXT_LEFT / 4).collect();
            item.variant.take_if(|text| is_long(text));
            item.url.take_if(|text| is_long(text));
            item.image_url.take_if(|text| is_long(text));
        }
    })
}

/// The largest attribute goes first.
fn attributes(contact: &mut Contact) -> Option<usize> {
    let attributes = &mut contact.profile.attributes;
    let sizes = attributes
        .iter()
        .map(|(name, value)| (size_of(value), name.clone()));
    let (size, name) = sizes.max()?;
    attributes.remove(&name);
    Some(size)
}

fn tags(contact: &mut Contact) -> Option<usize> {
    let tag = contact.profile.tags.as_mut()?.pop()?;
    Some(size_of(&tag))
}

/// The weak identifier known longest, then the strong one; the directory still leads from it to the contact.
fn identifiers(contact: &mut Contact) -> Option<usize> {
    let held = &mut contact.identifiers;
    let weak = held.iter().position(|identifier| !identifier.kind.is_strong());
    let strong = (held.len() > IDENTIFIERS_LEFT).then_some(0);
    let identifier = held.remove(weak.or(strong)?);
    Some(size_of(&identifier))
}

#[cfg(test)]
mod tests;
