//! What the store says, read anew for every question.

use audit_log::{Entry, leaf_hash, verify_inclusion};
use governance::job::Core;
use governance::request::View;
use governance::{Action, JobId, Lifecycle, Sha256};
use protocol::keeper::Refused;
use store::{Held, Store};

use crate::error::{by_log, by_store, not_permitted};

pub(crate) struct Books {
    pub(crate) store: Store,
}

impl Books {
    /// The object in its present state, as its leaf vouches for it.
    pub(crate) async fn held<S: Lifecycle>(&self, id: &str) -> Result<Held<S>, Refused> {
        let held = self.store.load::<S>(id).await.map_err(by_store)?;
        held.ok_or_else(|| not_permitted(format!("there is no such {}", S::KIND)))
    }

    pub(crate) async fn get<S: Lifecycle>(&self, id: &str) -> Result<S, Refused> {
        self.held(id).await.map(|held| held.value)
    }

    /// The text of a statement.
    pub(crate) async fn text(&self, hash: &Sha256) -> Result<String, Refused> {
        let bytes = self.store.document(hash).await.map_err(by_store)?;
        let bytes = bytes.ok_or_else(|| not_permitted("the statement is not on file"))?;
        if hex::encode(audit_log::sha256(&bytes)) != hash.as_str() {
            return Err(not_permitted("the statement on file is another one"));
        }
        String::from_utf8(bytes).map_err(|_| not_permitted("the statement is not text"))
    }

    /// Whether the log holds the intent of this very job: intent comes before the act.
    pub(crate) async fn intent(&self, leaf: u64, job: &JobId, core: &Core) -> Result<(), Refused> {
        let cited = core.authority.cited();
        // Only the intent to show rows says what it shows.
        let rows = core.task.view().filter(|view| *view == View::Rows);
        let rows = rows.map(View::word);
        let entry = self.logged(leaf).await?;
        let fact = |name: &str| {
            let facts = entry.details.get("facts");
            facts.and_then(|f| f.get(name)).and_then(|v| v.as_str())
        };
        let said = entry.action == Action::QueueJob.word()
            && entry.object == job.as_str()
            && fact("task") == Some(core.task.word())
            && fact("of") == Some(core.task.object())
            && fact("authority") == Some(cited.as_str())
            && fact("view") == rows;
        if said {
            Ok(())
        } else {
            Err(not_permitted(
                "the log does not hold the intent of this job",
            ))
        }
    }

    /// An entry that is in the tree.
    async fn logged(&self, leaf: u64) -> Result<Entry, Refused> {
        let absent = || not_permitted("the log does not hold the intent of this job");
        let size = self.store.log_size().await.map_err(by_store)?;
        let leaves = self
            .store
            .leaves(leaf, leaf.saturating_add(1))
            .await
            .map_err(by_store)?;
        let (_, bytes) = leaves.into_iter().next().ok_or_else(absent)?;
        let root = self.store.root_at(size).await.map_err(by_store)?;
        let proof = self.store.inclusion(leaf, size).await.map_err(by_store)?;
        verify_inclusion(&leaf_hash(&bytes), leaf, size, &proof, &root).map_err(|_| absent())?;
        Entry::decode(&bytes).map_err(by_log)
    }
}
