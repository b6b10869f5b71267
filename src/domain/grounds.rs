//! On what a mail to a person rests, as far as that person can be told: the last lines of a mail say it.
//!
//! Found by `engine/grounds.rs`, put into words by `render`. It permits nothing: the gate does, by a clearance.

/// Why somebody gets a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Grounds {
    /// They said that they want mail.
    Subscribed,
    /// They are a customer, and never said no.
    Bought,
    /// They never said no, and left the checkout that the mail is about. A cart is no order begun.
    BeganOrder,
    /// Nothing that could be named; a mail about an order explains itself.
    #[default]
    Unsaid,
}
