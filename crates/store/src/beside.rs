//! Rows that go with an act: how somebody signs in, that they do no longer, whose the statements are that somebody
//! saved, that what was judged so far is handed in. They have no leaf of their own; the act's leaf says that it was done, and both are written in one
//! transaction.

use governance::{IndexingId, PersonId, Timestamp, WorkspaceId};

use crate::error::{StoreError, at_most};
use crate::note::{Note, WORD_BYTES_MAX};
use crate::sign_in::{Act, NewCredential};
use crate::{answers, saved};

/// A row without a leaf that is written with an act or not at all.
#[derive(Clone)]
pub struct Beside(Note);

impl std::fmt::Debug for Beside {
    // Some hold what a password or a token is checked against.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Beside")
    }
}

impl Beside {
    /// A new sign-in token, of which only the hash is known here.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for a long label.
    pub fn token(
        hash: [u8; 32],
        person: &PersonId,
        label: &str,
        expires_at: Timestamp,
    ) -> Result<Self, StoreError> {
        at_most("bytes of a token's label", label.len(), WORD_BYTES_MAX)?;
        Ok(Self(Note::Token {
            hash,
            person: person.to_string(),
            label: label.to_owned(),
            expires_us: expires_at.as_microsecond(),
        }))
    }

    /// Ends every token of a person.
    #[must_use]
    pub fn revoke_tokens(person: &PersonId) -> Self {
        Self(Note::RevokeTokens {
            person: person.to_string(),
        })
    }

    /// How a person signs in from now on, in place of what was set before. The record is refused with
    /// [`StoreError::NameTaken`] if somebody else signs in under that name.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for a part that is too long.
    pub fn credential(person: &PersonId, new: NewCredential) -> Result<Self, StoreError> {
        new.check()?;
        let person = person.to_string();
        Ok(Self(Note::SignIn(Act::Set { person, new })))
    }

    /// A person cannot sign in with name and password until they set them anew.
    #[must_use]
    pub fn forget_credential(person: &PersonId) -> Self {
        Self(Note::SignIn(Act::Forget {
            person: person.to_string(),
        }))
    }

    /// Ends every session of a person.
    #[must_use]
    pub fn end_sessions(person: &PersonId) -> Self {
        Self(Note::SignIn(Act::EndAll {
            person: person.to_string(),
        }))
    }

    /// Everything that a person saved in a workspace is another's from now on. The record is refused if the other
    /// has saved something there under one of the names.
    #[must_use]
    pub fn hand_over_saved(workspace: &WorkspaceId, from: &PersonId, to: &PersonId) -> Self {
        Self(Note::Saved(saved::Act::HandOver {
            workspace: workspace.to_string(),
            from: from.to_string(),
            to: to.to_string(),
        }))
    }

    /// What everybody had judged so far of an indexing goes: its review is over.
    #[must_use]
    pub fn forget_answers(indexing: &IndexingId) -> Self {
        Self(Note::Answers(answers::Act::Forget {
            indexing: indexing.to_string(),
        }))
    }

    pub(crate) fn into_note(self) -> Note {
        self.0
    }
}
