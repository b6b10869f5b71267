//! What a sweep of the zones found, for people.

use super::sweep::{START_HOUR, Swept};

/// Zones named in a line.
const EXAMPLES: usize = 4;

impl std::fmt::Display for Swept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let odd = self.groups.iter().filter(|group| !group.odd.is_empty()).count();
        writeln!(
            f,
            "{} zones, {} starts: at {START_HOUR}:00 by her clock on the day before each change of it in 2026;\n\
             in zones without a change, on 15 June. Day 1 is the day she starts.\n",
            self.zones, self.starts
        )?;
        match odd {
            0 => writeln!(f, "nothing odd\n")?,
            1 => writeln!(f, "1 outcome is odd\n")?,
            many => writeln!(f, "{many} outcomes are odd\n")?,
        }
        for group in &self.groups {
            let mark = if group.odd.is_empty() { "  " } else { "! " };
            let mails = if group.mails.is_empty() {
                "nothing was sent".to_owned()
            } else {
                group.mails.join(", ")
            };
            let zones: Vec<&str> = group.zones.iter().copied().take(EXAMPLES).collect();
            let more = group.zones.len().saturating_sub(zones.len());
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            writeln!(f, "{mark}{mails}")?;
            for odd in &group.odd {
                writeln!(f, "    odd: {odd}")?;
            }
            let starts = if group.starts == 1 { "start" } else { "starts" };
            writeln!(
                f,
                "    {} {starts}, e.g. {}, in {}{more}",
                group.starts,
                group.example.to_chrono().format("%Y-%m-%d %H:%M UTC"),
                zones.join(", ")
            )?;
        }
        Ok(())
    }
}
