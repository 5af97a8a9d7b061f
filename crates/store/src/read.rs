//! Reading states, events and documents. A state is given only if its leaf vouches for it.

use std::collections::{BTreeMap, BTreeSet};

use audit_log::{Entry, commit, hash_from_slice, sha256};
use governance::{Action, By, Fact, Lifecycle, PersonId, ProjectId, Sha256, Timestamp};
use serde::de::DeserializeOwned;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::error::{StoreError, at_most, count, int};
use crate::record::STATE;
use crate::room::Store;
use crate::ties::Order;

/// Most objects or events that one call gives.
pub const LIST_MAX: u32 = 1000;

/// An object as the store holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held<S> {
    /// The object in its present state.
    pub value: S,
    /// Its version, which a change of it must name.
    pub version: i64,
    /// Number of the leaf that tells how it came into this state.
    pub leaf: u64,
}

/// Which objects of a kind to list, in the order of their ids.
#[derive(Clone, Copy, Debug)]
pub struct Filter<'a> {
    /// Of this project only.
    pub project: Option<&'a ProjectId>,
    /// In these states only; every state when empty.
    pub states: &'a [&'a str],
    /// At most so many, and never more than [`LIST_MAX`].
    pub limit: u32,
    /// Only ids after this one: the last of the page before.
    pub after: Option<&'a str>,
}

impl Default for Filter<'_> {
    /// The first [`LIST_MAX`] of all.
    fn default() -> Self {
        Self {
            project: None,
            states: &[],
            limit: LIST_MAX,
            after: None,
        }
    }
}

/// Which events to list, in the order of the log or against it.
#[derive(Clone, Copy, Debug)]
pub struct EventFilter<'a> {
    /// Of this project only.
    pub project: Option<&'a ProjectId>,
    /// About the object with this id only.
    pub object: Option<&'a str>,
    /// Of these acts only; every act when empty.
    pub actions: &'a [Action],
    /// Only after this leaf: the last of the page before.
    pub after_leaf: Option<u64>,
    /// Only before this leaf: the last of the page before, where the newest come first.
    pub before_leaf: Option<u64>,
    /// In this order.
    pub order: Order,
    /// At most so many, and never more than [`LIST_MAX`].
    pub limit: u32,
}

impl Default for EventFilter<'_> {
    /// The first [`LIST_MAX`] of all.
    fn default() -> Self {
        Self {
            project: None,
            object: None,
            actions: &[],
            after_leaf: None,
            before_leaf: None,
            order: Order::OldestFirst,
            limit: LIST_MAX,
        }
    }
}

/// An event that was recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// Number of its leaf in the log.
    pub leaf: u64,
    /// What was done.
    pub action: Action,
    /// By whom.
    pub by: By,
    /// When.
    pub at: Timestamp,
    /// Kind of the object.
    pub kind: String,
    /// Id of the object.
    pub object: String,
    /// The project it belongs to, if any.
    pub project: Option<ProjectId>,
    /// Version of the object that came of it.
    pub version: i64,
    /// Ids, hashes and counts.
    pub facts: BTreeMap<String, Fact>,
}

/// What [`hold`] reads of a state `s` and its leaf `l`.
pub(crate) const STATE_COLUMNS: &str = "s.id, s.version, s.state, s.json, s.salt, s.leaf, l.entry,
       (select max(e.version) from events e where e.kind = s.kind and e.object = s.id)";

/// States with their leaves, up to the condition on them.
fn select_states() -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(STATE_COLUMNS)
        .push(" from states s join leaves l on l.idx = s.leaf where s.kind = ");
    query
}

/// Gives the object if the leaf commits to this JSON, no later event is about it, and the row is under the
/// object's own id. The columns are [`STATE_COLUMNS`], from the one at `first` on.
pub(crate) fn hold<S: Lifecycle>(row: &SqliteRow, first: usize) -> Result<Held<S>, StoreError> {
    let id: &str = row.try_get(first)?;
    let version: i64 = row.try_get(first + 1)?;
    let state: &str = row.try_get(first + 2)?;
    let json: &str = row.try_get(first + 3)?;
    let salt: &[u8] = row.try_get(first + 4)?;
    let leaf: i64 = row.try_get(first + 5)?;
    let entry: &[u8] = row.try_get(first + 6)?;
    let last: Option<i64> = row.try_get(first + 7)?;
    // Not to be used before the check below: it only names the object for an error.
    let value: S = serde_json::from_str(json).map_err(|_| StoreError::Unreadable(S::KIND))?;
    let salt = hash_from_slice(salt)?;
    let entry = Entry::decode(entry)?;
    let committed = entry.commitments.get(STATE);
    let vouched = committed == Some(&hex::encode(commit(&salt, json.as_bytes())))
        && value.id() == id
        && entry.object == id
        && state == value.state()
        && entry.details.get("kind").and_then(|kind| kind.as_str()) == Some(S::KIND)
        && entry.details.get("version").and_then(|v| v.as_i64()) == Some(version)
        && last == Some(version);
    if !vouched {
        return Err(StoreError::Unlogged {
            kind: S::KIND.to_owned(),
            id: id.to_owned(),
        });
    }
    Ok(Held {
        value,
        version,
        leaf: count(leaf)?,
    })
}

