//! Which journeys are played, and how: what the command is asked, made into worlds.

use super::error::Failure;
use super::player::{Player, provider};
use super::setup::edited;
use super::story::{self, RULER};
use super::telling::WORDS;
use super::timeline::Timeline;
use super::world::World;
use crate::domain::event::EventKind;
use crate::domain::ids::JourneyId;
use crate::domain::time::Delay;
use crate::journey::catalog::Catalog;
use crate::journey::check::check;
use crate::journey::definition::{Journey, Moment};
use crate::journey::finding::unknown;
use crate::journey::lock::Mode;
use crate::journey::project::{JOURNEYS, Project};
use crate::journey::taking_part::is_live;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Who plays: checked journeys.
pub struct Cast {
    root: PathBuf,
    edits: BTreeMap<String, Option<String>>,
    pub catalog: Catalog,
    /// Those that were named, in this order.
    pub named: Vec<JourneyId>,
}

/// Which journeys are played besides those that are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// All that are part of the Worker.
    Live,
    /// Those, and the drafts.
    AndDrafts,
    None,
}

/// What is played with one shopper.
#[derive(Debug, Clone)]
pub enum Script {
    /// The upper half of a scenario.
    Scenario(String),
    /// One made-up shopper, to whom this happens; without a kind, the first thing that starts the journey.
    Event(Option<EventKind>),
}

impl Cast {
    /// The project's journeys with the named files among them; of drafts only those that are named.
    ///
    /// # Errors
    /// With the file that cannot be read, or the findings of the checks.
    pub fn read(root: &Path, files: &[PathBuf], others: Others) -> Result<Self, Failure> {
        let mut edits: BTreeMap<String, Option<String>> = BTreeMap::new();
        let project = Project::read(root);
        match others {
            Others::Live => {}
            Others::AndDrafts => edits.extend(drafts(&project)),
            Others::None => {
                let names = project.journeys.keys();
                edits.extend(names.filter_map(|path| Some((stem(Path::new(path))?, None))));
            }
        }
        let mut named = Vec::new();
        for file in files {
            let wrong = |problem: String| Failure::File {
                path: file.clone(),
                problem,
            };
            let name = stem(file).ok_or_else(|| wrong("is no journey's file".to_owned()))?;
            named.push(JourneyId::parse(&name).map_err(|error| wrong(error.to_string()))?);
            edits.insert(name, Some(text_of(file)?));
        }
        let catalog = edited(root, &edits)?;
        Ok(Self {
            root: root.to_owned(),
            edits,
            catalog,
            named,
        })
    }

    /// The same without some of the journeys.
    ///
    /// # Errors
    /// When there is no such journey, or another one needs it.
    pub fn without(mut self, names: &[String]) -> Result<Self, Failure> {
        for name in names {
            let mut known = self.catalog.journeys.iter().map(|journey| journey.id.as_str());
            if !known.any(|known| known == name) {
                let known = self.catalog.journeys.iter().map(|journey| journey.id.as_str());
                return Err(Failure::Asked(unknown("journey", name, known)));
            }
            self.edits.insert(name.clone(), None);
        }
        self.catalog = edited(&self.root, &self.edits)?;
        Ok(self)
    }

    /// A fresh installation with these journeys.
    ///
    /// # Errors
    /// When SQLite cannot start.
    pub fn world(&self, provider: crate::providers::ProviderKind) -> Result<World, Failure> {
        let world = World::new(&self.root, self.catalog.clone(), 1, provider)?;
        Ok(world.with_edits(self.edits.clone()))
    }

    /// The journey that was named first; without a name, the only one there is to play.
    ///
    /// # Errors
    /// When none was named.
    pub fn first(&self) -> Result<&Journey, Failure> {
        let named = self.named.first().and_then(|name| self.catalog.journey(name));
        named.ok_or_else(|| {
            let known: Vec<&str> = self
                .catalog
                .journeys
                .iter()
                .map(|held| held.id.as_str())
                .collect();
            Failure::Asked(format!(
                "name a journey's file, as in `wend simulate journeys/{}.yaml`",
                known.first().unwrap_or(&"welcome")
            ))
        })
    }

