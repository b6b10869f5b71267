//! Sends the due messages of a lane: leave from the `Store`, facts from other shards, claim, request.
//!
//! Called by a shard's run, lane by lane.

use super::deliver::{REQUESTS_AT_ONCE, Run, Slice};
use super::error::Error;
use super::exchange::parse;
use super::shard_object::Shard;
use super::store_call::{StoreAnswer, StoreCall};
use super::{feeds, log, runtime};
use crate::domain::message::Lane;
use crate::domain::shard::ShardIndex;
use crate::domain::time::Timestamp;
use crate::engine::traffic::{Doubt, Leave};
use crate::engine::warm_up::{self, Places, Today};
use crate::providers::ProviderKind;
use crate::turn::backlog::{candidates, cut, places_wanted};
use crate::turn::bought::{CheckoutFacts, Questions, facts_from};
use crate::turn::call::Call;
use crate::turn::catalogue::{CatalogueAnswer, CatalogueCall};
use crate::turn::claim::{Claimed, Terms};
use crate::turn::offers::{Offers, by_id};
use crate::turn::wake::DueMessage;
use futures_util::stream::{self, StreamExt};
use serde_json::json;

/// Most mails rendered between two turns.
const MAILS_PER_TURN: usize = 20;

/// Who carries a round of messages, and in how many requests.
#[derive(Debug, Clone, Copy)]
struct Carrier {
    provider: ProviderKind,
    requests: usize,
    doubt: Doubt,
    /// Nothing leaves: nobody was asked for leave.
    shadow: bool,
}

impl Shard {
    /// Claims and sends messages of one lane that these providers may carry. What nobody carries now is put off, or left for
    /// later in this run.
    pub(super) async fn send_all(
        &self,
        run: Run,
        lane: Lane,
        carriers: &[ProviderKind],
        messages: Vec<DueMessage>,
    ) -> Result<Slice, Error> {
        let mut done = Slice::default();
        let mut waiting = messages.as_slice();
        while !waiting.is_empty() && self.still_runs(run.grip) {
            let wanted = waiting.len().min(REQUESTS_AT_ONCE);
            let shadow = self.turn(run.me, run.now, |turn| Ok(turn.is_shadow()))?;
            let leave = match carriers.first().filter(|_| shadow) {
                Some(first) => go(*first, wanted),
                None => self.permit(run.now, carriers, lane, wanted).await?,
            };
            let carrier = match leave {
                Leave::Go {
                    provider,
                    requests,
                    doubt,
                } => Carrier {
                    provider: parse(&provider)?,
                    requests: usize::try_from(requests).unwrap_or(1),
                    doubt,
                    shadow,
                },
                Leave::Rest { again_at } => {
                    self.rest(again_at);
                    done.blocked = true;
                    break;
                }
                Leave::Shut { until, cause } => {
                    self.turn(run.me, run.now, |turn| {
                        turn.hold_back(waiting, until, cause.into())
                    })?;
                    done.worked = true;
                    break;
                }
            };
            let taken = self.send_round(run, carrier, waiting).await?;
            done.worked = true;
            waiting = waiting.get(taken..).unwrap_or_default();
        }
        Ok(done)
    }

