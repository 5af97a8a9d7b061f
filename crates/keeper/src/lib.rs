//! The keeper: the one process that holds keys, opens sealed files, starts sealed workers and signs.
//!
//! Each desk names ids over a Unix socket of its own; the keeper reads job, authority and decision from the store
//! itself and refuses what they do not permit. It has no data engine, parses no delivered byte, writes
//! nothing to the store and talks to no network.
//!
//! 1. A job runs once, under one authority that is live: a signed manifest or a standing instruction. Its
//!    intent is in the log before it runs, and its right is asked for again every second while it runs.
//! 2. What a worker is given is a [`mounts::Mounts`]: no arm of it holds identifiers and payload.
//! 3. Plaintext is never on a disk: bytes are sealed as they arrive and opened into the worker's memory.
//! 4. What a refused or broken job wrote is deleted; what a crash left behind is deleted at the next start.
//! 5. Records are linked only for the indexing desk's socket, and everything else only for the research desk's.
//! 6. A spare worker serves only the person, workspace, approval and extract that it was started for, and ends
//!    within seconds of its right.
//! 7. Workers have places; whoever finds none waits in a queue, and no project takes every place.
//! 8. What a worker gathered of an output is judged by another, which sees ordinals of people and no rows, beside
//!    everything that left.
//! 9. A checkpoint is signed only if the log extends everything that was signed before.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod attack;
mod authority;
mod books;
mod checkpoint;
mod checks;
mod comparison;
mod custody;
mod destroy;
mod door;
mod dummy;
mod error;
mod halt;
mod handed_over;
mod hear;
mod library;
mod manifest;
mod mounts;
mod named;
mod orders;
mod outputs;
mod pairs;
mod plan;
mod posture;
mod price;
mod progress;
mod queue;
mod ran;
mod reader;
mod refusals;
mod register;
mod rooms;
mod run;
mod seal;
mod server;
mod socket;
mod spares;
mod sweep;
#[cfg(test)]
mod tests;
mod unmounted;
mod upload;
mod wire;
mod work;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use governance::Timestamp;
use zeroize::Zeroizing;

pub use error::KeeperError;
pub use library::PinnedLibrary;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn machine_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Where the root key comes from.
#[derive(Clone)]
pub enum RootKey {
    /// `root.key` in this folder, made at the first start.
    Folder(PathBuf),
    /// A systemd credential.
    Credential {
        /// The credentials folder of the unit.
        folder: PathBuf,
        /// Name of the credential.
        name: String,
    },
    /// A file of the site's own, which only the keeper's user reads.
    File(PathBuf),
    /// The bytes of a key file, as the process that started the keeper hands them over.
    Handed(Zeroizing<Vec<u8>>),
    /// A random key, wrapped in `root.passphrase` in this folder under what Argon2id makes of the passphrase.
    Passphrase {
        /// The folder.
        folder: PathBuf,
        /// The passphrase.
        passphrase: Zeroizing<String>,
    },
}

impl std::fmt::Debug for RootKey {
    // Which kind it is, never the key or the passphrase.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Folder(_) => "Folder",
            Self::Credential { .. } => "Credential",
            Self::File(_) => "File",
            Self::Handed(_) => "Handed",
            Self::Passphrase { .. } => "Passphrase",
        })
    }
}

/// Where the keeper listens for one desk.
#[derive(Debug, Clone)]
pub struct Socket {
    /// The path; a stale socket is replaced.
    pub path: PathBuf,
    /// The one Unix user that is answered there. None where every process has the keeper's user: then the
    /// socket's mode (0600) is the wall.
    pub peer: Option<u32>,
}

/// How many workers there are and how much is answered at once; the names are those of `policies/limits.toml`.
#[derive(Debug, Clone, Copy)]
pub struct Capacity {
    /// Most queries, checks and measurements that run at once; others wait in a queue.
    pub statements_at_once: u32,
    /// Most of them of one project.
    pub project_at_once: u32,
    /// Most loads, indexings and extracts that run at once; others wait in a queue of their own.
    pub jobs_at_once: u32,
    /// Seconds for which a query or check waits in the queue.
    pub queue_s: u64,
    /// Seconds for which it runs.
    pub query_s: u64,
    /// Most spare workers; 0 for none.
    pub spares: u32,
    /// Most bytes of an extract for which a spare is kept: it holds a copy in memory (`spare_mib`).
    pub spare_bytes_max: u64,
    /// Seconds after which a spare that nobody used is ended.
    pub spare_idle_s: i64,
    /// Connections of one desk that are answered at once (`keeper_connections`); more wait at the socket.
    pub connections: usize,
    /// Files of outputs that are in memory at once.
    pub fetches_at_once: usize,
    /// Most bytes of one request for differentially private statistics.
    pub request_bytes: usize,
}

