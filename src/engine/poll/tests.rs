//! Whatever fails and restarts, in whatever order the shop changes its orders: between two cursors none is skipped.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;

const NAME: &str = "woocommerce/orders";
/// So many documents of a size make one of this shop's pages.
const SIZE_OF_ONE: u32 = 34;
const START: Timestamp = Timestamp::from_seconds(1_790_000_000);

fn minutes(minutes: i64) -> Timestamp {
    START.plus(Delay::from_minutes(minutes))
}

fn page(next: Option<&str>) -> Told {
    Told::Page {
        next: next.map(str::to_owned),
        shop_time: None,
        listed: 3,
        new: 1,
    }
}

fn failed() -> Told {
    Told::Failed {
        reason: "the shop's API answered 500".to_owned(),
        after: None,
        lost: false,
    }
}

#[test]
fn the_first_poll_looks_back_a_day_and_the_next_ones_to_the_last() {
    let mut poll = Poll::first(START);
    let look = poll.begin(NAME, START).unwrap();
    assert_eq!(look.since, START.minus(Delay::from_hours(24)));
    assert_eq!(poll.told(NAME, &look, page(None), START), None);
    assert_eq!(poll.begin(NAME, minutes(13)), None, "it rests");
    let look = poll.begin(NAME, minutes(15)).unwrap();
    assert_eq!(look.since, START.minus(Delay::from_minutes(10)));
}

#[test]
fn a_walk_of_several_pages_moves_the_cursor_only_at_its_end() {
    let mut poll = Poll::first(START);
    let first = poll.begin(NAME, START).unwrap();
    let second = poll.told(NAME, &first, page(Some("2")), START).unwrap();
    assert_eq!((second.since, second.page.as_deref()), (first.since, Some("2")));
    // The tick ends here; the next one goes on, whatever it is that ran before.
    let mut poll: Poll = serde_json::from_str(&serde_json::to_string(&poll).unwrap()).unwrap();
    assert_eq!(poll.begin(NAME, minutes(5)), Some(second.clone()));
    assert_eq!(poll.told(NAME, &second, page(None), minutes(5)), None);
    assert_eq!(poll.since, START.minus(OVERLAP), "from when the walk began");
    let last = poll.last.unwrap();
    assert_eq!((last.listed, last.new, last.error), (6, 2, None));
}

#[test]
fn a_failure_moves_nothing_and_is_shown_and_the_pauses_grow() {
    let mut poll = Poll::first(START);
    let (since, mut now, mut pauses) = (poll.since, START, Vec::new());
    for _ in 0..14 {
        now = poll.next_at.max(now);
        let look = poll.begin(NAME, now).unwrap();
        assert_eq!(look.since, since);
        assert_eq!(poll.told(NAME, &look, failed(), now), None);
        pauses.push(poll.next_at.since(now));
    }
    assert!(pauses.first() < pauses.last(), "{pauses:?}");
    assert!(
        pauses.iter().all(|pause| *pause <= Delay::from_minutes(72)),
        "{pauses:?}"
    );
    assert_eq!(
        poll.last.unwrap().error.as_deref(),
        Some("the shop's API answered 500")
    );
}

#[test]
fn a_tick_that_died_is_a_failure_too() {
    let mut poll = Poll::first(START);
    let mut now = START;
    for _ in 0..12 {
        assert!(poll.begin(NAME, now).is_some());
        assert_eq!(poll.begin(NAME, now), None, "not twice at once");
        now = poll.next_at;
    }
    assert!(now.since(START) > Delay::from_hours(1), "{}", now.since(START));
}

#[test]
fn a_page_that_fails_is_asked_for_again_and_one_that_the_shop_has_lost_is_not() {
    let mut poll = Poll::first(START);
    let first = poll.begin(NAME, START).unwrap();
    let mut look = poll.told(NAME, &first, page(Some("7")), START).unwrap();
    for attempt in 1..=5 {
        assert_eq!(poll.told(NAME, &look, failed(), poll.next_at), None);
        look = poll.begin(NAME, poll.next_at).unwrap();
        assert_eq!((look.page.as_deref(), look.attempt), (Some("7"), attempt));
    }
    let lost = Told::Failed {
        reason: "the shop's API answered 400".to_owned(),
        after: None,
        lost: true,
    };
    poll.told(NAME, &look, lost, poll.next_at);
    let look = poll.begin(NAME, poll.next_at).unwrap();
    assert_eq!(
        (look.since, look.page),
        (first.since, None),
        "from the beginning, and nothing is passed over"
    );
}

