//! What a researcher asks for: the application form, and the facts that place it in a tier.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::dataset::{ColumnKind, Dataset, Dictionary, Purpose};
use crate::ids::{DatasetId, PersonId};
use crate::refusal::Refusal;

/// Most characters of a summary.
pub const SUMMARY_MAX: usize = 2_500;
/// Most people on a project.
pub const PEOPLE_MAX: usize = 50;
/// Most datasets in one application.
pub const DATASETS_MAX: usize = 20;
/// Largest number of people behind a released number that an applicant or a condition can ask for.
pub const MINIMUM_CELL_MAX: u32 = 10_000;

/// An application as it is frozen at submission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Title for the public register.
    pub title: String,
    /// What it is about, in plain words.
    pub lay_summary: String,
    /// What the public gains.
    pub public_benefit: String,
    /// Everybody who will see data, the author among them.
    pub people: BTreeSet<PersonId>,
    /// What is asked for.
    pub datasets: Vec<DatasetRequest>,
    /// First day of access.
    pub start: Date,
    /// Last day of access.
    pub end: Date,
    /// Smallest number of people behind a released number that the applicant proposes.
    pub minimum_cell: u32,
    /// Whether a commercial party takes part.
    pub commercial: Commercial,
    /// What the screen of a workspace is to show.
    #[serde(default, skip_serializing_if = "View::is_aggregates")]
    pub view: View,
    /// Which results are to be released, in plain words; may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub outputs: String,
    /// What keeps those results safe, in plain words; may be left out.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub controls: String,
}

/// Whether a commercial party takes part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Commercial {
    /// None.
    None,
    /// At least one.
    Involved,
}

/// What the screen of a workspace may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Checked results only: the screen is an output.
    #[default]
    Aggregates,
    /// Rows of people as well, on a locked desktop and nowhere else.
    Rows,
}

impl View {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Aggregates => "aggregates",
            Self::Rows => "rows",
        }
    }

    // What is not asked for is not written, so that the bytes of other applications stay what they were.
    pub(crate) fn is_aggregates(&self) -> bool {
        *self == Self::Aggregates
    }
}

/// What is asked of one dataset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRequest {
    /// The dataset.
    pub dataset: DatasetId,
    /// The variables, each with its reason.
    pub variables: Vec<VariableRequest>,
    /// Whether rows carry an event pseudonym, so that tables of one event can be joined.
    #[serde(default)]
    pub event: EventPseudonym,
    /// Only rows that satisfy all of these.
    #[serde(default)]
    pub rows: Vec<RowFilter>,
}

/// Whether rows of an extract carry an event pseudonym.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EventPseudonym {
    /// No.
    #[default]
    Absent,
    /// Yes.
    Present,
}

/// One variable asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VariableRequest {
    /// Name in the extract.
    pub name: String,
    /// Variable of the data dictionary; the same as `name` when left out.
    #[serde(default)]
    pub source: Option<String>,
    /// How it is coarsened.
    #[serde(default)]
    pub transform: Transform,
    /// Why it is needed.
    pub why: String,
}

impl VariableRequest {
    /// Variable of the data dictionary.
    #[must_use]
    pub fn source(&self) -> &str {
        self.source.as_deref().unwrap_or(&self.name)
    }
}

/// How values are coarsened.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "snake_case", deny_unknown_fields)]
pub enum Transform {
    /// As delivered.
    #[default]
    Keep,
    /// Completed years at the date in another variable of the row; 90 and over becomes 90.
    AgeAt {
        /// Variable with the date.
        date: String,
    },
    /// First day of the month.
    YearMonth,
    /// Calendar year.
    Year,
    /// Outward code of a postcode.
    PostcodeDistrict,
    /// Letters of the outward code.
    PostcodeArea,
    /// Position among the person's rows, from 1.
    Order,
}

/// A condition on rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "snake_case", deny_unknown_fields)]
pub enum RowFilter {
    /// The value is one of these.
    In {
        /// Variable.
        column: String,
        /// Accepted values.
        values: Vec<String>,
    },
    /// The value lies between both, ends included.
    Between {
        /// Variable.
        column: String,
        /// Lowest.
        from: String,
        /// Highest.
        to: String,
    },
}

impl RowFilter {
    /// The variable that it reads.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::In { column, .. } | Self::Between { column, .. } => column,
        }
    }
}

