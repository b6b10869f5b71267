//! One message, several providers, any faults: a message that somebody may have is never sent by somebody else, and none gets
//! lost. The pure core alone, asked as the delivery loop asks it; the providers and the clock are pretended.

use proptest::prelude::*;
use std::collections::BTreeSet;
use wend::domain::ids::{ContactId, MessageId};
use wend::domain::message::{Lane, Stream};
use wend::domain::outcome::{Outcome, Rejection, RetryLater, RetryReason};
use wend::domain::time::{Delay, Timestamp};
use wend::engine::decision::Settlement;
use wend::engine::delivery::{self, Dispatch, Next, Sent, lease_from, rest, safe_window};
use wend::engine::traffic::{Doubt, Leave, Lesson, Traffic};
use wend::journey::store_file::OnUnknown;
use wend::providers::{Idempotency, ProviderKind};
use wend::settings::Settings;
use wend::turn::backlog::{by_lane, candidates};
use wend::turn::wake::DueMessage;

const START: Timestamp = Timestamp::from_seconds(1_790_000_000);
/// More than any of these stories needs.
const MOST_MOMENTS: usize = 400;

/// What happens to a request.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Taken,
    /// No answer came; whether it was taken.
    Lost(bool),
    Refused,
    Busy(i64),
    UsedUp,
    NoSuchAddress,
}

fn fates() -> impl Strategy<Value = Vec<Fate>> {
    let fate = prop_oneof![
        2 => Just(Fate::Taken),
        3 => any::<bool>().prop_map(Fate::Lost),
        2 => Just(Fate::Refused),
        2 => (0..90_i64).prop_map(Fate::Busy),
        1 => Just(Fate::UsedUp),
        1 => Just(Fate::NoSuchAddress),
    ];
    proptest::collection::vec(fate, 0..14)
}

fn outcome(fate: Fate) -> Outcome {
    let later = |minutes, reason| {
        let after = Some(Delay::from_minutes(minutes));
        Outcome::RetryLater(RetryLater { after, reason })
    };
    match fate {
        Fate::Taken => Outcome::Accepted(None),
        Fate::Lost(_) => Outcome::Unknown("no answer".to_owned()),
        Fate::Refused => Outcome::Rejected(Rejection::Configuration("status 401".to_owned())),
        Fate::Busy(minutes) => later(minutes, RetryReason::RateLimited),
        Fate::UsedUp => later(360, RetryReason::QuotaExceeded),
        Fate::NoSuchAddress => Outcome::Rejected(Rejection::Message("no such address".to_owned())),
    }
}

fn window(provider: ProviderKind) -> Option<Delay> {
    match provider.capabilities().idempotency {
        Idempotency::Keyed { window } => Some(window),
        Idempotency::None => None,
    }
}

/// A message on its way.
struct Story {
    settings: Settings,
    stream: Stream,
    traffic: Traffic,
    now: Timestamp,
    fates: std::vec::IntoIter<Fate>,
    /// What each provider has taken, by key.
    taken: BTreeSet<(ProviderKind, String)>,
    /// Providers that may have it, though nobody knows.
    in_doubt: BTreeSet<ProviderKind>,
    attempts: u32,
}

/// Where the message stands.
enum Place {
    Intent {
        generation: u8,
        bound_to: Option<String>,
        due: Timestamp,
    },
    Repeat(Dispatch, Timestamp),
    Over(Settlement),
}

impl Story {
    fn claimable(&self, generation: u8, bound_to: Option<String>) -> Vec<ProviderKind> {
        let message = DueMessage {
            lane: Lane::Cart,
            stream: self.stream,
            generation,
            bound_to,
            due: self.now,
            contact: ContactId::parse(&"8c".repeat(16)).unwrap(),
            message: MessageId::from_digest("01"),
        };
        let (routed, unroutable) = by_lane(&self.settings, vec![message]);
        assert!(unroutable.is_empty());
        routed.into_keys().next().unwrap().1
    }

    /// The provider that may be asked now; else when to ask again.
    fn leave(&mut self, carriers: &[ProviderKind]) -> Result<(ProviderKind, Doubt), Timestamp> {
        let candidates = candidates(&self.settings, carriers);
        match self.traffic.leave(&candidates, Lane::Cart, 1, self.now) {
            Leave::Go { provider, doubt, .. } => Ok((ProviderKind::parse(&provider).unwrap(), doubt)),
            Leave::Rest { again_at } => Err(again_at),
            Leave::Shut { until, .. } => Err(until),
        }
    }

