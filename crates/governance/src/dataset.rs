//! Datasets: what a controller answers for, its data dictionary, and the controller's standing instruction.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle, Tie, TieKind};
use crate::ids::{DatasetId, PersonId, ProjectId};
use crate::measure::Loss;
use crate::project::InForce;
use crate::refusal::Refusal;

/// Most columns of one dataset.
pub const COLUMNS_MAX: usize = 2_000;

/// What a dataset is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The population register that others are linked to. Identifiers only.
    Spine,
    /// A list of people who object to the use of their data. Identifiers only.
    Objections,
    /// Records to be linked and used.
    Payload,
}

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnKind {
    /// UTF-8 text.
    Text,
    /// 64-bit signed integer.
    Integer,
    /// Finite 64-bit number.
    Number,
    /// `YYYY-MM-DD`.
    Date,
    /// Date of birth: reaches an extract only as an age or a month.
    DateOfBirth,
    /// Postcode: reaches an extract only as an area.
    Postcode,
}

/// A variable of the data dictionary.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variable {
    /// Column name in deliveries.
    pub name: String,
    /// What its values are.
    pub kind: ColumnKind,
    /// Whether every row must have a value.
    #[serde(default)]
    pub required: bool,
    /// Description for the catalogue.
    #[serde(default)]
    pub description: String,
}

/// What happens to payload rows whose record number is not among the identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unmatched {
    /// The delivery is refused whole.
    Refuse,
    /// They are kept, counted, and never linked.
    Keep,
}

/// How a dataset is delivered and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dictionary {
    /// Title for people.
    pub title: String,
    /// Name of the table in extracts and of `from` in queries.
    pub table: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Column that holds the provider's record number, in both files.
    pub record: String,
    /// Identifier column to linkage role.
    pub identifiers: BTreeMap<String, String>,
    /// Payload column that numbers an event, if rows are events.
    #[serde(default)]
    pub event: Option<String>,
    /// Payload variables.
    #[serde(default)]
    pub variables: Vec<Variable>,
    /// What happens to payload rows without identifiers.
    #[serde(default = "refuse")]
    pub unmatched: Unmatched,
}

fn refuse() -> Unmatched {
    Unmatched::Refuse
}

impl Dictionary {
    /// Whether names are plain, distinct and complete.
    ///
    /// # Errors
    /// The first fault, in words.
    pub fn validate(&self) -> Result<(), Refusal> {
        let invalid = |text: String| Err(Refusal::Invalid(text));
        if self.title.trim().is_empty() || self.title.chars().count() > 200 {
            return invalid("a dataset needs a title of at most 200 characters".into());
        }
        if !plain(&self.table) {
            return invalid("the table name must be lower-case letters, digits and _".into());
        }
        if self.identifiers.is_empty() {
            return invalid("a dataset needs at least one identifier column".into());
        }
        if self.variables.len() > COLUMNS_MAX || self.identifiers.len() > 64 {
            return invalid(format!(
                "a dataset has at most {COLUMNS_MAX} variables and 64 identifiers"
            ));
        }
        let mut seen = BTreeSet::new();
        for variable in &self.variables {
            let name = &variable.name;
            self.must_not_identify(variable)?;
            if !plain(name) || RESERVED.contains(&name.as_str()) {
                return invalid(format!("{name:?} cannot be the name of a variable"));
            }
            if !seen.insert(name) {
                return invalid(format!("the variable {name:?} is declared twice"));
            }
        }
        match self.purpose {
            Purpose::Payload if self.variables.is_empty() => {
                invalid("a payload dataset needs at least one variable".into())
            }
            Purpose::Spine | Purpose::Objections if !self.variables.is_empty() => {
                invalid("a spine or an objection list holds identifiers only".into())
            }
            Purpose::Payload | Purpose::Spine | Purpose::Objections => Ok(()),
        }
    }

