//! The other door: rows that grant nothing and have no leaf. Drafts, sign-in tokens (who you are, not
//! what you may), the progress of jobs, and signed checkpoints (which the log itself vouches for).

use std::collections::{BTreeMap, BTreeSet};

use audit_log::{Checkpoint, Note as SignedNote};
use governance::person::Person;
use governance::{JobId, PersonId, ProjectId, Timestamp};
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::error::{StoreError, at_most, count, int};
use crate::read::{Held, LIST_MAX};
use crate::room::Store;
use crate::writer::{Outcome, Task};
use crate::{answers, saved, sign_in};

/// Largest draft, in bytes.
pub const DRAFT_BYTES_MAX: usize = 1 << 20;
/// Largest signed checkpoint with its cosignatures, in bytes.
pub const CHECKPOINT_BYTES_MAX: usize = 64 << 10;
/// Longest label of a token or stage of a job, in bytes.
pub const WORD_BYTES_MAX: usize = 200;
/// Tokens of one person; a further one ends the one that would expire first.
pub const TOKENS_PER_PERSON_MAX: u32 = 64;

/// A token as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Whose.
    pub person: PersonId,
    /// Who that is now; none if nobody has that id.
    pub holder: Option<Held<Person>>,
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done.
    pub done: u64,
    /// Steps in all; 0 when unknown.
    pub total: u64,
    /// What it is at, a word for the page.
    pub stage: String,
}

#[derive(Clone)]
pub(crate) enum Note {
    SignIn(sign_in::Act),
    Saved(saved::Act),
    Answers(answers::Act),
    Draft {
        project: String,
        json: String,
    },
    Token {
        hash: [u8; 32],
        person: String,
        label: String,
        expires_us: i64,
    },
    RevokeTokens {
        person: String,
    },
    Progress {
        job: String,
        done: i64,
        total: i64,
        stage: String,
    },
    Checkpoint {
        size: i64,
        note: String,
    },
}

/// Writes the note within the savepoint that the caller holds. Gives the number of rows.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    note: Note,
) -> Result<u64, StoreError> {
    let done = match note {
        Note::SignIn(act) => return sign_in::write(connection, act).await,
        Note::Saved(act) => return saved::write(connection, act).await,
        Note::Answers(act) => return answers::write(connection, act).await,
        Note::Draft { project, json } => {
            sqlx::query(
                "insert into drafts (project, json) values ($1, $2)
             on conflict (project) do update set json = excluded.json",
            )
            .bind(project)
            .bind(json)
            .execute(connection)
            .await?
        }
        Note::Token {
            hash,
            person,
            label,
            expires_us,
        } => {
            return add_token(connection, hash, person, label, expires_us).await;
        }
        Note::RevokeTokens { person } => {
            sqlx::query("delete from tokens where person = $1")
                .bind(person)
                .execute(connection)
                .await?
        }
        Note::Progress {
            job,
            done,
            total,
            stage,
        } => {
            sqlx::query(
                "insert into progress (job, done, total, stage) values ($1, $2, $3, $4)
             on conflict (job) do update set
               done = excluded.done, total = excluded.total, stage = excluded.stage",
            )
            .bind(job)
            .bind(done)
            .bind(total)
            .bind(stage)
            .execute(connection)
            .await?
        }
        // The same size again: the same checkpoint with more cosignatures.
        Note::Checkpoint { size, note } => {
            sqlx::query(
                "insert into checkpoints (size, note) values ($1, $2)
             on conflict (size) do update set note = excluded.note",
            )
            .bind(size)
            .bind(note)
            .execute(connection)
            .await?
        }
    };
    Ok(done.rows_affected())
}

async fn add_token(
    connection: &mut SqliteConnection,
    hash: [u8; 32],
    person: String,
    label: String,
    expires_us: i64,
) -> Result<u64, StoreError> {
    // The same hash twice is refused by its key: a token never changes hands.
    let added =
        sqlx::query("insert into tokens (hash, person, label, expires_us) values ($1, $2, $3, $4)")
            .bind(hash.as_slice())
            .bind(&person)
            .bind(label)
            .bind(expires_us)
            .execute(&mut *connection)
            .await?;
    sqlx::query(
        "delete from tokens where person = $1 and hash not in (
           select hash from tokens where person = $1 order by expires_us desc, hash limit $2)",
    )
    .bind(&person)
    .bind(TOKENS_PER_PERSON_MAX)
    .execute(connection)
    .await?;
    Ok(added.rows_affected())
}

impl Store {
    pub(crate) async fn note(&self, note: Note) -> Result<u64, StoreError> {
        match self.write(Task::Note(note)).await? {
            Outcome::Noted(rows) => Ok(rows),
            Outcome::Recorded(_) => Err(StoreError::Unreadable("answer of the writer")),
        }
    }

    /// Keeps the draft of an application in place of the one before.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`], or if the database fails.
    pub async fn save_draft(&self, project: &ProjectId, json: String) -> Result<(), StoreError> {
        at_most("bytes of a draft", json.len(), DRAFT_BYTES_MAX)?;
        self.note(Note::Draft {
            project: project.to_string(),
            json,
        })
        .await
        .map(drop)
    }

