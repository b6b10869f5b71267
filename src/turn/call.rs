//! What the Worker and the shards say to each other: one internal route, one closed set of calls and answers.
//!
//! The wire form is JSON over a Durable Object fetch. Two versions of the code may talk during a deploy, so fields are
//! only ever added, with a default.

use super::choice::{By, Choice, Chosen, Standing};
use crate::domain::consent::ConsentRecord;
use crate::domain::delivery_event::{ClickedUrl, DeliveryEvent};
use crate::domain::event::Event;
use crate::domain::identity::IdentifierKind;
use crate::domain::ids::{ContactId, EventId, IdentifierHash, MessageId};
use crate::domain::logbook::{Asked, Line};
use crate::domain::message::Message;
use crate::domain::notice::Notice;
use crate::domain::objection::Objection;
use crate::domain::order::Order;
use crate::domain::privacy::{Kind, Subject};
use crate::domain::referral::Referral;
use crate::domain::shard::{ShardCount, ShardIndex};
use crate::domain::switches::Switches;
use crate::domain::time::Timestamp;
use crate::engine::decision::CheckoutTaken;
use crate::engine::identity::Hashed;
use crate::engine::protection::{Counted, Since};
use crate::engine::state::{Contact, Ended};
use crate::render::links::Mark;
use crate::render::outbox::{HeldRow, LeftRow, OutboxMail};
use crate::store::everything::{Page, Place};
use crate::store::offer_news::Batch;
use crate::turn::erase::Erased;
use crate::turn::interest::Heard as NewsHeard;
use crate::turn::person::{Held, Person};
use crate::turn::refused::RefusedCall;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A call with what every call needs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// What the caller believes is installed; a shard refuses a call that differs from its own.
    pub shards: ShardCount,
    pub shard: ShardIndex,
    #[serde(default)]
    pub jurisdiction: Option<String>,
    /// Fingerprint of its `HASH_KEY`.
    #[serde(default)]
    pub hash_key: Option<String>,
    pub now: Timestamp,
    /// Public address of the Worker, for links in mails; known to calls that come from a request.
    #[serde(default)]
    pub origin: Option<String>,
    pub call: Call,
}

/// What a shard can be asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Call {
    /// What do you know of these identifiers? Claims the unknown ones and closes bought checkouts.
    Touch(Touch),
    Ingest(Box<Ingest>),
    Receive(Box<Forward>),
    /// Who is that by now, after merges?
    Find(ContactId),
    /// One of your contacts is another: send all of it there.
    Absorb {
        loser: ContactId,
        winner: ContactId,
    },
    /// Which of these checkouts were bought?
    Bought(Vec<IdentifierHash>),
    /// All of these, in this order, in one storage turn: what an import asks.
    Together(Vec<Call>),
    /// The next page of all that you hold.
    Everything(Place),
    /// Do all that is due.
    RunDue,
    /// Take away a slice of what retention lets go.
    Prune,
    /// Look at the next contacts, if the journeys changed since all were looked at.
    Sweep,
    /// What is switched now.
    Switches(Box<Switches>),
    /// What became of your marketing? Its number may be that of the last six hours.
    Count(Since),
    /// The same, counted now.
    CountAnew(Since),
    /// What somebody chose by a link in a mail.
    Choose {
        message: MessageId,
        choice: Choice,
        by: By,
    },
    /// What holds for whom a mail went to, to show it to them; `of` says who that is by now, after merges.
    Standing {
        message: MessageId,
        of: Option<ContactId>,
    },
    /// What a provider told of mails it took.
    Hear(Vec<DeliveryEvent>),
    /// What our own link saw.
    See(Box<Seen>),
    /// The mail of a message, as a page.
    View {
        message: MessageId,
        /// The address it went to, as the link says it.
        #[serde(default)]
        mark: Mark,
    },
    /// Mails kept by the `outbox` provider.
    Mails,
    /// What was not sent, and who left a journey early.
    Reasons,
    /// Counts and lists for operators.
    Overview,
    /// Who is this contact, by all that you know and the subject says?
    WhoIs {
        contact: ContactId,
        subject: Subject,
    },
    /// What do you hold of this person?
    Held(Box<Person>),
    /// Erase this contact of yours, and have the other shards forget them.
    Erase {
        contact: ContactId,
        subject: Subject,
    },
    /// Take away what you hold of this person.
    Forget(Box<Person>),
    /// Whoever asked has what is held of these: what a storefront asked for them is done.
    Exported(Vec<Person>),
    /// Keep these calls of the Segment-compatible API, which were not taken, for operators to see.
    KeepRefused(Vec<RefusedCall>),
    /// Keep what became of these deliveries: they left no other row.
    KeepLines(Vec<Line>),
    /// What became of what was delivered?
    Log(Asked),
    /// Something is back or cheaper: who of your next contacts wants to hear it?
    TellNews(Box<Batch>),
    /// A storefront asks something that operators must do.
    NotePrivacyRequest {
        id: String,
        kind: Kind,
        contact: Option<ContactId>,
    },
}

