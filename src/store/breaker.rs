//! Breakers that are not closed, in the Store object: read once when it starts, written when one changes.

use super::Error;
use super::error::to_json;
use super::sql::Sql;
use crate::engine::breaker::Breaker;
use std::collections::BTreeMap;

/// Far more than a reason and some times.
const MAX_BYTES: usize = 4096;

/// Writes 1 row; 0 for a closed one that had none.
///
/// # Errors
/// When the statement fails.
pub fn put(sql: &dyn Sql, provider: &str, breaker: &Breaker) -> Result<(), Error> {
    if *breaker == Breaker::Closed {
        return sql.run("DELETE FROM breaker WHERE provider = ?1", &[provider.into()]);
    }
    let body = to_json("breaker of provider", provider, breaker, MAX_BYTES)?;
    sql.run(
        "INSERT INTO breaker (provider, body) VALUES (?1, ?2)
         ON CONFLICT (provider) DO UPDATE SET body = excluded.body",
        &[provider.into(), body.into()],
    )
}

/// All of them, by provider. One that another version wrote and this one cannot read counts as closed: that costs a request,
/// and a refusal to start would cost all mail.
///
/// # Errors
/// When the statement fails.
pub fn all(sql: &dyn Sql) -> Result<BTreeMap<String, Breaker>, Error> {
    let rows = sql.query("SELECT provider, body FROM breaker", &[])?;
    rows.iter()
        .map(|row| {
            let breaker = serde_json::from_str(row.text("body")?).unwrap_or_default();
            Ok((row.text("provider")?.to_owned(), breaker))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::breaker::{Cause, Trouble};
    use crate::store::fixtures::{at, store};

    #[test]
    fn a_breaker_is_kept_until_it_closes() {
        let sql = store();
        let mut breaker = Breaker::default();
        assert_eq!(sql.written_by(|sql| put(sql, "ses", &breaker)), 0);
        let trouble = Trouble {
            cause: Cause::Settings,
            reason: "status 403: the domain is not verified".to_owned(),
            until: None,
        };
        breaker.open(trouble, "0123456789abcdef", at(0));
        assert_eq!(sql.written_by(|sql| put(sql, "ses", &breaker)), 1);
        breaker.probe(at(300));
        assert_eq!(sql.written_by(|sql| put(sql, "ses", &breaker)), 1);
        assert_eq!(
            all(&sql),
            Ok(BTreeMap::from([("ses".to_owned(), breaker.clone())]))
        );
        // The stored form is read by every later version.
        let body = (&sql as &dyn Sql)
            .first("SELECT body FROM breaker", &[])
            .unwrap()
            .unwrap();
        assert_eq!(
            body.text("body"),
            Ok(concat!(
                r#"{"probing":{"cause":"settings","reason":"status 403: the domain is not verified","#,
                r#""since":1790000000000,"until":1790000345000,"failures":1,"settings":"0123456789abcdef"}}"#
            ))
        );
        breaker.close();
        assert_eq!(sql.written_by(|sql| put(sql, "ses", &breaker)), 1);
        assert_eq!(all(&sql), Ok(BTreeMap::new()));
    }
}
