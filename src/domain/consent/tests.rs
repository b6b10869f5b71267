//! The rule of consent, by example and by random orders of all that may be told of an address.

use super::*;
use crate::domain::objection::{Ground, Objection};
use proptest::prelude::*;

fn signal(state: ConsentState, grade: ConsentGrade, seconds: i64) -> ConsentSignal {
    ConsentSignal {
        state,
        grade,
        at: Timestamp::from_seconds(seconds),
        method: None,
        text: None,
        ip: None,
        agent: None,
        actor: None,
    }
}

fn after(signals: &[ConsentSignal]) -> ConsentState {
    let mut consent = Consent::default();
    let event = EventId::parse("e").unwrap();
    for signal in signals {
        consent.apply(signal, &event);
    }
    consent.state
}

use ConsentGrade::{Explicit, Implied};
use ConsentState::{Subscribed, Suppressed, Unknown, Unsubscribed};

#[test]
fn an_unsubscribe_is_lifted_only_by_a_newer_explicit_consent() {
    let out = signal(Unsubscribed, Explicit, 10);
    assert_eq!(
        after(&[out.clone(), signal(Subscribed, Implied, 20)]),
        Unsubscribed
    );
    assert_eq!(
        after(&[out.clone(), signal(Subscribed, Explicit, 5)]),
        Unsubscribed
    );
    assert_eq!(after(&[out, signal(Subscribed, Explicit, 20)]), Subscribed);
}

#[test]
fn silence_is_not_an_answer_and_suppression_is_final() {
    assert_eq!(
        after(&[signal(Subscribed, Implied, 1), signal(Unknown, Explicit, 2)]),
        Subscribed
    );
    assert_eq!(
        after(&[signal(Suppressed, Explicit, 1), signal(Subscribed, Explicit, 2)]),
        Suppressed
    );
}

#[test]
fn a_second_no_outlasts_a_yes_between_the_two() {
    let (first, second) = (
        signal(Unsubscribed, Explicit, 10),
        signal(Unsubscribed, Explicit, 20),
    );
    assert_eq!(
        after(&[first, second, signal(Subscribed, Explicit, 15)]),
        Unsubscribed
    );
}

#[test]
fn a_yes_to_be_confirmed_waits_and_the_newer_request_counts() {
    let mut consent = Consent::default();
    let id = |text| EventId::parse(text).unwrap();
    let asks = |seconds| signal(Subscribed, Explicit, seconds);
    assert!(consent.apply_as(ConsentState::Pending, &asks(10), &id("a")));
    assert!(consent.is_unconfirmed(Timestamp::from_seconds(60)));
    assert!(
        !consent.apply_as(ConsentState::Pending, &asks(10), &id("b")),
        "the same"
    );
    assert!(consent.apply_as(ConsentState::Pending, &asks(30), &id("c")));
    assert_eq!(consent.evidence.as_ref().unwrap().1, id("c"));
    assert!(consent.apply(&asks(40), &id("d")));
    assert_eq!(consent.state, Subscribed);
    assert!(
        !consent.apply_as(ConsentState::Pending, &asks(50), &id("e")),
        "is confirmed"
    );
    let told = signal(ConsentState::Pending, Explicit, 1);
    let mut elsewhere = Consent::default();
    elsewhere.apply(&told, &id("f"));
    assert!(
        !elsewhere.is_unconfirmed(Timestamp::from_seconds(60)),
        "the shop asks, not we"
    );
}

#[test]
fn a_box_no_longer_ticked_takes_back_its_own_yes_and_nothing_else() {
    let of_box = |state, method: &str, seconds| ConsentSignal {
        method: Some(method.to_owned()),
        ..signal(state, Implied, seconds)
    };
    let unticked = of_box(Unsubscribed, "acceptMarketing", 20);
    let ticked = of_box(Subscribed, "acceptMarketing", 10);
    for (came, holds) in [
        (vec![], Unknown),
        (vec![ticked.clone()], Unsubscribed),
        (vec![of_box(Subscribed, "subscribe", 10)], Subscribed),
        (vec![signal(Subscribed, Explicit, 10)], Subscribed),
        (vec![ticked.clone(), signal(Subscribed, Explicit, 15)], Subscribed),
        (vec![of_box(Subscribed, "acceptMarketing", 30)], Subscribed),
        (
            vec![signal(ConsentState::Pending, Explicit, 10)],
            ConsentState::Pending,
        ),
    ] {
        let all = [came, vec![unticked.clone()]].concat();
        assert_eq!(after(&all), holds, "{all:?}");
    }
    // In whichever order the two come.
    for (came, holds) in [
        (ticked.clone(), Unsubscribed),
        (of_box(Subscribed, "acceptMarketing", 20), Unsubscribed),
        (of_box(Subscribed, "acceptMarketing", 30), Subscribed),
        (of_box(Subscribed, "subscribe", 10), Subscribed),
        (signal(Subscribed, Explicit, 10), Subscribed),
    ] {
        let all = [unticked.clone(), came];
        assert_eq!(after(&all), holds, "{all:?}");
    }
    // It is a no like any other: ticking it again is less than the person's own word.
    let again = of_box(Subscribed, "acceptMarketing", 30);
    assert_eq!(after(&[ticked, unticked, again]), Unsubscribed);
}

