//! The figures of a population for people.

use super::figures::{Figures, JourneyFigures, Spread};
use std::collections::BTreeMap;
use std::fmt;

const ZONES_A_LINE: usize = 4;

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} contacts, {} days from 2 March 2026, seed {}: {} events",
            self.contacts, self.days, self.seed, self.events
        )?;
        self.assumptions(f)?;
        for (name, journey) in &self.journeys {
            journey_lines(f, name, journey)?;
        }
        writeln!(
            f,
            "\nmails per contact and week{:>18} {:>5} {:>5} {:>5}",
            "p50", "p90", "p99", "max"
        )?;
        for (kind, spread) in &self.weekly {
            writeln!(f, "  {kind:<37} {}", columns(*spread))?;
        }
        writeln!(f, "\n{:<40}{:>5}", "mails that met a cap", self.cap_hits)?;
        writeln!(
            f,
            "{:<40}{:>5}",
            "contacts in two or more journeys at once", self.overlapping_contacts
        )?;
        for (pair, count) in &self.overlaps {
            writeln!(f, "  {pair:<38}{count:>5}")?;
        }
        writeln!(f, "{:<40}{:>5}", "contacts who unsubscribed", self.unsubscribed)?;
        let verdict = |count: u64| if count == 0 { "" } else { "  this must be 0" };
        writeln!(
            f,
            "{:<40}{:>5}{}",
            "  marketing mails to them afterwards",
            self.mailed_after_unsubscribe,
            verdict(self.mailed_after_unsubscribe)
        )?;
        let letters = u64::try_from(self.dead_letters).unwrap_or(u64::MAX);
        writeln!(f, "{:<40}{:>5}{}", "dead letters", letters, verdict(letters))?;
        let late = self.lateness_seconds;
        writeln!(
            f,
            "seconds late, mails that no rule held    p50 {}, p99 {}, max {}",
            late.p50, late.p99, late.max
        )?;
        if let Some(seconds) = self.took_seconds {
            #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
            let rate = self.events as f64 / seconds.max(0.001);
            writeln!(
                f,
                "\ntook {seconds:.1} s: {rate:.0} events a second, their mails included"
            )?;
        }
        Ok(())
    }
}

impl Figures {
    fn assumptions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = &self.assumed;
        let percent = |share: f64| format!("{:.1}", share * 100.0).trim_end_matches(".0").to_owned() + " %";
        let zones: Vec<String> = rates
            .zones
            .iter()
            .map(|(zone, share)| format!("{zone} {}", percent(*share)))
            .collect();
        writeln!(f, "\nAssumed, not measured (--rates file.yaml changes it):")?;
        writeln!(
            f,
            "  {} come as guests, the others sign up; {} of all agree to marketing; they come over {} of the time",
            percent(rates.guests),
            percent(rates.subscribed),
            percent(rates.arrivals)
        )?;
        writeln!(
            f,
            "  {} visits a week; {} reach the checkout; {} of those buy within the hour, {} later; {} of buyers come back",
            rates.visits_per_week,
            percent(rates.checkout),
            percent(rates.order_at_once),
            percent(rates.order_later),
            percent(rates.repeat)
        )?;
        writeln!(
            f,
            "  of orders {} are fulfilled, {} of these delivered, {} of orders refunded",
            percent(rates.fulfilled),
            percent(rates.delivered),
            percent(rates.refunded)
        )?;
        writeln!(
            f,
            "  of marketing mails {} are opened, {} clicked, {} unsubscribed from",
            percent(rates.opens),
            percent(rates.clicks),
            percent(rates.unsubscribes)
        )?;
        writeln!(
            f,
            "  the email API allows {} requests a second, and never fails",
            rates.requests_per_second
        )?;
        for (at, row) in zones.chunks(ZONES_A_LINE).enumerate() {
            let head = if at == 0 { "zones:" } else { "      " };
            writeln!(f, "  {head} {}", row.join(", "))?;
        }
        writeln!(f, "         of all others the zone is unknown")
    }
}

fn journey_lines(f: &mut fmt::Formatter<'_>, name: &str, journey: &JourneyFigures) -> fmt::Result {
    let ended = list(&journey.ended);
    let ended = if ended.is_empty() {
        String::new()
    } else {
        format!("; {ended}")
    };
    writeln!(
        f,
        "\n{name}: {} started, {} still in it{ended}",
        journey.started, journey.running
    )?;
    for (step, figures) in &journey.steps {
        let mut parts = Vec::new();
        for (what, counts) in [("held", &figures.held), ("dropped", &figures.dropped)] {
            if !counts.is_empty() {
                parts.push(format!("{what}: {}", list(counts)));
            }
        }
        if figures.trouble > 0 {
            parts.push(format!("trouble: {}", figures.trouble));
        }
        if figures.under_way > 0 {
            parts.push(format!("under way: {}", figures.under_way));
        }
        let line = format!("  {step:<28} sent {:>6}   {}", figures.sent, parts.join("; "));
        writeln!(f, "{}", line.trim_end())?;
    }
    Ok(())
}

/// `12 no consent, 3 too late`
fn list(counts: &BTreeMap<String, u64>) -> String {
    let parts: Vec<String> = counts
        .iter()
        .map(|(what, count)| format!("{count} {}", what.replace('_', " ")))
        .collect();
    parts.join(", ")
}

fn columns(spread: Spread) -> String {
    format!(
        "{:>5} {:>5} {:>5} {:>5}",
        spread.p50, spread.p90, spread.p99, spread.max
    )
}
