//! How a submitted version is decided on: controllers sign, the panel votes, its chair closes the decision.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::state::{
    Approved, CONDITIONS_MAX, Condition, Manifest, PanelVerdict, PanelVote, Project, Signature,
    SignatureVerdict, Submitted,
};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::dataset::Dataset;
use crate::ids::{DatasetId, PersonId, Sha256};
use crate::refusal::Refusal;
use crate::request::{MINIMUM_CELL_MAX, TierPolicy, View};

impl Project {
    /// A controller signs or declines, for its dataset and this version.
    ///
    /// # Errors
    /// If the person is not the controller, is on the project, cites another version, or has signed already.
    pub fn sign(
        self,
        dataset: &Dataset,
        version: &Sha256,
        verdict: SignatureVerdict,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let action = match verdict {
            SignatureVerdict::Signed => Action::SignForDataset,
            SignatureVerdict::Declined => Action::DeclineForDataset,
        };
        let mut submitted = self.submitted(action)?;
        submitted.must_be_version(version)?;
        dataset.must_control(by)?;
        submitted.must_not_be_on(by)?;
        if !submitted
            .request
            .datasets
            .iter()
            .any(|d| d.dataset == dataset.id)
        {
            return Err(Refusal::Elsewhere("this dataset"));
        }
        if submitted.signatures.contains_key(&dataset.id) {
            return Err(Refusal::VotedAlready(by.clone()));
        }
        let signature = Signature {
            by: by.clone(),
            verdict,
            at,
        };
        submitted.signatures.insert(dataset.id.clone(), signature);
        let hash = submitted.sha256.clone();
        let change = Change::new(
            Self::Submitted(submitted),
            action,
            &By::Person(by.clone()),
            at,
        );
        Ok(change.fact("dataset", &dataset.id).fact("sha256", &hash))
    }

    /// A panel member votes on this version.
    ///
    /// # Errors
    /// If the member is on the project, controls a dataset in it, cites another version, has voted, or asks
    /// for too many conditions or for one that concerns nothing in the application.
    pub fn vote(
        self,
        version: &Sha256,
        verdict: PanelVerdict,
        conditions: Vec<Condition>,
        datasets: &BTreeMap<DatasetId, Dataset>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let mut submitted = self.submitted(Action::VoteOnApplication)?;
        submitted.must_be_version(version)?;
        submitted.must_not_be_on(by)?;
        submitted.must_have_no_interest(by)?;
        for asked in &submitted.request.datasets {
            if datasets
                .get(&asked.dataset)
                .is_none_or(|d| d.controller == *by)
            {
                return Err(Refusal::Invalid(
                    "a controller signs for its dataset and does not vote as well".into(),
                ));
            }
        }
        if submitted.votes.iter().any(|v| v.by == *by) {
            return Err(Refusal::VotedAlready(by.clone()));
        }
        if conditions.len() > CONDITIONS_MAX {
            return Err(Refusal::Invalid(format!(
                "a vote has at most {CONDITIONS_MAX} conditions"
            )));
        }
        for condition in &conditions {
            submitted.must_make_sense(condition)?;
        }
        submitted.votes.push(PanelVote {
            by: by.clone(),
            verdict,
            conditions,
            at,
        });
        let hash = submitted.sha256.clone();
        let word = match verdict {
            PanelVerdict::Approve => "approve",
            PanelVerdict::Return => "return",
            PanelVerdict::Refuse => "refuse",
        };
        let to = Self::Submitted(submitted);
        let change = Change::new(to, Action::VoteOnApplication, &By::Person(by.clone()), at);
        Ok(change.fact("sha256", &hash).fact("verdict", word))
    }

