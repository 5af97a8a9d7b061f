//! Safe people: who is on a project and whether they may be near data today.

use std::collections::BTreeSet;

use governance::person::Person;
use governance::project::Project;
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
        let now = self.now()?;
        let project = self.load::<Project>(project.as_str()).await?.value;
        self.authorise_project(caller, Action::ViewProject, &project, now)
            .await?;
        let today = governance::day_of(now);
        let mut standing = Vec::new();
        for id in self.asked_for(caller, &project).await? {
            let person = self.load::<Person>(id.as_str()).await?.value;
            let lacks = person
                .fit_on(today)
                .err()
                .map(|refusal| refusal.to_string());
            standing.push(Standing {
                accreditation_until: person.accreditation_until,
                training_until: person.training_until,
                undertaking_on: person.undertaking_on,
                lacks: lacks.map(|text| text.replace(id.as_str(), &person.name)),
                person: Named {
                    person: id,
                    name: person.name,
                    organisation: person.organisation,
                },
            });
        }
        Ok(standing)
    }

    /// Who is on a project; where the state does not hold the application, whoever its last version names.
    async fn asked_for(
        &self,
        caller: &Caller,
        project: &Project,
    ) -> Result<BTreeSet<PersonId>, ServiceError> {
        let mut people = project.people();
        if matches!(project, Project::Submitted(_)) || project.manifest().is_some() {
            return Ok(people);
        }
        let id = &project.core().id;
        if let Some(version) = self.versions(caller, id).await?.last() {
            let bytes = self.application(caller, id, &version.sha256).await?;
            people.extend(serde_json::from_slice::<Request>(&bytes)?.people);
        }
        Ok(people)
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
