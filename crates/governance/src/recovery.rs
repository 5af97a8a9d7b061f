//! Recovery: two people open what somebody who left kept in a workspace, for a while, and pass it on.
//!
//! An administrator asks and says why; a data steward, or the controller of one of the project's datasets,
//! confirms. Neither is on the project, and no site lets one person be both. What it gives is the least that a
//! project needs when somebody leaves: the statements that they saved are read, and those and their outputs are
//! handed to somebody else of the project, who is fit. It never opens a row, runs a statement or gives out a
//! file, and an output that changes hands goes through review as before.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::ids::{PersonId, ProjectId, RecoveryId, Sha256, WorkspaceId};
use crate::person::{Activity, Person, Role};
use crate::project::{InForce, Permit, Project};
use crate::refusal::Refusal;
use crate::workspace::Workspace;

/// Longest time for which a recovery is open, whatever a site's limits say: one day.
pub const MINUTES_MAX: u32 = 24 * 60;

/// What every state of a recovery knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Id.
    pub id: RecoveryId,
    /// Of which workspace.
    pub workspace: WorkspaceId,
    /// Of which project.
    pub project: ProjectId,
    /// Hash of why it is asked for, a key into the documents.
    pub reason: Sha256,
    /// The administrator who asks.
    pub asked_by: PersonId,
    /// When.
    pub asked_at: Timestamp,
    /// Minutes for which it is to be open once it is confirmed.
    pub minutes: u32,
}

/// How it was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Who confirmed it.
    pub confirmed_by: PersonId,
    /// Since when it was open.
    pub since: Timestamp,
    /// When it ends by itself: from this moment on nothing is given.
    pub until: Timestamp,
}

/// A recovery.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum Recovery {
    /// Waits for the second person.
    Asked {
        /// What it knows.
        core: Core,
    },
    /// Confirmed, for a while.
    Open {
        /// What it knows.
        core: Core,
        /// How it was opened.
        opening: Opening,
    },
    /// Was open; ended by hand or by its time.
    Ended {
        /// What it knows.
        core: Core,
        /// How it was opened.
        opening: Opening,
        /// When it ended.
        at: Timestamp,
    },
    /// The second person said no.
    Refused {
        /// What it knows.
        core: Core,
    },
    /// Nobody confirmed it in time.
    Lapsed {
        /// What it knows.
        core: Core,
    },
}

impl Lifecycle for Recovery {
    const KIND: &'static str = "recovery";
    fn id(&self) -> &str {
        self.core().id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        Some(&self.core().project)
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Asked { .. } => "asked",
            Self::Open { .. } => "open",
            Self::Ended { .. } => "ended",
            Self::Refused { .. } => "refused",
            Self::Lapsed { .. } => "lapsed",
        }
    }
    fn author(&self) -> Option<&PersonId> {
        Some(&self.core().asked_by)
    }
    fn ties(&self) -> BTreeSet<Tie> {
        BTreeSet::from([Tie::new(TieKind::Of, &self.core().workspace)])
    }
}

impl Recovery {
    /// What it knows.
    #[must_use]
    pub fn core(&self) -> &Core {
        match self {
            Self::Asked { core }
            | Self::Open { core, .. }
            | Self::Ended { core, .. }
            | Self::Refused { core }
            | Self::Lapsed { core } => core,
        }
    }

    /// How it was opened, if it ever was.
    #[must_use]
    pub fn opening(&self) -> Option<&Opening> {
        match self {
            Self::Open { opening, .. } | Self::Ended { opening, .. } => Some(opening),
            Self::Asked { .. } | Self::Refused { .. } | Self::Lapsed { .. } => None,
        }
    }

    /// Asks for it. `reason` is the hash of why.
    ///
    /// # Errors
    /// If the workspace is another project's, the project is not live, whoever asks is no administrator or is on
    /// the project, or the time is none or longer than [`MINUTES_MAX`].
    pub fn ask(
        id: RecoveryId,
        workspace: &Workspace,
        project: &InForce,
        (reason, minutes): (Sha256, u32),
        by: &Person,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let place = workspace.core();
        if place.project != project.core.id {
            return Err(Refusal::Elsewhere("this workspace"));
        }
        project.live_at(at)?;
        must_be_active(by, ASKER)?;
        may_ask(by, &project.people())?;
        if !(1..=MINUTES_MAX).contains(&minutes) {
            return Err(Refusal::Invalid(format!(
                "a recovery is open for 1 to {MINUTES_MAX} minutes"
            )));
        }
        let core = Core {
            id,
            workspace: place.id.clone(),
            project: place.project.clone(),
            reason: reason.clone(),
            asked_by: by.id.clone(),
            asked_at: at,
            minutes,
        };
        let by = By::Person(by.id.clone());
        Ok(
            Change::new(Self::Asked { core }, Action::AskRecovery, &by, at)
                .fact("workspace", &place.id)
                .fact("reason", &reason)
                .fact("minutes", minutes),
        )
    }

