//! The one task that writes.

use std::sync::Arc;

use audit_log::Frontier;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use crate::error::StoreError;
use crate::leases;
use crate::ledger;
use crate::note::{self, Note};
use crate::record::{self, Receipt, Record};
use crate::tree;

#[cfg(test)]
mod tests;

/// Most requests in one commit.
const BATCH_MAX: usize = 64;
/// A commit takes no further request once its documents come to this.
const BATCH_BYTES: usize = 16 << 20;

/// What can be asked of the writer.
pub(crate) enum Request {
    /// Write and say how it went.
    Write(Task, oneshot::Sender<Result<Outcome, StoreError>>),
    /// Stop after what came before.
    Close(oneshot::Sender<()>),
}

/// What can be written.
pub(crate) enum Task {
    Record(Record),
    Note(Note),
    Lease(leases::Change),
    /// Put the accounts of privacy loss back to what the leaves tell.
    Mend,
}

impl Task {
    fn bytes(&self) -> usize {
        match self {
            Self::Record(record) => record.documents.iter().map(|d| d.bytes.len()).sum(),
            Self::Note(_) | Self::Lease(_) | Self::Mend => 0,
        }
    }
}

/// How it went.
pub(crate) enum Outcome {
    Recorded(Receipt),
    /// Rows that were written or removed.
    Noted(u64),
}

type Results = Vec<Result<Outcome, StoreError>>;

pub(crate) struct Writer {
    options: SqliteConnectOptions,
    // None after a failed commit: a new connection leaves no doubt about what it is in the middle of.
    connection: Option<SqliteConnection>,
    // The right edge as last committed.
    frontier: Option<Frontier>,
    inbox: mpsc::Receiver<Request>,
}

impl Writer {
    pub(crate) fn new(
        options: SqliteConnectOptions,
        connection: SqliteConnection,
        inbox: mpsc::Receiver<Request>,
    ) -> Self {
        Self {
            options,
            connection: Some(connection),
            frontier: None,
            inbox,
        }
    }

    /// Writes until it is closed or nobody is left to ask.
    pub(crate) async fn run(mut self) {
        let mut closing = None;
        while let Some(first) = self.inbox.recv().await {
            let (mut tasks, mut answers, mut bytes) = (Vec::new(), Vec::new(), 0);
            let mut next = Some(first);
            while let Some(request) = next.take() {
                match request {
                    Request::Close(answer) => closing = Some(answer),
                    Request::Write(task, answer) => {
                        bytes += task.bytes();
                        tasks.push(task);
                        answers.push(answer);
                        if tasks.len() < BATCH_MAX && bytes < BATCH_BYTES {
                            next = self.inbox.try_recv().ok();
                        }
                    }
                }
            }
            self.settle(tasks, answers).await;
            if closing.is_some() {
                break;
            }
        }
        if let Some(connection) = self.connection.take()
            && let Err(error) = connection.close().await
        {
            tracing::warn!(error = %error, "the store did not close cleanly");
        }
        if let Some(closing) = closing {
            closing.send(()).ok();
        }
    }

    /// Answers only after the commit. Whoever no longer waits is not answered, but was recorded.
    async fn settle(
        &mut self,
        tasks: Vec<Task>,
        answers: Vec<oneshot::Sender<Result<Outcome, StoreError>>>,
    ) {
        if tasks.is_empty() {
            return;
        }
        match self.commit(tasks).await {
            Ok(results) => {
                for (answer, result) in answers.into_iter().zip(results) {
                    answer.send(result).ok();
                }
            }
            Err(error) => {
                tracing::error!(requests = answers.len(), error = %error, "a commit failed");
                (self.connection, self.frontier) = (None, None);
                let error = Arc::new(error);
                for answer in answers {
                    answer
                        .send(Err(StoreError::NotRecorded(error.clone())))
                        .ok();
                }
            }
        }
    }

    /// One transaction with a savepoint for each task. An error means that nothing was committed.
    async fn commit(&mut self, tasks: Vec<Task>) -> Result<Results, StoreError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.options.connect().await?,
        };
        let mut transaction = connection.begin_with("begin immediate").await?;
        let mut frontier = tree::frontier(&mut transaction, self.frontier.take()).await?;
        let mut results = Vec::with_capacity(tasks.len());
        for task in tasks {
            let before = frontier.clone();
            let mut savepoint = transaction.begin().await?;
            match perform(&mut savepoint, &mut frontier, task).await {
                Ok(outcome) => {
                    savepoint.commit().await?;
                    results.push(Ok(outcome));
                }
                Err(error) => {
                    // SQLite takes the whole transaction back for some errors (a full disk). Then this
                    // fails, and so does the commit for everybody: no later task may go on alone.
                    savepoint.rollback().await?;
                    frontier = before;
                    results.push(Err(error));
                }
            }
        }
        transaction.commit().await?;
        self.frontier = Some(frontier);
        self.connection = Some(connection);
        Ok(results)
    }
}

async fn perform(
    connection: &mut SqliteConnection,
    frontier: &mut Frontier,
    task: Task,
) -> Result<Outcome, StoreError> {
    match task {
        Task::Record(record) => record::write(connection, frontier, record)
            .await
            .map(Outcome::Recorded),
        Task::Note(note) => note::write(connection, note).await.map(Outcome::Noted),
        Task::Lease(change) => leases::write(connection, change).await.map(Outcome::Noted),
        Task::Mend => ledger::mend(connection).await.map(Outcome::Noted),
    }
}
