//! The authority that a job cites, asked again whenever something is done for it.

use governance::job::{Authority, Core};
use governance::person::Person;
use governance::project::{InForce, Project};
use governance::{Action, PersonId, Refusal};

use crate::Service;
use crate::error::ServiceError;

impl Service {
    /// The project of a job, if the manifest that the job cites is in force and the person still fit.
    pub(crate) async fn still_permitted(
        &self,
        core: &Core,
        person: &PersonId,
    ) -> Result<InForce, ServiceError> {
        let in_force = self.authorising(core).await?;
        let person = self.load::<Person>(person.as_str()).await?.value;
        in_force.permit(&person, self.now()?)?;
        Ok(in_force)
    }

    /// The project of a job, if the manifest that the job cites is in force.
    pub(crate) async fn authorising(&self, core: &Core) -> Result<InForce, ServiceError> {
        let Authority::Manifest { project, sha256 } = &core.authority else {
            return Err(Refusal::NotApproved("the authority of this job").into());
        };
        let project = self.load::<Project>(project.as_str()).await?.value;
        let in_force = project.in_force(Action::RunQuery)?;
        if in_force.manifest_sha256 == *sha256 {
            Ok(in_force.clone())
        } else {
            Err(Refusal::NotApproved("the manifest of this job").into())
        }
    }
}
