//! What was fixed at install: the number of shards and the jurisdiction. A shard learns it once and then refuses calls
//! that believe something else: they would look for contacts where these are not.

use super::Error;
use super::call::Envelope;
use crate::domain::shard::ShardCount;
use crate::store::Sql;
use crate::store::meta::{self, Key};
use serde::{Deserialize, Serialize};

/// The store's installation, as its `Store` object keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    pub shards: ShardCount,
    #[serde(default)]
    pub jurisdiction: Option<String>,
}

/// Why a call is refused that believes in another installation, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// The setting that was changed.
    pub setting: &'static str,
    pub error: String,
    pub hint: String,
}

impl Installed {
    /// What this shard learned, if it did.
    ///
    /// # Errors
    /// When storage fails or the row cannot be read.
    pub fn load(sql: &dyn Sql) -> Result<Option<Self>, Error> {
        let Some(shards) = meta::get(sql, Key::Shards)? else {
            return Ok(None);
        };
        let jurisdiction = meta::get(sql, Key::Jurisdiction)?;
        Ok(Some(Self {
            shards: ShardCount::parse(&shards)?,
            jurisdiction,
        }))
    }

    /// # Errors
    /// When storage fails.
    pub fn save(&self, sql: &dyn Sql) -> Result<(), Error> {
        meta::set(sql, Key::Shards, &self.shards.get().to_string())?;
        if let Some(jurisdiction) = &self.jurisdiction {
            meta::set(sql, Key::Jurisdiction, jurisdiction)?;
        }
        Ok(())
    }

    /// Why a call that believes in another installation is refused, and what to do; none when it agrees.
    pub fn objection(&self, call: &Self) -> Option<Objection> {
        if self.shards != call.shards {
            let (held, given) = (self.shards.get(), call.shards.get());
            return Some(Objection {
                setting: "SHARDS",
                error: format!("SHARDS is {given}, but this store was installed with {held}"),
                hint: format!("set SHARDS = \"{held}\" in wrangler.toml and deploy again"),
            });
        }
        if self.jurisdiction != call.jurisdiction {
            let show = |place: &Option<String>| place.clone().unwrap_or_else(|| "none".to_owned());
            let (held, given) = (show(&self.jurisdiction), show(&call.jurisdiction));
            return Some(Objection {
                setting: "JURISDICTION",
                error: format!("JURISDICTION is {given}, but this store was installed with {held}"),
                hint: "set it back in wrangler.toml and deploy again".to_owned(),
            });
        }
        None
    }
}

impl From<&Envelope> for Installed {
    fn from(envelope: &Envelope) -> Self {
        Self {
            shards: envelope.shards,
            jurisdiction: envelope.jurisdiction.clone(),
        }
    }
}
