//! The switches on their way: kept by the `Store`, told to every shard, and obeyed there.
//!
//! Called by the admin routes, by cron, which tells them again, and by each turn of a shard.

use super::error::Error;
use super::peers::Peers;
use super::routes::SHARDS_AT_ONCE;
use super::store_call::{Snapshot, StoreAnswer, StoreCall};
use super::{log, runtime};
use crate::domain::shard::ShardIndex;
use crate::domain::switches::Switches;
use crate::engine::pausing::paused;
use crate::engine::protection::{Counted, Finding, Level, Since, in_words, is_doubtful};
use crate::journey::catalog::Catalog;
use crate::store;
use crate::turn::call::{Answer, Call};
use futures_util::stream::{self, StreamExt};
use serde_json::json;
use std::rc::Rc;

/// Which shards obey the switches that were told.
#[derive(Debug, Default)]
pub struct Told {
    pub have: Vec<ShardIndex>,
    /// They failed or did not answer. Cron tells them again.
    pub missing: Vec<ShardIndex>,
}

/// Tells all shards, side by side: none may send on because another one is slow.
pub async fn tell(peers: &Peers<'_>, shards: &[ShardIndex], switches: &Switches) -> Told {
    let mut told = Told::default();
    let answers = ask(peers, shards, &Call::Switches(Box::new(switches.clone()))).await;
    for (shard, answer) in answers {
        match answer {
            Some(Answer::Switched(version)) if version >= switches.version => told.have.push(shard),
            Some(_) | None => told.missing.push(shard),
        }
    }
    told
}

/// Counts what became of marketing in all shards, lets the `Store` decide once, and tells all what it stopped.
///
/// # Errors
/// When the `Store` does not answer. A shard that does not is left out of the count.
pub async fn protect(peers: &Peers<'_>, shards: &[ShardIndex], held: &Snapshot) -> Result<(), Error> {
    let since = Since::new(&held.switches, peers.now);
    let mut counted = count(peers, shards, &Call::Count(since.clone())).await;
    // Nothing is said or stopped by what a shard counted earlier.
    if is_doubtful(&counted, &held.protection) {
        counted = count(peers, shards, &Call::CountAnew(since.clone())).await;
    }
    let call = StoreCall::Protect {
        counted,
        since: Some(since),
        now: peers.now,
    };
    let StoreAnswer::Protected { switches, news } = peers.store(&call).await? else {
        return Err(Error::NoAnswer("the Store judged nothing".to_owned()));
    };
    for finding in news {
        report(&finding);
    }
    if switches.version > held.switches.version {
        tell(peers, shards, &switches).await;
    }
    Ok(())
}

async fn count(peers: &Peers<'_>, shards: &[ShardIndex], call: &Call) -> Vec<Counted> {
    let answers = ask(peers, shards, call).await;
    let parts = answers.into_iter().filter_map(|(_, answer)| match answer {
        Some(Answer::Counted(part)) => Some(part),
        Some(_) | None => None,
    });
    parts.flatten().collect()
}

fn report(finding: &Finding) {
    let line = json!({
        "journey": finding.journey, "level": finding.level, "figures": finding.figures,
        "in_words": in_words(finding.figures),
    });
    match finding.level {
        Level::Fine => log::line("protection", line),
        Level::Warn | Level::Stop => log::error("protection", line),
    }
}

async fn ask(peers: &Peers<'_>, shards: &[ShardIndex], call: &Call) -> Vec<(ShardIndex, Option<Answer>)> {
    let asked = shards.iter().map(|shard| async move {
        let answer = peers.shard(*shard, call.clone()).await;
        if let Err(error) = &answer {
            let line = json!({ "shard": shard.to_string(), "error": error.for_log() });
            log::error("shard did not take the switches", line);
        }
        (*shard, answer.ok())
    });
    stream::iter(asked).buffered(SHARDS_AT_ONCE).collect().await
}

/// What a shard obeys: the switches as it holds them, and what they make of the journeys.
pub struct Obeyed {
    text: Option<String>,
    pub switches: Switches,
    pub catalog: Rc<Catalog>,
}

impl Obeyed {
    /// What holds in this turn; what was read before, where it says the same.
    pub fn read(sql: &dyn store::Sql, before: Option<&Rc<Self>>) -> Result<Rc<Self>, Error> {
        let text = store::switches::text_of_shard(sql)?;
        if let Some(before) = before.filter(|before| before.text == text) {
            return Ok(Rc::clone(before));
        }
        let switches = store::switches::read_copy(text.as_deref());
        let catalog = runtime::catalog()?;
        let catalog = paused(&catalog, &switches).map_or(catalog, Rc::new);
        Ok(Rc::new(Self {
            text,
            switches,
            catalog,
        }))
    }
}
