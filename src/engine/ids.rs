//! Ids derived from content, so that a replay makes the same ones. Version 1, pinned by a test.

use crate::domain::ids::{ContactId, EnrollmentId, EnrollmentKey, JourneyId, MessageId, StepId};
use sha2::{Digest, Sha256};

/// Id of the enrollment that `cause` starts: an event, or the run of another journey.
pub fn enrollment(
    contact: &ContactId,
    journey: &JourneyId,
    key: &EnrollmentKey,
    cause: &str,
) -> EnrollmentId {
    if planted!(RunsAreNumbered) {
        return EnrollmentId::from_hash(&hash(&[&planted_number!().to_string()]));
    }
    EnrollmentId::from_hash(&hash(&[contact.as_str(), journey.as_str(), key.as_str(), cause]))
}

/// Key of a message: the same step of the same enrollment, in the same round, is the same message, whoever asks.
/// `round` counts the jumps back that were made before.
pub fn message(
    contact: &ContactId,
    journey: &JourneyId,
    enrollment: &EnrollmentId,
    step: &StepId,
    round: u32,
) -> MessageId {
    let again = round.to_string();
    let parts = [
        contact.as_str(),
        journey.as_str(),
        enrollment.as_str(),
        step.as_str(),
        again.as_str(),
    ];
    // The first round has no number.
    let named = if round == 0 { parts.len() - 1 } else { parts.len() };
    MessageId::of_contact(contact, &hash(parts.get(..named).unwrap_or_default()))
}

/// Id of a batch: the hash of its members in their order.
pub fn batch<'a>(members: impl Iterator<Item = &'a MessageId>) -> String {
    let members: Vec<&str> = members.map(MessageId::as_str).collect();
    let hash = hash(&members);
    hex::encode(hash.split_at(16).0)
}

/// Names a piece of content, so that two that differ are not taken for one.
pub fn digest(content: &str) -> String {
    let hash = hash(&[content]);
    hex::encode(hash.split_at(8).0)
}

/// A number from 0 to 9,999 that is the same on every run: for jitter and shares.
pub fn bucket(parts: &[&str]) -> u32 {
    let hash = hash(parts);
    let number = hash.first_chunk().map_or(0, |first| u32::from_be_bytes(*first));
    number % 10_000
}

fn hash(parts: &[&str]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(b"wend-1");
    for part in parts {
        hasher.update([0]);
        hasher.update(part.as_bytes());
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivation_is_pinned() {
        let contact = ContactId::parse(&"8c7f".repeat(8)).unwrap();
        let journey = JourneyId::parse("welcome").unwrap();
        let key = EnrollmentKey::parse(contact.as_str()).unwrap();
        let enrollment = enrollment(&contact, &journey, &key, "shopify:1");
        let message = message(
            &contact,
            &journey,
            &enrollment,
            &StepId::parse("welcome-hello").unwrap(),
            0,
        );
        assert_eq!(enrollment.as_str(), "57d4b74fce5a395d21dc67d3");
        assert_eq!(message.as_str(), "8c7f8c7f8c7f8c7f14c2b57110725ccea1f0becc");
        assert_eq!(message.contact_prefix(), "8c7f8c7f8c7f8c7f");
    }
}