/// The panel's two tiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Information-governance practitioners: clear-cut cases.
    One,
    /// The committee.
    Two,
}

/// What puts an application in tier two, and how many votes each tier needs (`policies/tiers.toml`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TierPolicy {
    /// Votes needed in tier one.
    pub quorum_one: u32,
    /// Votes needed in tier two.
    pub quorum_two: u32,
    /// Most controllers in tier one.
    pub controllers_max: u32,
    /// Most months of access in tier one.
    pub months_max: u32,
}

impl TierPolicy {
    /// Fewest votes that any site may ask for.
    pub const QUORUM_MIN: u32 = 3;

    /// Whether the numbers keep the floor that no site may lower.
    ///
    /// # Errors
    /// If a quorum is below three.
    pub fn validate(&self) -> Result<(), Refusal> {
        if self.quorum_one < Self::QUORUM_MIN || self.quorum_two < Self::QUORUM_MIN {
            return Err(Refusal::Invalid(
                "a panel's quorum cannot be below three".into(),
            ));
        }
        Ok(())
    }

    /// Votes needed.
    #[must_use]
    pub fn quorum(&self, tier: Tier) -> u32 {
        match tier {
            Tier::One => self.quorum_one,
            Tier::Two => self.quorum_two,
        }
    }

    /// The tier, from facts in the request.
    #[must_use]
    pub fn tier(&self, request: &Request, datasets: &BTreeMap<DatasetId, Dataset>) -> Tier {
        let controllers: BTreeSet<&PersonId> = request
            .datasets
            .iter()
            .filter_map(|d| datasets.get(&d.dataset).map(|d| &d.controller))
            .collect();
        let many = u32::try_from(controllers.len()).map_or(true, |n| n > self.controllers_max);
        let events = request
            .datasets
            .iter()
            .any(|d| d.event == EventPseudonym::Present);
        let days = request
            .end
            .since(request.start)
            .map_or(i32::MAX, |s| s.get_days());
        let long = i64::from(days) > i64::from(self.months_max) * 31;
        let rows = request.view == View::Rows;
        if many || events || long || rows || request.commercial == Commercial::Involved {
            Tier::Two
        } else {
            Tier::One
        }
    }
}

impl Request {
    /// Whether a person need not read it to know that it cannot be approved.
    ///
    /// # Errors
    /// The first fault, in words for the applicant.
    pub fn validate(
        &self,
        author: &PersonId,
        datasets: &BTreeMap<DatasetId, Dataset>,
    ) -> Result<(), Refusal> {
        let fault = |text: String| Err(Refusal::Form(text));
        for (what, text, max) in [
            ("title", &self.title, 200),
            ("lay summary", &self.lay_summary, SUMMARY_MAX),
            ("public benefit", &self.public_benefit, SUMMARY_MAX),
        ] {
            let length = text.chars().count();
            if text.trim().is_empty() || length > max {
                return fault(format!("the {what} must have 1 to {max} characters"));
            }
        }
        for (what, text) in [
            ("planned results", &self.outputs),
            ("controls", &self.controls),
        ] {
            if text.chars().count() > SUMMARY_MAX {
                return fault(format!(
                    "the {what} can have at most {SUMMARY_MAX} characters"
                ));
            }
        }
        if !self.people.contains(author) {
            return fault("the applicant must be among the people on the project".into());
        }
        if self.people.len() > PEOPLE_MAX {
            return fault(format!("a project has at most {PEOPLE_MAX} people"));
        }
        if self.end < self.start {
            return fault("the end date is before the start date".into());
        }
        if self.datasets.is_empty() || self.datasets.len() > DATASETS_MAX {
            return fault(format!("ask for 1 to {DATASETS_MAX} datasets"));
        }
        if self.minimum_cell > MINIMUM_CELL_MAX {
            return fault(format!(
                "at most {MINIMUM_CELL_MAX} people can be asked for behind a released number"
            ));
        }
        let (mut seen, mut tables) = (BTreeSet::new(), BTreeSet::new());
        for asked in &self.datasets {
            let Some(dataset) = datasets.get(&asked.dataset) else {
                return fault(format!("{} is not in the catalogue", asked.dataset));
            };
            if !seen.insert(&asked.dataset) {
                return fault(format!("{} is asked for twice", asked.dataset));
            }
            if dataset.dictionary.purpose != Purpose::Payload {
                return fault(format!(
                    "{} holds identifiers only and cannot be asked for",
                    asked.dataset
                ));
            }
            // An extract names its tables by the dictionaries.
            if !tables.insert(&dataset.dictionary.table) {
                return fault(format!(
                    "two of the datasets have the table {}: ask for them in two applications",
                    dataset.dictionary.table
                ));
            }
            asked.validate(&dataset.dictionary)?;
        }
        Ok(())
    }
}

