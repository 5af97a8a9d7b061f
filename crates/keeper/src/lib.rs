//! The keeper: the one process that holds keys, opens sealed files, starts sealed workers and signs.
//!
//! The front names ids over a Unix socket; the keeper reads job, authority and decision from the store
//! itself and refuses what they do not permit. It has no data engine, parses no delivered byte, writes
//! nothing to the store and talks to no network.
//!
//! 1. A job runs once, under one authority that is live: a signed manifest or a standing instruction. Its
//!    intent is in the log before it runs, and its right is asked for again every second while it runs.
//! 2. What a worker is given is a [`mounts::Mounts`]: no arm of it holds identifiers and payload.
//! 3. Plaintext is never on a disk: bytes are sealed as they arrive and opened into the worker's memory.
//! 4. What a refused or broken job wrote is deleted; what a crash left behind is deleted at the next start.
//! 5. A checkpoint is signed only if the log extends everything that was signed before.

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

mod authority;
mod books;
mod checkpoint;
mod custody;
mod error;
mod halt;
mod manifest;
mod mounts;
mod orders;
mod outputs;
mod ran;
mod rooms;
mod run;
mod seal;
mod server;
mod sweep;
#[cfg(test)]
mod tests;
mod upload;
mod wire;
mod work;

use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;

use governance::Timestamp;

pub use error::KeeperError;

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of the machine.
#[must_use]
pub fn machine_clock() -> Clock {
    Arc::new(Timestamp::now)
}

/// Where the root key comes from.
#[derive(Debug, Clone)]
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
    /// Where to listen; a stale socket is replaced.
    pub socket: PathBuf,
    /// The program `strongroom-worker`.
    pub worker: PathBuf,
    /// Name of the log, such as `strongroom.example/log`: no space, no `+`.
    pub origin: String,
    /// Text of `policies/sandbox/job.toml`: walls and limits of load, link and extract jobs.
    pub job_profile_toml: String,
    /// Text of `policies/sandbox/sql.toml`: walls and limits of queries and checks.
    pub query_profile_toml: String,
    /// Settings of the linkage engine as JSON text.
    pub linkage_settings: String,
    /// Most bytes of one delivered file (`delivery_mib` in `policies/limits.toml`).
    pub upload_bytes_max: u64,
    /// The clock.
    pub clock: Clock,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

/// Keeps until `until` is ready: answers at the socket, then ends every worker and removes the socket.
///
/// # Errors
/// If a folder, key, profile, the store or the socket cannot be used.
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
