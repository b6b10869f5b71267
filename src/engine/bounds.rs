//! Keeps a contact's document within its bound: a document that cannot be stored would make every webhook of the
//! person fail for ever.
//!
//! Called by the storage turn when a document turned out too large. What goes is what mails and conditions can best do
//! without: the oldest runs' properties and cart lines first, the person's own attributes and weakest identifiers
//! late. What other systems answered, which conditions ask about, and the wording of a consent go last. Nothing that
//! decides whether somebody may be written to goes: positions, consent and addresses stay.

use super::state::{Contact, Enrollment};
use crate::domain::event::{EventData, LineItem};
use crate::domain::ids::MAX_ID_BYTES;
use crate::domain::time::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// Cart lines left to an enrollment when its document is cut: a mail still shows what it is about.
const ITEMS_LEFT: usize = 3;
/// Longest text left to a field of a cart line or an address on the web.
const TEXT_LEFT: usize = 200;

/// Identifiers left, whatever the size: what a later merge needs to lead them all to one contact.
const IDENTIFIERS_LEFT: usize = 20;

/// One way to make a document smaller: how many bytes of JSON it took away, none when nothing is left to cut.
type Cut = fn(&mut Contact) -> Option<usize>;

/// In this order; each is repeated until it has nothing more to cut.
const CUTS: [Cut; 9] = [
    properties,
    items,
    texts,
    attributes,
    tags,
    answers,
    identifiers,
    lines,
    evidence,
];

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
    let data = Arc::make_mut(&mut enrollment?.data);
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
    shrink(enrollment, |data| {
        Arc::make_mut(&mut data.items).truncate(ITEMS_LEFT)
    })
}

fn is_long(text: &str) -> bool {
    text.len() > TEXT_LEFT
}

/// The texts of a line that may be absent.
fn texts_of(item: &mut LineItem) -> [&mut Option<String>; 6] {
    let LineItem {
        title: _,
        quantity: _,
        price: _,
        variant,
        sku,
        product_id,
        variant_id,
        image_url,
        url,
    } = item;
    [variant, sku, product_id, variant_id, image_url, url]
}

/// Long texts that are left: titles are shortened; addresses, which would not lead anywhere then, go. So do ids that
/// are too long to be the key of anything.
fn texts(contact: &mut Contact) -> Option<usize> {
    let long_id = |id: &Option<String>| id.as_ref().is_some_and(|id| id.len() > MAX_ID_BYTES);
    let any_long = |text: &Option<String>| text.as_deref().is_some_and(is_long);
    let has = |held: &Enrollment| {
        let data = &held.data;
        let line = |item: &LineItem| {
            let texts = texts_of(&mut item.clone()).map(|text| any_long(text));
            is_long(&item.title) || texts.contains(&true)
        };
        data.items.iter().any(line)
            || any_long(&data.url)
            || any_long(&data.order_number)
            || [&data.checkout_id, &data.cart_id, &data.order_id]
                .into_iter()
                .any(long_id)
            || data.discount_codes.len() > ITEMS_LEFT
            || data.discount_codes.iter().any(|code| is_long(code))
    };
    shrink(oldest(contact, has), |data| {
        data.url.take_if(|url| is_long(url));
        data.order_number.take_if(|number| is_long(number));
        for id in [&mut data.checkout_id, &mut data.cart_id, &mut data.order_id] {
            id.take_if(|id| id.len() > MAX_ID_BYTES);
        }
        data.discount_codes.retain(|code| !is_long(code));
        data.discount_codes.truncate(ITEMS_LEFT);
        for item in Arc::make_mut(&mut data.items) {
            // A character has at most four bytes.
            item.title = item.title.chars().take(TEXT_LEFT / 4).collect();
            for text in texts_of(item) {
                text.take_if(|text| is_long(text));
            }
        }
    })
}

/// The largest answer of the oldest run that has one.
fn answers(contact: &mut Contact) -> Option<usize> {
    let runs = contact.enrollments.iter_mut();
    let held = runs.filter(|held| !held.answers.is_empty());
    let answers = &mut held.min_by_key(|held| held.data_at)?.answers;
    let sizes = answers.iter().map(|(name, value)| (size_of(value), name.clone()));
    let (size, name) = sizes.max()?;
    answers.remove(&name);
    Some(size)
}

fn lines(contact: &mut Contact) -> Option<usize> {
    let enrollment = oldest(contact, |held| !held.data.items.is_empty());
    shrink(enrollment, |data| data.items = Arc::default())
}

/// Long wordings, of the address seen longest ago first. The state of its consent, its time and its event stay.
fn evidence(contact: &mut Contact) -> Option<usize> {
    let any_long = |text: &Option<String>| text.as_deref().is_some_and(is_long);
    let mut addresses: Vec<_> = contact.addresses.iter_mut().collect();
    addresses.sort_by_key(|address| address.seen_at);
    let mut signals = addresses
        .into_iter()
        .filter_map(|address| address.consent.evidence.as_mut());
    let (signal, _) = signals.find(|(signal, _)| {
        [
            &signal.method,
            &signal.text,
            &signal.ip,
            &signal.agent,
            &signal.actor,
        ]
        .into_iter()
        .any(any_long)
    })?;
    let before = size_of(signal);
    for text in [
        &mut signal.method,
        &mut signal.text,
        &mut signal.ip,
        &mut signal.agent,
        &mut signal.actor,
    ] {
        text.take_if(|text| is_long(text));
    }
    Some(before.saturating_sub(size_of(signal)))
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

/// What a journey wrote down goes last.
fn tags(contact: &mut Contact) -> Option<usize> {
    let given = contact.profile.tags.as_mut().and_then(Vec::pop);
    let tag = given.or_else(|| contact.own_tags.pop())?;
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