    /// Sends as many of the waiting messages as the carrier may be asked for; returns how many were claimed or settled.
    async fn send_round(&self, run: Run, carrier: Carrier, waiting: &[DueMessage]) -> Result<usize, Error> {
        let Run { me, now, .. } = run;
        let capabilities = carrier.provider.capabilities();
        let inside = capabilities.local || carrier.shadow;
        let parts: Vec<&[DueMessage]> = if inside {
            waiting.chunks(MAILS_PER_TURN).collect()
        } else if carrier.doubt.probe {
            waiting.chunks(1).collect()
        } else if carrier.doubt.silent > 0 {
            // Whoever just failed may fail again: few mails are to be in doubt with it.
            cut(waiting, 1, 1, &self.single.borrow())
        } else {
            let batch_max = capabilities.batch_max.min(MAILS_PER_TURN);
            cut(waiting, carrier.requests, batch_max, &self.single.borrow())
        };
        let most = parts.iter().map(|part| part.len()).sum();
        // Asked anew for each round: a request may take half a minute, and a cart may be bought in it.
        let asked = waiting.get(..most).unwrap_or_default();
        let questions = self.turn(me, now, |turn| Ok(turn.questions(asked)))?;
        let checkouts = self.checkout_facts(now, questions).await;
        let offers = self.offers(me, now, asked).await?;
        let today = warm_up::today(&runtime::catalog()?.store, now).filter(|_| !carrier.shadow);
        let wanted = places_wanted(asked, carrier.doubt);
        let places = self.take_places(today.as_ref(), wanted, now).await?;
        let terms = Terms {
            provider: carrier.provider,
            checkouts: &checkouts,
            offers: &offers,
            places: &places,
            shadow: carrier.shadow,
        };
        let (mut claimed, mut taken) = (Vec::new(), 0);
        for part in parts {
            claimed.extend(self.claim(me, now, part, terms)?);
            taken += part.len();
            if carrier.doubt.probe && !claimed.is_empty() {
                break;
            }
        }
        if claimed.is_empty() {
            self.put_back_probe(carrier.provider, carrier.doubt, now).await?;
        }
        let answers = stream::iter(claimed)
            .map(|claimed| self.exchange(me, now, claimed, carrier.doubt))
            .buffer_unordered(REQUESTS_AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        let freed: u32 = answers.iter().flatten().sum();
        // After the requests: what is claimed must leave whether or not the `Store` hears of this.
        self.give_back_places(today.as_ref(), places.left().saturating_add(freed), now)
            .await?;
        answers.into_iter().collect::<Result<Vec<u32>, Error>>()?;
        Ok(taken)
    }

    /// Claims messages for one request. Where that fails they are claimed singly, and one that fails alone is put aside
    /// with its contact: it must not hold up the shard.
    fn claim(
        &self,
        me: ShardIndex,
        now: Timestamp,
        part: &[DueMessage],
        terms: Terms<'_>,
    ) -> Result<Vec<Claimed>, Error> {
        let problem = match self.turn(me, now, |turn| turn.claim_messages(part, terms)) {
            Ok(claimed) => return Ok(claimed.into_iter().collect()),
            Err(error) => error.for_log(),
        };
        if let [only] = part {
            log::error(
                "message failed",
                json!({ "message": only.message, "error": problem }),
            );
            let failures = self
                .turn(me, now, |turn| turn.failures(&only.contact))?
                .saturating_add(1);
            self.turn(me, now, |turn| turn.fail(&only.contact, failures, &problem))?;
            return Ok(Vec::new());
        }
        let mut claimed = Vec::new();
        for single in part.chunks(1) {
            claimed.extend(self.claim(me, now, single, terms)?);
        }
        Ok(claimed)
    }

    /// Which of these providers may be asked now, and how often. The `Store` is not asked where nothing leaves the Worker.
    pub(super) async fn permit(
        &self,
        now: Timestamp,
        carriers: &[ProviderKind],
        lane: Lane,
        wanted: usize,
    ) -> Result<Leave, Error> {
        if let Some(first) = carriers.first().filter(|first| first.capabilities().local) {
            return Ok(go(*first, wanted));
        }
        let call = StoreCall::Permit {
            candidates: candidates(&self.settings(), carriers),
            lane,
            wanted: u32::try_from(wanted).unwrap_or(1),
            now,
        };
        let StoreAnswer::Leave(leave) = self.peers(now).store(&call).await? else {
            return Err(Error::NoAnswer("the Store gave no permits".to_owned()));
        };
        Ok(leave)
    }

    /// Says that no request was made on the leave to probe a provider: the next mail may be the probe at once.
    pub(super) async fn put_back_probe(
        &self,
        provider: ProviderKind,
        doubt: Doubt,
        now: Timestamp,
    ) -> Result<(), Error> {
        if !doubt.probe {
            return Ok(());
        }
        let provider = provider.as_str().to_owned();
        let call = StoreCall::PutBackProbe { provider, now };
        self.peers(now).store(&call).await.map(drop)
    }

    /// Places of the warm-up's day.
    async fn take_places(&self, today: Option<&Today>, wanted: u32, now: Timestamp) -> Result<Places, Error> {
        let Some(today) = today else {
            return Ok(Places::unlimited());
        };
        if wanted == 0 {
            return Ok(Places::of(0));
        }
        let call = StoreCall::TakePlaces {
            day: today.day.clone(),
            limit: today.limit,
            wanted,
        };
        let StoreAnswer::Places(places) = self.peers(now).store(&call).await? else {
            return Err(Error::NoAnswer("the Store gave no places".to_owned()));
        };
        Ok(Places::of(places))
    }

    async fn give_back_places(
        &self,
        today: Option<&Today>,
        places: u32,
        now: Timestamp,
    ) -> Result<(), Error> {
        let Some(today) = today.filter(|_| places > 0) else {
            return Ok(());
        };
        let call = StoreCall::GiveBackPlaces {
            day: today.day.clone(),
            places,
        };
        self.peers(now).store(&call).await.map(drop)
    }

    /// What the catalogue knows of lines without a picture. Asked only where a store keeps one and a mail lacks one; no mail
    /// waits for it.
    async fn offers(&self, me: ShardIndex, now: Timestamp, asked: &[DueMessage]) -> Result<Offers, Error> {
        let ids = self.turn(me, now, |turn| Ok(turn.bare_lines(asked)))?;
        if ids.is_empty() {
            return Ok(Offers::new());
        }
        let spaces = feeds::spaces();
        let answer = feeds::ask(&self.peers(now), CatalogueCall::Find { spaces, ids }).await;
        if let Err(error) = &answer {
            log::error("no pictures", json!({ "error": error.for_log() }));
        }
        let Ok(CatalogueAnswer::Offers(found)) = answer else {
            return Ok(Offers::new());
        };
        Ok(by_id(found))
    }

    /// Asks other shards whether carts were bought, all at once. One that does not answer leaves its carts unreadable: the
    /// gate then defers.
    pub(super) async fn checkout_facts(&self, now: Timestamp, questions: Questions) -> CheckoutFacts {
        let peers = self.peers(now);
        let answers = questions.into_iter().map(|(shard, hashes)| {
            let call = Call::Bought(hashes.iter().cloned().collect());
            let asked = peers.shard(shard, call);
            async move { facts_from(hashes, asked.await.ok().as_ref()) }
        });
        let answers = stream::iter(answers).buffer_unordered(REQUESTS_AT_ONCE);
        answers.concat().await
    }
}

/// Leave that nobody has to be asked for.
fn go(provider: ProviderKind, wanted: usize) -> Leave {
    Leave::Go {
        provider: provider.as_str().to_owned(),
        requests: u32::try_from(wanted).unwrap_or(1),
        doubt: Doubt::default(),
    }
}
