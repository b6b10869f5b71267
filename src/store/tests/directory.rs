//! Identifiers: the first claim wins, a closed checkout stays closed, a repeated call writes nothing.

use crate::domain::identity::IdentifierKind;
use crate::domain::ids::ContactId;
use crate::store::directory::{Claim, Entry, claim, is_closed, lookup, repoint};
use crate::store::fixtures::{at, contact_id, hash, shard};

fn claim_of(digits: &str, contact: &str) -> Claim {
    Claim {
        hash: hash(digits),
        kind: IdentifierKind::Checkout,
        contact: contact_id(contact),
        closed_at: None,
    }
}

fn bought(claims: &[Claim], when: i64) -> Vec<Claim> {
    let bought = |claim: &Claim| Claim {
        closed_at: Some(at(when)),
        ..claim.clone()
    };
    claims.iter().map(bought).collect()
}

fn contacts(entries: &[Entry]) -> Vec<ContactId> {
    entries.iter().map(|entry| entry.contact.clone()).collect()
}

#[test]
fn who_claims_first_keeps_it_and_the_other_one_learns_of_it() {
    let sql = shard();
    claim(&sql, &[claim_of("01", "aa"), claim_of("02", "aa")], at(0)).unwrap();
    let theirs = [claim_of("03", "bb"), claim_of("02", "bb")];
    assert_eq!(sql.written_by(|sql| claim(sql, &theirs, at(1))), 1);
    let found = lookup(&sql, &[hash("03"), hash("02"), hash("01")]).unwrap();
    assert_eq!(
        contacts(&found),
        [contact_id("bb"), contact_id("aa"), contact_id("aa")]
    );
    assert_eq!(sql.written_by(|sql| claim(sql, &theirs, at(2))), 0);
}

#[test]
fn a_look_up_keeps_the_order_asked_and_leaves_out_the_unknown() {
    let sql = shard();
    claim(&sql, &[claim_of("01", "aa"), claim_of("02", "bb")], at(0)).unwrap();
    let found = lookup(&sql, &[hash("02"), hash("09"), hash("01")]).unwrap();
    assert_eq!(contacts(&found), [contact_id("bb"), contact_id("aa")]);
    assert_eq!(
        (found[0].kind, found[0].closed_at),
        (IdentifierKind::Checkout, None)
    );
    assert_eq!(lookup(&sql, &[]), Ok(vec![]));
}

#[test]
fn an_identifier_named_twice_is_one_row() {
    let sql = shard();
    let twice = [claim_of("01", "aa"), claim_of("01", "aa")];
    assert_eq!(sql.written_by(|sql| claim(sql, &twice, at(0))), 1);
    assert_eq!(sql.written_by(|sql| claim(sql, &bought(&twice, 0), at(0))), 1);
    assert_eq!(sql.written_by(|sql| claim(sql, &bought(&twice, 0), at(0))), 0);
}

#[test]
fn a_closed_checkout_stays_closed() {
    let sql = shard();
    claim(&sql, &[claim_of("01", "aa")], at(0)).unwrap();
    let both = [claim_of("01", "aa"), claim_of("02", "bb")];
    assert_eq!(is_closed(&sql, &[hash("01"), hash("02")]), Ok(false));
    assert_eq!(sql.written_by(|sql| claim(sql, &bought(&both, 5), at(5))), 2);
    assert_eq!(sql.written_by(|sql| claim(sql, &bought(&both, 6), at(6))), 0);
    assert_eq!(
        sql.written_by(|sql| claim(sql, &[claim_of("02", "cc")], at(7))),
        0
    );
    let found = lookup(&sql, &[hash("01"), hash("02")]).unwrap();
    assert_eq!(contacts(&found), [contact_id("aa"), contact_id("bb")]);
    assert!(found.iter().all(|entry| entry.closed_at == Some(at(5))));
    assert_eq!(is_closed(&sql, &[hash("09"), hash("02")]), Ok(true));
}

#[test]
fn what_was_bought_before_anybody_was_known_goes_to_who_comes() {
    let sql = shard();
    let nobody = Claim {
        contact: ContactId::from(hash("01")),
        ..claim_of("01", "aa")
    };
    assert!(nobody.stands_in());
    assert_eq!(
        sql.written_by(|sql| claim(sql, &bought(std::slice::from_ref(&nobody), 3), at(3))),
        1
    );
    assert_eq!(sql.written_by(|sql| claim(sql, &[nobody], at(4))), 0);
    assert_eq!(lookup(&sql, &[hash("01")]).unwrap()[0].owner(), None);
    assert_eq!(
        sql.written_by(|sql| claim(sql, &[claim_of("01", "aa")], at(5))),
        1
    );
    assert_eq!(
        sql.written_by(|sql| claim(sql, &[claim_of("01", "bb")], at(6))),
        0
    );
    let held = &lookup(&sql, &[hash("01")]).unwrap()[0];
    assert_eq!(
        (held.owner(), held.closed_at),
        (Some(&contact_id("aa")), Some(at(3)))
    );
}

#[test]
fn only_what_cannot_found_a_contact_leaves_its_stand_in() {
    for kind in [
        IdentifierKind::Email,
        IdentifierKind::Customer,
        IdentifierKind::Order,
        IdentifierKind::Checkout,
        IdentifierKind::Cart,
        IdentifierKind::Anonymous,
    ] {
        let sql = shard();
        let founding = Claim {
            kind,
            contact: ContactId::from(hash("01")),
            ..claim_of("01", "aa")
        };
        claim(&sql, &[founding], at(0)).unwrap();
        let later = Claim {
            kind,
            ..claim_of("01", "bb")
        };
        let moved = sql.written_by(|sql| claim(sql, &[later], at(1)));
        assert_eq!(moved == 0, kind.is_strong(), "{kind:?}");
    }
}

#[test]
fn a_merge_moves_only_what_still_leads_to_the_loser() {
    let sql = shard();
    let claims = [claim_of("01", "aa"), claim_of("02", "cc")];
    claim(&sql, &claims, at(0)).unwrap();
    let hashes = [hash("01"), hash("02"), hash("09")];
    let merge = |sql: &dyn crate::store::Sql| repoint(sql, &hashes, &contact_id("aa"), &contact_id("bb"));
    assert_eq!(sql.written_by(merge), 1);
    assert_eq!(sql.written_by(merge), 0);
    let found = lookup(&sql, &hashes).unwrap();
    assert_eq!(contacts(&found), [contact_id("bb"), contact_id("cc")]);
}
