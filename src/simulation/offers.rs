//! The catalogue in a scenario: `offer coffee price=20` is what a shop's webhook tells of a product, and the telling that cron
//! would follow it up with. Called by the player; the turns are those of production.

use super::Failure;
use super::player::{Player, Watcher};
use super::story::Line;
use crate::domain::money::{Currency, Money};
use crate::domain::offer::Offer;
use crate::domain::shard::ShardIndex;
use crate::store::offer_news::Batch;
use crate::turn::call::{Answer, Call};
use crate::turn::catalogue::{Catalogue, CatalogueAnswer, CatalogueCall, Posted};

/// By how many percent a price must fall to be news.
const PERCENT: u8 = 5;

impl<W: Watcher> Player<W> {
    /// A product as its shop has it from now on: `price=20`, `out` of stock.
    pub(super) fn offer(&mut self, line: &Line) -> Result<(), Failure> {
        let currency = Currency::parse("GBP").map_err(|error| line.wrong(error))?;
        let price = line.option("price").map(|text| Money::parse(text, currency));
        let price = price.transpose().map_err(|error| line.wrong(error))?;
        let id = line.word(1).to_owned();
        let call = CatalogueCall::Product(Posted {
            space: String::new(),
            product: id.clone(),
            offers: vec![Offer {
                title: Some(id.clone()),
                product: Some(id.clone()),
                available: !line.flag("out"),
                price,
                id,
                ..Offer::default()
            }],
            whole: false,
            percent: PERCENT,
            run: format!("line:{}", line.place),
            as_of: None,
            now: self.world.now,
        });
        let mut catalogue = Catalogue::default();
        catalogue.serve(&self.world.store, call)?;
        let now = self.world.now;
        let answer = catalogue.serve(&self.world.store, CatalogueCall::News { now })?;
        if let CatalogueAnswer::News(Some(batch)) = answer {
            for shard in self.world.indices() {
                self.tell_shard(shard, &batch)?;
            }
            let batch = batch.number;
            catalogue.serve(&self.world.store, CatalogueCall::Told { batch })?;
        }
        self.watcher.look(&self.world)
    }

    fn tell_shard(&self, shard: ShardIndex, batch: &Batch) -> Result<(), Failure> {
        loop {
            let call = Call::TellNews(Box::new(batch.clone()));
            match self.world.call(shard, call)? {
                Answer::NewsHeard(heard) if !heard.all => {}
                _ => return Ok(()),
            }
        }
    }
}