    /// The second person opens it. `controllers` are those of the project's datasets.
    ///
    /// # Errors
    /// If it was not asked for, is another project's, the project is not live, or the two are not
    /// [two people](Core::of_two_people) who are active.
    pub fn confirm(
        self,
        project: &InForce,
        controllers: &BTreeSet<PersonId>,
        asker: &Person,
        by: &Person,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let core = self.must_be_asked(Action::ConfirmRecovery)?;
        core.must_be_of(project)?;
        project.live_at(at)?;
        must_be_active(asker, ASKER)?;
        must_be_active(by, CONFIRMER)?;
        core.of_two_people(&project.people(), controllers, asker, by)?;
        let until = at
            .checked_add(SignedDuration::from_mins(core.minutes.into()))
            .map_err(|_| Refusal::Invalid("the time of the recovery is out of range".into()))?;
        let opening = Opening {
            confirmed_by: by.id.clone(),
            since: at,
            until,
        };
        let asked_by = core.asked_by.clone();
        let to = Self::Open { core, opening };
        let by = By::Person(by.id.clone());
        Ok(Change::new(to, Action::ConfirmRecovery, &by, at)
            .fact("asked_by", &asked_by)
            .fact("until", &until))
    }

    /// The second person says no.
    ///
    /// # Errors
    /// If it was not asked for, or the person could not have confirmed it either.
    pub fn refuse(
        self,
        project: &InForce,
        controllers: &BTreeSet<PersonId>,
        by: &Person,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let core = self.must_be_asked(Action::RefuseRecovery)?;
        core.must_be_of(project)?;
        must_be_active(by, CONFIRMER)?;
        core.may_confirm(&project.people(), controllers, by)?;
        let by = By::Person(by.id.clone());
        Ok(Change::new(
            Self::Refused { core },
            Action::RefuseRecovery,
            &by,
            at,
        ))
    }

    /// Nobody confirmed it within so many seconds, or its project ended meanwhile.
    ///
    /// # Errors
    /// If it was not asked for, or there is time left.
    pub fn lapse(
        self,
        project: &Project,
        within_s: i64,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let core = self.must_be_asked(Action::LapseRecovery)?;
        let until = core
            .asked_at
            .checked_add(SignedDuration::from_secs(within_s))
            .unwrap_or(Timestamp::MAX);
        must_be_over(project, until, at)?;
        let to = Self::Lapsed { core };
        Ok(Change::new(to, Action::LapseRecovery, &By::System, at))
    }

    /// Its time is over, or its project ended.
    ///
    /// # Errors
    /// If it is not open, or there is time left.
    pub fn expire(self, project: &Project, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let (core, opening) = self.must_be_open(Action::ExpireRecovery)?;
        must_be_over(project, opening.until, at)?;
        let to = Self::Ended { core, opening, at };
        Ok(Change::new(to, Action::ExpireRecovery, &By::System, at))
    }

    /// Somebody ends it before its time.
    ///
    /// # Errors
    /// If it is not open.
    pub fn end(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let (core, opening) = self.must_be_open(Action::EndRecovery)?;
        let to = Self::Ended { core, opening, at };
        let by = By::Person(by.clone());
        Ok(Change::new(to, Action::EndRecovery, &by, at))
    }

