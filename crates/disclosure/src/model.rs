//! Models that a researcher names: what an output checker asks of a regression beside its coefficients. Survival
//! curves are in [`crate::survival`].
//!
//! A model is judged by the tables behind it and by its design. The tables are statements like any others, judged by
//! the same rules and compared with everything released: who has a value everywhere, each level of each category, by
//! outcome where the outcome is yes or no. Where a model holds categories alone, its coefficients are those tables:
//! by the score equations of a linear and a logistic model (McCullagh and Nelder 1989, 2.5 and 4.4) the fitted and
//! the observed outcome have one sum over each level. Then the outcome's mean by level is judged too. The design
//! gives degrees of freedom and the greatest leverage: the share that one person has in their own fitted value.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::report::{CellReport, Finding, Key, Output, Report, Rule, Status, Told, Verdict};
use crate::{Datum, Policy, survival};

/// Most terms of a model.
const TERMS_MAX: usize = 20;

/// What kind of model it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// Least squares.
    Linear,
    /// Logistic regression by maximum likelihood, of an outcome that is yes or no.
    Logistic,
}

/// A model as a researcher names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Which kind.
    pub family: Family,
    /// The table whose rows are its observations.
    pub table: String,
    /// The column that is explained.
    pub outcome: String,
    /// Columns that explain it, and products of two, written `age:sex`.
    pub terms: Vec<String>,
    /// Numbers among them that name groups.
    #[serde(default)]
    pub categorical: Vec<String>,
}

/// Why a model was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SpecError {
    /// Not TOML, or a key of the wrong type.
    #[error("the model is not valid: {0}")]
    Invalid(String),
    /// None, or more than a reader can follow.
    #[error("a model has 1 to {TERMS_MAX} terms, not {0}")]
    Terms(usize),
    /// Neither a column nor a product of two.
    #[error("the term {0} is neither a column nor a product of two columns such as age:sex")]
    Term(String),
    /// Named twice, or the outcome itself.
    #[error("the term {0} comes twice or is the outcome")]
    Again(String),
    /// A group that no term uses.
    #[error("{0} is named categorical and is in no term")]
    Unused(String),
    /// A column with two parts in a survival curve.
    #[error("the column {0} is named twice among time, event and strata")]
    Twice(String),
    /// More columns than a reader can follow.
    #[error("a survival curve has at most {0} columns of strata")]
    Strata(usize),
    /// A name with two meanings in what is shown.
    #[error("the curve has a column named {0} of its own: give the stratum another name")]
    Taken(String),
    /// Times rounded to nothing.
    #[error("every is a number above nought, in the unit of the time")]
    Every,
}

/// What a researcher asks for in the file of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// A regression.
    Regression(Spec),
    /// A survival curve, and what the policy asks of its steps.
    Survival(survival::Spec, survival::Rules),
}

impl Asked {
    /// Reads strict TOML, whose `family` says what else it holds.
    ///
    /// # Errors
    /// If it is not TOML, has other keys, or what it names cannot be.
    pub fn parse(text: &str, policy: &Policy) -> Result<Self, SpecError> {
        let Named { family } = read(text)?;
        match family.as_str() {
            "linear" | "logistic" => Spec::parse(text).map(Self::Regression),
            "kaplan_meier" => {
                let spec: survival::Spec = read(text)?;
                Ok(Self::Survival(spec.checked()?, survival::Rules::of(policy)))
            }
            other => Err(SpecError::Invalid(format!(
                "the family {other} is none of linear, logistic and kaplan_meier"
            ))),
        }
    }
}

/// The one key that every model has.
#[derive(Deserialize)]
struct Named {
    family: String,
}

fn read<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, SpecError> {
    toml::from_str(text).map_err(|error| SpecError::Invalid(error.message().replace('\n', " ")))
}

/// What the worker found of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fitted {
    /// A regression's design and fit.
    Regression(Design),
    /// Who leaves when, of a survival curve.
    Survival(survival::Curve),
}

impl Fitted {
    /// Whether it is of what was asked for.
    pub fn answers(&self, asked: &Asked) -> bool {
        match (self, asked) {
            (Self::Regression(design), Asked::Regression(spec)) => design.spec == *spec,
            (Self::Survival(curve), Asked::Survival(spec, _)) => curve.spec == *spec,
            (Self::Regression(_), Asked::Survival(..))
            | (Self::Survival(_), Asked::Regression(_)) => false,
        }
    }

    /// The answer about it, from the answer about the tables behind it.
    pub fn judge(&self, tables: Report, policy: &Policy) -> Report {
        match self {
            Self::Regression(design) => judge(design, tables, policy),
            Self::Survival(curve) => survival::judge(curve, tables, policy),
        }
    }
}

impl Spec {
    /// Reads strict TOML.
    ///
    /// # Errors
    /// If it is not TOML, has other keys, or its terms cannot be.
    pub fn parse(text: &str) -> Result<Self, SpecError> {
        let spec: Self = read(text)?;
        spec.checked()
    }

