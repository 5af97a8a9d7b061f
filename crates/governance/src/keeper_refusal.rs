//! What the keeper refused because the store held no decision for it. A front that asks for such a thing is
//! broken or taken over, so each refusal has its leaf, also where there is no job that could fail.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::ids::{KeeperRefusalId, ProjectId};

/// A refusal of the keeper, noted for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
pub enum KeeperRefusal {
    /// There is nothing more to it.
    Noted {
        /// Id, made by the keeper: the same refusal cannot be noted twice.
        id: KeeperRefusalId,
        /// What was asked for, such as `run`.
        ask: String,
        /// The id that was asked about, as far as it was one; may name nothing that exists.
        about: String,
    },
}

impl Lifecycle for KeeperRefusal {
    const KIND: &'static str = "keeper_refusal";
    fn id(&self) -> &str {
        let Self::Noted { id, .. } = self;
        id.as_str()
    }
    fn project(&self) -> Option<&ProjectId> {
        None
    }
    fn state(&self) -> &'static str {
        match self {
            Self::Noted { .. } => "noted",
        }
    }
}

impl KeeperRefusal {
    /// Longest word that is noted as it is.
    const WORD_MAX: usize = 64;

    /// Notes it. Of both words only what can stand in an id is kept: the keeper was told them by somebody who
    /// may tell it anything.
    #[must_use]
    pub fn note(id: KeeperRefusalId, ask: &str, about: &str, at: Timestamp) -> Change<Self> {
        let (ask, about) = (plain(ask), plain(about));
        let to = Self::Noted {
            id,
            ask: ask.clone(),
            about: about.clone(),
        };
        Change::new(to, Action::NoteRefusal, &By::System, at)
            .fact("ask", &ask)
            .fact("about", &about)
    }
}

fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .take(KeeperRefusal::WORD_MAX)
        .collect()
}
