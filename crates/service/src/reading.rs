//! A project that somebody reads: loaded and authorised once, for everything that a page shows of it.

use std::collections::{BTreeMap, BTreeSet};

use governance::comment::{About, Comment, Visibility};
use governance::dataset::Dataset;
use governance::person::Person;
use governance::project::Project;
use governance::request::Request;
use governance::{
    Action, DatasetId, Fact, Lifecycle, PersonId, ProjectId, Sha256, TieKind, Timestamp,
};

use crate::access::{Object, Question};
use crate::error::ServiceError;
use crate::possible::{self, WITHIN};
use crate::standing::Standing;
use crate::views::Version;
use crate::{Caller, CommentView, Named, Service};

/// A project in front of somebody who may read it.
pub struct ProjectReading<'a> {
    pub(crate) service: &'a Service,
    pub(crate) caller: &'a Caller,
    pub(crate) project: Project,
    /// Datasets that are asked for or approved.
    datasets: BTreeMap<DatasetId, Dataset>,
    question: Question<'a>,
    now: Timestamp,
}

impl Service {
    /// Opens a project for reading.
    ///
    /// # Errors
    /// If the caller may not read it, or there is none.
    pub async fn read_project<'a>(
        &'a self,
        caller: &'a Caller,
        id: &ProjectId,
    ) -> Result<ProjectReading<'a>, ServiceError> {
        let now = self.now()?;
        let project = self.load::<Project>(id.as_str()).await?.value;
        let datasets = self.datasets_in(&project).await?;
        let object = project_object(&project, &datasets);
        let access = &self.policies.access;
        let question = access.question(&caller.person, &object, now);
        question.may(Action::ViewProject)?;
        Ok(ProjectReading {
            service: self,
            caller,
            project,
            datasets,
            question,
            now,
        })
    }

    /// Datasets that an application asks for, or that were approved.
    pub(crate) async fn datasets_in(
        &self,
        project: &Project,
    ) -> Result<BTreeMap<DatasetId, Dataset>, ServiceError> {
        let asked = match (project, project.manifest()) {
            (Project::Submitted(submitted), _) => &submitted.request.datasets,
            (_, Some(manifest)) => &manifest.datasets,
            (_, None) => return Ok(BTreeMap::new()),
        };
        self.datasets(asked.iter().map(|d| d.dataset.clone())).await
    }
}

/// What the policies need to know of a project: who is on it, who controls its datasets.
pub(crate) fn project_object(project: &Project, datasets: &BTreeMap<DatasetId, Dataset>) -> Object {
    Object::of(project)
        .author(&project.core().author)
        .people(project.people())
        .controllers(datasets.values().map(|d| d.controller.clone()))
        .interests(project.core().interests.iter().cloned())
}

