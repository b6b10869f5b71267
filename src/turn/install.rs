//! What was fixed at install: the number of shards, the jurisdiction and the key of identities. A shard learns it once and
//! then refuses calls that believe something else: they would look for contacts where these are not.

use super::Error;
use super::call::Envelope;
use crate::domain::shard::ShardCount;
use crate::settings::Settings;
use crate::store::Sql;
use crate::store::meta::{self, Key};
use serde::{Deserialize, Serialize};

/// The store's installation, as its `Store` object keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    pub shards: ShardCount,
    #[serde(default)]
    pub jurisdiction: Option<String>,
    /// Fingerprint of `HASH_KEY`. None in a call of a version that did not send it, and before the first that did.
    #[serde(default)]
    pub hash_key: Option<String>,
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
            hash_key: meta::get(sql, Key::HashKey)?,
        }))
    }

    /// # Errors
    /// When storage fails.
    pub fn save(&self, sql: &dyn Sql) -> Result<(), Error> {
        meta::set(sql, Key::Shards, &self.shards.get().to_string())?;
        if let Some(jurisdiction) = &self.jurisdiction {
            meta::set(sql, Key::Jurisdiction, jurisdiction)?;
        }
        if let Some(hash_key) = &self.hash_key {
            meta::set(sql, Key::HashKey, hash_key)?;
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
        if let (Some(held), Some(given)) = (&self.hash_key, &call.hash_key)
            && held != given
        {
            return Some(Objection {
                setting: "HASH_KEY",
                error: "HASH_KEY is another one than this store was installed with".to_owned(),
                hint: "set the old one again with `wrangler secret put HASH_KEY`: under another one every contact is a \
                       stranger, and whoever objected to mail is not known any more"
                    .to_owned(),
            });
        }
        None
    }
}

impl From<&Settings> for Installed {
    fn from(settings: &Settings) -> Self {
        Self {
            shards: settings.shards,
            jurisdiction: settings.jurisdiction.clone(),
            hash_key: settings.hash_key_fingerprint(),
        }
    }
}

impl From<&Envelope> for Installed {
    fn from(envelope: &Envelope) -> Self {
        Self {
            shards: envelope.shards,
            jurisdiction: envelope.jurisdiction.clone(),
            hash_key: envelope.hash_key.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::migrate::{SHARD, migrate};
    use crate::store::rusqlite::Sqlite;

    fn installed(hash_key: Option<&str>) -> Installed {
        let get = |name: &str| match name {
            "HASH_KEY" => hash_key.map(str::to_owned),
            _ => None,
        };
        Installed::from(&Settings::read(get, &[]))
    }

    #[test]
    fn another_hash_key_is_refused_and_the_same_one_is_not() {
        let (sql, first) = (
            Sqlite::in_memory().unwrap(),
            installed(Some("the-key-of-the-install")),
        );
        migrate(&sql, &SHARD).unwrap();
        first.save(&sql).unwrap();
        let held = Installed::load(&sql).unwrap().unwrap();
        assert_eq!(held.objection(&first), None);
        // Only the first word of a secret is the key.
        let same = installed(Some("the-key-of-the-install another-one-not-used"));
        assert_eq!(held.objection(&same), None);
        let objection = held
            .objection(&installed(Some("another-key-altogether")))
            .unwrap();
        assert_eq!(objection.setting, "HASH_KEY");
        let fingerprint = held.hash_key.unwrap();
        assert!(fingerprint.len() == 16 && !objection.error.contains(&fingerprint));
    }

    #[test]
    fn a_caller_or_an_installation_without_a_fingerprint_is_no_stranger() {
        let (with, without) = (installed(Some("the-key-of-the-install")), installed(None));
        assert_eq!(without.hash_key, None);
        assert_eq!((with.objection(&without), without.objection(&with)), (None, None));
    }
}
