//! How people sign in: names with what a password and a second factor are checked against, and sessions, of
//! which only hashes are known here. They say who somebody is, and nothing about what they may do.

use governance::person::Person;
use governance::{Lifecycle, PersonId, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite, SqliteConnection};

use crate::error::{StoreError, at_most};
use crate::note::{Note, WORD_BYTES_MAX};
use crate::read::{Held, STATE_COLUMNS, hold};
use crate::room::Store;

/// Longest shared secret of a second factor, in bytes.
pub const TOTP_BYTES_MAX: usize = 64;
/// Sessions of one person; a further one ends the one that would end first.
pub const SESSIONS_PER_PERSON_MAX: u32 = 16;

/// What somebody signs in with, to be kept.
#[derive(Clone)]
pub struct NewCredential {
    /// Name, one person's only.
    pub name: String,
    /// What the password is checked against, in the PHC string format.
    pub phc: String,
    /// Shared secret of the time-based one-time password (RFC 6238).
    pub totp: Vec<u8>,
    /// Last time step that was used; only later ones are taken.
    pub totp_step: i64,
}

impl std::fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewCredential")
    }
}

impl NewCredential {
    pub(crate) fn check(&self) -> Result<(), StoreError> {
        at_most("bytes of a sign-in name", self.name.len(), WORD_BYTES_MAX)?;
        at_most("bytes of a password's check", self.phc.len(), 1 << 10)?;
        at_most("bytes of a second factor", self.totp.len(), TOTP_BYTES_MAX)
    }
}

/// What somebody signs in with, as kept.
#[derive(Clone)]
pub struct Credential {
    /// Whose.
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// What the password is checked against, in the PHC string format.
    pub phc: String,
    /// Shared secret of the time-based one-time password (RFC 6238).
    pub totp: Vec<u8>,
    /// Last time step that was used.
    pub totp_step: i64,
    /// Failed attempts since the last good one or the last lock.
    pub failures: u32,
    /// Until when nobody can sign in under this name.
    pub locked_until: Option<Timestamp>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credential of {}", self.person)
    }
}

/// A session as kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Whose.
    pub person: PersonId,
    /// When it was last seen, to within how often that is noted.
    pub seen: Timestamp,
    /// When it ends whatever happens.
    pub ends: Timestamp,
    /// Who that person is now; none if nobody has that id.
    pub holder: Option<Held<Person>>,
}

#[derive(Clone)]
pub(crate) enum Act {
    Set {
        person: String,
        new: NewCredential,
    },
    Failed {
        person: String,
        most: i64,
        until_us: i64,
    },
    Begin {
        person: String,
        step: i64,
        hash: [u8; 32],
        now_us: i64,
        ends_us: i64,
    },
    Seen {
        hash: [u8; 32],
        at_us: i64,
    },
    End {
        hash: [u8; 32],
    },
    EndAll {
        person: String,
    },
    Forget {
        person: String,
    },
}

/// Writes within the savepoint that the caller holds. Gives the number of rows.
pub(crate) async fn write(connection: &mut SqliteConnection, act: Act) -> Result<u64, StoreError> {
    let done = match act {
        Act::Set { person, new } => return set(connection, &person, new).await,
        Act::Begin {
            person,
            step,
            hash,
            now_us,
            ends_us,
        } => return begin(connection, &person, step, hash, (now_us, ends_us)).await,
        // The attempt that makes the count full locks, and the count begins again.
        Act::Failed {
            person,
            most,
            until_us,
        } => {
            sqlx::query(
                "update credentials set
                   locked_until_us = case when failures + 1 >= $2 then $3
                     else locked_until_us end,
                   failures = case when failures + 1 >= $2 then 0 else failures + 1 end
                 where person = $1",
            )
            .bind(person)
            .bind(most)
            .bind(until_us)
            .execute(connection)
            .await?
        }
        Act::Seen { hash, at_us } => {
            sqlx::query("update sessions set seen_us = max(seen_us, $2) where hash = $1")
                .bind(hash.as_slice())
                .bind(at_us)
                .execute(connection)
                .await?
        }
        Act::End { hash } => {
            sqlx::query("delete from sessions where hash = $1")
                .bind(hash.as_slice())
                .execute(connection)
                .await?
        }
        Act::EndAll { person } => {
            sqlx::query("delete from sessions where person = $1")
                .bind(person)
                .execute(connection)
                .await?
        }
        Act::Forget { person } => {
            sqlx::query("delete from credentials where person = $1")
                .bind(person)
                .execute(connection)
                .await?
        }
    };
    Ok(done.rows_affected())
}