impl ProjectReading<'_> {
    /// The project.
    #[must_use]
    pub fn project(&self) -> &Project {
        &self.project
    }

    fn id(&self) -> &ProjectId {
        &self.project.core().id
    }

    /// Datasets of the catalogue with these ids.
    ///
    /// # Errors
    /// If the caller may not read the catalogue, or there is no such dataset.
    pub async fn datasets(
        &self,
        ids: &BTreeSet<DatasetId>,
    ) -> Result<BTreeMap<DatasetId, Dataset>, ServiceError> {
        let catalogue = Object::new("catalogue");
        self.service
            .authorise(self.caller, Action::ViewCatalogue, &catalogue, self.now)?;
        let unknown = ids.iter().filter(|id| !self.datasets.contains_key(*id));
        let mut found = self.service.datasets(unknown.cloned()).await?;
        for (id, dataset) in &self.datasets {
            if ids.contains(id) {
                found.insert(id.clone(), dataset.clone());
            }
        }
        if found.len() < ids.len() {
            return Err(ServiceError::NotFound(Dataset::KIND));
        }
        Ok(found)
    }

    /// Every submitted version of the application, oldest first, as the log tells them.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn versions(&self) -> Result<Vec<Version>, ServiceError> {
        let id = self.id().as_str();
        let acts = [Action::SubmitApplication];
        let submitted = self.service.every_event_of(id, &acts).await?;
        let versions = submitted.into_iter().filter_map(|told| {
            let (Fact::Word(sha256), Fact::Count(number)) =
                (told.facts.get("sha256")?, told.facts.get("version")?)
            else {
                return None;
            };
            Some(Version {
                sha256: Sha256::try_from(sha256.clone()).ok()?,
                number: *number,
                at: told.at,
            })
        });
        Ok(versions.collect())
    }

    /// The frozen bytes of one of the submitted versions, or of the manifest in force.
    ///
    /// # Errors
    /// If it is none of them.
    pub async fn application(
        &self,
        versions: &[Version],
        version: &Sha256,
    ) -> Result<Vec<u8>, ServiceError> {
        let in_force = match &self.project {
            Project::InForce(in_force) => in_force.manifest_sha256 == *version,
            Project::Draft { .. }
            | Project::Submitted(_)
            | Project::Returned { .. }
            | Project::Refused { .. }
            | Project::Withdrawn { .. }
            | Project::Approved(_)
            | Project::Expired { .. }
            | Project::Revoked { .. }
            | Project::Closed { .. }
            | Project::Destroyed { .. } => false,
        };
        if !in_force && !versions.iter().any(|v| v.sha256 == *version) {
            return Err(ServiceError::NotFound("version of this application"));
        }
        self.service
            .store
            .document(version)
            .await?
            .ok_or(ServiceError::NotFound("document"))
    }

    /// What the caller may do to the project in its state, and what they may begin or keep within it.
    #[must_use]
    pub fn possible(&self) -> BTreeSet<Action> {
        let state = self.project.state();
        let people = self.project.people();
        let access = &self.service.policies.access;
        // One question for each kind and state of what a project has.
        let mut within: BTreeMap<(&str, &str), Question<'_>> = BTreeMap::new();
        let mut possible = BTreeSet::new();
        for row in possible::acts() {
            let may = if row.kind == Project::KIND && row.states.contains(&state) {
                self.question.may(row.action).is_ok()
            } else if WITHIN.contains(&row.kind) && self.project.in_force(row.action).is_ok() {
                row.states.iter().any(|state| {
                    let question = within.entry((row.kind, *state)).or_insert_with(|| {
                        let thing = Object::new(row.kind).in_state(state);
                        let thing = thing.people(people.iter().cloned());
                        access.question(&self.caller.person, &thing, self.now)
                    });
                    question.may(row.action).is_ok()
                })
            } else {
                false
            };
            if may {
                possible.insert(row.action);
            }
        }
        possible
    }

    /// Comments on the application that the caller may read, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn comments(&self) -> Result<Vec<CommentView>, ServiceError> {
        let private = self.question.may(Action::ViewPanelComments).is_ok()
            && !self.project.people().contains(self.caller.id());
        let store = &self.service.store;
        let id = self.id().as_str();
        let mut comments = store.tied::<Comment>(TieKind::Of, id).await?;
        comments.retain(|held| {
            held.value.about == About::Project
                && (private || held.value.visibility == Visibility::Public)
        });
        self.service.comment_views(self.caller, comments).await
    }

    /// Everybody on the project. `form` is the application as it was frozen, for a state that does not hold
    /// it: whoever it names is among them.
    ///
    /// # Errors
    /// If somebody on it is not known.
    pub async fn standing(&self, form: Option<&Request>) -> Result<Vec<Standing>, ServiceError> {
        let mut people = self.project.people();
        let held =
            matches!(self.project, Project::Submitted(_)) || self.project.manifest().is_some();
        if !held && let Some(form) = form {
            people.extend(form.people.iter().cloned());
        }
        let store = &self.service.store;
        let mut found = store
            .load_all::<Person>(people.iter().map(PersonId::as_str))
            .await?;
        let today = governance::day_of(self.now);
        let mut standing = Vec::with_capacity(people.len());
        for id in people {
            let held = found.remove(id.as_str());
            let person = held.ok_or(ServiceError::NotFound(Person::KIND))?.value;
            let lacks = person.fit_on(today).err().map(|refusal| {
                let text = refusal.to_string();
                text.replace(id.as_str(), &person.name)
            });
            standing.push(Standing {
                accreditation_until: person.accreditation_until,
                training_until: person.training_until,
                undertaking_on: person.undertaking_on,
                lacks,
                person: Named {
                    person: id,
                    name: person.name,
                    organisation: person.organisation,
                },
            });
        }
        Ok(standing)
    }
}
