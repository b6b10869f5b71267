//! Work for other shards, delivered from its durable rows: after each call, and in a shard's run.

use super::error::Error;
use super::shard_object::Shard;
use super::{log, runtime};
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::store;
use crate::turn::baton::Grip;
use crate::turn::call::{Answer, Call};
use crate::turn::forward::{Delivery, Followed};
use serde_json::json;
use std::collections::BTreeSet;

/// Most rounds of forwards in one go.
const FORWARD_ROUNDS: usize = 4;

impl Shard {
    /// Delivers work for other shards, and for this one. What cannot be delivered now stays and is tried again.
    ///
    /// One at a time: a delivery may bring a call back to this shard, which must not start on the same rows again.
    pub(super) async fn deliver_forwards(&self, me: ShardIndex, now: Timestamp) -> Result<(), Error> {
        let Some(grip) = self.forwarding.take(runtime::wall_clock()) else {
            return Ok(());
        };
        let result = self.deliver_rounds(me, now, grip).await;
        self.forwarding.give_back(grip);
        result
    }

    /// A delivery may bring more work; what is left after the last round waits for the alarm.
    async fn deliver_rounds(&self, me: ShardIndex, now: Timestamp, grip: Grip) -> Result<(), Error> {
        let mut silent = BTreeSet::new();
        for _ in 0..FORWARD_ROUNDS {
            if store::forward::count(self.sql()?)? == 0 {
                return Ok(());
            }
            if !self.deliver_due(me, now, grip, &mut silent).await? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// One round; whether there was anything due. A shard that did not answer is added to `silent`, and not asked any more.
    async fn deliver_due(
        &self,
        me: ShardIndex,
        now: Timestamp,
        grip: Grip,
        silent: &mut BTreeSet<ShardIndex>,
    ) -> Result<bool, Error> {
        let due = self.turn(me, now, |turn| turn.due_forwards())?;
        let any = !due.is_empty();
        for (original, attempts) in due {
            if !self.forwarding.hold(grip, runtime::wall_clock()) {
                break;
            }
            let mut delivery = Delivery::new(original.clone());
            let followed = loop {
                let forward = delivery.forward.clone();
                let shard = self.settings().shards.of_identifier(&forward.to);
                if silent.contains(&shard) {
                    log::line(
                        "forward waits",
                        json!({ "forward": original.id, "shard": shard.to_string() }),
                    );
                    break Followed::Kept;
                }
                let answer = if shard == me {
                    self.turn(me, now, |turn| turn.receive(&forward))
                        .map(Answer::from)
                } else {
                    self.peers(now)
                        .shard(shard, Call::Receive(Box::new(forward)))
                        .await
                };
                match answer.map(|answer| delivery.answered(&answer)) {
                    Ok(Followed::Again) => {}
                    Ok(followed) => break followed,
                    Err(error) => {
                        // Waiting for it once is enough: behind this delivery waits the call that caused it.
                        if error.is_silent() {
                            silent.insert(shard);
                        }
                        log::error(
                            "forward failed",
                            json!({ "forward": original.id, "error": error.for_log() }),
                        );
                        break Followed::Kept;
                    }
                }
            };
            let arrived = followed == Followed::Arrived;
            self.turn(me, now, |turn| turn.delivered(&original, attempts, arrived))?;
        }
        Ok(any)
    }
}
