//! What a store's developer reads when a journey is well-formed YAML and still cannot work: golden texts, kind by kind.

use super::journeys::{FOOT, STORE, project, run, said, with};

/// Every journey of these tests begins so; its steps begin in line 5.
const HEAD: &str = "title: Offer\nstage: decision\ntrigger: { on: Order Completed, key: contact }\nsteps:\n";

/// Two marketing mails, for journeys whose fault lies elsewhere.
const STEPS: &str = "  - send: welcome-hello\n    stream: marketing\n";

const STORE_REST: &str = "webhooks:\n  - { name: stock, url: \"https://stock.example/wend\" }\n";

/// What is said about a project that holds these files.
fn about(journeys: &[(&str, &str)], store: &str) -> String {
    let mut project = project();
    project.store = Some(store.to_owned());
    project.journeys = journeys
        .iter()
        .map(|(name, text)| (format!("journeys/{name}.yaml"), (*text).to_owned()))
        .collect();
    let found = said(&run(&project));
    if found.is_empty() {
        return "nothing\n".to_owned();
    }
    found
}

/// Each text with what is said about it, the text made into a journey by `whole`.
fn each(cases: &[&str], whole: impl Fn(&str) -> String) -> String {
    let store = format!("{STORE}{STORE_REST}");
    cases
        .iter()
        .map(|case| format!("{case}=> {}\n", about(&[("offer", &whole(case))], &store)))
        .collect()
}

fn steps(cases: &[&str]) -> String {
    each(cases, |case| format!("{HEAD}{case}"))
}

/// Fields at the top, in place of those of [`HEAD`] that they repeat.
fn top(cases: &[&str]) -> String {
    each(cases, |case| {
        let trigger = "trigger: { on: Order Completed, key: contact }\n";
        let head = if case.contains("trigger:") {
            with(HEAD, trigger, case)
        } else {
            with(HEAD, trigger, &format!("{trigger}{case}"))
        };
        format!("{head}{STEPS}")
    })
}

