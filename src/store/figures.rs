//! What became of marketing, journey by journey: counted from the ledger's rows. Used by protection at each tick of cron.
//!
//! A mail lies in the ledger for two years and a tick comes every five minutes: to read every row at each would cost more
//! than all else that is done for a mail. The count is therefore kept for six hours, and an index finds what went wrong by
//! now. A counter would be one more row for each mail.

use super::Error;
use super::error::to_json;
use super::meta::{self, Key};
use super::sql::{Row, Sql};
use crate::domain::ids::JourneyId;
use crate::domain::switches::Figures;
use crate::engine::protection::{Count, Counted, Since};

const MAX_BYTES: usize = 1_000_000;

macro_rules! counted {
    ($only:literal) => {
        concat!(
            "SELECT journey,
               sum(own) AS own_mails, sum(own * bounced) AS own_bounces, sum(own * complained) AS own_complaints,
               sum(part) AS part_mails, sum(part * bounced) AS part_bounces, sum(part * complained) AS part_complaints
             FROM (
               SELECT m.journey AS journey,
                 m.settled_at >= coalesce(s.value, ?1) AS own,
                 m.settled_at >= ?2 AS part,
                 coalesce(m.delivery ->> '$.failure' = 'hard_bounce', 0) AS bounced,
                 m.delivery ->> '$.complained_at' IS NOT NULL AS complained
               FROM message AS m LEFT JOIN json_each(?3) AS s ON s.key = m.journey
               WHERE m.settled_at >= ?1 AND m.state = 'accepted' AND m.stream = 'marketing'",
            $only,
            ") GROUP BY journey ORDER BY journey"
        )
    };
}

const MARKETING: &str = counted!("");
/// The condition is that of the index `message_unwanted`, to the letter.
const UNWANTED: &str = counted!(
    " AND (m.delivery ->> '$.failure' = 'hard_bounce' OR m.delivery ->> '$.complained_at' IS NOT NULL)"
);

/// Marketing mails that a provider took, and which of them bounced for good or were complained of, by journey. It reads
/// every row of the ledger.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn marketing(sql: &dyn Sql, since: &Since) -> Result<Vec<Counted>, Error> {
    counted(sql, MARKETING, since)
}

/// The same of those mails alone that bounced for good or were complained of. It reads no other row.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn unwanted(sql: &dyn Sql, since: &Since) -> Result<Vec<Counted>, Error> {
    counted(sql, UNWANTED, since)
}

/// The last count that was kept; none where there is none or it cannot be read: what can be counted again is not worth
/// a failure.
///
/// # Errors
/// When the statement fails.
pub fn last(sql: &dyn Sql) -> Result<Option<Count>, Error> {
    let text = meta::get(sql, Key::MarketingCount)?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}

/// Keeps a count. Writes 1 row, 0 when it is held already.
///
/// # Errors
/// When the statement fails.
pub fn keep(sql: &dyn Sql, count: &Count) -> Result<(), Error> {
    let text = to_json("count", "", count, MAX_BYTES)?;
    meta::set(sql, Key::MarketingCount, &text)
}

fn counted(sql: &dyn Sql, statement: &'static str, since: &Since) -> Result<Vec<Counted>, Error> {
    let journeys = to_json("journeys", "", &since.journeys, MAX_BYTES)?;
    let params = [since.window.into(), since.marketing.into(), journeys.into()];
    let rows = sql.query(statement, &params)?;
    rows.iter()
        .map(|row| {
            Ok(Counted {
                journey: row.parsed("journey", JourneyId::parse)?,
                own: figures(row, ["own_mails", "own_bounces", "own_complaints"])?,
                part: figures(row, ["part_mails", "part_bounces", "part_complaints"])?,
            })
        })
        .collect()
}

