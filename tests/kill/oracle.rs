//! What must hold of a store at any moment, asked of its file in SQL and hashed here: it shares no code with
//! the store. Formats are those of `audit/FORMAT.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ring::digest::{SHA256, digest};
use serde_json::Value;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

/// An object as its row has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) state: String,
    pub(crate) json: Value,
    text: String,
    salt: Vec<u8>,
    version: i64,
    leaf: i64,
}

#[derive(Debug, Clone)]
struct Event {
    action: String,
    kind: String,
    object: String,
    version: i64,
}

/// Everything of a store that the log vouches for, as of one moment.
#[derive(Debug, Clone)]
pub(crate) struct Books {
    rows: BTreeMap<(String, String), Row>,
    leaves: Vec<(i64, Vec<u8>, Vec<u8>)>,
    events: BTreeMap<i64, Event>,
}

/// Objects that wait for a job, by kind.
const WAITING: [(&str, &str); 5] = [
    ("delivery", "opened"),
    ("delivery", "reading"),
    ("indexing", "ordered"),
    ("extract", "ordered"),
    ("output", "staged"),
];

impl Books {
    /// Reads the file beside whoever writes it, in one transaction.
    pub(crate) fn read(file: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(Self::read_all(file))
    }

    async fn read_all(file: &Path) -> Self {
        let mut connection = SqliteConnectOptions::new()
            .filename(file)
            .read_only(true)
            .busy_timeout(std::time::Duration::from_secs(20))
            .connect()
            .await
            .unwrap();
        let mut reading = connection.begin().await.unwrap();
        let leaves = sqlx::query_as("select idx, entry, hash from leaves order by idx")
            .fetch_all(&mut *reading)
            .await
            .unwrap();
        let events: Vec<(i64, String, String, String, i64)> =
            sqlx::query_as("select leaf, action, kind, object, version from events order by leaf")
                .fetch_all(&mut *reading)
                .await
                .unwrap();
        type State = (String, String, String, String, Vec<u8>, i64, i64);
        let rows: Vec<State> = sqlx::query_as(
            "select kind, id, state, json, salt, version, leaf from states order by kind, id",
        )
        .fetch_all(&mut *reading)
        .await
        .unwrap();
        reading.commit().await.unwrap();
        connection.close().await.unwrap();
        let event = |(leaf, action, kind, object, version)| {
            let event = Event {
                action,
                kind,
                object,
                version,
            };
            (leaf, event)
        };
        let row = |(kind, id, state, text, salt, version, leaf): (_, _, _, String, _, _, _)| {
            let row = Row {
                state,
                json: serde_json::from_str(&text).expect("a state is JSON"),
                text,
                salt,
                version,
                leaf,
            };
            ((kind, id), row)
        };
        Self {
            rows: rows.into_iter().map(row).collect(),
            leaves,
            events: events.into_iter().map(event).collect(),
        }
    }

    /// No state without its leaf, no leaf without its state: for every row and every leaf.
    pub(crate) fn hold(&self) {
        assert_eq!(
            self.leaves.len(),
            self.events.len(),
            "one event for each leaf"
        );
        let mut told: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for (place, (idx, entry, hash)) in (0_i64..).zip(&self.leaves) {
            assert_eq!(*idx, place, "leaves are dense from 0");
            let leaf = [&[0][..], entry].concat();
            assert_eq!(digest(&SHA256, &leaf).as_ref(), hash, "leaf {idx}");
            let entry: Value = serde_json::from_slice(entry).expect("an entry is JSON");
            let event = &self.events[idx];
            assert_eq!(entry["object"], *event.object, "leaf {idx}");
            assert_eq!(entry["action"], *event.action, "leaf {idx}");
            let version = told.entry((&event.kind, &event.object)).or_default();
            *version += 1;
            assert_eq!(event.version, *version, "versions count up, leaf {idx}");
        }
        assert_eq!(told.len(), self.rows.len(), "one state for each object");
        for ((kind, id), row) in &self.rows {
            let name = format!("{kind} {id}");
            assert_eq!(told.get(&(kind, id)), Some(&row.version), "{name}");
            let event = &self.events[&row.leaf];
            assert_eq!(
                (&event.kind, &event.object, event.version),
                (kind, id, row.version),
                "{name} stands on the leaf of its last event"
            );
            let place = usize::try_from(row.leaf).unwrap();
            let entry: Value = serde_json::from_slice(&self.leaves[place].1).unwrap();
            let salted = [row.salt.as_slice(), row.text.as_bytes()].concat();
            let commitment = hex::encode(digest(&SHA256, &salted));
            assert_eq!(entry["commitments"]["state"], *commitment, "{name}");
        }
    }

    /// Nothing that was there before is gone or another.
    pub(crate) fn extend(&self, before: &Self) {
        assert!(
            self.leaves.starts_with(&before.leaves),
            "the log lost or changed a leaf: {} of {} are there",
            self.leaves
                .iter()
                .zip(&before.leaves)
                .take_while(|(a, b)| a == b)
                .count(),
            before.leaves.len()
        );
        for (key, old) in &before.rows {
            let new = self
                .rows
                .get(key)
                .unwrap_or_else(|| panic!("{key:?} is gone"));
            assert!(new.version >= old.version, "{key:?} went back");
            if new.version == old.version {
                assert_eq!(new, old, "{key:?} is another without an event");
            }
        }
    }

