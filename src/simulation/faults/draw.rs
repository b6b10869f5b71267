//! Draws a plan from a seed: shoppers with what they do, what becomes of their mails, and what goes wrong meanwhile.

use super::super::crash::Point;
use super::super::population::draw::Draw;
use super::super::provider;
use super::plan::{Act, Delivery, Fault, Plan, Reply, Trouble, What};
use super::stage::{DEPLOYS, STAGES};
use crate::domain::time::{Delay, Timestamp};
use crate::providers::ProviderKind;

/// The stores that are played: all numbers of shards that the issue of placing people can show itself at.
const SHARDS: [u16; 3] = [1, 4, 16];
const NAMES: [&str; 3] = ["ada", "ben", "cleo"];
/// Where shoppers live: at both ends of the day, and where the clock changes.
const ZONES: [&str; 4] = [
    "Europe/London",
    "America/New_York",
    "Asia/Tokyo",
    "Pacific/Auckland",
];
/// Times between two acts, in minutes.
const PAUSES: [u32; 10] = [0, 0, 1, 20, 61, 61, 300, 1_440, 2_900, 5_800];
/// How far troubles are from what somebody does.
const NEAR: [Delay; 5] = [
    Delay::from_seconds(-30),
    Delay::ZERO,
    Delay::from_seconds(30),
    Delay::from_minutes(58),
    Delay::from_minutes(61),
];
/// How long troubles last, in minutes.
const SPANS: [u32; 6] = [2, 10, 61, 400, 1_500, 2_900];
/// Before changes of the clock in 2026, and one day without: days since the year's beginning.
const DAYS: [u32; 6] = [60, 66, 87, 94, 150, 297];
const YEAR: Timestamp = Timestamp::from_seconds(1_767_225_600);
/// A webhook of four brings trouble of its own.
const WEBHOOK_TROUBLE: f64 = 0.25;
const KEYLESS: f64 = 0.25;
/// A store of eight tells so much that a few runs fill a contact's document.
const TALKATIVE: f64 = 0.125;
/// In a store of four a box below each form and order says yes or no beside it.
const BOXES: f64 = 0.25;
/// Nearly what the events API takes at most.
const BULK: &str = " bulk=16000";

/// The plan of a seed.
pub fn plan(seed: u64) -> Plan {
    let mut dice = Dice(Draw::new(seed, 0));
    let start = YEAR
        .plus(Delay::from_days(i64::from(dice.of(&DAYS))))
        .plus(Delay::from_minutes(i64::from(dice.below(1_440))));
    let mut plan = Plan {
        seed,
        shards: dice.of(&SHARDS),
        provider: provider_of(seed),
        stage: dice.below(STAGES) as usize,
        start,
        acts: Vec::new(),
        replies: Vec::new(),
        faults: Vec::new(),
    };
    let shoppers = 1 + dice.below(3) as usize;
    for (number, name) in NAMES.iter().enumerate().take(shoppers) {
        Shopper::new(&mut dice, number, name).lives(&mut plan);
        let replies = (0..4).filter_map(|_| reply(&mut dice, number));
        plan.replies.extend(replies);
    }
    if Draw::new(seed, 2).chance(TALKATIVE) {
        plan.acts.iter_mut().for_each(Act::tells_much);
    }
    let mut boxes = Draw::new(seed, 3);
    if boxes.chance(BOXES) {
        plan.acts.iter_mut().for_each(|act| act.ticks(&mut boxes));
    }
    // One thing at a time for every storefront: what they do at one moment is told in this order.
    plan.acts.sort_by_key(|act| act.at);
    for act in &plan.acts {
        if act.erases().is_none() && dice.0.chance(WEBHOOK_TROUBLE) {
            let how = delivery(&mut dice);
            plan.faults.push(Fault::Webhook { act: act.id, how });
        }
    }
    let acts = u32::try_from(plan.acts.len()).unwrap_or(0);
    let length = plan.length().as_millis().max(3_600_000) / 60_000;
    for _ in 0..dice.below(6) {
        // Most of a story nothing happens: half of the troubles come just before or after somebody does something.
        let about = plan.acts.get(dice.below(2 * acts) as usize);
        let at = match about.map(|act| act.at) {
            Some(at) => Delay::from_millis((at.as_millis() + dice.of(&NEAR).as_millis()).max(0)),
            None => Delay::from_minutes(i64::from(dice.below(u32::try_from(length).unwrap_or(u32::MAX)))),
        };
        let how = trouble(&mut dice);
        plan.faults.push(Fault::Platform { at, how });
    }
    plan
}