    /// The same model, if its terms can be.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn checked(self) -> Result<Self, SpecError> {
        if !(1..=TERMS_MAX).contains(&self.terms.len()) {
            return Err(SpecError::Terms(self.terms.len()));
        }
        let mut seen = BTreeSet::new();
        for term in &self.terms {
            let mut columns: Vec<String> = factors(term).map(str::to_lowercase).collect();
            if columns.len() > 2 || columns.iter().any(String::is_empty) {
                return Err(SpecError::Term(term.clone()));
            }
            columns.sort();
            let twice = columns
                .iter()
                .zip(columns.iter().skip(1))
                .any(|(a, b)| a == b);
            let outcome = columns.contains(&self.outcome.to_lowercase());
            if twice || outcome || !seen.insert(columns) {
                return Err(SpecError::Again(term.clone()));
            }
        }
        let used = self.columns();
        let unused = |name: &&String| !used.iter().any(|column| column.eq_ignore_ascii_case(name));
        match self.categorical.iter().find(unused) {
            Some(name) => Err(SpecError::Unused(name.clone())),
            None => Ok(self),
        }
    }

    /// The columns that explain, each once.
    pub fn columns(&self) -> Vec<&str> {
        let mut columns: Vec<&str> = Vec::new();
        for column in self.terms.iter().flat_map(|term| factors(term)) {
            if !columns
                .iter()
                .any(|known| known.eq_ignore_ascii_case(column))
            {
                columns.push(column);
            }
        }
        columns
    }

    fn in_words(&self) -> String {
        let family = match self.family {
            Family::Linear => "linear",
            Family::Logistic => "logistic",
        };
        format!(
            "{family} model of {} on {} from {}",
            self.outcome,
            self.terms.join(" + "),
            self.table
        )
    }
}

/// The columns of a term.
pub fn factors(term: &str) -> impl Iterator<Item = &str> {
    term.split(':').map(str::trim)
}

/// A coefficient.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coefficient {
    /// What it belongs to: `(intercept)`, `age`, `sex=M`, `age:sex=M`.
    pub term: String,
    /// The estimate, in units of the outcome; of a logistic model, a log odds.
    pub estimate: f64,
    /// Its standard error.
    pub error: f64,
}

/// What the worker found of a model's design.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// The model.
    pub spec: Spec,
    /// People who have a value everywhere.
    pub people: u64,
    /// Their rows.
    pub rows: u64,
    /// Whether a number is among the terms; else the model is its tables.
    pub continuous: bool,
    /// The greatest leverage of one person, between 0 and the number of parameters.
    pub leverage: f64,
    /// The share of the outcome's spread that is left, of a linear model: 0 means that every value can be computed.
    pub left: Option<f64>,
    /// The coefficients, the intercept first.
    pub coefficients: Vec<Coefficient>,
}

/// What is wrong with a design.
fn of_design(design: &Design, policy: &Policy) -> Vec<Finding> {
    let mut findings = Vec::new();
    let parameters = u64::try_from(design.coefficients.len()).unwrap_or(u64::MAX);
    let freedom = design.people.saturating_sub(parameters);
    if let Some(minimum) = policy.degrees_of_freedom()
        && freedom < minimum
    {
        findings.push(found(
            Rule::DegreesOfFreedom,
            format!("{} people and {parameters} parameters leave {freedom} degrees of freedom; {minimum} are needed", design.people),
        ));
    }
    if let Some(rule) = policy.dominance()
        && (design.leverage > rule.k || design.leverage.is_nan())
    {
        findings.push(found(
            Rule::Dominance,
            format!(
                "one person makes up {:.0} % of their own fitted value (leverage); {:.0} % is the most",
                design.leverage.min(1.0) * 100.0,
                rule.k * 100.0
            ),
        ));
    }
    // Rounding of the sums leaves some 1e-12 where nothing is left.
    if design.left.is_some_and(|left| left < 1e-9) {
        findings.push(found(
            Rule::AllSame,
            "the model gives every value of the outcome: nothing is left unexplained".into(),
        ));
    }
    findings
}

/// The answer about a model, from its design and the answer about the tables behind it.
///
/// A model cannot be treated: it leaves whole or not at all.
pub fn judge(design: &Design, tables: Report, policy: &Policy) -> Report {
    let mut findings = of_design(design, policy);
    if tables.verdict != Verdict::Pass {
        findings.push(found(
            Rule::Threshold,
            "a table behind the model may not leave as it is; its cells stand below".into(),
        ));
    }
    let broken = !findings.is_empty();
    let verdict = match (broken, tables.verdict) {
        (false, _) => Verdict::Pass,
        (true, Verdict::Review) if findings.len() == 1 => Verdict::Review,
        (true, _) => Verdict::Fail,
    };
    let outputs = vec![output(design, verdict, &findings)];
    Report::over(verdict, outputs, findings, tables, policy)
}

fn output(design: &Design, verdict: Verdict, findings: &[Finding]) -> Output {
    let status = match verdict {
        Verdict::Pass => Status::Ok,
        Verdict::Review => Status::Review,
        Verdict::Treat | Verdict::Fail => Status::Primary,
    };
    let text = |text: &str| Datum::Text(text.to_owned());
    let number = |value: f64| Datum::Number(format!("{value}"));
    let cells = design.coefficients.iter().map(|one| CellReport {
        key: Key(vec![("term".into(), text(&one.term))]),
        column: "estimate".into(),
        people: design.people,
        status,
        findings: findings.to_vec(),
        told: Told::Whole,
    });
    let rows = design
        .coefficients
        .iter()
        .map(|one| vec![text(&one.term), number(one.estimate), number(one.error)]);
    Output {
        statement: design.spec.in_words(),
        class: "regression",
        columns: ["term", "estimate", "std_error"].map(String::from).to_vec(),
        rows: rows.collect(),
        cells: cells.collect(),
        treated_rows: Vec::new(),
    }
}

fn found(rule: Rule, detail: String) -> Finding {
    Finding {
        rule,
        detail,
        told: Told::Whole,
    }
}

#[cfg(test)]
mod tests;
