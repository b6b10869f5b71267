//! What reading a ledger costs that holds a million mails: `cargo bench --profile host --bench ledger`. Ten mails each of
//! a hundred thousand people, evenly over the two years that a mail is kept, one in 200 bounced.
//!
//! Protection looks at it at each tick of cron, an operator's `/admin/status` whenever somebody asks. SQLite is the same in
//! the object, which answers nobody else meanwhile.

#![allow(
    clippy::unwrap_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use criterion::{Criterion, criterion_group, criterion_main};
use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use wend::domain::delivery_event::DeliveryKind;
use wend::domain::delivery_state::{Actor, DeliveryState};
use wend::domain::ids::{ContactId, EmailName, EnrollmentId, JourneyId, MessageId, StepId};
use wend::domain::message::{Lane, Message, MessageState, Stream};
use wend::domain::time::{Delay, Timestamp};
use wend::engine::protection::{Count, Since, WINDOW};
use wend::store::migrate::{SHARD, migrate};
use wend::store::rusqlite::Sqlite;
use wend::store::{Error, figures, message};

const PEOPLE: u64 = 100_000;
const MAILS_EACH: u64 = 10;
const MAILS: u64 = PEOPLE * MAILS_EACH;
const BOUNCES_ONE_IN: u64 = 200;
const START: Timestamp = Timestamp::from_seconds(1_730_000_000);
/// A mail every 63 seconds is a million in two years.
const EVERY: Delay = Delay::from_seconds(63);
/// Every mail's place among all is this many places on from the one before: a person's mails are years apart.
const STRIDE: u64 = 618_033;
const JOURNEYS: [&str; 4] = ["welcome", "winback", "abandoned-checkout", "order-thank-you"];

fn mail(contact: &ContactId, number: u64) -> (Message, DeliveryState) {
    let at = START.plus(Delay::from_millis(
        EVERY.as_millis() * i64::try_from(number * STRIDE % MAILS).unwrap(),
    ));
    let journey = *JOURNEYS.get(usize::try_from(number % 4).unwrap()).unwrap();
    let order = journey == "order-thank-you";
    let message = Message {
        id: MessageId::of_contact(contact, &number.to_be_bytes().repeat(2)),
        journey: JourneyId::parse(journey).unwrap(),
        enrollment: EnrollmentId::parse(&format!("{number:024x}")).unwrap(),
        step: StepId::parse("hello").unwrap(),
        email: EmailName::parse("hello").unwrap(),
        variant: String::new(),
        stream: if order {
            Stream::Transactional
        } else {
            Stream::Marketing
        },
        lane: if order {
            Lane::Transactional
        } else {
            Lane::Marketing
        },
        state: MessageState::Accepted,
        attempt: 1,
        due_at: at,
        reason: None,
        provider: Some("resend".to_owned()),
        provider_id: Some(format!("49a3999c-0ce1-4ea6-ab68-{number:012x}")),
        settled_at: Some(at),
    };
    let kind = if number.is_multiple_of(BOUNCES_ONE_IN) {
        DeliveryKind::HardBounce
    } else {
        DeliveryKind::Delivered
    };
    (message, DeliveryState::of(kind, at, Actor::Person))
}

fn ledger() -> Sqlite {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ledger");
    if folder.exists() {
        fs::remove_dir_all(&folder).unwrap();
    }
    fs::create_dir_all(&folder).unwrap();
    let sql = Sqlite::open(&folder.join("shard.sqlite")).unwrap();
    sql.turn(|| migrate(&sql, &SHARD)).unwrap();
    sql.turn(|| {
        for person in 0..PEOPLE {
            // Ids are hashes: they come in no order.
            let hash = u128::from(person).wrapping_mul(u128::MAX / 3 * 2 + 7);
            let contact = ContactId::parse(&format!("{hash:032x}")).unwrap();
            for nth in 0..MAILS_EACH {
                let (mail, told) = mail(&contact, person * MAILS_EACH + nth);
                message::put(&sql, &contact, &mail)?;
                message::tell(&sql, &contact, &mail.id, told)?;
            }
        }
        Ok::<_, Error>(())
    })
    .unwrap();
    sql
}

fn benches(criterion: &mut Criterion) {
    let sql = ledger();
    let now = START.plus(Delay::from_days(730));
    let window = now.minus(WINDOW);
    let since = Since {
        window,
        marketing: window,
        journeys: BTreeMap::new(),
    };
    criterion.bench_function("protection counts", |bench| {
        bench.iter(|| black_box(figures::marketing(&sql, &since).unwrap()));
    });
    let count = Count {
        since: since.clone(),
        counted: figures::marketing(&sql, &since).unwrap(),
    };
    figures::keep(&sql, &count).unwrap();
    criterion.bench_function("protection looks for what went wrong", |bench| {
        bench.iter(|| {
            let unwanted = figures::unwanted(&sql, &since).unwrap();
            let last = figures::last(&sql).unwrap().unwrap();
            black_box(last.with(&since, &unwanted).unwrap());
        });
    });
    criterion.bench_function("/admin/status, of mails", |bench| {
        bench.iter(|| {
            black_box(message::tally(&sql).unwrap());
            black_box(message::list(&sql, &[MessageState::Failed], None, 200).unwrap());
            black_box(message::waiting(&sql, 200).unwrap());
            black_box(message::latest(&sql, &[MessageState::Accepted], 20).unwrap());
        });
    });
}

criterion_group! {
    name = ledger_of_a_million;
    config = Criterion::default().sample_size(10);
    targets = benches
}
criterion_main!(ledger_of_a_million);
