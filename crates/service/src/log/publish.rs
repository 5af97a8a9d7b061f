//! From the stored entries to a folder of files that anybody can verify without the server.

use std::path::Path;

use audit_log::{
    AuditError, Checkpoint, FileTiles, Hash, Note, Tiles, Vkey, bundle_start, publish,
    publish_checkpoint, published_before,
};
use governance::Action;
use store::Store;

use super::{LogState, log_error};
use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// Entries that are published in one go: whole bundles, and no more than the store gives at once.
const PUBLISH_AT_ONCE: u64 = 1_024;

/// What this process has written of the folder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Written {
    /// Nothing yet: files below the newest may be damaged, and are all written again.
    #[default]
    Nothing,
    /// Every file that the log needs, once: from then on only what grows.
    Whole,
}

impl Service {
    /// Has the keeper sign a checkpoint of everything recorded so far and publishes entries, tiles and
    /// checkpoint to a folder.
    ///
    /// # Errors
    /// If the keeper refuses, the folder is another log's or cannot be written.
    pub async fn publish_log(&self, folder: &Path) -> Result<LogState, ServiceError> {
        let mut written = self.publishing.lock().await;
        let note = self.keeper.sign_checkpoint().await?;
        let hello = self.keeper.hello().await?;
        let vkey = Vkey::parse(&hello.vkey).map_err(log_error)?;
        let tiles = FileTiles::new(folder);
        let state = publish_signed(&self.store, &tiles, &vkey, &note, *written).await?;
        *written = Written::Whole;
        // After the files: the checkpoint that the store knows can be proved from the folder.
        self.store.save_checkpoint(state.size, &note).await?;
        Ok(state)
    }

    /// Publishes the log for somebody who asks.
    ///
    /// # Errors
    /// If the caller may not; as [`Service::publish_log`].
    pub async fn publish_log_for(
        &self,
        caller: &Caller,
        folder: &Path,
    ) -> Result<LogState, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::PublishLog, &Object::new("log"), now)?;
        self.publish_log(folder).await
    }
}

/// Brings the files up to a signed checkpoint and then puts that in place. What the folder publishes already is
/// not taken back, and another log's folder is not touched.
pub(super) async fn publish_signed(
    store: &Store,
    tiles: &dyn Tiles,
    vkey: &Vkey,
    note: &str,
    written: Written,
) -> Result<LogState, ServiceError> {
    let signed = Note::parse(note)
        .and_then(|note| Checkpoint::parse(note.text()))
        .map_err(log_error)?;
    let before = published_before(tiles, vkey, note).map_err(log_error)?;
    let mut root = None;
    if let (Written::Whole, Some(before)) = (written, before) {
        root = publish_from(store, tiles, vkey, bundle_start(before.size), signed.size).await?;
    }
    if root != Some(signed.root) {
        root = publish_from(store, tiles, vkey, 0, signed.size).await?;
    }
    if root != Some(signed.root) {
        return Err(ServiceError::Log(
            "the entries do not give the root that the keeper signed".into(),
        ));
    }
    Ok(LogState {
        size: signed.size,
        checkpoint: publish_checkpoint(tiles, vkey, note).map_err(log_error)?,
    })
}

/// Writes entries and tiles and gives the root that they have; none if the files in place, or the entries, do not
/// fit.
async fn publish_from(
    store: &Store,
    tiles: &dyn Tiles,
    vkey: &Vkey,
    start: u64,
    size: u64,
) -> Result<Option<Hash>, ServiceError> {
    let mut from = start;
    // At least once: a log that has no new entry, or none at all, has a root too.
    loop {
        let to = size.min(from.saturating_add(PUBLISH_AT_ONCE));
        let leaves = store.leaves(from, to).await?;
        let entries = leaves.into_iter().map(|(_, bytes)| bytes);
        let published = match publish(tiles, vkey, from, entries) {
            // What was to be added to is itself in need of repair; from 0 nothing is read.
            Err(AuditError::Absent { .. } | AuditError::Damaged { .. }) if start != 0 => {
                return Ok(None);
            }
            done => done.map_err(log_error)?,
        };
        if published.size != to {
            return Ok(None);
        }
        if to == size {
            return Ok(Some(published.root));
        }
        from = to;
    }
}
