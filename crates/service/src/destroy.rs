//! The end of a project's data: the keeper destroys secrets and sealed files and certifies it, then it is recorded.

use governance::extract::Extract;
use governance::project::{Destruction, Project};
use governance::{Action, Batch, ProjectId, Sha256};
use serde::Serialize;
use store::Filter;

use crate::error::ServiceError;
use crate::keeper::Destroyed;
use crate::{Caller, Service, document, sha256};

/// Extracts that are recorded as destroyed at once; the project's own change is the last of all.
const EXTRACTS: u32 = 100;

/// What was destroyed.
#[derive(Debug, Clone, Serialize)]
pub struct DestructionAnswer {
    /// The project.
    pub project: ProjectId,
    /// SHA-256 of the keeper's certificate.
    pub certificate: Sha256,
    /// Sealed files that were tried, found shut and deleted.
    pub files: u64,
    /// The last key epoch with the project's secrets.
    pub epoch_before: u64,
    /// The first without them.
    pub epoch_after: u64,
}

impl Service {
    /// Destroys the secrets and sealed files of a project that has ended. Asked again after a break, it completes
    /// what was begun.
    ///
    /// # Errors
    /// If the caller may not, is on the project, the project has not ended, or the keeper could not do all of it.
    pub async fn destroy_project(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<DestructionAnswer, ServiceError> {
        let now = self.now()?;
        let held = self.load::<Project>(id.as_str()).await?;
        self.authorise_project(caller, Action::DestroyProject, &held.value, now)
            .await?;
        // Before anything is gone, not after.
        held.value.may_be_destroyed_by(caller.id())?;
        let done = self.keeper.destroy(id.as_str()).await?;
        let destruction = destruction(id, &done)?;
        loop {
            let filter = Filter {
                project: Some(id),
                states: &["sealed"],
                limit: EXTRACTS,
                ..Filter::default()
            };
            let extracts = self.store.list::<Extract>(filter).await?;
            if extracts.is_empty() {
                break;
            }
            let mut batch = Batch::new();
            for held in extracts {
                batch =
                    batch.change(held.version, held.value.destroy(&destruction, self.now()?)?)?;
            }
            self.record(None, batch, Vec::new()).await?;
        }
        let change = held.value.destroy(&destruction, caller.id(), self.now()?)?;
        let documents = vec![
            document("certificate", done.certificate.as_bytes()),
            document("certificate_note", done.note.as_bytes()),
        ];
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, documents).await?;
        Ok(DestructionAnswer {
            project: id.clone(),
            certificate: destruction.certificate,
            files: done.files,
            epoch_before: done.epoch_before,
            epoch_after: done.epoch_after,
        })
    }
}

/// What the keeper certified, if its note is over this project and this certificate. Whose signature the note
/// bears is for whoever reads it to verify.
fn destruction(id: &ProjectId, done: &Destroyed) -> Result<Destruction, ServiceError> {
    let certificate = sha256(done.certificate.as_bytes())?;
    let text = format!("strongroom destruction\n{id}\n{certificate}\n");
    if !done.note.starts_with(&text) {
        return Err(ServiceError::Uncheckable(
            "the keeper certified something else".into(),
        ));
    }
    Ok(Destruction {
        project: id.clone(),
        certificate,
        files: done.files,
        epoch_before: done.epoch_before,
        epoch_after: done.epoch_after,
    })
}
