//! The catalogue in the `Store`: what a reading writes, what a torn one leaves alone, and what becomes news.

use wend::domain::feed::FeedState;
use wend::domain::logbook::{Asked, Line, Place, Verdict};
use wend::domain::money::{Currency, Money};
use wend::domain::offer::{Change, News, Offer};
use wend::domain::time::{Delay, Timestamp};
use wend::store::Sql;
use wend::store::migrate::{STORE, migrate};
use wend::store::offer_news::Batch;
use wend::store::rusqlite::Sqlite;
use wend::turn::catalogue::{
    Begun, Catalogue, CatalogueAnswer, CatalogueCall, Ending, GONE_KEPT, MAX_NEWS, Plan, Posted,
};

struct Shop {
    sql: Sqlite,
    catalogue: Catalogue,
    now: Timestamp,
}

fn offer(id: u32, price: &str, available: bool) -> Offer {
    Offer {
        id: format!("v{id}"),
        product: Some("p".to_owned()),
        title: Some(format!("Variant {id}")),
        price: Some(Money::parse(price, Currency::parse("GBP").unwrap()).unwrap()),
        available,
        ..Offer::default()
    }
}

fn offers(count: u32) -> Vec<Offer> {
    (0..count).map(|id| offer(id, "20.00", true)).collect()
}

fn plan() -> Plan {
    Plan {
        key: "feed".to_owned(),
        shown: "https://shop.example/feed.xml".to_owned(),
        space: String::new(),
        every: Delay::from_hours(6),
        percent: 5,
    }
}

/// What a webhook says of a product.
fn posted() -> Posted {
    Posted {
        space: String::new(),
        product: "p".to_owned(),
        offers: Vec::new(),
        whole: false,
        percent: 5,
        run: "webhook".to_owned(),
        as_of: None,
        now: Timestamp::default(),
    }
}

fn whole() -> Ending {
    Ending::Whole {
        nameless: 0,
        etag: Some("\"7\"".to_owned()),
        last_modified: None,
    }
}

impl Shop {
    fn new() -> Self {
        let sql = Sqlite::in_memory().unwrap();
        migrate(&sql, &STORE).unwrap();
        Self {
            sql,
            catalogue: Catalogue::default(),
            now: Timestamp::from_seconds(1_790_000_000),
        }
    }

    fn ask(&mut self, call: CatalogueCall) -> CatalogueAnswer {
        self.catalogue.serve(&self.sql, call).unwrap()
    }

    fn begin(&mut self) -> Option<Begun> {
        let plans = vec![plan()];
        match self.ask(CatalogueCall::Begin { plans, now: self.now }) {
            CatalogueAnswer::Begun(begun) => Some(begun),
            _ => None,
        }
    }

    fn take(&mut self, run: &str, offers: &[Offer]) {
        for part in offers.chunks(400) {
            let (run, offers, now) = (run.to_owned(), part.to_vec(), self.now);
            let taken = self.ask(CatalogueCall::Take { run, offers, now });
            assert_eq!(taken, CatalogueAnswer::Taken(true));
        }
    }

    fn end(&mut self, run: &str, ending: Ending) {
        loop {
            let (run, ending, now) = (run.to_owned(), ending.clone(), self.now);
            if self.ask(CatalogueCall::End { run, ending, now }) == CatalogueAnswer::Ended(true) {
                return;
            }
        }
    }

    /// A whole reading, six hours after the one before; the rows it wrote.
    fn read(&mut self, offers: &[Offer], ending: Ending) -> u64 {
        self.now = self.now.plus(Delay::from_hours(6));
        let before = self.sql.rows_written();
        let run = self.begin().unwrap().run;
        self.take(&run, offers);
        self.end(&run, ending);
        self.sql.rows_written() - before
    }

