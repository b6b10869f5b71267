//! What holds of every picture, whatever the journey: nothing overlaps, nothing is lost, every way leads somewhere.

use super::layout::layout;
use super::model::model;
use super::place::{Picture, Point, Rect};
use super::text::{Face, width, wrap};
use super::{Subjects, draw};
use crate::domain::ids::JourneyId;
use crate::journey::definition::Journey;
use crate::journey::parse::parse;
use proptest::prelude::*;

/// A step of a random journey, with the lists within it.
#[derive(Debug, Clone)]
enum Random {
    Send,
    Wait,
    Tag,
    Exit,
    Goto(usize),
    Listen(Option<Vec<Random>>, Option<Vec<Random>>),
    Branch(Vec<Vec<Random>>, bool),
    Split(Vec<Vec<Random>>),
}

fn list() -> impl Strategy<Value = Vec<Random>> {
    let leaf = prop_oneof![
        4 => Just(Random::Send),
        3 => Just(Random::Wait),
        1 => Just(Random::Tag),
        1 => Just(Random::Exit),
        2 => (0..20_usize).prop_map(Random::Goto),
    ];
    let step = leaf.prop_recursive(3, 16, 3, |inner| {
        let list = prop::collection::vec(inner, 0..4);
        prop_oneof![
            (prop::option::of(list.clone()), prop::option::of(list.clone()))
                .prop_map(|(then, otherwise)| Random::Listen(then, otherwise)),
            (prop::collection::vec(list.clone(), 1..4), any::<bool>())
                .prop_map(|(arms, rest)| Random::Branch(arms, rest)),
            prop::collection::vec(list, 2..4).prop_map(Random::Split),
        ]
    });
    prop::collection::vec(step, 1..6)
}

/// The list as a file says it, in one line.
fn written(list: &[Random], count: &mut usize) -> String {
    let steps: Vec<String> = list.iter().map(|step| one(step, count)).collect();
    format!("[{}]", steps.join(", "))
}

fn one(step: &Random, count: &mut usize) -> String {
    let id = *count;
    *count += 1;
    let mut target = |list: &Option<Vec<Random>>| match list {
        Some(list) => written(list, count),
        None => "exit".to_owned(),
    };
    let said = match step {
        Random::Send => "send: a-mail-with-a-rather-long-name-that-wraps, stream: marketing".to_owned(),
        Random::Wait => "wait: 1d12h".to_owned(),
        Random::Tag => "tag: [first, second]".to_owned(),
        Random::Exit => return "exit".to_owned(),
        Random::Goto(to) => format!("goto: s{to}, times: 3"),
        Random::Listen(then, otherwise) => {
            let (then, otherwise) = (target(then), target(otherwise));
            format!("wait: {{for: Email Clicked, timeout: 2d, then: {then}, otherwise: {otherwise}}}")
        }
        Random::Branch(arms, rest) => {
            let mut said: Vec<String> = arms
                .iter()
                .map(|arm| format!("{{when: contact.orders == 0, steps: {}}}", written(arm, count)))
                .collect();
            if *rest {
                said.push("{else: [exit]}".to_owned());
                *count += 1;
            }
            format!("branch: [{}]", said.join(", "))
        }
        Random::Split(arms) => {
            let weight = |number| if number == 0 { 102 - arms.len() } else { 1 };
            let weight = |number: usize| weight(number) - usize::from(number == 0);
            let said: Vec<String> = arms
                .iter()
                .enumerate()
                .map(|(number, arm)| {
                    format!(
                        "{{arm: a{number}, weight: {}, steps: {}}}",
                        weight(number),
                        written(arm, count)
                    )
                })
                .collect();
            format!("split: [{}]", said.join(", "))
        }
    };
    format!("{{{said}, id: s{id}}}")
}

