//! What people do with a mail: open it, click, answer what it asks, unwrap what it gives, or leave. Drawn when it goes out.

use super::draw::Draw;
use super::people::{Choosing, Deed, Person, Reading, What};
use super::rates::Rates;
use crate::domain::time::{Delay, Timestamp};
use crate::journey::question::Question;

/// Of answers on a scale: how many are among its two highest, and how many among the two below.
const DELIGHTED: f64 = 0.45;
const CONTENT: f64 = 0.30;
/// Of answers that ask for a comment, how many get one.
const COMMENTS: f64 = 0.3;

/// A mail as its reader has it before them.
pub struct Letter<'a> {
    pub message: &'a str,
    pub at: Timestamp,
    pub questions: Vec<&'a Question>,
    pub gifts: Vec<&'a str>,
}

/// Opens, clicks and the rest: the next one only after the one before.
pub fn reactions(person: &mut Person, rates: &Rates, letter: &Letter<'_>) -> Vec<Deed> {
    let sleeps = person.sleeps;
    let draw = &mut person.draw;
    let opened = letter
        .at
        .plus(draw.between(Delay::from_minutes(3), Delay::from_hours(20)));
    let clicked = opened.plus(draw.between(Delay::from_seconds(5), Delay::from_minutes(5)));
    let left = opened.plus(draw.between(Delay::from_seconds(5), Delay::from_minutes(2)));
    let message = || letter.message.to_owned();
    // Those who do open, open so much more.
    let open_rate = (rates.opens / (1.0 - rates.sleepers).max(0.01)).min(1.0);
    let mut deeds = Vec::new();
    if draw.chance(open_rate) && !sleeps {
        deeds.push((opened, What::Reads(Reading::Open(message()))));
        let conditional = |share: f64| (share / rates.opens).min(1.0);
        for question in &letter.questions {
            if draw.chance(conditional(rates.answers)) {
                let answer = answer(draw, question, letter.message);
                deeds.extend(answer.map(|answer| (clicked, What::Chooses(answer))));
            }
        }
        for gift in &letter.gifts {
            if draw.chance(conditional(rates.gifts)) {
                let gift = (*gift).to_owned();
                let message = message();
                deeds.push((clicked, What::Chooses(Choosing::Unwrap { message, gift })));
            }
        }
        if draw.chance(conditional(rates.clicks)) {
            deeds.push((clicked, What::Reads(Reading::Click(message()))));
        }
        if draw.chance(conditional(rates.unsubscribes)) {
            deeds.push((left, What::Chooses(Choosing::Unsubscribe(message()))));
        }
    }
    let person = person.number;
    let deed = |(at, what)| Deed { at, person, what };
    deeds.into_iter().map(deed).collect()
}

fn answer(draw: &mut Draw, question: &Question, message: &str) -> Option<Choosing> {
    let answers = question.answers(None);
    let last = u8::try_from(answers.len()).ok()?.checked_sub(1)?;
    let at = match question.scale {
        Some(_) => score(draw, last),
        None => draw.below(last + 1),
    };
    let chosen = answers.get(usize::from(at))?;
    Some(Choosing::Answer {
        message: message.to_owned(),
        question: question.id.clone(),
        answer: chosen.id.clone(),
        comment: question.asks_comment(chosen) && draw.chance(COMMENTS),
    })
}

/// Most are well served, and some are not.
fn score(draw: &mut Draw, last: u8) -> u8 {
    let mood = draw.share();
    if mood < DELIGHTED {
        last.saturating_sub(draw.below(2))
    } else if mood < DELIGHTED + CONTENT {
        last.saturating_sub(2 + draw.below(2))
    } else {
        draw.below(last.saturating_sub(3).max(1))
    }
}
