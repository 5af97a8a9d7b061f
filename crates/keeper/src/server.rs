//! The socket: one request a connection, each answered by its own task.

use std::fs::{self, DirBuilder, Permissions};
use std::future::Future;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use governance::project::Project;
use governance::{ProjectId, Timestamp};
use protocol::keeper::{Part, Refused, Reply, Request};
use sandbox::Profile;
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Mutex, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::books::Books;
use crate::checkpoint::Signed;
use crate::custody::Custody;
use crate::error::{KeeperError, internal, not_permitted};
use crate::ran::Ran;
use crate::rooms::Rooms;
use crate::wire::{self, Sent};
use crate::{Clock, Config, manifest, sweep};

/// Connections that are answered at once; more wait at the socket.
const CONNECTIONS: usize = 128;
/// Load, link and extract workers at once.
const JOBS: usize = 2;
/// Query and check workers at once.
const QUERIES: usize = 8;
/// Files of outputs that are in memory at once.
const FETCHES: usize = 4;
/// How long requests may take to end after the keeper was told to close.
const CLOSING: Duration = Duration::from_secs(10);
/// A body that nobody wants is read for so long, so that its sender can read the refusal.
const DRAIN: Duration = Duration::from_secs(2);
/// A clock may go back by so much.
const CLOCK_SLACK_MS: i64 = 2_000;

/// What every request works with.
pub(crate) struct Keeper {
    pub(crate) books: Books,
    pub(crate) custody: Custody,
    pub(crate) rooms: Rooms,
    pub(crate) ran: Ran,
    pub(crate) worker: PathBuf,
    pub(crate) job_profile: Profile,
    pub(crate) query_profile: Profile,
    pub(crate) linkage_settings: String,
    pub(crate) upload_bytes_max: u64,
    pub(crate) job_places: Semaphore,
    pub(crate) query_places: Semaphore,
    pub(crate) fetch_places: Semaphore,
    signed: Mutex<Signed>,
    clock: Clock,
    latest_ms: AtomicI64,
    closing: watch::Receiver<bool>,
}

impl Keeper {
    pub(crate) async fn open(
        config: Config,
        closing: watch::Receiver<bool>,
    ) -> Result<Self, KeeperError> {
        let profile = |jobs, text: &str| {
            Profile::parse(text).map_err(|source| KeeperError::Profile { jobs, source })
        };
        let job_profile = profile("load, link and extract jobs", &config.job_profile_toml)?;
        let query_profile = profile("queries and checks", &config.query_profile_toml)?;
        if !config.worker.is_file() {
            return Err(KeeperError::NoWorker(config.worker));
        }
        let rooms = Rooms::open(&config.data_dir)?;
        let custody = Custody::open(&rooms, &config.root_key, &config.origin)?;
        let books = Books {
            store: Store::open_read_only(&config.store_dir).await?,
        };
        let signed = Mutex::new(Signed::open(&rooms.signed)?);
        let keeper = Self {
            books,
            custody,
            ran: Ran::new(rooms.ran.clone()),
            rooms,
            worker: config.worker,
            job_profile,
            query_profile,
            linkage_settings: config.linkage_settings,
            upload_bytes_max: config.upload_bytes_max,
            job_places: Semaphore::new(JOBS),
            query_places: Semaphore::new(QUERIES),
            fetch_places: Semaphore::new(FETCHES),
            signed,
            clock: config.clock,
            latest_ms: AtomicI64::new(i64::MIN),
            closing,
        };
        let left_over = sweep::sweep(&keeper.rooms, &keeper.books, (keeper.clock)()).await?;
        if left_over > 0 {
            tracing::info!(
                files = left_over,
                "files of jobs that never ended were deleted"
            );
        }
        Ok(keeper)
    }

    /// Now. A clock that goes backwards stops everything: a right that ended must not come alive again.
    pub(crate) fn now(&self) -> Result<Timestamp, Refused> {
        let now = (self.clock)();
        let latest = self
            .latest_ms
            .fetch_max(now.as_millisecond(), Ordering::SeqCst);
        if now.as_millisecond().saturating_add(CLOCK_SLACK_MS) < latest {
            return Err(not_permitted(
                "the clock went backwards; nothing runs until it is right",
            ));
        }
        Ok(now)
    }

