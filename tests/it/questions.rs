//! Questions and gifts: what mails show of them, what their pages say, and what is wrong with a declaration.

use crate::journeys::{project, run, said, with};
use wend::domain::message::Stream;
use wend::journey::question::Question;
use wend::journey::store_file::StoreFile;
use wend::render::questions::{Inside, Stage, gift_page, question_page};
use wend::render::sample;
use wend::render::words::words;

fn store() -> StoreFile {
    wend::generated::catalog().unwrap().store
}

fn nps(store: &StoreFile) -> &Question {
    store
        .questions
        .iter()
        .find(|question| question.id == "nps")
        .unwrap()
}

fn asked(language: &str, chosen: &str, stage: Stage) -> String {
    let store = store();
    question_page(&store, nps(&store), words([language], "en-GB"), (chosen, stage)).unwrap()
}

#[test]
fn a_mail_has_a_link_for_each_answer_in_its_own_language() {
    for (language, text) in [("en", "How likely are you"), ("ru", "Порекомендуете ли вы нас")]
    {
        let mail = sample::preview(
            &store(),
            "nps-question",
            Some(language),
            Stream::Marketing,
            &std::collections::BTreeMap::new(),
        );
        let mail = mail.unwrap().unwrap();
        let html = mail.html.replace("&#160;", " ");
        assert!(html.contains(text) && mail.text.contains(text), "{language}");
        for score in 0..=10 {
            let link = format!("https://mail.northfold.example/n/nps-{score}");
            assert!(
                mail.html.contains(&format!("href=\"{link}\"")) && mail.text.contains(&link),
                "{score}"
            );
        }
    }
}

#[test]
fn the_page_has_the_clicked_answer_chosen_and_one_button() {
    let html = asked("en", "9", Stage::Asking);
    assert_eq!(html.matches("type=\"radio\"").count(), 11);
    assert_eq!(html.matches(" checked").count(), 1);
    assert!(html.contains("value=\"9\" required checked"));
    assert_eq!(
        (html.matches("<form").count(), html.matches("<button").count()),
        (1, 1)
    );
    assert!(!html.contains("<script") && !html.contains("src="));
    assert!(asked("ru", "9", Stage::Asking).contains("<html lang=\"ru\">"));
    let gone = asked("en", "12", Stage::Asking);
    assert!(
        !gone.contains(" checked"),
        "an answer that a deploy took away is none"
    );
}

#[test]
fn only_critics_are_asked_for_words() {
    assert!(asked("en", "6", Stage::Answered).contains("<textarea"));
    assert!(!asked("en", "7", Stage::Answered).contains("<textarea"));
    assert!(!asked("en", "6", Stage::Commented).contains("<form"));
}

#[test]
fn a_gift_shows_no_code_before_its_button_is_pressed() {
    let mut store = store();
    store.gifts[0].title = "A <b>gift</b>".to_owned();
    let page = |inside| gift_page(&store, &store.gifts[0], words(["en"], "en-GB"), inside).unwrap();
    let closed = page(Inside::Closed);
    assert_eq!(closed.matches("<form method=\"post\">").count(), 1);
    assert!(!closed.contains("<b>"), "the shop's own words are escaped");
    let open = page(Inside::Code("NORTH-7Q2K"));
    assert!(open.contains("NORTH-7Q2K") && !open.contains("<form"));
    let empty = page(Inside::Nothing);
    assert!(empty.contains("help@northfold.example") && !empty.contains("<form"));
}

const DECLARED: &str = "questions:
  - { id: nps, text: \"Would you?\", scale: 0-10, comment: 0-6 }
  - { id: taste, text: \"Which?\", answers: [{ id: sweet, text: Sweet }, { id: sour, text: Sour }] }
gifts:
  - { id: scratch, title: Scratch, text: Yours, pool: comeback }
";

#[test]
fn what_a_template_names_must_be_declared() {
    let mut project = project();
    let store = project.store.clone().unwrap();
    let mail = "{{ questions.npps.text }}{% for answer in questions.nps.answers %}{{ answer.link }}{% endfor %}\
                {{ gifts.scrach.url }}{{ gifts.scratch.url }}{{ subject }}\n{{ store.address }}\
                {% if let Some(link) = unsubscribe_url %}{{ link }}{% endif %}";
    project
        .templates
        .insert("emails/checkout-nudge/email.html".to_owned(), mail.to_owned());
    project.store = Some(format!("{store}{DECLARED}"));
    insta::assert_snapshot!(said(&run(&project)));
}

#[test]
fn declarations_that_make_no_sense() {
    let cases = [
        ("id: nps", "id: NPS"),
        ("id: taste", "id: nps"),
        ("scale: 0-10", "scale: 0-100"),
        ("scale: 0-10, ", ""),
        ("comment: 0-6", "comment: some"),
        (
            "comment: 0-6",
            "comment: 0-6, translations: { deutsch: { text: \"Würden Sie?\" } }",
        ),
        ("text: \"Would you?\"", "text: \"\""),
        ("id: sour", "id: sweet"),
        (", { id: sour, text: Sour }", ""),
        (
            "text: \"Which?\"",
            "text: \"Which?\", translations: { ru: { text: \"Какой?\", answers: { swet: \"Сладкий\" } } }",
        ),
        ("pool: comeback", "pool: Come back"),
        ("pool: comeback", ""),
    ];
    let mut text = String::new();
    for (from, to) in cases {
        let mut project = project();
        let store = project.store.take().unwrap();
        project.store = Some(format!("{store}{}", with(DECLARED, from, to)));
        text.push_str(&format!("--- {from} -> {to}\n{}", said(&run(&project))));
    }
    insta::assert_snapshot!(text);
}
