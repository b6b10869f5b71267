//! The catalogue of a pretend shop: what its webhook tells of a product, and the telling that cron would follow it up with.
//! Called by the player (`offer coffee price=20`) and by populations; the turns are those of production.

use super::Failure;
use super::player::{Player, Watcher};
use super::story::Line;
use super::world::World;
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
        let offer = Offer {
            title: Some(id.clone()),
            product: Some(id.clone()),
            available: !line.flag("out"),
            price,
            id,
            ..Offer::default()
        };
        self.world.tell_offer(offer, format!("line:{}", line.place))?;
        self.watcher.look(&self.world)
    }
}

impl World {
    /// A product of one variant, as its shop has it from now on. `run` names the telling.
    ///
    /// # Errors
    /// When a turn fails.
    pub(super) fn tell_offer(&self, offer: Offer, run: String) -> Result<(), Failure> {
        let call = CatalogueCall::Product(Posted {
            space: String::new(),
            product: offer.id.clone(),
            offers: vec![offer],
            whole: false,
            percent: PERCENT,
            run,
            as_of: None,
            now: self.now,
        });
        let mut catalogue = Catalogue::default();
        catalogue.serve(&self.store, call)?;
        let news = CatalogueCall::News { now: self.now };
        if let CatalogueAnswer::News(Some(batch)) = catalogue.serve(&self.store, news)? {
            for shard in self.indices() {
                self.tell_shard(shard, &batch)?;
            }
            let batch = batch.number;
            catalogue.serve(&self.store, CatalogueCall::Told { batch })?;
        }
        Ok(())
    }

    fn tell_shard(&self, shard: ShardIndex, batch: &Batch) -> Result<(), Failure> {
        loop {
            let call = Call::TellNews(Box::new(batch.clone()));
            let Answer::NewsHeard(heard) = self.call(shard, call)? else {
                return Ok(());
            };
            if heard.all {
                return Ok(());
            }
        }
    }
}