/// An open or a click of a mail.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    pub event: DeliveryEvent,
    /// Clicks on other links of the mail at about that time: the shard fills them in.
    #[serde(default)]
    pub beside: Vec<(Timestamp, ClickedUrl)>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Touch {
    pub identifiers: Vec<(IdentifierHash, IdentifierKind)>,
    /// The contact to claim unknown identifiers for; none when the event cannot found one.
    pub founder: Option<ContactId>,
    /// The source's time at which the event bought its checkouts.
    pub bought_at: Option<Timestamp>,
    /// When the event named its founder; none for a list that was kept elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ingest {
    pub event: Arc<Event>,
    pub identifiers: Vec<Hashed>,
    /// What other shards answered to [`Call::Touch`].
    pub known: Vec<(IdentifierHash, ContactId)>,
    /// A checkout of the event was bought, as other shards know.
    #[serde(default)]
    pub bought: bool,
    /// What the shards of its addresses hold against them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub objections: Vec<(IdentifierHash, Objection)>,
    /// When somebody was erased last who had one of these addresses or customer ids, as other shards know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
    /// The contact was resolved already: apply here.
    #[serde(default)]
    pub contact: Option<ContactId>,
    /// The event waited for its person: nobody has told other shards of its identifiers.
    #[serde(default)]
    pub released: bool,
    /// When that person was named by the event that released it, which may not have been applied yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_at: Option<Timestamp>,
}

/// That a parked event may go to its person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Release {
    pub event: EventId,
    pub contact: ContactId,
    /// As [`Ingest::named_at`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_at: Option<Timestamp>,
}

/// Work for another shard: durable, delivered at least once, applied once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Forward {
    /// Derived from the content: the same work twice is one row.
    pub id: String,
    /// Whose shard it goes to. A contact's id is an identifier's hash as well.
    pub to: IdentifierHash,
    pub body: ForwardBody,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForwardBody {
    /// A parked event whose person became known.
    Event(Box<Ingest>),
    /// An event that waits for its person under this identifier too.
    Park(Box<Event>),
    /// One of the event's identifiers became known. To the identifier that it goes by, which releases it once.
    Release(Release),
    CheckoutTaken(CheckoutTaken),
    Absorb(Box<Bundle>),
    /// More rows of a contact that was merged, when one forward cannot hold them all.
    History(Box<Rows>),
    /// A link in a mail to a contact that was merged. Rows of an older version, which know no choice, unsubscribe.
    #[serde(alias = "unsubscribe")]
    Choose {
        message: MessageId,
        /// Whose mail it was. Its addresses must have arrived first.
        loser: ContactId,
        #[serde(default)]
        choice: Choice,
        #[serde(default)]
        by: By,
    },
    /// A merge that had to wait for a request that was out.
    Merge {
        loser: ContactId,
        winner: ContactId,
        /// When it turned out that they are one.
        #[serde(default)]
        at: Option<Timestamp>,
    },
    /// The identifier leads to this contact from now on.
    Link {
        kind: IdentifierKind,
        /// Only if it leads here now: a row that an erasure took is not made anew. None to claim an unknown one, or to say
        /// that it is known anew.
        from: Option<ContactId>,
        contact: ContactId,
    },
    /// What a provider told of somebody's mail or address. To the contact, or to the hash of the address.
    Delivery(Box<DeliveryEvent>),
    /// A first order is to be credited: to the lowest id that has its code, and then to where that leads.
    Referral(Box<Referral>),
    /// The address of this hash must not be written to, whoever it comes back as.
    Object(Objection),
    /// Somebody was erased then.
    Forget {
        person: Box<Person>,
        at: Timestamp,
    },
    /// A document to be fetched. To the shard that keeps it until it was.
    Notice(Box<Notice>),
}