    /// The draft of an application.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn draft(&self, project: &ProjectId) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("select json from drafts where project = $1")
                .bind(project.as_str())
                .fetch_optional(&mut *self.reader().await?)
                .await?,
        )
    }

    /// The drafts of these applications, by project; one without a draft is left out.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for more than [`LIST_MAX`], or if the database fails.
    pub async fn drafts(
        &self,
        projects: &BTreeSet<ProjectId>,
    ) -> Result<BTreeMap<String, String>, StoreError> {
        let limit = usize::try_from(LIST_MAX).unwrap_or(usize::MAX);
        at_most("drafts in one question", projects.len(), limit)?;
        if projects.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut query =
            QueryBuilder::<Sqlite>::new("select project, json from drafts where project in (");
        let mut list = query.separated(", ");
        for project in projects {
            list.push_bind(project.as_str());
        }
        query.push(")");
        let mut reader = self.reader().await?;
        let rows: Vec<(String, String)> = query.build_query_as().fetch_all(&mut *reader).await?;
        Ok(rows.into_iter().collect())
    }

    /// Keeps a sign-in token, of which only the hash is known here. It says who somebody is until it
    /// expires, and nothing about what they may do.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for a long label, or if the database fails or knows the hash already.
    pub async fn add_token(
        &self,
        hash: [u8; 32],
        person: &PersonId,
        label: &str,
        expires_at: Timestamp,
    ) -> Result<(), StoreError> {
        at_most("bytes of a token's label", label.len(), WORD_BYTES_MAX)?;
        let (person, label) = (person.to_string(), label.to_owned());
        let expires_us = expires_at.as_microsecond();
        self.note(Note::Token {
            hash,
            person,
            label,
            expires_us,
        })
        .await
        .map(drop)
    }

    /// Whose token this is, if it is one and has not expired: it is good before its moment, not at it.
    ///
    /// # Errors
    /// As [`Store::load`], for the person; or if the database fails.
    pub async fn token(&self, hash: [u8; 32], now: Timestamp) -> Result<Option<Token>, StoreError> {
        let mut query = sign_in::with_holder("t.person", "tokens t");
        query
            .push(" where t.hash = ")
            .push_bind(hash.to_vec())
            .push(" and t.expires_us > ")
            .push_bind(now.as_microsecond());
        let mut reader = self.reader().await?;
        let row = query.build().fetch_optional(&mut *reader).await?;
        row.map(|row| {
            let person: String = row.try_get(0)?;
            Ok(Token {
                person: PersonId::try_from(person).map_err(|_| StoreError::Unreadable("token"))?,
                holder: sign_in::holder(&row, 1)?,
            })
        })
        .transpose()
    }

    /// Ends every token of a person. Gives how many there were.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn revoke_tokens(&self, person: &PersonId) -> Result<u64, StoreError> {
        self.note(Note::RevokeTokens {
            person: person.to_string(),
        })
        .await
    }

    /// Notes how far a job is, in place of what was noted before.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`], or if the database fails.
    pub async fn note_progress(
        &self,
        job: &JobId,
        done: u64,
        total: u64,
        stage: &str,
    ) -> Result<(), StoreError> {
        at_most("bytes of a stage", stage.len(), WORD_BYTES_MAX)?;
        let (job, stage) = (job.to_string(), stage.to_owned());
        let (done, total) = (int(done)?, int(total)?);
        self.note(Note::Progress {
            job,
            done,
            total,
            stage,
        })
        .await
        .map(drop)
    }

    /// How far a job is, as last noted.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn progress(&self, job: &JobId) -> Result<Option<Progress>, StoreError> {
        let row: Option<(i64, i64, String)> =
            sqlx::query_as("select done, total, stage from progress where job = $1")
                .bind(job.as_str())
                .fetch_optional(&mut *self.reader().await?)
                .await?;
        row.map(|(done, total, stage)| {
            Ok(Progress {
                done: count(done)?,
                total: count(total)?,
                stage,
            })
        })
        .transpose()
    }

    /// Keeps a signed checkpoint of the first `size` entries. Its size and root are held against the
    /// log; whose signature it bears is for the reader to verify.
    ///
    /// # Errors
    /// [`StoreError::OtherCheckpoint`], [`StoreError::BeyondLog`], [`StoreError::Log`] if it is not a
    /// signed note of a checkpoint, or if the database fails.
    pub async fn save_checkpoint(&self, size: u64, note_text: &str) -> Result<(), StoreError> {
        at_most(
            "bytes of a checkpoint",
            note_text.len(),
            CHECKPOINT_BYTES_MAX,
        )?;
        let checkpoint = Checkpoint::parse(SignedNote::parse(note_text)?.text())?;
        if checkpoint.size != size || checkpoint.root != self.root_at(size).await? {
            return Err(StoreError::OtherCheckpoint);
        }
        let (size, note) = (int(size)?, note_text.to_owned());
        self.note(Note::Checkpoint { size, note }).await.map(drop)
    }

    /// The largest checkpoint kept: its size and the signed note.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn latest_checkpoint(&self) -> Result<Option<(u64, String)>, StoreError> {
        let row: Option<(i64, String)> =
            sqlx::query_as("select size, note from checkpoints order by size desc limit 1")
                .fetch_optional(&mut *self.reader().await?)
                .await?;
        row.map(|(size, note)| Ok((count(size)?, note))).transpose()
    }
}
