//! Projects: from a draft to a decision, into force under a signed manifest, and to their end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::dataset::Dataset;
use crate::ids::{DatasetId, PersonId, ProjectId, Sha256};
use crate::person::Person;
use crate::refusal::Refusal;
use crate::request::{DatasetRequest, Request, Tier, TierPolicy};

/// What every state of a project knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: ProjectId,
    /// Who applies.
    pub author: PersonId,
    /// Version of the application that was last submitted; 0 before the first.
    pub version: u32,
}

/// A controller's word on one version, for its dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// The controller.
    pub by: PersonId,
    /// Yes or no.
    pub verdict: SignatureVerdict,
    /// When.
    pub at: Timestamp,
}

/// A controller's yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureVerdict {
    /// Agrees.
    Signed,
    /// Does not.
    Declined,
}

/// A panel member's vote on one version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanelVote {
    /// The member.
    pub by: PersonId,
    /// The vote.
    pub verdict: PanelVerdict,
    /// Conditions that the member asks for.
    pub conditions: Vec<Condition>,
    /// When.
    pub at: Timestamp,
}

/// What a panel member thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PanelVerdict {
    /// It may go ahead.
    Approve,
    /// It should come back with changes.
    Return,
    /// It should not go ahead.
    Refuse,
}

/// A condition that the machine enforces.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "condition", rename_all = "snake_case", deny_unknown_fields)]
pub enum Condition {
    /// At least so many people behind every released number.
    MinimumCell {
        /// People.
        people: u32,
    },
    /// A variable is not given.
    ExcludeVariable {
        /// Dataset.
        dataset: DatasetId,
        /// Name in the extract.
        variable: String,
    },
    /// Access ends on this day at the latest.
    EndBy {
        /// Last day.
        day: Date,
    },
}

/// A paper with its date of expiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Paper {
    /// Reference under which it is filed.
    pub reference: String,
    /// Valid until this day, included.
    pub until: Date,
}

/// What must be on file before a project is in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Papers {
    /// Ethics approval.
    pub ethics: Paper,
    /// Data protection impact assessment.
    pub impact_assessment: Paper,
    /// Data sharing agreement.
    pub sharing_agreement: Paper,
    /// Funding.
    pub funding: Paper,
}

/// What an approval permits, as the keeper enforces it. Its bytes are signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `manifest/1`.
    pub schema: String,
    /// The project.
    pub project: ProjectId,
    /// Hash of the application version that was approved.
    pub application: Sha256,
    /// People who may see data.
    pub people: BTreeSet<PersonId>,
    /// Datasets, variables and rows.
    pub datasets: Vec<DatasetRequest>,
    /// Fewest people behind a released number.
    pub minimum_cell: u32,
    /// First day of access.
    pub start: Date,
    /// Last day of access.
    pub end: Date,
}

/// A submitted version while it is decided on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Submitted {
    /// Id, author, version.
    pub core: Core,
    /// The request as frozen.
    pub request: Request,
    /// Hash of the frozen bytes. Every signature and vote cites it.
    pub sha256: Sha256,
    /// Panel tier.
    pub tier: Tier,
    /// Controllers' words, by dataset.
    pub signatures: BTreeMap<DatasetId, Signature>,
    /// Panel votes.
    pub votes: Vec<PanelVote>,
}

/// An approval that waits for its papers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// Id, author, version.
    pub core: Core,
    /// What may be done.
    pub manifest: Manifest,
    /// Conditions of the panel.
    pub conditions: Vec<Condition>,
}

/// A project in force.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InForce {
    /// Id, author, version.
    pub core: Core,
    /// What may be done.
    pub manifest: Manifest,
    /// Hash of the manifest's signed bytes.
    pub manifest_sha256: Sha256,
    /// The keeper's signed note over the manifest's hash.
    pub signature: String,
    /// The papers on file.
    pub papers: Papers,
}

/// A project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Project {
    /// Being written. The text of the draft grants nothing and is kept beside the log.
    Draft {
        /// Id, author, version.
        core: Core,
    },
    /// Before controllers and panel.
    Submitted(Submitted),
    /// Sent back for changes.
    Returned {
        /// Id, author, version.
        core: Core,
    },
    /// Refused for good.
    Refused {
        /// Id, author, version.
        core: Core,
    },
    /// Withdrawn by the author.
    Withdrawn {
        /// Id, author, version.
        core: Core,
    },
    /// Approved, not yet in force.
    Approved(Approved),
    /// In force.
    InForce(InForce),
    /// Ended on its day.
    Expired {
        /// Id, author, version.
        core: Core,
    },
    /// Ended by a controller or the panel's chair.
    Revoked {
        /// Id, author, version.
        core: Core,
    },
    /// Ended by its author.
    Closed {
        /// Id, author, version.
        core: Core,
    },
}

