//! `store.yaml`: brand, sender and policy of the store. Compiled in; changing it means a deploy.

use super::best_sellers::BestSeller;
use super::feeds::Catalogue;
use super::question::{Gift, Question};
use super::region::Region;
use super::tracking::{Tracking, Utm};
use crate::domain::civil::{NaiveDate, Quiet};
use crate::domain::email::EmailAddress;
use crate::domain::ids::TopicName;
use crate::domain::message::Lane;
use crate::domain::money::Currency;
use crate::domain::time::Delay;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The settings that belong to the store rather than to the installation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreFile {
    pub brand: Brand,
    pub sender: Sender,
    /// BCP 47 tag of the language of the emails.
    pub locale: String,
    /// IANA zone, for contacts whose own is unknown.
    pub timezone: String,
    /// Currency in which `contact.spend` counts.
    pub currency: Currency,
    #[serde(default)]
    pub region: Region,
    /// Names of the store's own events that journeys may use.
    #[serde(default)]
    pub events: Vec<String>,
    #[serde(default)]
    pub on_unknown: OnUnknown,
    /// How many marketing mails a contact gets at most. An empty list: as many as there are.
    #[serde(default = "default_caps")]
    pub caps: Vec<Cap>,
    /// How many marketing mails a week those get at most who asked for fewer.
    #[serde(default = "default_less_often")]
    pub less_often: u8,
    /// What contacts can turn off one by one on their page of preferences, in the order it is shown.
    #[serde(default)]
    pub topics: Vec<Topic>,
    /// No marketing at these hours by the contact's clock; it is held until they end.
    #[serde(default)]
    pub quiet_hours: Option<Quiet>,
    /// The sending domain is new: so many marketing mails a day, and more each day.
    #[serde(default)]
    pub warm_up: Option<WarmUp>,
    /// Other systems that `notify:` tells.
    #[serde(default)]
    pub webhooks: Vec<Webhook>,
    /// The store's own people, for mails to them: `send:` with `to: team`.
    #[serde(default)]
    pub team: Option<EmailAddress>,
    /// Contacts have a link to hand on, and are credited for who orders by it.
    #[serde(default)]
    pub referral: Option<Referral>,
    /// Whether mails tell who clicked and opened.
    #[serde(default)]
    pub tracking: Tracking,
    /// What is added to links to the store's own pages.
    #[serde(default)]
    pub utm: Utm,
    /// What mails ask, with answers that are links.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub questions: Vec<Question>,
    /// What mails let the reader open, each a code of a pool.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gifts: Vec<Gift>,
    /// What is kept for how long, where that is to be shorter than it may be.
    #[serde(default)]
    pub retention: Retention,
    /// What the shop sells, read from its feeds and product webhooks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalogue: Option<Catalogue>,
    /// What sells best, picked by hand: mails show some of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub best_sellers: Vec<BestSeller>,
}

/// How a new sending domain is made known; what follows from it is in `engine::warm_up`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WarmUp {
    /// Its first day, by the store's calendar.
    #[serde(deserialize_with = "day")]
    pub from: NaiveDate,
    /// Most marketing mails of the first day.
    #[serde(default = "first_day")]
    pub start: u32,
}

/// What providers let a new address of theirs send on its first day.
const fn first_day() -> u32 {
    50
}

/// How long history is kept. The default is the longest there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Events, from their arrival. One that is told again after that counts again.
    #[serde(with = "delay")]
    pub events: Delay,
    /// Orders and the runs about them; then only their totals are.
    #[serde(with = "delay")]
    pub orders: Delay,
    /// Rows of the ledger, and with them the links in the mails.
    #[serde(with = "delay")]
    pub messages: Delay,
}

impl Retention {
    pub const LONGEST: Self = Self {
        events: Delay::from_days(400),
        orders: Delay::from_days(1_096),
        messages: Delay::from_days(730),
    };
    /// Repetitions of senders, returns of an order, and links that people still use.
    pub const SHORTEST: Delay = Delay::from_days(90);
}

impl Default for Retention {
    fn default() -> Self {
        Self::LONGEST
    }
}

/// The link that contacts hand on to friends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Referral {
    /// Where it leads, with [`CODE`] where the contact's code goes.
    pub link: String,
}

/// What stands for the code in [`Referral::link`].
pub const CODE: &str = "{code}";

/// Where `notify:` goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Webhook {
    pub name: String,
    pub url: String,
}

/// At most so many marketing mails to one contact within any such time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cap {
    pub mails: u8,
    #[serde(with = "delay")]
    pub per: Delay,
    /// Lanes that neither count nor wait.
    #[serde(default)]
    pub except: Vec<Lane>,
}

/// One mail in 16 hours, as Klaviyo's smart sending does, carts aside; and four in a week, carts among them.
fn default_caps() -> Vec<Cap> {
    vec![
        Cap {
            mails: 1,
            per: Delay::from_hours(16),
            except: vec![Lane::Cart],
        },
        Cap {
            mails: 4,
            per: Delay::from_days(7),
            except: Vec::new(),
        },
    ]
}

/// The topic of marketing that names none.
pub const GENERAL: &str = "general";

/// A kind of marketing mail, as people choose it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Topic {
    /// What journeys call it.
    pub id: TopicName,
    pub title: String,
    #[serde(default)]
    pub description: Option<String>,
    /// Title and description in other languages than the store's, by tag.
    #[serde(default)]
    pub translations: BTreeMap<String, TopicText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicText {
    pub title: String,
    #[serde(default)]
    pub description: Option<String>,
}

/// A week: what `less_often` counts in.
pub const WEEK: Delay = Delay::from_days(7);

impl StoreFile {
    /// The cap of those who asked for fewer mails. Carts count too.
    pub const fn fewer(&self) -> Cap {
        Cap {
            mails: self.less_often,
            per: WEEK,
            except: Vec::new(),
        }
    }
}

const fn default_less_often() -> u8 {
    1
}

/// How the mails look and what they are signed with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brand {
    pub name: String,
    /// The shop's front page.
    pub url: String,
    /// Absolute address of a logo; the name is set in type without one.
    #[serde(default)]
    pub logo: Option<String>,
    /// Colour of buttons and links, as `#1f4d3a`.
    pub color: String,
    /// Postal address for the footer; the law of most countries asks for it in marketing mail.
    pub address: String,
    /// Where shoppers get help.
    pub support_email: EmailAddress,
}

/// Who the mails come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    pub name: String,
    pub from: EmailAddress,
    #[serde(default)]
    pub reply_to: Option<EmailAddress>,
}

/// What to do with a message whose fate the provider never told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OnUnknown {
    pub transactional: UnknownPolicy,
    pub marketing: UnknownPolicy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownPolicy {
    /// Once more after 15 minutes without evidence: at worst it arrives twice.
    ResendOnce,
    /// Never again: at worst it does not arrive.
    GiveUp,
}

impl Default for OnUnknown {
    fn default() -> Self {
        Self {
            transactional: UnknownPolicy::ResendOnce,
            marketing: UnknownPolicy::GiveUp,
        }
    }
}

/// A day, with words for one that is none.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NaiveDate, D::Error> {
    let text = String::deserialize(deserializer)?;
    let said = |_| D::Error::custom(format!("expected a day such as `2026-12-01`, found `{text}`"));
    text.parse().map_err(said)
}

/// A delay as people write it.
pub(super) mod delay {
    use crate::domain::time::Delay;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(delay: &Delay, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(delay)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Delay, D::Error> {
        let text = String::deserialize(deserializer)?;
        Delay::parse(&text).map_err(D::Error::custom)
    }
}
