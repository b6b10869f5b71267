//! Colours, light and dark, and the sign on each kind of card.

use super::model::Look;
use std::collections::BTreeSet;

/// Class of a card, its colour in light and dark, and its sign: strokes in a square of 20.
pub(super) struct Sign {
    pub class: &'static str,
    pub light: &'static str,
    pub dark: &'static str,
    pub strokes: &'static str,
}

const ENVELOPE: &str = "M2.5 5h15v10.5h-15zM2.5 5.5l7.5 6 7.5-6";

pub(super) const fn sign(look: Look) -> Sign {
    let (class, light, dark, strokes) = match look {
        Look::Trigger => (
            "trigger",
            "#15664c",
            "#5fd0a5",
            "M11.5 2L4.5 11.5h5l-1 6.5 7-9.5h-5z",
        ),
        Look::Marketing => ("marketing", "#2f5bd0", "#8fb0ff", ENVELOPE),
        Look::Transactional => ("transactional", "#0b7189", "#67cfe6", ENVELOPE),
        Look::Wait => (
            "wait",
            "#a05a00",
            "#f0b45c",
            "M10 2.5a7.5 7.5 0 1 0 0 15a7.5 7.5 0 1 0 0-15zM10 6v4.2l2.8 2",
        ),
        Look::Listen => (
            "listen",
            "#a05a00",
            "#f0b45c",
            "M5 14v-5a5 5 0 0 1 10 0v5M3 14.2h14M8.4 16.6a1.8 1.8 0 0 0 3.2 0",
        ),
        Look::Fork => (
            "fork",
            "#7338b5",
            "#c9a2f5",
            "M10 2.5v5M10 7.5L4.5 12v5.5M10 7.5l5.5 4.5v5.5",
        ),
        Look::Note => (
            "note",
            "#4c5a67",
            "#aab7c4",
            "M3 10V3.5h6.5L17 11l-6.3 6.3zM6.5 6.9h.1",
        ),
        Look::Journey => (
            "journey",
            "#9b2c67",
            "#f096c3",
            "M4 10h11M10.5 5.5L15 10l-4.5 4.5",
        ),
        Look::Back => (
            "back",
            "#b23a2a",
            "#ff9d8d",
            "M8 5L4 9l4 4M4 9h8a4 4 0 0 1 0 8h-2",
        ),
        Look::End => ("end", "#4c5a67", "#aab7c4", "M5 10h10"),
    };
    Sign {
        class,
        light,
        dark,
        strokes,
    }
}

/// Selector, property, light, dark.
const COLOURS: [(&str, &str, &str, &str); 19] = [
    (".ground", "fill", "#f6f7f5", "#14181b"),
    (".card", "fill", "#ffffff", "#1e2428"),
    (".card", "stroke", "#d8dcd7", "#394249"),
    (".chip", "fill", "#ecefeb", "#2a3237"),
    (".chip", "stroke", "#d3d8d2", "#434d54"),
    (".pill", "fill", "#f6f7f5", "#14181b"),
    (".pill", "stroke", "#8d978f", "#7d8890"),
    (".panel", "fill", "#ffffff", "#1a2024"),
    (".panel", "stroke", "#d8dcd7", "#394249"),
    (".rule", "stroke", "#e4e7e3", "#2f373d"),
    (".flow", "stroke", "#7c877f", "#87929a"),
    (".tip", "fill", "#7c877f", "#87929a"),
    (".jump", "stroke", "#b23a2a", "#ff9d8d"),
    (".jump-tip", "fill", "#b23a2a", "#ff9d8d"),
    (".title,.heading", "fill", "#17201b", "#f0f3f1"),
    (".subtitle", "fill", "#57635b", "#a4afa8"),
    (".words,.chip-text", "fill", "#404b44", "#c3ccc6"),
    (".code", "fill", "#404b44", "#c3ccc6"),
    (".does", "fill", "#57635b", "#a4afa8"),
];

const SHAPES: &str = "
text{font-family:ui-sans-serif,system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif}
.title{font-size:22px;font-weight:650}
.subtitle,.words{font-size:13px}
.heading{font-size:15px;font-weight:600}
.does{font-size:11px;font-weight:600;letter-spacing:.02em}
.chip-text{font-size:12px}
.code{font-size:12px;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\",monospace}
.middle{text-anchor:middle}
.flow,.jump{fill:none;stroke-width:2}
.jump{stroke-dasharray:5 4}
.sign{fill:none;stroke-width:1.5;stroke-linecap:round;stroke-linejoin:round}
.tint{fill-opacity:.12}
";

/// The style sheet: what both modes share, the light colours, and the dark ones where they are preferred.
pub(super) fn sheet(looks: &BTreeSet<Look>) -> String {
    let rules = |dark: bool| -> String {
        let plain = COLOURS.iter().map(|(selector, property, light, night)| {
            format!("{selector}{{{property}:{}}}\n", if dark { night } else { light })
        });
        let signs = looks.iter().map(|look| {
            let sign = sign(*look);
            let colour = if dark { sign.dark } else { sign.light };
            let class = sign.class;
            format!(".{class} .sign{{stroke:{colour}}}.{class} .tint,.{class} .edge{{fill:{colour}}}.{class} .does{{fill:{colour}}}\n")
        });
        plain.chain(signs).collect()
    };
    format!(
        "{SHAPES}{}@media (prefers-color-scheme:dark){{\n{}}}\n",
        rules(false),
        rules(true)
    )
}