    /// What a webhook tells of the product, so many hours before now: all its variants, or some. The rows it wrote.
    fn hear(&mut self, hours_ago: i64, offers: &[Offer], whole: bool) -> u64 {
        let told_at = Some(self.now.minus(Delay::from_hours(hours_ago)));
        let before = self.sql.rows_written();
        let offers = offers.iter().cloned();
        self.post(Posted {
            offers: offers.map(|offer| Offer { told_at, ..offer }).collect(),
            whole,
            run: format!("webhook-{hours_ago}"),
            ..posted()
        });
        self.sql.rows_written() - before
    }

    /// That the product was taken away, as of so many hours before now. The rows it wrote.
    fn hear_of_deletion(&mut self, hours_ago: i64) -> u64 {
        let before = self.sql.rows_written();
        self.post(Posted {
            whole: true,
            as_of: Some(self.now.minus(Delay::from_hours(hours_ago))),
            ..posted()
        });
        self.sql.rows_written() - before
    }

    fn post(&mut self, posted: Posted) {
        let now = self.now;
        self.ask(CatalogueCall::Product(Posted { now, ..posted }));
    }

    fn held(&self, id: u32) -> Offer {
        let found = wend::store::offer::find(&self.sql, &[String::new()], &[format!("v{id}")]).unwrap();
        found.into_iter().next().unwrap().1
    }

    fn state(&mut self) -> FeedState {
        let CatalogueAnswer::States(mut states) = self.ask(CatalogueCall::States) else {
            panic!("no states");
        };
        states.remove(0)
    }

    fn news(&mut self) -> Vec<News> {
        let mut all = Vec::new();
        while let Some(Batch { number, news }) = self.batch() {
            all.extend(news);
            self.ask(CatalogueCall::Told { batch: number });
        }
        all
    }

    fn batch(&mut self) -> Option<Batch> {
        match self.ask(CatalogueCall::News { now: self.now }) {
            CatalogueAnswer::News(batch) => batch,
            other => panic!("{other:?}"),
        }
    }

    /// Ids of all rows.
    fn rows(&self) -> Vec<String> {
        let sql: &dyn Sql = &self.sql;
        let rows = sql.query("SELECT id FROM offer ORDER BY id", &[]).unwrap();
        rows.iter()
            .map(|row| row.text("id").unwrap().to_owned())
            .collect()
    }

    fn for_sale(&self, count: u32) -> Vec<bool> {
        let ids: Vec<String> = (0..count).map(|id| format!("v{id}")).collect();
        let found = wend::store::offer::find(&self.sql, &[String::new()], &ids).unwrap();
        let there = |id: &String| {
            let mut found = found.iter();
            found
                .find(|(_, offer)| offer.id == *id)
                .map(|(_, offer)| offer.available)
        };
        ids.iter().filter_map(there).collect()
    }
}

#[test]
fn a_feed_that_says_the_same_writes_two_rows_however_long_it_is() {
    let mut shop = Shop::new();
    assert_eq!(shop.read(&offers(5_000), whole()), 5_000 + 2);
    assert_eq!(shop.read(&offers(5_000), whole()), 2);
    assert_eq!(shop.read(&[], Ending::Unchanged), 2);
    let mut changed = offers(5_000);
    for offer in &mut changed[10..13] {
        offer.title = Some("Another name".to_owned());
    }
    assert_eq!(shop.read(&changed, whole()), 3 + 2);
    let state = shop.state();
    assert_eq!((state.offers, state.changed, state.error), (5_000, 3, None));
    assert_eq!(state.etag.as_deref(), Some("\"7\""));
}

#[test]
fn a_torn_feed_takes_nothing_out_of_stock_and_waits_longer_each_time() {
    let mut shop = Shop::new();
    shop.read(&offers(3), whole());
    let good = shop.state();
    let mut begun = Vec::new();
    for _ in 0..40 {
        shop.now = shop.now.plus(Delay::from_hours(1));
        if let Some(Begun { run, .. }) = shop.begin() {
            begun.push(shop.now);
            shop.take(&run, &offers(1));
            shop.end(
                &run,
                Ending::Failed("the feed broke off before its end".to_owned()),
            );
        }
    }
    assert_eq!(shop.for_sale(3), [true, true, true]);
    let state = shop.state();
    assert_eq!((state.offers, state.ok_at), (3, good.ok_at));
    assert_eq!(state.error.as_deref(), Some("the feed broke off before its end"));
    let pauses: Vec<i64> = begun
        .windows(2)
        .map(|pair| pair[1].since(pair[0]).as_millis() / 3_600_000)
        .collect();
    assert_eq!(pauses, [1, 1, 1, 2, 4, 6, 6, 6, 6]);
    shop.read(&offers(3), whole());
    assert_eq!(shop.state().failures, 0);
}

