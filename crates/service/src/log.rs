//! The log as people read it, published as files that anybody can verify without the server.

mod publish;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::Path;

use audit_log::{Checkpoint, FileTiles, InclusionProof, Note, TileNodes, Tiles};
use governance::project::Project;
use governance::{Action, By, Fact, PersonId, ProjectId, Timestamp};
use serde::Serialize;
use store::EventFilter;

use crate::access::Object;
use crate::comments::tells_private_comment;
use crate::error::ServiceError;
use crate::{Caller, Service};

pub(crate) use publish::Written;

/// One event with its leaf.
#[derive(Debug, Clone, Serialize)]
pub struct EventView {
    /// Number of its leaf.
    pub leaf: u64,
    /// When.
    pub at: Timestamp,
    /// What was done.
    pub action: &'static str,
    /// By whom: a person's id, or nobody when the safe haven itself acted.
    pub by: Option<PersonId>,
    /// Kind of the object.
    pub kind: String,
    /// The object.
    pub object: String,
    /// Ids, hashes and counts.
    pub facts: BTreeMap<String, Fact>,
}

/// Where the log stands.
#[derive(Debug, Clone, Serialize)]
pub struct LogState {
    /// Leaves under the checkpoint.
    pub size: u64,
    /// The signed checkpoint.
    pub checkpoint: String,
}

impl EventView {
    /// As it was recorded.
    pub(crate) fn of(told: store::Told) -> Self {
        Self {
            leaf: told.leaf,
            at: told.at,
            action: told.action.word(),
            by: match told.by {
                By::Person(id) => Some(id),
                By::System => None,
            },
            kind: told.kind,
            object: told.object,
            facts: told.facts,
        }
    }
}

impl Service {
    /// The signed checkpoint that the folder publishes, with the witnesses' lines that it has there.
    ///
    /// # Errors
    /// If there is none yet, or it cannot be read.
    pub fn latest_checkpoint(&self, folder: &Path) -> Result<String, ServiceError> {
        published_note(&FileTiles::new(folder))
    }

    /// An offline proof (C2SP tlog-proof) that a leaf is under the checkpoint that the folder publishes.
    ///
    /// # Errors
    /// If the caller may not read the log, or the leaf is newer than the checkpoint.
    pub async fn proof(
        &self,
        caller: &Caller,
        folder: &Path,
        leaf: u64,
    ) -> Result<String, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?;
        Ok(self.proved(folder, leaf).await?.1)
    }

    /// A leaf with its proof under the checkpoint that the folder publishes. Whether the caller may have it was
    /// asked before.
    pub(crate) async fn proved(
        &self,
        folder: &Path,
        leaf: u64,
    ) -> Result<(Vec<u8>, String), ServiceError> {
        let tiles = FileTiles::new(folder);
        let note = published_note(&tiles)?;
        let size = checkpoint(&note)?.size;
        if leaf >= size {
            return Err(ServiceError::NotFound("leaf under the latest checkpoint"));
        }
        let entries = self.store.leaves(leaf, leaf + 1).await?;
        let (_, entry) = entries
            .into_iter()
            .next()
            .ok_or(ServiceError::NotFound("leaf"))?;
        let nodes = TileNodes::new(&tiles, size);
        let proof = InclusionProof::make(&nodes, leaf, &entry, &note).map_err(log_error)?;
        Ok((entry, proof.to_string()))
    }

    /// A published tile of hashes.
    ///
    /// # Errors
    /// If the path is not a tile's.
    pub fn tile(&self, folder: &Path, path: &str) -> Result<Option<Vec<u8>>, ServiceError> {
        let tiles = FileTiles::new(folder);
        tiles.read(&format!("tile/{path}")).map_err(log_error)
    }

    /// Events of a project or of everything, for those who may read them. Whoever is on a project is not told
    /// who commented privately, nor how many people object.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn events(
        &self,
        caller: &Caller,
        project: Option<&ProjectId>,
        after: Option<u64>,
    ) -> Result<Vec<EventView>, ServiceError> {
        let now = self.now()?;
        let mut on = false;
        match project {
            Some(id) => {
                let held = self.load::<Project>(id.as_str()).await?;
                self.authorise_project(caller, Action::ViewProject, &held.value, now)
                    .await?;
                on = held.value.people().contains(caller.id());
            }
            None => self.authorise(caller, Action::ViewLog, &Object::new("log"), now)?,
        }
        let mut filter = EventFilter {
            project,
            after_leaf: after,
            limit: self.policies.limits.page,
            ..EventFilter::default()
        };
        // Only a page that is not full says that there is nothing more, so what is passed over is made up for.
        let most = usize::try_from(filter.limit).unwrap_or(usize::MAX);
        let mut told: Vec<EventView> = Vec::new();
        while told.len() < most {
            let events = self.store.events(filter).await?;
            let Some(last) = events.last() else { break };
            filter.after_leaf = Some(last.leaf);
            let events = events.into_iter();
            let events = events.filter(|event| !on || !tells_private_comment(event));
            told.extend(
                events.map(|event| EventView::of(if on { uncounted(event) } else { event })),
            );
        }
        told.truncate(most);
        Ok(told)
    }
}

/// Who is on a project reads no count of people who object.
fn uncounted(mut told: store::Told) -> store::Told {
    for count in ["withheld", "objected"] {
        told.facts.remove(count);
    }
    told
}

fn published_note(tiles: &FileTiles) -> Result<String, ServiceError> {
    let bytes = tiles.read("checkpoint").map_err(log_error)?;
    let bytes = bytes.ok_or(ServiceError::NotFound("checkpoint yet"))?;
    String::from_utf8(bytes).map_err(|_| ServiceError::Log("its checkpoint is not UTF-8".into()))
}

fn checkpoint(note: &str) -> Result<Checkpoint, ServiceError> {
    Note::parse(note)
        .and_then(|note| Checkpoint::parse(note.text()))
        .map_err(log_error)
}

fn log_error(error: audit_log::AuditError) -> ServiceError {
    ServiceError::Log(error.to_string())
}
