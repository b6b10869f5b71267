//! Holds docs/compliance.md to the table of the regions.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use wend::journey::region::Region;

const HEAD: &str = "| `region` | marketing goes to | a yes must be confirmed | open pixels unless you say otherwise |\n|---|---|---|---|\n";

fn table() -> String {
    let mut table = HEAD.to_owned();
    for region in Region::ALL {
        let preset = region.preset();
        let confirmed = if preset.double_opt_in { "yes" } else { "no" };
        let opens = if preset.tracks_opens { "on" } else { "off" };
        let to = preset.regime.in_words();
        writeln!(table, "| `{}` | {to} | {confirmed} | {opens} |", region.as_str()).unwrap();
    }
    table
}

#[test]
fn the_guide_shows_what_each_region_sets() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compliance.md");
    let guide = fs::read_to_string(&file).unwrap();
    let start = guide.find(HEAD).expect("the table begins with its head");
    let rest = &guide[start..];
    let end = start + rest.find("\n\n").unwrap() + 1;
    let written = format!("{}{}{}", &guide[..start], table(), &guide[end..]);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, written).unwrap();
    } else {
        assert!(
            written == guide,
            "UPDATE_DOCS=1 writes the table anew:\n{}",
            table()
        );
    }
}

#[test]
fn every_region_is_spoken_of_below_the_table() {
    let guide = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/compliance.md")).unwrap();
    for region in Region::ALL {
        let name = region.as_str();
        let told =
            guide.contains(&format!("- **`{name}`**")) || guide.contains(&format!("`{name}` is the default"));
        let regime = guide.contains("`soft_opt_in` and `opt_out` are regimes by themselves");
        assert!(told || regime && name.contains("opt_"), "{name}");
    }
}
