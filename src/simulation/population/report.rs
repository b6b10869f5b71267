//! The figures of a population for people.

use super::figures::{Figures, JourneyFigures, Spread};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

const ZONES_A_LINE: usize = 4;
/// Lines of a list that would go on for long.
const MOST: usize = 12;

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
        if !self.never_entered.is_empty() {
            writeln!(f, "\nnobody ever entered: {}", self.never_entered.join(", "))?;
        }
        writeln!(
            f,
            "\nmails per contact and week{:>12} {:>5} {:>5} {:>5} {:>5}",
            "mean", "p50", "p90", "p99", "max"
        )?;
        for (kind, spread) in &self.weekly {
            writeln!(f, "  {kind:<29} {:>6.2} {}", spread.mean, columns(*spread))?;
        }
        self.clashes(f)?;
        writeln!(f, "\n{:<40}{:>5}", "mails that met a cap", self.cap_hits)?;
        let verdict = |count: u64| if count == 0 { "" } else { "  this must be 0" };
        writeln!(
            f,
            "{:<40}{:>5}{}",
            "  mails beyond a cap",
            self.over_caps,
            verdict(self.over_caps)
        )?;
        writeln!(
            f,
            "{:<40}{:>5}",
            "contacts in two or more journeys at once", self.overlapping_contacts
        )?;
        most(f, &self.overlaps)?;
        writeln!(f, "{:<40}{:>5}", "contacts who unsubscribed", self.unsubscribed)?;
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

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0).trim_end_matches(".0").to_owned() + " %"
}

impl Figures {
    /// What few people do.
    fn rarer(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = &self.assumed;
        writeln!(
            f,
            "  {} of questions are answered, {} of gifts opened; {} come by a friend; {} ask for what is sold out",
            percent(rates.answers),
            percent(rates.gifts),
            percent(rates.friends),
            percent(rates.stock_requests)
        )?;
        writeln!(
            f,
            "  of sign-ups {} ask for the guide, {} for the code, {} for the course, {} tell a birthday, {} a name day",
            percent(rates.guides),
            percent(rates.codes),
            percent(rates.courses),
            percent(rates.birthdays),
            percent(rates.name_days)
        )
    }

    fn clashes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for (what, clash) in &self.clashes {
            writeln!(f, "{what:<58}{:>6}", clash.mails)?;
            most(f, &clash.by)?;
        }
        Ok(())
    }

    fn assumptions(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rates = &self.assumed;
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
            "  {} visits a week; {} end with something in the cart; {} reach the checkout; {} of those buy within the hour,",
            rates.visits_per_week,
            percent(rates.carts),
            percent(rates.checkout),
            percent(rates.order_at_once)
        )?;
        writeln!(
            f,
            "  {} later; {} of buyers come back; one contact in twenty comes 7.6 times as often, two in three 0.4 times",
            percent(rates.order_later),
            percent(rates.repeat)
        )?;
        writeln!(
            f,
            "  of orders {} have their payment refused first, {} are cancelled, {} fulfilled, {} of these delivered, {} refunded",
            percent(rates.refused),
            percent(rates.cancelled),
            percent(rates.fulfilled),
            percent(rates.delivered),
            percent(rates.refunded)
        )?;
        writeln!(
            f,
            "  of marketing mails {} are opened, {} clicked, {} unsubscribed from; {} of all never open one",
            percent(rates.opens),
            percent(rates.clicks),
            percent(rates.unsubscribes),
            percent(rates.sleepers)
        )?;
        self.rarer(f)?;
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
    let goals = match journey.goals {
        0 => String::new(),
        reached => format!(", {reached} reached the goal"),
    };
    writeln!(
        f,
        "\n{name}: {} started, {} still in it{goals}{ended}",
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

/// The most frequent, and how many others there are.
fn most(f: &mut fmt::Formatter<'_>, counts: &BTreeMap<String, u64>) -> fmt::Result {
    let mut sorted: Vec<(&String, &u64)> = counts.iter().collect();
    sorted.sort_by_key(|(what, count)| (Reverse(**count), (*what).clone()));
    for (what, count) in sorted.iter().take(MOST) {
        writeln!(f, "  {what:<56}{count:>6}")?;
    }
    match sorted.len().saturating_sub(MOST) {
        0 => Ok(()),
        others => writeln!(f, "  and {others} others; --json has them all"),
    }
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
