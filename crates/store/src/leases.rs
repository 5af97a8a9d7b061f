//! Leases: who runs a queued job, and until when they must say so again. A lease grants nothing; it tells
//! the others whether somebody still works on the job (docs/adr/0011).

use governance::{JobId, Lifecycle, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::error::{StoreError, at_most};
use crate::note::WORD_BYTES_MAX;
use crate::read::LIST_MAX;
use crate::room::Store;
use crate::writer::{Outcome, Task};

/// A lease on a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Which desk works on it, such as `research`.
    pub desk: String,
    /// Which process of that desk.
    pub holder: String,
    /// Until when it holds unless it is renewed.
    pub until: Timestamp,
}

/// Whose lease may be taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    /// Nobody's before it has ended.
    Ended,
    /// That of another process of the same desk too: whoever asks knows that it is gone.
    Predecessor,
}

pub(crate) enum Change {
    Take {
        job: String,
        desk: String,
        holder: String,
        now_us: i64,
        until_us: i64,
        over: Over,
    },
    Renew {
        job: String,
        holder: String,
        until_us: i64,
    },
    Drop {
        job: String,
        holder: String,
    },
    /// Leases and progress of jobs that are not queued.
    Clear {
        now_us: i64,
    },
}

/// Writes the change within the savepoint that the caller holds. Gives the number of rows.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    change: Change,
) -> Result<u64, StoreError> {
    let done = match change {
        Change::Take {
            job,
            desk,
            holder,
            now_us,
            until_us,
            over,
        } => {
            let predecessor = over == Over::Predecessor;
            sqlx::query(
                "insert into leases (job, desk, holder, until_us) values ($1, $2, $3, $4)
                 on conflict (job) do update set
                   desk = excluded.desk, holder = excluded.holder, until_us = excluded.until_us
                 where leases.until_us <= $5
                   or ($6 and leases.desk = excluded.desk and leases.holder <> excluded.holder)",
            )
            .bind(job)
            .bind(desk)
            .bind(holder)
            .bind(until_us)
            .bind(now_us)
            .bind(predecessor)
            .execute(connection)
            .await?
        }
        Change::Renew {
            job,
            holder,
            until_us,
        } => {
            sqlx::query("update leases set until_us = $3 where job = $1 and holder = $2")
                .bind(job)
                .bind(holder)
                .bind(until_us)
                .execute(connection)
                .await?
        }
        Change::Drop { job, holder } => {
            sqlx::query("delete from progress where job = $1")
                .bind(&job)
                .execute(&mut *connection)
                .await?;
            sqlx::query("delete from leases where job = $1 and holder = $2")
                .bind(job)
                .bind(holder)
                .execute(connection)
                .await?
        }
        Change::Clear { now_us } => {
            sqlx::query(
                "delete from progress where job not in
                   (select id from states where kind = 'job' and state = 'queued')",
            )
            .execute(&mut *connection)
            .await?;
            sqlx::query(
                "delete from leases where until_us <= $1 and job not in
                   (select id from states where kind = 'job' and state = 'queued')",
            )
            .bind(now_us)
            .execute(connection)
            .await?
        }
    };
    Ok(done.rows_affected())
}

impl Store {
    async fn lease_change(&self, change: Change) -> Result<u64, StoreError> {
        match self.write(Task::Lease(change)).await? {
            Outcome::Noted(rows) => Ok(rows),
            Outcome::Recorded(_) => Err(StoreError::Unreadable("answer of the writer")),
        }
    }

    /// Takes the lease on a job until a moment; none if somebody else holds it. The job need not be recorded
    /// yet, so that no recorded job is ever without a lease before it was begun.
    ///
    /// # Errors
    /// [`StoreError::TooMuch`] for a long name, or if the database fails.
    pub async fn take_lease(
        &self,
        job: &JobId,
        desk: &str,
        holder: &str,
        now: Timestamp,
        until: Timestamp,
        over: Over,
    ) -> Result<Option<Lease>, StoreError> {
        at_most("bytes of a desk", desk.len(), WORD_BYTES_MAX)?;
        at_most("bytes of a holder", holder.len(), WORD_BYTES_MAX)?;
        let change = Change::Take {
            job: job.to_string(),
            desk: desk.to_owned(),
            holder: holder.to_owned(),
            now_us: now.as_microsecond(),
            until_us: until.as_microsecond(),
            over,
        };
        let taken = self.lease_change(change).await? > 0;
        Ok(taken.then(|| Lease {
            desk: desk.to_owned(),
            holder: holder.to_owned(),
            until,
        }))
    }

    /// Holds a lease until a later moment; none if it is somebody else's by now.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn renew_lease(
        &self,
        job: &JobId,
        lease: &Lease,
        until: Timestamp,
    ) -> Result<Option<Lease>, StoreError> {
        let change = Change::Renew {
            job: job.to_string(),
            holder: lease.holder.clone(),
            until_us: until.as_microsecond(),
        };
        let renewed = self.lease_change(change).await? > 0;
        Ok(renewed.then(|| Lease {
            until,
            ..lease.clone()
        }))
    }

    /// Gives a lease back and forgets how far the job was.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn drop_lease(&self, job: &JobId, holder: &str) -> Result<(), StoreError> {
        let (job, holder) = (job.to_string(), holder.to_owned());
        self.lease_change(Change::Drop { job, holder })
            .await
            .map(drop)
    }

    /// Forgets ended leases and the progress of jobs that are not queued any more.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn clear_leases(&self, now: Timestamp) -> Result<(), StoreError> {
        let now_us = now.as_microsecond();
        self.lease_change(Change::Clear { now_us }).await.map(drop)
    }

    /// The lease on a job, whether it has ended or not.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn lease(&self, job: &JobId) -> Result<Option<Lease>, StoreError> {
        let row: Option<(String, String, i64)> =
            sqlx::query_as("select desk, holder, until_us from leases where job = $1")
                .bind(job.as_str())
                .fetch_optional(&mut *self.reader().await?)
                .await?;
        row.map(|(desk, holder, until_us)| {
            let until = Timestamp::from_microsecond(until_us)
                .map_err(|_| StoreError::Unreadable("lease"))?;
            Ok(Lease {
                desk,
                holder,
                until,
            })
        })
        .transpose()
    }

    /// Ids of the objects of a kind that are in one of these states although no queued job names them: as of
    /// one moment, at most [`LIST_MAX`], in the order of their ids.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn adrift<S: Lifecycle>(&self, states: &[&str]) -> Result<Vec<String>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("select s.id from states s where s.kind = ");
        query.push_bind(S::KIND).push(" and s.state in (");
        let mut listed = query.separated(", ");
        for state in states {
            listed.push_bind(*state);
        }
        // Ids stand in JSON as they are, between quotation marks.
        query.push(
            ") and not exists (select 1 from states j where j.kind = 'job' and j.state = 'queued'
               and instr(j.json, '\"' || s.id || '\"') > 0) order by s.id limit ",
        );
        query.push_bind(LIST_MAX);
        let mut reader = self.reader().await?;
        Ok(query.build_query_scalar().fetch_all(&mut *reader).await?)
    }
}
