//! What an output is in each of its states.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::change::{Lifecycle, Tie, TieKind};
use crate::delivery::SealedFile;
use crate::ids::{
    DeliveryId, ExtractId, OutputId, PersonId, ProjectId, RecoveryId, Sha256, WorkspaceId,
};
use crate::register::InRegister;

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
    /// How it came to its author, if that is not who staged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handed_over: Option<HandedOver>,
}

/// How an output came from somebody who left to its author.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedOver {
    /// Under which recovery.
    pub recovery: RecoveryId,
    /// Whose it was.
    pub from: PersonId,
    /// When.
    pub at: Timestamp,
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
    /// How it was compared with what had left. None for one that was checked before outputs were compared: it
    /// is not released.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared: Option<Compared>,
}

/// How an output was compared with everything that had left or was shown, and what the register keeps of it once it
/// leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// Outputs that had left the safe haven when it was compared, those called back among them. What left stays
    /// left, so that their number tells whether one more has gone since.
    pub releases: u64,
    /// Screens of all projects that had shown something by then. None for one that was compared before screens were
    /// in the register.
    #[serde(default)]
    pub screens: u64,
    /// How many of the outputs the machine could not compare it with: people do.
    pub unknown: u64,
    /// Who is behind the cells of the version that may leave; none where that cannot be told, so that people
    /// compare it.
    pub people: Option<KeptPeople>,
}

impl Compared {
    /// With what it was compared.
    #[must_use]
    pub fn with(&self) -> InRegister {
        InRegister {
            outputs: self.releases,
            screens: self.screens,
        }
    }
}

/// Who is behind the cells of an output or of a screen, as the register keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptPeople {
    /// The spine whose ordinals the people go by. Only tables of one spine are compared by the machine.
    pub spine: DeliveryId,
    /// The sealed tables.
    pub file: SealedFile,
}

/// What a later comparison of a checked output found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recomparison {
    /// Nothing: it may go on, but for what people have to compare by hand.
    Clear {
        /// What had left, and what screens had shown, by then.
        with: InRegister,
        /// How many of the outputs the machine could not compare it with.
        unknown: u64,
    },
    /// Few people between it and what had left or was shown by then.
    Isolates {
        /// What had left, and what screens had shown, by then.
        with: InRegister,
        /// The checker's report with what was found, sealed.
        report: SealedFile,
    },
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
    /// Who is behind its cells, for comparisons of later outputs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub people: Option<KeptPeople>,
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
        /// Who is behind its cells: whoever got it may still hold it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        people: Option<KeptPeople>,
        /// When it had left; none for one that was called back before that was kept.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        left: Option<Timestamp>,
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
    fn author(&self) -> Option<&PersonId> {
        Some(&self.core().author)
    }
    fn ties(&self) -> BTreeSet<Tie> {
        let author = &self.core().author;
        let mut ties = BTreeSet::from([Tie::new(TieKind::On, author)]);
        match self {
            Self::Checked { .. }
            | Self::ChangesRequested { .. }
            | Self::Released(Released {
                download: Download::Waiting,
                ..
            }) => {
                ties.insert(Tie::new(TieKind::Due, author));
            }
            Self::UnderReview(review) => {
                ties.extend(review.votes.iter().map(|v| Tie::new(TieKind::Spoke, &v.by)));
            }
            Self::Staged { .. }
            | Self::Uncheckable { .. }
            | Self::Approved(_)
            | Self::Released(_)
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Recalled { .. } => {}
        }
        ties
    }
}
