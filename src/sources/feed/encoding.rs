//! The bytes of a feed as text, piece by piece, in the encoding that its first line declares.
//!
//! Called by [`super::FeedReader`]. UTF-8 and the two single-byte encodings of Russian shops, whose upper halves stand here: a
//! library's tables for all the world's encodings are a tenth of the Worker. A byte that means nothing becomes U+FFFD.

use super::FeedError;

/// The first bytes of a file, in which an XML declaration ends.
const HEAD_BYTES: usize = 256;

const WINDOWS_1251: &str = "ЂЃ‚ѓ„…†‡€‰Љ‹ЊЌЋЏђ‘’“”•–—\u{98}™љ›њќћџ\u{a0}ЎўЈ¤Ґ¦§Ё©Є«¬\u{ad}®Ї°±Ііґµ¶·ё№є»јЅѕїАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";
const KOI8_R: &str = "─│┌┐└┘├┤┬┴┼▀▄█▌▐░▒▓⌠■∙√≈≤≥\u{a0}⌡°²·÷═║╒ё╓╔╕╖╗╘╙╚╛╜╝╞╟╠╡Ё╢╣╤╥╦╧╨╩╪╫╬©юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ";

#[derive(Debug)]
enum Encoding {
    Utf8,
    /// What the bytes from 0x80 on mean.
    Upper(Vec<char>),
}

/// Turns bytes into text.
#[derive(Debug)]
pub(super) struct Decoder {
    /// None until enough of the file is there to say.
    encoding: Option<Encoding>,
    /// Bytes that wait for more: the head of the file, later the beginning of a character.
    held: Vec<u8>,
}

impl Decoder {
    pub(super) const fn new() -> Self {
        Self {
            encoding: None,
            held: Vec::new(),
        }
    }

    /// Appends the text of these bytes, as far as it can be told.
    pub(super) fn push(&mut self, bytes: &[u8], text: &mut String) -> Result<(), FeedError> {
        self.held.extend_from_slice(bytes);
        if self.encoding.is_none() {
            if self.held.len() < HEAD_BYTES {
                return Ok(());
            }
            self.begin()?;
        }
        self.decode(text, false);
        Ok(())
    }

    /// Appends what is left.
    pub(super) fn finish(&mut self, text: &mut String) -> Result<(), FeedError> {
        if self.encoding.is_none() {
            self.begin()?;
        }
        self.decode(text, true);
        Ok(())
    }

    fn begin(&mut self) -> Result<(), FeedError> {
        if self.held.starts_with(&[0xFF, 0xFE]) || self.held.starts_with(&[0xFE, 0xFF]) {
            return Err(FeedError::Encoding("UTF-16".to_owned()));
        }
        if self.held.starts_with(&[0xEF, 0xBB, 0xBF]) {
            self.held.drain(..3);
        }
        let head = self.held.get(..HEAD_BYTES).unwrap_or(&self.held);
        self.encoding = Some(match declared(head) {
            None => Encoding::Utf8,
            Some(name) => named(&name)?,
        });
        Ok(())
    }

    fn decode(&mut self, text: &mut String, last: bool) {
        match &self.encoding {
            Some(Encoding::Upper(upper)) => {
                let meaning = |byte: u8| match byte.checked_sub(0x80) {
                    None => char::from(byte),
                    Some(place) => upper
                        .get(usize::from(place))
                        .copied()
                        .unwrap_or(char::REPLACEMENT_CHARACTER),
                };
                text.extend(self.held.drain(..).map(meaning));
            }
            Some(Encoding::Utf8) | None => self.utf8(text, last),
        }
    }

    fn utf8(&mut self, text: &mut String, last: bool) {
        let mut rest = self.held.as_slice();
        let open = loop {
            match std::str::from_utf8(rest) {
                Ok(valid) => {
                    text.push_str(valid);
                    break &[][..];
                }
                Err(error) => {
                    let (valid, other) = rest.split_at_checked(error.valid_up_to()).unwrap_or_default();
                    text.push_str(std::str::from_utf8(valid).unwrap_or_default());
                    match error.error_len() {
                        None if !last => break other,
                        None => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            break &[][..];
                        }
                        Some(length) => {
                            text.push(char::REPLACEMENT_CHARACTER);
                            rest = other.get(length..).unwrap_or_default();
                        }
                    }
                }
            }
        };
        self.held = open.to_vec();
    }
}

/// The encoding that an XML declaration names.
fn declared(head: &[u8]) -> Option<String> {
    let head: String = head.iter().map(|byte| char::from(*byte)).collect();
    let declaration = head.strip_prefix("<?xml")?.split("?>").next()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let name = value.get(1..)?.split(quote).next()?;
    Some(name.trim().to_ascii_lowercase())
}

fn named(name: &str) -> Result<Encoding, FeedError> {
    match name {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Ok(Encoding::Utf8),
        "windows-1251" | "cp1251" | "win-1251" => Ok(Encoding::Upper(WINDOWS_1251.chars().collect())),
        "koi8-r" => Ok(Encoding::Upper(KOI8_R.chars().collect())),
        other => Err(FeedError::Encoding(other.chars().take(40).collect())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(bytes: &[u8], step: usize) -> Result<String, FeedError> {
        let (mut decoder, mut text) = (Decoder::new(), String::new());
        for piece in bytes.chunks(step) {
            decoder.push(piece, &mut text)?;
        }
        decoder.finish(&mut text)?;
        Ok(text)
    }

    #[test]
    fn our_tables_are_those_of_the_standard() {
        let all: Vec<u8> = (0x80..=0xFF).collect();
        for (name, standard) in [
            ("windows-1251", encoding_rs::WINDOWS_1251),
            ("koi8-r", encoding_rs::KOI8_R),
        ] {
            let head = format!("<?xml version='1.0' encoding='{name}'?>");
            let bytes = [head.as_bytes(), &all].concat();
            let (expected, _, _) = standard.decode(&all);
            assert_eq!(text_of(&bytes, 7).unwrap(), format!("{head}{expected}"));
        }
    }

    #[test]
    fn a_character_may_come_in_pieces() {
        let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a>Футболка «Север» 👕</a>".repeat(20);
        for step in [1, 2, 3, 5, 300, 5_000] {
            assert_eq!(text_of(text.as_bytes(), step).unwrap(), text);
            let marked = [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat();
            assert_eq!(text_of(&marked, step).unwrap(), text);
        }
    }

    #[test]
    fn a_wrong_byte_spoils_one_character() {
        assert_eq!(text_of(b"a\xFFb\xD0", 1).unwrap(), "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn an_encoding_that_nobody_uses_is_refused_by_its_name() {
        for bytes in [&b"<?xml version='1.0' encoding='Shift_JIS'?>"[..], b"\xFF\xFE<\0"] {
            assert!(matches!(text_of(bytes, 3), Err(FeedError::Encoding(_))));
        }
    }
}