/// The condition of a filter on states `s`, after the one on their kind.
fn narrow(query: &mut QueryBuilder<Sqlite>, filter: Filter<'_>) {
    if let Some(project) = filter.project {
        query.push(" and s.project = ").push_bind(project.as_str());
    }
    if !filter.states.is_empty() {
        query.push(" and s.state in (");
        let mut states = query.separated(", ");
        for state in filter.states {
            states.push_bind(*state);
        }
        query.push(")");
    }
    if let Some(after) = filter.after {
        query.push(" and s.id > ").push_bind(after);
    }
}

// Leaf, at, action, person, kind, object, project, version, facts.
type EventRow = (
    i64,
    String,
    String,
    Option<String>,
    String,
    String,
    Option<String>,
    i64,
    String,
);

fn tell(row: EventRow) -> Result<Told, StoreError> {
    let (leaf, at, action, person, kind, object, project, version, facts) = row;
    let unreadable = || StoreError::Unreadable("event");
    let by = match person {
        Some(person) => By::Person(PersonId::try_from(person).map_err(|_| unreadable())?),
        None => By::System,
    };
    let project = project
        .map(ProjectId::try_from)
        .transpose()
        .map_err(|_| unreadable())?;
    Ok(Told {
        leaf: count(leaf)?,
        action: word(action)?,
        by,
        at: at.parse().map_err(|_| unreadable())?,
        kind,
        object,
        project,
        version,
        facts: serde_json::from_str(&facts).map_err(|_| unreadable())?,
    })
}

fn word<T: DeserializeOwned>(word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|_| StoreError::Unreadable("event"))
}

impl Store {
    /// The object with this id in its present state; none if there is no such object.
    ///
    /// # Errors
    /// [`StoreError::Unlogged`], [`StoreError::Unreadable`], or if the database fails.
    pub async fn load<S: Lifecycle>(&self, id: &str) -> Result<Option<Held<S>>, StoreError> {
        let mut query = select_states();
        query.push_bind(S::KIND).push(" and s.id = ").push_bind(id);
        let mut reader = self.reader().await?;
        let row = query.build().fetch_optional(&mut *reader).await?;
        row.map(|row| hold(&row, 0)).transpose()
    }

    /// The objects with these ids, by id; what is not there is left out.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for more than [`LIST_MAX`]; as [`Store::load`], for any of them.
    pub async fn load_all<S: Lifecycle>(
        &self,
        ids: impl IntoIterator<Item = &str>,
    ) -> Result<BTreeMap<String, Held<S>>, StoreError> {
        let ids: BTreeSet<&str> = ids.into_iter().collect();
        let limit = usize::try_from(LIST_MAX).unwrap_or(usize::MAX);
        at_most("ids in one question", ids.len(), limit)?;
        if ids.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut query = select_states();
        query.push_bind(S::KIND).push(" and s.id in (");
        let mut list = query.separated(", ");
        for id in &ids {
            list.push_bind(*id);
        }
        query.push(")");
        let mut reader = self.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await?;
        let mut found = BTreeMap::new();
        for row in &rows {
            let held = hold::<S>(row, 0)?;
            found.insert(held.value.id().to_owned(), held);
        }
        Ok(found)
    }

    /// Objects of one kind, in the order of their ids.
    ///
    /// # Errors
    /// As [`Store::load`], for any of them.
    pub async fn list<S: Lifecycle>(&self, filter: Filter<'_>) -> Result<Vec<Held<S>>, StoreError> {
        let mut query = select_states();
        query.push_bind(S::KIND);
        narrow(&mut query, filter);
        query
            .push(" order by s.id limit ")
            .push_bind(filter.limit.min(LIST_MAX));
        let mut reader = self.reader().await?;
        let rows = query.build().fetch_all(&mut *reader).await?;
        rows.iter().map(|row| hold(row, 0)).collect()
    }