    /// Ready when the keeper closes.
    pub(crate) async fn closing(&self) {
        // An error means that nobody can say so any more, which is the same.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    fn hello(&self) -> Reply {
        Reply::Hello {
            build: protocol::build_id().to_owned(),
            vkey: self.custody.log.vkey().to_string(),
            manifest_vkey: self.custody.manifest.vkey().to_string(),
        }
    }

    pub(crate) async fn sign_manifest(&self, id: &str) -> Result<(String, String), Refused> {
        let id: ProjectId = id
            .parse()
            .map_err(|_| not_permitted("not a valid project id"))?;
        let project: Project = self.books.get(id.as_str()).await?;
        manifest::sign(&self.custody.manifest, manifest::approved(&project)?)
    }

    pub(crate) async fn sign_checkpoint(&self) -> Result<String, Refused> {
        let mut signed = self.signed.lock().await;
        signed.sign(&self.books.store, &self.custody.log).await
    }
}

/// See [`crate::serve`].
pub(crate) async fn serve(
    config: Config,
    until: impl Future<Output = ()> + Send,
) -> Result<(), KeeperError> {
    let (close, closing) = watch::channel(false);
    let socket = config.socket.clone();
    let keeper = Arc::new(Keeper::open(config, closing).await?);
    let listener = bind(&socket)?;
    tracing::info!(build = protocol::build_id(), "the keeper is open");
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let mut tasks = JoinSet::new();
    tokio::pin!(until);
    loop {
        let place = tokio::select! {
            () = &mut until => break,
            place = Arc::clone(&places).acquire_owned() => place,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            () = &mut until => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let keeper = Arc::clone(&keeper);
                tasks.spawn(async move {
                    if let Err(error) = answer(&keeper, stream).await {
                        tracing::debug!(error = %error, "a connection broke off");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(error = %error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
    // A receiver is always there: the keeper holds one.
    let _ = close.send(true);
    drop(listener);
    let ended = timeout(CLOSING, async {
        while tasks.join_next().await.is_some() {}
    })
    .await;
    if ended.is_err() {
        tracing::warn!("requests did not end in time and were cut off");
    }
    if let Err(error) = fs::remove_file(&socket) {
        tracing::debug!(error = %error, "the socket was gone already");
    }
    keeper.books.store.close().await;
    Ok(())
}

/// Listens at `path` with mode 0600 from the first moment: bound in a folder of its own, then moved.
fn bind(path: &Path) -> Result<UnixListener, KeeperError> {
    let failed = || KeeperError::folder(path);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed()(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(failed()(io::ErrorKind::AlreadyExists.into()));
        }
        Ok(_) => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(KeeperError::SocketInUse(path.to_owned()));
            }
        }
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let nest = parent.join(format!(".keeper-{}", std::process::id()));
    let bound = (|| {
        match fs::remove_dir_all(&nest) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        DirBuilder::new().mode(0o700).create(&nest)?;
        let inside = nest.join("s");
        let listener = UnixListener::bind(&inside)?;
        fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    })();
    let removed = fs::remove_dir_all(&nest);
    let listener = bound.map_err(failed())?;
    removed.map_err(failed())?;
    Ok(listener)
}

async fn answer(keeper: &Arc<Keeper>, mut stream: UnixStream) -> io::Result<()> {
    let request = tokio::select! {
        request = wire::read_request(&mut stream) => request?,
        () = keeper.closing() => return Ok(()),
    };
    let (ask, id) = name(&request);
    match request {
        Request::Hello => wire::write_reply(&mut stream, &keeper.hello())
            .await
            .map(drop),
        Request::Upload { job } => {
            let kept = tokio::select! {
                kept = keeper.upload(&job, &mut stream) => kept,
                () = keeper.closing() => Err(internal("the keeper is closing")),
            };
            let reply = reply(kept.map(|file| Reply::Kept { file }), ask, &id);
            refuse_body(&mut stream, &reply).await
        }
        Request::Keep { output, part } => {
            let kept = tokio::select! {
                kept = keeper.keep(&output, part, &mut stream) => kept,
                () = keeper.closing() => Err(internal("the keeper is closing")),
            };
            let reply = reply(kept.map(|file| Reply::Kept { file }), ask, &id);
            refuse_body(&mut stream, &reply).await
        }
        Request::Run { job } => run(keeper, stream, &job).await,
        Request::Fetch { output, part } => {
            let fetched = keeper.fetch(&output, part).await;
            give(&mut stream, fetched, &id, part).await
        }
        Request::SignManifest { project } => {
            let signed = keeper.sign_manifest(&project).await;
            let signed = signed.map(|(note, sha256)| Reply::Signed { note, sha256 });
            let reply = reply(signed, ask, &id);
            wire::write_reply(&mut stream, &reply).await.map(drop)
        }
        Request::SignCheckpoint => {
            let signed = keeper.sign_checkpoint().await.map(|note| Reply::Signed {
                sha256: hex::encode(audit_log::sha256(note.as_bytes())),
                note,
            });
            let reply = reply(signed, ask, &id);
            wire::write_reply(&mut stream, &reply).await.map(drop)
        }
    }
}

/// Files of a finished job stay only once its outcome was handed over.
async fn run(keeper: &Arc<Keeper>, stream: UnixStream, job: &str) -> io::Result<()> {
    let (mut from, mut to) = stream.into_split();
    let gone = async move {
        // One request a connection: a further byte is as much an end as none.
        let _ = from.read(&mut [0_u8; 1]).await;
    };
    match keeper.run(job, gone).await {
        Ok(done) => {
            let reply = Reply::Done {
                outcome: done.outcome,
                cost: done.cost,
            };
            match wire::write_reply(&mut to, &reply).await? {
                Sent::Whole => done.made.keep(),
                Sent::Refusal => {}
            }
            Ok(())
        }
        Err(refused) => {
            let reply = reply(Err(refused), "run", &plain_id(job));
            wire::write_reply(&mut to, &reply).await.map(drop)
        }
    }
}

async fn give(
    stream: &mut UnixStream,
    fetched: Result<Vec<u8>, Refused>,
    id: &str,
    part: Part,
) -> io::Result<()> {
    match fetched {
        Ok(body) => {
            let bytes = body.len() as u64;
            tracing::info!(output = id, part = ?part, bytes, "given out");
            wire::write_reply(stream, &Reply::Bytes { bytes }).await?;
            wire::write_body(stream, &body).await
        }
        Err(refused) => {
            let reply = reply(Err(refused), "fetch", id);
            wire::write_reply(stream, &reply).await.map(drop)
        }
    }
}

/// Answers a request with a body. After a refusal the rest of the body is read for a moment: a socket that
/// is closed on unread bytes may take the answer with it.
async fn refuse_body(stream: &mut UnixStream, reply: &Reply) -> io::Result<()> {
    wire::write_reply(stream, reply).await?;
    if matches!(reply, Reply::Refused(_)) {
        stream.shutdown().await?;
        let mut rest = vec![0_u8; 64 * 1024];
        let drain = async { while matches!(stream.read(&mut rest).await, Ok(n) if n > 0) {} };
        // Whether it ends or not, the connection does.
        let _ = timeout(DRAIN, drain).await;
    }
    Ok(())
}

/// The reply of a request; a refusal is logged by ids only.
fn reply(result: Result<Reply, Refused>, ask: &str, id: &str) -> Reply {
    match result {
        Ok(reply) => reply,
        Err(refused) => {
            tracing::info!(ask, id, code = refused.code.word(), "refused");
            Reply::Refused(refused)
        }
    }
}

fn name(request: &Request) -> (&'static str, String) {
    match request {
        Request::Hello => ("hello", String::new()),
        Request::Upload { job } => ("upload", plain_id(job)),
        Request::Run { job } => ("run", plain_id(job)),
        Request::Keep { output, .. } => ("keep", plain_id(output)),
        Request::Fetch { output, .. } => ("fetch", plain_id(output)),
        Request::SignManifest { project } => ("sign_manifest", plain_id(project)),
        Request::SignCheckpoint => ("sign_checkpoint", String::new()),
    }
}

/// What of a text could be an id: the front may send anything.
fn plain_id(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .take(64)
        .collect()
}
