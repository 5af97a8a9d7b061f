//! Applications and projects.

use std::collections::BTreeMap;

use governance::person::Person;
use governance::project::{Condition, PanelVerdict, Papers, Project, SignatureVerdict};
use governance::request::Request;
use governance::{
    Action, Batch, Change, DatasetId, Lifecycle, PersonId, ProjectId, Sha256, Timestamp,
};
use serde::Serialize;
use store::Held;

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service, document, sha256};

/// A project with its state's name.
#[derive(Debug, Clone, Serialize)]
pub struct ProjectView {
    /// Name of the state.
    pub state: &'static str,
    /// The project.
    pub project: Project,
}

impl Service {
    /// Begins an application.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn start_application(&self, caller: &Caller) -> Result<ProjectId, ServiceError> {
        let now = self.now()?;
        let object = Object::new("project").author(caller.id());
        self.authorise(caller, Action::StartApplication, &object, now)?;
        let id: ProjectId = self.fresh(ProjectId::PREFIX)?;
        let change = Project::start(id.clone(), caller.id(), now);
        self.record(Some(caller), Batch::new().begin(change)?, Vec::new())
            .await?;
        Ok(id)
    }

    /// Saves the text of a draft, valid or not. It grants nothing and leaves no leaf.
    ///
    /// # Errors
    /// If the caller is not its author, or it is too large.
    pub async fn save_draft(
        &self,
        caller: &Caller,
        id: &ProjectId,
        json: &str,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Project>(id.as_str()).await?;
        self.authorise_project(caller, Action::SubmitApplication, &held.value, now)
            .await?;
        self.within_document_limit(json.as_bytes())?;
        Ok(self.store.save_draft(id, json.to_owned()).await?)
    }

    /// Freezes an application and puts it before controllers and panel. The bytes given are the bytes that
    /// are hashed, signed for and voted on.
    ///
    /// # Errors
    /// If the caller may not, or the form has a fault.
    pub async fn submit_application(
        &self,
        caller: &Caller,
        id: &ProjectId,
        form: &[u8],
    ) -> Result<Sha256, ServiceError> {
        let now = self.now()?;
        let held = self.load::<Project>(id.as_str()).await?;
        self.authorise_project(caller, Action::SubmitApplication, &held.value, now)
            .await?;
        self.within_document_limit(form)?;
        let request: Request = serde_json::from_slice(form).map_err(|e| {
            ServiceError::BadInput(format!(
                "the application form cannot be read at line {} column {}",
                e.line(),
                e.column()
            ))
        })?;
        for person in &request.people {
            self.load::<Person>(person.as_str()).await?;
        }
        let asked: Vec<DatasetId> = request.datasets.iter().map(|d| d.dataset.clone()).collect();
        let datasets = self.datasets(asked).await?;
        let hash = sha256(form)?;
        let change = held.value.submit(
            request,
            hash.clone(),
            &datasets,
            &self.policies.tiers,
            caller.id(),
            now,
        )?;
        let document = document("application", form);
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, vec![document]).await?;
        Ok(hash)
    }

    /// A controller signs or declines for its dataset.
    ///
    /// # Errors
    /// If the caller is not its controller, or cites another version.
    pub async fn sign_for_dataset(
        &self,
        caller: &Caller,
        id: &ProjectId,
        dataset: &DatasetId,
        version: &Sha256,
        verdict: SignatureVerdict,
    ) -> Result<(), ServiceError> {
        let action = match verdict {
            SignatureVerdict::Signed => Action::SignForDataset,
            SignatureVerdict::Declined => Action::DeclineForDataset,
        };
        let dataset = self
            .load::<governance::dataset::Dataset>(dataset.as_str())
            .await?
            .value;
        let by = caller.id().clone();
        self.act(caller, id, action, |project, now| {
            Ok(project.sign(&dataset, version, verdict, &by, now)?)
        })
        .await
    }

    /// A panel member votes.
    ///
    /// # Errors
    /// If the caller may not, or cites another version.
    pub async fn vote_on_application(
        &self,
        caller: &Caller,
        id: &ProjectId,
        version: &Sha256,
        verdict: PanelVerdict,
        conditions: Vec<Condition>,
    ) -> Result<(), ServiceError> {
        let held = self.load::<Project>(id.as_str()).await?;
        let asked = match &held.value {
            Project::Submitted(s) => s
                .request
                .datasets
                .iter()
                .map(|d| d.dataset.clone())
                .collect(),
            Project::Draft { .. }
            | Project::Returned { .. }
            | Project::Refused { .. }
            | Project::Withdrawn { .. }
            | Project::Approved(_)
            | Project::InForce(_)
            | Project::Expired { .. }
            | Project::Revoked { .. }
            | Project::Closed { .. }
            | Project::Destroyed { .. } => Vec::new(),
        };
        let datasets = self.datasets(asked).await?;
        let by = caller.id().clone();
        self.act(caller, id, Action::VoteOnApplication, |project, now| {
            Ok(project.vote(version, verdict, conditions, &datasets, &by, now)?)
        })
        .await
    }

    /// The panel's chair approves.
    ///
    /// # Errors
    /// What is still missing.
    pub async fn approve_application(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<(), ServiceError> {
        let (by, tiers) = (caller.id().clone(), &self.policies.tiers);
        self.act(caller, id, Action::ApproveApplication, |project, now| {
            Ok(project.approve(tiers, &by, now)?)
        })
        .await
    }

    /// The panel's chair returns the application.
    ///
    /// # Errors
    /// If the votes do not carry it.
    pub async fn return_application(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<(), ServiceError> {
        let (by, tiers) = (caller.id().clone(), &self.policies.tiers);
        self.act(caller, id, Action::ReturnApplication, |project, now| {
            Ok(project.return_(tiers, &by, now)?)
        })
        .await
    }

    /// The panel's chair refuses the application.
    ///
    /// # Errors
    /// If the votes do not carry it.
    pub async fn refuse_application(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<(), ServiceError> {
        let (by, tiers) = (caller.id().clone(), &self.policies.tiers);
        self.act(caller, id, Action::RefuseApplication, |project, now| {
            Ok(project.refuse(tiers, &by, now)?)
        })
        .await
    }

    /// The author withdraws.
    ///
    /// # Errors
    /// If the caller is not its author.
    pub async fn withdraw_application(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<(), ServiceError> {
        let by = caller.id().clone();
        self.act(caller, id, Action::WithdrawApplication, |project, now| {
            Ok(project.withdraw(&by, now)?)
        })
        .await
    }

    /// Puts an approval in force: papers on file, people fit today, manifest signed by the keeper.
    ///
    /// # Errors
    /// The first thing that is missing or lapsed.
    pub async fn commence(
        &self,
        caller: &Caller,
        id: &ProjectId,
        papers: Papers,
    ) -> Result<Sha256, ServiceError> {
        let now = self.now()?;
        let held = self.load::<Project>(id.as_str()).await?;
        self.authorise_project(caller, Action::CommenceProject, &held.value, now)
            .await?;
        let Project::Approved(approved) = &held.value else {
            let refusal = Action::CommenceProject.wrong_state(Project::KIND, held.value.state());
            return Err(refusal.into());
        };
        let mut people: BTreeMap<PersonId, Person> = BTreeMap::new();
        for person in &approved.manifest.people {
            if let Some(held) = self.store.load::<Person>(person.as_str()).await? {
                people.insert(person.clone(), held.value);
            }
        }
        let manifest = serde_json::to_vec(&approved.manifest)?;
        let hash = sha256(&manifest)?;
        let (note, signed) = self.keeper.sign_manifest(id.as_str()).await?;
        if signed != hash.as_str() {
            return Err(ServiceError::Uncheckable(
                "the keeper signed another manifest".into(),
            ));
        }
        let change = held
            .value
            .commence(papers, &people, hash.clone(), note, caller.id(), now)?;
        let document = document("manifest", &manifest);
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, vec![document]).await?;
        Ok(hash)
    }

    /// Files papers in place of those that lapsed or will. Until then a lapsed paper stops every right.
    ///
    /// # Errors
    /// If the caller may not, or a paper is not good today.
    pub async fn renew_papers(
        &self,
        caller: &Caller,
        id: &ProjectId,
        papers: Papers,
    ) -> Result<(), ServiceError> {
        let by = caller.id().clone();
        self.act(caller, id, Action::RenewPapers, |project, now| {
            Ok(project.renew_papers(papers, &by, now)?)
        })
        .await
    }

    /// Ends a project before its day: a controller for its dataset, or the panel's chair for none.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn revoke(
        &self,
        caller: &Caller,
        id: &ProjectId,
        dataset: Option<&DatasetId>,
    ) -> Result<(), ServiceError> {
        let dataset = match dataset {
            Some(dataset) => Some(
                self.load::<governance::dataset::Dataset>(dataset.as_str())
                    .await?
                    .value,
            ),
            None => {
                let chair = governance::person::Role::PanelChair;
                if !caller.person.roles.contains(&chair) {
                    return Err(ServiceError::BadInput(
                        "a controller revokes for a dataset: name it".into(),
                    ));
                }
                None
            }
        };
        let by = caller.id().clone();
        self.act(caller, id, Action::RevokeProject, |project, now| {
            Ok(project.revoke(dataset.as_ref(), &by, now)?)
        })
        .await?;
        self.leave(id).await;
        Ok(())
    }

    /// The author ends the project.
    ///
    /// # Errors
    /// If the caller is not its author.
    pub async fn close_project(&self, caller: &Caller, id: &ProjectId) -> Result<(), ServiceError> {
        let by = caller.id().clone();
        self.act(caller, id, Action::CloseProject, |project, now| {
            Ok(project.close(&by, now)?)
        })
        .await?;
        self.leave(id).await;
        Ok(())
    }

    /// A project, for those who may read it.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn project(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<ProjectView, ServiceError> {
        let project = self.read_project(caller, id).await?.project;
        Ok(ProjectView {
            state: project.state(),
            project,
        })
    }

    /// The frozen bytes of any submitted version, or of the manifest in force.
    ///
    /// # Errors
    /// If the caller may not read the project, or there is no such version.
    pub async fn application(
        &self,
        caller: &Caller,
        id: &ProjectId,
        version: &Sha256,
    ) -> Result<Vec<u8>, ServiceError> {
        let reading = self.read_project(caller, id).await?;
        let versions = reading.versions().await?;
        reading.application(&versions, version).await
    }

    /// Loads a project, authorises, applies a rule, records.
    pub(crate) async fn act(
        &self,
        caller: &Caller,
        id: &ProjectId,
        action: Action,
        rule: impl FnOnce(Project, Timestamp) -> Result<Change<Project>, ServiceError>,
    ) -> Result<(), ServiceError> {
        let now = self.now()?;
        let Held { value, version, .. } = self.load::<Project>(id.as_str()).await?;
        self.authorise_project(caller, action, &value, now).await?;
        let change = rule(value, now)?;
        let batch = Batch::new().change(version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    pub(crate) async fn authorise_project(
        &self,
        caller: &Caller,
        action: Action,
        project: &Project,
        at: Timestamp,
    ) -> Result<(), ServiceError> {
        let object = self.project_object(project).await?;
        self.authorise(caller, action, &object, at)
    }

    pub(crate) fn within_document_limit(&self, bytes: &[u8]) -> Result<(), ServiceError> {
        let max = self.policies.limits.document_bytes;
        if bytes.len() > max {
            return Err(ServiceError::BadInput(format!(
                "this is larger than {max} bytes (document_bytes in policies/limits.toml)"
            )));
        }
        Ok(())
    }
}
