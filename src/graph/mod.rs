//! A journey as a picture: what `wend graph` writes. Pure, and never part of the Worker.
//!
//! `model` says what a journey shows, in words; `layout` and `route` where it stands; `svg` how it looks. A new kind of
//! step gets its words in `model/words.rs`, where the compiler asks for them, and nothing else here.

mod boxes;
mod layout;
mod model;
mod place;
mod route;
mod style;
mod svg;
mod text;

#[cfg(test)]
mod tests;

use crate::journey::definition::Journey;
use std::collections::BTreeMap;

/// What the mails' subjects are, by the name of the email; those that are not known are not shown.
pub type Subjects = BTreeMap<String, String>;

/// The journey as an SVG file that stands alone.
pub fn draw(journey: &Journey, subjects: &Subjects) -> String {
    let model = model::model(journey, subjects);
    svg::svg(&model, &layout::layout(&model))
}
