//! Opening and closing the file.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sqlx::pool::PoolConnection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Sqlite, SqlitePool};
use tokio::sync::{mpsc, oneshot};

use crate::error::StoreError;
use crate::record::{Receipt, Record};
use crate::schema;
use crate::writer::{Outcome, Request, Task, Writer};

/// Name of the one file in the data directory (beside its `-wal` and `-shm`).
pub const FILE_NAME: &str = "strongroom.sqlite";

const READERS_MAX: u32 = 4;
const WAITING_MAX: usize = 64;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// A handle on the store. Cloning gives another handle on the same store.
#[derive(Clone, Debug)]
pub struct Store {
    room: Arc<Room>,
}

#[derive(Debug)]
struct Room {
    readers: SqlitePool,
    // None when the store was opened for reading.
    writer: Option<mpsc::Sender<Request>>,
}

fn writing(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging()
}

async fn readers(file: &Path) -> Result<SqlitePool, StoreError> {
    let options = SqliteConnectOptions::new()
        .filename(file)
        .read_only(true)
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging();
    let pool = SqlitePoolOptions::new()
        .max_connections(READERS_MAX)
        // A file does not go away as a server does: asking first would cost every read a second question.
        .test_before_acquire(false)
        .connect_with(options)
        .await?;
    schema::check(&mut *pool.acquire().await?).await?;
    Ok(pool)
}

impl Store {
    /// Opens the store in a data directory, which must exist, for reading and writing. Makes the file
    /// if there is none, and brings an older one up to date.
    ///
    /// # Errors
    /// [`StoreError::Schema`] for the file of a newer program, or if the database fails.
    pub async fn open(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join(FILE_NAME);
        let options = writing(&file);
        let mut connection = options.connect().await?;
        schema::migrate(&mut connection).await?;
        let readers = readers(&file).await?;
        let (sender, inbox) = mpsc::channel(WAITING_MAX);
        tokio::spawn(Writer::new(options, connection, inbox).run());
        Ok(Self {
            room: Arc::new(Room {
                readers,
                writer: Some(sender),
            }),
        })
    }

    /// Opens the store for reading while another process writes it.
    ///
    /// # Errors
    /// [`StoreError::Absent`], [`StoreError::Schema`] unless the file is of exactly this program's
    /// version, or if the database fails.
    pub async fn open_read_only(dir: &Path) -> Result<Self, StoreError> {
        let file = dir.join(FILE_NAME);
        if !file.is_file() {
            return Err(StoreError::Absent);
        }
        let readers = readers(&file).await?;
        Ok(Self {
            room: Arc::new(Room {
                readers,
                writer: None,
            }),
        })
    }

    /// Closes the store for every handle, after what was asked before has been written.
    pub async fn close(&self) {
        // Readers go first: the connection that leaves last folds the write-ahead log into the file,
        // and only the writer can.
        self.room.readers.close().await;
        let Some(writer) = &self.room.writer else {
            return;
        };
        let (answer, closed) = oneshot::channel();
        if writer.send(Request::Close(answer)).await.is_ok() {
            // An error means that the writer has ended already.
            closed.await.ok();
        }
    }

    /// Writes the changes of a batch: for each its state, its event and its leaf, all or nothing.
    /// When it returns, they survive a power cut.
    ///
    /// # Errors
    /// [`StoreError::Stale`] if an object is not at the version that its change was made from; the
    /// limits; [`StoreError::Log`] if an entry breaks the rules of the log; [`StoreError::NotRecorded`]
    /// if the database failed. After an error nothing of the batch was written, unless the error is
    /// [`StoreError::Closed`] while it was on its way: then look.
    pub async fn record(&self, record: Record) -> Result<Receipt, StoreError> {
        record.check()?;
        match self.write(Task::Record(record)).await? {
            Outcome::Recorded(receipt) => Ok(receipt),
            Outcome::Noted(_) => Err(StoreError::Unreadable("answer of the writer")),
        }
    }

    /// Asks the writer and waits for the commit.
    pub(crate) async fn write(&self, task: Task) -> Result<Outcome, StoreError> {
        let writer = self.room.writer.as_ref().ok_or(StoreError::ReadOnly)?;
        let (answer, outcome) = oneshot::channel();
        let sent = writer.send(Request::Write(task, answer)).await;
        sent.map_err(|_| StoreError::Closed)?;
        outcome.await.map_err(|_| StoreError::Closed)?
    }

    /// A connection that cannot write.
    pub(crate) async fn reader(&self) -> Result<PoolConnection<Sqlite>, StoreError> {
        match self.room.readers.acquire().await {
            Err(sqlx::Error::PoolClosed) => Err(StoreError::Closed),
            reader => Ok(reader?),
        }
    }
}