    /// What waits has a queued job, and every queued job something that waits (or a query).
    pub(crate) fn nothing_is_stuck(&self) {
        let queued: Vec<String> = self
            .of("job")
            .filter(|(_, row)| row.state == "queued")
            .map(|(_, row)| row.text.clone())
            .collect();
        for (kind, state) in WAITING {
            for (id, row) in self.of(kind).filter(|(_, row)| row.state == state) {
                let named = queued.iter().filter(|job| job.contains(id)).count();
                assert_eq!(
                    named, 1,
                    "{id} is {} and {named} jobs are queued",
                    row.state
                );
            }
        }
    }

    pub(crate) fn queued(&self) -> usize {
        let jobs = self.of("job");
        jobs.filter(|(_, row)| row.state == "queued").count()
    }

    /// Objects of a kind, by id.
    pub(crate) fn of(&self, kind: &str) -> impl Iterator<Item = (&str, &Row)> {
        self.rows
            .iter()
            .filter(move |((of, _), _)| of == kind)
            .map(|((_, id), row)| (id.as_str(), row))
    }

    /// An object of a kind that is in this state.
    pub(crate) fn find(&self, kind: &str, state: &str) -> Option<String> {
        let mut found = self.of(kind).filter(|(_, row)| row.state == state);
        found.next().map(|(id, _)| id.to_owned())
    }

    /// Whether there is anything of this id.
    pub(crate) fn holds(&self, id: &str) -> bool {
        self.rows.keys().any(|(_, of)| of == id)
    }

    pub(crate) fn state(&self, kind: &str, id: &str) -> &str {
        &self.rows[&(kind.to_owned(), id.to_owned())].state
    }

    /// Actions of every event, in the order of the log.
    pub(crate) fn actions(&self) -> impl Iterator<Item = &str> {
        self.events.values().map(|event| event.action.as_str())
    }

    /// Names of the sealed files that states cite.
    pub(crate) fn sealed(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for row in self.rows.values() {
            cited(&row.json, &mut names);
        }
        names
    }
}

fn cited(json: &Value, names: &mut BTreeSet<String>) {
    match json {
        Value::Object(fields) => {
            let name = fields.get("name").and_then(Value::as_str);
            if let Some(name) = name
                && fields.contains_key("sha256")
                && fields.contains_key("bytes")
            {
                names.insert(name.to_owned());
            }
            fields.values().for_each(|value| cited(value, names));
        }
        Value::Array(values) => values.iter().for_each(|value| cited(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The oracle must find what it is there for.
#[cfg(test)]
mod tests {
    use super::*;

    fn books() -> Books {
        let text = r#"{"state":"ordered"}"#.to_owned();
        let salt = vec![7; 32];
        let commitment = hex::encode(digest(&SHA256, &[&salt[..], text.as_bytes()].concat()));
        let entry = serde_json::json!({
            "object": "idx_1", "action": "order_indexing", "commitments": { "state": commitment },
        });
        let entry = entry.to_string().into_bytes();
        let hash = digest(&SHA256, &[&[0][..], &entry].concat());
        let event = Event {
            action: "order_indexing".into(),
            kind: "indexing".into(),
            object: "idx_1".into(),
            version: 1,
        };
        let row = Row {
            state: "ordered".into(),
            json: serde_json::from_str(&text).unwrap(),
            text,
            salt,
            version: 1,
            leaf: 0,
        };
        Books {
            rows: [(("indexing".into(), "idx_1".into()), row)].into(),
            leaves: vec![(0, entry, hash.as_ref().to_vec())],
            events: [(0, event)].into(),
        }
    }

    fn row(books: &mut Books) -> &mut Row {
        books.rows.values_mut().next().unwrap()
    }

    #[test]
    fn it_is_content_with_a_state_and_its_leaf() {
        books().hold();
        books().extend(&books());
    }

    #[test]
    #[should_panic(expected = "indexing idx_1")]
    fn it_finds_a_state_that_was_edited() {
        let mut edited = books();
        row(&mut edited).text.push(' ');
        edited.hold();
    }

    #[test]
    #[should_panic(expected = "indexing idx_1")]
    fn it_finds_a_state_ahead_of_its_leaf() {
        let mut ahead = books();
        row(&mut ahead).version = 2;
        ahead.hold();
    }

    #[test]
    #[should_panic(expected = "one state for each object")]
    fn it_finds_a_leaf_without_its_state() {
        let mut lost = books();
        lost.rows.clear();
        lost.hold();
    }

    #[test]
    #[should_panic(expected = "leaf 0")]
    fn it_finds_a_leaf_that_was_edited() {
        let mut edited = books();
        edited.leaves[0].1.push(b' ');
        edited.hold();
    }

    #[test]
    #[should_panic(expected = "the log lost or changed a leaf: 0 of 1 are there")]
    fn it_finds_a_lost_leaf() {
        let mut lost = books();
        lost.leaves.clear();
        lost.extend(&books());
    }

    #[test]
    #[should_panic(expected = "idx_1 is ordered and 0 jobs are queued")]
    fn it_finds_what_is_stuck() {
        books().nothing_is_stuck();
    }
}