#[test]
fn what_a_whole_feed_does_not_list_is_not_for_sale() {
    let mut shop = Shop::new();
    shop.read(&offers(4_001), whole());
    assert_eq!(shop.read(&offers(3_999), whole()), 2 + 2);
    assert_eq!(shop.for_sale(4_001)[3_997..], [true, true, false, false]);
    assert!(shop.news().is_empty());
    shop.read(&offers(4_000), whole());
    let news = shop.news();
    assert_eq!(news.len(), 1);
    assert_eq!(
        (&news[0].change, news[0].offer.id.as_str()),
        (&Change::BackInStock, "v3999")
    );
}

#[test]
fn a_feed_that_suddenly_lists_little_must_say_so_twice() {
    let mut shop = Shop::new();
    shop.read(&offers(10), whole());
    shop.read(&offers(4), whole());
    assert_eq!(shop.for_sale(10), [true; 10]);
    assert!(shop.state().error.unwrap().contains("lists 4 offers, and 10"));
    // A server that is asked by the mark of the short one would say that nothing changed, and it would never count.
    assert_eq!(shop.state().etag, None);
    shop.read(&offers(4), whole());
    assert_eq!(shop.state().etag.as_deref(), Some("\"7\""));
    assert_eq!(shop.for_sale(10).iter().filter(|there| **there).count(), 4);
    for _ in 0..3 {
        shop.read(&[], whole());
    }
    assert_eq!(shop.for_sale(10).iter().filter(|there| **there).count(), 4);
}

#[test]
fn a_first_reading_is_no_news_and_a_sale_of_everything_is_bounded() {
    let mut shop = Shop::new();
    shop.read(&offers(1_000), whole());
    assert!(shop.news().is_empty());
    let sale: Vec<Offer> = (0..1_000).map(|id| offer(id, "10.00", true)).collect();
    shop.read(&sale, whole());
    let state = shop.state();
    assert_eq!((state.news, state.untold), (MAX_NEWS, 1_000 - MAX_NEWS));
    assert_eq!(shop.news().len(), MAX_NEWS as usize);
    assert!(shop.news().is_empty());
}

#[test]
fn one_feed_is_read_at_a_time_and_one_that_died_begins_anew() {
    let mut shop = Shop::new();
    shop.read(&offers(3), whole());
    shop.now = shop.now.plus(Delay::from_hours(6));
    let run = shop.begin().unwrap().run;
    shop.take(&run, &[offer(0, "10.00", true)]);
    assert_eq!(shop.begin(), None);
    // The news of a reading that goes on wait for its end.
    assert!(shop.news().is_empty());
    // The object restarts: what is left of the reading finds nobody.
    shop.catalogue = Catalogue::default();
    let call = CatalogueCall::Take {
        run: run.clone(),
        offers: offers(3),
        now: shop.now,
    };
    assert_eq!(shop.ask(call), CatalogueAnswer::Taken(false));
    shop.end(&run, whole());
    assert_eq!(shop.for_sale(3), [true; 3]);
    assert_eq!(shop.news().len(), 1);
    assert_eq!(shop.begin(), None);
    shop.now = shop.now.plus(Delay::from_minutes(15));
    assert!(shop.begin().is_some());
}

#[test]
fn an_id_that_is_listed_twice_does_not_change_at_every_reading() {
    let mut shop = Shop::new();
    let twice = [offer(1, "20.00", true), offer(1, "9.00", false)];
    shop.read(&twice, whole());
    assert_eq!(shop.read(&twice, whole()), 2);
    assert_eq!(shop.state().unread, 1);
    assert!(shop.news().is_empty());
}