#[test]
fn a_request_lifts_no_unsubscribe_that_is_newer_or_more_than_implied() {
    let mut consent = Consent::default();
    let id = EventId::parse("e").unwrap();
    consent.apply(&signal(Unsubscribed, Explicit, 10), &id);
    for weaker in [signal(Subscribed, Implied, 20), signal(Subscribed, Explicit, 5)] {
        assert!(!consent.apply_as(ConsentState::Pending, &weaker, &id));
    }
    assert!(consent.apply_as(ConsentState::Pending, &signal(Subscribed, Explicit, 20), &id));
}

#[test]
fn withdrawal_wins_ties_and_implied_consent() {
    assert_eq!(
        after(&[signal(Subscribed, Explicit, 5), signal(Unsubscribed, Explicit, 5)]),
        Unsubscribed
    );
    assert_eq!(
        after(&[signal(Subscribed, Implied, 9), signal(Unsubscribed, Explicit, 5)]),
        Unsubscribed
    );
    assert_eq!(
        after(&[signal(Subscribed, Explicit, 9), signal(Unsubscribed, Explicit, 5)]),
        Subscribed
    );
}

/// Each row: what came, in its order, and what holds then.
#[test]
fn a_request_that_takes_the_place_of_a_no_is_no_yes() {
    use ConsentState::Pending;
    let no = signal(Unsubscribed, Explicit, 10);
    let asked = signal(Pending, Explicit, 20);
    for (came, holds) in [
        (vec![signal(Subscribed, Implied, 30)], Pending),
        (vec![signal(Subscribed, Explicit, 5)], Pending),
        (vec![signal(Subscribed, Explicit, 10)], Pending),
        (
            vec![signal(Pending, Implied, 30), signal(Subscribed, Implied, 40)],
            Pending,
        ),
        (
            vec![signal(Pending, Explicit, 30), signal(Subscribed, Implied, 40)],
            Pending,
        ),
        (vec![signal(Subscribed, Explicit, 25)], Subscribed),
        // An older no that arrives last takes nothing from the newer one, nor the place of the request.
        (vec![signal(Unsubscribed, Explicit, 15)], Pending),
        (
            vec![
                signal(Unsubscribed, Explicit, 15),
                signal(Subscribed, Explicit, 14),
            ],
            Pending,
        ),
        (
            vec![signal(Unsubscribed, Explicit, 4), signal(Subscribed, Explicit, 7)],
            Pending,
        ),
        (
            vec![
                signal(Unsubscribed, Explicit, 4),
                signal(Subscribed, Explicit, 11),
            ],
            Subscribed,
        ),
    ] {
        let all = [vec![no.clone(), asked.clone()], came].concat();
        assert_eq!(after(&all), holds, "{all:?}");
    }
}

#[test]
fn a_merge_forgets_no_no_that_stands() {
    let event = EventId::parse("e").unwrap();
    let of = |signals: &[ConsentSignal]| {
        let mut consent = Consent::default();
        for signal in signals {
            consent.apply(signal, &event);
        }
        consent
    };
    let no = |seconds| signal(Unsubscribed, Explicit, seconds);
    let asked = of(&[no(30), signal(ConsentState::Pending, Explicit, 40)]);
    for other in [
        of(&[no(10)]),
        of(&[signal(Subscribed, Explicit, 5)]),
        Consent::default(),
    ] {
        for mut both in [
            asked.clone().stricter(other.clone()),
            other.stricter(asked.clone()),
        ] {
            assert_eq!(both.no_at(), Some(Timestamp::from_seconds(30)));
            assert!(!both.apply(&signal(Subscribed, Explicit, 20), &event));
            assert!(both.apply(&signal(Subscribed, Explicit, 31), &event));
        }
    }
}

