//! What became of marketing, journey by journey: counted from the ledger's rows. Used by protection, once for each
//! tick of cron.
//!
//! Reading a row costs a thousandth of writing one, and a counter would be one more row for each mail.

use super::Error;
use super::error::to_json;
use super::sql::{Row, Sql};
use crate::domain::ids::JourneyId;
use crate::domain::switches::Figures;
use crate::engine::protection::{Counted, Since};

const MAX_SINCE_BYTES: usize = 1_000_000;

/// Marketing mails that a provider took, and which of them bounced for good or were complained of, by journey. It reads
/// every row of the ledger.
///
/// # Errors
/// When the statement fails or a row cannot be read.
pub fn marketing(sql: &dyn Sql, since: &Since) -> Result<Vec<Counted>, Error> {
    let journeys = to_json("journeys", "", &since.journeys, MAX_SINCE_BYTES)?;
    let rows = sql.query(
        "SELECT journey,
           sum(own) AS own_mails, sum(own * bounced) AS own_bounces, sum(own * complained) AS own_complaints,
           sum(part) AS part_mails, sum(part * bounced) AS part_bounces, sum(part * complained) AS part_complaints
         FROM (
           SELECT m.journey AS journey,
             m.settled_at >= coalesce(s.value, ?1) AS own,
             m.settled_at >= ?2 AS part,
             coalesce(json_extract(m.delivery, '$.failure') = 'hard_bounce', 0) AS bounced,
             json_extract(m.delivery, '$.complained_at') IS NOT NULL AS complained
           FROM message AS m LEFT JOIN json_each(?3) AS s ON s.key = m.journey
           WHERE m.settled_at >= ?1 AND m.state = 'accepted' AND m.stream = 'marketing'
         )
         GROUP BY journey ORDER BY journey",
        &[since.window.into(), since.marketing.into(), journeys.into()],
    )?;
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
}
