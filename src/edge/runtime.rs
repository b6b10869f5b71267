//! What an isolate knows once: the catalog, the settings, and the clock on the wall.

use crate::domain::time::Timestamp;
use crate::generated;
use crate::journey::catalog::Catalog;
use crate::settings::Settings;
use crate::sources::SourceKind;
use std::cell::OnceCell;
use std::rc::Rc;
use worker::Env;

thread_local! {
    static CATALOG: OnceCell<Rc<Catalog>> = const { OnceCell::new() };
    static SETTINGS: OnceCell<Rc<Settings>> = const { OnceCell::new() };
}

/// The journeys and the store's settings this build was made with.
///
/// # Errors
/// When the generated JSON does not fit the code: a clean build cures it.
pub fn catalog() -> Result<Rc<Catalog>, super::error::Error> {
    CATALOG.with(|cell| {
        if let Some(catalog) = cell.get() {
            return Ok(Rc::clone(catalog));
        }
        let catalog = Rc::new(generated::catalog()?);
        Ok(Rc::clone(cell.get_or_init(|| catalog)))
    })
}

/// The installation's settings. They cannot change while an isolate lives.
pub fn settings(env: &Env) -> Rc<Settings> {
    SETTINGS.with(|cell| Rc::clone(cell.get_or_init(|| Rc::new(read(env)))))
}

fn read(env: &Env) -> Settings {
    let names: Vec<&'static str> = SourceKind::all_settings().collect();
    // Vars and secrets are both text bindings; a missing one is an error that means nothing more.
    Settings::read(|name| env.var(name).ok().map(|value| value.to_string()), &names)
}

/// The only reading of a clock. In development the `Store` adds its offset.
pub fn wall_clock() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one place that reads the clock"
    )]
    let millis = worker::Date::now().as_millis();
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}
