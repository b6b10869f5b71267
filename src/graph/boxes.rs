//! Boxes and the text in them: how large a card, a chip or the panel becomes by what it says.

use super::model::{Card, Label, Line, Look, Section};
use super::place::{Node, Panel, Point, Rect, Shape, Text, Tone};
use super::text::{width, wrap};

const CARD_WIDTH: i32 = 250;
/// Where the text of a card begins: right of its sign.
const CARD_TEXT: i32 = 54;
const CARD_PADDING: i32 = 13;
const CHIP_WIDTH_MAX: i32 = 210;
const CHIP_PADDING: i32 = 11;
const PANEL_WIDTH: i32 = 264;
const PANEL_PADDING: i32 = 18;
const LINES_MAX: usize = 5;

/// A column of lines that grows downwards.
struct Column {
    x: i32,
    width: i32,
    y: i32,
    centered: bool,
    text: Vec<Text>,
}

impl Column {
    fn add(&mut self, words: &str, tone: Tone, lines: usize) {
        for words in wrap(words, self.width, tone.size(), tone.face(), lines) {
            self.y += tone.leading();
            let x = if self.centered {
                self.x + self.width / 2
            } else {
                self.x
            };
            // Letters stand on the line; what hangs below it needs a fifth of the size.
            let at = Point::new(x, self.y - tone.leading() / 4);
            let centered = self.centered;
            self.text.push(Text {
                at,
                words,
                tone,
                centered,
            });
        }
    }

    fn line(&mut self, line: &Line) {
        match line {
            Line::Strong(words) => self.add(words, Tone::Heading, LINES_MAX),
            Line::Words(words) => self.add(words, Tone::Words, LINES_MAX),
            Line::Code(words) => self.add(words, Tone::Code, LINES_MAX),
        }
    }
}

/// A card at the origin.
pub(super) fn card(card: &Card) -> Node {
    if card.look == Look::End {
        let mut pill = pill(&card.heading);
        pill.step.clone_from(&card.step);
        return pill;
    }
    let mut column = Column {
        x: CARD_TEXT,
        width: CARD_WIDTH - CARD_TEXT - CARD_PADDING,
        y: CARD_PADDING - 3,
        centered: false,
        text: Vec::new(),
    };
    column.add(&card.does, Tone::Does, 2);
    column.y += 1;
    column.add(&card.heading, Tone::Heading, LINES_MAX);
    column.y += 2;
    for line in &card.lines {
        column.line(line);
    }
    let rect = Rect {
        x: 0,
        y: 0,
        w: CARD_WIDTH,
        h: column.y + CARD_PADDING,
    };
    Node {
        rect,
        shape: Shape::Card(card.look),
        step: card.step.clone(),
        text: column.text,
    }
}

/// What stands on an edge, at the origin.
pub(super) fn chip(label: &Label) -> Node {
    let (words, tone) = match label {
        Label::Words(words) => (words.clone(), Tone::Chip),
        Label::Code(words) => (words.clone(), Tone::Code),
        Label::Share(percent, name) if name.is_empty() => (format!("{percent} %"), Tone::Chip),
        Label::Share(percent, name) => (format!("{percent} % · {name}"), Tone::Chip),
    };
    centered(&words, tone, Shape::Chip, 5)
}

/// An end, at the origin.
pub(super) fn pill(words: &str) -> Node {
    centered(words, Tone::Chip, Shape::Pill, 7)
}

fn centered(words: &str, tone: Tone, shape: Shape, above: i32) -> Node {
    let most = CHIP_WIDTH_MAX - 2 * CHIP_PADDING;
    let lines = wrap(words, most, tone.size(), tone.face(), LINES_MAX);
    let widest = lines
        .iter()
        .map(|line| width(line, tone.size(), tone.face()))
        .max();
    // Even, so that its middle is a whole pixel.
    let inside = (widest.unwrap_or(0).max(24) + 1) / 2 * 2;
    let mut column = Column {
        x: CHIP_PADDING,
        width: inside,
        y: above,
        centered: true,
        text: Vec::new(),
    };
    for line in &lines {
        column.add(line, tone, LINES_MAX);
    }
    let rect = Rect {
        x: 0,
        y: 0,
        w: inside + 2 * CHIP_PADDING,
        h: column.y + above,
    };
    Node {
        rect,
        shape,
        step: None,
        text: column.text,
    }
}

/// The list at the side, at the origin.
pub(super) fn panel(sections: &[Section]) -> Panel {
    let mut column = Column {
        x: PANEL_PADDING,
        width: PANEL_WIDTH - 2 * PANEL_PADDING,
        y: PANEL_PADDING - 4,
        centered: false,
        text: Vec::new(),
    };
    let mut rules = Vec::new();
    for (number, section) in sections.iter().enumerate() {
        if number > 0 {
            column.y += 13;
            rules.push(column.y);
            column.y += 9;
        }
        column.add(&section.heading, Tone::Does, 1);
        for line in &section.lines {
            // Each rule of several begins with its strong line.
            column.y += if matches!(line, Line::Strong(_)) { 5 } else { 1 };
            column.line(line);
        }
    }
    let rect = Rect {
        x: 0,
        y: 0,
        w: PANEL_WIDTH,
        h: column.y + PANEL_PADDING,
    };
    Panel {
        rect,
        text: column.text,
        rules,
    }
}

/// The title and the line below it, and how high they are.
pub(super) fn title(title: &str, subtitle: &str, most: i32) -> (Vec<Text>, i32) {
    let mut column = Column {
        x: 0,
        width: most,
        y: 0,
        centered: false,
        text: Vec::new(),
    };
    column.add(title, Tone::Title, 2);
    column.y += 2;
    column.add(subtitle, Tone::Subtitle, 2);
    (column.text, column.y)
}
