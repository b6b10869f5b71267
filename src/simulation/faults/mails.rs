//! Looks at every mail that left, at the moment it left: to whom, about what, when, and for the first time?

use super::super::provider::Taken;
use super::super::timeline::zone_of;
use super::broken::{Broken, Promise, keep};
use super::check::Eyes;
use super::ends::REPEATED_FOR;
use super::play::Play;
use crate::domain::ids::MessageId;
use crate::domain::message::{MessageState, Stream};
use crate::domain::time::Timestamp;
use crate::engine::decide::EVIDENCE_WAIT;
use crate::engine::state::Contact;
use crate::journey::definition::Key;
use crate::journey::region::Region;
use crate::simulation::error::Failure;
use crate::store::message::Stored;
use crate::turn::Error;

/// Times that one message may be taken: transactional mail is sent once more, under this key, when its fate stays unknown.
const MOST_TAKEN: u32 = 2;
const KEY_OF_THE_SECOND: &str = "-2";

impl Eyes {
    /// Looks at the mails that the provider took until then.
    ///
    /// # Errors
    /// With the promise that one of them breaks.
    pub fn look_at_mails(&mut self, play: &Play<'_>, until: usize) -> Result<(), Broken> {
        let new: Vec<Taken> = {
            let provider = play.world.provider.borrow();
            let new = provider.taken.iter().take(until).skip(self.mails);
            let mismatched = provider.mismatched.get(self.mismatched);
            keep(Promise::SameBytes, mismatched.is_none(), || {
                format!(
                    "the request of key {} came with other bytes",
                    mismatched.map_or("", String::as_str)
                )
            })?;
            new.cloned().collect()
        };
        self.mails = self.mails.max(until);
        new.iter().try_for_each(|mail| self.look_at_mail(play, mail))
    }

    fn look_at_mail(&mut self, play: &Play<'_>, mail: &Taken) -> Result<(), Broken> {
        let told = || format!("{} to {}", mail.step, mail.to);
        keep(Promise::TakenOnce, self.is_new_key(mail), || {
            format!(
                "{}: its key {} was taken before, and is forgotten",
                told(),
                mail.key
            )
        })?;
        let id = MessageId::parse(&mail.message)
            .map_err(Error::from)
            .map_err(Failure::from)?;
        let stored = play.world.message(&id)?;
        let Some(stored) = stored else {
            return keep(Promise::Ledger, false, || {
                format!("{} is not in the ledger", told())
            });
        };
        let taken = self.taken.entry(mail.message.clone()).or_default();
        *taken += 1;
        let taken = *taken;
        keep(Promise::Erased, !play.truth.erasures.is_gone(&mail.to), || {
            format!("{}, who was erased", told())
        })?;
        keep(Promise::Consent, !play.truth.is_dead(&mail.to), || {
            format!("{}, whose address is dead", told())
        })?;
        if stored.message.stream == Stream::Transactional {
            let first_at = *self.first_taken.entry(mail.message.clone()).or_insert(mail.at);
            // Without keys the wait for evidence tells a second try from a repeat, if the clock that measures it goes right.
            let waited = mail.at.since(first_at) >= EVIDENCE_WAIT || play.plan.bends_the_clock();
            // Where they are known, the time until the first is forgotten does.
            let asked = play.first_asked(&id);
            let forgotten = asked.is_some_and(|asked| mail.at.since(asked) >= REPEATED_FOR);
            let is_second = if mail.keyless {
                waited
            } else {
                forgotten && mail.key.ends_with(KEY_OF_THE_SECOND)
            };
            let may_be_second = taken == MOST_TAKEN && is_second;
            return keep(Promise::TakenOnce, taken == 1 || may_be_second, || {
                format!("{} was taken {taken} times, at last under {}", told(), mail.key)
            });
        }
        keep(Promise::TakenOnce, taken == 1, || {
            format!("{} was taken {taken} times", told())
        })?;
        may_go(play, mail)?;
        let owner = play.world.owner(&stored.contact)?;
        let about = owner
            .as_ref()
            .map(|owner| is_bought(play, &stored, owner, mail))
            .transpose()?;
        keep(Promise::Bought, about != Some(true), || {
            format!("{}, whose cart was bought", told())
        })?;
        let at = mail.at.plus(play.world.drift.get());
        // What was told while its request was out may be of another zone, or another mail.
        if !play.overtaken {
            in_hours(play, &stored, owner.as_ref(), at, mail)?;
            // One whose fate is open had its room when it was first sent.
            if mail.doubted_before == 0 {
                self.in_caps(play, &stored, at, mail)?;
            }
        }
        let sent = self.marketing.entry(stored.contact.clone()).or_default();
        sent.push((at, stored.message.lane, mail.message.clone()));
        Ok(())
    }

