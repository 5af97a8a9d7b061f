//! People: their roles and the standing that lets them near data.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::{PersonId, ProjectId};
use crate::refusal::Refusal;

/// Most characters of a name or an organisation.
pub const NAME_MAX: usize = 200;

/// The roles of the safe haven. The public has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Asks for data and analyses it.
    Researcher,
    /// Keeps applications moving, records standing and papers, puts projects in force.
    Coordinator,
    /// Votes on applications.
    PanelMember,
    /// Closes a panel's decision.
    PanelChair,
    /// Decides for a dataset.
    Controller,
    /// Delivers a dataset's identifiers or payload.
    Provider,
    /// Links identifiers to the spine; sees no payload.
    Indexer,
    /// Registers datasets and orders extracts.
    DataSteward,
    /// Reviews outputs.
    OutputChecker,
    /// Reads the log.
    Auditor,
    /// Adds people. Holds no data, vote or release right.
    Administrator,
}

impl Role {
    /// Every role, in the order of the reference pages.
    pub const ALL: [Self; 11] = [
        Self::Researcher,
        Self::Coordinator,
        Self::PanelMember,
        Self::PanelChair,
        Self::Controller,
        Self::Provider,
        Self::Indexer,
        Self::DataSteward,
        Self::OutputChecker,
        Self::Auditor,
        Self::Administrator,
    ];

    /// The word of the glossary, as policies and the command line write it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Researcher => "researcher",
            Self::Coordinator => "coordinator",
            Self::PanelMember => "panel_member",
            Self::PanelChair => "panel_chair",
            Self::Controller => "controller",
            Self::Provider => "provider",
            Self::Indexer => "indexer",
            Self::DataSteward => "data_steward",
            Self::OutputChecker => "output_checker",
            Self::Auditor => "auditor",
            Self::Administrator => "administrator",
        }
    }
}

/// Whether a person may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activity {
    /// May sign in and act within their roles.
    Active,
    /// Left, or was shut out. Every right is gone.
    Retired,
}

/// A person with roles and standing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// Id; the only thing about a person that the log ever holds.
    pub id: PersonId,
    /// Name as shown on pages.
    pub name: String,
    /// Organisation.
    pub organisation: String,
    /// Roles held.
    pub roles: BTreeSet<Role>,
    /// Researcher accreditation is valid until this day, included.
    pub accreditation_until: Option<Date>,
    /// Information-governance training is valid until this day, included.
    pub training_until: Option<Date>,
    /// Day the personal undertaking was signed.
    pub undertaking_on: Option<Date>,
    /// Whether the person may act.
    pub activity: Activity,
}

impl Lifecycle for Person {
    const KIND: &'static str = "person";
    fn id(&self) -> &str {
        self.id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        None
    }
    fn state(&self) -> &'static str {
        match self.activity {
            Activity::Active => "active",
            Activity::Retired => "retired",
        }
    }
    fn title(&self) -> &str {
        &self.name
    }
}

impl Person {
    /// Adds a person.
    ///
    /// # Errors
    /// If nobody may hold these roles together (identifiers and payload, or deciding and administering,
    /// are never in one pair of hands), or a name is missing or too long.
    pub fn add(
        id: PersonId,
        name: String,
        organisation: String,
        roles: BTreeSet<Role>,
        by: &By,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        for (one, other) in INCOMPATIBLE {
            if roles.contains(&one) && roles.contains(&other) {
                return Err(Refusal::Invalid(format!(
                    "one person cannot be both {} and {}; add two people",
                    one.word(),
                    other.word()
                )));
            }
        }
        let long = |text: &str| text.chars().count() > NAME_MAX;
        if name.trim().is_empty() || long(&name) || long(&organisation) {
            return Err(Refusal::Invalid(format!(
                "a person needs a name; name and organisation have at most {NAME_MAX} characters"
            )));
        }
        let words: Vec<String> = roles.iter().map(|r| r.word().to_owned()).collect();
        let person = Self {
            id,
            name,
            organisation,
            roles,
            accreditation_until: None,
            training_until: None,
            undertaking_on: None,
            activity: Activity::Active,
        };
        Ok(Change::new(person, Action::AddPerson, by, at).fact("roles", words))
    }

