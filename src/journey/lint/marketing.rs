//! What is owed to readers of marketing: topics that exist, a way out and a postal address at its foot. Called by `lint`.

use super::Lint;
use crate::domain::ids::TopicName;
use crate::domain::message::Stream;
use crate::journey::email_shape::ADDRESS;
use crate::journey::finding::unknown;
use crate::journey::parse::Subject;
use crate::journey::store_file::GENERAL;

impl Lint<'_> {
    pub(super) fn topics(&mut self) {
        let journey = &self.parsed.journey;
        if let Some(topic) = &journey.topic {
            self.topic(topic, Subject::Topic);
        }
        for (number, step) in journey.steps.iter().enumerate() {
            let Some(send) = step.kind.as_send() else { continue };
            let Some(topic) = &send.topic else { continue };
            let subject = Subject::StepTopic(number);
            self.topic(topic, subject);
            if send.stream == Stream::Transactional {
                self.report(
                    subject,
                    "a transactional mail is owed to everyone and no topic turns it off: leave `topic:` out, or say `stream: marketing`",
                );
            }
        }
    }

    fn topic(&mut self, topic: &TopicName, subject: Subject) {
        let name = topic.as_str();
        let known = || {
            let declared = self.names.topics.iter().map(|topic| topic.id.as_str());
            declared.chain([GENERAL])
        };
        if known().any(|known| known == name) {
            return;
        }
        let mut message = unknown("topic", name, known());
        if self.names.topics.is_empty() {
            message.push_str("; topics are declared under `topics:` in store.yaml");
        }
        self.report(subject, message);
    }

    /// CAN-SPAM asks for a postal address in every commercial mail, and the laws of most other countries for the same and
    /// for a way out: 15 U.S.C. 7704(a)(3) and (5).
    pub(super) fn marketing_shows(&mut self, email: &str, subject: Subject) {
        let lacking = self.names.templates.lacks.get(email);
        for (name, file) in lacking.into_iter().flatten() {
            let hint = if *name == ADDRESS {
                "the store's postal address, which marketing mail must show: write `{{ store.address }}` at its foot"
            } else {
                "a link to unsubscribe, which marketing mail must show: write `{% if let Some(link) = unsubscribe_url %}{{ link }}{% endif %}` at its foot"
            };
            self.report(
                subject,
                format!("`{file}` lacks {hint}, or extend a layout of templates/layouts that does"),
            );
        }
    }
}
