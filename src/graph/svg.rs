//! A picture as SVG: one file that needs nothing else, readable in light and dark, with its content in words.

use super::model::{Item, Label, Line, Model};
use super::place::{Edge, Node, Panel, Picture, Point, Rect, Shape, Text, Tone};
use super::style;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const CORNER: i32 = 10;

/// The file. Writing into a text cannot fail, so what `write!` answers is not looked at.
pub(super) fn svg(model: &Model, picture: &Picture) -> String {
    let Picture { width, height, .. } = picture;
    let looks = picture.nodes.iter().filter_map(|node| match node.shape {
        Shape::Card(look) => Some(look),
        Shape::Chip | Shape::Pill => None,
    });
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title desc\">\n\
         <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{}</style>\n\
         <rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n",
        escaped(&format!("Journey: {}", model.title)),
        escaped(&described(model)),
        style::sheet(&looks.collect()),
    );
    out.push_str("<g>\n");
    lines(&mut out, &picture.title);
    out.push_str("</g>\n");
    edges(&mut out, &picture.edges);
    for node in &picture.nodes {
        boxed(&mut out, node);
    }
    panel(&mut out, &picture.panel);
    out.push_str("</svg>\n");
    out
}

fn edges(out: &mut String, edges: &[Edge]) {
    // Ways that meet share their last part and their tip.
    let mut drawn = BTreeSet::new();
    for jump in [false, true] {
        let (class, tip_class) = if jump {
            ("jump", "jump-tip")
        } else {
            ("flow", "tip")
        };
        for edge in edges.iter().filter(|edge| edge.jump == jump) {
            let _ = writeln!(
                out,
                "<path class=\"{class}\" d=\"{}\"/>",
                rounded_path(&edge.points)
            );
            if let [.., before, end] = edge.points.as_slice()
                && drawn.insert((*end, jump))
            {
                let _ = writeln!(out, "<path class=\"{tip_class}\" d=\"{}\"/>", tip(*before, *end));
            }
        }
    }
}

/// Straight lines with round corners.
fn rounded_path(points: &[Point]) -> String {
    let mut path = String::new();
    if let Some(first) = points.first() {
        let _ = write!(path, "M{} {}", first.x, first.y);
    }
    for corner in points.windows(3) {
        let [a, b, c] = corner else { continue };
        let (before, after) = (toward(*b, *a), toward(*b, *c));
        let _ = write!(
            path,
            "L{} {}Q{} {} {} {}",
            before.x, before.y, b.x, b.y, after.x, after.y
        );
    }
    if let (Some(last), true) = (points.last(), points.len() > 1) {
        let _ = write!(path, "L{} {}", last.x, last.y);
    }
    path
}

/// The point a corner's radius away from `from`, or half of the way where that is less.
fn toward(from: Point, to: Point) -> Point {
    let step = |distance: i32| distance.signum() * (distance.abs() / 2).min(CORNER);
    from.moved(step(to.x - from.x), step(to.y - from.y))
}

fn tip(before: Point, end: Point) -> String {
    let (x, y) = ((end.x - before.x).signum(), (end.y - before.y).signum());
    let back = end.moved(-7 * x, -7 * y);
    let (a, b) = (back.moved(4 * y, 4 * x), back.moved(-4 * y, -4 * x));
    format!("M{} {}L{} {}L{} {}z", end.x, end.y, a.x, a.y, b.x, b.y)
}

fn boxed(out: &mut String, node: &Node) {
    let Rect { x, y, w, h } = node.rect;
    let class = match node.shape {
        Shape::Card(look) => style::sign(look).class,
        Shape::Chip | Shape::Pill => "label",
    };
    let id = node
        .step
        .as_ref()
        .map(|step| format!(" data-step=\"{}\"", escaped(step.as_str())));
    let id = id.unwrap_or_default();
    let _ = writeln!(out, "<g class=\"{class}\" transform=\"translate({x} {y})\"{id}>");
    match node.shape {
        Shape::Card(look) => {
            let _ = writeln!(
                out,
                "<rect class=\"card\" width=\"{w}\" height=\"{h}\" rx=\"10\"/>\n\
                 <rect class=\"tint\" x=\"12\" y=\"13\" width=\"32\" height=\"32\" rx=\"9\"/>\n\
                 <path class=\"sign\" transform=\"translate(18 19)\" d=\"{}\"/>",
                style::sign(look).strokes
            );
        }
        Shape::Chip => {
            let _ = writeln!(
                out,
                "<rect class=\"chip\" width=\"{w}\" height=\"{h}\" rx=\"9\"/>"
            );
        }
        Shape::Pill => {
            let round = h / 2;
            let _ = writeln!(
                out,
                "<rect class=\"pill\" width=\"{w}\" height=\"{h}\" rx=\"{round}\"/>"
            );
        }
    }
    lines(out, &node.text);
    out.push_str("</g>\n");
}

fn panel(out: &mut String, panel: &Panel) {
    let Rect { x, y, w, h } = panel.rect;
    let _ = writeln!(
        out,
        "<g transform=\"translate({x} {y})\">\n<rect class=\"panel\" width=\"{w}\" height=\"{h}\" rx=\"10\"/>"
    );
    for rule in &panel.rules {
        let _ = writeln!(out, "<path class=\"rule\" d=\"M18 {rule}H{}\"/>", w - 18);
    }
    lines(out, &panel.text);
    out.push_str("</g>\n");
}

fn lines(out: &mut String, text: &[Text]) {
    for line in text {
        let class = match line.tone {
            Tone::Title => "title",
            Tone::Subtitle => "subtitle",
            Tone::Does => "does",
            Tone::Heading => "heading",
            Tone::Words => "words",
            Tone::Code => "code",
            Tone::Chip => "chip-text",
        };
        let middle = if line.centered { " middle" } else { "" };
        let (Point { x, y }, words) = (line.at, escaped(&line.words));
        let _ = writeln!(
            out,
            "<text class=\"{class}{middle}\" x=\"{x}\" y=\"{y}\">{words}</text>"
        );
    }
}

/// The picture for who cannot see it: every card and arm in the order of the file.
fn described(model: &Model) -> String {
    let mut sentences = Vec::new();
    for chain in std::iter::once(&model.chain).chain(&model.apart) {
        items(&chain.items, &mut sentences);
    }
    for section in &model.panel {
        let lines: Vec<&str> = section.lines.iter().map(said).collect();
        sentences.push(format!("{}: {}", section.heading, lines.join(", ")));
    }
    sentences.join(". ")
}

fn items(items: &[Item], sentences: &mut Vec<String>) {
    for item in items {
        let card = &item.card;
        let mut sentence = format!("{} {}", card.does, card.heading).trim().to_owned();
        for line in &card.lines {
            sentence.push_str(", ");
            sentence.push_str(said(line));
        }
        sentences.push(sentence);
        for arm in &item.arms {
            sentences.push(match &arm.label {
                Label::Words(words) => format!("If {words}"),
                Label::Code(words) => format!("If {words}"),
                Label::Share(percent, name) => format!("{percent} % take {name}"),
            });
            self::items(&arm.chain.items, sentences);
        }
    }
}

fn said(line: &Line) -> &str {
    match line {
        Line::Strong(words) | Line::Words(words) | Line::Code(words) => words,
    }
}

/// Text as XML takes it; what XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{FFFE}' | '\u{FFFF}' => {}
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
