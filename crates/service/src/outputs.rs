//! Outputs: staged, checked by the machine, reviewed blind by two people, released as reviewed.

mod compare;
mod view;

use governance::job::{Core, Outcome as JobOutcome, Task};
use governance::output::{
    Checked, Compared, KeptPeople, Output, Rendering, ReviewVerdict, Verdict as OutputVerdict,
};
use governance::project::{InForce, Project};
use governance::{Action, Batch, DatasetId, Lifecycle, OutputId, Refusal, Sha256, WorkspaceId};
use protocol::compare::Judged;
use protocol::keeper::{ComparedWith, Cost, File, Part};
use serde::Serialize;
use store::Held;
use tokio::sync::MutexGuard;

use crate::access::Object;
use crate::deliveries::sealed;
use crate::error::ServiceError;
use crate::jobs::{Answer, Done};
use crate::{Caller, Service, document, sha256};

pub use compare::AttackView;
pub(crate) use compare::FIRST_AFTER_S as ATTACK_AFTER_S;
pub use view::OutputView;

/// How often a release is tried while others leave or are shown.
const RELEASE_TRIES: u32 = 5;

/// What the machine said of a staged output.
#[derive(Debug, Clone, Serialize)]
pub struct CheckAnswer {
    /// The output.
    pub output: OutputId,
    /// `pass`, `treat`, `review` or `fail`.
    pub verdict: String,
    /// The researcher's rendering.
    pub report: serde_json::Value,
    /// What the worker cost.
    pub cost: Cost,
}

impl Service {
    /// Stages the result of a statement for release and has it checked.
    ///
    /// # Errors
    /// If the caller may not, the approval lapsed, or the statement cannot be run or checked.
    pub async fn stage_output(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        sql: &str,
        context: &str,
    ) -> Result<CheckAnswer, ServiceError> {
        let now = self.now()?;
        let (workspace, project, permit) = self
            .enter(caller, workspace, Action::StageOutput, "output")
            .await?;
        let sql = &self.with_tables(caller, &workspace.core().id, sql).await?;
        self.within_document_limit(context.as_bytes())?;
        if context.trim().is_empty() {
            return Err(ServiceError::BadInput(
                "say what the table shows and why it is safe".into(),
            ));
        }
        let documents = vec![
            self.statement(sql)?,
            document("context", context.as_bytes()),
        ];
        let id: OutputId = self.fresh(OutputId::PREFIX)?;
        let stage = Output::stage(
            id.clone(),
            &permit,
            &workspace,
            sha256(sql.as_bytes())?,
            sha256(context.as_bytes())?,
            caller.id(),
            now,
        )?;
        let task = Task::Check { output: id.clone() };
        let (job, queue) = self.manifest_job(&project, task.clone(), caller)?;
        let batch = Batch::new().begin(stage)?.begin(queue)?;
        let room = self.room_in_queue(permit.project()).await?;
        self.begin_job(caller, &task, &job, batch, documents)
            .await?;
        drop(room);
        let Answer::Check(answer) = self.carry_out(&job).await? else {
            return Err(ServiceError::strange());
        };
        Ok(answer)
    }

    pub(crate) async fn output_checked(
        &self,
        core: &Core,
        id: &OutputId,
        judged: Judged,
        (compared, cost): (ComparedWith, Cost),
    ) -> Result<Done, ServiceError> {
        let held = self.load::<Output>(id.as_str()).await?;
        let project = self
            .still_permitted(core, &held.value.core().author)
            .await?;
        let verdict = self.verdict(&judged, &project)?;
        let policy = Sha256::try_from(judged.policy)
            .map_err(|_| ServiceError::Uncheckable("the policy has no hash".into()))?;
        let job = core.id.as_str();
        let exact = judged.exact.as_bytes();
        let exact = self.keeper.keep(job, Part::Exact, exact).await?;
        let treated = match &judged.treated {
            Some(csv) => {
                let kept = self.keeper.keep(job, Part::Treated, csv.as_bytes()).await?;
                Some(sealed(kept)?)
            }
            None => None,
        };
        let bytes = serde_json::to_vec(&judged.renderings)?;
        let kept = self.keeper.keep(job, Part::Report, &bytes).await?;
        let checked = Checked {
            verdict,
            report: sealed(kept)?,
            policy,
            exact: sealed(exact)?,
            treated,
            compared: Some(compared_with(compared)?),
        };
        let outcome = JobOutcome {
            verdict: Some(verdict.word().to_owned()),
            bytes: Some(checked.exact.sha256.clone()),
            rows: None,
        };
        let change = held.value.complete_check(checked, self.now()?)?;
        let answer = CheckAnswer {
            output: id.clone(),
            verdict: verdict.word().to_owned(),
            report: judged.renderings.researcher,
            cost,
        };
        Ok(Done {
            batch: Batch::new().change(held.version, change)?,
            outcome,
            compared: None,
            answer: Answer::Check(answer),
        })
    }

