//! The one integration test binary: one module a subject.

mod mail_pages;
mod mails;
