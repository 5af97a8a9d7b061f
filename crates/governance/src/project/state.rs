//! What a project is in each of its states.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::change::{Lifecycle, Tie, TieKind};
use crate::ids::{DatasetId, PersonId, ProjectId, Sha256};
use crate::refusal::Refusal;
use crate::request::{DatasetRequest, Request, Tier, TierPolicy, View};

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
    /// Title of that version; empty before the first.
    #[serde(default)]
    pub title: String,
    /// Members of the panel who declared an interest. It stays for every later version.
    #[serde(default)]
    pub interests: BTreeSet<PersonId>,
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

/// Most conditions of one vote.
pub const CONDITIONS_MAX: usize = 100;

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
    /// The screen shows checked results only, though rows were asked for.
    AggregatesOnly {},
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

impl Papers {
    /// Each paper with what it is called.
    #[must_use]
    pub fn named(&self) -> [(&'static str, &Paper); 4] {
        [
            ("ethics approval", &self.ethics),
            ("impact assessment", &self.impact_assessment),
            ("sharing agreement", &self.sharing_agreement),
            ("funding", &self.funding),
        ]
    }

    /// Whether every paper is on file and good on a day.
    ///
    /// # Errors
    /// The first that is not.
    pub fn good_on(&self, day: Date) -> Result<(), Refusal> {
        for (what, paper) in self.named() {
            if paper.until < day || paper.reference.trim().is_empty() {
                return Err(Refusal::Paper(what));
            }
        }
        Ok(())
    }

    /// Last day on which all of them are good.
    #[must_use]
    pub fn until(&self) -> Date {
        let [ethics, rest @ ..] = self.named().map(|(_, paper)| paper.until);
        rest.into_iter().fold(ethics, Date::min)
    }
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
    /// What the screen of a workspace may show.
    #[serde(default, skip_serializing_if = "View::is_aggregates")]
    pub view: View,
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
        /// What might be done: its people still check none of its outputs, its controllers still read it.
        manifest: Manifest,
    },
    /// Ended by a controller or the panel's chair.
    Revoked {
        /// Id, author, version.
        core: Core,
        /// What might be done: its people still check none of its outputs, its controllers still read it.
        manifest: Manifest,
    },
    /// Ended by its author.
    Closed {
        /// Id, author, version.
        core: Core,
        /// What might be done: its people still check none of its outputs, its controllers still read it.
        manifest: Manifest,
    },
    /// Its secrets and sealed files were destroyed.
    Destroyed {
        /// Id, author, version.
        core: Core,
        /// What might be done; none where it was refused.
        manifest: Option<Manifest>,
        /// Hash of the keeper's certificate.
        certificate: Sha256,
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
            Self::Destroyed { .. } => "destroyed",
        }
    }
    fn title(&self) -> &str {
        &self.core().title
    }
    fn author(&self) -> Option<&PersonId> {
        Some(&self.core().author)
    }
    fn ties(&self) -> BTreeSet<Tie> {
        let on = self.people().into_iter();
        let mut ties: BTreeSet<Tie> = on.map(|p| Tie::new(TieKind::On, &p)).collect();
        match self {
            Self::Draft { core } | Self::Returned { core } => {
                ties.insert(Tie::new(TieKind::Due, &core.author));
            }
            Self::Submitted(submitted) => submitted.tie(&mut ties),
            Self::Approved(_)
            | Self::InForce(_)
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. }
            | Self::Destroyed { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. } => {}
        }
        let asked = self.manifest().into_iter().flat_map(|m| &m.datasets);
        ties.extend(asked.map(|d| Tie::new(TieKind::Asks, &d.dataset)));
        ties
    }
}

impl Submitted {
    /// Ties of a version that is decided on.
    fn tie(&self, ties: &mut BTreeSet<Tie>) {
        for asked in &self.request.datasets {
            ties.insert(Tie::new(TieKind::Asks, &asked.dataset));
            let tie = match self.signatures.contains_key(&asked.dataset) {
                true => TieKind::Signed,
                false => TieKind::Unsigned,
            };
            ties.insert(Tie::new(tie, &asked.dataset));
        }
        let voters = self.votes.iter().map(|v| &v.by);
        let spoke = voters.chain(&self.core.interests);
        ties.extend(spoke.map(|person| Tie::new(TieKind::Spoke, person)));
        let declined = |s: &Signature| s.verdict == SignatureVerdict::Declined;
        let quorum = usize::try_from(TierPolicy::QUORUM_MIN).unwrap_or(usize::MAX);
        // A site may ask for more votes; the chair's list looks closer.
        if self.signatures.values().any(declined) || self.votes.len() >= quorum {
            ties.insert(Tie::new(TieKind::Ready, "-"));
        }
    }
}