/// Each row: what the one was told, what the other was told, and what holds once they are one.
#[test]
fn a_merge_takes_back_a_yes_only_by_a_no() {
    use ConsentState::Pending;
    let yes = |grade, seconds| signal(Subscribed, grade, seconds);
    let (no, unticked) = (
        |seconds| signal(Unsubscribed, Explicit, seconds),
        |seconds| signal(Unsubscribed, Implied, seconds),
    );
    let asked = |seconds| signal(Pending, Explicit, seconds);
    for (one, other, holds) in [
        (vec![yes(Explicit, 10)], vec![], Subscribed),
        (vec![yes(Explicit, 10)], vec![asked(20)], Subscribed),
        (vec![yes(Explicit, 10)], vec![no(5), asked(20)], Pending),
        (vec![yes(Explicit, 10)], vec![unticked(20)], Subscribed),
        (
            vec![yes(Explicit, 10)],
            vec![yes(Implied, 15), unticked(20)],
            Unsubscribed,
        ),
        (
            vec![yes(Explicit, 10), unticked(20)],
            vec![yes(Implied, 15)],
            Unsubscribed,
        ),
        (vec![yes(Implied, 10)], vec![unticked(20)], Unsubscribed),
        (vec![yes(Implied, 30)], vec![unticked(20)], Subscribed),
        (
            vec![yes(Implied, 10)],
            vec![unticked(20), yes(Implied, 30)],
            Unsubscribed,
        ),
        (vec![asked(20)], vec![], Pending),
        (vec![], vec![unticked(20)], Unknown),
    ] {
        let of = |signals: &[ConsentSignal]| told_to_one(signals.iter());
        for both in [of(&one).stricter(of(&other)), of(&other).stricter(of(&one))] {
            assert_eq!(both.state, holds, "{one:?} and {other:?}");
        }
    }
    let own_word = told_to_one([yes(Explicit, 10)].iter());
    let remark = told_to_one([yes(Implied, 20)].iter());
    assert!(
        remark.stricter(own_word).is_explicit_yes(),
        "the proof that is worth more"
    );
}

fn told_to_one<'s>(signals: impl Iterator<Item = &'s ConsentSignal>) -> Consent {
    let event = EventId::parse("e").unwrap();
    let mut consent = Consent::default();
    signals.for_each(|signal| {
        consent.apply(signal, &event);
    });
    consent
}

#[test]
fn a_request_can_be_confirmed_for_a_while_and_a_remark_does_not_renew_it() {
    let event = EventId::parse("e").unwrap();
    let asks = |grade, seconds| signal(Subscribed, grade, seconds);
    let mut consent = Consent::default();
    consent.apply_as(ConsentState::Pending, &asks(Explicit, 0), &event);
    let later = |days| Timestamp::from_seconds(0).plus(Delay::from_days(days));
    assert!(consent.is_unconfirmed(later(30)) && !consent.is_unconfirmed(later(31)));
    let order = asks(Implied, 40 * 24 * 3600);
    assert!(!consent.apply_as(ConsentState::Pending, &order, &event));
    let form = asks(Explicit, 41 * 24 * 3600);
    assert!(consent.apply_as(ConsentState::Pending, &form, &event));
    assert!(consent.is_unconfirmed(later(42)));
}

/// What may be told of one address, by two contacts that turn out to be one.
#[derive(Debug, Clone)]
enum Told {
    Said(bool, ConsentSignal),
    Erased(bool, Timestamp),
    Merged,
}

fn told() -> impl Strategy<Value = Told> {
    let state = prop_oneof![
        Just(Subscribed),
        Just(ConsentState::Pending),
        Just(Unsubscribed),
        Just(Unknown)
    ];
    let said = (any::<bool>(), state, any::<bool>(), 0_i64..40).prop_map(|(of, state, explicit, at)| {
        Told::Said(of, signal(state, if explicit { Explicit } else { Implied }, at))
    });
    let erased =
        (any::<bool>(), 0_i64..40).prop_map(|(of, at)| Told::Erased(of, Timestamp::from_seconds(at)));
    prop_oneof![8 => said, 1 => erased, 1 => Just(Told::Merged)]
}