    /// A panel member declares an interest. A vote that they cast on this version is taken out, with its
    /// conditions; for this and every later version they have none.
    ///
    /// # Errors
    /// If the application is not before the panel, the member is on the project, or the interest is known.
    pub fn declare_interest(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let mut submitted = self.submitted(Action::DeclareInterest)?;
        submitted.must_not_be_on(by)?;
        if !submitted.core.interests.insert(by.clone()) {
            return Err(Refusal::InterestKnown(by.clone()));
        }
        let before = submitted.votes.len();
        submitted.votes.retain(|vote| vote.by != *by);
        let taken = u64::try_from(before - submitted.votes.len()).unwrap_or(u64::MAX);
        let hash = submitted.sha256.clone();
        let to = Self::Submitted(submitted);
        let change = Change::new(to, Action::DeclareInterest, &By::Person(by.clone()), at);
        Ok(change.fact("sha256", &hash).fact("votes_taken_out", taken))
    }

    /// Closes the panel's decision in favour: every controller signed, the quorum is met, most approve.
    ///
    /// # Errors
    /// What is still missing, or who is against.
    pub fn approve(
        self,
        tiers: &TierPolicy,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let submitted = self.submitted(Action::ApproveApplication)?;
        submitted.must_not_be_on(by)?;
        submitted.must_have_no_interest(by)?;
        for asked in &submitted.request.datasets {
            match submitted.signatures.get(&asked.dataset) {
                None => return Err(Refusal::NotSigned(asked.dataset.clone())),
                Some(s) if s.verdict == SignatureVerdict::Declined => {
                    return Err(Refusal::Declined(asked.dataset.clone()));
                }
                Some(_) => {}
            }
        }
        let [approve, return_, refuse] = submitted.tally(tiers)?;
        if approve <= return_ + refuse {
            return Err(Refusal::NotCarried {
                approve,
                return_,
                refuse,
            });
        }
        let conditions: Vec<Condition> = submitted
            .votes
            .iter()
            .flat_map(|v| v.conditions.iter().cloned())
            .collect();
        let manifest = submitted.manifest(&conditions)?;
        let (count, hash) = (conditions.len(), submitted.sha256.clone());
        let to = Self::Approved(Approved {
            core: submitted.core,
            manifest,
            conditions,
        });
        let change = Change::new(to, Action::ApproveApplication, &By::Person(by.clone()), at);
        Ok(change
            .fact("sha256", &hash)
            .fact("votes", approve)
            .fact("conditions", u64::try_from(count).unwrap_or(u64::MAX)))
    }

    /// Sends the application back for changes.
    ///
    /// # Errors
    /// If the quorum is not met or most votes approve, and no controller declined.
    pub fn return_(
        self,
        tiers: &TierPolicy,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let submitted = self.submitted(Action::ReturnApplication)?;
        submitted.must_be_against(tiers, by, PanelVerdict::Return)?;
        let hash = submitted.sha256.clone();
        let to = Self::Returned {
            core: submitted.core,
        };
        let change = Change::new(to, Action::ReturnApplication, &By::Person(by.clone()), at);
        Ok(change.fact("sha256", &hash))
    }

    /// Refuses the application.
    ///
    /// # Errors
    /// If the quorum is not met or the votes do not carry a refusal, and no controller declined.
    pub fn refuse(
        self,
        tiers: &TierPolicy,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let submitted = self.submitted(Action::RefuseApplication)?;
        submitted.must_be_against(tiers, by, PanelVerdict::Refuse)?;
        let hash = submitted.sha256.clone();
        let to = Self::Refused {
            core: submitted.core,
        };
        let change = Change::new(to, Action::RefuseApplication, &By::Person(by.clone()), at);
        Ok(change.fact("sha256", &hash))
    }

    fn submitted(self, action: Action) -> Result<Submitted, Refusal> {
        let state = self.state();
        match self {
            Self::Submitted(submitted) => Ok(submitted),
            Self::Draft { .. }
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Approved(_)
            | Self::InForce(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. }
            | Self::Destroyed { .. } => Err(action.wrong_state(Self::KIND, state)),
        }
    }
}

impl Submitted {
    fn must_be_version(&self, version: &Sha256) -> Result<(), Refusal> {
        if *version == self.sha256 {
            Ok(())
        } else {
            Err(Refusal::AnotherVersion)
        }
    }

    fn must_not_be_on(&self, by: &PersonId) -> Result<(), Refusal> {
        if self.request.people.contains(by) || self.core.author == *by {
            Err(Refusal::OnTheProject(by.clone()))
        } else {
            Ok(())
        }
    }