#[test]
fn a_feed_that_store_yaml_names_no_more_is_forgotten() {
    let mut shop = Shop::new();
    shop.read(&offers(1_500), whole());
    for _ in 0..2 {
        let (plans, now) = (Vec::new(), shop.now);
        shop.ask(CatalogueCall::Begin { plans, now });
    }
    assert!(shop.for_sale(1_500).is_empty());
    assert_eq!(
        shop.ask(CatalogueCall::States),
        CatalogueAnswer::States(Vec::new())
    );
}

#[test]
fn a_product_s_webhook_tells_of_all_its_variants() {
    let mut shop = Shop::new();
    let mut tell = |offers: Vec<Offer>, run: &str| {
        let before = shop.sql.rows_written();
        shop.post(Posted {
            offers,
            whole: true,
            run: run.to_owned(),
            ..posted()
        });
        (
            shop.sql.rows_written() - before,
            shop.for_sale(3),
            shop.news().len(),
        )
    };
    // Of the table; what is for sale has a row of the index too, which the host does not count.
    assert_eq!(tell(offers(3), "a"), (3, vec![true; 3], 0));
    assert_eq!(tell(offers(3), "a"), (0, vec![true; 3], 0));
    assert_eq!(tell(offers(1), "b"), (2, vec![true, false, false], 0));
    // Two offers and the note of their news, which is gone once it was told.
    assert_eq!(tell(offers(3), "c"), (2 + 1, vec![true; 3], 2));
    // Three offers and the mark of the product.
    assert_eq!(tell(Vec::new(), "d"), (3 + 1, vec![false; 3], 0));
}

#[test]
fn a_delivery_that_was_overtaken_changes_nothing() {
    let mut shop = Shop::new();
    let mut tell = |hour: i64, price: &str, ids: u32| {
        let told_at = Some(Timestamp::from_seconds(hour * 3_600));
        let offers = (0..ids).map(|id| Offer {
            told_at,
            ..offer(id, price, true)
        });
        shop.post(Posted {
            offers: offers.collect(),
            whole: true,
            run: hour.to_string(),
            ..posted()
        });
        (shop.for_sale(2), shop.news().len())
    };
    assert_eq!(tell(1, "20.00", 1), (vec![true], 0));
    assert_eq!(tell(3, "30.00", 2), (vec![true; 2], 0));
    // It says less, and a lower price: both were so before.
    assert_eq!(tell(2, "20.00", 1), (vec![true; 2], 0));
    assert_eq!(tell(4, "20.00", 2), (vec![true; 2], 2));
}

#[test]
fn a_delivery_that_says_the_same_later_is_what_an_older_one_is_measured_by() {
    let mut shop = Shop::new();
    assert_eq!(shop.hear(9, &offers(2), true), 2);
    assert_eq!(shop.hear(5, &offers(2), true), 2);
    assert_eq!(shop.hear(5, &offers(2), true), 0);
    assert_eq!(shop.hear(7, &[offer(0, "10.00", false)], false), 0);
    assert_eq!(shop.for_sale(2), [true; 2]);
    // What a delivery left out is as new as what it says.
    assert_eq!(shop.hear(3, &offers(1), true), 2);
    assert_eq!(shop.hear(4, &offers(2), true), 0);
    assert_eq!(shop.for_sale(2), [true, false]);
    assert!(shop.news().is_empty());
}

#[test]
fn a_file_that_is_older_than_a_webhook_changes_neither_stock_nor_price() {
    let mut shop = Shop::new();
    shop.read(&offers(4), whole());
    let told = [
        offer(0, "20.00", false),
        offer(1, "30.00", true),
        offer(3, "21.00", true),
    ];
    shop.hear(0, &told, false);
    let mut file = offers(3);
    file[0].url = Some("https://shop.example/v0".to_owned());
    // Six hours later: the file may be as old as that.
    assert_eq!(shop.read(&file, whole()), 1 + 2);
    assert_eq!(shop.for_sale(4), [false, true, true, true]);
    assert_eq!(shop.held(0).url, file[0].url);
    assert_eq!(shop.held(1).price, offer(1, "30.00", true).price);
    assert!(shop.news().is_empty());
    // By the next one the shop has had its time.
    shop.read(&file, whole());
    assert_eq!(shop.for_sale(4), [true, true, true, false]);
    assert_eq!(shop.news().len(), 2);
    // That the file was believed since does not make an older delivery newer.
    assert_eq!(shop.hear(20, &[offer(0, "1.00", true)], false), 0);
}

