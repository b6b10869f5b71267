//! The order in which due messages leave: by lane, by provider, in parts of the size that the permits allow.
//!
//! Called by the delivery loop of `edge` and by that of host tests.

use super::wake::DueMessage;
use crate::domain::ids::MessageId;
use crate::domain::message::{Lane, Stream};
use crate::engine::traffic::{Candidate, Doubt};
use crate::providers::ProviderKind;
use crate::providers::registry::for_stream;
use crate::settings::Settings;
use std::collections::{BTreeMap, BTreeSet};

/// Messages by their lane, the most urgent first, and by the providers that may carry them, in order of preference.
pub type Routed = BTreeMap<(Lane, Vec<ProviderKind>), Vec<DueMessage>>;

/// Sorts messages by lane, the urgent one first, and by the preferred providers that may carry them. Those that none may
/// carry come apart.
pub fn by_lane(settings: &Settings, messages: Vec<DueMessage>) -> (Routed, Vec<DueMessage>) {
    let mut sorted = Routed::new();
    let mut unroutable = Vec::new();
    for message in messages {
        // A journey's lane says how urgent it is, not what law its mails are under.
        let carriers = carriers(settings, &message);
        if carriers.is_empty() {
            unroutable.push(message);
        } else {
            sorted.entry((message.lane, carriers)).or_default().push(message);
        }
    }
    (sorted, unroutable)
}

/// Who may carry a message: for one whose fate stayed unknown, whoever may have it, while `EMAIL_PROVIDER` names them.
fn carriers(settings: &Settings, message: &DueMessage) -> Vec<ProviderKind> {
    let mut carriers = for_stream(&settings.providers, message.stream);
    let bound = message.bound_to.as_deref();
    if let Some(only) = bound.and_then(|name| carriers.iter().copied().find(|kind| kind.as_str() == name)) {
        carriers.retain(|kind| *kind == only);
    }
    carriers
}

/// The candidates that the `Store` chooses among.
pub fn candidates(settings: &Settings, carriers: &[ProviderKind]) -> Vec<Candidate> {
    let candidate = |kind: &ProviderKind| Candidate {
        provider: kind.as_str().to_owned(),
        settings: settings.fingerprint_of(*kind),
        paced: !kind.capabilities().local,
    };
    carriers.iter().map(candidate).collect()
}

/// How many places of a warm-up to take for these, of which a probe lets one leave.
pub fn places_wanted(asked: &[DueMessage], doubt: Doubt) -> u32 {
    let marketing = asked.iter().filter(|item| item.stream == Stream::Marketing);
    let wanted = u32::try_from(marketing.count()).unwrap_or(u32::MAX);
    if doubt.probe { wanted.min(1) } else { wanted }
}

/// Cuts `requests` parts off the backlog: single messages while the permits suffice, batches when they do not. A
/// message that was in a refused batch always goes alone, and a part holds one generation, which is in its key, and one
/// stream: some providers take each at an address of its own.
pub fn cut<'a>(
    messages: &'a [DueMessage],
    requests: usize,
    batch_max: usize,
    single: &BTreeSet<MessageId>,
) -> Vec<&'a [DueMessage]> {
    let size = messages
        .len()
        .div_ceil(requests.max(1))
        .clamp(1, batch_max.max(1));
    let alone = |message: &DueMessage| single.contains(&message.message);
    messages
        .chunk_by(|one, two| {
            let alike = one.generation == two.generation && one.stream == two.stream;
            !alone(one) && !alone(two) && alike
        })
        .flat_map(|run| run.chunks(size))
        .take(requests.max(1))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::ContactId;
    use crate::domain::time::Timestamp;

    fn due(number: usize, lane: Lane, stream: Stream, generation: u8) -> DueMessage {
        DueMessage {
            lane,
            stream,
            generation,
            bound_to: None,
            due: Timestamp::default(),
            contact: ContactId::parse(&"8c".repeat(16)).unwrap(),
            message: MessageId::from_digest(&format!("{number:040x}")),
        }
    }

    #[test]
    fn a_part_holds_messages_of_one_generation() {
        let generations = [1, 1, 2, 2, 1];
        let messages: Vec<DueMessage> = (0..)
            .zip(generations)
            .map(|(number, of)| due(number, Lane::Transactional, Stream::Transactional, of))
            .collect();
        let parts = cut(&messages, 3, 10, &BTreeSet::new());
        let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [2, 2, 1]);
    }

    #[test]
    fn a_probe_takes_the_place_of_one_mail() {
        let messages: Vec<DueMessage> = [Stream::Marketing, Stream::Transactional, Stream::Marketing]
            .into_iter()
            .zip(0..)
            .map(|(stream, number)| due(number, Lane::Marketing, stream, 1))
            .collect();
        let wanted = |messages, probe| places_wanted(messages, Doubt { probe, silent: 0 });
        assert_eq!((wanted(&messages, false), wanted(&messages, true)), (2, 1));
        assert_eq!(wanted(messages.get(1..2).unwrap(), true), 0);
    }

    #[test]
    fn a_part_holds_messages_of_one_stream() {
        let streams = [Stream::Transactional, Stream::Marketing, Stream::Marketing];
        let messages: Vec<DueMessage> = (0..)
            .zip(streams)
            .map(|(number, stream)| due(number, Lane::Cart, stream, 1))
            .collect();
        let parts = cut(&messages, 2, 10, &BTreeSet::new());
        let sizes: Vec<usize> = parts.iter().map(|part| part.len()).collect();
        assert_eq!(sizes, [1, 2]);
    }

    #[test]
    fn the_provider_follows_the_stream_and_the_order_follows_the_lane() {
        let settings = Settings::read(|_| None, &[]);
        let messages = vec![
            due(1, Lane::Transactional, Stream::Marketing, 1),
            due(2, Lane::Cart, Stream::Transactional, 1),
        ];
        let (routed, unroutable) = by_lane(&settings, messages.clone());
        assert!(unroutable.is_empty());
        for ((lane, carriers), sorted) in &routed {
            for message in sorted {
                assert_eq!(message.lane, *lane);
                assert_eq!(for_stream(&settings.providers, message.stream), *carriers);
            }
        }
        assert_eq!(routed.len(), 2);
    }

    #[test]
    fn a_second_try_of_unknown_fate_goes_to_nobody_else() {
        let get = |name: &str| (name == "EMAIL_PROVIDER").then(|| "resend ses".to_owned());
        let mut settings = Settings::read(get, &[]);
        let first = due(1, Lane::Cart, Stream::Transactional, 1);
        let mut second = due(1, Lane::Cart, Stream::Transactional, 2);
        second.bound_to = Some("ses".to_owned());
        assert_eq!(
            carriers(&settings, &first),
            [ProviderKind::Resend, ProviderKind::Ses]
        );
        assert_eq!(carriers(&settings, &second), [ProviderKind::Ses]);
        // One that is not named any more cannot be asked.
        settings.providers.pop();
        assert_eq!(carriers(&settings, &second), [ProviderKind::Resend]);
    }
}
