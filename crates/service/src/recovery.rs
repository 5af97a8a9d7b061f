//! Recovery: an administrator asks, a second person confirms, and for a while the two get at what somebody who
//! left kept in a workspace. The keeper is asked for nothing: no row is opened and no statement runs.

mod view;

use std::collections::BTreeSet;

use governance::person::Person;
use governance::project::{InForce, Permit, Project};
use governance::recovery::Recovery;
use governance::workspace::Workspace;
use governance::{
    Action, Batch, Change, Lifecycle, OutputId, PersonId, RecoveryId, Refusal, TieKind, Timestamp,
    WorkspaceId,
};
use store::{Beside, Filter, Held, SAVED_MAX, Saved};

use crate::access::Object;
use crate::error::ServiceError;
use crate::sweep::Pass;
use crate::{Caller, Service, document, sha256};

pub use view::{Recovered, RecoveredOutput, RecoveredPerson, RecoveryView};

/// States of a recovery in which a workspace has one already.
const LIVE: &[&str] = &["asked", "open"];

/// A recovery with all that decides about it.
struct Case {
    held: Held<Recovery>,
    project: Project,
    controllers: BTreeSet<PersonId>,
}

impl Case {
    fn in_force(&self, action: Action) -> Result<&InForce, Refusal> {
        self.project.in_force(action)
    }

    fn object(&self) -> Object {
        Object::of(&self.held.value)
            .author(&self.held.value.core().asked_by)
            .people(self.project.people())
            .controllers(self.controllers.iter().cloned())
    }
}

impl Service {
    /// Asks for a recovery. It gives nothing until a second person confirms it.
    ///
    /// # Errors
    /// If the caller may not, the time is longer than the site's limit, no reason is given, or one was asked for.
    pub async fn ask_recovery(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        reason: &str,
        minutes: u32,
    ) -> Result<RecoveryId, ServiceError> {
        let now = self.now()?;
        let workspace = self.load::<Workspace>(workspace.as_str()).await?.value;
        let project = workspace.core().project.clone();
        let project = self.load::<Project>(project.as_str()).await?.value;
        let datasets = self.datasets_in(&project).await?;
        let object = Object::new(Recovery::KIND)
            .people(project.people())
            .controllers(datasets.values().map(|d| d.controller.clone()));
        let action = Action::AskRecovery;
        self.authorise(caller, action, &object, now)?;
        if reason.trim().is_empty() {
            return Err(ServiceError::BadInput(
                "say who left and what is needed of their work".into(),
            ));
        }
        self.within_document_limit(reason.as_bytes())?;
        let most = self.policies.limits.recovery_minutes;
        if minutes == 0 || minutes > most {
            return Err(ServiceError::BadInput(format!(
                "a recovery is open for 1 to {most} minutes (recovery_minutes in policies/limits.toml)"
            )));
        }
        let known = self.recoveries_at(&workspace.core().id).await?;
        if known.iter().any(|held| LIVE.contains(&held.value.state())) {
            return Err(ServiceError::BadInput(
                "a recovery of this workspace is asked for or open already".into(),
            ));
        }
        let id: RecoveryId = self.fresh(RecoveryId::PREFIX)?;
        let what = (sha256(reason.as_bytes())?, minutes);
        let by = &caller.person;
        let in_force = project.in_force(action)?;
        let change = Recovery::ask(id.clone(), &workspace, in_force, what, by, now)?;
        let batch = Batch::new().begin(change)?;
        let documents = vec![document("reason", reason.as_bytes())];
        self.record(Some(caller), batch, documents).await?;
        Ok(id)
    }

    /// The second person opens it.
    ///
    /// # Errors
    /// If the caller may not, or is not a second person.
    pub async fn confirm_recovery(
        &self,
        caller: &Caller,
        id: &RecoveryId,
    ) -> Result<Timestamp, ServiceError> {
        let action = Action::ConfirmRecovery;
        let (case, now) = self.recovery_for(caller, id, action).await?;
        let asker = case.held.value.core().asked_by.clone();
        let asker = self.load::<Person>(asker.as_str()).await?.value;
        let project = case.in_force(action)?.clone();
        let (value, by) = (case.held.value, &caller.person);
        let change = value.confirm(&project, &case.controllers, &asker, by, now)?;
        let until = change.to().opening().map_or(now, |opening| opening.until);
        self.record_recovery(caller, case.held.version, change, Vec::new())
            .await?;
        Ok(until)
    }

