//! Was it bought? What the gate must know of a cart mail: the checkout and the cart of its enrollment, each in the
//! shard of its own hash.
//!
//! Rows of this shard are read in the turn that claims. Those of others are asked before it, by `edge` or the world of
//! host tests, and handed in. One that nobody asked about is unreadable, so that the mail waits.

use super::call::Answer;
use super::wake::DueMessage;
use super::{Error, Turn};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::IdentifierHash;
use crate::domain::shard::{ShardCount, ShardIndex};
use crate::engine::enroll::leaves_when_bought;
use crate::engine::guard::CheckoutFact;
use crate::engine::state::Enrollment;
use crate::store::{self, directory};
use std::collections::{BTreeMap, BTreeSet};

/// What other shards said about checkouts and carts.
pub type CheckoutFacts = BTreeMap<IdentifierHash, CheckoutFact>;

/// Which shards to ask about which checkouts and carts.
pub type Questions = BTreeMap<ShardIndex, BTreeSet<IdentifierHash>>;

/// What a shard's answer says of those it was asked about; nothing when it gave none.
pub fn facts_from(asked: BTreeSet<IdentifierHash>, answer: Option<&Answer>) -> CheckoutFacts {
    let fact = |hash: &IdentifierHash| match answer {
        Some(Answer::Bought(bought)) if bought.contains(hash) => CheckoutFact::Closed,
        Some(Answer::Bought(_)) => CheckoutFact::Open,
        Some(_) | None => CheckoutFact::Unreadable,
    };
    asked
        .into_iter()
        .map(|hash| {
            let fact = fact(&hash);
            (hash, fact)
        })
        .collect()
}

impl Turn<'_> {
    /// What to ask other shards before these messages are claimed. A contact that cannot be read is left out: it fails
    /// in its claim, alone.
    pub fn questions(&self, messages: &[DueMessage]) -> Questions {
        let mut questions = Questions::new();
        if self.settings.shards == ShardCount::ONE {
            return questions;
        }
        for item in messages {
            let Ok(Some(loaded)) = self.existing(&item.contact) else {
                continue;
            };
            if let Some((enrollment, _)) = loaded.contact.sending(&item.message) {
                self.ask(enrollment, &mut questions);
            }
        }
        questions
    }

    /// What to ask other shards before a dispatch is repeated.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn questions_of(&self, dispatch: &str) -> Result<Questions, Error> {
        let mut questions = Questions::new();
        let Some(dispatch) = store::dispatch::get(self.sql, dispatch)? else {
            return Ok(questions);
        };
        for member in &dispatch.members {
            if let Some((enrollment, _)) = self.in_flight(member)?.and_then(|found| found.sending) {
                self.ask(&enrollment, &mut questions);
            }
        }
        Ok(questions)
    }

    fn ask(&self, enrollment: &Enrollment, questions: &mut Questions) {
        for hash in self.checkouts_of(enrollment).filter(|hash| !self.holds(hash)) {
            let shard = self.settings.shards.of_identifier(&hash);
            questions.entry(shard).or_default().insert(hash);
        }
    }

    /// Whether the enrollment's checkout or cart was bought, by our own rows and by what others `told`.
    pub(super) fn was_bought(
        &self,
        enrollment: &Enrollment,
        told: &CheckoutFacts,
    ) -> Result<CheckoutFact, Error> {
        let (own, foreign): (Vec<IdentifierHash>, Vec<IdentifierHash>) =
            self.checkouts_of(enrollment).partition(|hash| self.holds(hash));
        if directory::is_closed(self.sql, &own)? {
            return Ok(CheckoutFact::Closed);
        }
        // Another shard's that nobody asked about cannot be told.
        let facts = foreign
            .iter()
            .map(|hash| told.get(hash).copied().unwrap_or(CheckoutFact::Unreadable));
        Ok(facts.fold(CheckoutFact::Open, worse))
    }

    /// The checkout and the cart of an enrollment whose journey ends when they are bought.
    fn checkouts_of(&self, enrollment: &Enrollment) -> impl Iterator<Item = IdentifierHash> {
        let journey = self.catalog.journey(&enrollment.journey);
        let asks = journey.is_some_and(leaves_when_bought);
        let key = enrollment.key.as_str().split_once(':').filter(|_| asks);
        let cart = enrollment.data.cart_id.as_deref();
        let named = key.map(|(source, token)| {
            let named = |kind, value: &str| Identifier {
                kind,
                source: source.to_owned(),
                value: value.to_owned(),
            };
            let cart = cart.map(|cart| named(IdentifierKind::Cart, cart));
            [Some(named(IdentifierKind::Checkout, token)), cart]
        });
        let identifiers = named.into_iter().flatten().flatten();
        identifiers.map(|identifier| self.hash(&identifier))
    }

    pub(super) fn hash(&self, identifier: &Identifier) -> IdentifierHash {
        self.settings.hash(identifier)
    }
}

/// One that was bought decides; one that cannot be told makes the mail wait.
const fn worse(one: CheckoutFact, other: CheckoutFact) -> CheckoutFact {
    match (one, other) {
        (CheckoutFact::Closed, _) | (_, CheckoutFact::Closed) => CheckoutFact::Closed,
        (CheckoutFact::Unreadable, _) | (_, CheckoutFact::Unreadable) => CheckoutFact::Unreadable,
        (CheckoutFact::Open, CheckoutFact::Open) => CheckoutFact::Open,
    }
}
