//! Tells a person's open or click from a machine's: privacy proxies load pictures, and scanners of mail follow every link.
//!
//! Asked for each open and click, be it a provider's event or a visit of our own links, before it counts as engagement or
//! moves a journey. Pure: what is known is passed in. Sources of the rules: Apple's mail privacy protection, and what
//! corporate scanners do; see `docs/providers.md`, "Opens and clicks".

use crate::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use crate::domain::delivery_state::Actor;
use crate::domain::time::{Delay, Timestamp};

/// A click sooner after delivery than this was no person's: the mail had to be seen and read first.
pub const READING_TIME: Delay = Delay::from_seconds(10);

/// Clicks on different links of one message within this are one sweep. The first of them looks like a person's until the
/// second comes: who acts on a click waits this long, or judges again.
pub const SWEEP: Delay = Delay::from_seconds(2);

/// Whole names that Apple's image proxy gives itself.
const PRIVACY_PROXIES: [&str; 1] = ["mozilla/5.0"];

/// Parts of the names of programs that are no browser, in lower case.
const PROGRAMS: [&str; 24] = [
    "bot/",
    "bot;",
    "bot ",
    "crawler",
    "spider",
    "scanner",
    "headlesschrome",
    "phantomjs",
    "curl/",
    "wget/",
    "python-requests",
    "python-urllib",
    "aiohttp",
    "httpx/",
    "go-http-client",
    "okhttp",
    "java/",
    "apache-httpclient",
    "libwww-perl",
    "node-fetch",
    "axios/",
    "barracuda",
    "proofpoint",
    "mimecast",
];

/// An open or a click, as it was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sighting<'a> {
    pub at: Timestamp,
    /// What was clicked: any text that is the same for the same link. None for an open.
    pub link: Option<&'a str>,
    /// What the program called itself; blank when it should have and did not, none when nobody told.
    pub agent: Option<&'a str>,
    /// Whether only the headers were asked for, as no browser does for a link.
    pub head: bool,
    /// Whether the provider says that it was a machine.
    pub flagged: bool,
}

/// What else is known of the message.
#[derive(Debug, Clone, Copy, Default)]
pub struct Known<'a> {
    /// When it was delivered, else when the provider took it.
    pub delivered_at: Option<Timestamp>,
    /// Other clicks of the same message, earlier and later, in any order; at least those within [`SWEEP`].
    pub clicks: &'a [(Timestamp, &'a str)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Person,
    Machine(Sign),
}

/// What gave the machine away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// The provider said so.
    Flagged,
    /// It asked for headers only.
    Head,
    /// It named itself as a program, or not at all.
    Program,
    /// A proxy that loads every picture, whether the mail is read or not.
    PrivacyProxy,
    /// It clicked before anybody could have read.
    TooSoon,
    /// It followed several links at once.
    Sweep,
}

impl<'a> Sighting<'a> {
    /// An open or click that a provider tells of; none for other kinds.
    pub fn of(event: &'a DeliveryEvent) -> Option<Self> {
        let link = match event.kind {
            DeliveryKind::Opened => None,
            // A click without its address is one link, known as none other.
            DeliveryKind::Clicked => Some(event.url.as_ref().map_or("", |url| url.as_str())),
            DeliveryKind::Delivered
            | DeliveryKind::Deferred
            | DeliveryKind::SoftBounce
            | DeliveryKind::HardBounce
            | DeliveryKind::Complaint
            | DeliveryKind::Unsubscribed
            | DeliveryKind::ProviderSuppressed
            | DeliveryKind::Failed => return None,
        };
        Some(Self {
            at: event.occurred_at,
            link,
            agent: event.agent.as_deref(),
            head: false,
            flagged: event.machine,
        })
    }
}

/// Who it was, as far as can be told now.
pub fn judge(seen: &Sighting<'_>, known: &Known<'_>) -> Verdict {
    sign(seen, known).map_or(Verdict::Person, Verdict::Machine)
}

fn sign(seen: &Sighting<'_>, known: &Known<'_>) -> Option<Sign> {
    if seen.flagged {
        return Some(Sign::Flagged);
    }
    if seen.head {
        return Some(Sign::Head);
    }
    let agent = seen.agent.map(|agent| agent.trim().to_lowercase());
    if agent.as_deref().is_some_and(is_program) {
        return Some(Sign::Program);
    }
    let Some(link) = seen.link else {
        let proxied = agent.is_some_and(|agent| PRIVACY_PROXIES.contains(&agent.as_str()));
        return proxied.then_some(Sign::PrivacyProxy);
    };
    // Earlier than the delivery too: inline scanners click before the server has accepted.
    if known
        .delivered_at
        .is_some_and(|delivered| seen.at < delivered.plus(READING_TIME))
    {
        return Some(Sign::TooSoon);
    }
    let swept = known
        .clicks
        .iter()
        .any(|(at, other)| *other != link && distance(*at, seen.at) <= SWEEP);
    swept.then_some(Sign::Sweep)
}

/// A name in lower case. A maker of telephones is called Cubot.
fn is_program(agent: &str) -> bool {
    let named = agent.replace("cubot", "");
    agent.is_empty() || named.ends_with("bot") || PROGRAMS.iter().any(|part| named.contains(part))
}

fn distance(one: Timestamp, other: Timestamp) -> Delay {
    one.since(other).max(other.since(one))
}

impl Verdict {
    pub const fn actor(self) -> Actor {
        match self {
            Self::Person => Actor::Person,
            Self::Machine(_) => Actor::Machine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PHONE: &str =
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_2 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148";

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_767_715_200_000 + millis)
    }

