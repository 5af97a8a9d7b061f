//! One door in: changes that a rule allowed, written as state, event and leaf.

use std::collections::{BTreeMap, BTreeSet};

use audit_log::{Entry, Frontier, commit, sha256};
use governance::{Batch, By, Event, Sealed};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use sqlx::SqliteConnection;

use crate::beside::Beside;
use crate::error::{StoreError, at_most, int};
use crate::{note, ties, tree};

/// Most changes in one record.
pub const CHANGES_MAX: usize = 256;
/// Most documents in one record.
pub const DOCUMENTS_MAX: usize = 16;
/// Most rows beside one record.
pub const BESIDE_MAX: usize = 16;
/// Largest document, in bytes.
pub const DOCUMENT_BYTES_MAX: usize = 4 << 20;
/// Largest state as JSON, in bytes.
pub const STATE_BYTES_MAX: usize = 4 << 20;

/// Name of the commitment to a state's JSON.
pub(crate) const STATE: &str = "state";

/// What is to be recorded.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Changes, which are recorded together or not at all.
    pub batch: Batch,
    /// Bytes that belong to the first change and must be erasable.
    pub documents: Vec<Document>,
    /// Name and SHA-256 (hex) of every policy that decided.
    pub policies: BTreeMap<String, String>,
    /// Id of the session (never its token).
    pub session: Option<String>,
    /// Rows without a leaf of their own that are written with the changes or not at all.
    pub beside: Vec<Beside>,
}

/// Bytes kept beside the log, which holds only a salted commitment to them.
#[derive(Clone)]
pub struct Document {
    /// A word such as `application`: the name of the commitment, once in a record.
    pub kind: String,
    /// At most [`DOCUMENT_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

impl std::fmt::Debug for Document {
    // The bytes may be about people: they stay out of logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Document({}, {} bytes)", self.kind, self.bytes.len())
    }
}

/// Proof for a page or a caller that it is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Number of the first change's leaf.
    pub first_leaf: u64,
    /// Number of leaves, one for each change.
    pub leaves: u64,
    /// Version of each object now, by its id.
    pub versions: BTreeMap<String, i64>,
}

impl Record {
    /// The limits, before it takes the writer's time.
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        if self.batch.changes().is_empty() {
            return Err(StoreError::Empty);
        }
        at_most(
            "changes in one record",
            self.batch.changes().len(),
            CHANGES_MAX,
        )?;
        at_most(
            "documents in one record",
            self.documents.len(),
            DOCUMENTS_MAX,
        )?;
        at_most("rows beside one record", self.beside.len(), BESIDE_MAX)?;
        for change in self.batch.changes() {
            at_most("bytes of a state", change.json().len(), STATE_BYTES_MAX)?;
        }
        let mut kinds = BTreeSet::new();
        for document in &self.documents {
            at_most(
                "bytes of a document",
                document.bytes.len(),
                DOCUMENT_BYTES_MAX,
            )?;
            let word = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
            let fit = (1..=64).contains(&document.kind.len()) && document.kind.bytes().all(word);
            if !fit || document.kind == STATE || !kinds.insert(document.kind.as_str()) {
                return Err(StoreError::DocumentKind);
            }
        }
        Ok(())
    }
}

fn draw_salt() -> Result<[u8; 32], StoreError> {
    let mut salt = [0; 32];
    SystemRandom::new()
        .fill(&mut salt)
        .map_err(|_| StoreError::NoRandomness)?;
    Ok(salt)
}

/// Writes the record within the savepoint that the caller holds.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    record: Record,
) -> Result<Receipt, StoreError> {
    let Record {
        batch,
        documents,
        policies,
        session,
        beside,
    } = record;
    let first_leaf = frontier.size();
    let mut documents = Some(documents);
    let mut versions = BTreeMap::new();
    for change in batch.changes() {
        let event = change.event();
        let version = next_version(connection, change).await?;
        let salt = draw_salt()?;
        let hash = commit(&salt, change.json().as_bytes());
        let mut commitments = BTreeMap::from([(STATE.to_owned(), hex::encode(hash))]);
        let mut attachments = Vec::new();
        // Only the first change carries the documents.
        for document in documents.take().unwrap_or_default() {
            let salt = draw_salt()?;
            let hash = commit(&salt, &document.bytes);
            commitments.insert(document.kind.clone(), hex::encode(hash));
            attachments.push((document, salt));
        }
        let mut details = json!({
            "kind": event.kind(),
            "state": change.state(),
            "version": version,
            "facts": event.facts(),
        });
        if let (Some(session), Some(details)) = (&session, details.as_object_mut()) {
            details.insert("session".to_owned(), json!(session));
        }
        let entry = Entry {
            time: event.at().to_string(),
            actor: person(event).unwrap_or("system").to_owned(),
            action: event.action().word().to_owned(),
            object: event.object().to_owned(),
            project: event.project().map(ToString::to_string),
            policy_sha256: policies.clone(),
            details,
            commitments,
        };
        let leaf = int(tree::append(connection, frontier, &entry.encode()?).await?)?;
        write_event(connection, leaf, version, event).await?;
        let since_us = write_state(connection, leaf, version, change, &salt).await?;
        let (object, placed) = ((event.kind(), event.object()), (change.state(), since_us));
        ties::write(connection, object, placed, change.index(), person(event)).await?;
        for (document, salt) in attachments {
            write_document(connection, leaf, document, &salt).await?;
        }
        versions.insert(event.object().to_owned(), version);
    }
    for row in beside {
        note::write(connection, row.into_note()).await?;
    }
    Ok(Receipt {
        first_leaf,
        leaves: frontier.size() - first_leaf,
        versions,
    })
}