    /// A batch is one key for several mails of one moment.
    fn is_new_key(&mut self, mail: &Taken) -> bool {
        self.keys.insert(format!("{} {}", mail.key, mail.message))
    }

    fn in_caps(&self, play: &Play<'_>, stored: &Stored, at: Timestamp, mail: &Taken) -> Result<(), Broken> {
        let Some(sent) = self.marketing.get(&stored.contact) else {
            return Ok(());
        };
        let lane = stored.message.lane;
        for cap in play
            .world
            .catalog
            .store
            .caps
            .iter()
            .filter(|cap| !cap.except.contains(&lane))
        {
            let since = at.minus(cap.per);
            let mut count = 0_usize;
            for (_, _, message) in sent
                .iter()
                .filter(|(then, other, _)| *then > since && *then <= at && !cap.except.contains(other))
            {
                count += usize::from(counts(play, message)?);
            }
            keep(Promise::Caps, count < usize::from(cap.mails), || {
                format!(
                    "{} to {}: {count} went out within {} before",
                    mail.step, mail.to, cap.per
                )
            })?;
        }
        Ok(())
    }
}

/// One that was given up counts for nothing: nobody knows that it arrived.
fn counts(play: &Play<'_>, message: &str) -> Result<bool, Broken> {
    let id = MessageId::parse(message)
        .map_err(Error::from)
        .map_err(Failure::from)?;
    let stored = play.world.message(&id)?;
    Ok(stored.is_some_and(|stored| match stored.message.state {
        MessageState::Intended | MessageState::Unknown | MessageState::Accepted => true,
        MessageState::Failed | MessageState::Dropped | MessageState::GivenUp | MessageState::Shadowed => {
            false
        }
    }))
}

fn may_go(play: &Play<'_>, mail: &Taken) -> Result<(), Broken> {
    keep(Promise::Consent, !play.truth.said_no(&mail.to), || {
        format!("{} went to {}, who had said no", mail.step, mail.to)
    })?;
    // Two contacts that are to become one may each have heard half of it.
    let declined = play.world.forwards()? == 0 && play.truth.is_declined(&mail.to);
    keep(Promise::Consent, !declined, || {
        format!("{} went to {}, whose box is ticked no longer", mail.step, mail.to)
    })?;
    let strict = play.world.catalog.store.region == Region::Strict;
    keep(Promise::Consent, !strict || play.truth.said_yes(&mail.to), || {
        format!("{} went to {}, who never said yes", mail.step, mail.to)
    })
}

/// Whether the mail is about a cart that was bought, or emptied by a later order.
fn is_bought(play: &Play<'_>, stored: &Stored, owner: &Contact, mail: &Taken) -> Result<bool, Broken> {
    let journey = play.world.catalog.journey(&stored.message.journey);
    if journey.is_none_or(|journey| journey.trigger.key != Key::Checkout) {
        return Ok(false);
    }
    let runs = owner.enrollments.iter();
    let running = runs
        .filter(|run| run.id == stored.message.enrollment)
        .map(|run| run.key.clone());
    let ended = play.world.ended(&owner.id)?.into_iter();
    let ended = ended
        .filter(|run| run.id == stored.message.enrollment)
        .map(|run| run.key);
    let settled = play.world.forwards()? == 0;
    Ok(running.chain(ended).any(|key| {
        play.truth.was_bought(key.as_str()) || (settled && play.truth.ordered_after(&mail.to, key.as_str()))
    }))
}

fn in_hours(
    play: &Play<'_>,
    stored: &Stored,
    owner: Option<&Contact>,
    at: Timestamp,
    mail: &Taken,
) -> Result<(), Broken> {
    let catalog = &play.world.catalog;
    let Some(quiet) = catalog.store.quiet_hours else {
        return Ok(());
    };
    let journey = catalog
        .journey(&stored.message.journey)
        .and_then(|journey| journey.timezone);
    let own = owner.and_then(zone_of).or(journey);
    let Some(zone) = own.or_else(|| catalog.store.timezone.parse().ok()) else {
        return Ok(());
    };
    keep(Promise::Hours, quiet.until(at, zone).is_none(), || {
        format!("{} went to {} at {}", mail.step, mail.to, zone.local(at))
    })
}
