//! What the pages say and what mails call their links, in the reader's language: the build makes one struct a language of
//! `templates/words/`.

use super::translation::nearest;
use crate::domain::grounds::Grounds;
use chrono::{Datelike, NaiveDate};

include!(concat!(env!("OUT_DIR"), "/words.rs"));

/// The words for somebody who reads the first of these languages that there are words in; else the store's own; else
/// English.
pub fn words<'a>(wanted: impl IntoIterator<Item = &'a str>, own: &str) -> &'static Words {
    let tags: Vec<&'static str> = WORDS.iter().map(|words| words.tag).collect();
    let tag = wanted
        .into_iter()
        .find_map(|wanted| nearest(&tags, wanted))
        .or_else(|| nearest(&tags, own));
    let [english, ..] = &WORDS;
    WORDS
        .iter()
        .find(|words| Some(words.tag) == tag)
        .unwrap_or(english)
}

/// The languages of an `Accept-Language`, in the order that browsers write them: by preference (RFC 9110, 12.5.4).
pub fn accepted(header: &str) -> impl Iterator<Item = &str> {
    let ranges = header
        .split(',')
        .map(|range| range.split(';').next().unwrap_or(range).trim());
    ranges.filter(|range| !range.is_empty() && *range != "*")
}

impl Words {
    /// `31 May 2027`, as the language writes it.
    pub fn day(&self, date: NaiveDate) -> String {
        let month = self.months.split_whitespace().nth(date.month0() as usize);
        self.date
            .replace("{day}", &date.day().to_string())
            .replace("{month}", month.unwrap_or_default())
            .replace("{year}", &date.year().to_string())
    }

    /// Why a mail came, for its last lines.
    pub fn reason(&self, grounds: Grounds, email: &str, store: &str) -> String {
        let said = match grounds {
            Grounds::Subscribed => self.mail_reason_subscribed,
            Grounds::Bought => self.mail_reason_bought,
            Grounds::BeganOrder => self.mail_reason_began,
            Grounds::Unsaid => self.mail_reason,
        };
        // The address last: anybody's may hold braces, the store's name is its owner's.
        said.replace("{store}", store).replace("{email}", email)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_read_their_own_language_or_the_shops() {
        let tag = |wanted: &[&str], own| words(wanted.iter().copied(), own).tag;
        assert_eq!(tag(&["de-AT"], "en-GB"), "de");
        assert_eq!(tag(&["pl", "fr-CA"], "en-GB"), "fr");
        assert_eq!(tag(&["pl"], "ru-RU"), "ru");
        assert_eq!(tag(&[], "pl"), "en");
        let browser: Vec<&str> = accepted("de-CH, de;q=0.9, *;q=0.5").collect();
        assert_eq!(browser, ["de-CH", "de"]);
    }

    #[test]
    fn a_reason_names_the_reader_and_the_shop_in_each_language() {
        for words in &WORDS {
            for grounds in [
                Grounds::Subscribed,
                Grounds::Bought,
                Grounds::BeganOrder,
                Grounds::Unsaid,
            ] {
                let said = words.reason(grounds, "{store}@example.com", "Northfold");
                assert!(
                    said.contains("{store}@example.com") && said.contains("Northfold"),
                    "{said}"
                );
            }
        }
    }

    #[test]
    fn a_day_is_written_as_the_language_does() {
        let date = NaiveDate::from_ymd_opt(2027, 5, 31).unwrap();
        let day = |tag: &str| words([tag], "en").day(date);
        assert_eq!(day("en"), "31 May 2027");
        assert_eq!(day("de"), "31. Mai 2027");
        assert_eq!(day("es"), "31 de mayo de 2027");
        assert_eq!(day("ru"), "31 мая 2027");
    }
}