#[test]
fn what_a_webhook_told_last_is_still_the_feed_s_that_lists_it() {
    let mut shop = Shop::new();
    shop.read(&offers(3), whole());
    shop.hear(0, &[offer(0, "25.00", true)], false);
    shop.hear(0, &[offer(4, "20.00", true)], false);
    shop.now = shop.now.plus(Delay::from_hours(6));
    let mut file = offers(5);
    file[0] = offer(0, "25.00", true);
    // One is new, and one was known by a webhook alone.
    assert_eq!(shop.read(&file, whole()), 2 + 2);
    shop.read(&file[1..4], whole());
    assert_eq!(shop.for_sale(5), [false, true, true, true, false]);
    assert_eq!(shop.read(&file[1..4], whole()), 2);
}

#[test]
fn a_feed_that_is_read_in_another_way_keeps_what_it_lists() {
    let mut shop = Shop::new();
    shop.read(&offers(1_500), whole());
    shop.now = shop.now.plus(Delay::from_hours(6));
    let key = "anew".to_owned();
    let plans = || {
        vec![Plan {
            key: key.clone(),
            ..plan()
        }]
    };
    let (plans_now, now) = (plans(), shop.now);
    let CatalogueAnswer::Begun(begun) = shop.ask(CatalogueCall::Begin {
        plans: plans_now,
        now,
    }) else {
        panic!("not due");
    };
    shop.take(&begun.run, &offers(1_500));
    shop.end(&begun.run, whole());
    for _ in 0..3 {
        let (plans, now) = (plans(), shop.now);
        shop.ask(CatalogueCall::Begin { plans, now });
    }
    assert_eq!(shop.for_sale(1_500), [true; 1_500]);
}

#[test]
fn what_no_feed_lists_any_more_keeps_its_row_for_ninety_days() {
    let mut shop = Shop::new();
    shop.read(&offers(4), whole());
    let mut file = offers(4);
    // What is sold out goes like all others when it is listed no more.
    file[3].available = false;
    shop.read(&file, whole());
    assert_eq!(shop.read(&file[..2], whole()), 2 + 2);
    assert_eq!(shop.for_sale(4), [true, true, false, false]);
    // Listed no more, and listed no more again: that writes nothing.
    assert_eq!(shop.read(&file[..2], whole()), 2);
    shop.now = shop.now.plus(GONE_KEPT).minus(Delay::from_hours(24));
    // The offer, and its news.
    assert_eq!(shop.read(&file[..3], whole()), 2 + 2);
    let news = shop.news();
    assert_eq!(news.len(), 1);
    assert_eq!(
        (&news[0].change, news[0].offer.id.as_str()),
        (&Change::BackInStock, "v2")
    );
    // The server says that nothing changed: what is past its time goes all the same.
    shop.now = shop.now.plus(Delay::from_hours(24));
    assert_eq!(shop.read(&[], Ending::Unchanged), 1 + 2);
    assert_eq!(shop.rows(), ["v0", "v1", "v2"]);
    // It is new when it comes again, and no news.
    assert_eq!(shop.read(&offers(4), whole()), 1 + 2);
    assert!(shop.news().is_empty());
}

#[test]
fn what_is_sold_out_and_listed_again_is_not_taken_away() {
    let mut shop = Shop::new();
    let mut file = offers(2);
    file[1].available = false;
    shop.read(&file, whole());
    shop.read(&file[..1], whole());
    assert_eq!(shop.read(&file, whole()), 1 + 2);
    shop.now = shop.now.plus(GONE_KEPT);
    shop.read(&[], Ending::Unchanged);
    shop.read(&[], Ending::Unchanged);
    assert_eq!(shop.rows(), ["v0", "v1"]);
}

