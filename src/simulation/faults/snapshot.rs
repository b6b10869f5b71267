//! All that is stored about people, as text, independent of the shard it is in: two stories that came to the same have the
//! same.

use super::super::error::Failure;
use super::super::world::World;

/// # Errors
/// When storage fails.
pub(super) fn snapshot(world: &World) -> Result<Vec<String>, Failure> {
    let mut all = Vec::new();
    for contact in world.live()? {
        all.push(serde_json::to_string(&contact)?);
        let ended = world.ended(&contact.id)?;
        all.extend(ended.iter().map(|ended| format!("{ended:?}")));
        let orders = world.orders(&contact.id)?;
        all.extend(orders.iter().map(|order| format!("{order:?}")));
    }
    all.extend(world.messages()?.iter().map(|row| format!("{row:?}")));
    all.sort();
    Ok(all)
}