/// How outputs are judged.
#[derive(Debug, Clone)]
pub struct Disclosure {
    /// Text of `policies/disclosure/default.toml`.
    pub policy: String,
    /// Most statements of one request (`statements` in its section `[limits]`).
    pub statements: u32,
    /// Most MiB of what left and was shown that anything is compared with (`register_mib` in `policies/limits.toml`).
    pub register_mib: u64,
    /// Most MiB of it that screens of all projects may take (`screens_mib`).
    pub screens_mib: u64,
    /// Most MiB of it that screens of one project may take (`project_screens_mib`).
    pub project_screens_mib: u64,
}

/// What a keeper needs to know.
#[derive(Clone)]
pub struct Config {
    /// The keeper's own folder (made with mode 0700): secrets, sealed files, uploads, what ran, what was signed.
    pub data_dir: PathBuf,
    /// Folder of the store, which must exist.
    pub store_dir: PathBuf,
    /// The root key; never inside a backup that holds `data_dir`.
    pub root_key: RootKey,
    /// Where the research desk asks: everything but indexing.
    pub research: Socket,
    /// Where the indexing desk asks: indexing and nothing else.
    pub indexing: Socket,
    /// The program `strongroom-worker`: every job.
    pub worker: PathBuf,
    /// The program `strongroom-query` beside it: statements of researchers.
    pub query_worker: PathBuf,
    /// The program `strongroom-judge` beside it: what statements gathered.
    pub judge_worker: PathBuf,
    /// The libraries that it loads from beside it; the keeper does not start with others.
    pub libraries: Vec<PinnedLibrary>,
    /// Name of the log, such as `strongroom.example/log`: no space, no `+`.
    pub origin: String,
    /// Text of `policies/sandbox/job.toml`: walls and limits of load, link and extract jobs.
    pub job_profile_toml: String,
    /// Text of `policies/sandbox/sql.toml`: walls and limits of queries and checks.
    pub query_profile_toml: String,
    /// Settings of the linkage engine as JSON text.
    pub linkage_settings: String,
    /// How large a request for differentially private statistics may be (`policies/privacy/request.toml`).
    pub request_limits: protocol::job::RequestLimits,
    /// How outputs are judged.
    pub disclosure: Disclosure,
    /// Where a screen may show rows, as the site's own configuration says; nowhere if it says nothing.
    pub desktops: governance::desktop::DesktopNetworks,
    /// Most bytes of one delivered file (`delivery_mib` in `policies/limits.toml`).
    pub upload_bytes_max: u64,
    /// How many workers there are.
    pub capacity: Capacity,
    /// The clock.
    pub clock: Clock,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("research", &self.research)
            .field("indexing", &self.indexing)
            .finish_non_exhaustive()
    }
}

/// Keeps until `until` is ready: answers at both sockets, then ends every worker and removes the sockets.
///
/// # Errors
/// If a folder, key, profile, the store or a socket cannot be used.
pub async fn serve(
    config: Config,
    until: impl Future<Output = ()> + Send,
) -> Result<(), KeeperError> {
    server::serve(config, until).await
}

/// Ready when standard input ends: the process that started the keeper closed it or is gone.
pub async fn parent_gone() {
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    // A thread of its own: a blocked read would hold up the runtime's end.
    let started = std::thread::Builder::new()
        .name("parent".into())
        .spawn(move || {
            let mut stdin = std::io::stdin().lock();
            // Whatever ends it, an end or an error, the parent is gone.
            let _ = std::io::copy(&mut stdin, &mut std::io::sink());
            let _ = tell.send(());
        });
    if started.is_ok() {
        let _ = told.await;
    }
}