#[test]
fn a_torn_feed_takes_no_row_away_however_often_it_is_torn() {
    let mut shop = Shop::new();
    shop.read(&offers(5), whole());
    for _ in 0..200 {
        shop.now = shop.now.plus(Delay::from_hours(12));
        let run = shop.begin().unwrap().run;
        shop.take(&run, &offers(1));
        shop.end(&run, Ending::Failed("it broke off".to_owned()));
    }
    assert_eq!(shop.for_sale(5), [true; 5]);
}

#[test]
fn what_the_shop_took_away_is_brought_back_by_nothing_older() {
    let mut shop = Shop::new();
    shop.read(&offers(3), whole());
    shop.hear(9, &offers(2), true);
    assert_eq!(shop.for_sale(3), [true, true, false]);
    // Two variants and the mark; told again it is the same.
    assert_eq!(shop.hear_of_deletion(0), 2 + 1);
    assert_eq!(shop.hear_of_deletion(0), 0);
    // An update that was on its way, with a variant that nobody knew, and one that was sold out before.
    let late: Vec<Offer> = [0, 2, 7].map(|id| offer(id, "1.00", true)).into();
    assert_eq!(shop.hear(1, &late, true), 0);
    assert_eq!(shop.for_sale(8), [false; 3]);
    // A file that may be older than it, and then one that is not.
    assert_eq!(shop.read(&offers(4)[..3], whole()), 2);
    assert_eq!(shop.for_sale(3), [false; 3]);
    assert!(shop.news().is_empty());
    shop.now = shop.now.plus(Delay::from_hours(6));
    shop.read(&offers(3), whole());
    assert_eq!(shop.for_sale(3), [true; 3]);
    assert_eq!(shop.news().len(), 3);
}

#[test]
fn a_deletion_without_a_time_counts_though_the_shop_s_clock_is_ahead() {
    let mut shop = Shop::new();
    shop.hear(0, &offers(2), true);
    assert_eq!(shop.for_sale(2), [true; 2]);
    // As WooCommerce tells it: as of its receipt, which by our clock is an hour before that update.
    shop.now = shop.now.minus(Delay::from_hours(1));
    assert_eq!(shop.hear_of_deletion(0), 2 + 1);
    assert_eq!(shop.for_sale(2), [false; 2]);
    shop.hear(0, &offers(2), true);
    assert_eq!(shop.for_sale(2), [false; 2], "what it told before is older");
}

#[test]
fn a_deletion_that_was_overtaken_by_what_is_newer_takes_nothing_away() {
    let mut shop = Shop::new();
    shop.hear(2, &offers(2), true);
    shop.hear_of_deletion(3);
    assert_eq!(shop.for_sale(2), [true; 2]);
    // Before it was known at all, and then made again by a newer delivery.
    let mut shop = Shop::new();
    assert_eq!(shop.hear_of_deletion(3), 1);
    assert_eq!(shop.hear(4, &offers(2), true), 0);
    assert_eq!(shop.hear(2, &offers(2), true), 2);
    assert_eq!(shop.for_sale(2), [true; 2]);
    // The mark is no offer, and goes with its time.
    let found = wend::store::offer::find(&shop.sql, &[String::new()], &["p".to_owned()]).unwrap();
    assert!(found.is_empty(), "{found:?}");
    shop.now = shop.now.plus(GONE_KEPT).plus(Delay::from_hours(1));
    shop.begin();
    assert_eq!(shop.rows(), ["v0", "v1"]);
}

