//! What becomes of mails after they left: the provider tells of deliveries and bounces, readers open, click, and say no.

use super::super::error::{Failure, LineError};
use super::super::provider::Taken;
use super::broken::Broken;
use super::draw::shopper_of;
use super::plan::{Reply, What};
use super::play::{Coming, Play};
use super::truth::Said;
use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::email::EmailAddress;
use crate::domain::ids::{EventId, MessageId};
use crate::domain::time::Delay;
use crate::turn::call::Call;
use crate::turn::choice::{By, Choice};

/// Who was not heard comes again.
const AGAIN_AFTER: Delay = Delay::from_minutes(10);

impl Play<'_> {
    /// Readers and the provider answer to the mails that went out just now.
    pub fn react(&mut self) {
        let new = self
            .world
            .provider
            .borrow()
            .taken
            .iter()
            .skip(self.reacted)
            .cloned()
            .collect::<Vec<_>>();
        self.reacted += new.len();
        for mail in new {
            let Some(shopper) = shopper_of(&mail.to) else {
                continue;
            };
            if self.mails.len() <= shopper {
                self.mails.resize(shopper + 1, 0);
            }
            let Some(count) = self.mails.get_mut(shopper) else {
                continue;
            };
            let number = *count;
            *count += 1;
            let plan = self.plan;
            let mine = |reply: &&Reply| reply.shopper == shopper && reply.mail == number;
            for reply in plan.replies.iter().filter(mine) {
                self.add(
                    self.now.plus(reply.after),
                    Coming::Reply(Box::new(reply.clone()), mail.clone()),
                );
            }
        }
    }

    /// One answer to a mail.
    ///
    /// # Errors
    /// When the world fails of itself.
    pub(super) fn reply(&mut self, reply: &Reply, mail: &Taken) -> Result<(), Broken> {
        self.note(&format!("of {} to {}: {reply}", mail.step, mail.to));
        for _ in 0..1 + usize::from(reply.twice) {
            match kind(reply.what) {
                Some(kind) => self.report(kind, reply, mail)?,
                None => self.click_link(reply, mail)?,
            }
        }
        Ok(())
    }

    /// The provider tells, and tells again until it is heard.
    fn report(&mut self, kind: DeliveryKind, reply: &Reply, mail: &Taken) -> Result<(), Broken> {
        let id = format!("resend:{}:{}:{kind:?}", mail.key, mail.message);
        let id = EventId::parse(&id).map_err(said)?;
        let mut event = DeliveryEvent::new(id, kind, self.world.now);
        event.message = Some(MessageId::parse(&mail.message).map_err(said)?);
        event.recipient = Some(EmailAddress::parse(&mail.to).map_err(said)?);
        let ends = matches!(kind, DeliveryKind::HardBounce | DeliveryKind::Complaint);
        if ends {
            self.truth.doom(&mail.to);
        }
        if kind == DeliveryKind::SoftBounce {
            self.truth.soften(&mail.to, self.world.now);
        }
        let done = self.world.hear(vec![event]);
        match self.survive(done)? {
            Some(heard) => {
                // What is told of somebody after their erasure is told of nobody.
                if heard.new > 0 && ends && !self.truth.erasures.is_gone(&mail.to) {
                    let address = mail.to.clone();
                    self.truth.hear(Said::Dead { address });
                }
            }
            None => self.again(reply, mail),
        }
        Ok(())
    }

    /// The link takes back every address of whom the mail was to.
    fn click_link(&mut self, reply: &Reply, mail: &Taken) -> Result<(), Broken> {
        let message = MessageId::parse(&mail.message).map_err(said)?;
        let shard = self.world.settings.shards.of_message(&message);
        let owner = match self.world.message(&message)? {
            Some(stored) => self.world.owner(&stored.contact)?,
            None => None,
        };
        let at = self.world.now;
        for address in owner.iter().flat_map(|contact| &contact.addresses) {
            self.truth.click(address.email.canonical(), at);
        }
        let call = Call::Choose {
            message,
            choice: Choice::Unsubscribe,
            by: By::default(),
        };
        let done = self.world.call(shard, call);
        if self.survive(done)?.is_none() {
            self.again(reply, mail);
            return Ok(());
        }
        for address in owner.iter().flat_map(|contact| &contact.addresses) {
            let address = address.email.canonical();
            self.truth.hear(Said::No { address, at });
        }
        Ok(())
    }

    fn again(&mut self, reply: &Reply, mail: &Taken) {
        let once = Reply {
            twice: false,
            ..reply.clone()
        };
        self.add(
            self.now.plus(AGAIN_AFTER),
            Coming::Reply(Box::new(once), mail.clone()),
        );
    }
}

/// What the provider calls it; none for what it does not see.
const fn kind(what: What) -> Option<DeliveryKind> {
    match what {
        What::Delivered => Some(DeliveryKind::Delivered),
        What::SoftBounce => Some(DeliveryKind::SoftBounce),
        What::HardBounce => Some(DeliveryKind::HardBounce),
        What::Complaint => Some(DeliveryKind::Complaint),
        What::Opened => Some(DeliveryKind::Opened),
        What::Clicked => Some(DeliveryKind::Clicked),
        What::Link => None,
    }
}

pub(super) fn said(problem: impl ToString) -> Failure {
    Failure::Story(LineError {
        number: 0,
        problem: problem.to_string(),
    })
}
