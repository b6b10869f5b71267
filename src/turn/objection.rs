//! An address that must not be written to is known by its hash in the shard of that hash, so that it is found when the
//! address comes back as somebody new; and in the shard of its contact, where the gate reads it.

use super::call::{Forward, ForwardBody, Ingest};
use super::{Error, Turn};
use crate::domain::identity::{Identifier, IdentifierKind};
use crate::domain::ids::IdentifierHash;
use crate::domain::objection::Objection;
use crate::store::suppression;

impl Turn<'_> {
    /// Writes an objection down here, and in the shard of the address.
    pub(super) fn object(&self, hash: &IdentifierHash, objection: Objection) -> Result<(), Error> {
        suppression::put(self.sql, hash, objection)?;
        if self.holds(hash) {
            return Ok(());
        }
        self.forward(&Forward {
            id: format!("object:{hash}:{}", objection.ground.as_str()),
            to: hash.clone(),
            body: ForwardBody::Object(objection),
        })
    }

    /// What is held against the addresses among these identifiers.
    pub(super) fn objections(
        &self,
        identifiers: &[(IdentifierHash, IdentifierKind)],
    ) -> Result<Vec<(IdentifierHash, Objection)>, Error> {
        let addresses = identifiers
            .iter()
            .filter(|(_, kind)| *kind == IdentifierKind::Email)
            .map(|(hash, _)| hash)
            .collect::<Vec<_>>();
        Ok(suppression::of(self.sql, &addresses)?)
    }

    /// What is held against the event's address: by this shard's rows, and by what the shard of the address told.
    pub(super) fn objection(&self, ingest: &Ingest) -> Result<Option<Objection>, Error> {
        let Some(email) = &ingest.event.email else {
            return Ok(None);
        };
        let hash = self.hash(&Identifier::email(email));
        let told = ingest.objections.iter().find(|(told, _)| *told == hash);
        let told = told.map(|(_, objection)| *objection);
        let own = suppression::get(self.sql, &hash)?;
        Ok(match (own, told) {
            (Some(own), Some(told)) => Some(own.stricter(told)),
            (one, other) => one.or(other),
        })
    }
}