    /// How many objects [`Store::list`] would give, all its pages together. Rows are counted, and no leaf is asked.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count<S: Lifecycle>(&self, filter: Filter<'_>) -> Result<u64, StoreError> {
        let mut query =
            QueryBuilder::<Sqlite>::new("select count(*) from states s where s.kind = ");
        query.push_bind(S::KIND);
        narrow(&mut query, filter);
        let mut reader = self.reader().await?;
        let (found,): (i64,) = query.build_query_as().fetch_one(&mut *reader).await?;
        count(found)
    }

    /// How many objects of one kind are in each state; a state with none is absent.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count_by_state<S: Lifecycle>(&self) -> Result<BTreeMap<String, u64>, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select state, count(*) from states where kind = $1 group by state order by state",
        )
        .bind(S::KIND)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter()
            .map(|(state, n)| Ok((state, count(n)?)))
            .collect()
    }

    /// Events in the order of the log, or the newest first.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], or if the database fails.
    pub async fn events(&self, filter: EventFilter<'_>) -> Result<Vec<Told>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "select leaf, at, action, person, kind, object, project, version, facts
             from events where leaf > ",
        );
        query.push_bind(filter.after_leaf.map_or(Ok(-1), int)?);
        if let Some(before) = filter.before_leaf {
            query.push(" and leaf < ").push_bind(int(before)?);
        }
        if let Some(project) = filter.project {
            query.push(" and project = ").push_bind(project.as_str());
        }
        if let Some(object) = filter.object {
            query.push(" and object = ").push_bind(object);
        }
        if !filter.actions.is_empty() {
            query.push(" and action in (");
            let mut actions = query.separated(", ");
            for action in filter.actions {
                actions.push_bind(action.word());
            }
            query.push(")");
        }
        let way = match filter.order {
            Order::OldestFirst => "",
            Order::NewestFirst => " desc",
        };
        query
            .push(" order by leaf")
            .push(way)
            .push(" limit ")
            .push_bind(filter.limit.min(LIST_MAX));
        let mut reader = self.reader().await?;
        let rows: Vec<EventRow> = query.build_query_as().fetch_all(&mut *reader).await?;
        rows.into_iter().map(tell).collect()
    }

    /// The document with this SHA-256; none if there never was one or it was erased.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`] if the stored bytes have another hash, or if the database fails.
    pub async fn document(&self, sha: &Sha256) -> Result<Option<Vec<u8>>, StoreError> {
        let bytes: Option<Vec<u8>> =
            sqlx::query_scalar("select bytes from documents where sha256 = $1")
                .bind(sha.as_str())
                .fetch_optional(&mut *self.reader().await?)
                .await?;
        match bytes {
            Some(bytes) if hex::encode(sha256(&bytes)) != sha.as_str() => {
                Err(StoreError::Unreadable("document"))
            }
            bytes => Ok(bytes),
        }
    }

    /// The documents with these SHA-256, by hash; what never was there or was erased is left out.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for more than [`LIST_MAX`]; as [`Store::document`], for any of them.
    pub async fn documents(
        &self,
        hashes: impl IntoIterator<Item = &Sha256>,
    ) -> Result<BTreeMap<Sha256, Vec<u8>>, StoreError> {
        let hashes: BTreeSet<&Sha256> = hashes.into_iter().collect();
        let limit = usize::try_from(LIST_MAX).unwrap_or(usize::MAX);
        at_most("documents in one question", hashes.len(), limit)?;
        if hashes.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut query =
            QueryBuilder::<Sqlite>::new("select sha256, bytes from documents where sha256 in (");
        let mut list = query.separated(", ");
        for hash in hashes {
            list.push_bind(hash.as_str());
        }
        query.push(")");
        let mut reader = self.reader().await?;
        let rows: Vec<(String, Vec<u8>)> = query.build_query_as().fetch_all(&mut *reader).await?;
        let read = |(sha, bytes): (String, Vec<u8>)| {
            let unreadable = StoreError::Unreadable("document");
            if hex::encode(sha256(&bytes)) != sha {
                return Err(unreadable);
            }
            Ok((Sha256::try_from(sha).map_err(|_| unreadable)?, bytes))
        };
        rows.into_iter().map(read).collect()
    }

    /// What a leaf commits to beside the log: kind, SHA-256 and salt of each document. With the
    /// document's bytes it opens the commitment in the entry.
    ///
    /// # Errors
    /// [`StoreError::Unreadable`], or if the database fails.
    pub async fn attachments(
        &self,
        leaf: u64,
    ) -> Result<Vec<(String, Sha256, [u8; 32])>, StoreError> {
        let rows: Vec<(String, String, Vec<u8>)> = sqlx::query_as(
            "select kind, sha256, salt from attachments where leaf = $1 order by kind",
        )
        .bind(int(leaf)?)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let read = |(kind, sha, salt): (String, String, Vec<u8>)| {
            let sha = Sha256::try_from(sha).map_err(|_| StoreError::Unreadable("attachment"))?;
            Ok((kind, sha, hash_from_slice(&salt)?))
        };
        rows.into_iter().map(read).collect()
    }
}