impl Lifecycle for Project {
    const KIND: &'static str = "project";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().id)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Draft { .. } => "draft",
            Self::Submitted(_) => "submitted",
            Self::Returned { .. } => "returned",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Approved(_) => "approved",
            Self::InForce(_) => "in_force",
            Self::Expired { .. } => "expired",
            Self::Revoked { .. } => "revoked",
            Self::Closed { .. } => "closed",
        }
    }
}

/// Proof that a person may use a project's data now. Made only by [`InForce::permit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    project: ProjectId,
    manifest: Sha256,
    last_day: Date,
}

impl Permit {
    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectId {
        &self.project
    }
    /// Hash of the manifest that permits it.
    #[must_use]
    pub fn manifest(&self) -> &Sha256 {
        &self.manifest
    }
    /// Last day of access.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.last_day
    }
}

impl Project {
    /// Id, author, version.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Draft { core }
            | Self::Returned { core }
            | Self::Refused { core }
            | Self::Withdrawn { core }
            | Self::Expired { core }
            | Self::Revoked { core }
            | Self::Closed { core } => core,
            Self::Submitted(s) => &s.core,
            Self::Approved(a) => &a.core,
            Self::InForce(f) => &f.core,
        }
    }

    /// People who are on the project in this state: nobody else's work is theirs to decide on.
    #[must_use]
    pub fn people(&self) -> BTreeSet<PersonId> {
        let mut people = match self {
            Self::Submitted(s) => s.request.people.clone(),
            Self::Approved(a) => a.manifest.people.clone(),
            Self::InForce(f) => f.manifest.people.clone(),
            Self::Draft { .. }
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. } => BTreeSet::new(),
        };
        people.insert(self.core().author.clone());
        people
    }

    /// Begins an application.
    #[must_use]
    pub fn start(id: ProjectId, author: &PersonId, at: Timestamp) -> Change<Self> {
        let core = Core {
            id,
            author: author.clone(),
            version: 0,
        };
        let by = By::Person(author.clone());
        Change::new(Self::Draft { core }, Action::StartApplication, &by, at)
    }

    /// Freezes a version and puts it before controllers and panel. `sha256` is of the frozen bytes.
    ///
    /// # Errors
    /// If the state, the person or the form does not allow it.
    pub fn submit(
        self,
        request: Request,
        sha256: Sha256,
        datasets: &BTreeMap<DatasetId, Dataset>,
        tiers: &TierPolicy,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (Self::Draft { mut core } | Self::Returned { mut core }) = self else {
            return Err(Action::SubmitApplication.wrong_state(Self::KIND, state));
        };
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("application"));
        }
        request.validate(&core.author, datasets)?;
        if request.end < crate::day_of(at) {
            return Err(Refusal::Form("the end date has passed".into()));
        }
        let tier = tiers.tier(&request, datasets);
        core.version = core.version.saturating_add(1);
        let (version, hash) = (core.version, sha256.clone());
        let to = Self::Submitted(Submitted {
            core,
            request,
            sha256,
            tier,
            signatures: BTreeMap::new(),
            votes: Vec::new(),
        });
        let by = By::Person(by.clone());
        let tier = match tier {
            Tier::One => 1_u64,
            Tier::Two => 2,
        };
        Ok(Change::new(to, Action::SubmitApplication, &by, at)
            .fact("version", version)
            .fact("sha256", &hash)
            .fact("tier", tier))
    }

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
    /// If the member is on the project, controls a dataset in it, cites another version, or has voted.
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
    /// If the quorum is not met and no controller declined, or most votes approve.
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
    /// If the quorum is not met, or the votes do not carry a refusal.
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

    /// The author takes the application back, before it is in force.
    ///
    /// # Errors
    /// If somebody else does, or it is decided on already.
    pub fn withdraw(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        match &self {
            Self::Draft { .. } | Self::Submitted(_) | Self::Returned { .. } | Self::Approved(_) => {
            }
            Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::InForce(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. } => {
                return Err(Action::WithdrawApplication.wrong_state(Self::KIND, self.state()));
            }
        }
        let core = self.core().clone();
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("application"));
        }
        Ok(Change::new(
            Self::Withdrawn { core },
            Action::WithdrawApplication,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// Puts an approval in force. Papers are on file and every person is fit today; the manifest is signed.
    ///
    /// # Errors
    /// The first thing that is missing or lapsed.
    pub fn commence(
        self,
        papers: Papers,
        people: &BTreeMap<PersonId, Person>,
        manifest_sha256: Sha256,
        signature: String,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Approved(approved) = self else {
            return Err(Action::CommenceProject.wrong_state(Self::KIND, state));
        };
        if approved.manifest.people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        let today = crate::day_of(at);
        if approved.manifest.end < today {
            return Err(Refusal::Ended(approved.manifest.end));
        }
        for (what, paper) in [
            ("ethics approval", &papers.ethics),
            ("impact assessment", &papers.impact_assessment),
            ("sharing agreement", &papers.sharing_agreement),
            ("funding", &papers.funding),
        ] {
            if paper.until < today || paper.reference.trim().is_empty() {
                return Err(Refusal::Paper(what));
            }
        }
        for id in &approved.manifest.people {
            match people.get(id) {
                Some(person) => person.fit_on(today)?,
                None => return Err(Refusal::Elsewhere("a person on the project")),
            }
        }
        let (hash, end) = (manifest_sha256.clone(), approved.manifest.end);
        let to = Self::InForce(InForce {
            core: approved.core,
            manifest: approved.manifest,
            manifest_sha256,
            signature,
            papers,
        });
        let change = Change::new(to, Action::CommenceProject, &By::Person(by.clone()), at);
        Ok(change.fact("manifest", &hash).fact("end", &end))
    }

    /// Ends a project whose last day has passed.
    ///
    /// # Errors
    /// If it has not.
    pub fn expire(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::InForce(in_force) = self else {
            return Err(Action::ExpireProject.wrong_state(Self::KIND, state));
        };
        if crate::day_of(at) <= in_force.manifest.end {
            return Err(Refusal::NotEnded(in_force.manifest.end));
        }
        let to = Self::Expired {
            core: in_force.core,
        };
        Ok(Change::new(to, Action::ExpireProject, &By::System, at))
    }

    /// Ends a project before its day: by a controller of one of its datasets, or by the panel's chair when
    /// `dataset` is none.
    ///
    /// # Errors
    /// If the dataset is not in the project or the person is not its controller.
    pub fn revoke(
        self,
        dataset: Option<&Dataset>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let manifest = match &self {
            Self::Approved(a) => &a.manifest,
            Self::InForce(f) => &f.manifest,
            Self::Draft { .. }
            | Self::Submitted(_)
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. } => {
                return Err(Action::RevokeProject.wrong_state(Self::KIND, self.state()));
            }
        };
        if let Some(dataset) = dataset {
            dataset.must_control(by)?;
            if !manifest.datasets.iter().any(|d| d.dataset == dataset.id) {
                return Err(Refusal::Elsewhere("this dataset"));
            }
        }
        let core = self.core().clone();
        let change = Change::new(
            Self::Revoked { core },
            Action::RevokeProject,
            &By::Person(by.clone()),
            at,
        );
        Ok(match dataset {
            Some(dataset) => change.fact("dataset", &dataset.id),
            None => change,
        })
    }

    /// The author ends the project.
    ///
    /// # Errors
    /// If somebody else does, or it is not in force.
    pub fn close(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::InForce(in_force) = self else {
            return Err(Action::CloseProject.wrong_state(Self::KIND, state));
        };
        if *by != in_force.core.author {
            return Err(Refusal::NotTheAuthor("project"));
        }
        let to = Self::Closed {
            core: in_force.core,
        };
        Ok(Change::new(
            to,
            Action::CloseProject,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// The project in force.
    ///
    /// # Errors
    /// If it is not.
    pub fn in_force(&self, action: Action) -> Result<&InForce, Refusal> {
        match self {
            Self::InForce(in_force) => Ok(in_force),
            Self::Draft { .. }
            | Self::Submitted(_)
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Approved(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. } => Err(action.wrong_state(Self::KIND, self.state())),
        }
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
            | Self::Closed { .. } => Err(action.wrong_state(Self::KIND, state)),
        }
    }
}

impl InForce {
    /// Whether the approval itself is live at a moment, whoever asks.
    ///
    /// # Errors
    /// If it has not begun or has ended.
    pub fn live_at(&self, at: Timestamp) -> Result<(), Refusal> {
        let today = crate::day_of(at);
        if today < self.manifest.start {
            return Err(Refusal::NotBegun(self.manifest.start));
        }
        if today > self.manifest.end {
            return Err(Refusal::Ended(self.manifest.end));
        }
        Ok(())
    }

    /// Whether a person may use the project's data now.
    ///
    /// # Errors
    /// If the approval is not live, the person is not on it, or their standing lapsed.
    pub fn permit(&self, person: &Person, at: Timestamp) -> Result<Permit, Refusal> {
        self.live_at(at)?;
        if !self.manifest.people.contains(&person.id) {
            return Err(Refusal::NotAMember);
        }
        person.fit_on(crate::day_of(at))?;
        Ok(Permit {
            project: self.core.id.clone(),
            manifest: self.manifest_sha256.clone(),
            last_day: self.manifest.end,
        })
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

    fn must_make_sense(&self, condition: &Condition) -> Result<(), Refusal> {
        let sensible = match condition {
            Condition::MinimumCell { people } => *people <= 10_000,
            Condition::ExcludeVariable { dataset, variable } => {
                self.request.datasets.iter().any(|d| {
                    d.dataset == *dataset && d.variables.iter().any(|v| v.name == *variable)
                })
            }
            Condition::EndBy { day } => *day >= self.request.start,
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
        };
        for condition in conditions {
            match condition {
                Condition::MinimumCell { people } => {
                    manifest.minimum_cell = manifest.minimum_cell.max(*people);
                }
                Condition::EndBy { day } => manifest.end = manifest.end.min(*day),
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