#[test]
fn a_batch_of_news_stays_as_it_is_until_it_was_told() {
    let mut shop = Shop::new();
    shop.hear(9, &offers(300), false);
    let out: Vec<Offer> = (0..300).map(|id| offer(id, "20.00", false)).collect();
    shop.hear(8, &out, false);
    shop.hear(7, &offers(200), false);
    let before = shop.sql.rows_written();
    let batch = shop.batch().unwrap();
    assert_eq!(batch.news.len(), 200);
    assert_eq!(shop.sql.rows_written() - before, 1);
    // More comes while it is told, and the object restarts.
    shop.hear(6, &offers(300)[200..], false);
    shop.catalogue = Catalogue::default();
    shop.now = shop.now.plus(Delay::from_minutes(5));
    assert_eq!(shop.batch(), Some(batch.clone()));
    shop.ask(CatalogueCall::Told { batch: batch.number });
    let next = shop.batch().unwrap();
    assert_eq!(next.news.len(), 100);
    assert!(next.number > batch.number);
    // Who comes late says nothing of this one.
    shop.ask(CatalogueCall::Told { batch: batch.number });
    assert_eq!(shop.batch(), Some(next.clone()));
    shop.ask(CatalogueCall::Told { batch: next.number });
    assert_eq!(shop.batch(), None);
}

#[test]
fn many_webhooks_are_one_batch_and_the_last_word_of_an_offer_counts() {
    let mut shop = Shop::new();
    shop.hear(99, &offers(3), false);
    for (hours_ago, price) in [(9, "19.00"), (8, "15.00"), (7, "12.00")] {
        shop.hear(hours_ago, &[offer(1, price, true)], false);
        shop.now = shop.now.plus(Delay::from_millis(1));
    }
    shop.hear(6, &[offer(2, "10.00", true)], false);
    let told: Vec<_> = shop
        .news()
        .into_iter()
        .map(|news| (news.offer.id, news.offer.price.unwrap().amount.to_string()))
        .collect();
    let expected = [("v1", "12.00"), ("v2", "10.00")].map(|(id, price)| (id.to_owned(), price.to_owned()));
    assert_eq!(told, expected);
}

#[test]
fn what_webhooks_told_is_in_the_log_once_for_each_product() {
    let mut shop = Shop::new();
    shop.read(&offers(9), whole());
    shop.hear(5, &offers(3), false);
    shop.hear(4, &offers(2), false);
    let other = Offer {
        product: None,
        ..offer(40, "20.00", true)
    };
    shop.hear(3, &[other], false);
    let before = shop.sql.rows_written();
    let mut asked = Asked {
        sources: vec![String::new()],
        verdict: None,
        before: Place::after_all_of(shop.now),
        limit: 1,
    };
    let mut lines = Vec::new();
    while let CatalogueAnswer::Log(page) = shop.ask(CatalogueCall::Log(asked.clone())) {
        let Some(line) = page.first() else { break };
        asked.before = line.place();
        lines.extend(page);
    }
    let hours = |line: &Line| shop.now.since(line.received_at).as_millis() / 3_600_000;
    let shown: Vec<_> = lines.iter().map(|line| (line.id.as_str(), hours(line))).collect();
    assert_eq!(shown, [(":product:v40", 3), (":product:p", 4)]);
    assert_eq!(lines[0].verdict, Verdict::Accepted);
    assert_eq!(shop.sql.rows_written(), before);
    // That one was taken away is said.
    shop.hear_of_deletion(1);
    asked.before = Place::after_all_of(shop.now);
    let CatalogueAnswer::Log(page) = shop.ask(CatalogueCall::Log(asked.clone())) else {
        panic!("no lines");
    };
    assert_eq!(page[0].reason.as_deref(), Some("its shop took it away"));
    // It came back since.
    shop.hear(0, &offers(2), true);
    asked.before = Place::after_all_of(shop.now);
    let CatalogueAnswer::Log(page) = shop.ask(CatalogueCall::Log(asked.clone())) else {
        panic!("no lines");
    };
    assert_eq!(
        (page[0].id.as_str(), page[0].reason.as_deref()),
        (":product:p", None)
    );
    asked.verdict = Some(Verdict::Ignored);
    assert_eq!(
        shop.ask(CatalogueCall::Log(asked)),
        CatalogueAnswer::Log(Vec::new())
    );
}
