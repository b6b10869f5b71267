//! What the catalog costs at a cold start, for `npm run bench:load` only (feature `bench-load`).
//!
//! `benches/load.mjs` calls these in Node: in Cloudflare's runtime no clock goes on while code runs. Numbers alone cross
//! the border, so that it needs none of the glue; a store's JSON goes by way of this module's memory.

use crate::domain::ids::JourneyId;
use crate::engine::condition::Compiled;
use crate::generated;
use crate::http;
use crate::journey::catalog::Catalog;
use crate::journey::definition::{Condition, Journey};
use std::cell::RefCell;
use wasm_bindgen::prelude::wasm_bindgen;

thread_local! {
    static TEXT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static LOADED: RefCell<Option<Catalog>> = const { RefCell::new(None) };
}

/// Loads the store that the build was made with, as `runtime::catalog` does once an isolate. The number of journeys.
#[wasm_bindgen]
pub fn bench_load_own() -> usize {
    keep(generated::catalog().ok())
}

/// Loads the store whose JSON lies in the text.
#[wasm_bindgen]
pub fn bench_load_text() -> usize {
    keep(TEXT.with_borrow(|text| http::json(text).ok()))
}

/// Reads every condition of the loaded store, which the Worker puts off until each is asked. Their number.
#[wasm_bindgen]
pub fn bench_read_conditions() -> usize {
    LOADED.with_borrow(|loaded| {
        let journeys = loaded.iter().flat_map(|catalog| &catalog.journeys);
        let of_journeys = journeys.flat_map(Journey::conditions);
        let segments = loaded.iter().flat_map(|catalog| &catalog.segments);
        let all = of_journeys.chain(segments.map(|segment| &segment.when));
        all.filter(|condition| Compiled::new(condition).is_ok()).count()
    })
}

/// Writes the JSON of a store of so many journeys into the text: the own ones over and over, each with a trigger's
/// condition of its own. Its length in bytes.
#[wasm_bindgen]
pub fn bench_write_store(journeys: usize) -> usize {
    let Ok(mut catalog) = generated::catalog() else {
        return 0;
    };
    let own = std::mem::take(&mut catalog.journeys);
    let numbered = own.iter().cycle().zip(0..journeys);
    catalog.journeys = numbered
        .map(|(journey, number)| another(journey.clone(), number))
        .collect();
    let json = serde_json::to_vec(&catalog).unwrap_or_default();
    let length = json.len();
    TEXT.set(json);
    length
}

/// Makes room for a text of so many bytes.
#[wasm_bindgen]
pub fn bench_make_room(bytes: usize) {
    TEXT.set(vec![0; bytes]);
}

/// Where in memory the text lies.
#[wasm_bindgen]
pub fn bench_text_at() -> usize {
    TEXT.with_borrow(|text| text.as_ptr() as usize)
}

fn another(mut journey: Journey, number: usize) -> Journey {
    if let Ok(id) = JourneyId::parse(&format!("{}-{number:02}", journey.id)) {
        journey.id = id;
    }
    let condition = format!(
        "event.value > {number} && event.items.exists(item, item.quantity > 1) && contact.orders < 3"
    );
    journey.trigger.when = Some(Condition(condition));
    journey
}

fn keep(catalog: Option<Catalog>) -> usize {
    let journeys = catalog.as_ref().map_or(0, |catalog| catalog.journeys.len());
    LOADED.set(catalog);
    journeys
}
