//! Everybody who takes part, each with one role and a token of their own.

use std::collections::BTreeMap;

use protocol::keeper::Door;
use serde_json::{Value, json};

use crate::client::{Client, No};
use crate::house::House;
use crate::problem::Problem;

use super::teller::Teller;

/// Name in the story, what it says on the door, role.
const PEOPLE: &[(&str, &str, &str)] = &[
    (
        "coordinator",
        "Catriona, research coordinator",
        "coordinator",
    ),
    ("researcher", "Rowan, researcher", "researcher"),
    (
        "colleague",
        "Corin, researcher on the same project",
        "researcher",
    ),
    ("panel_1", "Morag, panel member", "panel_member"),
    ("panel_2", "Iain, panel member", "panel_member"),
    ("panel_3", "Priya, public panel member", "panel_member"),
    ("chair", "Fergus, panel chair", "panel_chair"),
    ("controller_1", "Elspeth, controller", "controller"),
    ("controller_2", "Tam, controller", "controller"),
    ("identifiers", "Niamh, delivers identifiers", "provider"),
    ("payload", "Lewis, delivers payload", "provider"),
    ("indexer", "Struan, indexing service", "indexer"),
    ("steward", "Ailsa, data steward", "data_steward"),
    ("checker_1", "Zofia, output checker", "output_checker"),
    ("checker_2", "Hamish, output checker", "output_checker"),
    ("auditor", "Jean, auditor", "auditor"),
];

/// The first of all; holds no data, vote or release.
const ADMINISTRATOR: &str = "Ada, administrator";

struct Person {
    id: String,
    client: Client,
    name: &'static str,
    token: String,
}

/// Somebody as they sign in to the pages.
pub(crate) struct Entering<'a> {
    /// What it says on the door.
    pub(crate) name: &'static str,
    /// The invitation.
    pub(crate) token: &'a str,
}

impl Entering<'_> {
    /// The first name.
    pub(crate) fn sign_in_name(&self) -> String {
        let first = self.name.split(',').next().unwrap_or(self.name);
        first.to_lowercase()
    }
}

/// Everybody, and the checkpoint that somebody outside remembers.
pub(crate) struct Cast {
    people: BTreeMap<&'static str, Person>,
    remembered: Option<String>,
}

impl Cast {
    /// The first administrator adds everybody.
    pub(crate) async fn gather(house: &House, teller: &mut Teller) -> Result<Self, Problem> {
        teller.step(
            "The people",
            "an administrator adds everybody; a coordinator vouches for the researchers",
        )?;
        let service = house.service();
        let (id, token) = service.add_first_administrator(ADMINISTRATOR).await?;
        let places = house.places();
        let administrator = Client::new(&places.socket(Door::Research), Some(token.clone()));
        let mut people = BTreeMap::new();
        let first = Person {
            id: id.to_string(),
            client: administrator.clone(),
            name: ADMINISTRATOR,
            token,
        };
        people.insert("administrator", first);
        for (key, name, role) in PEOPLE {
            let new = json!({ "name": name, "organisation": "Demo", "roles": [role] });
            let answer = administrator.post("/v1/people", &new).await?;
            let id = text(&answer, "/person")?;
            // Whoever indexes does so at a desk of its own.
            let door = match *role {
                "indexer" => Door::Indexing,
                _ => Door::Research,
            };
            let token = text(&answer, "/token")?;
            let client = Client::new(&places.socket(door), Some(token.clone()));
            teller.say(&format!("{id}  {name}"))?;
            let person = Person {
                id,
                client,
                name,
                token,
            };
            people.insert(*key, person);
        }
        let cast = Self {
            people,
            remembered: None,
        };
        let both = json!({
            "name": "Somebody", "organisation": "Demo", "roles": ["indexer", "researcher"],
        });
        cast.must_refuse(
            teller,
            "one person as indexer and researcher",
            administrator.post("/v1/people", &both).await,
        )?;
        teller.done()?;
        Ok(cast)
    }

    /// Lets the researchers near data.
    pub(crate) async fn vouch(&self, key: &str, until: &str) -> Result<(), Problem> {
        let standing = json!({
            "accreditation_until": until,
            "training_until": until,
            "undertaking_on": "2026-01-05",
        });
        let path = format!("/v1/people/{}/standing", self.id(key)?);
        self.of("coordinator")?.post(&path, &standing).await?;
        Ok(())
    }

    pub(crate) fn of(&self, key: &str) -> Result<&Client, Problem> {
        self.person(key).map(|p| &p.client)
    }

    pub(crate) fn id(&self, key: &str) -> Result<&str, Problem> {
        self.person(key).map(|p| p.id.as_str())
    }

    /// Everybody, by their key in the story.
    pub(crate) fn everybody(&self) -> impl Iterator<Item = Entering<'_>> {
        self.people.values().map(|person| Entering {
            name: person.name,
            token: &person.token,
        })
    }

    fn person(&self, key: &str) -> Result<&Person, Problem> {
        self.people
            .get(key)
            .ok_or_else(|| Problem::could_not(format!("the demo has nobody called {key}")))
    }

    /// Something that has to be refused; the demo fails if it is not.
    pub(crate) fn must_refuse<T>(
        &self,
        teller: &Teller,
        what: &str,
        answer: Result<T, No>,
    ) -> Result<(), Problem> {
        match answer {
            Err(no) if no.status != 0 && no.status < 500 => {
                teller.refused(what, &format!("{}{}", no.message, no.place()))
            }
            Err(no) => Err(no.into()),
            Ok(_) => Err(Problem::refused(format!(
                "this must have been refused and was not: {what}"
            ))),
        }
    }

    /// Somebody outside takes a copy of the checkpoint.
    pub(crate) fn remember(&mut self, checkpoint: String) {
        self.remembered = Some(checkpoint);
    }

    pub(crate) fn remembered(&self) -> Option<&str> {
        self.remembered.as_deref()
    }
}

/// A text at a place in an answer.
pub(crate) fn text(answer: &Value, pointer: &str) -> Result<String, Problem> {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(ToOwned::to_owned)
        .ok_or_else(|| Problem::could_not(format!("the answer has no {pointer}")))
}

/// A number at a place in an answer.
pub(crate) fn number(answer: &Value, pointer: &str) -> u64 {
    answer
        .pointer(pointer)
        .and_then(Value::as_u64)
        .unwrap_or_default()
}
