//! One door in: changes that a rule allowed, written as state, event and leaf.

use std::collections::{BTreeMap, BTreeSet};

use audit_log::{Entry, Frontier, commit, sha256};
use governance::{Batch, By, Event, Sealed};
use ring::rand::{SecureRandom, SystemRandom};
use serde_json::json;
use sqlx::SqliteConnection;

use crate::beside::Beside;
use crate::error::{StoreError, at_most, int};
use crate::{ledger, note, ties, tree};

mod rows;

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
    let common = Common { policies, session };
    let mut versions = BTreeMap::new();
    let mut documents = attach(documents)?;
    let mut rest = batch.changes();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(distinct(rest));
        rest = later;
        // Only the first change carries the documents.
        let documents = std::mem::take(&mut documents);
        let lines = write_some(connection, frontier, now, &common, documents).await?;
        versions.extend(lines);
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

/// What every entry of a record tells.
struct Common {
    policies: BTreeMap<String, String>,
    session: Option<String>,
}

/// A document with the salt of its commitment.
struct Attached {
    document: Document,
    salt: [u8; 32],
}

fn attach(documents: Vec<Document>) -> Result<Vec<Attached>, StoreError> {
    let documents = documents.into_iter();
    documents
        .map(|document| {
            Ok(Attached {
                document,
                salt: draw_salt()?,
            })
        })
        .collect()
}

/// How many changes from the first on are of objects of their own, so that one statement can write them.
fn distinct(changes: &[Sealed]) -> usize {
    let mut seen = BTreeSet::new();
    let own = changes.iter().take(rows::MAX).take_while(|change| {
        let event = change.event();
        seen.insert((event.kind(), event.object()))
    });
    own.count()
}

/// Writes changes of different objects, the documents with the first. Gives the versions that they bring about.
async fn write_some(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    changes: &[Sealed],
    common: &Common,
    documents: Vec<Attached>,
) -> Result<Vec<(String, i64)>, StoreError> {
    let held = rows::versions(connection, changes).await?;
    let mut lines = Vec::with_capacity(changes.len());
    let mut entries = Vec::with_capacity(changes.len());
    let first_leaf = int(frontier.size())?;
    for (leaf, (number, change)) in (first_leaf..).zip(changes.iter().enumerate()) {
        let event = change.event();
        let held = held.get(&(event.kind(), event.object())).copied();
        let version = next_version(change, held)?;
        let salt = draw_salt()?;
        let hash = commit(&salt, change.json().as_bytes());
        let mut commitments = BTreeMap::from([(STATE.to_owned(), hex::encode(hash))]);
        if number == 0 {
            commitments.extend(documents.iter().map(|a| {
                let hash = commit(&a.salt, &a.document.bytes);
                (a.document.kind.clone(), hex::encode(hash))
            }));
        }
        entries.push(entry(change, version, common, commitments).encode()?);
        lines.push(Line {
            change,
            leaf,
            version,
            salt,
        });
    }
    tree::append(connection, frontier, &entries).await?;
    rows::events(connection, &lines).await?;
    for line in &lines {
        ledger::post(connection, line.leaf, line.change.postings()).await?;
    }
    let since = rows::states(connection, &lines).await?;
    ties::write_all(connection, &lines, &since).await?;
    if let Some(first) = lines.first() {
        for attached in documents {
            write_document(connection, first.leaf, attached).await?;
        }
    }
    let versions = lines.into_iter();
    Ok(versions
        .map(|line| (line.change.event().object().to_owned(), line.version))
        .collect())
}

/// A change with its place in the log.
pub(crate) struct Line<'a> {
    pub(crate) change: &'a Sealed,
    pub(crate) leaf: i64,
    pub(crate) version: i64,
    pub(crate) salt: [u8; 32],
}

/// What the leaf of a change tells.
fn entry(
    change: &Sealed,
    version: i64,
    common: &Common,
    commitments: BTreeMap<String, String>,
) -> Entry {
    let event = change.event();
    let mut details = json!({
        "kind": event.kind(),
        "state": change.state(),
        "version": version,
        "facts": event.facts(),
    });
    if let (Some(session), Some(details)) = (&common.session, details.as_object_mut()) {
        details.insert("session".to_owned(), json!(session));
    }
    Entry {
        time: event.at().to_string(),
        actor: person(event).unwrap_or("system").to_owned(),
        action: event.action().word().to_owned(),
        object: event.object().to_owned(),
        project: event.project().map(ToString::to_string),
        policy_sha256: common.policies.clone(),
        details,
        commitments,
    }
}

/// Id of the person who acted; none for the safe haven itself.
pub(crate) fn person(event: &Event) -> Option<&str> {
    match event.by() {
        By::Person(person) => Some(person.as_str()),
        By::System => None,
    }
}

/// Version that the change brings about, if the object is at the version that it was made from.
fn next_version(change: &Sealed, held: Option<i64>) -> Result<i64, StoreError> {
    if held != change.expected() {
        let event = change.event();
        let (kind, id) = (event.kind().to_owned(), event.object().to_owned());
        return Err(StoreError::Stale { kind, id });
    }
    held.unwrap_or(0)
        .checked_add(1)
        .ok_or(StoreError::Unreadable("version"))
}

/// The same bytes are kept once, however many leaves commit to them, each with a salt of its own.
async fn write_document(
    connection: &mut SqliteConnection,
    leaf: i64,
    Attached { document, salt }: Attached,
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