async fn set(
    connection: &mut SqliteConnection,
    person: &str,
    new: NewCredential,
) -> Result<u64, StoreError> {
    let taken: Option<i64> =
        sqlx::query_scalar("select 1 from credentials where name = $1 and person <> $2")
            .bind(&new.name)
            .bind(person)
            .fetch_optional(&mut *connection)
            .await?;
    if taken.is_some() {
        return Err(StoreError::NameTaken);
    }
    let done = sqlx::query(
        "insert into credentials (person, name, phc, totp, totp_step) values ($1, $2, $3, $4, $5)
         on conflict (person) do update set
           name = excluded.name, phc = excluded.phc, totp = excluded.totp,
           totp_step = excluded.totp_step, failures = 0, locked_until_us = null",
    )
    .bind(person)
    .bind(new.name)
    .bind(new.phc)
    .bind(new.totp)
    .bind(new.totp_step)
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

/// Takes a step that is later than the last one, and only while the name is not locked: of two attempts with
/// the same code one begins a session.
async fn begin(
    connection: &mut SqliteConnection,
    person: &str,
    step: i64,
    hash: [u8; 32],
    (now_us, ends_us): (i64, i64),
) -> Result<u64, StoreError> {
    let taken = sqlx::query(
        "update credentials set totp_step = $2, failures = 0, locked_until_us = null
         where person = $1 and totp_step < $2 and coalesce(locked_until_us, $3) <= $3",
    )
    .bind(person)
    .bind(step)
    .bind(now_us)
    .execute(&mut *connection)
    .await?;
    if taken.rows_affected() == 0 {
        return Ok(0);
    }
    let begun = sqlx::query(
        "insert into sessions (hash, person, seen_us, ends_us) values ($1, $2, $3, $4)",
    )
    .bind(hash.as_slice())
    .bind(person)
    .bind(now_us)
    .bind(ends_us)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "delete from sessions where person = $1 and (ends_us <= $2 or hash not in (
           select hash from sessions where person = $1 order by ends_us desc, hash limit $3))",
    )
    .bind(person)
    .bind(now_us)
    .bind(SESSIONS_PER_PERSON_MAX)
    .execute(connection)
    .await?;
    Ok(begun.rows_affected())
}

// Person, name, phc, totp, step, failures, locked until.
type CredentialRow = (String, String, String, Vec<u8>, i64, i64, Option<i64>);

/// Columns of a table `t` with a column `person`, then those of that person's state.
pub(crate) fn with_holder(columns: &str, table: &str) -> QueryBuilder<Sqlite> {
    let mut query = QueryBuilder::new("select ");
    query
        .push(columns)
        .push(", ")
        .push(STATE_COLUMNS)
        .push(" from ")
        .push(table)
        .push(" left join states s on s.kind = ")
        .push_bind(Person::KIND)
        .push(" and s.id = t.person left join leaves l on l.idx = s.leaf");
    query
}

/// The person's state, from the column at `first` on.
pub(crate) fn holder(row: &SqliteRow, first: usize) -> Result<Option<Held<Person>>, StoreError> {
    let id: Option<&str> = row.try_get(first)?;
    id.map(|_| hold(row, first)).transpose()
}

fn moment(us: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_microsecond(us).map_err(|_| StoreError::Unreadable("moment"))
}

impl Store {
    /// What is kept under a sign-in name.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn credential(&self, name: &str) -> Result<Option<Credential>, StoreError> {
        let row: Option<CredentialRow> = sqlx::query_as(
            "select person, name, phc, totp, totp_step, failures, locked_until_us
             from credentials where name = $1",
        )
        .bind(name)
        .fetch_optional(&mut *self.reader().await?)
        .await?;
        row.map(|(person, name, phc, totp, totp_step, failures, locked)| {
            let unreadable = StoreError::Unreadable("credential");
            Ok(Credential {
                person: PersonId::try_from(person).map_err(|_| unreadable)?,
                name,
                phc,
                totp,
                totp_step,
                failures: u32::try_from(failures).unwrap_or(u32::MAX),
                locked_until: locked.map(moment).transpose()?,
            })
        })
        .transpose()
    }

    /// Counts a failed attempt. The `most`-th locks the name until a moment.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_failed_sign_in(
        &self,
        person: &PersonId,
        most: u32,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        let act = Act::Failed {
            person: person.to_string(),
            most: i64::from(most),
            until_us: until.as_microsecond(),
        };
        self.note(Note::SignIn(act)).await.map(drop)
    }

    /// Begins a session if this time step was never used, and takes it. False: it was used, the name is
    /// locked, or the person has no credential; then nothing was written.
    ///
    /// # Errors
    /// If the database fails or knows the hash already.
    pub async fn begin_session(
        &self,
        person: &PersonId,
        totp_step: i64,
        hash: [u8; 32],
        now: Timestamp,
        ends: Timestamp,
    ) -> Result<bool, StoreError> {
        let act = Act::Begin {
            person: person.to_string(),
            step: totp_step,
            hash,
            now_us: now.as_microsecond(),
            ends_us: ends.as_microsecond(),
        };
        Ok(self.note(Note::SignIn(act)).await? == 1)
    }

    /// The session with this hash. Whether it has ended is for the caller to say.
    ///
    /// # Errors
    /// As [`Store::load`], for the person; or if the database fails.
    pub async fn session(&self, hash: [u8; 32]) -> Result<Option<Session>, StoreError> {
        let mut query = with_holder("t.person, t.seen_us, t.ends_us", "sessions t");
        query.push(" where t.hash = ").push_bind(hash.to_vec());
        let mut reader = self.reader().await?;
        let row = query.build().fetch_optional(&mut *reader).await?;
        row.map(|row| {
            let person: String = row.try_get(0)?;
            let unreadable = StoreError::Unreadable("session");
            Ok(Session {
                person: PersonId::try_from(person).map_err(|_| unreadable)?,
                seen: moment(row.try_get(1)?)?,
                ends: moment(row.try_get(2)?)?,
                holder: holder(&row, 3)?,
            })
        })
        .transpose()
    }

    /// Notes that a session was seen.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn note_session_seen(&self, hash: [u8; 32], at: Timestamp) -> Result<(), StoreError> {
        let at_us = at.as_microsecond();
        let act = Act::Seen { hash, at_us };
        self.note(Note::SignIn(act)).await.map(drop)
    }

    /// Ends a session.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn end_session(&self, hash: [u8; 32]) -> Result<(), StoreError> {
        self.note(Note::SignIn(Act::End { hash })).await.map(drop)
    }
}
