//! The store's best sellers, as a mail shows them to this reader.
//!
//! Called by the model of a mail. They are picked by hand in `store.yaml`; a rule that picks them would stand here.

use super::model::Item;
use super::price::price;
use super::questions::translation_of;
use crate::domain::event::EventData;
use crate::domain::mail::header_text;
use crate::journey::store_file::StoreFile;

/// Two rows of two: a mail is no catalogue.
pub const SHOWN: usize = 4;

/// The first few, in the mail's language, without those that the mail is about: nobody needs to be shown what they just bought.
pub fn best_sellers(store: &StoreFile, data: &EventData, language: &str) -> Vec<Item> {
    let others = store.best_sellers.iter().filter_map(|product| {
        let translation = translation_of(&product.translations, (language, &store.locale));
        let title = translation.map_or(&product.title, |text| &text.title);
        let known = data.items.iter().any(|line| {
            let same_title = line.title == *title || line.title == product.title;
            same_title || line.url.as_ref() == Some(&product.url)
        });
        (!known).then(|| Item {
            title: header_text(title),
            variant: None,
            quantity: 1,
            price: product
                .price
                .map(|one| price(one.in_currency(store.currency), language)),
            image_url: product.image_url.clone(),
            url: Some(product.url.clone()),
        })
    });
    others.take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::LineItem;
    use std::sync::Arc;

    fn store() -> StoreFile {
        let mut store: StoreFile = serde_saphyr::from_str(include_str!("../../store.yaml")).unwrap();
        let products = ["Jug", "Board", "Blanket", "Candles", "Basket", "Vase"].map(|title| {
            let ru = if title == "Jug" {
                "{ru: {title: Кувшин}}"
            } else {
                "{}"
            };
            let url = format!("https://northfold.example/{title}");
            let text =
                format!("{{id: x, title: {title}, url: '{url}', price: '1299.50', translations: {ru}}}");
            serde_saphyr::from_str(&text).unwrap()
        });
        store.best_sellers = products.to_vec();
        store
    }

    fn titles(items: &[Item]) -> Vec<&str> {
        items.iter().map(|item| item.title.as_str()).collect()
    }

    #[test]
    fn four_are_shown_in_the_readers_language() {
        let nothing = EventData::default();
        let english = best_sellers(&store(), &nothing, "en-GB");
        assert_eq!(titles(&english), ["Jug", "Board", "Blanket", "Candles"]);
        assert_eq!(english[0].price.as_deref(), Some("£1,299.50"));
        let russian = best_sellers(&store(), &nothing, "ru");
        assert_eq!(titles(&russian)[..2], ["Кувшин", "Board"]);
        assert_eq!(russian[0].price.as_deref(), Some("1\u{a0}299,50\u{a0}£"));
    }

    #[test]
    fn what_the_mail_is_about_makes_room_for_the_next() {
        let line = |title: &str, url: &str| LineItem {
            title: title.to_owned(),
            variant: None,
            quantity: 1,
            price: None,
            sku: None,
            product_id: None,
            variant_id: None,
            image_url: None,
            url: Some(url.to_owned()),
        };
        let data = EventData {
            items: Arc::new(vec![
                line("Jug", "https://elsewhere.example/"),
                line("A board", "https://northfold.example/Board"),
            ]),
            ..EventData::default()
        };
        let shown = best_sellers(&store(), &data, "ru");
        assert_eq!(titles(&shown), ["Blanket", "Candles", "Basket", "Vase"]);
    }
}
