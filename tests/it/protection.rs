//! Protection over shards: what bounces and complaints of a journey's mails make of it, and what is let through.

use crate::world::{pass, tell, world};
use wend::domain::delivery_event::{DeliveryEvent, DeliveryKind};
use wend::domain::ids::{JourneyId, MessageId};
use wend::domain::switches::{By, Change, Switches};
use wend::domain::time::Delay;
use wend::engine::protection::{Finding, Level};
use wend::providers::ProviderKind;
use wend::simulation::story::{self, address};
use wend::simulation::telling::Story;
use wend::simulation::world::World;
use wend::store::switches::of_store;

const MINUTE: Delay = Delay::from_minutes(1);

fn welcome() -> JourneyId {
    JourneyId::parse("welcome").unwrap()
}

/// So many sign up and get their first mail.
fn welcomed(world: &mut World, story: &mut Story, people: std::ops::Range<u32>) {
    for number in people {
        tell(world, story, &format!("signup by=p{number} subscribed"));
    }
    pass(world, MINUTE);
}

fn last_mail(world: &World, number: u32) -> MessageId {
    world
        .mails_to(&address(&format!("p{number}")))
        .unwrap()
        .pop()
        .unwrap()
}

fn report(world: &World, story: &mut Story, what: &str, number: u32) {
    let line = story::read(&format!("at +0m {what} p{number}"))
        .unwrap()
        .remove(0);
    let event: DeliveryEvent = story.report(&line, world.now, last_mail(world, number)).unwrap();
    assert!(matches!(
        event.kind,
        DeliveryKind::HardBounce | DeliveryKind::Complaint
    ));
    assert_eq!(world.hear(vec![event]).unwrap().new, 1);
}

fn switches(world: &World) -> Switches {
    of_store(&world.store).unwrap()
}

fn level(findings: &[Finding], journey: Option<&JourneyId>) -> (Level, u32) {
    let found = findings
        .iter()
        .find(|finding| finding.journey.as_ref() == journey);
    found.map_or((Level::Fine, 0), |finding| (finding.level, finding.figures.mails))
}

#[test]
fn bounces_of_all_shards_stop_marketing_and_leave_order_mail_alone() {
    for shards in [1, 4] {
        let (mut world, mut story) = (world(shards, ProviderKind::Outbox), Story::default());
        welcomed(&mut world, &mut story, 0..120);
        for number in 0..5 {
            report(&world, &mut story, "bounced", number);
        }
        let findings = world.protect().unwrap();
        assert_eq!(level(&findings, Some(&welcome())), (Level::Warn, 120));
        assert!(switches(&world).pauses_nothing(), "a warning stops nothing");
        for number in 5..10 {
            report(&world, &mut story, "bounced", number);
        }
        world.protect().unwrap();
        let stopped = switches(&world);
        let pause = stopped.paused.get(&welcome()).unwrap();
        assert_eq!(
            (pause.by, pause.figures.unwrap().hard_bounces),
            (By::Protection, 10)
        );
        assert!(
            pause.reason.contains("10 bounced for good (8.33 %)"),
            "{}",
            pause.reason
        );
        assert_eq!(stopped.marketing.map(|pause| pause.by), Some(By::Protection));

        world.sweep().unwrap();
        welcomed(&mut world, &mut story, 200..205);
        tell(&world, &mut story, "order 9 by=p50");
        pass(&mut world, MINUTE);
        assert!(world.mails_to(&address("p200")).unwrap().is_empty());
        assert_eq!(
            world.mails_to(&address("p50")).unwrap().len(),
            2,
            "the order's mail"
        );
    }
}

/// A shop whose welcome four of 120 people called spam, a minute after protection paused it.
fn paused_by_complaints() -> (World, Story) {
    let (mut world, mut story) = (world(4, ProviderKind::Outbox), Story::default());
    welcomed(&mut world, &mut story, 0..120);
    for number in 0..4 {
        report(&world, &mut story, "complained", number);
    }
    world.protect().unwrap();
    assert!(switches(&world).paused.contains_key(&welcome()));
    pass(&mut world, MINUTE);
    (world, story)
}

fn resume() -> Change {
    Change {
        resume: vec![welcome()],
        marketing_paused: Some(false),
        ..Change::default()
    }
}

#[test]
fn after_a_resume_only_what_was_sent_since_counts() {
    let (mut world, mut story) = paused_by_complaints();
    world.switch(&resume()).unwrap();
    world.sweep().unwrap();
    let findings = world.protect().unwrap();
    assert_eq!(level(&findings, None), (Level::Fine, 0));
    assert!(switches(&world).pauses_nothing());
    welcomed(&mut world, &mut story, 200..310);
    for number in 200..203 {
        report(&world, &mut story, "complained", number);
    }
    let findings = world.protect().unwrap();
    assert_eq!(level(&findings, Some(&welcome())), (Level::Stop, 110));
}

#[test]
fn what_is_resumed_while_a_count_is_on_its_way_stays_so() {
    let (world, _) = paused_by_complaints();
    let (since, counted) = world.count_marketing().unwrap();
    world.switch(&resume()).unwrap();
    let findings = world.protect_by(&since, &counted).unwrap();
    assert_eq!(level(&findings, Some(&welcome())), (Level::Stop, 120));
    assert!(switches(&world).pauses_nothing(), "it was counted before");
    world.protect().unwrap();
    assert!(switches(&world).pauses_nothing());
}

#[test]
fn mails_older_than_the_window_count_no_more() {
    let (mut world, mut story) = (world(1, ProviderKind::Outbox), Story::default());
    welcomed(&mut world, &mut story, 0..120);
    for number in 0..4 {
        report(&world, &mut story, "complained", number);
    }
    let stop = Change {
        stopped: Some(true),
        ..Change::default()
    };
    world.switch(&stop).unwrap();
    pass(&mut world, Delay::from_days(8));
    assert_eq!(level(&world.protect().unwrap(), None), (Level::Fine, 0));
}

#[test]
fn mails_are_counted_every_six_hours_and_nothing_is_said_by_an_old_count() {
    for shards in [1, 4] {
        let (mut world, mut story) = (world(shards, ProviderKind::Outbox), Story::default());
        welcomed(&mut world, &mut story, 0..110);
        let tick = |world: &mut World| {
            pass(world, MINUTE);
            let before = world.rows_written();
            let findings = world.protect().unwrap();
            let (level, mails) = level(&findings, None);
            (world.rows_written() - before, level, mails)
        };
        let each = u64::from(shards);
        assert_eq!(tick(&mut world), (each, Level::Fine, 110));
        welcomed(&mut world, &mut story, 200..300);
        (0..4).for_each(|number| report(&world, &mut story, "bounced", number));
        assert_eq!(
            tick(&mut world),
            (0, Level::Fine, 110),
            "as they were counted before"
        );
        // Five of 110 were a warning. Five of 210 are none.
        report(&world, &mut story, "bounced", 4);
        assert_eq!(tick(&mut world), (each, Level::Fine, 210), "all are counted anew");
        (5..9).for_each(|number| report(&world, &mut story, "bounced", number));
        assert_eq!(tick(&mut world), (each, Level::Warn, 210), "worse than before");
        welcomed(&mut world, &mut story, 300..310);
        assert_eq!(tick(&mut world), (0, Level::Warn, 210), "known, and said");
        pass(&mut world, Delay::from_hours(6));
        assert_eq!(tick(&mut world), (each, Level::Warn, 220));
    }
}
