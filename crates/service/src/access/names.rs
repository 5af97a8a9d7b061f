//! Names of the schema, read once.

use std::collections::BTreeMap;
use std::str::FromStr;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};
use governance::person::Role;
use governance::{Action, PersonId};

use super::Object;

/// Kinds of objects, each with its entity type; any other kind is an entry of the log.
const KINDS: [(&str, &str); 14] = [
    ("person", "Subject"),
    ("dataset", "Dataset"),
    ("delivery", "Delivery"),
    ("project", "Project"),
    ("indexing", "Indexing"),
    ("extract", "Extract"),
    ("workspace", "Workspace"),
    ("recovery", "Recovery"),
    ("output", "Output"),
    ("job", "Job"),
    ("budget", "Budget"),
    ("measurement", "Measurement"),
    ("catalogue", "Catalogue"),
    ("people", "People"),
];

/// Entity types by what they are of. To read one is to parse it, which takes longer than most decisions.
#[derive(Debug)]
pub(super) struct Names {
    person: EntityTypeName,
    role: EntityTypeName,
    action: EntityTypeName,
    log: EntityTypeName,
    kinds: BTreeMap<&'static str, EntityTypeName>,
}

impl Names {
    pub(super) fn new() -> Result<Self, String> {
        let read = |name: &str| EntityTypeName::from_str(name).map_err(|e| e.to_string());
        let kinds = KINDS.map(|(kind, name)| Ok((kind, read(name)?)));
        Ok(Self {
            person: read("Person")?,
            role: read("Role")?,
            action: read("Action")?,
            log: read("Log")?,
            kinds: kinds.into_iter().collect::<Result<_, String>>()?,
        })
    }

    pub(super) fn person(&self, id: &PersonId) -> EntityUid {
        uid(&self.person, id.as_str())
    }

    pub(super) fn role(&self, role: Role) -> EntityUid {
        uid(&self.role, role.word())
    }

    pub(super) fn action(&self, action: Action) -> EntityUid {
        uid(&self.action, action.word())
    }

    pub(super) fn object(&self, object: &Object) -> EntityUid {
        uid(self.kinds.get(object.kind).unwrap_or(&self.log), &object.id)
    }
}

fn uid(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}
