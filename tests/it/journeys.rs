//! What a store's developer reads when a journey, an email or store.yaml is wrong: golden texts.

use std::collections::BTreeMap;
use std::path::Path;
use wend::journey::check::{Checked, check};
use wend::journey::lock::Mode;
use wend::journey::project::Project;
use wend::journey::step::{Late, StepKind, Wait};

pub const STORE: &str = r##"brand:
  name: Northfold
  url: https://northfold.example
  color: "#1f4d3a"
  address: 14 Harbour Lane, Leith
  support_email: help@northfold.example
sender:
  name: Northfold
  from: hello@northfold.example
locale: en-GB
timezone: Europe/London
currency: GBP
events: [Quiz Taken]
"##;

/// Seven, with much that is wrong.
const BEST_SELLERS: &str = r#"[Quiz Taken]
best_sellers:
  - { id: jug, title: Jug, url: "https://northfold.example/jug", price: "24.005" }
  - { id: jug, title: " ", url: "https://northfold.example/jug" }
  - { id: The Board, title: Board, url: northfold.example/board }
  - { id: vase, title: Vase, url: "https://northfold.example/'vase'", image_url: "http://northfold.example/vase.jpg" }
  - { id: rug, title: Rug, url: "https://northfold.example/rug", translations: { german: { title: Teppich } } }
  - { id: lamp, title: Lamp, url: "https://northfold.example/lamp", price: 40 }
  - { id: bowl, title: Bowl, url: "https://northfold.example/bowl" }
"#;

const CART: &str = r"title: Abandoned checkout
stage: decision
lane: cart
trigger:
  on: [Checkout Started, Checkout Updated]
  key: checkout_id
  refresh: data+wait
  when: event.value > 0
cooldown: 7d
exit:
  - on: Order Completed
    match: checkout
  - on: Checkout Updated
    match: key
    when: size(event.items) == 0
steps:
  - wait: 1h
  - send: checkout-nudge
    stream: marketing
  - wait: 23h
  - send: checkout-reminder
";

const EMAILS: [&str; 4] = [
    "checkout-nudge",
    "checkout-reminder",
    "order-receipt",
    "welcome-hello",
];

/// A small project without fault.
/// What marketing must show.
pub const FOOT: &str = "{{ store.address }}{% if let Some(link) = unsubscribe_url %}{{ link }}{% endif %}\n";

pub fn project() -> Project {
    let mut templates = BTreeMap::new();
    for email in EMAILS {
        templates.insert(
            format!("emails/{email}/subject.txt"),
            "{{ store.name }}\n".to_owned(),
        );
        templates.insert(
            format!("emails/{email}/email.txt"),
            format!("{{{{ contact.greeting }}}},\n{FOOT}"),
        );
        let html = "{% extends \"layouts/frame.html\" %}\n{% block content %}{{ subject }}{% endblock %}\n";
        templates.insert(format!("emails/{email}/email.html"), html.to_owned());
    }
    templates.insert(
        "layouts/frame.html".to_owned(),
        format!("<h1>{{{{ store.name }}}}</h1>\n{{% block content %}}{{% endblock %}}\n{FOOT}"),
    );
    let lines = "{% macro lines(rows) %}{% for row in rows %}\n{{ row.title }}{% endfor %}{% endmacro %}\n";
    templates.insert("components/items.html".to_owned(), lines.to_owned());
    Project {
        journeys: BTreeMap::from([("journeys/cart.yaml".to_owned(), CART.to_owned())]),
        store: Some(STORE.to_owned()),
        templates,
        ..Project::default()
    }
}

pub fn run(project: &Project) -> Checked {
    check(project, Mode::Append)
}

pub fn said(checked: &Checked) -> String {
    checked
        .findings
        .iter()
        .map(|finding| format!("{finding}\n"))
        .collect()
}

/// The text with one passage replaced, which must be there.
pub fn with(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "`{from}` is not in the text");
    text.replacen(from, to, 1)
}

