//! Where each card stands: chains run down, arms stand side by side below their fork and meet again below them.
//!
//! A part is laid out around an axis at x = 0 from y = 0 down, then moved to its place. Jumps are drawn last, by `route`,
//! around everything else.

use super::boxes;
use super::model::{Arm, Chain, End, Item, Model, is_open};
use super::place::{Edge, Node, Picture, Point, Rect, Shape};
use super::route;
use crate::domain::ids::StepId;

/// Between two cards of a chain.
const GAP: i32 = 38;
/// Above an end, which needs less room for an arrow.
const END_GAP: i32 = 24;
/// An arm this near to the middle is the middle.
const NEARLY: i32 = 70;
/// From a fork down to the line that its arms leave from.
const BUS: i32 = 20;
/// From that line down to the arms, and from the arms down to the line where they meet.
const DROP: i32 = 26;
/// Between two arms; jumps find their way there.
const ASIDE: i32 = 46;
const MARGIN: i32 = 36;
const BELOW_TITLE: i32 = 30;

/// A part of the picture around its axis.
#[derive(Default)]
struct Part {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    jumps: Vec<(usize, StepId)>,
    /// Ways that leave at the bottom, each from its box to the axis.
    tails: Vec<Tail>,
    left: i32,
    right: i32,
    bottom: i32,
}

struct Tail {
    from: usize,
    points: Vec<Point>,
}

/// The whole picture.
pub(super) fn layout(model: &Model) -> Picture {
    let mut all = closed(chain(&model.chain));
    for apart in &model.apart {
        let part = closed(chain(apart));
        let x = all.reach(part.bottom + ASIDE) + ASIDE - part.left;
        all.take(part, x, 0);
    }
    let mut panel = boxes::panel(&model.panel);
    panel.rect.x = all.reach(panel.rect.h + ASIDE) + ASIDE + GAP;
    let jumps = std::mem::take(&mut all.jumps);
    let mut obstacles: Vec<Rect> = all.nodes.iter().map(|node| node.rect).collect();
    obstacles.push(panel.rect);
    for (from, to) in jumps {
        let target = all.nodes.iter().position(|node| node.step.as_ref() == Some(&to));
        if let Some(to) = target {
            let points = route::route(&obstacles, &all.edges, from, to);
            let jump = true;
            all.edges.push(Edge {
                from,
                to,
                points,
                jump,
            });
        }
    }
    let xs = || {
        all.edges
            .iter()
            .flat_map(|edge| &edge.points)
            .map(|point| point.x)
    };
    let left = xs().chain([all.left]).min().unwrap_or(0);
    let right = xs().chain([all.right, panel.rect.right()]).max().unwrap_or(0);
    let lowest = all
        .edges
        .iter()
        .flat_map(|edge| &edge.points)
        .map(|point| point.y);
    let lowest = lowest.chain([all.bottom, panel.rect.bottom()]).max().unwrap_or(0);
    let (mut title, title_height) = boxes::title(&model.title, &model.subtitle, right - left);
    let top = MARGIN - 8 + title_height + BELOW_TITLE;
    for line in &mut title {
        line.at = line.at.moved(MARGIN, MARGIN - 8);
    }
    all.shift(MARGIN - left, top, 0);
    panel.rect.x += MARGIN - left;
    panel.rect.y += top;
    Picture {
        width: right - left + 2 * MARGIN,
        height: top + lowest + MARGIN,
        title,
        nodes: all.nodes,
        edges: all.edges,
        panel,
    }
}

/// The part with an end where ways still lead on.
fn closed(mut part: Part) -> Part {
    if !part.tails.is_empty() {
        part.end("Ends");
    }
    part
}

fn chain(chain: &Chain) -> Part {
    let mut part = Part::default();
    part.chain(chain);
    part
}

impl Part {
    fn chain(&mut self, chain: &Chain) {
        for item in &chain.items {
            self.item(item);
        }
        match &chain.end {
            End::Open | End::Closed => {
                if chain.end == End::Closed {
                    self.tails.clear();
                }
            }
            End::Leaves => self.end("Leaves"),
            End::At(step) => {
                let tails = std::mem::take(&mut self.tails);
                self.jumps
                    .extend(tails.into_iter().map(|tail| (tail.from, step.clone())));
            }
        }
    }

    fn item(&mut self, item: &Item) {
        let at = self.below(boxes::card(&item.card));
        self.jumps.extend(item.jump.iter().map(|to| (at, to.clone())));
        if !item.arms.is_empty() {
            self.tails.clear();
            self.arms(at, &item.arms);
        }
    }

    fn end(&mut self, words: &str) {
        self.below(boxes::pill(words));
        self.tails.clear();
    }

