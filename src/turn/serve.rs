//! The calls that are one storage turn each: what a shard does when it is asked.
//!
//! `edge` opens the transaction around it, and so do host tests: both serve by this code.

use super::call::{Answer, Call};
use super::erase::Erased;
use super::merge::Absorbed;
use super::{Error, Home, Turn};
use crate::store::{directory, everything};

impl Turn<'_> {
    /// Serves a call; none for the one that needs more than a turn, a run of what is due.
    ///
    /// # Errors
    /// When storage fails or a document cannot be read.
    pub fn serve(&self, call: Call) -> Result<Option<Answer>, Error> {
        let answer = match call {
            Call::Touch(touch) => {
                let (known, bought) = self.touch(&touch)?;
                Answer::Touched {
                    known: known.into_iter().collect(),
                    bought,
                    objections: self.objections(&touch.identifiers)?,
                    erased_at: self.erased_at(&touch.identifiers)?,
                }
            }
            Call::Ingest(ingest) => Answer::Ingested(self.ingest(&ingest)?),
            Call::Receive(forward) => self.receive(&forward)?.into(),
            Call::Find(contact) => Answer::Found(match self.find(&contact)? {
                Home::Here(loaded) => loaded.contact.id,
                Home::Elsewhere(contact) => contact,
            }),
            Call::Absorb { loser, winner } => match self.absorb(&loser, &winner, self.now)? {
                Absorbed::Done => Answer::Done,
                Absorbed::Elsewhere(contact) => Answer::Ingested(super::call::Ingested::Elsewhere(contact)),
                Absorbed::Busy => {
                    self.absorb_later(&loser, &winner)?;
                    Answer::Done
                }
            },
            Call::Bought(hashes) => {
                let rows = directory::lookup(self.sql, &hashes)?;
                let bought = rows
                    .into_iter()
                    .filter(|row| row.closed_at.is_some())
                    .map(|row| row.hash);
                Answer::Bought(bought.collect())
            }
            Call::Switches(told) => Answer::Switched(self.take_over_switches(&told)?),
            Call::Count(since) => Answer::Counted(self.counted_marketing(since)?),
            Call::CountAnew(since) => Answer::Counted(self.count_marketing(since)?),
            Call::Choose { message, choice, by } => Answer::Chosen(self.choose(&message, &choice, &by)?),
            Call::Standing { message, of } => self.standing(&message, of)?,
            Call::Hear(events) => Answer::Heard(self.hear_all(&events)?),
            Call::See(seen) => Answer::Heard(self.see(&seen)?),
            Call::View { message, mark } => Answer::Viewed(self.view(&message, &mark)?),
            Call::Mails => self.mails()?,
            Call::Reasons => self.reasons()?,
            Call::Sweep => Answer::Swept { done: self.sweep()? },
            Call::Prune => Answer::Pruned(self.prune()?),
            Call::KeepLines(lines) => self.keep_lines(&lines)?,
            Call::Log(asked) => self.log(&asked)?,
            Call::Overview => Answer::Overview(self.overview()?),
            Call::WhoIs { contact, subject } => self.who_is(&contact, &subject)?.into(),
            Call::Held(person) => Answer::Held(self.held(&person)?),
            Call::Erase { contact, subject } => self.erase(&contact, &subject)?,
            Call::Forget(person) => Answer::Erased(Erased {
                rows: self.forget(&person, self.now)?,
                ..Erased::default()
            }),
            Call::Exported(people) => done(self.end_privacy_requests(&people))?,
            Call::KeepRefused(calls) => done(self.keep_refused(&calls))?,
            Call::TellNews(telling) => Answer::NewsHeard(self.tell_news(&telling)?),
            Call::NotePrivacyRequest { id, kind, contact } => {
                done(self.note_privacy_request(id, kind, contact))?
            }
            Call::Together(calls) => self.serve_all(calls)?,
            Call::Everything(place) => Answer::Page(everything::page(self.sql, &place)?),
            Call::RunDue => return Ok(None),
        };
        Ok(Some(answer))
    }

    /// Calls that are one turn together: when one fails, nothing of any is written.
    fn serve_all(&self, calls: Vec<Call>) -> Result<Answer, Error> {
        let mut answers = Vec::with_capacity(calls.len());
        for call in calls {
            // A run is no part of a turn.
            answers.push(self.serve(call)?.unwrap_or(Answer::NotYet));
        }
        Ok(Answer::Together(answers))
    }
}

fn done(result: Result<(), Error>) -> Result<Answer, Error> {
    result.map(|()| Answer::Done)
}
