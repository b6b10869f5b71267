//! Why a mail waits at the gate: the word stored with it, and the words for people.
//!
//! Given by [`super::guard`] and the delivery loop; decides nothing itself.

use super::breaker::Cause;

/// What a mail waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeferReason {
    CheckoutUnreadable,
    /// An exit rule failed at run time: the contact may have left the journey.
    ExitUndecided,
    /// Quiet hours, or outside of the journey's window.
    Hours,
    /// As many mails as the cap allows went out lately.
    Capped,
    /// The journey sent as many mails as its throttle allows.
    Throttled,
    /// None of the providers in `EMAIL_PROVIDER` may carry its stream.
    NoProvider,
    /// All of them that may are shut: they refused our settings.
    ProviderRefuses,
    /// They do not answer.
    ProviderDown,
    /// The allowance of their plans is used up.
    QuotaUsed,
    /// The new sending domain has sent what this day allows, or more engaged contacts go first.
    WarmUp,
    /// Its journey is paused, or the marketing in it.
    Paused,
}

impl DeferReason {
    /// Whether our own rules hold the mail: such time is not lateness.
    pub const fn is_ours(self) -> bool {
        match self {
            Self::Hours | Self::Capped | Self::Throttled | Self::NoProvider | Self::WarmUp => true,
            Self::CheckoutUnreadable
            | Self::ExitUndecided
            | Self::ProviderRefuses
            | Self::ProviderDown
            | Self::QuotaUsed
            // What passes in a pause has passed.
            | Self::Paused => false,
        }
    }

    /// Whether the wait is one for room among other mails, which a mail does not wait for for ever.
    pub const fn is_for_room(self) -> bool {
        match self {
            Self::Capped | Self::WarmUp => true,
            Self::Hours
            | Self::Throttled
            | Self::NoProvider
            | Self::CheckoutUnreadable
            | Self::ExitUndecided
            | Self::ProviderRefuses
            | Self::ProviderDown
            | Self::QuotaUsed
            | Self::Paused => false,
        }
    }
}

impl From<Cause> for DeferReason {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::Settings => Self::ProviderRefuses,
            Cause::Down => Self::ProviderDown,
            Cause::Quota => Self::QuotaUsed,
        }
    }
}

impl DeferReason {
    pub const ALL: [Self; 11] = [
        Self::CheckoutUnreadable,
        Self::ExitUndecided,
        Self::Hours,
        Self::Capped,
        Self::Throttled,
        Self::NoProvider,
        Self::ProviderRefuses,
        Self::ProviderDown,
        Self::QuotaUsed,
        Self::WarmUp,
        Self::Paused,
    ];

    /// The word stored with the message.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::Capped => "cap",
            Self::Throttled => "throttle",
            Self::NoProvider => "no_provider",
            Self::ProviderRefuses => "provider_refuses",
            Self::ProviderDown => "provider_down",
            Self::QuotaUsed => "quota",
            Self::WarmUp => "warm_up",
            Self::Paused => "paused",
            Self::CheckoutUnreadable => "checkout_unreadable",
            Self::ExitUndecided => "exit_undecided",
        }
    }

    /// For people.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Hours => "it waits for the hours at which marketing may go",
            Self::Capped => "it waits for room in the frequency cap",
            Self::Throttled => "it waits for its turn: the journey is throttled",
            Self::NoProvider => "it waits for a provider that may carry it: none in EMAIL_PROVIDER may",
            Self::ProviderRefuses => "it waits for the provider, which refuses our settings: see /health",
            Self::ProviderDown => "it waits for the provider, which does not answer",
            Self::QuotaUsed => "it waits for the provider: the allowance of the plan is used up",
            Self::WarmUp => "it waits for its turn: the sending domain is being warmed up",
            Self::Paused => "it waits because its journey, or the marketing in it, is paused",
            Self::CheckoutUnreadable => "it could not be told whether the cart was bought",
            Self::ExitUndecided => "a condition of an exit failed, so it waits until that is decided",
        }
    }
}