    fn must_have_no_interest(&self, by: &PersonId) -> Result<(), Refusal> {
        if self.core.interests.contains(by) {
            Err(Refusal::Interested(by.clone()))
        } else {
            Ok(())
        }
    }

    fn must_make_sense(&self, condition: &Condition) -> Result<(), Refusal> {
        let sensible = match condition {
            Condition::MinimumCell { people } => *people <= MINIMUM_CELL_MAX,
            Condition::ExcludeVariable { dataset, variable } => {
                self.request.datasets.iter().any(|d| {
                    d.dataset == *dataset && d.variables.iter().any(|v| v.name == *variable)
                })
            }
            Condition::EndBy { day } => *day >= self.request.start,
            Condition::AggregatesOnly {} => self.request.view == View::Rows,
        };
        if sensible {
            Ok(())
        } else {
            Err(Refusal::Invalid(
                "a condition must concern something in this application".into(),
            ))
        }
    }

    /// Votes to approve, return, refuse, once the quorum is met.
    fn tally(&self, tiers: &TierPolicy) -> Result<[u32; 3], Refusal> {
        let mut tally = [0_u32; 3];
        for vote in &self.votes {
            let [approve, return_, refuse] = &mut tally;
            match vote.verdict {
                PanelVerdict::Approve => *approve += 1,
                PanelVerdict::Return => *return_ += 1,
                PanelVerdict::Refuse => *refuse += 1,
            }
        }
        let have = tally.iter().sum();
        let need = tiers.quorum(self.tier).max(TierPolicy::QUORUM_MIN);
        if have < need {
            return Err(Refusal::NoQuorum { have, need });
        }
        Ok(tally)
    }

    /// A controller's no is enough; else the quorum must be met and the votes must carry it.
    fn must_be_against(
        &self,
        tiers: &TierPolicy,
        by: &PersonId,
        outcome: PanelVerdict,
    ) -> Result<(), Refusal> {
        self.must_not_be_on(by)?;
        self.must_have_no_interest(by)?;
        let declined = |s: &Signature| s.verdict == SignatureVerdict::Declined;
        if self.signatures.values().any(declined) {
            return Ok(());
        }
        let [approve, return_, refuse] = self.tally(tiers)?;
        let carried = match outcome {
            PanelVerdict::Refuse => refuse > approve + return_,
            PanelVerdict::Return => approve <= return_ + refuse,
            PanelVerdict::Approve => false,
        };
        if carried {
            Ok(())
        } else {
            Err(Refusal::NotCarried {
                approve,
                return_,
                refuse,
            })
        }
    }

    /// The manifest: the request narrowed by the strictest of all conditions.
    fn manifest(&self, conditions: &[Condition]) -> Result<Manifest, Refusal> {
        let request = &self.request;
        let mut manifest = Manifest {
            schema: "manifest/1".into(),
            project: self.core.id.clone(),
            application: self.sha256.clone(),
            people: request.people.clone(),
            datasets: request.datasets.clone(),
            minimum_cell: request.minimum_cell,
            start: request.start,
            end: request.end,
            view: request.view,
        };
        for condition in conditions {
            match condition {
                Condition::MinimumCell { people } => {
                    manifest.minimum_cell = manifest.minimum_cell.max(*people);
                }
                Condition::EndBy { day } => manifest.end = manifest.end.min(*day),
                Condition::AggregatesOnly {} => manifest.view = View::Aggregates,
                Condition::ExcludeVariable { dataset, variable } => {
                    for asked in manifest
                        .datasets
                        .iter_mut()
                        .filter(|d| d.dataset == *dataset)
                    {
                        asked.variables.retain(|v| v.name != *variable);
                    }
                }
            }
        }
        if manifest.datasets.iter().any(|d| d.variables.is_empty()) {
            return Err(Refusal::Invalid(
                "the conditions leave a dataset without variables; return the application instead"
                    .into(),
            ));
        }
        Ok(manifest)
    }
}