    /// No variable is a column that identifies, under the same name in large or small letters. Dates of birth and postcodes may be
    /// declared as such: no transform lets them through as delivered. What describes more than it
    /// identifies (sex, locality, region) may be both; the event number may be, since only its order can be
    /// asked for.
    fn must_not_identify(&self, variable: &Variable) -> Result<(), Refusal> {
        let name = &variable.name;
        let is = |what: &str| {
            Err(Refusal::Invalid(format!(
                "{name:?} is {what} and cannot be a variable as well"
            )))
        };
        if name.eq_ignore_ascii_case(&self.record) {
            return is("the record number");
        }
        let same = |(column, _): &(&String, &String)| column.eq_ignore_ascii_case(name);
        for (_, role) in self.identifiers.iter().filter(same) {
            match (role.as_str(), variable.kind) {
                ("sex" | "locality" | "region", _)
                | ("date_of_birth", ColumnKind::DateOfBirth)
                | ("postcode", ColumnKind::Postcode) => {}
                _ => return is("an identifier"),
            }
        }
        Ok(())
    }

    /// The variable of this name.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&Variable> {
        self.variables.iter().find(|v| v.name == name)
    }
}

/// Names that an extract gives itself.
const RESERVED: [&str; 3] = ["person", "event", "record"];

/// Whether a name can stand in SQL without quotes and in a file name.
#[must_use]
pub fn plain(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && name.len() <= 63
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// A controller's signed, dated instruction: what may be done with its dataset without a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instruction {
    /// Signed on.
    pub on: Date,
    /// In force until this day, included.
    pub until: Date,
    /// Counts of people for those who plan a study, if they are allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feasibility: Option<Feasibility>,
}

/// What a controller allows of its dataset to whoever plans a study: how many people satisfy some conditions,
/// under differential privacy, paid from the budget of its people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feasibility {
    /// The project whose extract answers: applied for, approved, linked and sealed like any other.
    pub project: ProjectId,
    /// What each count costs, in billionths of rho.
    pub nano_rho: u64,
}

/// A dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Id.
    pub id: DatasetId,
    /// Who answers for it.
    pub controller: PersonId,
    /// Who delivers its identifiers.
    pub identifiers_from: PersonId,
    /// Who delivers its payload.
    pub payload_from: PersonId,
    /// What it holds.
    pub dictionary: Dictionary,
    /// The controller's standing instruction to load and index, if given.
    pub instruction: Option<Instruction>,
}

impl Lifecycle for Dataset {
    const KIND: &'static str = "dataset";
    fn id(&self) -> &str {
        self.id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        None
    }
    fn state(&self) -> &'static str {
        match self.instruction {
            None => "registered",
            Some(_) => "instructed",
        }
    }
    fn title(&self) -> &str {
        &self.dictionary.title
    }
    fn ties(&self) -> BTreeSet<Tie> {
        [&self.controller, &self.identifiers_from, &self.payload_from]
            .map(|person| Tie::new(TieKind::On, person))
            .into()
    }
}

impl Dataset {
    /// Enters a dataset in the catalogue.
    ///
    /// # Errors
    /// If the dictionary has a fault or one person would deliver both sides.
    pub fn register(
        id: DatasetId,
        controller: PersonId,
        identifiers_from: PersonId,
        payload_from: PersonId,
        dictionary: Dictionary,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        dictionary.validate()?;
        if identifiers_from == payload_from {
            return Err(Refusal::SameProviderTwice);
        }
        let variables = u64::try_from(dictionary.variables.len()).unwrap_or(u64::MAX);
        let dataset = Self {
            id,
            controller,
            identifiers_from,
            payload_from,
            dictionary,
            instruction: None,
        };
        let controller = dataset.controller.clone();
        let by = By::Person(by.clone());
        Ok(Change::new(dataset, Action::RegisterDataset, &by, at)
            .fact("controller", &controller)
            .fact("variables", variables))
    }

