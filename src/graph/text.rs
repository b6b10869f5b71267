//! How wide a text is, and how it breaks: fonts differ from machine to machine, so widths are those of a wide one.

/// A face in which a text is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Plain,
    Bold,
    Code,
}

/// Width in pixels at a font size; at least that of Verdana or DejaVu Sans, the widest that systems bring along.
pub(super) fn width(text: &str, size: i32, face: Face) -> i32 {
    let thousandths: i32 = text.chars().map(|letter| advance(letter, face)).sum();
    (thousandths * size + 999) / 1000
}

fn advance(letter: char, face: Face) -> i32 {
    if !letter.is_ascii() {
        return match letter {
            '“' | '”' | '·' | '−' | '–' | '…' | '’' => 850,
            // Latin, Greek and Cyrillic letters with marks.
            letter if letter < '\u{600}' => 820,
            letter if letter < '\u{10000}' => 1050,
            _ => 1400,
        };
    }
    let plain = match letter {
        'i' | 'j' | 'l' | 'I' | '\'' | '|' | '.' | ',' | ':' | ';' | '!' | ' ' => 360,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '-' | '\\' => 430,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 1000,
        letter if letter.is_ascii_uppercase() => 770,
        '=' | '<' | '>' | '+' | '&' | '#' | '~' | '^' | '_' => 840,
        _ => 640,
    };
    match face {
        Face::Plain => plain,
        Face::Bold => plain * 112 / 100,
        Face::Code => 620,
    }
}

/// Lines no wider than `most`: broken at blanks and behind `-`, and within words only when a word alone is too wide.
/// What is more than `lines` ends in `…`.
pub(super) fn wrap(text: &str, most: i32, size: i32, face: Face, lines: usize) -> Vec<String> {
    let fits = |text: &str| width(text.trim_end(), size, face) <= most;
    let mut done: Vec<String> = Vec::new();
    let mut line = String::new();
    for piece in pieces(text) {
        let joined = format!("{line}{piece}");
        if fits(&joined) {
            line = joined;
            continue;
        }
        if !line.trim().is_empty() {
            done.push(std::mem::take(&mut line).trim_end().to_owned());
        }
        for letter in piece.chars() {
            if !fits(&format!("{line}{letter}")) && !line.is_empty() {
                done.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    if !line.trim().is_empty() {
        done.push(line.trim_end().to_owned());
    }
    if done.len() > lines {
        done.truncate(lines);
        if let Some(last) = done.last_mut() {
            while !last.is_empty() && !fits(&format!("{last}…")) {
                last.pop();
            }
            last.push('…');
        }
    }
    done
}

/// Words with the blank or the `-` behind them; blanks of all kinds are one.
fn pieces(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    for word in text.split_whitespace() {
        let mut parts: Vec<String> = word.split_inclusive('-').map(str::to_owned).collect();
        if let Some(last) = parts.last_mut() {
            last.push(' ');
        }
        all.extend(parts);
    }
    all
}
