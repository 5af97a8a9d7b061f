//! The note that makes an approval a permission: `strongroom manifest`, the project, the manifest's SHA-256.

use audit_log::{LogKey, Note, Vkey, sha256};
use governance::project::{Approved, InForce, Manifest};
use governance::{Action, Lifecycle, ProjectId, Refusal};
use protocol::keeper::Refused;

use crate::error::{by_log, by_rule, internal, not_permitted};

const SCHEMA: &str = "manifest/1";

fn text(project: &ProjectId, hash: &str) -> String {
    format!("strongroom manifest\n{project}\n{hash}\n")
}

fn hash(manifest: &Manifest) -> Result<String, Refused> {
    let bytes =
        serde_json::to_vec(manifest).map_err(|_| internal("the manifest cannot be written"))?;
    Ok(hex::encode(sha256(&bytes)))
}

/// Signs the manifest of an approved project: the note and the manifest's hash.
pub(crate) fn sign(key: &LogKey, approved: &Approved) -> Result<(String, String), Refused> {
    let manifest = &approved.manifest;
    if manifest.schema != SCHEMA || manifest.project != approved.core.id {
        return Err(by_rule(Refusal::NotApproved("this manifest")));
    }
    let hash = hash(manifest)?;
    let note = key
        .sign_note(&text(&manifest.project, &hash))
        .map_err(by_log)?;
    Ok((note.to_string(), hash))
}

/// Whether the manifest of a project in force is the one that this keeper signed for it.
pub(crate) fn verify(in_force: &InForce, trusted: &[Vkey]) -> Result<(), Refused> {
    let manifest = &in_force.manifest;
    let stored = in_force.manifest_sha256.as_str();
    if manifest.schema != SCHEMA
        || manifest.project != in_force.core.id
        || hash(manifest)? != stored
    {
        return Err(by_rule(Refusal::NotApproved("the manifest")));
    }
    let unsigned = || not_permitted("the manifest does not bear the keeper's signature");
    let note = Note::parse(&in_force.signature).map_err(|_| unsigned())?;
    note.verify(trusted).map_err(|_| unsigned())?;
    if note.text() == text(&manifest.project, stored) {
        Ok(())
    } else {
        Err(unsigned())
    }
}

/// The approval that waits for a signature.
pub(crate) fn approved(project: &governance::project::Project) -> Result<&Approved, Refused> {
    use governance::project::Project;
    match project {
        Project::Approved(approved) => Ok(approved),
        Project::Draft { .. }
        | Project::Submitted(_)
        | Project::Returned { .. }
        | Project::Refused { .. }
        | Project::Withdrawn { .. }
        | Project::InForce(_)
        | Project::Expired { .. }
        | Project::Revoked { .. }
        | Project::Closed { .. }
        | Project::Destroyed { .. } => Err(by_rule(
            Action::CommenceProject.wrong_state(Project::KIND, project.state()),
        )),
    }
}
