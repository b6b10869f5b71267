//! `questions:` and `gifts:` of `store.yaml`: what a mail asks by links, and what it lets the reader open.
//!
//! Mails and pages show them, a turn records what came of them. Whether a declaration makes sense is said by
//! `store_check`, at build.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

/// Something that mails ask. Its answers are either named or the numbers of a scale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// What templates call it, and the attribute of the contact that holds the answer.
    pub id: String,
    pub text: String,
    #[serde(default, with = "scale", skip_serializing_if = "Option::is_none")]
    pub scale: Option<Scale>,
    /// What the ends of the scale mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Named>,
    /// Who is asked for a comment, on the page behind the answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<Comment>,
    /// By the tag of a language.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, QuestionText>,
}

/// An answer in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Named {
    pub id: String,
    pub text: String,
}

/// A question in another language than the store's. What it leaves out stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionText {
    pub text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
    /// By the ids of the answers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub answers: BTreeMap<String, String>,
}

/// Whole numbers from the first to the last, as `0-10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    pub from: u8,
    pub to: u8,
}

/// Whom a question asks for a comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Comment {
    Everybody,
    /// Those who answered with one of these numbers.
    Within(Scale),
}

/// A code behind a link, revealed once to each contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gift {
    /// What templates call it.
    pub id: String,
    /// The heading of its page.
    pub title: String,
    /// What the code is good for, shown below it.
    pub text: String,
    /// Where the codes come from (docs/coupons.md).
    pub pool: String,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub translations: BTreeMap<String, GiftText>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiftText {
    pub title: String,
    pub text: String,
}

/// An answer that a reader can give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub id: String,
    pub text: String,
    /// The number, on a scale.
    pub score: Option<u8>,
}

impl Question {
    /// All answers in their order, as a reader of this translation sees them.
    pub fn answers(&self, translation: Option<&QuestionText>) -> Vec<Answer> {
        if let Some(Scale { from, to }) = self.scale {
            let number = |score: u8| Answer {
                id: score.to_string(),
                text: score.to_string(),
                score: Some(score),
            };
            return (from..=to).map(number).collect();
        }
        let named = |answer: &Named| {
            let translated = translation.and_then(|texts| texts.answers.get(&answer.id));
            Answer {
                id: answer.id.clone(),
                text: translated.unwrap_or(&answer.text).clone(),
                score: None,
            }
        };
        self.answers.iter().map(named).collect()
    }

    /// Whether who gave this answer is asked for a comment.
    pub fn asks_comment(&self, answer: &Answer) -> bool {
        match (self.comment, answer.score) {
            (None, _) | (Some(Comment::Within(_)), None) => false,
            (Some(Comment::Everybody), _) => true,
            (Some(Comment::Within(range)), Some(score)) => (range.from..=range.to).contains(&score),
        }
    }
}

impl FromStr for Scale {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || format!("expected the first and the last number, as `0-10`, found `{text}`");
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let number = |part: &str| part.trim().parse::<u8>().map_err(|_| wrong());
        let scale = Self {
            from: number(from)?,
            to: number(to)?,
        };
        // Eleven buttons are what a phone has room for.
        if scale.from >= scale.to || scale.to > 10 {
            return Err(wrong());
        }
        Ok(scale)
    }
}

impl fmt::Display for Scale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.from, self.to)
    }
}

impl TryFrom<String> for Comment {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text == "everybody" {
            return Ok(Self::Everybody);
        }
        let range = text.parse().map(Self::Within);
        range.map_err(|_| format!("expected `everybody`, or a part of the scale as `0-6`, found `{text}`"))
    }
}

impl From<Comment> for String {
    fn from(comment: Comment) -> Self {
        match comment {
            Comment::Everybody => "everybody".to_owned(),
            Comment::Within(range) => range.to_string(),
        }
    }
}

mod scale {
    use super::Scale;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    pub fn serialize<S: Serializer>(scale: &Option<Scale>, to: S) -> Result<S::Ok, S::Error> {
        scale.map(|scale| scale.to_string()).serialize(to)
    }

    pub fn deserialize<'d, D: Deserializer<'d>>(from: D) -> Result<Option<Scale>, D::Error> {
        let text = Option::<String>::deserialize(from)?;
        text.map(|text| text.parse().map_err(de::Error::custom))
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_is_two_numbers_of_which_the_first_is_less() {
        assert_eq!("0-10".parse(), Ok(Scale { from: 0, to: 10 }));
        for wrong in ["", "10", "5-5", "6-0", "0-11", "a-b", "0-300", "-1-5"] {
            assert!(wrong.parse::<Scale>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_some_are_asked_for_a_comment() {
        let text = "{id: nps, text: Would you?, scale: 0-10, comment: 0-6}";
        let question: Question = serde_saphyr::from_str(text).unwrap();
        let asked = question.answers(None);
        let asked = asked.iter().filter(|answer| question.asks_comment(answer));
        assert_eq!(
            asked.map(|answer| answer.text.as_str()).collect::<String>(),
            "0123456"
        );
        let json = serde_json::to_string(&question).unwrap();
        assert_eq!(serde_json::from_str::<Question>(&json).unwrap(), question);
    }

    #[test]
    fn answers_are_read_in_the_readers_language() {
        let text = "{id: why, text: Why?, answers: [{id: gift, text: A gift}, {id: self, text: For me}],
                     translations: {ru: {text: Зачем?, answers: {gift: Подарок}}}}";
        let question: Question = serde_saphyr::from_str(text).unwrap();
        let russian = question.answers(question.translations.get("ru"));
        let texts: Vec<&str> = russian.iter().map(|answer| answer.text.as_str()).collect();
        assert_eq!(texts, ["Подарок", "For me"]);
    }
}
