//! What a statement puts on the screen of a workspace.

use serde::{Deserialize, Serialize};

use crate::desktop::LockedDesktop;
use crate::ids::Sha256;
use crate::refusal::Refusal;
use crate::request::View;

/// What the screen of a workspace shows of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "shows", rename_all = "snake_case", deny_unknown_fields)]
pub enum Screen {
    /// Its checked result.
    #[default]
    Checked,
    /// Its rows.
    Rows {
        /// Where they are looked at.
        desktop: LockedDesktop,
    },
}

impl Screen {
    /// The view level that it needs.
    #[must_use]
    pub fn view(&self) -> View {
        match self {
            Self::Checked => View::Aggregates,
            Self::Rows { .. } => View::Rows,
        }
    }

    pub(super) fn is_checked(&self) -> bool {
        self.view() == View::Aggregates
    }
}

/// A statement for the screen of a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Hash of its text.
    pub sha256: Sha256,
    /// What the screen shows of it.
    pub screen: Screen,
}

/// Whether a screen may show what it is to show: rows only where all of these say so.
///
/// # Errors
/// If one does not.
pub fn must_be_approved(shown: View, approved: [View; 2]) -> Result<(), Refusal> {
    match shown {
        View::Rows if approved.contains(&View::Aggregates) => {
            Err(Refusal::NotApproved("showing rows"))
        }
        View::Rows | View::Aggregates => Ok(()),
    }
}