    /// Plays a script with one shopper; `prepare` may change the world and the player before it begins.
    ///
    /// # Errors
    /// With what is wrong in the script, or the world.
    pub fn play(
        &self,
        script: &Script,
        days: u32,
        prepare: impl FnOnce(&mut Player<Timeline>),
    ) -> Result<Player<Timeline>, Failure> {
        let text = match script {
            Script::Scenario(text) => text.clone(),
            Script::Event(kind) => self.made_up(kind.as_ref())?,
        };
        let mut player = Player::new(self.world(provider(&text))?, Timeline::default());
        prepare(&mut player);
        player.world.sweep()?;
        player.play(&text)?;
        if matches!(script, Script::Event(_)) {
            let until = player.world.start.plus(Delay::from_days(i64::from(days)));
            player.run_until(until)?;
        }
        Ok(player)
    }

    /// The time line of one made-up shopper.
    fn made_up(&self, kind: Option<&EventKind>) -> Result<String, Failure> {
        let journey = self.first()?;
        if let (None, Some(moment)) = (kind, &journey.trigger.moment) {
            let date = match moment {
                Moment::Date { of, .. } => format!(" {of}=2026-03-12"),
                Moment::Schedule(_) => String::new(),
            };
            return Ok(format!("at +0m profile by=shopper subscribed{date}\n"));
        }
        let Some(kind) = kind.or_else(|| journey.trigger.on.first()) else {
            return Err(Failure::Asked("say with --event what happens".to_owned()));
        };
        let Some((word, _)) = WORDS.iter().find(|(_, known)| known == kind) else {
            let declared = self.catalog.store.events.iter().any(|name| name == kind.as_str());
            if declared {
                let word = kind.as_str().replace(' ', "_");
                return Ok(format!(
                    "at +0m custom {word} by=shopper subscribed checkout=C1\n"
                ));
            }
            let known = WORDS.iter().map(|(_, kind)| kind.as_str());
            return Err(Failure::Asked(unknown("event", kind.as_str(), known)));
        };
        let about = if kind.order_status().is_some()
            || matches!(kind, EventKind::CheckoutStarted | EventKind::CheckoutUpdated)
        {
            " 1"
        } else {
            ""
        };
        Ok(format!("at +0m {word}{about} by=shopper name=Sam subscribed\n"))
    }
}

impl Script {
    /// The upper half of a scenario's file.
    ///
    /// # Errors
    /// When it cannot be read, or a line of it cannot.
    pub fn read(file: &Path) -> Result<Self, Failure> {
        let text = text_of(file)?;
        let above = text.split(&format!("\n{RULER}\n")).next().unwrap_or_default();
        story::read(above)?;
        Ok(Self::Scenario(above.to_owned()))
    }
}

/// A file of the caller's.
///
/// # Errors
/// With its name, when it cannot be read.
pub fn text_of(file: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(file).map_err(|error| Failure::File {
        path: file.to_owned(),
        problem: format!("cannot be read: {error}"),
    })
}

/// The drafts of a project that checks, each as it is written: who writes a draft down, plays it.
fn drafts(project: &Project) -> BTreeMap<String, Option<String>> {
    let whole = check(project, Mode::Append).with_drafts;
    let journeys = whole.map(|whole| whole.journeys).unwrap_or_default();
    let drafts = journeys.iter().filter(|journey| !is_live(journey));
    drafts
        .filter_map(|draft| {
            let text = project.journeys.get(&format!("{JOURNEYS}/{}.yaml", draft.id))?;
            Some((draft.id.to_string(), Some(text.clone())))
        })
        .collect()
}

/// `welcome` of `journeys/welcome.yaml`.
fn stem(file: &Path) -> Option<String> {
    let kind = file.extension()?.to_str()?;
    matches!(kind, "yaml" | "yml")
        .then(|| Some(file.file_stem()?.to_str()?.to_owned()))
        .flatten()
}
