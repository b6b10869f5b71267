//! Russian typography: a short word does not end a line, nor does a dash begin one, and a number stays with what it counts.
//!
//! Called where the HTML of a mail was just rendered, so templates are written with plain spaces. It changes no word, nothing in
//! tags, comments and styles, and no other language; text parts are left alone, as mail programs break their lines by themselves.

use super::tags::tags;

/// As HTML writes a space that does not break.
const BOUND: &str = "&#160;";
/// The longest word that does not end a line: `в`, `на`, `не`.
const SHORT: usize = 2;
/// The longest number that stays with the word behind it: longer ones are codes.
const DIGITS: usize = 4;
/// Tags in the middle of a line.
const WITHIN_A_LINE: &[&str] = &["a", "strong", "b", "em", "i", "span"];

/// The HTML with its spaces bound, when it is in Russian.
pub fn bound(html: String, language: &str) -> String {
    if language.split('-').next() != Some("ru") {
        return html;
    }
    let mut typeset = String::with_capacity(html.len() + html.len() / 8);
    let (mut from, mut is_text) = (0, false);
    for tag in tags(&html) {
        let runs_on = !tag.ends && WITHIN_A_LINE.iter().any(|name| tag.is(name));
        let before = html.get(from..tag.at).unwrap_or_default();
        push(&mut typeset, before, (is_text, runs_on));
        typeset.push_str(html.get(tag.at..tag.after).unwrap_or_default());
        from = tag.after;
        // What stands in these is not shown as text; nothing is before the body.
        is_text = (is_text || tag.is("body")) && (tag.ends || !tag.is("style"));
    }
    let rest = html.get(from..).unwrap_or_default();
    push(&mut typeset, rest, (is_text, false));
    typeset
}

/// What stands between two tags; its line may run on in the second. Comments are for Outlook and hold tags: such a piece
/// stays as it is.
fn push(typeset: &mut String, text: &str, (is_text, runs_on): (bool, bool)) {
    if !is_text || text.contains("<!--") {
        typeset.push_str(text);
        return;
    }
    let mut word = Word::default();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let next = letters.peek().copied();
        let binds = match next {
            Some('—') => true,
            Some(next) => word.holds() && !next.is_whitespace(),
            None => word.holds() && runs_on,
        };
        if letter == ' ' && binds {
            typeset.push_str(BOUND);
        } else {
            typeset.push(letter);
        }
        word.goes_on(letter);
    }
}

/// The word before a place in a text.
#[derive(Default)]
struct Word {
    length: usize,
    letters: bool,
    digits: bool,
}

impl Word {
    fn goes_on(&mut self, letter: char) {
        if letter.is_whitespace() || matches!(letter, '(' | '«' | '„') {
            *self = Self::default();
            return;
        }
        let starts = self.length == 0;
        self.letters = (starts || self.letters) && (is_cyrillic(letter) || letter == '№');
        self.digits = (starts || self.digits) && letter.is_ascii_digit();
        self.length += 1;
    }

    /// Whether what follows stays on its line.
    const fn holds(&self) -> bool {
        (self.letters && self.length <= SHORT) || (self.digits && self.length <= DIGITS)
    }
}

const fn is_cyrillic(letter: char) -> bool {
    matches!(letter, 'А'..='я' | 'Ё' | 'ё')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn russian(text: &str) -> String {
        let html = bound(format!("<body><p>{text}</p></body>"), "ru");
        html.replace("<body><p>", "")
            .replace("</p></body>", "")
            .replace(BOUND, "~")
    }

    #[test]
    fn a_short_word_stays_with_the_next() {
        assert_eq!(russian("Вещи и всё, что к ним"), "Вещи и~всё, что к~ним");
        assert_eq!(russian("(в пути) «На связи»"), "(в~пути) «На~связи»");
        assert_eq!(russian("заказ № 1042 в пути"), "заказ №~1042~в~пути");
        assert_eq!(russian("Мы — это магазин"), "Мы~— это магазин");
        assert_eq!(russian("на <a>адрес</a> и <br>"), "на~<a>адрес</a> и <br>");
    }

    #[test]
    fn a_number_stays_with_what_it_counts() {
        assert_eq!(russian("до 21 сентября 2026"), "до~21~сентября 2026");
        assert_eq!(russian("код 790000001 действует"), "код 790000001 действует");
    }

    #[test]
    fn names_prices_and_other_languages_stay_as_they_are() {
        assert_eq!(
            russian("Анна-Мария О'Коннор, Al Green"),
            "Анна-Мария О'Коннор, Al Green"
        );
        assert_eq!(russian("конец в "), "конец в ");
        let english = "<body><p>It is on its way</p></body>";
        assert_eq!(bound(english.to_owned(), "en-GB"), english);
    }

    #[test]
    fn what_is_no_text_is_left_alone() {
        let html = "<head><title>Всё в силе</title><style>а б</style></head><body><!--[if mso]>а б<![endif]-->\
                    <a title=\"а б\" href=\"/а б\">о нас</a></body>";
        assert_eq!(
            bound(html.to_owned(), "ru-RU"),
            html.replace("о нас", "о&#160;нас")
        );
    }

    proptest! {
        #[test]
        fn only_spaces_change(text in "([а-яё]{1,4}|[0-9]{1,5}|<b>|</b>|—| ){0,40}") {
            let html = format!("<body>{text}</body>");
            prop_assert_eq!(bound(html.clone(), "ru").replace(BOUND, " "), html);
        }
    }
}
