//! Where things stand in a picture, in pixels: what `layout` makes and `svg` draws.

use super::model::Look;
use super::text::Face;
use crate::domain::ids::StepId;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Point {
    pub x: i32,
    pub y: i32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

/// A box with its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub rect: Rect,
    pub shape: Shape,
    pub step: Option<StepId>,
    pub text: Vec<Text>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Card(Look),
    /// What stands on an edge.
    Chip,
    /// Where the journey is over.
    Pill,
}

/// A line of text; its place counts from the upper left corner of its box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Text {
    pub at: Point,
    pub words: String,
    pub tone: Tone,
    pub centered: bool,
}

/// What a line of text is, and so how it is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Tone {
    Title,
    Subtitle,
    /// The small line on top of a card.
    Does,
    Heading,
    Words,
    Code,
    Chip,
}

/// A way from one box to another, all its segments horizontal or vertical.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Edge {
    pub from: usize,
    pub to: usize,
    pub points: Vec<Point>,
    /// Against the flow, or across it.
    pub jump: bool,
}

/// Everything there is to draw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picture {
    pub width: i32,
    pub height: i32,
    pub title: Vec<Text>,
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    pub panel: Panel,
}

/// The list at the side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Panel {
    pub rect: Rect,
    pub text: Vec<Text>,
    /// Where lines part the sections, from the upper edge.
    pub rules: Vec<i32>,
}

impl Point {
    pub const fn new(x: i32, y: i32) -> Self {
        Self { x, y }
    }

    #[must_use]
    pub const fn moved(self, x: i32, y: i32) -> Self {
        Self {
            x: self.x + x,
            y: self.y + y,
        }
    }
}

impl Rect {
    pub const fn right(self) -> i32 {
        self.x + self.w
    }

    pub const fn bottom(self) -> i32 {
        self.y + self.h
    }

    pub const fn middle(self) -> Point {
        Point::new(self.x + self.w / 2, self.y + self.h / 2)
    }

    #[must_use]
    pub const fn grown(self, by: i32) -> Self {
        Self {
            x: self.x - by,
            y: self.y - by,
            w: self.w + 2 * by,
            h: self.h + 2 * by,
        }
    }

    /// Whether the segment runs through the inside.
    pub fn is_crossed(self, a: Point, b: Point) -> bool {
        a.x.max(b.x) > self.x
            && a.x.min(b.x) < self.right()
            && a.y.max(b.y) > self.y
            && a.y.min(b.y) < self.bottom()
    }

    #[cfg(test)]
    pub fn overlaps(self, other: Self) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }
}

impl Tone {
    pub const fn size(self) -> i32 {
        match self {
            Self::Title => 22,
            Self::Subtitle => 13,
            Self::Does => 11,
            Self::Heading => 15,
            Self::Words => 13,
            Self::Code | Self::Chip => 12,
        }
    }

    pub const fn face(self) -> Face {
        match self {
            Self::Title | Self::Heading | Self::Does => Face::Bold,
            Self::Subtitle | Self::Words | Self::Chip => Face::Plain,
            Self::Code => Face::Code,
        }
    }

    /// From one line to the next.
    pub const fn leading(self) -> i32 {
        self.size() * 4 / 3 + 1
    }
}
