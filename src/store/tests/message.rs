//! The ledger: only legal moves, each once.

use crate::domain::delivery_event::DeliveryKind;
use crate::domain::delivery_state::{Actor, DeliveryState};
use crate::domain::message::{DropReason, MessageState};
use crate::engine::decision::Settlement;
use crate::store::fixtures::{at, contact_id, message, message_id, shard};
use crate::store::message::{
    Moved, Stored, Tally, get, list, of_contact, put, release, set_state, settle, tell,
};
use crate::store::rusqlite::Sqlite;

fn accepted() -> Settlement {
    Settlement::Accepted {
        provider: "resend".to_owned(),
        provider_id: Some("r-1".to_owned()),
    }
}

fn settlements() -> [(Settlement, MessageState); 5] {
    [
        (accepted(), MessageState::Accepted),
        (Settlement::Dropped(DropReason::TooLate), MessageState::Dropped),
        (Settlement::Failed("no".to_owned()), MessageState::Failed),
        (Settlement::GivenUp("lost".to_owned()), MessageState::GivenUp),
        (Settlement::Shadowed, MessageState::Shadowed),
    ]
}

/// A ledger with one message in a state.
fn ledger(state: MessageState) -> Sqlite {
    let sql = shard();
    let contact = contact_id("8c");
    let mut intent = message(&contact, "01");
    intent.state = state;
    put(&sql, &contact, &intent).unwrap();
    sql
}

fn stored(sql: &Sqlite) -> Stored {
    get(sql, &message_id(&contact_id("8c"), "01")).unwrap().unwrap()
}

#[test]
fn an_intent_is_written_once_and_found_by_its_id_alone() {
    let sql = ledger(MessageState::Intended);
    let contact = contact_id("8c");
    put(&sql, &contact_id("8d"), &message(&contact_id("8d"), "01")).unwrap();
    let found = stored(&sql);
    assert_eq!(found.message, message(&contact, "01"));
    assert_eq!(
        (found.contact.clone(), found.delivery.clicked_at),
        (contact.clone(), None)
    );
    assert_eq!(
        sql.written_by(|sql| put(sql, &contact, &message(&contact, "01"))),
        0
    );
    assert_eq!(get(&sql, &message_id(&contact, "02")), Ok(None));
    assert_eq!(of_contact(&sql, &contact, 9), Ok(vec![found]));
}

#[test]
fn an_outcome_is_written_with_its_evidence_and_only_once() {
    let sql = ledger(MessageState::Intended);
    let contact = contact_id("8c");
    let id = message_id(&contact, "01");
    assert_eq!(settle(&sql, &contact, &id, &accepted(), at(5)), Ok(Moved::Done));
    let found = stored(&sql).message;
    assert_eq!(found.state, MessageState::Accepted);
    assert_eq!(
        (found.provider.as_deref(), found.provider_id.as_deref()),
        (Some("resend"), Some("r-1"))
    );
    assert_eq!((found.settled_at, found.attempt), (Some(at(5)), 1));
    let refused = Moved::Refused(MessageState::Accepted);
    assert_eq!(settle(&sql, &contact, &id, &accepted(), at(6)), Ok(refused));
    assert_eq!(stored(&sql).message, found);
    let missing = message_id(&contact, "02");
    assert_eq!(
        settle(&sql, &contact, &missing, &accepted(), at(5)),
        Ok(Moved::Missing)
    );
}

/// The guard inside the statement, which `write::apply` relies on, and the one before it say the same.
#[test]
fn every_pair_of_state_and_outcome_goes_as_the_domain_says() {
    let contact = contact_id("8c");
    let id = message_id(&contact, "01");
    for held in MessageState::ALL {
        for (how, next) in settlements() {
            let legal = held.may_become(next);
            let sql = ledger(held);
            let moved = settle(&sql, &contact, &id, &how, at(5)).unwrap();
            assert_eq!(moved == Moved::Done, legal, "{held:?} to {next:?}");
            let sql = ledger(held);
            let statement = crate::store::message::settle_statement(&contact, &id, &how, at(5));
            let written = sql.written_by(|sql| statement.run(sql));
            assert_eq!(written == 1, legal, "{held:?} to {next:?}");
            let expected = if legal { next } else { held };
            assert_eq!(stored(&sql).message.state, expected);
        }
    }
}