/// A store of four sends by a provider that knows no keys. Drawn apart, so that a seed tells the same story by another one.
fn provider_of(seed: u64) -> ProviderKind {
    if Draw::new(seed, 1).chance(KEYLESS) {
        ProviderKind::Postmark
    } else {
        ProviderKind::Resend
    }
}

/// Whose address it is.
pub(super) fn shopper_of(address: &str) -> Option<usize> {
    NAMES.iter().position(|name| address.starts_with(name))
}

struct Dice(Draw);

impl Dice {
    /// From 0 to one less.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "below the number it is a share of"
    )]
    #[expect(clippy::cast_sign_loss, reason = "a share is never negative")]
    fn below(&mut self, most: u32) -> u32 {
        (self.0.share() * f64::from(most)) as u32
    }

    fn of<T: Copy + Default>(&mut self, all: &[T]) -> T {
        let at = self.below(u32::try_from(all.len()).unwrap_or(0)) as usize;
        all.get(at).copied().unwrap_or_default()
    }

    fn minutes(&mut self, all: &[u32]) -> Delay {
        Delay::from_minutes(i64::from(self.of(all)))
    }
}

fn reply(dice: &mut Dice, shopper: usize) -> Option<Reply> {
    let what = match dice.below(20) {
        0..3 => What::Delivered,
        3..7 => What::Opened,
        7..10 => What::Clicked,
        10..13 => What::Link,
        13 => What::HardBounce,
        14 => What::SoftBounce,
        15 => What::Complaint,
        _ => return None,
    };
    Some(Reply {
        shopper,
        mail: dice.below(3) as usize,
        after: dice.minutes(&[0, 1, 7, 90, 1_500]),
        what,
        twice: dice.0.chance(0.3),
    })
}

fn delivery(dice: &mut Dice) -> Delivery {
    match dice.below(8) {
        0..2 => Delivery::Twice(dice.minutes(&PAUSES)),
        2..5 => Delivery::Late(dice.minutes(&[1, 30, 90, 700, 3_000])),
        5 => Delivery::Lost,
        _ => Delivery::WhileARequestIsOut,
    }
}

fn trouble(dice: &mut Dice) -> Trouble {
    match dice.below(24) {
        0 => Trouble::AlarmLate(dice.minutes(&SPANS)),
        1 => Trouble::AlarmTwice,
        2 => Trouble::AlarmDropped,
        3 => Trouble::NoAlarms(dice.minutes(&SPANS)),
        4 => Trouble::NoCron(dice.minutes(&[300, 1_440, 3_000])),
        5..9 => Trouble::Crash(dice.below(30)),
        9 => Trouble::CrashAt(Point::Claimed),
        10..12 => Trouble::CrashAt(Point::Answered),
        12..18 => {
            let fault = match dice.below(8) {
                0..2 => provider::Fault::Lost,
                2..5 => provider::Fault::Silent,
                5 => provider::Fault::Broken,
                6 => provider::Fault::Busy,
                _ => provider::Fault::Unauthorised,
            };
            Trouble::Provider(fault, dice.of(&[1, 1, 2, 4, 40]))
        }
        18..20 => Trouble::Away(
            u16::try_from(dice.below(16)).unwrap_or(0),
            dice.minutes(&[2, 10, 61, 200]),
        ),
        20 => {
            let by = dice.of(&[-20_i64, -2, 3, 20]);
            Trouble::Clock(Delay::from_minutes(by), dice.minutes(&SPANS))
        }
        21 => Trouble::Hang(dice.minutes(&[2, 10, 61])),
        _ => Trouble::Deploy(dice.below(DEPLOYS) as usize),
    }
}

impl Act {
    /// Where it starts a run, or changes what one knows.
    fn tells_much(&mut self) {
        let what = self.line.split(' ').next();
        if matches!(what, Some("signup" | "checkout" | "update" | "order")) {
            self.line.push_str(BULK);
        }
    }

    /// Where nothing else is said of consent.
    fn ticks(&mut self, boxes: &mut Draw) {
        let mut words = self.line.split(' ');
        let has_box = matches!(words.next(), Some("signup" | "checkout" | "order"));
        if has_box && !words.any(|word| matches!(word, "subscribed" | "implied")) {
            let ticked = boxes.chance(0.5);
            self.line.push_str(if ticked { " implied" } else { " declined" });
        }
    }
}

