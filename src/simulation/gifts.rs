//! What opening a gift comes to, as `src/edge/answers.rs` does it: the code that its reader has already, or one of the pool.

use super::error::Failure;
use super::world::World;
use crate::domain::ids::{ContactId, MessageId};
use crate::journey::question::Gift;
use crate::store::coupon;
use crate::turn::answer::{Revealed, gift_errand};
use crate::turn::call::{Answer, Call};
use crate::turn::choice::Standing;

/// Most merges that a mail is followed through.
const MAX_MOVES: usize = 4;

/// What the page shows.
pub(super) enum Inside {
    Code(Revealed),
    /// The pool is empty.
    Nothing,
    /// Nobody is known by the mail.
    NotFound,
}

impl World {
    /// What is in a gift for whom a mail went to. Its pool gives a code here; that it was opened is told by who calls.
    ///
    /// # Errors
    /// When a turn fails.
    pub(super) fn look_into(&self, message: &MessageId, gift: &Gift) -> Result<Inside, Failure> {
        let held = self.standing(message)?;
        let Some((contact, held)) = held.and_then(|held| Some((held.contact.clone()?, held))) else {
            return Ok(Inside::NotFound);
        };
        let code = match held.gifts.get(&gift.id) {
            Some(code) => Some(code.clone()),
            None => {
                let errand = gift_errand(&contact, &gift.id);
                coupon::take(&self.store, &gift.pool, &errand, self.now)?
            }
        };
        let gift = gift.id.clone();
        Ok(code.map_or(Inside::Nothing, |code| Inside::Code(Revealed { gift, code })))
    }

    /// What holds for whom a mail went to, wherever merges brought them.
    fn standing(&self, message: &MessageId) -> Result<Option<Standing>, Failure> {
        let mut shard = self.settings.shards.of_message(message);
        let mut of: Option<ContactId> = None;
        for _ in 0..MAX_MOVES {
            let message = message.clone();
            let of_now = of.take();
            match self.call(shard, Call::Standing { message, of: of_now })? {
                Answer::Standing(held) => return Ok(held.map(|held| *held)),
                Answer::Found(contact) => {
                    shard = self.settings.shards.of_contact(&contact);
                    of = Some(contact);
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}
