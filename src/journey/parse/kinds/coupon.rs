//! `coupon`: a code for everyone or one of a pool.

use super::target;
use crate::journey::language::{COUPON, names};
use crate::journey::parse::is_plain_name;
use crate::journey::parse::steps::{Said, Steps};
use crate::journey::step::{Code, Coupon, Exhausted};
use crate::journey::yaml::Fields;

pub(super) fn coupon(steps: &mut Steps<'_, '_>, said: &mut Said<'_>) -> Option<Coupon> {
    let fields = steps.reader.fields(said.value, "a coupon", &names(&COUPON))?;
    let percent = fields
        .get("percent")
        .and_then(|node| steps.reader.number(node, 1, 100, "a number from 1 to 100"));
    let expires = fields.get("expires").and_then(|node| steps.reader.delay(node));
    let code = match (fields.get("code"), fields.get("pool")) {
        (Some(node), None) => {
            for (key, _) in fields.iter() {
                if ["fallback", "otherwise"].contains(&key.name.as_str()) {
                    let message = format!("`{}` is for a `pool:`: a shared code never runs out", key.name);
                    steps.reader.report(key.place, message);
                }
            }
            Code::Shared(steps.reader.text(node, "a code, as `WELCOME10`")?.to_owned())
        }
        (None, Some(node)) => {
            let name = steps.reader.text(node, "the name of a pool, as `comeback`")?;
            if !is_plain_name(name) {
                steps
                    .reader
                    .expected(node, "a name of lower-case letters, digits and `-`");
                return None;
            }
            let exhausted = exhausted(steps, said, &fields)?;
            let name = name.to_owned();
            Code::Pool { name, exhausted }
        }
        (Some(_), Some(_)) | (None, None) => {
            steps.reader.report(
                fields.place,
                "a coupon is either `code:`, the same for everyone, or one of a `pool:`",
            );
            return None;
        }
    };
    Some(Coupon {
        code,
        percent: percent.and_then(|percent| u8::try_from(percent).ok()),
        expires,
    })
}

/// A pool runs dry one day, so a journey says what happens then.
fn exhausted(steps: &mut Steps<'_, '_>, said: &mut Said<'_>, fields: &Fields<'_>) -> Option<Exhausted> {
    match (fields.get("fallback"), fields.get("otherwise")) {
        (Some(node), None) => {
            let code = steps.reader.text(node, "a code, as `WELCOME10`")?;
            Some(Exhausted::Shared(code.to_owned()))
        }
        (None, Some(node)) => Some(Exhausted::Go(target(steps, said, Some(node)))),
        (Some(_), Some(_)) | (None, None) => {
            steps.reader.report(
                fields.place,
                "say what happens when the pool is empty: either `fallback:` with a code for everyone, or `otherwise:` with `continue`, `exit` or steps",
            );
            None
        }
    }
}
