//! One askama struct for each template file, and the list of emails. Written by hand until the build generates it.

use super::model::Model;
use askama::Template;
use std::ops::Deref;

/// The three parts of an email.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub subject: String,
    pub html: String,
    pub text: String,
}

/// Gives a template the names of its model.
macro_rules! template {
    ($name:ident, $path:literal) => {
        #[derive(Template)]
        #[template(path = $path)]
        pub struct $name<'a> {
            pub m: &'a Model<'a>,
        }

        impl<'a> Deref for $name<'a> {
            type Target = Model<'a>;

            fn deref(&self) -> &Model<'a> {
                self.m
            }
        }
    };
}

template!(CheckoutLastCallSubject, "emails/checkout-last-call/subject.txt");
template!(CheckoutLastCallHtml, "emails/checkout-last-call/email.html");
template!(CheckoutLastCallText, "emails/checkout-last-call/email.txt");
template!(CheckoutNudgeSubject, "emails/checkout-nudge/subject.txt");
template!(CheckoutNudgeHtml, "emails/checkout-nudge/email.html");
template!(CheckoutNudgeText, "emails/checkout-nudge/email.txt");
template!(CheckoutReminderSubject, "emails/checkout-reminder/subject.txt");
template!(CheckoutReminderHtml, "emails/checkout-reminder/email.html");
template!(CheckoutReminderText, "emails/checkout-reminder/email.txt");
template!(OrderThankYouSubject, "emails/order-thank-you/subject.txt");
template!(OrderThankYouHtml, "emails/order-thank-you/email.html");
template!(OrderThankYouText, "emails/order-thank-you/email.txt");
template!(ReviewRequestSubject, "emails/review-request/subject.txt");
template!(ReviewRequestHtml, "emails/review-request/email.html");
template!(ReviewRequestText, "emails/review-request/email.txt");
template!(WelcomeFavouritesSubject, "emails/welcome-favourites/subject.txt");
template!(WelcomeFavouritesHtml, "emails/welcome-favourites/email.html");
template!(WelcomeFavouritesText, "emails/welcome-favourites/email.txt");
template!(WelcomeHelloSubject, "emails/welcome-hello/subject.txt");
template!(WelcomeHelloHtml, "emails/welcome-hello/email.html");
template!(WelcomeHelloText, "emails/welcome-hello/email.txt");
template!(WelcomeStorySubject, "emails/welcome-story/subject.txt");
template!(WelcomeStoryHtml, "emails/welcome-story/email.html");
template!(WelcomeStoryText, "emails/welcome-story/email.txt");

/// Renders the three parts of an email; none when there is no such email. The subject comes first, as one clean line,
/// and the other two may repeat it.
pub fn render(email: &str, m: &Model<'_>) -> Option<askama::Result<Rendered>> {
    match email {
        "checkout-last-call" => Some(
            CheckoutLastCallSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, CheckoutLastCallHtml { m: &m }, CheckoutLastCallText { m: &m })),
        ),
        "checkout-nudge" => Some(
            CheckoutNudgeSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, CheckoutNudgeHtml { m: &m }, CheckoutNudgeText { m: &m })),
        ),
        "checkout-reminder" => Some(
            CheckoutReminderSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, CheckoutReminderHtml { m: &m }, CheckoutReminderText { m: &m })),
        ),
        "order-thank-you" => Some(
            OrderThankYouSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, OrderThankYouHtml { m: &m }, OrderThankYouText { m: &m })),
        ),
        "review-request" => Some(
            ReviewRequestSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, ReviewRequestHtml { m: &m }, ReviewRequestText { m: &m })),
        ),
        "welcome-favourites" => Some(
            WelcomeFavouritesSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| {
                    parts(
                        &m,
                        WelcomeFavouritesHtml { m: &m },
                        WelcomeFavouritesText { m: &m },
                    )
                }),
        ),
        "welcome-hello" => Some(
            WelcomeHelloSubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, WelcomeHelloHtml { m: &m }, WelcomeHelloText { m: &m })),
        ),
        "welcome-story" => Some(
            WelcomeStorySubject { m }
                .render()
                .map(|subject| m.with_subject(&subject))
                .and_then(|m| parts(&m, WelcomeStoryHtml { m: &m }, WelcomeStoryText { m: &m })),
        ),
        _ => None,
    }
}

fn parts(m: &Model<'_>, html: impl Template, text: impl Template) -> askama::Result<Rendered> {
    let (html, text) = (html.render()?, text.render()?);
    Ok(Rendered {
        subject: m.subject.clone(),
        html,
        text,
    })
}
