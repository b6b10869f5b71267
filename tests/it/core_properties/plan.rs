//! Random journeys, written as the files a store would write, and read by the same checks: what comes out of here is
//! a catalog the build would take.

mod writer;

use proptest::prelude::*;
use std::collections::BTreeMap;
use wend::journey::catalog::Catalog;
use wend::journey::check::check;
use wend::journey::lock::Mode;
use wend::journey::project::Project;
use writer::Writer;

/// A store with its journeys. It has segments when one of them is about one.
#[derive(Debug, Clone)]
pub struct Plan {
    pub journeys: Vec<Draft>,
    pub store: &'static str,
}

/// One journey in the making.
#[derive(Debug, Clone)]
pub struct Draft {
    about: About,
    lane: &'static str,
    refresh: &'static str,
    /// Lines at the top that mean no more than they say.
    extras: Vec<&'static str>,
    exits: usize,
    goal: Option<&'static str>,
    segment: &'static str,
    backfill: bool,
    steps: Vec<Kind>,
}

/// What starts a journey, and so what its runs are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum About {
    Checkout,
    Order,
    Signup,
    Browse,
    Birthday,
    Schedule,
    Manual,
    Enters,
    Leaves,
}

#[derive(Debug, Clone)]
enum Kind {
    Send { options: &'static str, team: bool },
    Delay(u32),
    Calendar(u32),
    Until(&'static str),
    Date(&'static str, Vec<Kind>),
    Event(usize, u32, Vec<Kind>, Vec<Kind>),
    Branch(usize, Vec<Kind>, bool, Vec<Kind>),
    Split(u32, Vec<Kind>, bool),
    Set(&'static str),
    Coupon(Option<Vec<Kind>>),
    Notify,
    Start(usize),
    Stop(usize),
    Goto(u32),
}

/// What a deploy changes.
#[derive(Debug, Clone, Default)]
pub struct Edit {
    /// This journey is deleted.
    pub without: Option<usize>,
    /// All have this status.
    pub status: Option<&'static str>,
    /// The step with this number of each journey is gone; whether people on it move on.
    pub dropped: Option<(usize, bool)>,
    pub longer: bool,
    /// What went to the team goes to the contact.
    pub turned: bool,
    /// The segments have other conditions.
    pub redefined: bool,
}

const STORES: [&str; 5] = [
    "caps: []\nregion: opt_out\n",
    "caps: [{ mails: 1, per: 16h, except: [cart] }, { mails: 4, per: 7d }]\nregion: opt_out\n",
    "caps: [{ mails: 2, per: 2d }]\nregion: soft_opt_in\nquiet_hours: \"21:00-08:00\"\n",
    "caps: [{ mails: 1, per: 1h, except: [marketing] }, { mails: 3, per: 1d }]\nregion: opt_out\n",
    "region: strict\nquiet_hours: \"22:30-06:00\"\n",
];
/// Tags and orders change them, and time.
const SEGMENTS: [&str; 4] = ["buyers", "vips", "quiet", "viewers"];
const CONDITIONS: [&str; 9] = [
    "'vips' in contact.segments || !('quiet' in contact.segments)",
    "count('Product Viewed', 2) > 1",
    "contact.days_since_order < 2 && contact.mails > 0",
    "contact.orders == 0",
    "'vip' in contact.tags",
    "contact.attributes.score > 5",
    "last.sent && !last.clicked",
    "contact.subscribed",
    "has(enrollment.answers.stock) && enrollment.answers.stock == true",
];
const BRAND: &str = "brand:\n  name: Northfold\n  url: https://northfold.example\n  color: \"#1f4d3a\"\n  address: Leith\n  support_email: help@northfold.example\nteam: team@northfold.example\nsender:\n  name: Northfold\n  from: hello@northfold.example\nlocale: en-GB\ntimezone: Europe/London\ncurrency: GBP\nevents: [Quiz Taken]\nwebhooks: [{ name: crm, url: https://crm.example/hook }]\n";

pub fn plans() -> impl Strategy<Value = Plan> {
    (
        prop::collection::vec(draft(), 1..4),
        prop::sample::select(STORES.to_vec()),
    )
        .prop_map(|(journeys, store)| Plan { journeys, store })
}

pub fn edits() -> impl Strategy<Value = Edit> {
    let status = prop::sample::select(vec!["active", "paused", "frozen", "draining", "retired"]);
    (
        prop::option::weighted(0.2, 0_usize..3),
        prop::option::of(status),
        prop::option::of((0_usize..6, any::<bool>())),
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(without, status, dropped, longer, turned, redefined)| Edit {
            without,
            status,
            dropped,
            longer,
            turned,
            redefined,
        })
}

fn draft() -> impl Strategy<Value = Draft> {
    use About::{Birthday, Browse, Checkout, Enters, Leaves, Manual, Order, Schedule, Signup};
    let about = vec![
        Checkout, Checkout, Checkout, Order, Order, Signup, Signup, Browse, Birthday, Schedule, Manual,
        Enters, Leaves,
    ];
    let extras = vec![
        "holdout: 50%",
        "window: \"09:00-18:00 weekdays\"",
        "window: \"22:00-05:00\"",
        "timezone: Asia/Tokyo",
        "cooldown: 3d",
    ];
    let reenter = vec![
        "reenter: once",
        "reenter: restart",
        "reenter: parallel",
        "reenter: after 1d",
    ];
    (
        prop::sample::select(about),
        prop::sample::select(vec!["marketing", "cart", "transactional"]),
        prop::sample::select(vec!["none", "data", "data+wait"]),
        (
            prop::sample::subsequence(extras, 0..3),
            prop::sample::select(reenter),
        ),
        0_usize..4,
        prop::option::weighted(0.3, prop::sample::select(vec!["continue", "exit", "s0"])),
        (prop::sample::select(SEGMENTS.to_vec()), any::<bool>()),
        steps(),
    )
        .prop_map(
            |(about, lane, refresh, (mut extras, reenter), exits, goal, (segment, backfill), steps)| {
                // Two windows would be one field twice.
                let windows = extras.iter().filter(|extra| extra.starts_with("window")).count();
                if windows > 1 {
                    extras.retain(|extra| !extra.contains("22:00"));
                }
                extras.push(reenter);
                let refresh = if reenter.ends_with("restart") {
                    "none"
                } else {
                    refresh
                };
                Draft {
                    about,
                    lane,
                    refresh,
                    extras,
                    exits,
                    goal,
                    segment,
                    backfill,
                    steps,
                }
            },
        )
}

fn leaf() -> BoxedStrategy<Kind> {
    let send = prop::sample::select(vec![
        "stream: marketing",
        "stream: marketing",
        "stream: marketing, late: send",
        "stream: marketing, when: contact.orders < 2",
        "stream: transactional",
        "stream: transactional, late: skip after 2h",
    ]);
    let team = proptest::bool::weighted(0.15);
    prop_oneof![
        6 => (send, team).prop_map(|(options, team)| Kind::Send { options, team }),
        3 => prop::sample::select(vec![1_u32, 15, 60, 180, 1_440, 4_320]).prop_map(Kind::Delay),
        1 => (2_u32..5).prop_map(Kind::Calendar),
        1 => prop::sample::select(vec!["until: \"10:00\"", "until: \"02:30\", days: weekdays"]).prop_map(Kind::Until),
        1 => prop::sample::select(vec!["set: { score: 7 }", "tag: vip", "untag: vip", "set: { birthday: \"1990-04-02\" }"])
            .prop_map(Kind::Set),
        1 => Just(Kind::Coupon(None)),
        1 => Just(Kind::Notify),
        1 => (0_usize..3).prop_map(Kind::Start),
        1 => (0_usize..3).prop_map(Kind::Stop),
        1 => (1_u32..4).prop_map(Kind::Goto),
    ]
    .boxed()
}

fn steps() -> BoxedStrategy<Vec<Kind>> {
    let kind = leaf().prop_recursive(2, 12, 3, |inner| {
        let list = prop::collection::vec(inner, 1..4);
        let maybe = prop_oneof![Just(Vec::new()), list.clone()];
        let dates = vec!["birthday", "renewal"];
        let timeout = prop::sample::select(vec![30_u32, 1_440, 4_000]);
        prop_oneof![
            (prop::sample::select(dates), maybe.clone()).prop_map(|(of, other)| Kind::Date(of, other)),
            (0_usize..4, timeout, maybe.clone(), maybe.clone())
                .prop_map(|(on, timeout, then, other)| Kind::Event(on, timeout, then, other)),
            (0_usize..CONDITIONS.len(), list.clone(), any::<bool>(), maybe)
                .prop_map(|(when, list, leaves, other)| Kind::Branch(when, list, leaves, other)),
            (1_u32..100, list.clone(), any::<bool>())
                .prop_map(|(weight, list, by)| Kind::Split(weight, list, by)),
            list.prop_map(|list| Kind::Coupon(Some(list))),
        ]
        .boxed()
    });
    prop::collection::vec(kind, 1..6).boxed()
}

impl Plan {
    /// The catalog after `edit`. A journey that the checks refuse is a mistake in here.
    pub fn catalog(&self, edit: &Edit) -> Catalog {
        let segments = self.has_segments().then(|| segments(edit.redefined));
        catalog_with(self.files(edit), self.store, segments)
    }

    pub fn files(&self, edit: &Edit) -> BTreeMap<String, String> {
        let mut journeys = BTreeMap::new();
        for (number, draft) in self.journeys.iter().enumerate() {
            if edit.without != Some(number) || self.journeys.len() == 1 {
                let mut text = Writer::new(self, edit, number).write(draft);
                // Nobody may ask about a mail before there is one.
                if text.contains("last.sent") {
                    let first = "\nsteps:\n  - { send: note, to: team, id: before }\n";
                    text = text.replacen("\nsteps:\n", first, 1);
                }
                journeys.insert(format!("journeys/{}.yaml", name(number)), text);
            }
        }
        journeys
    }

    fn has_segments(&self) -> bool {
        let mut journeys = self.journeys.iter();
        journeys.any(|draft| matches!(draft.about, About::Enters | About::Leaves))
    }
}

fn segments(redefined: bool) -> String {
    let whens = if redefined {
        [
            "contact.orders > 1",
            "!(\"vip\" in contact.tags)",
            "contact.days_since_order >= 2",
            "count(\"Product Viewed\", 1) > 0",
        ]
    } else {
        [
            "contact.orders > 0",
            "\"vip\" in contact.tags",
            "contact.orders > 0 && contact.days_since_order >= 5",
            "count(\"Product Viewed\", 3) > 0",
        ]
    };
    let of = |(name, when): (&str, &str)| format!("{name}:\n  title: Random\n  when: '{when}'\n");
    SEGMENTS.into_iter().zip(whens).map(of).collect()
}

/// The catalog of these files.
pub fn catalog(journeys: BTreeMap<String, String>, store: &str) -> Catalog {
    catalog_with(journeys, store, None)
}

fn catalog_with(journeys: BTreeMap<String, String>, store: &str, segments: Option<String>) -> Catalog {
    let parts = [
        ("subject.txt", "Hello\n"),
        (
            "email.txt",
            "Hello {{ store.address }} {{ unsubscribe_url.is_some() }}\n",
        ),
        (
            "email.html",
            "<p>Hello {{ store.address }} {{ unsubscribe_url.is_some() }}</p>\n",
        ),
    ];
    let templates = parts.map(|(part, text)| (format!("emails/note/{part}"), text.to_owned()));
    let project = Project {
        journeys,
        store: Some(format!("{BRAND}{store}")),
        templates: BTreeMap::from(templates),
        segments,
        ..Project::default()
    };
    let checked = check(&project, Mode::Append);
    let findings: String = checked
        .findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect();
    checked
        .catalog
        .unwrap_or_else(|| panic!("{findings}\n{:#?}", project.journeys))
}

fn name(number: usize) -> String {
    format!("j{number}")
}
