//! What people have judged so far of the pairs of a clerical review. Notes: they settle nothing and have no leaf.

use governance::{IndexingId, PersonId};
use sqlx::SqliteConnection;

use crate::error::{StoreError, at_most};
use crate::note::Note;
use crate::room::Store;

/// Most bytes of the answers of one person to one review.
pub const ANSWERS_BYTES_MAX: usize = 1 << 20;

/// What is done to them.
#[derive(Clone)]
pub(crate) enum Act {
    Save {
        indexing: String,
        person: String,
        json: String,
    },
    /// Everybody's.
    Forget { indexing: String },
}

/// Writes within the savepoint that the caller holds. Gives the number of rows.
pub(crate) async fn write(connection: &mut SqliteConnection, act: Act) -> Result<u64, StoreError> {
    let done = match act {
        Act::Save {
            indexing,
            person,
            json,
        } => {
            sqlx::query(
                "insert into answers (indexing, person, json) values ($1, $2, $3)
                 on conflict (indexing, person) do update set json = excluded.json",
            )
            .bind(indexing)
            .bind(person)
            .bind(json)
            .execute(connection)
            .await?
        }
        Act::Forget { indexing } => {
            sqlx::query("delete from answers where indexing = $1")
                .bind(indexing)
                .execute(connection)
                .await?
        }
    };
    Ok(done.rows_affected())
}

impl Store {
    /// Keeps what a person has judged so far in place of what they had before.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`], or if the database fails.
    pub async fn save_answers(
        &self,
        indexing: &IndexingId,
        person: &PersonId,
        json: String,
    ) -> Result<(), StoreError> {
        at_most("bytes of answers", json.len(), ANSWERS_BYTES_MAX)?;
        let (indexing, person) = (indexing.to_string(), person.to_string());
        let act = Act::Save {
            indexing,
            person,
            json,
        };
        self.note(Note::Answers(act)).await.map(drop)
    }

    /// What a person has judged so far.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn answers(
        &self,
        indexing: &IndexingId,
        person: &PersonId,
    ) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("select json from answers where indexing = $1 and person = $2")
                .bind(indexing.as_str())
                .bind(person.as_str())
                .fetch_optional(&mut *self.reader().await?)
                .await?,
        )
    }
}