    /// How far to the right the part reaches above a line: what stands beside it at the top may come as near.
    fn reach(&self, above: i32) -> i32 {
        let boxes = self.nodes.iter().filter(|node| node.rect.y < above);
        let points = self.edges.iter().flat_map(|edge| &edge.points);
        let ways = points.filter(|point| point.y < above).map(|point| point.x);
        boxes.map(|node| node.rect.right()).chain(ways).max().unwrap_or(0)
    }

    /// A box below all there is, which every loose end leads to.
    fn below(&mut self, mut node: Node) -> usize {
        let gap = if node.shape == Shape::Pill { END_GAP } else { GAP };
        let y = if self.nodes.is_empty() {
            0
        } else {
            self.bottom + gap
        };
        node.rect.x = -node.rect.w / 2;
        node.rect.y = y;
        let to = self.nodes.len();
        self.grow(node.rect);
        self.nodes.push(node);
        for mut tail in std::mem::take(&mut self.tails) {
            tail.points.push(Point::new(0, y));
            self.edge(tail.from, to, tail.points);
        }
        self.tails.push(Tail {
            from: to,
            points: vec![Point::new(0, self.bottom)],
        });
        to
    }

    fn arms(&mut self, fork: usize, arms: &[Arm]) {
        let start = self.bottom;
        let top = start + BUS + DROP;
        let parts: Vec<Part> = arms.iter().map(arm).collect();
        let axes = axes(&parts, arms);
        let lowest = parts.iter().map(|part| part.bottom).max().unwrap_or(0);
        // One arm that runs straight on meets nobody.
        let open = arms.iter().filter(|arm| is_open(&arm.chain)).count();
        let meet = top + lowest + if open > 1 { DROP } else { 0 };
        let mut tails = Vec::new();
        for (part, axis) in parts.into_iter().zip(axes) {
            let to = self.nodes.len();
            for tail in self.take(part, axis, top) {
                let mut points = tail.points;
                points.extend([Point::new(axis, meet), Point::new(0, meet)]);
                let from = tail.from;
                tails.push(Tail { from, points });
            }
            let bus = start + BUS;
            let points = [(0, start), (0, bus), (axis, bus), (axis, top)];
            self.edge(fork, to, points.map(|(x, y)| Point::new(x, y)).to_vec());
        }
        if !tails.is_empty() {
            self.bottom = meet;
        }
        self.tails = tails;
    }

    /// Takes a part in at a place; its loose ends are the caller's.
    fn take(&mut self, mut part: Part, x: i32, y: i32) -> Vec<Tail> {
        part.shift(x, y, self.nodes.len());
        self.left = self.left.min(part.left);
        self.right = self.right.max(part.right);
        self.bottom = self.bottom.max(part.bottom);
        self.nodes.append(&mut part.nodes);
        self.edges.append(&mut part.edges);
        self.jumps.append(&mut part.jumps);
        part.tails
    }

    fn shift(&mut self, x: i32, y: i32, before: usize) {
        for node in &mut self.nodes {
            node.rect.x += x;
            node.rect.y += y;
        }
        for edge in &mut self.edges {
            edge.from += before;
            edge.to += before;
            for point in &mut edge.points {
                *point = point.moved(x, y);
            }
        }
        for (from, _) in &mut self.jumps {
            *from += before;
        }
        for tail in &mut self.tails {
            tail.from += before;
            for point in &mut tail.points {
                *point = point.moved(x, y);
            }
        }
        self.left += x;
        self.right += x;
        self.bottom += y;
    }

    fn grow(&mut self, rect: Rect) {
        self.left = self.left.min(rect.x);
        self.right = self.right.max(rect.right());
        self.bottom = self.bottom.max(rect.bottom());
    }

    fn edge(&mut self, from: usize, to: usize, points: Vec<Point>) {
        let points = route::straightened(points);
        let jump = false;
        self.edges.push(Edge {
            from,
            to,
            points,
            jump,
        });
    }
}

fn arm(arm: &Arm) -> Part {
    let mut part = Part::default();
    part.below(boxes::chip(&arm.label));
    part.chain(&arm.chain);
    part
}

/// Where the arms' axes are, seen from the fork's. The fork stands above their middle; where only one arm goes on, above
/// that one, so that the way most people take is straight.
fn axes(parts: &[Part], arms: &[Arm]) -> Vec<i32> {
    let mut axes = Vec::new();
    let mut x = 0;
    for part in parts {
        axes.push(x - part.left);
        x += part.right - part.left + ASIDE;
    }
    let mut open = axes.iter().zip(arms).filter(|(_, arm)| is_open(&arm.chain));
    let center = match (open.next(), open.next(), axes.first(), axes.last()) {
        (Some((only, _)), None, _, _) => *only,
        (_, _, Some(first), Some(last)) => {
            let middle = (first + last) / 2;
            let near = axes.iter().find(|axis| (*axis - middle).abs() < NEARLY);
            near.copied().unwrap_or(middle)
        }
        (_, _, _, _) => 0,
    };
    axes.iter().map(|axis| axis - center).collect()
}