    /// Records accreditation, training and undertaking, which a coordinator has seen.
    ///
    /// # Errors
    /// If the person is retired, or records their own standing.
    pub fn record_standing(
        mut self,
        accreditation_until: Date,
        training_until: Date,
        undertaking_on: Date,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.must_be_active(Action::RecordStanding)?;
        if *by == self.id {
            return Err(Refusal::Invalid(
                "nobody records their own accreditation; ask another coordinator".into(),
            ));
        }
        self.accreditation_until = Some(accreditation_until);
        self.training_until = Some(training_until);
        self.undertaking_on = Some(undertaking_on);
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::RecordStanding, &by, at)
            .fact("accreditation_until", &accreditation_until)
            .fact("training_until", &training_until))
    }

    /// Invites a person again, who lost their password or their second factor. What they signed in with until
    /// now ends; the new invitation lies beside the log, and the leaf says that it was given.
    ///
    /// # Errors
    /// If the person is retired, or would invite themselves.
    pub fn invite(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        self.must_be_active(Action::InvitePerson)?;
        if *by == self.id {
            return Err(Refusal::Invalid(
                "nobody invites themselves; ask another administrator".into(),
            ));
        }
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::InvitePerson, &by, at))
    }

    /// Ends every right of a person.
    ///
    /// # Errors
    /// If the person is retired already.
    pub fn retire(mut self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        self.must_be_active(Action::RetirePerson)?;
        self.activity = Activity::Retired;
        Ok(Change::new(
            self,
            Action::RetirePerson,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// The person sets name, password and second factor of their own account. What is set lies beside the
    /// log; the leaf says that it was.
    ///
    /// # Errors
    /// If the person is retired, or somebody else would set it.
    pub fn set_credential(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        self.must_be_active(Action::SetCredential)?;
        if *by != self.id {
            return Err(Refusal::Invalid(
                "everybody sets their own password; nobody sets another's".into(),
            ));
        }
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::SetCredential, &by, at))
    }

    /// Ends every session and token of a person, who may sign in again.
    ///
    /// # Errors
    /// If the person is retired: then none is left.
    pub fn end_sessions(self, by: &PersonId, at: Timestamp) -> Result<Change<Self>, Refusal> {
        self.must_be_active(Action::EndSessions)?;
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::EndSessions, &by, at))
    }

    /// Whether the person may be near data on a day: active, accredited, trained, bound.
    ///
    /// # Errors
    /// The first thing that is missing or lapsed.
    pub fn fit_on(&self, day: Date) -> Result<(), Refusal> {
        let lacks = |what| {
            Err(Refusal::Standing {
                person: self.id.clone(),
                what,
                day,
            })
        };
        if self.activity == Activity::Retired {
            return lacks("active account");
        }
        if self.accreditation_until.is_none_or(|until| until < day) {
            return lacks("accreditation");
        }
        if self.training_until.is_none_or(|until| until < day) {
            return lacks("training");
        }
        if self.undertaking_on.is_none_or(|on| on > day) {
            return lacks("undertaking");
        }
        Ok(())
    }

    fn must_be_active(&self, action: Action) -> Result<(), Refusal> {
        match self.activity {
            Activity::Active => Ok(()),
            Activity::Retired => Err(action.wrong_state(Self::KIND, "retired")),
        }
    }
}

/// Pairs of roles that no person may hold together: separation of functions and of duties.
pub const INCOMPATIBLE: [(Role, Role); 12] = [
    (Role::Indexer, Role::DataSteward),
    (Role::Indexer, Role::Researcher),
    (Role::Indexer, Role::OutputChecker),
    (Role::Administrator, Role::PanelMember),
    (Role::Administrator, Role::PanelChair),
    (Role::Administrator, Role::Controller),
    (Role::Administrator, Role::OutputChecker),
    (Role::Administrator, Role::Researcher),
    (Role::Administrator, Role::Provider),
    (Role::Administrator, Role::Indexer),
    (Role::Administrator, Role::DataSteward),
    (Role::Auditor, Role::OutputChecker),
];
