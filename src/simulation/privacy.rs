//! Exports and erasures in a world: what `edge` does with `await` between the calls.

use super::error::Failure;
use super::world::World;
use crate::domain::privacy::Subject;
use crate::turn::call::{Answer, Call};
use crate::turn::erase::Erased;
use crate::turn::person::{Held, Person, join};
use crate::turn::privacy::{Search, Step};

impl World {
    /// Everything held of whoever is meant, by table.
    ///
    /// # Errors
    /// When a turn fails; so for all of these.
    pub fn export(&self, subject: &Subject) -> Result<Held, Failure> {
        let mut people = self.meant(subject)?;
        if people.is_empty() {
            people.push(self.named(subject));
        }
        let mut parts = Vec::new();
        for person in &people {
            for shard in self.indices() {
                if let Answer::Held(held) = self.call(shard, Call::Held(Box::new(person.clone())))? {
                    parts.push(held);
                }
            }
        }
        for shard in self.indices() {
            self.call(shard, Call::Exported(people.clone()))?;
        }
        Ok(join(parts).0)
    }

    /// Erases whoever is meant.
    ///
    /// # Errors
    /// As [`World::export`].
    pub fn erase(&self, subject: &Subject) -> Result<Erased, Failure> {
        let mut erased = Erased::default();
        for contact in self
            .meant(subject)?
            .into_iter()
            .filter_map(|person| person.contact)
        {
            let shard = self.settings.shards.of_contact(&contact);
            let subject = subject.clone();
            if let Answer::Erased(part) = self.call(shard, Call::Erase { contact, subject })? {
                erased = erased.plus(part);
            }
        }
        for shard in self.indices() {
            let call = Call::Forget(Box::new(self.named(subject)));
            if let Answer::Erased(part) = self.call(shard, call)? {
                erased = erased.plus(part);
            }
        }
        Ok(erased)
    }

    /// The people that are meant.
    ///
    /// # Errors
    /// As [`World::export`].
    pub fn meant(&self, subject: &Subject) -> Result<Vec<Person>, Failure> {
        let (mut search, mut step) = Search::by_identifiers(&self.settings, subject.clone());
        loop {
            match step {
                Step::Done(people) => return Ok(people),
                Step::Ask(calls) => {
                    let answers: Result<Vec<Answer>, Failure> = calls
                        .into_iter()
                        .map(|(shard, call)| self.call(shard, call))
                        .collect();
                    step = search.answer(&self.settings, answers?)?;
                }
            }
        }
    }

    fn named(&self, subject: &Subject) -> Person {
        Person::named(subject, |identifier| self.settings.hash(identifier))
    }
}