    fn click(millis: i64) -> Sighting<'static> {
        Sighting {
            at: at(millis),
            link: Some("https://shop.example/cart"),
            agent: Some(PHONE),
            head: false,
            flagged: false,
        }
    }

    fn open(agent: Option<&str>) -> Sighting<'_> {
        Sighting {
            link: None,
            agent,
            ..click(60_000)
        }
    }

    fn delivered(millis: i64) -> Known<'static> {
        Known {
            delivered_at: Some(at(millis)),
            clicks: &[],
        }
    }

    #[test]
    fn a_reader_is_a_person() {
        assert_eq!(judge(&click(60_000), &delivered(0)), Verdict::Person);
        assert_eq!(judge(&click(60_000), &Known::default()), Verdict::Person);
        for agent in [
            None,
            Some(PHONE),
            Some("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"),
            Some("Mozilla/5.0 (Linux; Android 9; CUBOT X19 Build/PPR1) AppleWebKit/537.36"),
        ] {
            assert_eq!(judge(&open(agent), &delivered(0)), Verdict::Person, "{agent:?}");
        }
    }

    #[test]
    fn what_names_itself_is_believed() {
        for agent in [
            "",
            " ",
            "curl/8.5.0",
            "Python-requests/2.31",
            "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
            "Slackbot 1.0",
            "examplebot",
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36",
        ] {
            let verdict = judge(&open(Some(agent)), &delivered(0));
            assert_eq!(verdict, Verdict::Machine(Sign::Program), "{agent:?}");
        }
        let flagged = Sighting {
            flagged: true,
            ..click(60_000)
        };
        assert_eq!(judge(&flagged, &delivered(0)), Verdict::Machine(Sign::Flagged));
        let head = Sighting {
            head: true,
            ..click(60_000)
        };
        assert_eq!(judge(&head, &delivered(0)), Verdict::Machine(Sign::Head));
    }

    #[test]
    fn a_bare_name_is_a_proxy_for_pictures_only() {
        let proxied = judge(&open(Some("Mozilla/5.0")), &delivered(0));
        assert_eq!(proxied, Verdict::Machine(Sign::PrivacyProxy));
        let clicked = Sighting {
            agent: Some("Mozilla/5.0"),
            ..click(60_000)
        };
        assert_eq!(judge(&clicked, &delivered(0)), Verdict::Person);
    }

    #[test]
    fn nobody_clicks_within_ten_seconds_of_delivery() {
        for (millis, verdict) in [
            (-5_000, Verdict::Machine(Sign::TooSoon)),
            (0, Verdict::Machine(Sign::TooSoon)),
            (9_999, Verdict::Machine(Sign::TooSoon)),
            (10_000, Verdict::Person),
        ] {
            assert_eq!(judge(&click(millis), &delivered(0)), verdict, "{millis}");
        }
        // Opening is quick, and mail programs that show the next mail at once are people's.
        assert_eq!(judge(&open(Some(PHONE)), &delivered(59_000)), Verdict::Person);
    }

    fn others<'a>(clicks: &'a [(Timestamp, &'a str)]) -> Known<'a> {
        Known {
            clicks,
            ..delivered(0)
        }
    }

    #[test]
    fn several_links_at_once_are_a_sweep_and_one_link_twice_is_not() {
        let same = [(at(59_500), "https://shop.example/cart")];
        assert_eq!(judge(&click(60_000), &others(&same)), Verdict::Person);
        for other in [58_000, 59_500, 60_000, 62_000] {
            let clicks = [(at(other), "https://shop.example/terms")];
            assert_eq!(
                judge(&click(60_000), &others(&clicks)),
                Verdict::Machine(Sign::Sweep)
            );
        }
        for other in [57_999, 62_001] {
            let clicks = [(at(other), "https://shop.example/terms")];
            assert_eq!(judge(&click(60_000), &others(&clicks)), Verdict::Person);
        }
    }

    #[test]
    fn only_opens_and_clicks_are_sightings() {
        for kind in DeliveryKind::ALL {
            let id = crate::domain::ids::EventId::parse("resend:1").unwrap();
            let event = DeliveryEvent::new(id, kind, at(0));
            let wanted = matches!(kind, DeliveryKind::Opened | DeliveryKind::Clicked);
            assert_eq!(Sighting::of(&event).is_some(), wanted, "{kind:?}");
        }
    }

    proptest! {
        /// Of a sweep every click is a machine's once all are known, whatever came first.
        #[test]
        fn verdicts_do_not_depend_on_the_order_of_arrival(
            clicks in prop::collection::vec((20_000_i64..40_000, 0_usize..4), 1..10),
        ) {
            const LINKS: [&str; 4] = ["a", "b", "c", "d"];
            let clicks: Vec<_> = clicks.into_iter().map(|(millis, link)| (at(millis), LINKS[link])).collect();
            let mut reversed = clicks.clone();
            reversed.reverse();
            for (moment, link) in &clicks {
                let seen = Sighting { at: *moment, link: Some(link), ..click(0) };
                let judged = |clicks: &[(Timestamp, &str)]| judge(&seen, &Known { delivered_at: Some(at(0)), clicks });
                prop_assert_eq!(judged(&clicks), judged(&reversed));
                let alone = clicks.iter().all(|(other, name)| name == link || distance(*other, *moment) > SWEEP);
                prop_assert_eq!(judged(&clicks) == Verdict::Person, alone);
            }
        }
    }
}