#[test]
fn a_page_that_is_too_large_is_asked_for_in_halves_until_it_fits() {
    let mut poll = Poll::first(START);
    let first = poll.begin(NAME, START).unwrap();
    let second = poll.told(NAME, &first, page(Some("2")), START).unwrap();
    assert_eq!((first.size, second.size), (FULL_PAGE, FULL_PAGE));
    // The marks of a walk are those of its size: it starts over, at once, and passes nothing over.
    let smaller = poll.told(NAME, &second, Told::TooLarge, START).unwrap();
    assert_eq!(
        (smaller.since, smaller.page.as_deref(), smaller.size),
        (first.since, None, 50)
    );
    let reason = poll.last.clone().unwrap().error.unwrap();
    assert_eq!(reason, "a page of 100 was too large: pages of 50 are asked for");
    // A tick that has not heard of it changes nothing.
    assert_eq!(poll.told(NAME, &first, page(None), START), None);
    // The tick ends here, and the next one goes on with what is stored.
    let mut poll: Poll = serde_json::from_str(&serde_json::to_string(&poll).unwrap()).unwrap();
    let look = poll.begin(NAME, minutes(5)).unwrap();
    let look = poll.told(NAME, &look, Told::TooLarge, minutes(5)).unwrap();
    assert_eq!(look.size, 25);
    let next = poll.told(NAME, &look, page(Some("2")), minutes(5)).unwrap();
    assert_eq!((next.size, next.page.as_deref()), (25, Some("2")));
    assert_eq!(poll.told(NAME, &next, page(None), minutes(5)), None);
    // The whole walk was had: the next one begins with full pages.
    assert_eq!(poll.begin(NAME, minutes(30)).unwrap().size, FULL_PAGE);
}

#[test]
fn one_document_that_is_too_large_alone_is_a_failure_with_growing_pauses() {
    let mut poll = Poll::first(START);
    let mut look = poll.begin(NAME, START).unwrap();
    let mut sizes = Vec::new();
    while let Some(smaller) = poll.told(NAME, &look, Told::TooLarge, START) {
        sizes.push(smaller.size);
        look = smaller;
    }
    assert_eq!(sizes, [50, 25, 12, 6, 3, 1]);
    assert!(poll.next_at > START);
    assert_eq!(poll.since, look.since);
    let error = poll.last.clone().unwrap().error.unwrap();
    assert_eq!(error, "one document alone is too large to be read");
    let again = poll.begin(NAME, poll.next_at).unwrap();
    assert_eq!((again.size, again.since), (1, look.since));
}

#[test]
fn a_tick_that_was_overtaken_changes_nothing() {
    let mut poll = Poll::first(START);
    let look = poll.begin(NAME, START).unwrap();
    poll.told(NAME, &look, page(None), START);
    let held = poll.clone();
    assert_eq!(poll.told(NAME, &look, page(Some("2")), minutes(30)), None);
    assert_eq!(poll.told(NAME, &look, failed(), minutes(30)), None);
    assert_eq!(poll, held);
}

#[test]
fn what_is_stored_is_pinned() {
    let poll = Poll {
        walk: Some(Walk {
            began_at: minutes(1),
            page: "2".to_owned(),
        }),
        failures: 1,
        last: Some(Last {
            at: minutes(2),
            error: Some("no answer in time".to_owned()),
            listed: 100,
            new: 3,
        }),
        ..Poll::first(START)
    };
    let stored = concat!(
        r#"{"since":1789913600000,"walk":{"began_at":1790000060000,"page":"2"},"next_at":1790000000000,"failures":1,"#,
        r#""last":{"at":1790000120000,"error":"no answer in time","listed":100,"new":3}}"#
    );
    assert_eq!(serde_json::to_string(&poll).unwrap(), stored);
    assert_eq!(serde_json::from_str::<Poll>(stored).unwrap(), poll);
}

/// A shop that lists its orders in the order of their ids, by its own clock.
#[derive(Debug)]
struct Shop {
    changed: BTreeMap<u8, Timestamp>,
    /// Every change there ever was.
    changes: Vec<(u8, Timestamp)>,
    behind: Delay,
    tells_its_time: bool,
}

impl Shop {
    fn change(&mut self, order: u8, now: Timestamp) {
        let at = now.minus(self.behind);
        self.changed.insert(order, at);
        self.changes.push((order, at));
    }