#[test]
fn steps_that_follow_each_other_wrongly() {
    let text = steps(&[
        "  - send: welcome-hello\n    stream: marketing\n  - exit\n  - send: checkout-nudge\n",
        "  - send: welcome-hello\n    stream: marketing\n  - wait: 2d\n    id: pause\n",
        "  - send: welcome-hello\n    stream: marketing\n  - goto: welcome-hello\n    times: 3\n",
        "  - send: welcome-hello\n    stream: marketing\n  - wait: 7d\n    id: week\n  - goto: welcome-helo\n    times: 3\n",
        "  - send: welcome-hello\n    stream: marketing\n  - wait: 7d\n    id: week\n  - goto: welcome-hello\n",
        "  - send: welcome-hello\n    stream: marketing\n  - wait: 7d\n    id: week\n  - goto: welcome-hello\n    times: 1000\n",
        "  - branch:\n      - when: contact.orders == 0\n        steps:\n          - send: welcome-hello\n            stream: marketing\n          - exit\n      - else:\n          - exit\n  - send: checkout-nudge\n    stream: marketing\n",
        "  - wait: { for: Email Clicked, timeout: 2d, then: exit, otherwise: exit }\n    id: click\n  - send: welcome-hello\n    stream: marketing\n",
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn names_that_do_not_exist() {
    let text = steps(&[
        "  - start: welcom\n  - send: welcome-hello\n    stream: marketing\n",
        "  - start: offer\n  - send: welcome-hello\n    stream: marketing\n",
        "  - stop: offer\n  - send: welcome-hello\n    stream: marketing\n",
        "  - notify: stok\n  - send: welcome-hello\n    stream: marketing\n",
        "  - send: welcome-hello\n    to: team\n",
        "  - send: \"\"\n    stream: marketing\n",
        "  - send: welcome-hello\n    stream: marketing\n  - start: \"\"\n",
        "  - send: welcome-hello\n    to: everybody\n    stream: marketing\n",
        "  - wait: { for: Order Shipped, timeout: 2d }\n    id: shipped\n  - send: welcome-hello\n    stream: marketing\n",
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn branches() {
    let text = steps(&[
        "  - branch: []\n  - send: welcome-hello\n    stream: marketing\n",
        "  - branch: contact.orders == 0\n  - send: welcome-hello\n    stream: marketing\n",
        "  - branch:\n      - else:\n          - send: welcome-hello\n            stream: marketing\n      - when: contact.orders == 0\n        steps:\n          - send: checkout-nudge\n",
        "  - branch:\n      - when: contact.orders == 0\n        else:\n          - send: welcome-hello\n            stream: marketing\n",
        "  - branch:\n      - when: contact.orders == 0\n  - send: welcome-hello\n    stream: marketing\n",
        "  - branch:\n      - else:\n          - send: welcome-hello\n            stream: marketing\n        steps:\n          - send: checkout-nudge\n",
        "  - branch:\n      - if: contact.orders == 0\n        steps:\n          - send: welcome-hello\n            stream: marketing\n",
        "  - branch:\n      - when: contact.ordres == 0\n        steps:\n          - send: welcome-hello\n            stream: marketing\n",
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn splits() {
    let arm = |name: &str, weight: &str, email: &str| {
        format!("      - {{ arm: {name}, {weight}steps: [{{ send: {email}, stream: marketing }}] }}\n")
    };
    let two = |first: &str, second: &str| {
        let arms = arm("short", first, "welcome-hello") + &arm("long", second, "checkout-nudge");
        format!("  - split:\n{arms}    id: length\n")
    };
    let twice =
        arm("short", "weight: 50, ", "welcome-hello") + &arm("short", "weight: 50, ", "checkout-nudge");
    let cases = [
        two("weight: 50, ", "weight: 40, "),
        two("weight: 100, ", "weight: 0, "),
        two("weight: 50, ", ""),
        two("weight: 50, ", "weight: 50, ").replace("    id: length\n", ""),
        format!("{}    by: order\n", two("weight: 50, ", "weight: 50, ")),
        format!("  - split:\n{twice}    id: length\n"),
        "  - split: []\n    id: length\n  - send: welcome-hello\n    stream: marketing\n".to_owned(),
    ];
    insta::assert_snapshot!(steps(&cases.each_ref().map(String::as_str)));
}

#[test]
fn coupons_and_the_rest() {
    let then = "  - send: welcome-hello\n    stream: marketing\n";
    let cases = [
        "  - coupon: { percent: 10 }\n",
        "  - coupon: { pool: comeback, code: WELCOME10 }\n",
        "  - coupon: { pool: comeback }\n",
        "  - coupon: { pool: comeback, fallback: EVERYBODY, otherwise: exit }\n",
        "  - coupon: { pool: Come Back, fallback: EVERYBODY }\n",
        "  - coupon: { code: WELCOME10, fallback: EVERYBODY }\n",
        "  - coupon: { code: WELCOME10, percent: 0 }\n",
        "  - coupon: { code: WELCOME10, expires: 3 days }\n",
        "  - coupon: WELCOME10\n",
        "  - set: { favourite: [mugs] }\n",
        "  - set: favourite\n",
        "  - tag: []\n",
        "  - tag: { name: vip }\n",
        "  - notify: stock\n    answer: left\n",
        "  - wait: 1h\n    late: send\n",
    ]
    .map(|case| format!("{case}{then}"));
    insta::assert_snapshot!(steps(&cases.each_ref().map(String::as_str)));
}

#[test]
fn waits() {
    let then = "  - send: welcome-hello\n    stream: marketing\n";
    let cases = [
        "  - wait: { date: delivery, offset: -7d }\n",
        "  - wait: { date: delivery, offset: 1w, otherwise: exit }\n",
        "  - wait: { date: delivery, otherwise: leave }\n",
        "  - wait: { until: \"25:00\" }\n",
        "  - wait: { until: 10am }\n",
        "  - wait: { until: \"10:00\", days: \"mon, tues day\" }\n",
        "  - wait: { until: \"10:00\", days: [mon, tues] }\n",
        "  - wait: { until: \"10:00\", on: weekdays }\n",
        "  - wait: 2 days\n",
        "  - wait: two days\n",
        "  - wait: 1.5h\n",
        "  - wait: 0s\n",
        "  - wait: {}\n",
        "  - wait: { until: \"10:00\", date: delivery }\n",
        "  - wait: { for: Email Clicked }\n",
    ]
    .map(|case| format!("{case}{then}"));
    insta::assert_snapshot!(steps(&cases.each_ref().map(String::as_str)));
}

#[test]
fn triggers_by_time() {
    let text = top(&[
        "trigger: { schedule: FREQ=WEEKLY;BYDAY=MO }\n",
        "trigger: { schedule: FREQ=WEEKLY;BYDAY=MO, from: 2026-01-05 }\n",
        "trigger: { schedule: every monday, from: 2026-01-05, at: \"10:00\" }\n",
        "trigger: { schedule: FREQ=HOURLY, from: 2026-01-05, at: \"10:00\" }\n",
        "trigger: { schedule: FREQ=WEEKLY;BYDAY=1MO, from: 2026-01-05, at: \"10:00\" }\n",
        "trigger: { schedule: FREQ=WEEKLY;BYHOUR=9, from: 2026-01-05, at: \"10:00\" }\n",
        "trigger: { schedule: FREQ=DAILY;UNTIL=20250101, from: 2026-01-05, at: \"10:00\" }\n",
        "trigger: { schedule: FREQ=WEEKLY, from: 5 January, at: \"10:00\" }\n",
        "trigger: { date: birthday }\n",
        "trigger: { date: birthday, at: \"9 am\" }\n",
        "trigger: { date: birthday, at: \"09:00\", repeat: monthly }\n",
        "trigger: { date: birthday, at: \"09:00\", key: order_id }\n",
        "trigger: { date: birthday, at: \"09:00\", when: event.value > 5 }\n",
        "trigger: { on: Signed Up, schedule: FREQ=WEEKLY, key: contact }\n",
        "trigger: { manual: true, when: contact.orders > 0 }\n",
        "trigger: { manual: no }\n",
        "trigger: { off: Signed Up }\n",
        "trigger: Signed Up\n",
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn fields_at_the_top() {
    let text = top(&[
        "window: 9-18\n",
        "window: 09:00-09:00\n",
        "window: 09:00-18:00 workdays\n",
        "timezone: Europe/Warsow\n",
        "timezone: CET+1\n",
        "holdout: 5\n",
        "holdout: 60%\n",
        "priority: high\n",
        "priority: 200\n",
        "status: stopped\n",
        "trigger: { on: Order Completed, key: product_id }\ncooldown: 7d\n",
        "trigger: { on: Order Completed, key: contact, when: last.sent }\n",
        "goal: { on: Order Completed }\n",
        "goal: { within: 5d }\n",
        "goal: { on: Order Completed, within: 5d, then: thanks }\n",
        "goal: { on: Order Completd, within: 5d }\n",
        "goal: { on: Order Completed, within: 5d, when: event.valeu > 5 }\n",
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_window_within_quiet_hours() {
    let offer = with(HEAD, "steps:", "window: 22:00-06:00 fri\nsteps:") + STEPS;
    let store = format!("{STORE}quiet_hours: 21:00-08:00\n");
    insta::assert_snapshot!(about(&[("offer", &offer)], &store), @"journeys/offer.yaml:4:9: `window: 22:00-06:00 fri` lies within the quiet hours of store.yaml (21:00-08:00): no marketing would ever go out");
    let sooner = with(&offer, "22:00-06:00 fri", "20:00-22:00");
    assert_eq!(about(&[("offer", &sooner)], &store), "nothing\n");
}

#[test]
fn days_are_a_yaml_list_too() {
    let text = format!("{HEAD}  - wait: {{ until: 10:00, days: [sat, sun] }}\n{STEPS}");
    assert_eq!(about(&[("offer", &text)], STORE), "nothing\n");
}

#[test]
fn between_journeys() {
    let offer = format!("{HEAD}{STEPS}");
    let other = with(&offer, "title: Offer", "title: Other");
    let cart = "title: Cart\nstage: decision\ntrigger: { on: Checkout Started, key: checkout_id }\nsteps:\n  - wait: 1h\n  - send: checkout-nudge\n    stream: marketing\n";
    let starter = format!("{HEAD}  - start: cart\n  - wait: 1d\n{STEPS}");
    let mut text = about(&[("offer", &offer), ("other", &other)], STORE);
    text.push_str(&about(&[("offer", &starter), ("cart", cart)], STORE));
    let waits = |wait: &str| with(&offer, "steps:\n", &format!("steps:\n  - wait: {wait}\n"));
    let (day, day_too) = (waits("1d"), with(&waits("1d"), "title: Offer", "title: Other"));
    text.push_str(&about(&[("offer", &day), ("other", &day_too)], STORE));
    text.push_str(&about(&[("offer", &day), ("other", &waits("2d"))], STORE));
    insta::assert_snapshot!(text);
}

#[test]
fn caps_hours_and_webhooks_in_store_yaml() {
    let offer = format!("{HEAD}{STEPS}");
    let cases = [
        "caps: [{ mails: 0, per: 1d }]\n",
        "caps: [{ mails: 1, per: a day }]\n",
        "caps: [{ mails: 1 }]\n",
        "caps: [{ mails: 1, per: 16h, except: [transactional] }]\n",
        "caps: [{ mails: 1, per: 16h, except: [carts] }]\n",
        "quiet_hours: 21:00-21:00\n",
        "quiet_hours: 9pm to 8am\n",
        "webhooks: [{ name: crm, url: \"http://crm.example\" }]\n",
        "webhooks: [{ name: Our CRM, url: \"https://crm.example\" }]\n",
        "webhooks: [{ name: crm }]\n",
        "team: everybody\n",
        "warm_up: { from: 2026-12-01 }\n",
        "warm_up: { from: tomorrow, start: 50 }\n",
        "warm_up: { from: 2026-12-01, start: 0 }\n",
        "warm_up: { from: 2026-12-01, begin: 50 }\n",
        "retention: { events: 200d, orders: 1096d, messages: 90d }\n",
        "retention: { events: 401d, orders: 1097d, messages: 89d }\n",
        "retention: { contacts: 90d }\n",
    ];
    let text: String = cases
        .iter()
        .map(|case| {
            format!(
                "{case}=> {}\n",
                about(&[("offer", &offer)], &format!("{STORE}{case}"))
            )
        })
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn what_a_condition_counts_must_be_kept() {
    let offer = format!("{HEAD}{STEPS}").replacen(
        "steps:",
        "exit:\n  - { on: Order Completed, when: \"count('Product Viewed', 180) > 3\" }\nsteps:",
        1,
    );
    let found = |kept: &str| {
        about(
            &[("offer", &offer)],
            &format!("{STORE}retention: {{ events: {kept} }}\n"),
        )
    };
    assert_eq!(found("180d"), "nothing\n");
    assert!(
        found("179d").contains("is shorter than the 180d over which a condition counts `Product Viewed`")
    );
}

#[test]
fn tracking_and_tags_in_store_yaml() {
    let offer = format!("{HEAD}{STEPS}");
    let good = [
        "tracking: { clicks: false }\n",
        "tracking: {}\nutm: true\n",
        "utm: false\n",
        "utm: { source: Winter News, campaign: \"{journey}-{email}\", content: \"\", sites: [shop.de] }\n",
    ];
    for case in good {
        assert_eq!(
            about(&[("offer", &offer)], &format!("{STORE}{case}")),
            "nothing\n",
            "{case}"
        );
    }
    let cases = [
        "tracking: true\n",
        "tracking: { click: true }\n",
        "tracking: { opens: often }\n",
        "utm: often\n",
        "utm: { campain: x }\n",
        "utm: { campaign: \"{jorney}\" }\n",
        "utm: { sites: [\"https://shop.de\", shop] }\n",
        "utm: { sites: shop.de }\n",
    ];
    let mut text = String::new();
    for case in cases {
        let found = about(&[("offer", &offer)], &format!("{STORE}{case}"));
        text.push_str(&format!("{case}=> {found}\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn referral_links_and_what_is_said_of_them() {
    let links = [
        "https://northfold.example/?ref={code}",
        "https://northfold.example/friends/{code}#top",
        "http://northfold.example/?ref={code}",
        "https://northfold.example/?ref=",
        "https://{code}.northfold.example/",
        "https://northfold.example/{code}?ref={code}",
        "https://northfold.example/?ref={code}&for={name}",
        "https:///?ref={code}",
        "https://northfold.example?ref={code}",
    ];
    let mut text = String::new();
    for link in links {
        let store = format!("{STORE}referral: {{ link: \"{link}\" }}\n");
        let found = about(&[("offer", &format!("{HEAD}{STEPS}"))], &store);
        text.push_str(&format!("{link}\n=> {found}\n"));
    }
    for block in ["referral: yes\n", "referral: {}\n", "referral:\n  links: x\n"] {
        let found = about(
            &[("offer", &format!("{HEAD}{STEPS}"))],
            &format!("{STORE}{block}"),
        );
        text.push_str(&format!("{block}=> {found}\n"));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn credits_of_referrals_in_journeys() {
    let text = top(&[
        "trigger: { on: Referral Credited, key: order_id }\n",
        "trigger: { on: Referral Credited, key: contact, when: \"event.value >= 20 && contact.referrals % 3 == 0\" }\n",
        "trigger: { on: Referal Credited, key: contact }\n",
        "trigger: { on: Referral Credited, key: checkout_id }\n",
        "trigger: { on: Referral Credited, key: product_id }\n",
        "trigger: { on: Referral Credited, key: contact, when: \"size(event.items) > 0\" }\n",
        "trigger: { on: Referral Credited, key: contact, when: \"size(event.order_number) > 0\" }\n",
        "trigger: { on: Referral Credited, key: contact, when: contact.referals > 2 }\n",
        "trigger: { on: Referral Credited, key: contact, when: contact.referrals > 2.5 }\n",
        "goal: { on: Referral Credited, within: 30d }\n",
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn a_referral_link_in_a_store_that_has_none() {
    let mut project = project();
    let mail = project
        .templates
        .get_mut("emails/welcome-hello/email.txt")
        .unwrap();
    mail.push_str("Yours to hand on: {{ referral.link }} {{ referral.cod }}\n");
    let layout = project.templates.get_mut("layouts/frame.html").unwrap();
    layout.push_str("{% if !referral.link.is_empty() %}{{ referral.code }}{% endif %}\n");
    let without = said(&run(&project));
    let store = project.store.take().unwrap();
    project.store = Some(format!(
        "{store}\nreferral: {{ link: \"https://northfold.example/?ref={{code}}\" }}\n"
    ));
    insta::assert_snapshot!(format!("without:\n{without}\nwith:\n{}", said(&run(&project))));
}

/// What is said about the project with one more email text and a component, sent by a journey that `trigger` starts.
fn of_mail(trigger: &str, text: &str) -> String {
    let mut project = project();
    let part = "emails/welcome-hello/email.txt".to_owned();
    project.templates.insert(part, format!("{text}{FOOT}"));
    let file = |name: &str, text: &str| (format!("components/{name}.txt"), text.to_owned());
    project.templates.extend([
        file("lines", "{% for item in items %}{{ item.title }}{% endfor %}\n"),
        file(
            "guarded",
            "{% if !items.is_empty() %}{% include \"components/lines.txt\" %}{% endif %}\n",
        ),
        file("macros", "{% macro rows(items) %}{{ items.len() }}{% endmacro %}\n{% macro own() %}{{ items.len() }}{% endmacro %}\n"),
        file("frame", "{% block rows %}{{ items.len() }}{% endblock %}{% block end %}{% endblock %}\n"),
    ]);
    let journey =
        format!("title: Offer\nstage: decision\ntrigger: {{ on: {trigger}, key: contact }}\nsteps:\n{STEPS}");
    project.journeys = [("journeys/offer.yaml".to_owned(), journey)].into();
    let found = said(&run(&project));
    if found.is_empty() {
        "nothing\n".to_owned()
    } else {
        found
    }
}

#[test]
fn templates_that_would_stop_the_sending() {
    let cases = [
        "{{ items[0].title }}",
        "{{ items[1..].len() }}",
        "{{ order_number.unwrap() }}",
        "{{ order_number.expect(\"a number\") }}",
        "{{ coupon.as_ref().unwrap().code }}",
        "{{ Option::unwrap(order_number) }}",
        "{{ 10 / items.len() }}",
        "{{ items.len() % items.len() }}",
        "{{ items.len() / 0 }}",
        "{{ items.len() - 1 }}",
        "{% if items.len() - 1 > 2 %}more{% endif %}",
        "{% let n = 3 - items.len() %}{{ n }}",
        "{{ panic!(\"no\") }}",
        "{% for pair in items.chunks(items.len()) %}{{ pair.len() }}{% endfor %}",
        // All of these come to something whatever there is.
        "{{ items.len() / 2 }}{{ items.len() % 3 }}{{ 10 - 3 }}{{ items.len() + 1 }}",
        "{% if let Some(item) = items.first() %}{{ item.title }}{% endif %}",
        "{{ items.len().saturating_sub(1) }}",
        "{{ order_number.as_deref().unwrap_or(\"your order\") }}",
    ];
    let text: String = cases
        .iter()
        .map(|case| format!("{case}\n=> {}\n", of_mail("Order Completed", case)))
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn goods_that_no_event_brings_are_asked_about_wherever_they_are_shown() {
    let cases = [
        "{% include \"components/lines.txt\" %}",
        "{% include \"components/guarded.txt\" %}",
        "{% if !items.is_empty() %}{% include \"components/lines.txt\" %}{% endif %}",
        "{% import \"components/macros.txt\" as lines %}{% call lines::own() %}{% endcall %}",
        "{% import \"components/macros.txt\" as lines %}{% call lines::rows(items) %}{% endcall %}",
        "{% import \"components/macros.txt\" as lines %}{% if items.len() > 0 %}{% call lines::own() %}{% endcall %}{% call lines::rows(items) %}{% endcall %}{% endif %}",
        "{% if items.is_empty() %}none{% else %}{{ items.len() }}{% endif %}",
        "{% if items.is_empty() %}none{% else if contact.first_name.is_some() %}{{ items.len() }}{% endif %}",
        "{% if items.is_empty() %}none{% endif %}{{ items.len() }}",
        "{% for item in items %}{{ item.title }}{% else %}none{% endfor %}",
        "{% match total %}{% when Some(sum) %}{{ sum }}{% when None %}none{% endmatch %}",
        "{% extends \"components/frame.txt\" %}{% block end %}!{% endblock %}",
        "{% extends \"components/frame.txt\" %}{% block rows %}!{% endblock %}",
    ];
    let text: String = cases
        .iter()
        .map(|case| format!("{case}\n=> {}\n", of_mail("Signed Up", case)))
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn a_journey_that_is_started_has_what_its_starters_have() {
    let cart = "title: Cart\nstage: decision\ntrigger: { on: Order Completed, key: contact }\nsteps:\n  - branch:\n      - when: size(event.items) > 1\n        steps: [exit]\n  - send: welcome-hello\n    stream: marketing\n";
    let plain = |trigger: &str, to: &str| {
        format!(
            "title: Start\nstage: decision\ntrigger: {{ {trigger} }}\nsteps:\n  - start: {to}\n  - wait: 1d\n{STEPS}"
        )
    };
    let mut project = project();
    let part = "emails/welcome-hello/email.txt".to_owned();
    let said_of = |journeys: &[(&str, String)], text: &str, project: &mut wend::journey::project::Project| {
        project.templates.insert(part.clone(), format!("{text}{FOOT}"));
        let files = journeys.iter();
        project.journeys = files
            .map(|(name, text)| (format!("journeys/{name}.yaml"), text.clone()))
            .collect();
        said(&run(project))
    };
    let shows = "{% for item in items %}{{ item.title }}{% endfor %}";
    let quiet = with(cart, "size(event.items) > 1", "contact.orders > 1");
    let starter = |trigger: &str, to: &str| plain(trigger, to).replace("welcome-hello", "checkout-nudge");
    let signup = starter("on: Signed Up, key: contact", "cart");
    let text = [
        (
            "shown",
            said_of(
                &[("cart", quiet.clone()), ("hello", signup.clone())],
                shows,
                &mut project,
            ),
        ),
        (
            "asked",
            said_of(
                &[("cart", cart.to_owned()), ("hello", signup)],
                "Hello",
                &mut project,
            ),
        ),
        (
            "by way of another",
            said_of(
                &[
                    ("cart", quiet.clone()),
                    ("between", starter("on: Order Fulfilled, key: contact", "cart")),
                    ("hello", starter("on: Signed Up, key: contact", "between")),
                ],
                shows,
                &mut project,
            ),
        ),
        (
            "an order brings goods",
            said_of(
                &[
                    ("cart", quiet),
                    ("hello", starter("on: Order Fulfilled, key: contact", "cart")),
                ],
                shows,
                &mut project,
            ),
        ),
    ]
    .map(|(what, found)| format!("--- {what}\n{found}"))
    .concat();
    insta::assert_snapshot!(text);
}

#[test]
fn journeys_that_start_each_other() {
    let journey = |reenter: &str, steps: &str| {
        format!(
            "title: Offer\nstage: decision\ntrigger: {{ manual: true }}\nreenter: {reenter}\nsteps:\n{steps}{STEPS}"
        )
    };
    let (a, b, c) = ("  - start: b\n", "  - start: c\n", "  - start: a\n");
    let wait = "  - wait: 1d\n    id: day\n";
    let date = "  - wait: { date: renewal, otherwise: continue }\n    id: day\n";
    let cases = [
        (
            "round",
            journey("parallel", a),
            journey("restart", b),
            journey("parallel", c),
        ),
        (
            "a wait",
            journey("parallel", a),
            journey("restart", &format!("{wait}{b}")),
            journey("parallel", c),
        ),
        (
            "a date",
            journey("parallel", a),
            journey("restart", &format!("{date}{b}")),
            journey("parallel", c),
        ),
        (
            "once",
            journey("parallel", a),
            journey("once", b),
            journey("parallel", c),
        ),
        (
            "after 1d",
            journey("parallel", a),
            journey("after 1d", b),
            journey("parallel", c),
        ),
    ];
    let text: String = cases
        .iter()
        .map(|(what, a, b, c)| format!("--- {what}\n{}", about(&[("a", a), ("b", b), ("c", c)], STORE)))
        .collect();
    insta::assert_snapshot!(text);
}

#[test]
fn what_can_never_happen() {
    let send = |email: &str, rest: &str| format!("  - send: {email}\n    stream: marketing\n{rest}");
    let (hello, nudge) = (send("welcome-hello", ""), send("checkout-nudge", ""));
    let asks = "    when: last.opened\n";
    let click = "  - wait: { for: Email Clicked, timeout: 2d }\n    id: click\n";
    let coupon = "  - coupon: { code: HELLO, expires: 3d }\n";
    let cases = [
        send("welcome-hello", asks),
        format!("{hello}  - wait: 1d\n{}", send("checkout-nudge", asks)),
        format!(
            "  - branch:\n      - when: contact.orders > 3\n        steps: [{{ send: welcome-hello, stream: marketing }}]\n{}",
            send("checkout-nudge", asks)
        ),
        format!("  - branch:\n      - when: last.clicked\n        steps: [exit]\n{hello}"),
        format!("{click}{hello}"),
        format!("{hello}{click}{nudge}"),
        format!("{coupon}  - wait: 2d\n    id: days\n  - set: {{ asked: true }}\n  - wait: 1d\n{hello}"),
        format!("{coupon}  - wait: 2d\n{hello}  - wait: 4d\n{nudge}"),
        format!("{hello}{coupon}"),
        format!("{hello}{coupon}  - send: checkout-nudge\n    to: team\n"),
        format!(
            "{hello}  - wait: {{ date: renewal, otherwise: continue }}\n    id: day\n  - goto: welcome-hello\n    times: 3\n"
        ),
        format!("  - wait: {{ until: \"10:00\", days: [] }}\n{hello}"),
    ];
    insta::assert_snapshot!(steps(&cases.each_ref().map(String::as_str)));
}

#[test]
fn the_lane_of_carts_is_for_carts() {
    let text = top(&["lane: cart\n", "lane: marketing\n"]);
    let mut none = about(&[("offer", &format!("{HEAD}  - notify: stock\n{STEPS}"))], STORE);
    none.push_str(&text);
    insta::assert_snapshot!(none);
}