    fn step(&mut self, place: Place) -> Place {
        match place {
            Place::Intent {
                generation,
                bound_to,
                due,
            } => {
                self.now = self.now.max(due);
                let carriers = self.claimable(generation, bound_to.clone());
                match self.leave(&carriers) {
                    Err(due) => Place::Intent {
                        generation,
                        bound_to,
                        due,
                    },
                    Ok((provider, doubt)) => {
                        let key = format!("m-{}-{generation}", provider.as_str());
                        let dispatch = Dispatch {
                            id: key.clone(),
                            provider: provider.as_str().to_owned(),
                            key,
                            generation,
                            members: vec![MessageId::from_digest("01")],
                            addressees: Vec::new(),
                            attempt: 1,
                            first_at: self.now,
                            lease_until: lease_from(self.now),
                            next_at: None,
                        };
                        self.request(provider, dispatch, doubt)
                    }
                }
            }
            Place::Repeat(mut dispatch, at) => {
                self.now = self.now.max(at);
                let provider = ProviderKind::parse(&dispatch.provider).unwrap();
                let end = dispatch.first_at.plus(safe_window(window(provider).unwrap()));
                if self.now >= end {
                    let over = Outcome::Unknown("the key is forgotten".to_owned());
                    return self.conclude(provider, dispatch, &over, None);
                }
                match self.leave(&[provider]) {
                    Err(again_at) => Place::Repeat(dispatch, again_at.min(end)),
                    Ok((_, doubt)) => {
                        dispatch.attempt += 1;
                        self.request(provider, dispatch, doubt)
                    }
                }
            }
            Place::Over(how) => Place::Over(how),
        }
    }

    fn request(&mut self, provider: ProviderKind, dispatch: Dispatch, doubt: Doubt) -> Place {
        let others: Vec<_> = self.in_doubt.iter().filter(|held| **held != provider).collect();
        assert!(
            others.is_empty(),
            "asked {provider:?} while {others:?} may have it"
        );
        let fate = self.fates.next().unwrap_or(Fate::Taken);
        let known = self.taken.contains(&(provider, dispatch.key.clone())) && window(provider).is_some();
        let taken = matches!(fate, Fate::Taken | Fate::Lost(true));
        if taken && !known {
            // One without keys takes it each time.
            let nth = self.taken.iter().filter(|(held, _)| *held == provider).count();
            let key = match window(provider) {
                Some(_) => dispatch.key.clone(),
                None => format!("{}#{nth}", dispatch.key),
            };
            self.taken.insert((provider, key));
        }
        let outcome = outcome(fate);
        let rests = rest(&outcome, &dispatch.id, self.now).into_iter();
        let silence = matches!(fate, Fate::Lost(_)).then(|| "no answer".to_owned());
        let settings = self.settings.fingerprint_of(provider);
        let lesson = Lesson::of_request((provider.as_str(), settings), doubt, rests, silence);
        self.traffic.learn(lesson, self.now);
        self.conclude(provider, dispatch, &outcome, window(provider))
    }

    fn conclude(
        &mut self,
        provider: ProviderKind,
        dispatch: Dispatch,
        outcome: &Outcome,
        window: Option<Delay>,
    ) -> Place {
        let sent = Sent {
            stream: self.stream,
            attempts: self.attempts + dispatch.attempt,
            ready_since: START,
        };
        let next = delivery::after(&dispatch, sent, outcome, window, OnUnknown::default(), self.now);
        if matches!(outcome, Outcome::Unknown(_)) {
            self.in_doubt.insert(provider);
        }
        match next {
            Next::Settle(how) => Place::Over(how),
            Next::Release { at, .. } => {
                self.attempts += dispatch.attempt;
                Place::Intent {
                    generation: dispatch.generation,
                    bound_to: (dispatch.generation > 1).then(|| dispatch.provider.clone()),
                    due: at,
                }
            }
            Next::Repeat { at } => Place::Repeat(dispatch, at),
            Next::Resend { at } => {
                self.attempts += dispatch.attempt;
                Place::Intent {
                    generation: 2,
                    bound_to: Some(dispatch.provider.clone()),
                    due: at,
                }
            }
        }
    }
}

fn named(providers: &[&str]) -> Settings {
    let list = providers.join(" ");
    let get = |name: &str| (name == "EMAIL_PROVIDER").then(|| list.clone());
    Settings::read(get, &[])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn nobody_sends_what_another_may_have_and_nothing_is_lost(
        providers in proptest::sample::subsequence(vec!["resend", "ses", "brevo", "postmark"], 1..=3)
            .prop_shuffle(),
        marketing in any::<bool>(),
        fates in fates(),
    ) {
        let stream = if marketing { Stream::Marketing } else { Stream::Transactional };
        let mut story = Story {
            settings: named(&providers),
            stream,
            traffic: Traffic::default(),
            now: START,
            fates: fates.into_iter(),
            taken: BTreeSet::new(),
            in_doubt: BTreeSet::new(),
            attempts: 0,
        };
        let mut place = Place::Intent { generation: 1, bound_to: None, due: START };
        let mut moments = 0;
        while !matches!(place, Place::Over(_)) {
            place = story.step(place);
            moments += 1;
            prop_assert!(moments < MOST_MOMENTS, "it never ends");
        }
        let Place::Over(how) = place else { panic!("it is not over") };
        let copies = story.taken.len();
        match how {
            Settlement::Accepted { .. } => prop_assert!(copies >= 1, "accepted by nobody"),
            Settlement::GivenUp(_) => prop_assert!(!story.in_doubt.is_empty(), "given up without a doubt"),
            Settlement::Failed(_) => {}
            Settlement::Dropped(_) | Settlement::Shadowed => prop_assert!(false, "no gate was asked"),
        }
        // Twice only where the store's policy sends once more what nobody knows, and marketing never.
        let most = if marketing { 1 } else { 2 };
        prop_assert!(copies <= most, "{copies} copies");
    }
}