    fn list(&self, look: &Look, now: Timestamp) -> (Vec<(u8, Timestamp)>, Told) {
        let number: usize = look.page.as_deref().map_or(1, |page| page.parse().unwrap());
        let size = usize::try_from(look.size.div_ceil(SIZE_OF_ONE)).unwrap();
        let all: Vec<(u8, Timestamp)> = self
            .changed
            .iter()
            .filter(|(_, at)| **at > look.since)
            .map(|(order, at)| (*order, *at))
            .collect();
        let page: Vec<_> = all.iter().skip((number - 1) * size).take(size).copied().collect();
        let next = (all.len() > number * size).then(|| (number + 1).to_string());
        let told = Told::Page {
            next,
            shop_time: self.tells_its_time.then(|| now.minus(self.behind)),
            listed: u32::try_from(page.len()).unwrap(),
            new: 0,
        };
        (page, told)
    }
}

#[derive(Debug, Clone)]
enum Happens {
    Change(u8),
    Pass(i64),
    /// A tick: so many pages at most, and what becomes of each.
    Tick(Vec<Fate>),
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Taken,
    Fails,
    /// The shop has forgotten where the walk stands.
    Loses,
    /// It has more bytes than are taken.
    TooLarge,
    /// All of the page is committed, and the process ends before it says so.
    Dies,
    /// While it is out the shop changes this order.
    Meanwhile(u8),
}

fn happens() -> impl Strategy<Value = Happens> {
    let fate = prop_oneof![
        4 => Just(Fate::Taken),
        1 => Just(Fate::Fails),
        1 => Just(Fate::Loses),
        1 => Just(Fate::TooLarge),
        1 => Just(Fate::Dies),
        2 => (0..24_u8).prop_map(Fate::Meanwhile),
    ];
    prop_oneof![
        4 => (0..24_u8).prop_map(Happens::Change),
        3 => (1..400_i64).prop_map(Happens::Pass),
        4 => vec(fate, 1..4).prop_map(Happens::Tick),
    ]
}

proptest! {
    #[test]
    fn between_two_cursors_no_order_is_skipped(
        story in vec(happens(), 1..120),
        behind in -3_i64..240,
        tells_its_time in any::<bool>(),
    ) {
        // A shop that does not tell its time may be wrong by as much as the overlap makes up for.
        let behind = Delay::from_minutes(if tells_its_time { behind } else { behind % 9 });
        let mut shop = Shop { changed: BTreeMap::new(), changes: Vec::new(), behind, tells_its_time };
        let mut stored = serde_json::to_string(&Poll::first(START)).unwrap();
        let first = Poll::first(START).since;
        let mut now = START;
        let mut taken: BTreeMap<u8, Timestamp> = BTreeMap::new();
        for happens in story {
            match happens {
                Happens::Change(order) => shop.change(order, now),
                Happens::Pass(minutes) => now = now.plus(Delay::from_minutes(minutes)),
                Happens::Tick(fates) => {
                    // Each tick knows only what was stored.
                    let mut poll: Poll = serde_json::from_str(&stored).unwrap();
                    let mut next = poll.begin(NAME, now);
                    stored = serde_json::to_string(&poll).unwrap();
                    for fate in fates {
                        let Some(look) = next.take() else { break };
                        let (page, told) = shop.list(&look, now);
                        match fate {
                            Fate::Fails | Fate::Loses => {
                                let told = Told::Failed {
                                    reason: String::new(),
                                    after: None,
                                    lost: fate == Fate::Loses,
                                };
                                poll.told(NAME, &look, told, now);
                                stored = serde_json::to_string(&poll).unwrap();
                                break;
                            }
                            Fate::TooLarge => {
                                next = poll.told(NAME, &look, Told::TooLarge, now);
                                stored = serde_json::to_string(&poll).unwrap();
                                continue;
                            }
                            Fate::Taken | Fate::Dies | Fate::Meanwhile(_) => taken.extend(page),
                        }
                        if let Fate::Meanwhile(order) = fate {
                            now = now.plus(Delay::from_seconds(3));
                            shop.change(order, now);
                        }
                        if fate == Fate::Dies {
                            break;
                        }
                        next = poll.told(NAME, &look, told, now);
                        stored = serde_json::to_string(&poll).unwrap();
                    }
                }
            }
            let poll: Poll = serde_json::from_str(&stored).unwrap();
            for (order, at) in &shop.changes {
                if (first..poll.since).contains(at) && *at > first {
                    prop_assert!(taken.get(order).is_some_and(|had| had >= at), "{order} of {at:?}, {poll:?}");
                }
            }
        }
    }
}