/// A shopper while she is drawn.
struct Shopper<'d> {
    dice: &'d mut Dice,
    number: usize,
    name: &'static str,
    at: Delay,
    carts: Vec<String>,
    /// Each with how it names its buyer.
    orders: Vec<(String, String)>,
}

impl<'d> Shopper<'d> {
    fn new(dice: &'d mut Dice, number: usize, name: &'static str) -> Self {
        Self {
            dice,
            number,
            name,
            at: Delay::ZERO,
            carts: Vec::new(),
            orders: Vec::new(),
        }
    }

    fn lives(mut self, plan: &mut Plan) {
        for _ in 0..2 + self.dice.below(6) {
            let pause = self.dice.minutes(&PAUSES);
            self.at = Delay::from_millis(self.at.as_millis() + pause.as_millis());
            let id = u32::try_from(plan.acts.len()).unwrap_or(u32::MAX);
            let text = self.does();
            // What the storefront calls the delivery; an order's events are known by the order.
            let is_named =
                text.starts_with("erase") || text.split(' ').nth(1).is_some_and(|word| word.starts_with('9'));
            let line = if is_named {
                text
            } else {
                format!("{text} id=a{id}")
            };
            plan.acts.push(Act {
                id,
                shopper: self.number,
                at: self.at,
                line,
            });
        }
    }

    fn does(&mut self) -> String {
        let (name, number) = (self.name, self.number);
        let zone = self.zone();
        match self.dice.below(21) {
            0 => format!("viewed anonymous=b{number}"),
            1 => format!("viewed anonymous=b{number} by={name}"),
            2..6 => {
                let consent = self
                    .dice
                    .of(&["subscribed", "subscribed", "subscribed", "implied", ""]);
                let known = self.dice.of(&["", "", " anonymous=b0", " customer=c0"]);
                let known = known.replace('0', &number.to_string());
                format!("signup by={name} {consent}{known}{zone}")
            }
            6 => format!("profile by={name} customer=c{number}{zone}"),
            7 => format!("profile by={name}2 customer=c{number} subscribed"),
            8..12 => self.checks_out(zone),
            12..14 => match self.carts.last().cloned() {
                Some(cart) => {
                    let left = self.dice.of(&["", "", " items=0 value=0"]);
                    format!("update {cart} by={name}{left}")
                }
                None => self.checks_out(zone),
            },
            14..17 => self.orders(),
            17..19 => match self.orders.last().cloned() {
                Some((order, buyer)) => {
                    let what =
                        self.dice
                            .of(&["fulfilled", "fulfilled", "delivered", "cancelled", "refunded"]);
                    format!("{what} {order} {buyer}")
                }
                None => self.orders(),
            },
            19 => format!("erase by={name}"),
            _ => format!("unsubscribe by={name}"),
        }
    }

    fn zone(&mut self) -> String {
        match self.dice.below(3) {
            0 => format!(" zone={}", self.dice.of(&ZONES)),
            _ => String::new(),
        }
    }

    fn checks_out(&mut self, zone: String) -> String {
        let (name, number) = (self.name, self.number);
        // One of them is handed round in the family.
        let cart = match self.dice.below(3) {
            0 => "T".to_owned(),
            1 => format!("T{number}"),
            _ => format!("T{number}b"),
        };
        self.carts.push(cart.clone());
        let consent = self.dice.of(&["", "", " subscribed"]);
        format!("checkout {cart} by={name}{consent}{zone}")
    }

    fn orders(&mut self) -> String {
        let (name, number) = (self.name, self.number);
        // Known by their first digit, also to `lives`.
        let order = format!("9{number}{}", self.orders.len());
        let buyer = match self.dice.below(6) {
            0 => format!("by={name}2"),
            1 => format!("customer=c{number}"),
            2 => format!("by={name} customer=c{number}"),
            _ => format!("by={name}"),
        };
        self.orders.push((order.clone(), buyer.clone()));
        let cart = match (self.dice.below(4), self.carts.last()) {
            (0, _) | (_, None) => String::new(),
            (1, Some(_)) => " checkout=T".to_owned(),
            (_, Some(cart)) => format!(" checkout={cart}"),
        };
        format!("order {order} {buyer}{cart}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_draws_one_plan_and_another_draws_another() {
        let drawn = |seed| format!("{:?}", plan(seed));
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