fn journey(steps: &str) -> Journey {
    let text = format!(
        "title: A & B <x>\nstage: decision\ntrigger: {{on: Signed Up, key: contact}}\n\
         exit: [{{on: Order Completed, when: event.value > 10}}]\nsteps: {steps}\n"
    );
    let parsed = parse(JourneyId::parse("random").unwrap(), "random.yaml", &text).unwrap();
    assert_eq!(parsed.findings, [], "{text}");
    parsed.journey
}

fn picture(journey: &Journey) -> Picture {
    layout(&model(journey, &Subjects::new()))
}

fn check(journey: &Journey) {
    let picture = picture(journey);
    let mut boxes: Vec<Rect> = picture.nodes.iter().map(|node| node.rect).collect();
    boxes.push(picture.panel.rect);
    for (number, one) in boxes.iter().enumerate() {
        for other in &boxes[number + 1..] {
            assert!(!one.overlaps(*other), "{one:?} lies on {other:?}");
        }
        assert!(one.x >= 0 && one.y >= 0 && one.right() <= picture.width && one.bottom() <= picture.height);
    }
    for step in &journey.steps {
        let drawn = picture
            .nodes
            .iter()
            .filter(|node| node.step.as_ref() == Some(&step.id));
        assert_eq!(drawn.count(), 1, "{}", step.id);
    }
    for edge in &picture.edges {
        let (first, last) = (edge.points[0], edge.points[edge.points.len() - 1]);
        assert!(edge.points.len() > 1);
        assert!(touches(boxes[edge.from], first), "{edge:?} begins nowhere");
        assert!(touches(boxes[edge.to], last), "{edge:?} ends nowhere");
        for pair in edge.points.windows(2) {
            assert!(
                pair[0].x == pair[1].x || pair[0].y == pair[1].y,
                "{edge:?} is slanted"
            );
            for rect in &boxes {
                assert!(!rect.is_crossed(pair[0], pair[1]), "{edge:?} crosses {rect:?}");
            }
        }
    }
    for node in &picture.nodes {
        for text in &node.text {
            let wide = width(&text.words, text.tone.size(), text.tone.face());
            let left = if text.centered {
                text.at.x - wide / 2
            } else {
                text.at.x
            };
            assert!(left >= 0 && left + wide <= node.rect.w, "{text:?} is too wide");
            assert!(text.at.y < node.rect.h, "{text:?} is too low");
        }
    }
}

fn touches(rect: Rect, point: Point) -> bool {
    let inside = rect.grown(1).is_crossed(point, point);
    inside && !rect.is_crossed(point, point)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_picture_has_overlaps_gaps_or_loose_ends(list in list()) {
        check(&journey(&written(&list, &mut 0)));
    }

    #[test]
    fn a_line_is_never_too_wide(text in "\\PC{0,60}", most in 40..300_i32) {
        for face in [Face::Plain, Face::Bold, Face::Code] {
            for line in wrap(&text, most, 15, face, 5) {
                prop_assert!(width(&line, 15, face) <= most, "{line:?}");
            }
        }
    }
}

#[test]
fn a_circle_and_what_only_a_goal_reaches_are_drawn() {
    let journey = journey(
        "[{wait: 1h, id: s0}, {send: mail, stream: marketing, id: s1}, {goto: s0, times: 2, id: s2}, exit, {send: thanks, stream: marketing, id: s4}]",
    );
    check(&journey);
    let picture = picture(&journey);
    let jumps: Vec<_> = picture.edges.iter().filter(|edge| edge.jump).collect();
    assert_eq!(jumps.len(), 1);
    assert_eq!(picture.nodes[jumps[0].to].step.as_ref().unwrap().as_str(), "s0");
}

#[test]
fn markup_in_names_is_shown_and_not_obeyed() {
    let svg = draw(
        &journey("[{send: mail, stream: marketing}]"),
        &Subjects::from([("mail".to_owned(), "</text><script>\u{0}1 & 2".to_owned())]),
    );
    assert!(svg.contains("A &amp; B &lt;x&gt;"));
    assert!(svg.contains("“&lt;/text&gt;&lt;script&gt;"));
    assert!(!svg.contains("<script>") && !svg.contains('\0'));
}
