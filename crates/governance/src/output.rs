//! Outputs: a table that somebody wants out. Checked by the machine, reviewed by two people who are not on
//! the project and do not see each other's vote, released as the very bytes that were reviewed.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::delivery::SealedFile;
use crate::ids::{ExtractId, OutputId, PersonId, ProjectId, Sha256, WorkspaceId};
use crate::project::Permit;
use crate::refusal::Refusal;
use crate::workspace::Workspace;

/// What every state of an output knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: OutputId,
    /// Who wants it out.
    pub author: PersonId,
    /// Of which project.
    pub project: ProjectId,
    /// From which workspace.
    pub workspace: WorkspaceId,
    /// From which extract.
    pub extract: ExtractId,
    /// Hash of the statement's text, a key into the documents.
    pub statement: Sha256,
    /// Hash of what the author says it is and why it is safe, a key into the documents.
    pub context: Sha256,
}

/// What the checker said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every cell is safe.
    Pass,
    /// Some cells are not; a treated table is offered.
    Treat,
    /// The machine cannot tell; people must.
    Review,
    /// Not safe, and nothing helps.
    Fail,
}

impl Verdict {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Treat => "treat",
            Self::Review => "review",
            Self::Fail => "fail",
        }
    }
}

/// The machine's findings, with the bytes that they are about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// What it said.
    pub verdict: Verdict,
    /// The checker's report, sealed: it holds the counts of unsafe cells.
    pub report: SealedFile,
    /// Hash of the policy that was applied.
    pub policy: Sha256,
    /// The table as it is.
    pub exact: SealedFile,
    /// The table as treated, where one is offered.
    pub treated: Option<SealedFile>,
}

/// Which version goes to review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rendering {
    /// As it is.
    Exact,
    /// As treated.
    Treated,
}

/// An output checker's vote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewVote {
    /// The checker.
    pub by: PersonId,
    /// The vote.
    pub verdict: ReviewVerdict,
    /// Hash of the bytes that the checker saw.
    pub bytes: Sha256,
    /// Hash of the comment, a key into the documents.
    pub comment: Option<Sha256>,
    /// When.
    pub at: Timestamp,
}

/// What an output checker thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReviewVerdict {
    /// It may go out.
    Approve,
    /// It may go out once something is changed.
    RequestChanges,
    /// It may not go out.
    Refuse,
}

/// An output under review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnderReview {
    /// What it knows.
    pub core: Core,
    /// Machine's findings.
    pub checked: Checked,
    /// Which version is reviewed.
    pub rendering: Rendering,
    /// The bytes that are reviewed.
    pub file: SealedFile,
    /// Votes so far: at most two blind ones, then a third if they differ.
    pub votes: Vec<ReviewVote>,
}

/// An output that two people approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// What it knows.
    pub core: Core,
    /// Machine's findings.
    pub checked: Checked,
    /// The bytes that were reviewed.
    pub file: SealedFile,
    /// Who approved.
    pub by: BTreeSet<PersonId>,
}

/// An output that left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Released {
    /// What it knows.
    pub core: Core,
    /// The bytes that were released.
    pub file: SealedFile,
    /// Who approved.
    pub approved_by: BTreeSet<PersonId>,
    /// Who released.
    pub released_by: PersonId,
    /// When.
    pub at: Timestamp,
    /// Whether the single download was used.
    pub download: Download,
}