fn figures(row: &Row, [mails, hard_bounces, complaints]: [&'static str; 3]) -> Result<Figures, Error> {
    Ok(Figures {
        mails: row.count(mails)?,
        hard_bounces: row.count(hard_bounces)?,
        complaints: row.count(complaints)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::delivery_event::DeliveryKind;
    use crate::domain::delivery_state::{Actor, DeliveryState};
    use crate::domain::message::{MessageState, Stream};
    use crate::domain::time::Timestamp;
    use crate::store::fixtures::{at, contact_id, journey, message, shard};
    use crate::store::message::{put, tell};
    use crate::store::rusqlite::Sqlite;
    use std::collections::BTreeMap;

    /// A marketing mail of the journey that was taken at this second, and what was told of it.
    fn mail(sql: &Sqlite, number: &str, journey: &str, settled: Option<i64>, told: &[DeliveryKind]) {
        let contact = contact_id("8c");
        let mut mail = message(&contact, number);
        mail.journey = JourneyId::parse(journey).unwrap();
        mail.stream = Stream::Marketing;
        mail.settled_at = settled.map(at);
        mail.state = settled.map_or(MessageState::Intended, |_| MessageState::Accepted);
        put(sql, &contact, &mail).unwrap();
        let told = told
            .iter()
            .map(|kind| DeliveryState::of(*kind, at(500), Actor::Person));
        if let Some(told) = told.reduce(DeliveryState::join) {
            tell(sql, &contact, &mail.id, told).unwrap();
        }
    }

    fn since(window: i64, marketing: i64, journeys: &[(&str, i64)]) -> Since {
        let journeys = journeys
            .iter()
            .map(|(name, from)| (JourneyId::parse(name).unwrap(), at(*from)));
        Since {
            window: at(window),
            marketing: at(marketing),
            journeys: journeys.collect::<BTreeMap<_, Timestamp>>(),
        }
    }

    fn read(counted: &[Counted]) -> Vec<(&str, [u32; 3], [u32; 3])> {
        let numbers = |figures: Figures| [figures.mails, figures.hard_bounces, figures.complaints];
        let rows = counted.iter();
        rows.map(|counted| {
            (
                counted.journey.as_str(),
                numbers(counted.own),
                numbers(counted.part),
            )
        })
        .collect()
    }

    #[test]
    fn only_marketing_that_was_taken_in_the_window_counts() {
        let sql = shard();
        mail(&sql, "01", "welcome", Some(10), &[]);
        mail(&sql, "02", "welcome", Some(20), &[DeliveryKind::HardBounce]);
        mail(
            &sql,
            "03",
            "welcome",
            Some(30),
            &[DeliveryKind::Delivered, DeliveryKind::Complaint],
        );
        mail(&sql, "04", "welcome", Some(40), &[DeliveryKind::SoftBounce]);
        mail(&sql, "05", "welcome", Some(9), &[DeliveryKind::HardBounce]);
        mail(&sql, "06", "welcome", None, &[]);
        mail(&sql, "07", "winback", Some(40), &[DeliveryKind::Complaint]);
        let mut order = message(&contact_id("8d"), "01");
        (order.stream, order.state, order.settled_at) =
            (Stream::Transactional, MessageState::Accepted, Some(at(40)));
        order.journey = journey();
        put(&sql, &contact_id("8d"), &order).unwrap();
        let counted = marketing(&sql, &since(10, 10, &[])).unwrap();
        let expected = [
            ("welcome", [4, 1, 1], [4, 1, 1]),
            ("winback", [1, 0, 1], [1, 0, 1]),
        ];
        assert_eq!(read(&counted), expected);
    }

    #[test]
    fn a_journey_that_was_resumed_counts_from_there_and_marketing_from_its_own_resume() {
        let sql = shard();
        mail(&sql, "01", "welcome", Some(10), &[DeliveryKind::Complaint]);
        mail(&sql, "02", "welcome", Some(30), &[]);
        mail(&sql, "03", "winback", Some(10), &[DeliveryKind::HardBounce]);
        let counted = marketing(&sql, &since(0, 0, &[("welcome", 20)])).unwrap();
        assert_eq!(
            read(&counted),
            [
                ("welcome", [1, 0, 0], [2, 0, 1]),
                ("winback", [1, 1, 0], [1, 1, 0])
            ]
        );
        let counted = marketing(&sql, &since(0, 20, &[])).unwrap();
        assert_eq!(
            read(&counted),
            [
                ("welcome", [2, 0, 1], [1, 0, 0]),
                ("winback", [1, 1, 0], [0, 0, 0])
            ]
        );
    }

    #[test]
    fn of_what_went_wrong_no_other_row_is_read() {
        let sql = shard();
        mail(&sql, "01", "welcome", Some(10), &[DeliveryKind::Complaint]);
        mail(&sql, "02", "welcome", Some(20), &[DeliveryKind::HardBounce]);
        mail(&sql, "03", "welcome", Some(30), &[DeliveryKind::Delivered]);
        mail(&sql, "04", "winback", Some(30), &[DeliveryKind::SoftBounce]);
        let since = since(0, 20, &[]);
        let counted = unwanted(&sql, &since).unwrap();
        assert_eq!(read(&counted), [("welcome", [2, 1, 1], [1, 1, 0])]);
        let all = marketing(&sql, &since).unwrap();
        assert_eq!(read(&all)[0], ("welcome", [3, 1, 1], [2, 1, 0]));
        let params = [0_u32.into(), 0_u32.into(), "{}".into()];
        let plan = (&sql as &dyn Sql)
            .query(format!("EXPLAIN QUERY PLAN {UNWANTED}").leak(), &params)
            .unwrap();
        let plan: Vec<&str> = plan.iter().map(|row| row.text("detail").unwrap()).collect();
        assert!(
            plan.contains(&"SEARCH m USING INDEX message_unwanted (settled_at>?)"),
            "{plan:?}"
        );
    }

    #[test]
    fn a_count_is_kept_and_one_that_cannot_be_read_is_none() {
        let sql = shard();
        assert_eq!(last(&sql), Ok(None));
        mail(&sql, "01", "welcome", Some(10), &[]);
        let since = since(0, 20, &[("welcome", 20)]);
        let count = Count {
            counted: marketing(&sql, &since).unwrap(),
            since,
        };
        assert_eq!(sql.written_by(|sql| keep(sql, &count)), 1);
        assert_eq!(sql.written_by(|sql| keep(sql, &count)), 0);
        assert_eq!(last(&sql), Ok(Some(count)));
        meta::set(&sql, Key::MarketingCount, "{").unwrap();
        assert_eq!(last(&sql), Ok(None));
    }
}