    /// One of the two reads the statements that are saved in the workspace: so many.
    ///
    /// # Errors
    /// If it gives nothing now, or the person is neither of the two.
    pub fn read(
        self,
        project: &InForce,
        statements: u64,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let opening = self.must_give(Action::ReadRecovery, project, at)?;
        if *by != self.core().asked_by && *by != opening.confirmed_by {
            return Err(Refusal::NotTheAuthor(Self::KIND));
        }
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::ReadRecovery, &by, at).fact("statements", statements))
    }

    /// The asker hands the statements of somebody who left to somebody of the project: so many.
    ///
    /// # Errors
    /// As [`Recovery::must_hand`].
    pub fn hand_over_statements(
        self,
        project: &InForce,
        (from, to): (&Person, &Permit),
        statements: u64,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.must_hand(Action::HandOverStatements, project, (from, to), by, at)?;
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::HandOverStatements, &by, at)
            .fact("from", &from.id)
            .fact("to", to.person())
            .fact("statements", statements))
    }

    /// Whether what somebody left may be handed to somebody else now.
    ///
    /// # Errors
    /// If it gives nothing now, somebody else than the asker hands it over, whoever has it may still work in the
    /// project, or the other's permit is for another project.
    pub(crate) fn must_hand(
        &self,
        action: Action,
        project: &InForce,
        (from, to): (&Person, &Permit),
        by: &PersonId,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        self.must_give(action, project, at)?;
        if *by != self.core().asked_by {
            return Err(Refusal::NotTheAuthor(Self::KIND));
        }
        if project.permit(from, at).is_ok() {
            return Err(Refusal::StillHere(from.id.clone()));
        }
        to.must_cover(to.person(), at)?;
        if *to.project() != project.core.id {
            return Err(Refusal::NotAMember);
        }
        Ok(())
    }

    /// Whether it gives anything at this moment, swept or not.
    fn must_give(
        &self,
        action: Action,
        project: &InForce,
        at: Timestamp,
    ) -> Result<Opening, Refusal> {
        let (core, opening) = self.clone().must_be_open(action)?;
        core.must_be_of(project)?;
        if at >= opening.until {
            return Err(Refusal::RecoveryOver(opening.until));
        }
        project.live_at(at)?;
        Ok(opening)
    }

    fn must_be_asked(self, action: Action) -> Result<Core, Refusal> {
        let state = self.state();
        match self {
            Self::Asked { core } => Ok(core),
            Self::Open { .. } | Self::Ended { .. } | Self::Refused { .. } | Self::Lapsed { .. } => {
                Err(action.wrong_state(Self::KIND, state))
            }
        }
    }

    fn must_be_open(self, action: Action) -> Result<(Core, Opening), Refusal> {
        let state = self.state();
        match self {
            Self::Open { core, opening } => Ok((core, opening)),
            Self::Asked { .. }
            | Self::Ended { .. }
            | Self::Refused { .. }
            | Self::Lapsed { .. } => Err(action.wrong_state(Self::KIND, state)),
        }
    }
}

impl Core {
    /// Whether the one who asked and the one who confirmed are two people of two roles, neither of them among the
    /// project's people. Whoever may have left since was fit then: that is asked when it is confirmed.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn of_two_people(
        &self,
        people: &BTreeSet<PersonId>,
        controllers: &BTreeSet<PersonId>,
        asker: &Person,
        confirmer: &Person,
    ) -> Result<(), Refusal> {
        if asker.id != self.asked_by {
            return Err(Refusal::Elsewhere("this recovery"));
        }
        may_ask(asker, people)?;
        self.may_confirm(people, controllers, confirmer)
    }

    fn may_confirm(
        &self,
        people: &BTreeSet<PersonId>,
        controllers: &BTreeSet<PersonId>,
        by: &Person,
    ) -> Result<(), Refusal> {
        if by.id == self.asked_by {
            return Err(Refusal::SamePersonTwice(by.id.clone()));
        }
        let steward = by.roles.contains(&Role::DataSteward);
        let controller = by.roles.contains(&Role::Controller) && controllers.contains(&by.id);
        // Somebody who may ask confirms nothing: people of one role look after each other.
        if !(steward || controller) || by.roles.contains(&Role::Administrator) {
            return Err(Refusal::NotTheRole(CONFIRMER));
        }
        must_not_be_among(people, by)
    }

    fn must_be_of(&self, project: &InForce) -> Result<(), Refusal> {
        if self.project == project.core.id {
            Ok(())
        } else {
            Err(Refusal::Elsewhere("this recovery"))
        }
    }
}

const ASKER: &str = "an administrator";
const CONFIRMER: &str = "a data steward or a controller of the project's datasets";

fn may_ask(by: &Person, people: &BTreeSet<PersonId>) -> Result<(), Refusal> {
    if !by.roles.contains(&Role::Administrator) {
        return Err(Refusal::NotTheRole(ASKER));
    }
    must_not_be_among(people, by)
}

fn must_be_active(by: &Person, who: &'static str) -> Result<(), Refusal> {
    match by.activity {
        Activity::Active => Ok(()),
        Activity::Retired => Err(Refusal::NotTheRole(who)),
    }
}

fn must_not_be_among(people: &BTreeSet<PersonId>, by: &Person) -> Result<(), Refusal> {
    if people.contains(&by.id) {
        return Err(Refusal::OnTheProject(by.id.clone()));
    }
    Ok(())
}

/// Whether a time is over, or a project in force no more.
fn must_be_over(project: &Project, until: Timestamp, at: Timestamp) -> Result<(), Refusal> {
    let live = matches!(project, Project::InForce(in_force) if in_force.live_at(at).is_ok());
    if live && at < until {
        return Err(Refusal::StillOpen(until));
    }
    Ok(())
}
