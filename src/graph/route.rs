//! Ways around boxes, for what leads back or across: the shortest, with few corners, over no box and along no other way.

use super::place::{Edge, Point, Rect};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

/// How far from a box's side a way runs; the second lane is for a second way.
const LANES: [i32; 2] = [17, 29];
/// No way comes nearer to a box than this.
const CLEAR: i32 = 8;
/// Two ways nearer than this look like one.
const APART: i32 = 9;
const CORNER: i32 = 60;
const CROSSING: i32 = 30;

/// A place in the grid of lanes, and whether the way came there sideways.
type Spot = (Point, bool);

/// The way from one box to another, out of and into their sides.
pub(super) fn route(boxes: &[Rect], edges: &[Edge], from: usize, to: usize) -> Vec<Point> {
    let (Some(start), Some(end)) = (boxes.get(from), boxes.get(to)) else {
        return Vec::new();
    };
    let grid = Grid::new(boxes, edges, *start, *end);
    let sides = |rect: &Rect| {
        let y = rect.middle().y;
        let [near, far] = LANES;
        let right = |lane| (Point::new(rect.right(), y), Point::new(rect.right() + lane, y));
        let left = |lane| (Point::new(rect.x, y), Point::new(rect.x - lane, y));
        [right(near), right(far), left(near), left(far)]
    };
    let (starts, ends) = (sides(start), sides(end));
    let found = grid.search(&starts.map(|(_, lane)| lane), &ends.map(|(_, lane)| lane));
    let Some(inner) = found else {
        return straightened(vec![start.middle(), end.middle()]);
    };
    let side = |sides: &[(Point, Point)], lane: Option<&Point>| {
        let at = sides.iter().find(|(_, other)| Some(other) == lane);
        at.map(|(side, _)| *side)
    };
    let first = side(&starts, inner.first());
    let last = side(&ends, inner.last());
    straightened(first.into_iter().chain(inner).chain(last).collect())
}

/// The points without those that are no corner.
pub(super) fn straightened(points: Vec<Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        if kept.last() == Some(&point) {
            continue;
        }
        if let [.., a, b] = kept.as_slice() {
            let sideways = a.y == b.y && b.y == point.y;
            let upright = a.x == b.x && b.x == point.x;
            if sideways || upright {
                kept.pop();
            }
        }
        kept.push(point);
    }
    kept
}

struct Grid {
    xs: Vec<i32>,
    ys: Vec<i32>,
    boxes: Vec<Rect>,
    segments: Vec<(Point, Point)>,
}

impl Grid {
    fn new(boxes: &[Rect], edges: &[Edge], start: Rect, end: Rect) -> Self {
        let lanes = |low: i32, high: i32| LANES.map(|lane| [low - lane, high + lane]).concat();
        let xs: BTreeSet<i32> = boxes
            .iter()
            .flat_map(|rect| lanes(rect.x, rect.right()))
            .collect();
        let mut ys: BTreeSet<i32> = boxes
            .iter()
            .flat_map(|rect| lanes(rect.y, rect.bottom()))
            .collect();
        ys.extend([start.middle().y, end.middle().y]);
        let pairs = edges.iter().flat_map(|edge| {
            let next = edge.points.iter().skip(1);
            edge.points.iter().copied().zip(next.copied())
        });
        Self {
            xs: xs.into_iter().collect(),
            ys: ys.into_iter().collect(),
            boxes: boxes.iter().map(|rect| rect.grown(CLEAR)).collect(),
            segments: pairs.collect(),
        }
    }