    /// The verdict of a request that was judged under the project's own policy.
    pub(crate) fn verdict(
        &self,
        judged: &Judged,
        project: &InForce,
    ) -> Result<OutputVerdict, ServiceError> {
        if judged.policy != self.project_policy(project)?.sha256() {
            return Err(ServiceError::Uncheckable(
                "it was judged under another policy than the project's".into(),
            ));
        }
        match judged.verdict.as_str() {
            "pass" => Ok(OutputVerdict::Pass),
            "treat" => Ok(OutputVerdict::Treat),
            "review" => Ok(OutputVerdict::Review),
            "fail" => Ok(OutputVerdict::Fail),
            _ => Err(ServiceError::strange()),
        }
    }

    /// The author puts a version before output checkers.
    ///
    /// # Errors
    /// If the caller is not its author, or the verdict does not allow that version.
    pub async fn submit_output(
        &self,
        caller: &Caller,
        id: &OutputId,
        rendering: Rendering,
    ) -> Result<(), ServiceError> {
        let (held, _) = self.output_for(caller, id, Action::SubmitOutput).await?;
        // What cannot be submitted anyhow is not compared.
        let _possible = held.value.submit(rendering, caller.id(), self.now()?)?;
        // Output checkers see what is so now.
        self.compare_with_what_left(id).await?;
        let (held, _) = self.output_for(caller, id, Action::SubmitOutput).await?;
        let change = held.value.submit(rendering, caller.id(), self.now()?)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// An output checker votes on the bytes they saw.
    ///
    /// # Errors
    /// If the caller may not, or saw other bytes.
    pub async fn vote_on_output(
        &self,
        caller: &Caller,
        id: &OutputId,
        verdict: ReviewVerdict,
        seen: &Sha256,
        comment: Option<&str>,
    ) -> Result<&'static str, ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::VoteOnOutput).await?;
        let mut documents = Vec::new();
        let mut hash = None;
        if let Some(comment) = comment.filter(|c| !c.trim().is_empty()) {
            self.within_document_limit(comment.as_bytes())?;
            hash = Some(sha256(comment.as_bytes())?);
            documents.push(document("comment", comment.as_bytes()));
        }
        let people = project.people();
        let change = held
            .value
            .vote(verdict, seen, hash, &people, caller.id(), self.now()?)?;
        let state = change.to().state();
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, documents).await?;
        Ok(state)
    }

    /// Releases the reviewed bytes, once they were compared with everything that has left and was shown by then.
    ///
    /// # Errors
    /// If the caller may not, the bytes on file are not those that were reviewed, few people lie between them and
    /// what left or was shown meanwhile, or that cannot be told.
    pub async fn release_output(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Sha256, ServiceError> {
        let (held, _) = self.output_for(caller, id, Action::ReleaseOutput).await?;
        let Output::Approved(_) = &held.value else {
            let refusal = Action::ReleaseOutput.wrong_state(Output::KIND, held.value.state());
            return Err(refusal.into());
        };
        for tries in 1..=RELEASE_TRIES {
            // The last time, nothing leaves or is shown until this was compared and has left.
            let alone = match tries == RELEASE_TRIES {
                true => Some(self.statements.lock().await),
                false => None,
            };
            self.compare_with_what_left(id).await?;
            let now = self.load::<Output>(id.as_str()).await?.value;
            if !matches!(now, Output::Approved(_)) {
                return Err(Refusal::Verdict(
                    "something left meanwhile or was shown that it is not safe beside: it went back to its author, with what was found",
                )
                .into());
            }
            match self.release_compared(caller, id, alone).await {
                // Another one left in between, or was shown.
                Err(ServiceError::Refused(Refusal::NotCompared)) => {}
                ended => return ended,
            }
        }
        Err(Refusal::NotCompared.into())
    }

    /// Releases an output if nothing left or was shown since it was compared.
    async fn release_compared(
        &self,
        caller: &Caller,
        id: &OutputId,
        alone: Option<MutexGuard<'_, ()>>,
    ) -> Result<Sha256, ServiceError> {
        let bytes = self.keeper.fetch(id.as_str(), Part::Reviewed).await?;
        let on_file = sha256(&bytes)?;
        // From the count of the register to the record: nothing leaves or is shown unseen by what else does.
        let _until_recorded = match alone {
            Some(alone) => alone,
            None => self.statements.lock().await,
        };
        let (held, project) = self.output_for(caller, id, Action::ReleaseOutput).await?;
        let there = self.in_register(None).await?;
        let people = project.people();
        let now = self.now()?;
        let change = held
            .value
            .release(&on_file, there, &people, caller.id(), now)?;
        let batch = Batch::new().change(held.version, change)?;
        // The table may be of any of them.
        let manifest = project
            .manifest()
            .ok_or(ServiceError::NotFound("manifest"))?;
        let datasets: Vec<DatasetId> = manifest
            .datasets
            .iter()
            .map(|d| d.dataset.clone())
            .collect();
        let batch = self.void_statements(batch, datasets, id, now).await?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(on_file)
    }

    /// The released bytes, once.
    ///
    /// # Errors
    /// If the caller is not its author, or it was downloaded already.
    pub async fn download_output(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Vec<u8>, ServiceError> {
        let (held, _) = self.output_for(caller, id, Action::DownloadOutput).await?;
        let Output::Released(released) = &held.value else {
            let refusal = Action::DownloadOutput.wrong_state(Output::KIND, held.value.state());
            return Err(refusal.into());
        };
        let reviewed = released.file.sha256.clone();
        let bytes = self.keeper.fetch(id.as_str(), Part::Reviewed).await?;
        if sha256(&bytes)? != reviewed {
            return Err(governance::Refusal::OtherBytes.into());
        }
        let change = held.value.download(caller.id(), self.now()?)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(bytes)
    }

    /// Withdraws an output before it is released.
    ///
    /// # Errors
    /// If the caller is not its author.
    pub async fn withdraw_output(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<(), ServiceError> {
        let (held, _) = self.output_for(caller, id, Action::WithdrawOutput).await?;
        let change = held.value.withdraw(caller.id(), self.now()?)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    /// Calls a release back.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn recall_output(&self, caller: &Caller, id: &OutputId) -> Result<(), ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::RecallOutput).await?;
        let people = project.people();
        let change = held.value.recall(&people, caller.id(), self.now()?)?;
        let batch = Batch::new().change(held.version, change)?;
        self.record(Some(caller), batch, Vec::new()).await?;
        Ok(())
    }

    pub(crate) async fn output_for(
        &self,
        caller: &Caller,
        id: &OutputId,
        action: Action,
    ) -> Result<(Held<Output>, Project), ServiceError> {
        let now = self.now()?;
        let held = self.load::<Output>(id.as_str()).await?;
        let core = held.value.core();
        let project = self.load::<Project>(core.project.as_str()).await?.value;
        let object = Object::of(&held.value)
            .author(&core.author)
            .people(project.people());
        self.authorise(caller, action, &object, now)?;
        Ok((held, project))
    }
}

/// Who is behind the cells of what was judged, as the store keeps it.
pub(crate) fn kept_people(
    people: Option<(String, File)>,
) -> Result<Option<KeptPeople>, ServiceError> {
    let kept = |(spine, file): (String, File)| {
        Ok(KeptPeople {
            spine: spine.parse().map_err(|_| ServiceError::strange())?,
            file: sealed(file)?,
        })
    };
    people.map(kept).transpose()
}

/// How an output was compared, as the store keeps it.
fn compared_with(found: ComparedWith) -> Result<Compared, ServiceError> {
    let people = kept_people(found.people)?;
    Ok(Compared {
        releases: found.releases,
        screens: found.screens,
        unknown: found.unknown,
        people,
    })
}
