//! Statements that people keep under a name in a workspace. Notes: they grant nothing and have no leaf.

use governance::{PersonId, Timestamp, WorkspaceId};
use sqlx::SqliteConnection;

use crate::error::{StoreError, at_most, count};
use crate::note::Note;
use crate::read::LIST_MAX;
use crate::room::Store;

/// Statements that one person keeps in one workspace.
pub const SAVED_MAX: u32 = 200;
/// Largest of them, in bytes.
pub const SAVED_BYTES_MAX: usize = 1 << 20;

/// Who may see a saved statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Its author alone.
    ByAuthor,
    /// Everybody in the workspace.
    ByAll,
}

/// A saved statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Saved {
    /// Whose.
    pub person: PersonId,
    /// Its name, unique among this person's in the workspace.
    pub name: String,
    /// Who may see it.
    pub seen: Seen,
    /// The statement.
    pub sql: String,
    /// When it was saved last.
    pub at: Timestamp,
}

/// What is done to one.
#[derive(Clone)]
pub(crate) enum Act {
    Save {
        workspace: String,
        saved: Saved,
    },
    Forget {
        workspace: String,
        person: String,
        name: String,
    },
    HandOver {
        workspace: String,
        from: String,
        to: String,
    },
}

/// Writes within the savepoint that the caller holds. Gives the number of rows: none for a new one beyond
/// [`SAVED_MAX`].
pub(crate) async fn write(connection: &mut SqliteConnection, act: Act) -> Result<u64, StoreError> {
    let done = match act {
        Act::Save { workspace, saved } => {
            sqlx::query(
                "insert into saved_queries (workspace, person, name, shared, sql, saved_us)
                 select $1, $2, $3, $4, $5, $6
                 where $7 > (select count(*) from saved_queries
                             where workspace = $1 and person = $2 and name <> $3)
                 on conflict (workspace, person, name) do update set
                   shared = excluded.shared, sql = excluded.sql, saved_us = excluded.saved_us",
            )
            .bind(workspace)
            .bind(saved.person.as_str())
            .bind(saved.name)
            .bind(i64::from(saved.seen == Seen::ByAll))
            .bind(saved.sql)
            .bind(saved.at.as_microsecond())
            .bind(SAVED_MAX)
            .execute(connection)
            .await?
        }
        Act::Forget {
            workspace,
            person,
            name,
        } => {
            sqlx::query(
                "delete from saved_queries where workspace = $1 and person = $2 and name = $3",
            )
            .bind(workspace)
            .bind(person)
            .bind(name)
            .execute(connection)
            .await?
        }
        // Two of one name are refused by the key, and the act with them.
        Act::HandOver {
            workspace,
            from,
            to,
        } => {
            sqlx::query("update saved_queries set person = $3 where workspace = $1 and person = $2")
                .bind(workspace)
                .bind(from)
                .bind(to)
                .execute(connection)
                .await?
        }
    };
    Ok(done.rows_affected())
}

impl Store {
    /// Keeps a statement in place of the author's one of the same name.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for a long one or a further one beyond [`SAVED_MAX`], or if the database fails.
    pub async fn save_query(
        &self,
        workspace: &WorkspaceId,
        saved: Saved,
    ) -> Result<(), StoreError> {
        at_most(
            "bytes of a saved statement",
            saved.sql.len(),
            SAVED_BYTES_MAX,
        )?;
        let workspace = workspace.to_string();
        let kept = self
            .note(Note::Saved(Act::Save { workspace, saved }))
            .await?;
        let most = usize::try_from(SAVED_MAX).unwrap_or(usize::MAX);
        at_most("saved statements", most + usize::from(kept == 0), most)
    }

    /// Removes a person's saved statement; whether there was one.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn forget_query(
        &self,
        workspace: &WorkspaceId,
        person: &PersonId,
        name: &str,
    ) -> Result<bool, StoreError> {
        let (workspace, person) = (workspace.to_string(), person.to_string());
        let name = name.to_owned();
        let act = Act::Forget {
            workspace,
            person,
            name,
        };
        Ok(self.note(Note::Saved(act)).await? == 1)
    }

    /// What a person may see of the saved statements of a workspace: their own first, then what others share, by
    /// name; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn saved_queries(
        &self,
        workspace: &WorkspaceId,
        person: &PersonId,
    ) -> Result<Vec<Saved>, StoreError> {
        let rows: Vec<SavedRow> = sqlx::query_as(
            "select person, name, shared, sql, saved_us from saved_queries
             where workspace = $1 and (person = $2 or shared = 1)
             order by person <> $2, name, person limit $3",
        )
        .bind(workspace.as_str())
        .bind(person.as_str())
        .bind(LIST_MAX)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(read).collect()
    }

    /// One page of the saved statements of everybody in a workspace, shared or not, by person and name: those
    /// after this one, at most [`LIST_MAX`].
    ///
    /// # Errors
    /// If the database fails.
    pub async fn everybodys_queries(
        &self,
        workspace: &WorkspaceId,
        after: Option<&Saved>,
    ) -> Result<Vec<Saved>, StoreError> {
        let (person, name) = after.map_or(("", ""), |s| (s.person.as_str(), s.name.as_str()));
        let rows: Vec<SavedRow> = sqlx::query_as(
            "select person, name, shared, sql, saved_us from saved_queries
             where workspace = $1 and (person, name) > ($2, $3) order by person, name limit $4",
        )
        .bind(workspace.as_str())
        .bind(person)
        .bind(name)
        .bind(LIST_MAX)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        rows.into_iter().map(read).collect()
    }
}

// Person, name, shared, statement, when.
type SavedRow = (String, String, i64, String, i64);

fn read((person, name, shared, sql, at): SavedRow) -> Result<Saved, StoreError> {
    let unreadable = || StoreError::Unreadable("saved statement");
    Ok(Saved {
        person: PersonId::try_from(person).map_err(|_| unreadable())?,
        name,
        seen: match count(shared)? {
            0 => Seen::ByAuthor,
            _ => Seen::ByAll,
        },
        sql,
        at: Timestamp::from_microsecond(at).map_err(|_| unreadable())?,
    })
}
