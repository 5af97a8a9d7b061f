//! Accounts of privacy loss, at three levels, and what is booked in them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::loss::Loss;
use crate::ids::{BudgetId, PersonId, ProjectId};

/// Whose loss, or whose asking, an account counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The people in the data, for life, whoever asks.
    People,
    /// One project.
    Project,
    /// One researcher, in all their projects.
    Researcher,
}

/// An account: what was learnt of the people of one dataset family, in all, by one project, by one researcher.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Account {
    /// Of the family's people.
    People {
        /// The family's budget.
        budget: BudgetId,
    },
    /// Of a project, in this family.
    Project {
        /// The family's budget.
        budget: BudgetId,
        /// The project.
        project: ProjectId,
    },
    /// Of a researcher, in this family.
    Researcher {
        /// The family's budget.
        budget: BudgetId,
        /// The researcher.
        person: PersonId,
    },
}

impl Account {
    /// Its level.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::People { .. } => Level::People,
            Self::Project { .. } => Level::Project,
            Self::Researcher { .. } => Level::Researcher,
        }
    }

    /// Of which budget.
    #[must_use]
    pub fn budget(&self) -> &BudgetId {
        match self {
            Self::People { budget }
            | Self::Project { budget, .. }
            | Self::Researcher { budget, .. } => budget,
        }
    }

    /// For a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::People { budget } => format!("the people in {budget}"),
            Self::Project { budget, project } => format!("{project} in {budget}"),
            Self::Researcher { budget, person } => format!("{person} in {budget}"),
        }
    }
}

impl fmt::Display for Account {
    /// As the log and the store have it: `people:bud_a`, `project:bud_a:prj_b`, `researcher:bud_a:per_c`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::People { budget } => write!(f, "people:{budget}"),
            Self::Project { budget, project } => write!(f, "project:{budget}:{project}"),
            Self::Researcher { budget, person } => write!(f, "researcher:{budget}:{person}"),
        }
    }
}

/// Why a text is not an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an account of privacy loss")]
pub struct BadAccount;

impl FromStr for Account {
    type Err = BadAccount;
    fn from_str(text: &str) -> Result<Self, BadAccount> {
        let parts: Vec<&str> = text.split(':').collect();
        match parts.as_slice() {
            ["people", budget] => Ok(Self::People {
                budget: budget.parse().map_err(|_| BadAccount)?,
            }),
            ["project", budget, project] => Ok(Self::Project {
                budget: budget.parse().map_err(|_| BadAccount)?,
                project: project.parse().map_err(|_| BadAccount)?,
            }),
            ["researcher", budget, person] => Ok(Self::Researcher {
                budget: budget.parse().map_err(|_| BadAccount)?,
                person: person.parse().map_err(|_| BadAccount)?,
            }),
            _ => Err(BadAccount),
        }
    }
}

impl TryFrom<String> for Account {
    type Error = BadAccount;
    fn try_from(text: String) -> Result<Self, BadAccount> {
        text.parse()
    }
}

impl From<Account> for String {
    fn from(account: Account) -> String {
        account.to_string()
    }
}

/// What is done to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Held for a question, if what is held and spent stays within the cap.
    Hold {
        /// Both together may come to this and no more.
        cap: Loss,
        /// The cap is of this version of the budget; of any other the posting is refused.
        version: i64,
    },
    /// What was held is spent for good.
    Spend,
    /// What was held is given back.
    Free,
}

/// One booking in one account. Made only by the rules of a measurement, and booked by the store in the
/// transaction that writes its leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    pub(super) account: Account,
    pub(super) step: Step,
    pub(super) loss: Loss,
}

impl Posting {
    /// In which account.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }
    /// What is done.
    #[must_use]
    pub fn step(&self) -> Step {
        self.step
    }
    /// How much.
    #[must_use]
    pub fn loss(&self) -> Loss {
        self.loss
    }
}