    /// The second person says no.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn refuse_recovery(
        &self,
        caller: &Caller,
        id: &RecoveryId,
    ) -> Result<(), ServiceError> {
        let action = Action::RefuseRecovery;
        let (case, now) = self.recovery_for(caller, id, action).await?;
        let project = case.in_force(action)?.clone();
        let (value, by) = (case.held.value, &caller.person);
        let change = value.refuse(&project, &case.controllers, by, now)?;
        self.record_recovery(caller, case.held.version, change, Vec::new())
            .await
    }

    /// Ends it before its time.
    ///
    /// # Errors
    /// If the caller may not, or it is not open.
    pub async fn end_recovery(&self, caller: &Caller, id: &RecoveryId) -> Result<(), ServiceError> {
        let action = Action::EndRecovery;
        let (case, now) = self.recovery_for(caller, id, action).await?;
        let change = case.held.value.end(caller.id(), now)?;
        self.record_recovery(caller, case.held.version, change, Vec::new())
            .await
    }

    /// What it gives, to one of the two. That it was read is in the log before it is given.
    ///
    /// # Errors
    /// If the caller is neither of the two, or its time is over.
    pub async fn read_recovery(
        &self,
        caller: &Caller,
        id: &RecoveryId,
    ) -> Result<Recovered, ServiceError> {
        let action = Action::ReadRecovery;
        let (case, now) = self.recovery_for(caller, id, action).await?;
        let project = case.in_force(action)?.clone();
        let workspace = case.held.value.core().workspace.clone();
        let saved = self.everything_saved(&workspace).await?;
        let count = u64::try_from(saved.len()).unwrap_or(u64::MAX);
        let value = case.held.value.clone();
        let change = value.read(&project, count, caller.id(), now)?;
        self.record_recovery(caller, case.held.version, change, Vec::new())
            .await?;
        self.recovered(caller, &project, (&workspace, saved), now)
            .await
    }

    /// Hands everything that somebody who left has saved in the workspace to somebody of the project. Gives how
    /// many statements that were.
    ///
    /// # Errors
    /// If the caller did not ask for it, its time is over, the one may still work in the project or the other may
    /// not, or a name is taken.
    pub async fn hand_over_statements(
        &self,
        caller: &Caller,
        id: &RecoveryId,
        (from, to): (&PersonId, &PersonId),
    ) -> Result<usize, ServiceError> {
        let action = Action::HandOverStatements;
        let (case, now) = self.recovery_for(caller, id, action).await?;
        let project = case.in_force(action)?.clone();
        let workspace = case.held.value.core().workspace.clone();
        let (from, to) = self.hands(&project, (from, to), now).await?;
        let saved = self.everything_saved(&workspace).await?;
        let of = |who: &PersonId| -> BTreeSet<&str> {
            let theirs = saved.iter().filter(|saved| saved.person == *who);
            theirs.map(|saved| saved.name.as_str()).collect()
        };
        let (moved, held) = (of(&from.id), of(to.person()));
        if let Some(name) = moved.intersection(&held).next() {
            return Err(ServiceError::BadInput(format!(
                "both have saved a statement named {name}; whoever gets the others removes theirs first"
            )));
        }
        let most = usize::try_from(SAVED_MAX).unwrap_or(usize::MAX);
        if moved.len() + held.len() > most {
            return Err(ServiceError::BadInput(format!(
                "together that is more than {most} saved statements; whoever gets them removes some first"
            )));
        }
        let count = u64::try_from(moved.len()).unwrap_or(u64::MAX);
        let (value, by) = (case.held.value.clone(), caller.id());
        let change = value.hand_over_statements(&project, (&from, &to), count, by, now)?;
        let beside = vec![Beside::hand_over_saved(&workspace, &from.id, to.person())];
        let moved = moved.len();
        self.record_recovery(caller, case.held.version, change, beside)
            .await?;
        Ok(moved)
    }

    /// Hands an output of somebody who left to somebody of the project, who submits, withdraws or downloads it
    /// from then on.
    ///
    /// # Errors
    /// As [`Service::hand_over_statements`]; if the output is of another workspace or leaves nothing to do.
    pub async fn hand_over_output(
        &self,
        caller: &Caller,
        id: &RecoveryId,
        (output, to): (&OutputId, &PersonId),
    ) -> Result<(), ServiceError> {
        let action = Action::HandOverOutput;
        let (held, project) = self.output_for(caller, output, action).await?;
        let recovery = self.load::<Recovery>(id.as_str()).await?.value;
        let (project, now) = (project.in_force(action)?, self.now()?);
        let author = held.value.core().author.clone();
        let (from, to) = self.hands(project, (&author, to), now).await?;
        let by = caller.id();
        let change = held
            .value
            .hand_over(&recovery, project, (&from, &to), by, now)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// Ends every recovery whose time is over or whose project has ended, and lets lapse what nobody confirmed.
    pub(crate) async fn expire_recoveries(&self) -> Result<u32, ServiceError> {
        let (now, mut pass) = (self.now()?, Pass::default());
        let filter = Filter {
            states: LIVE,
            ..Filter::default()
        };
        for held in self.every::<Recovery>(filter).await? {
            let project = held.value.core().project.clone();
            let project = self.load::<Project>(project.as_str()).await?.value;
            let within_s = self.policies.limits.recovery_ask_s;
            let change = match &held.value {
                Recovery::Asked { .. } => held.value.lapse(&project, within_s, now),
                Recovery::Open { .. } => held.value.expire(&project, now),
                Recovery::Ended { .. } | Recovery::Refused { .. } | Recovery::Lapsed { .. } => {
                    continue;
                }
            };
            // One that has time left is refused.
            let Ok(change) = change else { continue };
            let batch = Batch::new().change(held.version, change)?;
            pass.note(self.record(None, batch, Vec::new()).await.map(drop));
        }
        pass.end()
    }

    async fn recoveries_at(
        &self,
        workspace: &WorkspaceId,
    ) -> Result<Vec<Held<Recovery>>, ServiceError> {
        let workspace = workspace.as_str();
        Ok(self.store.tied::<Recovery>(TieKind::Of, workspace).await?)
    }

    /// The recovery, if the site's policies let the caller do this with it.
    async fn recovery_for(
        &self,
        caller: &Caller,
        id: &RecoveryId,
        action: Action,
    ) -> Result<(Case, Timestamp), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Recovery>(id.as_str()).await?;
        let case = self.case(held).await?;
        self.authorise(caller, action, &case.object(), now)?;
        Ok((case, now))
    }

    async fn case(&self, held: Held<Recovery>) -> Result<Case, ServiceError> {
        let project = held.value.core().project.clone();
        let project = self.load::<Project>(project.as_str()).await?.value;
        let datasets = self.datasets_in(&project).await?;
        Ok(Case {
            controllers: datasets.values().map(|d| d.controller.clone()).collect(),
            held,
            project,
        })
    }

    async fn record_recovery(
        &self,
        caller: &Caller,
        version: i64,
        change: Change<Recovery>,
        beside: Vec<Beside>,
    ) -> Result<(), ServiceError> {
        let batch = Batch::new().change(version, change)?;
        self.record_beside(Some(caller), batch, Vec::new(), beside)
            .await?;
        Ok(())
    }

    /// Whoever it is of, and the permit of whoever gets it.
    async fn hands(
        &self,
        project: &InForce,
        (from, to): (&PersonId, &PersonId),
        now: Timestamp,
    ) -> Result<(Person, Permit), ServiceError> {
        let from = self.load::<Person>(from.as_str()).await?.value;
        let to = self.load::<Person>(to.as_str()).await?.value;
        Ok((from, project.permit(&to, now)?))
    }

    async fn everything_saved(&self, workspace: &WorkspaceId) -> Result<Vec<Saved>, ServiceError> {
        let mut all: Vec<Saved> = Vec::new();
        loop {
            let page = self.store.everybodys_queries(workspace, all.last()).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }
}
