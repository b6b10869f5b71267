//! How a variable of a journey may be called: templates become Rust, in which it is a field.

/// Words that Rust keeps for itself, of those that are lower-case.
const RUST: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield",
];
const LENGTH_MAX: usize = 64;

/// Whether emails can write `variables.<name>`.
pub fn is_variable_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.len() <= LENGTH_MAX
        && !RUST.contains(&name)
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rust_can_call_a_field_is_a_name() {
        for name in ["score", "favourite_mug", "a1"] {
            assert!(is_variable_name(name), "{name}");
        }
        for name in ["", "Score", "1a", "_a", "favourite-mug", "type", "yield", "é"] {
            assert!(!is_variable_name(name), "{name}");
        }
    }
}