/// What is said about the cart journey with each passage replaced.
fn about_journeys(cases: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (from, to) in cases {
        let mut project = project();
        project
            .journeys
            .insert("journeys/cart.yaml".to_owned(), with(CART, from, to));
        let found = said(&run(&project));
        assert!(!found.is_empty(), "nothing found after `{to}`");
        text.push_str(&format!(
            "--- {} -> {}\n{found}",
            from.replace('\n', "⏎").trim(),
            to.replace('\n', "⏎").trim()
        ));
    }
    text
}

#[test]
fn the_shipped_project_is_clean() {
    let checked = check(
        &Project::read(Path::new(env!("CARGO_MANIFEST_DIR"))),
        Mode::Frozen,
    );
    assert_eq!(said(&checked), "");
    let catalog = checked.catalog.unwrap();
    assert_eq!(
        catalog,
        wend::generated::catalog().unwrap(),
        "the build holds what the files say"
    );
    assert_eq!(catalog.hash.len(), 16);
    let ids: Vec<&str> = catalog
        .journeys
        .iter()
        .map(|journey| journey.id.as_str())
        .collect();
    assert_eq!(ids, ["abandoned-checkout", "post-purchase", "welcome"]);
}

#[test]
fn a_sound_project_has_no_findings_and_its_meaning() {
    let checked = run(&project());
    assert_eq!(said(&checked), "");
    let catalog = checked.catalog.unwrap();
    let steps = &catalog.journeys[0].steps;
    let ids: Vec<&str> = steps.iter().map(|step| step.id.as_str()).collect();
    let expected = [
        "before-checkout-nudge",
        "checkout-nudge",
        "before-checkout-reminder",
        "checkout-reminder",
    ];
    assert_eq!(ids, expected);
    let StepKind::Send(reminder) = &steps[3].kind else {
        panic!()
    };
    assert_eq!(reminder.stream.as_str(), "marketing", "as the send before it");
    assert!(matches!(reminder.late, Late::SkipAfter(delay) if delay.to_string() == "1d"));
    assert!(matches!(&steps[0].kind, StepKind::Wait(Wait::Delay(delay)) if delay.to_string() == "1h"));
    let json = serde_json::to_string(&catalog).unwrap();
    assert_eq!(
        serde_json::from_str::<wend::journey::catalog::Catalog>(&json).unwrap(),
        catalog
    );
}

#[test]
fn every_construct_has_its_meaning() {
    let text = r"
title: Receipts
stage: retention
lane: transactional
trigger: {on: Order Completed, key: order_id, refresh: data, when: event.value >= 50}
reenter: after 30d
cooldown: 1d12h
exit:
  - {on: Order Refunded, match: key}
  - on: Quiz Taken
moved: {old-send: receipt, older-send: exit}
steps:
  - {send: order-receipt, stream: transactional, id: receipt}
  - {wait: {for: Order Fulfilled, timeout: 60d, otherwise: exit}, id: until-fulfilled}
  - wait: {for: Quiz Taken, timeout: 1w}
  - {send: welcome-hello, stream: marketing, late: skip after 12h}
  - {send: checkout-nudge, late: send}
";
    let mut project = project();
    project.journeys = BTreeMap::from([("journeys/receipts.yaml".to_owned(), text.to_owned())]);
    let checked = run(&project);
    assert_eq!(said(&checked), "");
    let journey = &checked.catalog.unwrap().journeys[0];
    insta::assert_snapshot!(serde_json::to_string_pretty(journey).unwrap());
}

