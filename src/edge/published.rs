//! Keys and certificates that others publish, kept by the `Store`, which alone fetches them: a delivery that is signed with
//! a private key waits for no more than one request. Called for sources, providers and Cloudflare Access; each checks the
//! address first.

use super::error::Error;
use super::routes::Visit;
use super::store_call::{StoreAnswer, StoreCall};
use crate::domain::time::{Delay, Timestamp};

/// Keys change every few weeks, and a bad one is taken away at once.
const KEYS_KEPT: Delay = Delay::from_hours(12);
/// A key that is not known is asked for no more often than this, whoever makes it up.
const KEYS_ASKED: Delay = Delay::from_minutes(5);

/// What a look at published keys came to.
pub enum Looked<T> {
    Found(T),
    /// The keys were fetched just now, and it is not among them.
    None,
    /// It was not there some minutes ago. It may be by now: whoever is told to try again loses nothing.
    Lately,
}

/// What stands at an address, fetched once: the address carries what it names.
///
/// # Errors
/// When it cannot be had: the sender must try again.
pub async fn document(visit: &Visit<'_>, url: &str) -> Result<Vec<u8>, Error> {
    Ok(get(visit, url, Timestamp::default()).await?.1)
}

/// What `find` makes of the keys that stand at an address; where it finds nothing, they are fetched anew.
///
/// # Errors
/// When they cannot be had: the sender must try again.
pub async fn find_key<T>(
    visit: &Visit<'_>,
    url: &str,
    find: impl Fn(&[u8]) -> Option<T>,
) -> Result<Looked<T>, Error> {
    let mut fetched_at = None;
    for kept in [KEYS_KEPT, KEYS_ASKED] {
        let (at, keys) = get(visit, url, visit.now.minus(kept)).await?;
        if let Some(found) = find(&keys) {
            return Ok(Looked::Found(found));
        }
        fetched_at = Some(at);
    }
    let just_now = fetched_at == Some(visit.now);
    Ok(if just_now { Looked::None } else { Looked::Lately })
}

async fn get(visit: &Visit<'_>, url: &str, not_before: Timestamp) -> Result<(Timestamp, Vec<u8>), Error> {
    let call = StoreCall::Get {
        url: url.to_owned(),
        not_before,
        now: visit.now,
    };
    let StoreAnswer::Got { at, body } = visit.peers().store(&call).await? else {
        return Err(Error::NoAnswer("the Store gave no document".to_owned()));
    };
    Ok((at, body))
}
