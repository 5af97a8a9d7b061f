//! Safe people: who is on a project and whether they may be near data today.

use governance::person::Person;
use governance::request::Request;
use governance::{Action, Date, PersonId, ProjectId};
use serde::Serialize;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Named, Service};

/// Somebody on a project, with their standing.
#[derive(Debug, Clone, Serialize)]
pub struct Standing {
    /// Who.
    pub person: Named,
    /// Accreditation is valid until this day, included.
    pub accreditation_until: Option<Date>,
    /// Training is valid until this day, included.
    pub training_until: Option<Date>,
    /// Day the undertaking was signed.
    pub undertaking_on: Option<Date>,
    /// What is missing or lapsed today, in one sentence; nothing for somebody who is fit.
    pub lacks: Option<String>,
}

impl Service {
    /// Everybody on a project, for those who may read it.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn standing(
        &self,
        caller: &Caller,
        project: &ProjectId,
    ) -> Result<Vec<Standing>, ServiceError> {
        let reading = self.read_project(caller, project).await?;
        let versions = reading.versions().await?;
        let form: Option<Request> = match versions.last() {
            Some(last) => {
                let bytes = reading.application(&versions, &last.sha256).await?;
                Some(serde_json::from_slice(&bytes)?)
            }
            None => None,
        };
        reading.standing(form.as_ref()).await
    }

    /// One person with roles and standing, for those who may read who is here.
    ///
    /// # Errors
    /// If the caller may not, or there is no such person.
    pub async fn person(&self, caller: &Caller, id: &PersonId) -> Result<Person, ServiceError> {
        let now = self.now()?;
        let object = Object::new("people");
        self.authorise(caller, Action::ViewPeople, &object, now)?;
        Ok(self.load::<Person>(id.as_str()).await?.value)
    }
}