/// Whether the single download was used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Download {
    /// Not yet.
    Waiting,
    /// Yes.
    Used,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Output {
    /// Waits for the machine's check.
    Staged {
        /// What it knows.
        core: Core,
    },
    /// Checked; the author decides what to do.
    Checked {
        /// What it knows.
        core: Core,
        /// Machine's findings.
        checked: Checked,
    },
    /// The check could not be done. Blocks.
    Uncheckable {
        /// What it knows.
        core: Core,
    },
    /// Before output checkers.
    UnderReview(UnderReview),
    /// A checker asked for changes; the author submits a version again or withdraws.
    ChangesRequested {
        /// What it knows.
        core: Core,
        /// Machine's findings.
        checked: Checked,
    },
    /// Approved by two people, not yet released.
    Approved(Approved),
    /// Released.
    Released(Released),
    /// Refused by people.
    Refused {
        /// What it knows.
        core: Core,
    },
    /// Withdrawn by its author.
    Withdrawn {
        /// What it knows.
        core: Core,
    },
    /// Released, and called back.
    Recalled {
        /// What it knows.
        core: Core,
        /// The bytes that were released.
        file: SealedFile,
    },
}

impl Lifecycle for Output {
    const KIND: &'static str = "output";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().project)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Staged { .. } => "staged",
            Self::Checked { .. } => "checked",
            Self::Uncheckable { .. } => "uncheckable",
            Self::UnderReview(_) => "under_review",
            Self::ChangesRequested { .. } => "changes_requested",
            Self::Approved(_) => "approved",
            Self::Released(_) => "released",
            Self::Refused { .. } => "refused",
            Self::Withdrawn { .. } => "withdrawn",
            Self::Recalled { .. } => "recalled",
        }
    }
}

