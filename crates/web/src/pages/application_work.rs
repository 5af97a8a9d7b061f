//! An application with everything that its pages need: the draft, the catalogue, the people, what is missing.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::{Dataset, Purpose};
use governance::person::Person;
use governance::project::Project;
use governance::request::Request;
use governance::{Action, DatasetId, PersonId, ProjectId};
use service::{Named, ServiceError};

use super::application_draft::Draft;
use super::application_missing::{Far, Known, Missing, far, missing};
use super::refusal::Told;
use super::session::Visitor;
use crate::Front;

/// An application that somebody on it reads or writes.
pub(crate) struct Work {
    pub(crate) id: ProjectId,
    pub(crate) project: Project,
    pub(crate) state: &'static str,
    pub(crate) draft: Draft,
    /// Datasets that can be asked for.
    pub(crate) datasets: BTreeMap<DatasetId, Dataset>,
    /// Names of everybody on it, as far as known.
    pub(crate) names: BTreeMap<PersonId, Named>,
    pub(crate) missing: Vec<Missing>,
    me: Person,
}

impl Work {
    /// Loads it for somebody who is on it.
    ///
    /// # Errors
    /// If the visitor is not.
    pub(crate) async fn load(
        front: &Front,
        visitor: &Visitor,
        id: ProjectId,
    ) -> Result<Self, Told> {
        let (service, caller) = (&front.service, &visitor.caller);
        let view = service.project(caller, &id).await?;
        let stored = service.draft(caller, &id).await?;
        let core = view.project.core();
        let last = match core.version {
            0 => None,
            _ => last(front, visitor, &id).await?,
        };
        let draft = Draft::go_on(stored.as_deref(), core.version, last.as_ref(), &core.author);
        let catalogue = service.catalogue(caller).await?;
        let mut work = Self {
            id,
            state: view.state,
            datasets: catalogue
                .into_iter()
                .filter(|d| d.dictionary.purpose == Purpose::Payload)
                .map(|d| (d.id.clone(), d))
                .collect(),
            project: view.project,
            draft,
            names: BTreeMap::new(),
            missing: Vec::new(),
            me: caller.person.clone(),
        };
        work.look_again(front, visitor).await?;
        Ok(work)
    }

    /// Looks up the people and what is missing, after the draft was changed.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn look_again(
        &mut self,
        front: &Front,
        visitor: &Visitor,
    ) -> Result<(), Told> {
        let service = &front.service;
        // A catalogue has pages; what is asked for is looked up by itself.
        let asked = self
            .draft
            .datasets
            .iter()
            .filter_map(|a| a.dataset.parse::<DatasetId>().ok());
        let unknown: Vec<DatasetId> = asked.filter(|id| !self.datasets.contains_key(id)).collect();
        for id in unknown {
            if let Ok(dataset) = service.dataset(&visitor.caller, &id).await {
                self.datasets.insert(id, dataset);
            }
        }
        let mut everybody = self.draft.everybody(&self.me);
        everybody.insert(self.project.core().author.clone());
        self.names = service.names(&visitor.caller, everybody).await?;
        let people: BTreeSet<PersonId> = self.names.keys().cloned().collect();
        let known = Known {
            datasets: &self.datasets,
            people: &people,
        };
        self.missing = missing(&self.draft, &known);
        Ok(())
    }

    /// Whether the visitor writes on it now, as governance's table of actions and the author have it.
    pub(crate) fn is_written(&self) -> bool {
        let states = Action::SubmitApplication.row().states;
        states.contains(&self.state) && self.project.core().author == self.me.id
    }

    /// # Errors
    /// If it is not written on any more, or by somebody else.
    pub(crate) fn must_be_written(&self) -> Result<(), Told> {
        if self.is_written() {
            return Ok(());
        }
        Err(ServiceError::BadInput(
            "only its author changes an application, and only before it is submitted or after it was returned"
                .into(),
        )
        .into())
    }

    /// Saves the draft as it is now.
    ///
    /// # Errors
    /// If the visitor may not, or it is too large.
    pub(crate) async fn save(&self, front: &Front, visitor: &Visitor) -> Result<(), Told> {
        let json = serde_json::to_string(&self.draft).map_err(ServiceError::from)?;
        front
            .service
            .save_draft(&visitor.caller, &self.id, &json)
            .await?;
        Ok(())
    }

    /// How far a section is.
    pub(crate) fn far(&self, section: &str) -> Far {
        far(&self.draft, section, &self.missing)
    }

    /// What is missing in a section that was begun.
    pub(crate) fn gaps<'a>(&'a self, section: &'a str) -> impl Iterator<Item = &'a Missing> {
        let begun = self.far(section) == Far::Begun;
        self.missing
            .iter()
            .filter(move |m| begun && m.section == section)
    }

    /// The request that would be submitted, as bytes.
    ///
    /// # Errors
    /// If something is missing.
    pub(crate) fn form(&self) -> Result<Vec<u8>, Told> {
        let request = self
            .draft
            .request(&self.project.core().author)
            .filter(|_| self.missing.is_empty());
        let request = request.ok_or_else(|| {
            ServiceError::BadInput("something is still missing; open the application again".into())
        })?;
        Ok(serde_json::to_vec_pretty(&request).map_err(ServiceError::from)?)
    }

    /// Title, or what stands in for it.
    pub(crate) fn title(&self) -> String {
        if self.draft.title.is_empty() {
            "An application without a title yet".into()
        } else {
            self.draft.title.clone()
        }
    }

    /// Where its pages begin.
    pub(crate) fn home(&self) -> String {
        format!("/projects/{}/application", self.id)
    }

    /// Name and organisation of everybody on it.
    pub(crate) fn people(&self) -> Vec<(String, String)> {
        self.names
            .values()
            .map(|named| (named.name.clone(), named.organisation.clone()))
            .collect()
    }
}

/// The version that was submitted last.
async fn last(front: &Front, visitor: &Visitor, id: &ProjectId) -> Result<Option<Request>, Told> {
    let reading = front.service.read_project(&visitor.caller, id).await?;
    let versions = reading.versions().await?;
    let Some(last) = versions.last() else {
        return Ok(None);
    };
    let bytes = reading.application(&versions, &last.sha256).await?;
    Ok(serde_json::from_slice(&bytes).ok())
}
