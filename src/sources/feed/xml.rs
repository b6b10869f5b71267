//! XML that comes in pieces of any size, told tag by tag in bounded memory.
//!
//! Called by [`super::FeedReader`] with text. `quick-xml` finds the tags; this file keeps what is not whole yet, and the bounds.
//! A document type is passed over, one that defines entities is refused: nothing is ever fetched or expanded beyond XML's own
//! five names and numbers.

use super::FeedError;
use quick_xml::Reader;
use quick_xml::events::{BytesRef, BytesStart, Event};

/// Longest tag, text or comment. A description of a product may be long; nobody's is this long.
const MAX_TOKEN_BYTES: usize = 256 << 10;
/// Text is looked at when so much of it has come: what is torn is read again with the next piece.
const STEP_BYTES: usize = 16 << 10;
/// A feed is four tags deep.
const MAX_DEPTH: usize = 32;
const MAX_NAME_BYTES: usize = 100;

/// Who is told of the tags. Depth counts from 1, the root.
pub(super) trait Listener {
    fn open(&mut self, depth: usize, name: &str, attributes: &Attributes<'_>) -> Result<(), FeedError>;
    fn text(&mut self, text: &str);
    fn close(&mut self, depth: usize, name: &str) -> Result<(), FeedError>;
}

/// Attributes of a tag.
pub(super) struct Attributes<'a>(&'a BytesStart<'a>);

impl Attributes<'_> {
    pub(super) fn get(&self, name: &str) -> Option<String> {
        let mut all = self.0.attributes();
        let found = all
            .with_checks(false)
            .flatten()
            .find(|attribute| attribute.key.as_ref() == name)?;
        let value = quick_xml::escape::unescape(&found.value);
        Some(value.map_or_else(|_| found.value.to_string(), |value| value.into_owned()))
    }
}

/// What is not whole yet, and which tags are open.
#[derive(Debug, Default)]
pub(super) struct Xml {
    pending: String,
    /// How much of it the last look found to be torn.
    looked_at: usize,
    open: Vec<String>,
    /// The root was closed.
    over: bool,
}

impl Xml {
    /// Takes more of the text.
    pub(super) fn push(&mut self, text: &str, listener: &mut dyn Listener) -> Result<(), FeedError> {
        self.pending.push_str(text);
        if self.pending.len().saturating_sub(self.looked_at) < STEP_BYTES {
            return Ok(());
        }
        self.look(false, listener)
    }

    /// The text has ended: all must be closed by now.
    pub(super) fn finish(&mut self, listener: &mut dyn Listener) -> Result<(), FeedError> {
        self.look(true, listener)?;
        if self.over { Ok(()) } else { Err(FeedError::Torn) }
    }

    fn look(&mut self, last: bool, listener: &mut dyn Listener) -> Result<(), FeedError> {
        let text = std::mem::take(&mut self.pending);
        let whole = self.whole_tags(&text, last, listener)?;
        let rest = text.get(whole..).unwrap_or_default();
        if rest.len() > MAX_TOKEN_BYTES {
            return Err(FeedError::TooLong);
        }
        self.looked_at = rest.len();
        self.pending = rest.to_owned();
        Ok(())
    }

    /// Tells of what is whole; returns where it ends.
    fn whole_tags(
        &mut self,
        text: &str,
        last: bool,
        listener: &mut dyn Listener,
    ) -> Result<usize, FeedError> {
        let mut reader = Reader::from_str(text);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        config.allow_dangling_amp = true;
        let mut whole = 0;
        loop {
            let event = reader.read_event();
            let end = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            match event {
                Ok(Event::Eof) => return Ok(whole),
                // It may go on in the next piece.
                Ok(Event::Text(_)) if end >= text.len() && !last => return Ok(whole),
                Ok(event) => self.tell(&event, listener)?,
                Err(_) if !last => return Ok(whole),
                Err(_) if self.over => return Err(FeedError::Malformed),
                Err(_) => return Err(FeedError::Torn),
            }
            whole = end;
        }
    }

    fn tell(&mut self, event: &Event<'_>, listener: &mut dyn Listener) -> Result<(), FeedError> {
        match event {
            Event::Start(tag) => self.opened(tag, listener),
            Event::Empty(tag) => {
                self.opened(tag, listener)?;
                self.closed(tag.local_name().into_inner(), listener)
            }
            Event::End(tag) => self.closed(tag.local_name().into_inner(), listener),
            Event::Text(text) => {
                listener.text(text);
                Ok(())
            }
            Event::CData(text) => {
                listener.text(text);
                Ok(())
            }
            Event::GeneralRef(reference) => {
                listener.text(meaning(reference).encode_utf8(&mut [0; 4]));
                Ok(())
            }
            Event::DocType(definition) if definition.contains('[') => Err(FeedError::Entities),
            Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn opened(&mut self, tag: &BytesStart<'_>, listener: &mut dyn Listener) -> Result<(), FeedError> {
        let name = tag.local_name().into_inner();
        if self.over || name.len() > MAX_NAME_BYTES {
            return Err(FeedError::Malformed);
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(FeedError::TooDeep);
        }
        self.open.push(name.to_owned());
        listener.open(self.open.len(), name, &Attributes(tag))
    }

    fn closed(&mut self, name: &str, listener: &mut dyn Listener) -> Result<(), FeedError> {
        let depth = self.open.len();
        if self.open.pop().as_deref() != Some(name) {
            return Err(FeedError::Malformed);
        }
        self.over = self.open.is_empty();
        listener.close(depth, name)
    }
}

/// The character that a reference stands for; a blank for one that XML itself does not know.
fn meaning(reference: &BytesRef<'_>) -> char {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return character;
    }
    match &**reference {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        _ => ' ',
    }
}