    /// The cheapest way from one of the starts to one of the ends.
    fn search(&self, starts: &[Point], ends: &[Point]) -> Option<Vec<Point>> {
        let mut best: BTreeMap<Spot, (i32, Option<Spot>)> = BTreeMap::new();
        // What is left at least keeps the search from looking in every corner.
        let left = |at: Point| {
            let ways = ends.iter().map(|end| length(at, *end));
            ways.min().unwrap_or(0)
        };
        let mut open = BinaryHeap::new();
        for start in starts.iter().filter(|start| self.is_free(**start)) {
            best.insert((*start, true), (0, None));
            open.push(Reverse((left(*start), 0, (*start, true))));
        }
        while let Some(Reverse((_, cost, spot))) = open.pop() {
            if best.get(&spot).is_some_and(|(least, _)| *least < cost) {
                continue;
            }
            // Into a box's side a way comes sideways.
            if spot.1 && ends.contains(&spot.0) {
                return Some(backwards(&best, spot));
            }
            for (point, sideways) in self.neighbours(spot.0) {
                let next = (point, sideways);
                let least = best.get(&next).map_or(i32::MAX, |(least, _)| *least);
                let corner = if sideways == spot.1 { 0 } else { CORNER };
                // Looking for what is in the way costs more than all else, and is spared where it cannot help.
                if cost + corner + length(spot.0, point) >= least {
                    continue;
                }
                let Some(way) = self.cost(spot.0, point) else {
                    continue;
                };
                let total = cost + way + corner;
                if total < least {
                    best.insert(next, (total, Some(spot)));
                    open.push(Reverse((total + left(point), total, next)));
                }
            }
        }
        None
    }

    fn neighbours(&self, at: Point) -> Vec<(Point, bool)> {
        let x = self.xs.binary_search(&at.x).unwrap_or_else(|near| near);
        let y = self.ys.binary_search(&at.y).unwrap_or_else(|near| near);
        let beside = |all: &[i32], at: usize| {
            let before = at.checked_sub(1).and_then(|at| all.get(at).copied());
            [before, all.get(at + 1).copied()]
        };
        let sideways = beside(&self.xs, x).into_iter().flatten();
        let upright = beside(&self.ys, y).into_iter().flatten();
        let sideways = sideways.map(|x| (Point::new(x, at.y), true));
        sideways
            .chain(upright.map(|y| (Point::new(at.x, y), false)))
            .collect()
    }

    fn is_free(&self, at: Point) -> bool {
        !self.boxes.iter().any(|rect| rect.is_crossed(at, at))
    }

    /// What a segment costs; none when a box is in its way.
    fn cost(&self, a: Point, b: Point) -> Option<i32> {
        if self.boxes.iter().any(|rect| rect.is_crossed(a, b)) {
            return None;
        }
        let mut cost = length(a, b);
        let flat = |(a, b): (Point, Point)| a.y == b.y;
        for &(c, d) in &self.segments {
            cost += match (flat((a, b)), flat((c, d))) {
                (true, true) if (a.y - c.y).abs() < APART => 4 * shared((a.x, b.x), (c.x, d.x)),
                (false, false) if (a.x - c.x).abs() < APART => 4 * shared((a.y, b.y), (c.y, d.y)),
                (true, false) if within(c.x, a.x, b.x) && within(a.y, c.y, d.y) => CROSSING,
                (false, true) if within(a.x, c.x, d.x) && within(c.y, a.y, b.y) => CROSSING,
                (_, _) => 0,
            };
        }
        Some(cost)
    }
}

/// The corners from the start to the spot.
fn backwards(best: &BTreeMap<Spot, (i32, Option<Spot>)>, spot: Spot) -> Vec<Point> {
    let mut points = Vec::new();
    let mut at = Some(spot);
    while let Some(spot) = at {
        points.push(spot.0);
        at = best.get(&spot).and_then(|(_, before)| *before);
    }
    points.reverse();
    points
}

/// Along the two axes.
fn length(a: Point, b: Point) -> i32 {
    (a.x - b.x).abs() + (a.y - b.y).abs()
}

/// The length that two spans have in common.
fn shared(one: (i32, i32), other: (i32, i32)) -> i32 {
    let low = one.0.min(one.1).max(other.0.min(other.1));
    let high = one.0.max(one.1).min(other.0.max(other.1));
    (high - low).max(0)
}

fn within(value: i32, a: i32, b: i32) -> bool {
    value > a.min(b) && value <= a.max(b)
}