#[test]
fn a_released_message_may_be_claimed_again() {
    let contact = contact_id("8c");
    let id = message_id(&contact, "01");
    for held in MessageState::ALL {
        let sql = ledger(held);
        let moved = release(&sql, &contact, &id, "rate limited").unwrap();
        assert_eq!(moved == Moved::Done, !held.is_final(), "{held:?}");
        let found = stored(&sql).message;
        if !held.is_final() {
            assert_eq!((found.state, found.attempt), (MessageState::Intended, 1));
            assert_eq!(found.reason.as_deref(), Some("rate limited"));
        }
    }
}

#[test]
fn an_unknown_fate_is_noted_from_an_intent_whose_claim_was_not() {
    let sql = ledger(MessageState::Intended);
    let contact = contact_id("8c");
    let id = message_id(&contact, "01");
    let unknown = |reason| set_state(&sql, &contact, &id, MessageState::Unknown, reason).unwrap();
    assert_eq!(unknown(Some("timed out")), Moved::Done);
    assert_eq!(unknown(None), Moved::Refused(MessageState::Unknown));
    assert_eq!(stored(&sql).message.reason.as_deref(), Some("timed out"));
    let lost = Settlement::GivenUp("no evidence".to_owned());
    assert_eq!(settle(&sql, &contact, &id, &lost, at(9)), Ok(Moved::Done));
}

#[test]
fn what_providers_told_stays_with_the_message() {
    let sql = ledger(MessageState::Accepted);
    let contact = contact_id("8c");
    let id = message_id(&contact, "01");
    assert_eq!(stored(&sql).delivery, DeliveryState::default());
    let told = DeliveryState::of(DeliveryKind::Clicked, at(7), Actor::Person);
    assert_eq!(sql.written_by(|sql| tell(sql, &contact, &id, told)), 1);
    assert_eq!(stored(&sql).delivery, told);
}

#[test]
fn operators_see_what_did_not_go_out() {
    let sql = shard();
    let [first, second] = ["8c", "9d"].map(contact_id);
    for (contact, digits, state, reason) in [
        (&first, "01", MessageState::Accepted, None),
        (&first, "02", MessageState::Dropped, Some("too_late")),
        (&second, "01", MessageState::Dropped, Some("too_late")),
        (&second, "02", MessageState::Unknown, Some("timed out")),
    ] {
        let mut row = message(contact, digits);
        row.state = state;
        row.reason = reason.map(str::to_owned);
        put(&sql, contact, &row).unwrap();
    }
    let states = [MessageState::Dropped, MessageState::Unknown];
    let page = list(&sql, &states, None, 2).unwrap();
    let ids = |page: &[Stored]| -> Vec<_> { page.iter().map(|row| row.message.id.clone()).collect() };
    assert_eq!(ids(&page), [message_id(&first, "02"), message_id(&second, "01")]);
    let last = page.last().map(|row| (&row.contact, &row.message.id));
    assert_eq!(
        ids(&list(&sql, &states, last, 2).unwrap()),
        [message_id(&second, "02")]
    );
    let tally = crate::store::message::tally(&sql).unwrap();
    let dropped = Tally {
        state: MessageState::Dropped,
        reason: Some("too_late".to_owned()),
        count: 2,
    };
    assert_eq!((tally.len(), &tally[0]), (3, &dropped));
}

#[test]
fn a_deferral_keeps_its_reason_and_costs_a_row_once() {
    use crate::engine::defer::DeferReason;
    let sql = ledger(MessageState::Intended);
    let contact = contact_id("8c");
    let id = message_id(&contact, "01");
    let put_off = |reason| sql.written_by(|sql| crate::store::message::defer(sql, &contact, &id, reason));
    assert_eq!(put_off(DeferReason::CheckoutUnreadable), 1);
    assert_eq!(put_off(DeferReason::CheckoutUnreadable), 0);
    assert_eq!(put_off(DeferReason::ExitUndecided), 1);
    let waiting = crate::store::message::waiting(&sql, 9).unwrap();
    let reasons: Vec<_> = waiting.iter().map(|row| row.message.reason.as_deref()).collect();
    assert_eq!(reasons, [Some("exit_undecided")]);
}