    /// The controller's instruction to load deliveries and index them for approved projects.
    ///
    /// # Errors
    /// If somebody else gives it, or it would end before it begins.
    pub fn instruct(
        mut self,
        until: Date,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.must_control(by)?;
        let on = crate::day_of(at);
        if until < on {
            return Err(Refusal::Invalid(
                "an instruction must end today or later".into(),
            ));
        }
        // A longer instruction goes on with what it allowed.
        let feasibility = self.instruction.take().and_then(|i| i.feasibility);
        self.instruction = Some(Instruction {
            on,
            until,
            feasibility,
        });
        Ok(
            Change::new(self, Action::GiveInstruction, &By::Person(by.clone()), at)
                .fact("until", &until),
        )
    }

    /// Takes the instruction back.
    ///
    /// # Errors
    /// If somebody else does, or there is none.
    pub fn withdraw_instruction(
        mut self,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.must_control(by)?;
        if self.instruction.take().is_none() {
            return Err(Action::WithdrawInstruction.wrong_state(Self::KIND, "registered"));
        }
        Ok(Change::new(
            self,
            Action::WithdrawInstruction,
            &By::Person(by.clone()),
            at,
        ))
    }

    /// Allows counts of people to whoever plans a study, as part of the instruction in force.
    ///
    /// # Errors
    /// If somebody else does, no instruction is in force, the project is not live or does not include the
    /// dataset, or a count would cost nothing or more than a question may.
    pub fn allow_feasibility(
        mut self,
        project: &InForce,
        nano_rho: u64,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.must_control(by)?;
        if self.instruction.is_none() {
            return Err(Action::AllowFeasibility.wrong_state(Self::KIND, "registered"));
        }
        self.instructed_at(at)?;
        project.live_at(at)?;
        project.must_include(&self.id)?;
        Loss::of_rho(nano_rho).must_be_a_price()?;
        let id = project.core.id.clone();
        if let Some(instruction) = &mut self.instruction {
            instruction.feasibility = Some(Feasibility {
                project: id.clone(),
                nano_rho,
            });
        }
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::AllowFeasibility, &by, at)
            .fact("through", &id)
            .fact("nano_rho", nano_rho))
    }

    /// Allows no more counts.
    ///
    /// # Errors
    /// If somebody else does, or none are allowed.
    pub fn end_feasibility(
        mut self,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        self.must_control(by)?;
        let Some(instruction) = &mut self.instruction else {
            return Err(Action::EndFeasibility.wrong_state(Self::KIND, "registered"));
        };
        if instruction.feasibility.take().is_none() {
            return Err(Refusal::NoFeasibility(self.id));
        }
        let by = By::Person(by.clone());
        Ok(Change::new(self, Action::EndFeasibility, &by, at))
    }

    /// What counts are allowed of at a moment.
    ///
    /// # Errors
    /// If no instruction is in force, or it allows none.
    pub fn feasibility_at(&self, at: Timestamp) -> Result<&Feasibility, Refusal> {
        self.instructed_at(at)?;
        let allowed = self.instruction.as_ref();
        allowed
            .and_then(|instruction| instruction.feasibility.as_ref())
            .ok_or_else(|| Refusal::NoFeasibility(self.id.clone()))
    }

    /// Whether the controller's instruction is in force at a moment.
    ///
    /// # Errors
    /// If none is.
    pub fn instructed_at(&self, at: Timestamp) -> Result<(), Refusal> {
        let day = crate::day_of(at);
        match &self.instruction {
            Some(instruction) if instruction.on <= day && day <= instruction.until => Ok(()),
            Some(_) | None => Err(Refusal::NoInstruction(self.id.clone())),
        }
    }

    pub(crate) fn must_control(&self, by: &PersonId) -> Result<(), Refusal> {
        if *by == self.controller {
            Ok(())
        } else {
            Err(Refusal::NotTheController(self.id.clone()))
        }
    }
}
