//! What the checker says: exactly the JSON that the command line prints.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::datum::{Plain, plain_rows};
use crate::{Datum, Policy, ResearcherReport};

/// The answer to "may this leave?".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Every cell satisfies every rule that is on.
    Pass,
    /// Some cells do not; the treated rows may leave.
    Treat,
    /// A person has to look: something cannot be counted, or its rule is not enforced.
    Review,
    /// No treatment helps.
    Fail,
}

/// The rules a finding can cite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Too few people behind a cell.
    Threshold,
    /// Nobody behind a cell.
    Zero,
    /// The largest contributors make up too much of a total.
    Dominance,
    /// The largest contributor can be estimated too closely.
    PPercent,
    /// Everybody has one value.
    AllSame,
    /// Too few degrees of freedom.
    DegreesOfFreedom,
    /// An extreme or a quantile is one person's value.
    EndPoint,
    /// A group is given away by the share of one cell.
    ClassDisclosure,
    /// Negative values.
    Negative,
    /// Missing values.
    Missing,
    /// Numbers that give others away by subtraction.
    Differencing,
    /// The people behind a number cannot be counted.
    Untraceable,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Threshold,
        Self::Zero,
        Self::Dominance,
        Self::PPercent,
        Self::AllSame,
        Self::DegreesOfFreedom,
        Self::EndPoint,
        Self::ClassDisclosure,
        Self::Negative,
        Self::Missing,
        Self::Differencing,
        Self::Untraceable,
    ];

    /// The name in policies and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Threshold => "threshold",
            Self::Zero => "zero",
            Self::Dominance => "dominance",
            Self::PPercent => "p_percent",
            Self::AllSame => "all_same",
            Self::DegreesOfFreedom => "degrees_of_freedom",
            Self::EndPoint => "end_point",
            Self::ClassDisclosure => "class_disclosure",
            Self::Negative => "negative",
            Self::Missing => "missing",
            Self::Differencing => "differencing",
            Self::Untraceable => "untraceable",
        }
    }
}

/// One thing the checker found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// The reason, for an output checker: it may hold counts.
    pub detail: String,
    #[serde(skip)]
    pub(crate) told: Told,
}

/// What a researcher may be told of a cell that is not ok, or of a finding about the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    /// Where it is, or what was found.
    Whole,
    /// What was found, in these words.
    Said(&'static str),
    /// That there is something of the kind: its key could be one person's, or its being there is what
    /// tells few people from none.
    Kind,
    /// Nothing: whether there is one depends on a condition that is judged nowhere.
    Nothing,
}

/// What became of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It satisfies every rule that is on.
    Ok,
    /// It breaks a rule.
    Primary,
    /// It has to be hidden to protect another. This build hides whole rows and never
    /// says so.
    Secondary,
    /// A person has to look.
    Review,
}

/// A cell's place: the values of the group keys, in the order of the statement.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub Vec<(String, Datum)>);

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        let mut map = out.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, &Plain(value))?;
        }
        map.end()
    }
}

/// One cell and what was found about it. Besides the cells of the table there are those
/// a reader can form (`total - part`), listed only where they are not ok.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellReport {
    /// Where.
    pub key: Key,
    /// The measure's column, or the subtraction that forms it.
    pub column: String,
    /// Distinct people with a value behind it.
    pub people: u64,
    /// What became of it.
    pub status: Status,
    /// Why.
    pub findings: Vec<Finding>,
    #[serde(skip)]
    pub(crate) told: Told,
}

/// One statement's answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Output {
    /// As submitted.
    pub statement: String,
    /// `table`, `rows` or `untraceable`.
    pub class: &'static str,
    /// Names of the result's columns.
    pub columns: Vec<String>,
    /// The result, row by row in the order of the columns.
    #[serde(serialize_with = "plain_rows")]
    pub rows: Vec<Vec<Datum>>,
    /// Every cell, also those that the table leaves out.
    pub cells: Vec<CellReport>,
    /// The rows that may leave instead; empty unless the verdict of the report is `treat`.
    #[serde(serialize_with = "plain_rows")]
    pub treated_rows: Vec<Vec<Datum>>,
}

/// Which policy was applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PolicyName {
    /// The name in the file.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// The threshold, where a condition raised it above the file's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raised_minimum: Option<u64>,
}

impl PolicyName {
    pub(crate) fn of(policy: &Policy) -> Self {
        Self {
            name: policy.name().to_owned(),
            sha256: policy.sha256().to_owned(),
            raised_minimum: policy.raised(),
        }
    }
}

/// The checker's rendering: everything. It holds counts under the threshold, so it
/// goes to output checkers alone; [`Report::for_researcher`] is for the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// The worst of the outputs.
    pub verdict: Verdict,
    /// One a statement.
    pub outputs: Vec<Output>,
    /// What concerns a whole output.
    pub findings: Vec<Finding>,
    /// The policy.
    pub policy: PolicyName,
    #[serde(skip)]
    pub(crate) minimum: u64,
}

impl Report {
    /// About outputs that were computed from tables: the tables stand behind them and leave in no form of their own.
    pub(crate) fn over(
        verdict: Verdict,
        mut outputs: Vec<Output>,
        mut findings: Vec<Finding>,
        tables: Self,
        policy: &Policy,
    ) -> Self {
        outputs.extend(tables.outputs.into_iter().map(|table| Output {
            class: "behind",
            treated_rows: Vec::new(),
            ..table
        }));
        findings.extend(tables.findings);
        Self {
            verdict,
            outputs,
            findings,
            policy: PolicyName::of(policy),
            minimum: policy.minimum(),
        }
    }

    /// Rule, place and remedy, without the counts and values that were found unsafe.
    pub fn for_researcher(&self) -> ResearcherReport {
        ResearcherReport::of(self)
    }
}
