//! Entries of the log as a table shows them: one kind of row for every page that lists them.

use std::collections::{BTreeMap, BTreeSet};

use governance::PersonId;
use service::{Caller, EventView, Named, Service, ServiceError};

use super::project_words as said;
use super::words;

/// One entry.
pub(crate) struct Entry {
    pub(crate) leaf: u64,
    pub(crate) at: String,
    pub(crate) by: String,
    pub(crate) what: String,
    pub(crate) object: String,
    /// Page of the object; empty where it has none.
    pub(crate) href: String,
    pub(crate) facts: Vec<String>,
    /// Whether the published checkpoint covers it.
    pub(crate) provable: bool,
}

/// Entries with the names of who acted. `covered` is the size of the published checkpoint.
pub(crate) async fn entries(
    service: &Service,
    caller: &Caller,
    events: Vec<EventView>,
    covered: u64,
) -> Result<Vec<Entry>, ServiceError> {
    let people: BTreeSet<PersonId> = events.iter().filter_map(|event| event.by.clone()).collect();
    let names = service.names(caller, people).await?;
    let events = events.into_iter();
    Ok(events
        .map(|event| Entry::of(event, &names, covered))
        .collect())
}

impl Entry {
    pub(super) fn of(event: EventView, names: &BTreeMap<PersonId, Named>, covered: u64) -> Self {
        let by = match event.by {
            None => "The safe haven itself".to_owned(),
            Some(by) => names
                .get(&by)
                .map_or_else(|| by.to_string(), |named| named.name.clone()),
        };
        let href = match event.kind.as_str() {
            kind @ ("project" | "output" | "dataset" | "recovery") => {
                words::href(kind, &event.object)
            }
            _ => String::new(),
        };
        Self {
            leaf: event.leaf,
            at: words::moment(event.at),
            by,
            what: said::told(event.action),
            object: event.object,
            href,
            facts: event
                .facts
                .iter()
                .map(|(name, fact)| said::fact(name, fact))
                .collect(),
            provable: event.leaf < covered,
        }
    }
}