/// Everything of a contact that was merged into another.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bundle {
    /// When it turned out who it is.
    #[serde(default)]
    pub at: Option<Timestamp>,
    pub contact: Contact,
    pub events: Vec<Event>,
    pub orders: Vec<Order>,
    pub ended: Vec<Ended>,
    /// Those that have not gone out; the others stay where links and provider events look for them.
    pub messages: Vec<Message>,
    /// The ledger of consent goes with the addresses: the proof is found under the contact that is left.
    #[serde(default)]
    pub consents: Vec<ConsentRecord>,
}

/// A part of a merged contact's rows.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rows {
    /// As [`Bundle::at`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
    pub events: Vec<Event>,
    pub orders: Vec<Order>,
}

impl Rows {
    /// Those of after an erasure.
    #[must_use]
    pub fn since(&self, erased_at: Timestamp) -> Self {
        let events = self.events.iter().filter(|event| event.received_at > erased_at);
        let orders = self.orders.iter().filter(|order| order.status_at > erased_at);
        Self {
            at: None,
            events: events.cloned().collect(),
            orders: orders.cloned().collect(),
        }
    }
}

/// What a shard answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Touched {
        known: Vec<(IdentifierHash, ContactId)>,
        bought: bool,
        /// What is held against the addresses among them.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        objections: Vec<(IdentifierHash, Objection)>,
        /// When somebody was erased last who had one of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        erased_at: Option<Timestamp>,
    },
    Ingested(Ingested),
    /// The contact itself, or where it leads.
    Found(ContactId),
    Done,
    /// It cannot be done now; ask again.
    NotYet,
    Bought(Vec<IdentifierHash>),
    Ran {
        next_due: Option<Timestamp>,
        /// Another run is under way; ask again.
        busy: bool,
    },
    /// The version of the switches that the shard holds.
    Switched(u64),
    Counted(Vec<Counted>),
    /// Whether all contacts have been looked at.
    Swept {
        done: bool,
    },
    /// Rows that retention took away.
    Pruned(u32),
    Chosen(Chosen),
    /// None when nobody is known by the mail any more.
    Standing(Option<Box<Standing>>),
    Heard(Heard),
    /// None when it cannot be shown any more.
    Viewed(Option<String>),
    Mails(Vec<OutboxMail>),
    Reasons {
        held: Vec<HeldRow>,
        left: Vec<LeftRow>,
    },
    Overview(serde_json::Value),
    Log(Vec<Line>),
    Person(Box<Person>),
    Held(Held),
    Erased(Erased),
    Together(Vec<Answer>),
    Page(Page),
    NewsHeard(NewsHeard),
    /// The call was refused; nothing was written.
    Refused {
        error: String,
        hint: String,
    },
}

/// What an answer says to who handed over a piece of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    Arrived,
    /// Its contact lives in another shard now.
    Elsewhere(ContactId),
    NotNow,
}