impl Output {
    /// What it knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Staged { core }
            | Self::Checked { core, .. }
            | Self::Uncheckable { core }
            | Self::ChangesRequested { core, .. }
            | Self::Refused { core }
            | Self::Withdrawn { core }
            | Self::Recalled { core, .. } => core,
            Self::UnderReview(u) => &u.core,
            Self::Approved(a) => &a.core,
            Self::Released(r) => &r.core,
        }
    }

    /// Stages a statement's result for release.
    ///
    /// # Errors
    /// If the workspace is not open or belongs to another project than the permit.
    pub fn stage(
        id: OutputId,
        permit: &Permit,
        workspace: &Workspace,
        statement: Sha256,
        context: Sha256,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let place = workspace.must_be_open(Action::StageOutput)?;
        if place.project != *permit.project() {
            return Err(Refusal::Elsewhere("this workspace"));
        }
        let core = Core {
            id,
            author: by.clone(),
            project: place.project,
            workspace: place.id,
            extract: place.extract,
            statement,
            context,
        };
        let (workspace, extract) = (core.workspace.clone(), core.extract.clone());
        let by = By::Person(by.clone());
        Ok(
            Change::new(Self::Staged { core }, Action::StageOutput, &by, at)
                .fact("workspace", &workspace)
                .fact("extract", &extract)
                .fact("manifest", permit.manifest()),
        )
    }

    /// The machine checked it.
    ///
    /// # Errors
    /// If it was not staged, or a treated table is offered with a verdict that offers none.
    pub fn complete_check(self, checked: Checked, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Staged { core } = self else {
            return Err(Action::CompleteCheck.wrong_state(Self::KIND, state));
        };
        if (checked.verdict == Verdict::Treat) != checked.treated.is_some() {
            return Err(Refusal::NotApproved("the treated table"));
        }
        let said = checked.clone();
        let to = Self::Checked { core, checked };
        Ok(Change::new(to, Action::CompleteCheck, &By::System, at)
            .fact("verdict", said.verdict.word())
            .fact("policy", &said.policy)
            .fact("bytes", &said.exact.sha256))
    }

    /// The machine could not check it.
    ///
    /// # Errors
    /// If it was not staged.
    pub fn fail_check(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Staged { core } = self else {
            return Err(Action::FailCheck.wrong_state(Self::KIND, state));
        };
        Ok(Change::new(
            Self::Uncheckable { core },
            Action::FailCheck,
            &By::System,
            at,
        ))
    }

    /// The author puts a version before output checkers.
    ///
    /// # Errors
    /// If somebody else does, or the verdict does not allow that version.
    pub fn submit(
        self,
        rendering: Rendering,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let (Self::Checked { core, checked } | Self::ChangesRequested { core, checked }) = self
        else {
            return Err(Action::SubmitOutput.wrong_state(Self::KIND, state));
        };
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("output"));
        }
        let file = match (checked.verdict, rendering, &checked.treated) {
            (Verdict::Pass | Verdict::Review, Rendering::Exact, _) => checked.exact.clone(),
            (Verdict::Treat, Rendering::Treated, Some(treated)) => treated.clone(),
            (Verdict::Treat, Rendering::Exact, _) => {
                return Err(Refusal::Verdict(
                    "some cells are not safe: submit the treated table, or ask for a coarser one",
                ));
            }
            (Verdict::Fail, _, _) => {
                return Err(Refusal::Verdict(
                    "the check failed: no version of this table is safe; ask for a coarser one",
                ));
            }
            (_, Rendering::Treated, _) => {
                return Err(Refusal::Verdict(
                    "there is no treated version: submit the table as it is",
                ));
            }
        };
        let bytes = file.sha256.clone();
        let word = match rendering {
            Rendering::Exact => "exact",
            Rendering::Treated => "treated",
        };
        let to = Self::UnderReview(UnderReview {
            core,
            checked,
            rendering,
            file,
            votes: Vec::new(),
        });
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::SubmitOutput, &by, at)
            .fact("rendering", word)
            .fact("bytes", &bytes))
    }

    /// An output checker votes on the bytes they saw. The first two votes are blind; when they agree the
    /// output moves on; when they differ a third checker decides with the majority.
    ///
    /// # Errors
    /// If the checker is the author, is on the project, has voted, or saw other bytes.
    pub fn vote(
        self,
        verdict: ReviewVerdict,
        seen: &Sha256,
        comment: Option<Sha256>,
        project_people: &BTreeSet<PersonId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::UnderReview(mut review) = self else {
            return Err(Action::VoteOnOutput.wrong_state(Self::KIND, state));
        };
        if *by == review.core.author {
            return Err(Refusal::OwnOutput);
        }
        if project_people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        if review.votes.iter().any(|v| v.by == *by) {
            return Err(Refusal::SameCheckerTwice(by.clone()));
        }
        if *seen != review.file.sha256 {
            return Err(Refusal::OtherBytes);
        }
        if verdict != ReviewVerdict::Approve && comment.is_none() {
            return Err(Refusal::Invalid(
                "say what is wrong, so that the author can change it".into(),
            ));
        }
        review.votes.push(ReviewVote {
            by: by.clone(),
            verdict,
            bytes: seen.clone(),
            comment,
            at,
        });
        let count = u64::try_from(review.votes.len()).unwrap_or(u64::MAX);
        let to = review.consolidate();
        let outcome = to.state();
        // The vote itself stays out of the leaf until the review is closed: it is blind.
        Ok(
            Change::new(to, Action::VoteOnOutput, &By::Person(by.clone()), at)
                .fact("votes", count)
                .fact("bytes", seen)
                .fact("outcome", outcome),
        )
    }

    /// Releases the reviewed bytes.
    ///
    /// # Errors
    /// If it is not approved, the releaser is on the project, or the bytes on file are not those reviewed.
    pub fn release(
        self,
        on_file: &Sha256,
        project_people: &BTreeSet<PersonId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Approved(approved) = self else {
            return Err(Action::ReleaseOutput.wrong_state(Self::KIND, state));
        };
        if *by == approved.core.author {
            return Err(Refusal::OwnOutput);
        }
        if project_people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        if *on_file != approved.file.sha256 {
            return Err(Refusal::OtherBytes);
        }
        let approvers: Vec<String> = approved.by.iter().map(ToString::to_string).collect();
        let (bytes, policy) = (
            approved.file.sha256.clone(),
            approved.checked.policy.clone(),
        );
        let verdict = approved.checked.verdict.word();
        let to = Self::Released(Released {
            core: approved.core,
            file: approved.file,
            approved_by: approved.by,
            released_by: by.clone(),
            at,
            download: Download::Waiting,
        });
        Ok(
            Change::new(to, Action::ReleaseOutput, &By::Person(by.clone()), at)
                .fact("bytes", &bytes)
                .fact("policy", &policy)
                .fact("verdict", verdict)
                .fact("approved_by", approvers),
        )
    }

    /// Uses the single download.
    ///
    /// # Errors
    /// If it is not released, somebody else asks, or it was used.
    pub fn download(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Released(mut released) = self else {
            return Err(Action::DownloadOutput.wrong_state(Self::KIND, state));
        };
        if *by != released.core.author {
            return Err(Refusal::NotTheAuthor("output"));
        }
        if released.download == Download::Used {
            return Err(Refusal::Downloaded);
        }
        released.download = Download::Used;
        let bytes = released.file.sha256.clone();
        let to = Self::Released(released);
        Ok(
            Change::new(to, Action::DownloadOutput, &By::Person(by.clone()), at)
                .fact("bytes", &bytes),
        )
    }

    /// The author takes it back before it is released.
    ///
    /// # Errors
    /// If somebody else does, or it is released or ended.
    pub fn withdraw(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        match &self {
            Self::Checked { .. }
            | Self::UnderReview(_)
            | Self::ChangesRequested { .. }
            | Self::Approved(_) => {}
            Self::Staged { .. }
            | Self::Uncheckable { .. }
            | Self::Released(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Recalled { .. } => {
                return Err(Action::WithdrawOutput.wrong_state(Self::KIND, self.state()));
            }
        }
        let core = self.core().clone();
        if *by != core.author {
            return Err(Refusal::NotTheAuthor("output"));
        }
        let to = Self::Withdrawn { core };
        Ok(Change::new(
            to,
            Action::WithdrawOutput,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// Calls a release back: the download ends and the register says so.
    ///
    /// # Errors
    /// If it is not released, or somebody on the project asks.
    pub fn recall(
        self,
        project_people: &BTreeSet<PersonId>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Released(released) = self else {
            return Err(Action::RecallOutput.wrong_state(Self::KIND, state));
        };
        if project_people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        let bytes = released.file.sha256.clone();
        let to = Self::Recalled {
            core: released.core,
            file: released.file,
        };
        Ok(
            Change::new(to, Action::RecallOutput, &By::Person(by.clone()), at)
                .fact("bytes", &bytes),
        )
    }
}

impl UnderReview {
    /// Two equal votes decide; two different ones wait for a third; three decide by majority, and three
    /// different ones ask for changes.
    fn consolidate(self) -> Output {
        let count = |v: ReviewVerdict| self.votes.iter().filter(|x| x.verdict == v).count();
        let (approve, changes, refuse) = (
            count(ReviewVerdict::Approve),
            count(ReviewVerdict::RequestChanges),
            count(ReviewVerdict::Refuse),
        );
        if approve >= 2 {
            let yes = |v: &&ReviewVote| v.verdict == ReviewVerdict::Approve;
            let by = self
                .votes
                .iter()
                .filter(yes)
                .map(|v| v.by.clone())
                .collect();
            return Output::Approved(Approved {
                core: self.core,
                checked: self.checked,
                file: self.file,
                by,
            });
        }
        if refuse >= 2 {
            return Output::Refused { core: self.core };
        }
        if changes >= 2 || self.votes.len() >= 3 {
            return Output::ChangesRequested {
                core: self.core,
                checked: self.checked,
            };
        }
        Output::UnderReview(self)
    }

    /// Votes that a person may see: their own while the review is open.
    #[must_use]
    pub fn visible_to(&self, person: &PersonId) -> Vec<&ReviewVote> {
        let voted = self.votes.iter().any(|v| v.by == *person);
        let both_in = self.votes.len() >= 2 && voted;
        self.votes
            .iter()
            .filter(|v| both_in || v.by == *person)
            .collect()
    }
}