#[test]
fn misspelt_names() {
    let text = about_journeys(&[
        ("event.value", "event.valeu"),
        ("send: checkout-nudge", "send: checkout-nugde"),
        ("Checkout Updated]", "Checkout Updatd]"),
        ("on: Order Completed", "on: Order Complete"),
        ("on: Order Completed", "on: Parcel Lost"),
        ("on: Order Completed", "on: Quiz Takn"),
        ("cooldown:", "cooldwn:"),
        ("stream: marketing", "straem: marketing"),
        ("- wait: 1h", "- wiat: 1h"),
        ("key: checkout_id", "key: chekout_id"),
        ("refresh: data+wait", "refresh: data+wiat"),
        ("stage: decision", "stage: purchase"),
        ("steps:", "moved: {old-nudge: checkout-nugde}\nsteps:"),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn malformed_journeys() {
    let text = about_journeys(&[
        ("title: Abandoned checkout\n", ""),
        ("cooldown: 7d", "cooldown: 7"),
        ("cooldown: 7d", "reenter: after soon"),
        ("cooldown: 7d", "reenter: sometimes"),
        ("cooldown: 7d", "goal: {on: Order Completed}"),
        ("    stream: marketing\n", ""),
        ("    stream: marketing\n", "    stream: transactional\n"),
        (
            "    stream: marketing\n",
            "    stream: marketing\n    late: maybe\n",
        ),
        ("- wait: 1h\n", "- wait: {for: Email Clicked}\n"),
        (
            "- wait: 1h\n",
            "- wait: {for: Checkout Updated, timeout: 2d, otherwise: stop}\n",
        ),
        ("- wait: 1h\n", "- wait: 1h\n    send: checkout-nudge\n"),
        ("- wait: 1h\n", "- branch: []\n"),
        ("- wait: 1h\n", "- wait: 1h\n    late: send\n"),
        ("- wait: 1h\n", "- checkout-nudge\n"),
        ("- wait: 1h\n", "- wait: 1h\n    id: exit\n"),
        ("- wait: 1h\n", "- wait: 1h\n    id: First Wait\n"),
        ("- wait: 1h\n", "- wait: 1h\n  - wait: 2h\n"),
        ("title: Abandoned checkout", "title: [Abandoned"),
        ("lane: cart", "lane: cart\nlane: marketing"),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn journeys_that_make_no_sense() {
    let text = about_journeys(&[
        ("  key: checkout_id", "  key: order_id"),
        ("  key: checkout_id", "  key: contact"),
        (
            "on: Order Completed\n    match: checkout",
            "on: Order Completed\n    match: key",
        ),
        (
            "[Checkout Started, Checkout Updated]",
            "[Checkout Started, Checkout Started]",
        ),
        ("send: checkout-reminder", "send: checkout-nudge"),
        ("  - send: checkout-reminder\n", ""),
        (
            "- wait: 1h\n",
            "- wait: {for: Email Clicked, timeout: 2d}\n  - wait: {for: Order Fulfilled, timeout: 2d}\n",
        ),
        (
            "steps:",
            "moved: {checkout-nudge: exit, gone: checkout-reminder}\nsteps:",
        ),
        (
            "on: [Checkout Started, Checkout Updated]\n  key: checkout_id",
            "on: Signed Up\n  key: order_id",
        ),
    ]);
    insta::assert_snapshot!(text);
}

#[test]
fn conditions_that_do_not_fit() {
    let cases = [
        "event.value",
        "event.value > '5'",
        "event.value + 1 > 2.0",
        "event.value = 5",
        "event.value >",
        "event.items.exists(item, item.prise > 1.0)",
        "event.items.exists(item, item.price)",
        "event.items.exist(item, item.price > 1.0)",
        "contact.order == 0",
        "contcat.orders == 0",
        "contact.first_name.startWith('A')",
        "contact.first_name == null",
        "has(contact.email)",
        "contact.country in contact.first_name",
        "contact.tags.contains('vip')",
        "3 in contact.tags",
        "event.items[0].quantity % 2.0 == 0",
        "event['value'] > 1",
        "contact.orders && true",
        "size(contact.orders) > 1",
        "contact.orders == 1u",
        "matches(contact.email, 'x')",
        "duration('1h') > duration('2h')",
        "event.?value == 1",
        "event.properties.vip",
        "contact.orders == 0 &&\n      event.valeu > 1",
    ];
    let cases: Vec<(&str, &str)> = cases.iter().map(|case| ("event.value > 0", *case)).collect();
    let text = about_journeys(&cases);
    insta::assert_snapshot!(text);
}

const SEGMENTS: &str = "lapsed: {when: contact.days_since_order > 60}
curious: {title: Curious, backfill: true, when: 'count(\"Product Viewed\", 30) >= 3'}
";

/// A journey that a segment starts.
const BACK: &str = "title: Win back
stage: retention
trigger: {enters: [lapsed, curious], key: contact, backfill: true, when: contact.orders > 0}
exit:
  - leaves: lapsed
steps:
  - {send: welcome-hello, stream: marketing}
";

fn project_with_segments() -> Project {
    let mut project = project();
    project.segments = Some(SEGMENTS.to_owned());
    project
        .journeys
        .insert("journeys/back.yaml".to_owned(), BACK.to_owned());
    project
}

#[test]
fn segments_have_their_meaning() {
    let checked = run(&project_with_segments());
    assert_eq!(said(&checked), "");
    let catalog = checked.catalog.unwrap();
    let back = &catalog.journeys[0];
    let trigger = (&back.trigger, &back.exit_segments);
    let text = serde_json::to_string_pretty(&(&catalog.segments, &catalog.counted, trigger)).unwrap();
    insta::assert_snapshot!(text);
    let mut empty = project();
    empty.segments = Some("# None yet.\n".to_owned());
    assert_eq!(said(&run(&empty)), "");
}

#[test]
fn segments_that_are_wrong() {
    let cases = [
        ("contact.days_since_order > 60", "contact.days_since_ordr > 60"),
        ("contact.days_since_order > 60", "contact.days_since_order"),
        ("contact.days_since_order > 60", "event.value > 60"),
        ("contact.days_since_order > 60", "enrollment.journey == 'welcome'"),
        (
            "contact.days_since_order > 60",
            "true && 'curious' in contact.segments",
        ),
        ("\"Product Viewed\", 30", "\"Product Veiwed\", 30"),
        ("\"Product Viewed\", 30", "\"Quiz Takn\", 30"),
        ("\"Product Viewed\", 30", "\"Product Viewed\", 400"),
        ("\"Product Viewed\", 30", "\"Product Viewed\", contact.orders"),
        ("\"Product Viewed\", 30", "contact.country, 30"),
        ("\"Product Viewed\", 30", "\"Product Viewed\""),
        ("backfill: true", "backfil: true"),
        ("backfill: true", "backfill: yes"),
        ("when: contact", "wehn: contact"),
        ("lapsed: {when", "Lapsed Ones: {when"),
        (
            "lapsed: {when: contact.days_since_order > 60}",
            "lapsed: contact.days_since_order > 60",
        ),
        ("lapsed: {when: contact.days_since_order > 60}", "- lapsed"),
        ("curious:", "lapsed:"),
    ];
    let mut text = String::new();
    for (from, to) in cases {
        let mut project = project();
        project.segments = Some(with(SEGMENTS, from, to));
        text.push_str(&format!("--- {from} -> {to}\n{}", said(&run(&project))));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn journeys_that_name_segments_wrongly() {
    let cases = [
        ("enters: [lapsed, curious]", "enters: lapsd"),
        ("enters: [lapsed, curious]", "enters: lapsed, on: Signed Up"),
        ("enters: [lapsed, curious]", "leaves: lapsed"),
        (
            "enters: [lapsed, curious], key: contact",
            "enters: lapsed, key: order_id",
        ),
        ("key: contact,", "key: contact, refresh: data,"),
        ("enters: [lapsed, curious], key", "key"),
        ("contact.orders > 0", "event.value > 0"),
        ("contact.orders > 0", "true && 'lapsd' in contact.segments"),
        ("contact.orders > 0", "contact.segments.contains('lapsed')"),
        ("  - leaves: lapsed", "  - leaves: curius"),
        ("  - leaves: lapsed", "  - {leaves: lapsed, match: key}"),
    ];
    let mut text = String::new();
    for (from, to) in cases {
        let mut project = project_with_segments();
        project
            .journeys
            .insert("journeys/back.yaml".to_owned(), with(BACK, from, to));
        text.push_str(&format!("--- {from} -> {to}\n{}", said(&run(&project))));
    }
    let mut project = project_with_segments();
    project.segments = None;
    text.push_str(&format!("--- no segments.yaml\n{}", said(&run(&project))));
    let mut project = project_with_segments();
    project
        .journeys
        .insert("journeys/back-too.yaml".to_owned(), BACK.to_owned());
    text.push_str(&format!("--- twice\n{}", said(&run(&project))));
    insta::assert_snapshot!(text);
}

#[test]
fn templates_with_unknown_names() {
    let cases = [
        ("emails/checkout-nudge/subject.txt", "{{ stroe.name }}"),
        ("emails/checkout-nudge/subject.txt", "{{ subject }}"),
        (
            "emails/checkout-nudge/email.txt",
            "Hello,\n  {{ contact.frist_name }}",
        ),
        (
            "emails/checkout-nudge/email.txt",
            "{% for item in items %}{{ item.titel }}{% endfor %}",
        ),
        (
            "emails/checkout-nudge/email.txt",
            "{% for item in items.iter() %}{{ itme.title }}{% endfor %}",
        ),
        (
            "emails/checkout-nudge/email.txt",
            "{% if let Some(sum) = total %}{{ som }}{% else %}{{ sum }}{% endif %}",
        ),
        (
            "emails/checkout-nudge/email.txt",
            "{% if total.is_some() && action_ulr != store.ulr %}{% endif %}",
        ),
        (
            "emails/checkout-nudge/email.txt",
            "{{ contact.first_name.len() }}{{ contact.email.local }}{{ total.currency }}",
        ),
        (
            "emails/checkout-nudge/email.txt",
            "{% let name = store.nmae %}{{ name }}{{ naem|upper }}",
        ),
        (
            "emails/checkout-nudge/email.html",
            "{% extends \"layouts/fame.html\" %}",
        ),
        (
            "emails/checkout-nudge/email.html",
            "{% import \"components/items.html\" as ui %}\n{% call ui::lines(itms) %}{% endcall %}",
        ),
        (
            "components/items.html",
            "{% macro lines(rows) %}{% for row in rows %}\n{{ row.titel }}{% endfor %}{% endmacro %}",
        ),
        (
            "layouts/frame.html",
            "<p>\n{{ store.adress }}{% block content %}{% endblock %}",
        ),
        ("emails/checkout-nudge/email.html", "<p>\n{% if total %}"),
        (
            "emails/checkout-nudge/email.html",
            "{% include \"emails/checkout-nudge/email.html\" %}",
        ),
        ("emails/Big Sale/email.html", ""),
    ];
    let mut text = String::new();
    for (path, template) in cases {
        let mut project = project();
        let user = "{% import \"components/items.html\" as ui %}{% call ui::lines(items) %}{% endcall %}";
        project.templates.insert(
            "emails/checkout-reminder/email.txt".to_owned(),
            format!("{user}{FOOT}"),
        );
        project.templates.insert(path.to_owned(), template.to_owned());
        text.push_str(&format!(
            "--- {}\n{}",
            template.replace('\n', "⏎"),
            said(&run(&project))
        ));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn an_email_shows_only_what_its_journey_can_know() {
    let welcome = "title: Welcome\nstage: awareness\ntrigger: {on: Signed Up, key: contact}\n\
                   steps:\n  - send: welcome-hello\n    stream: marketing\n";
    let with_body = |body: &str| {
        let mut project = project();
        project
            .journeys
            .insert("journeys/welcome.yaml".to_owned(), welcome.to_owned());
        project.templates.insert(
            "emails/welcome-hello/email.txt".to_owned(),
            format!("{body}{FOOT}"),
        );
        said(&run(&project))
    };
    insta::assert_snapshot!(
        with_body("You left\n{% for item in items %}{{ item.title }}{% endfor %}"),
        @"journeys/welcome.yaml:5:11: email `welcome-hello` shows `items` (templates/emails/welcome-hello/email.txt:2), which no event that starts this journey carries; ask with `{% if %}` first"
    );
    assert_eq!(
        with_body("{% if !items.is_empty() %}{% for item in items %}{{ item.title }}{% endfor %}{% endif %}"),
        ""
    );
}

const QUIZ: &str = "\
title: Quiz
stage: awareness
trigger: {on: Signed Up, key: contact}
variables:
  score: {value: event.properties.score, otherwise: \"0\"}
steps:
  - send: welcome-hello
    stream: marketing
";

fn said_of_quiz(journey: &str, body: &str) -> String {
    let mut project = project();
    project
        .journeys
        .insert("journeys/welcome.yaml".to_owned(), journey.to_owned());
    project.templates.insert(
        "emails/welcome-hello/email.txt".to_owned(),
        format!("{body}{FOOT}"),
    );
    said(&run(&project))
}

#[test]
fn variables_are_declared_and_shown() {
    let body = "You have\n{{ variables.score }}{% if variables.score.is_empty() %}!{% endif %}";
    assert_eq!(said_of_quiz(QUIZ, body), "");
    let mut text = said_of_quiz(QUIZ, "{{ variables.scroe }}");
    text.push_str(&said_of_quiz(
        QUIZ,
        "{{ variables.Type }} {{ variables.score.whole }}",
    ));
    for (from, to) in [
        ("event.properties.score", "event.property.score"),
        ("event.properties.score", "contact.tags"),
        (", otherwise: \"0\"", ""),
        ("otherwise: \"0\"", "otherwise: 0"),
        (
            "  score: {",
            "  type: {value: contact.orders, otherwise: none}\n  score: {",
        ),
    ] {
        text.push_str(&format!(
            "--- {to}\n{}",
            said_of_quiz(&with(QUIZ, from, to), body)
        ));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_contradicts_itself_is_refused() {
    let cases = [
        (
            "reenter: restart with refresh",
            "trigger: {on: Checkout Started, key: checkout_id, refresh: data}\nreenter: restart\n",
            "marketing",
        ),
        (
            "holdout and a transactional mail",
            "trigger: {on: Order Completed, key: contact}\nholdout: 5%\n",
            "transactional",
        ),
    ];
    let mut text = String::new();
    for (what, head, stream) in cases {
        let journey = format!(
            "title: Welcome\nstage: awareness\n{head}steps:\n  - send: welcome-hello\n    stream: {stream}\n"
        );
        text.push_str(&format!("--- {what}\n{}", said_of_quiz(&journey, "Hello")));
    }
    let schedule = "title: News\nstage: awareness\ntrigger: {schedule: FREQ=MONTHLY;BYDAY=1TU, from: 2026-03-03, at: \"10:00\"}\nsteps:\n  - send: welcome-hello\n    stream: marketing\n";
    let mut project = project();
    for name in ["news", "letter"] {
        project
            .journeys
            .insert(format!("journeys/{name}.yaml"), schedule.to_owned());
    }
    text.push_str(&format!("--- two schedules\n{}", said(&run(&project))));
    insta::assert_snapshot!(text);
}

#[test]
fn store_yaml() {
    let cases = [
        ("timezone: Europe/London", "timezone: Europe/Londn"),
        ("timezone:", "timezon:"),
        ("currency: GBP", "currency: pounds"),
        ("color: \"#1f4d3a\"", "color: green"),
        ("  from: hello@northfold.example", "  from: hello"),
        ("https://northfold.example", "northfold.example"),
        ("locale: en-GB", "locale: English (UK)"),
        ("locale: en-GB", "locale: en-GB\nregion: lax"),
        ("[Quiz Taken]", "[Order Completed]"),
        ("  name: Northfold\n  from", "  from"),
        (
            "[Quiz Taken]",
            "[Quiz Taken]\nbest_sellers: [{id: jug, title: Jug, url: https://northfold.example/jug, price: £24}]",
        ),
        (
            "[Quiz Taken]",
            "[Quiz Taken]\nbest_sellers: [{id: jug, title: Jug, url: https://northfold.example/jug, prize: 24}]",
        ),
        ("[Quiz Taken]", BEST_SELLERS),
    ];
    let mut text = String::new();
    for (from, to) in cases {
        let mut project = project();
        project.store = Some(with(STORE, from, to));
        text.push_str(&format!(
            "--- {}\n{}",
            to.replace('\n', "⏎").trim(),
            said(&run(&project))
        ));
    }
    insta::assert_snapshot!(text);
}

#[test]
fn all_findings_are_told_at_once() {
    let mut project = project();
    let broken = with(CART, "event.value", "event.valeu");
    let broken = with(&broken, "checkout-nudge", "checkout-nugde");
    let broken = with(&broken, "cooldown: 7d", "cooldwn: 7d");
    project.journeys.insert("journeys/cart.yaml".to_owned(), broken);
    project.templates.insert(
        "emails/order-receipt/email.txt".to_owned(),
        "{{ ordernumber }}".to_owned(),
    );
    project.store = Some(with(STORE, "Europe/London", "London"));
    project
        .journeys
        .insert("journeys/Second One.yaml".to_owned(), CART.to_owned());
    project
        .journeys
        .insert("journeys/second.yml".to_owned(), CART.to_owned());
    insta::assert_snapshot!(said(&run(&project)));
    assert!(run(&project).catalog.is_none());
}

#[test]
fn the_lock_file_grows_by_itself_and_loses_nothing() {
    let mut project = project();
    let lock = run(&project).lock.unwrap();
    insta::assert_snapshot!(lock);

    project.lock = Some(lock.clone());
    assert_eq!(run(&project).lock, None, "a second build writes nothing");
    project.lock = Some(lock.replace('\n', "\r\n"));
    assert_eq!(
        run(&project).lock,
        None,
        "nor does a checkout with other line ends"
    );

    project.lock = Some(lock.replace("  - checkout-reminder\n", ""));
    assert_eq!(run(&project).lock, Some(lock.clone()), "a new step is added");
    let frozen = check(&project, Mode::Frozen);
    insta::assert_snapshot!(said(&frozen), @"journeys.lock: step `checkout-reminder` of `cart` is missing; run `npm run lint` and commit the file");
    assert_eq!(frozen.lock, None);
}

#[test]
fn a_step_that_is_gone_says_where_people_go() {
    let mut project = project();
    project.lock = run(&project).lock;
    let shorter = with(CART, "  - wait: 23h\n  - send: checkout-reminder\n", "");
    project
        .journeys
        .insert("journeys/cart.yaml".to_owned(), shorter.clone());
    insta::assert_snapshot!(said(&run(&project)), @r"
    journeys/cart.yaml:16:1: step `before-checkout-reminder` is gone, but people may stand on it (journeys.lock:6); add `moved: {before-checkout-reminder: <step>}`, or `{before-checkout-reminder: exit}` to let them leave
    journeys/cart.yaml:16:1: step `checkout-reminder` is gone, but people may stand on it (journeys.lock:7); add `moved: {checkout-reminder: <step>}`, or `{checkout-reminder: exit}` to let them leave
    ");

    let renamed = with(CART, "send: checkout-reminder", "send: order-receipt");
    project.journeys.insert("journeys/cart.yaml".to_owned(), renamed);
    insta::assert_snapshot!(said(&run(&project)), @r"
    journeys/cart.yaml:16:1: step `before-checkout-reminder` is gone, but people may stand on it (journeys.lock:6); add `moved: {before-checkout-reminder: before-order-receipt}`, or `{before-checkout-reminder: exit}` to let them leave
    journeys/cart.yaml:16:1: step `checkout-reminder` is gone, but people may stand on it (journeys.lock:7); add `moved: {checkout-reminder: order-receipt}`, or `{checkout-reminder: exit}` to let them leave
    ");

    let misspelt = with(CART, "send: checkout-reminder", "send: checkout-remidner");
    project.journeys.insert("journeys/cart.yaml".to_owned(), misspelt);
    let one =
        "journeys/cart.yaml:21:11: unknown email `checkout-remidner`; did you mean `checkout-reminder`?\n";
    assert_eq!(said(&run(&project)), one, "one mistake, one finding");

    let moved = "moved: {before-checkout-reminder: exit, checkout-reminder: checkout-nudge}\nsteps:";
    project
        .journeys
        .insert("journeys/cart.yaml".to_owned(), with(&shorter, "steps:", moved));
    let checked = run(&project);
    assert_eq!(said(&checked), "");
    assert_eq!(
        checked.lock, None,
        "ids stay in the list as long as somebody may come from there"
    );
    assert_eq!(checked.catalog.unwrap().journeys[0].moved.len(), 2);

    let welcome = with(CART, "title: Abandoned checkout", "title: Other");
    project.journeys = BTreeMap::from([("journeys/other.yaml".to_owned(), welcome)]);
    insta::assert_snapshot!(said(&run(&project)), @"journeys.lock:3:1: journey `cart` is gone; delete its lines here if everyone who is in it shall leave");
}
