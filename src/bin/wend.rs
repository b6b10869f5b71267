//! The host command: what a developer runs on journeys, emails and settings, without a Worker.

use clap::Parser;

/// Email journeys for a store, checked on this machine.
#[derive(Parser)]
#[command(version, about)]
struct Command {}

fn main() -> anyhow::Result<()> {
    let Command {} = Command::parse();
    Ok(())
}