/// Id of the person who acted; none for the safe haven itself.
fn person(event: &Event) -> Option<&str> {
    match event.by() {
        By::Person(person) => Some(person.as_str()),
        By::System => None,
    }
}

/// Version that the change brings about, if the object is at the version that it was made from.
async fn next_version(
    connection: &mut SqliteConnection,
    change: &Sealed,
) -> Result<i64, StoreError> {
    let event = change.event();
    let held: Option<i64> =
        sqlx::query_scalar("select version from states where kind = $1 and id = $2")
            .bind(event.kind())
            .bind(event.object())
            .fetch_optional(connection)
            .await?;
    if held != change.expected() {
        let (kind, id) = (event.kind().to_owned(), event.object().to_owned());
        return Err(StoreError::Stale { kind, id });
    }
    held.unwrap_or(0)
        .checked_add(1)
        .ok_or(StoreError::Unreadable("version"))
}

async fn write_event(
    connection: &mut SqliteConnection,
    leaf: i64,
    version: i64,
    event: &Event,
) -> Result<(), StoreError> {
    let facts = serde_json::to_string(event.facts()).map_err(|_| StoreError::Unreadable("fact"))?;
    sqlx::query(
        "insert into events (leaf, at, action, person, kind, object, project, version, facts)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(leaf)
    .bind(event.at().to_string())
    .bind(event.action().word())
    .bind(person(event))
    .bind(event.kind())
    .bind(event.object())
    .bind(event.project().map(|project| project.as_str()))
    .bind(version)
    .bind(facts)
    .execute(connection)
    .await?;
    Ok(())
}

/// Writes the state and gives the moment since when the object is in it.
async fn write_state(
    connection: &mut SqliteConnection,
    leaf: i64,
    version: i64,
    change: &Sealed,
    salt: &[u8; 32],
) -> Result<i64, StoreError> {
    let (event, index) = (change.event(), change.index());
    let since_us = sqlx::query_scalar(
        "insert into states (kind, id, project, state, json, salt, version, leaf, updated_at,
           title, author, since_us)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         on conflict (kind, id) do update set
           since_us = case when states.state = excluded.state then states.since_us
             else excluded.since_us end,
           project = excluded.project, state = excluded.state, json = excluded.json,
           salt = excluded.salt, version = excluded.version, leaf = excluded.leaf,
           updated_at = excluded.updated_at, title = excluded.title, author = excluded.author
         returning since_us",
    )
    .bind(event.kind())
    .bind(event.object())
    .bind(event.project().map(|project| project.as_str()))
    .bind(change.state())
    .bind(change.json())
    .bind(salt.as_slice())
    .bind(version)
    .bind(leaf)
    .bind(event.at().to_string())
    .bind(&index.title)
    .bind(index.author.as_ref().map(|author| author.as_str()))
    .bind(event.at().as_microsecond())
    .fetch_one(connection)
    .await?;
    Ok(since_us)
}

/// The same bytes are kept once, however many leaves commit to them, each with a salt of its own.
async fn write_document(
    connection: &mut SqliteConnection,
    leaf: i64,
    document: Document,
    salt: &[u8; 32],
) -> Result<(), StoreError> {
    let key = hex::encode(sha256(&document.bytes));
    sqlx::query(
        "insert into documents (sha256, bytes) values ($1, $2) on conflict (sha256) do nothing",
    )
    .bind(&key)
    .bind(document.bytes)
    .execute(&mut *connection)
    .await?;
    sqlx::query("insert into attachments (leaf, kind, sha256, salt) values ($1, $2, $3, $4)")
        .bind(leaf)
        .bind(document.kind)
        .bind(key)
        .bind(salt.as_slice())
        .execute(connection)
        .await?;
    Ok(())
}