impl Answer {
    pub fn meaning(&self) -> Meaning {
        match self {
            Self::Ingested(Ingested::Elsewhere(contact)) => Meaning::Elsewhere(contact.clone()),
            Self::NotYet | Self::Refused { .. } => Meaning::NotNow,
            Self::Touched { .. }
            | Self::Ingested(_)
            | Self::Found(_)
            | Self::Done
            | Self::Bought(_)
            | Self::Ran { .. }
            | Self::Pruned(_)
            | Self::Swept { .. }
            | Self::Switched(_)
            | Self::Counted(_)
            | Self::Chosen(_)
            | Self::Standing(_)
            | Self::Heard(_)
            | Self::Viewed(_)
            | Self::Mails(_)
            | Self::Reasons { .. }
            | Self::Overview(_)
            | Self::Log(_)
            | Self::Person(_)
            | Self::Held(_)
            | Self::Together(_)
            | Self::Page(_)
            | Self::NewsHeard(_)
            | Self::Erased(_) => Meaning::Arrived,
        }
    }
}

/// How many of a provider's events came to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Heard {
    pub new: u32,
    /// They told nothing that was not known: nothing was written.
    pub repeated: u32,
    /// Of no message and nobody we know.
    pub unknown: u32,
    /// They could not be applied, and are kept as dead letters.
    pub failed: u32,
}

impl Heard {
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            new: self.new.saturating_add(other.new),
            repeated: self.repeated.saturating_add(other.repeated),
            unknown: self.unknown.saturating_add(other.unknown),
            failed: self.failed.saturating_add(other.failed),
        }
    }
}

/// What became of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ingested {
    Applied,
    /// It had been applied before: nothing was written.
    Duplicate,
    /// Nobody is known under its identifiers yet.
    Parked,
    /// It names nobody and nothing.
    Ignored,
    /// Its contact lives in another shard.
    Elsewhere(ContactId),
    /// It ties contacts together: absorb the losers first, then ask the winner's shard.
    Same {
        winner: ContactId,
        losers: Vec<ContactId>,
    },
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(call: Value) -> Option<Switches> {
        match serde_json::from_value::<Call>(call) {
            Ok(Call::Switches(switches)) => Some(*switches),
            Ok(_) | Err(_) => None,
        }
    }

    /// During a deploy the Worker and a shard may be of two versions. A stop that the other side does not know is an error
    /// there, never a call to go on: whoever told it lists the shard as missing, and cron tells it again.
    #[test]
    fn a_stop_is_told_in_words_that_are_pinned_and_never_read_as_its_opposite() {
        let stopped = Switches {
            version: 7,
            stopped: true,
            ..Switches::default()
        };
        let wire = json!({ "switches": { "version": 7, "stopped": true, "shadow": false } });
        let call = Call::Switches(Box::new(stopped.clone()));
        assert_eq!(serde_json::to_value(&call).unwrap(), wire);
        assert_eq!(told(wire), Some(stopped.clone()));
        // What a later version adds is passed over, and the stop is not.
        let later = json!({ "switches": { "version": 7, "stopped": true, "shadow": false, "slowly": true } });
        assert_eq!(told(later), Some(stopped));
        for other in [
            json!({ "stop": { "stopped": true } }),
            json!({ "stop": { "stopped": false } }),
            json!({ "switches": { "version": 8, "shadow": false } }),
            json!({ "switches": { "version": 8, "stopped": "until noon", "shadow": false } }),
            json!({ "switches": { "stopped": false, "shadow": false } }),
        ] {
            assert!(serde_json::from_value::<Call>(other.clone()).is_err(), "{other}");
        }
        // The answer names the version; whatever else comes back is no acknowledgement.
        let answer = serde_json::to_value(Answer::Switched(7)).unwrap();
        assert_eq!(answer, json!({ "switched": 7 }));
        assert!(serde_json::from_value::<Answer>(json!("switched")).is_err());
    }
}