fn said() -> impl Strategy<Value = ConsentSignal> {
    let state = prop::sample::select(vec![Subscribed, ConsentState::Pending, Unsubscribed, Suppressed]);
    let grade = prop::sample::select(vec![Explicit, Implied]);
    (state, grade, 0_i64..8).prop_map(|(state, grade, at)| signal(state, grade, at))
}

proptest! {
    /// Whichever of the two heard of what: no more than one, as it was told or in the order of time. A box that took back its
    /// own yes keeps one from an older yes of the person's own that is told late; two contacts may have been spared that.
    #[test]
    fn a_merge_permits_nothing_that_one_contact_would_not(
        all in prop::collection::vec((any::<bool>(), said()), 1..9),
    ) {
        let of = |who: bool| told_to_one(all.iter().filter(|(of, _)| *of == who).map(|(_, signal)| signal));
        let mut in_time: Vec<_> = all.iter().map(|(_, signal)| signal).collect();
        in_time.sort_by_key(|signal| (signal.at, signal.state != Subscribed));
        let ones = [told_to_one(all.iter().map(|(_, signal)| signal)), told_to_one(in_time.into_iter())];
        for both in [of(true).stricter(of(false)), of(false).stricter(of(true))] {
            let allowed = both.state != Subscribed || ones.iter().any(|one| one.state == Subscribed);
            prop_assert!(allowed, "{both:?} of what makes {ones:?}");
            prop_assert!(!both.is_explicit_yes() || ones.iter().any(Consent::is_explicit_yes));
        }
    }

    /// In whichever order they are told.
    #[test]
    fn a_no_is_lifted_by_a_newer_yes_of_the_persons_own_and_by_nothing_else(
        all in prop::collection::vec(told(), 1..14),
        confirms in any::<bool>(),
    ) {
        let event = EventId::parse("e").unwrap();
        let mut held = [Consent::default(), Consent::default()];
        let (mut no, mut yes) = (None, None);
        for told in all {
            match told {
                Told::Said(of, signal) => {
                    match (signal.state, signal.grade) {
                        (Unsubscribed, Explicit) => no = no.max(Some(signal.at)),
                        (Subscribed, Explicit) => yes = yes.max(Some(signal.at)),
                        _ => {}
                    }
                    // Where a yes has to be confirmed, a form only asks.
                    let state = if confirms && signal.state == Subscribed && signal.method.is_none() {
                        ConsentState::Pending
                    } else {
                        signal.state
                    };
                    let counted = held[usize::from(of)].apply_as(state, &signal, &event);
                    if counted && signal.state == Unsubscribed {
                        no = no.max(Some(signal.at));
                    }
                }
                Told::Erased(of, at) => {
                    no = no.max(Some(at));
                    let objection = Objection { ground: Ground::Erased, at };
                    held[usize::from(of)] = objection.consent(&event).stricter(held[usize::from(of)].clone());
                }
                Told::Merged => {
                    let both = held[0].clone().stricter(held[1].clone());
                    held = [both.clone(), both];
                }
            }
        }
        let both = held[0].clone().stricter(held[1].clone());
        if both.state == Subscribed {
            prop_assert!(!confirms, "nobody confirmed anything");
            prop_assert!(no < yes || no.is_none(), "{no:?} was lifted by {yes:?}");
        }
        if let (Some(at), true) = (no, both.state != Subscribed) {
            let mut later = both.clone();
            later.apply(&signal(Subscribed, Implied, 99), &event);
            prop_assert!(later.state != Subscribed || yes > Some(at), "{both:?}");
        }
    }
}

#[test]
fn a_no_by_a_dead_address_is_kept_for_the_others() {
    let mut consent = Consent::default();
    let id = |text| EventId::parse(text).unwrap();
    assert!(consent.apply(&signal(ConsentState::Suppressed, Explicit, 10), &id("a")));
    assert_eq!(consent.no_at(), None, "nobody said it");
    assert!(!consent.apply(&signal(Unsubscribed, Implied, 15), &id("b")));
    assert!(consent.apply(&signal(Unsubscribed, Explicit, 20), &id("c")));
    assert!(
        !consent.apply(&signal(Unsubscribed, Explicit, 20), &id("d")),
        "the same"
    );
    assert_eq!(consent.state, ConsentState::Suppressed);
    assert_eq!(consent.no_at(), Some(Timestamp::from_seconds(20)));
}