impl DatasetRequest {
    fn validate(&self, dictionary: &Dictionary) -> Result<(), Refusal> {
        let table = &dictionary.table;
        let fault = |text: String| Err(Refusal::Form(format!("{table}: {text}")));
        if self.variables.is_empty() {
            return fault("ask for at least one variable".into());
        }
        if self.event == EventPseudonym::Present && dictionary.event.is_none() {
            return fault("the dataset numbers no events".into());
        }
        let mut names = BTreeSet::new();
        for asked in &self.variables {
            let name = &asked.name;
            if !crate::dataset::plain(name) || matches!(name.as_str(), "person" | "event") {
                return fault(format!("{name:?} cannot be the name of a variable"));
            }
            if !names.insert(name) {
                return fault(format!("{name} is asked for twice"));
            }
            if asked.why.trim().is_empty() {
                return fault(format!("{name} needs a reason"));
            }
            let Some(variable) = dictionary.variable(asked.source()) else {
                return fault(format!("{} is not in the data dictionary", asked.source()));
            };
            // The provider's own number of an event would lead back to its records.
            let numbered = dictionary.event.as_deref() == Some(asked.source());
            if numbered && asked.transform != Transform::Order {
                return fault(format!("{name} is the event number: ask for its order"));
            }
            fits(asked, variable.kind, dictionary)
                .or_else(|text| fault(format!("{name} {text}")))?;
        }
        for filter in &self.rows {
            let Some(variable) = dictionary.variable(filter.column()) else {
                return fault(format!("{} is not in the data dictionary", filter.column()));
            };
            let numbered = dictionary.event.as_deref() == Some(filter.column());
            if identifies(variable.kind) || numbered {
                return fault(format!("rows cannot be chosen by {}", filter.column()));
            }
            if matches!(filter, RowFilter::In { values, .. } if values.is_empty() || values.len() > 10_000)
            {
                return fault(format!(
                    "{} needs 1 to 10000 accepted values",
                    filter.column()
                ));
            }
        }
        Ok(())
    }
}

fn identifies(kind: ColumnKind) -> bool {
    matches!(kind, ColumnKind::DateOfBirth | ColumnKind::Postcode)
}

/// Whether a transform fits a kind of column. No identifier reaches a workspace as delivered.
fn fits(
    asked: &VariableRequest,
    kind: ColumnKind,
    dictionary: &Dictionary,
) -> Result<(), &'static str> {
    match (&asked.transform, kind) {
        (Transform::Keep, ColumnKind::DateOfBirth) => {
            Err("is a date of birth: ask for an age, a year or a month")
        }
        (Transform::Keep, ColumnKind::Postcode) => {
            Err("is a postcode: ask for its district or area")
        }
        (
            Transform::Keep,
            ColumnKind::Text | ColumnKind::Integer | ColumnKind::Number | ColumnKind::Date,
        )
        | (Transform::Year | Transform::YearMonth, ColumnKind::Date | ColumnKind::DateOfBirth)
        | (Transform::PostcodeDistrict | Transform::PostcodeArea, ColumnKind::Postcode)
        | (Transform::Order, ColumnKind::Integer | ColumnKind::Number | ColumnKind::Date) => Ok(()),
        (Transform::AgeAt { date }, ColumnKind::DateOfBirth) => match dictionary.variable(date) {
            Some(variable) if variable.kind == ColumnKind::Date => Ok(()),
            Some(_) | None => Err("needs a date variable of the same dataset to count the age at"),
        },
        (
            Transform::AgeAt { .. }
            | Transform::Year
            | Transform::YearMonth
            | Transform::PostcodeDistrict
            | Transform::PostcodeArea
            | Transform::Order,
            _,
        ) => Err("cannot be coarsened that way"),
    }
}
