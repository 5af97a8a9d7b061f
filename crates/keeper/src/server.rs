//! The two sockets: one request a connection, each answered by its own task.

use std::fs;
use std::future::Future;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use governance::desktop::DesktopNetworks;
use governance::project::Project;
use governance::{ProjectId, Timestamp};
use protocol::keeper::{Door, Refused, Reply, Request};
use sandbox::{Profile, Spare};
use store::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::{Mutex, Notify, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::books::Books;
use crate::checkpoint::Signed;
use crate::custody::Custody;
use crate::door::may_ask;
use crate::error::{KeeperError, internal, not_permitted};
use crate::named::{name, plain_id};
use crate::progress::Teller;
use crate::queue::Queue;
use crate::ran::Ran;
use crate::refusals::Refusals;
use crate::rooms::Rooms;
use crate::socket::{bind, is_peer, next};
use crate::spares::{Spares, tending};
use crate::wire::{self, Sent};
use crate::{Capacity, Clock, Config, Disclosure, attack, library, manifest, register, sweep};

/// How often the progress of a job is passed on, at most.
const PROGRESS: Duration = Duration::from_millis(250);
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
    pub(crate) query_worker: PathBuf,
    pub(crate) judge_worker: PathBuf,
    pub(crate) job_profile: Profile,
    pub(crate) query_profile: Profile,
    pub(crate) linkage_settings: String,
    pub(crate) request_limits: protocol::job::RequestLimits,
    pub(crate) disclosure: Disclosure,
    pub(crate) desktops: DesktopNetworks,
    pub(crate) upload_bytes_max: u64,
    pub(crate) capacity: Capacity,
    pub(crate) job_places: Arc<Queue>,
    pub(crate) query_places: Arc<Queue>,
    pub(crate) fetch_places: Semaphore,
    pub(crate) spares: Spares<Spare>,
    /// What was refused, for the log.
    pub(crate) refusals: Refusals,
    /// One destruction at a time.
    pub(crate) destroying: Mutex<()>,
    /// Told when only a new start tells how things stand.
    pub(crate) broken: Notify,
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
        for worker in [&config.worker, &config.query_worker, &config.judge_worker] {
            if !worker.is_file() {
                return Err(KeeperError::NoWorker(worker.clone()));
            }
        }
        library::check(&config.worker, &config.libraries)?;
        if config.query_worker.parent() != config.worker.parent() {
            library::check(&config.query_worker, &config.libraries)?;
        }
        let rooms = Rooms::open(&config.data_dir)?;
        let custody = Custody::open(&rooms, &config.root_key, &config.origin)?;
        let books = Books {
            store: Store::open_read_only(&config.store_dir).await?,
        };
        let signed = Mutex::new(Signed::open(&rooms.signed)?);
        let capacity = config.capacity;
        let keeper = Self {
            books,
            custody,
            ran: Ran::new(rooms.ran.clone()),
            rooms,
            worker: config.worker,
            query_worker: config.query_worker,
            judge_worker: config.judge_worker,
            job_profile,
            query_profile,
            linkage_settings: config.linkage_settings,
            request_limits: config.request_limits,
            disclosure: config.disclosure,
            desktops: config.desktops,
            upload_bytes_max: config.upload_bytes_max,
            capacity,
            job_places: Queue::of(capacity.jobs_at_once, capacity.jobs_at_once),
            query_places: Queue::of(capacity.statements_at_once, capacity.project_at_once),
            fetch_places: Semaphore::new(capacity.fetches_at_once),
            spares: Spares::of(capacity.spares),
            refusals: Refusals::new()?,
            destroying: Mutex::default(),
            broken: Notify::new(),
            signed,
            clock: config.clock,
            latest_ms: AtomicI64::new(i64::MIN),
            closing,
        };
        if let Some(newest) = keeper.books.store.newest().await? {
            keeper
                .latest_ms
                .store(newest.as_millisecond(), Ordering::SeqCst);
        }
        // With a clock that stands behind the log nothing can be judged: what is left over stays.
        if let Ok(now) = keeper.now() {
            let left_over = sweep::sweep(&keeper.rooms, &keeper.books, now).await?;
            if left_over > 0 {
                tracing::info!(
                    files = left_over,
                    "files of jobs that never ended were deleted"
                );
            }
        }
        Ok(keeper)
    }

    /// Now. A clock that goes backwards stops everything, also one that went back while nothing ran: a right that
    /// ended must not come alive again.
    pub(crate) fn now(&self) -> Result<Timestamp, Refused> {
        let now = (self.clock)();
        let latest = self
            .latest_ms
            .fetch_max(now.as_millisecond(), Ordering::SeqCst);
        if now.as_millisecond().saturating_add(CLOCK_SLACK_MS) < latest {
            return Err(not_permitted(
                "the clock stands behind the log; nothing runs until it is right",
            ));
        }
        Ok(now)
    }

    /// Ready when the keeper closes.
    pub(crate) async fn closing(&self) {
        // An error means that nobody can say so any more, which is the same.
        let _ = self.closing.clone().wait_for(|closing| *closing).await;
    }

    /// What comes of it, if it comes before the keeper closes.
    ///
    /// # Errors
    /// Its own; if the keeper closes first.
    pub(crate) async fn unless_closing<T>(
        &self,
        work: impl Future<Output = Result<T, Refused>>,
    ) -> Result<T, Refused> {
        tokio::select! {
            done = work => done,
            () = self.closing() => Err(internal("the keeper is closing")),
        }
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
    let (research, indexing) = (config.research.clone(), config.indexing.clone());
    let keeper = Arc::new(Keeper::open(config, closing).await?);
    let (at_research, at_indexing) = (bind(&research)?, bind(&indexing)?);
    tracing::info!(build = protocol::build_id(), "the keeper is open");
    // Each door has places of its own: a desk that holds all of its own keeps nobody else out.
    let places = || Arc::new(Semaphore::new(keeper.capacity.connections));
    let (research_places, indexing_places) = (places(), places());
    let mut tasks = JoinSet::new();
    tasks.spawn(sweep::sweeping(Arc::clone(&keeper)));
    tasks.spawn(tending(Arc::clone(&keeper)));
    let mut ended = Ok(());
    tokio::pin!(until);
    loop {
        let (door, peer, accepted) = tokio::select! {
            () = &mut until => break,
            () = keeper.broken.notified() => {
                ended = Err(KeeperError::MustReopen);
                break;
            }
            accepted = next(&at_research, &research_places) => {
                (Door::Research, research.peer, accepted)
            }
            accepted = next(&at_indexing, &indexing_places) => {
                (Door::Indexing, indexing.peer, accepted)
            }
        };
        match accepted {
            Ok((stream, place)) if is_peer(&stream, peer) => {
                let keeper = Arc::clone(&keeper);
                tasks.spawn(async move {
                    if let Err(error) = answer(&keeper, door, stream).await {
                        tracing::debug!(error = %error, "a connection broke off");
                    }
                    drop(place);
                });
            }
            Ok(_) => tracing::warn!(
                door = door.word(),
                "somebody else's connection was closed unanswered"
            ),
            Err(error) => {
                tracing::warn!(error = %error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
    // A receiver is always there: the keeper holds one.
    let _ = close.send(true);
    drop((at_research, at_indexing));
    let closed = timeout(CLOSING, async {
        while tasks.join_next().await.is_some() {}
    })
    .await;
    if closed.is_err() {
        tracing::warn!("requests did not end in time and were cut off");
    }
    for socket in [&research, &indexing] {
        if let Err(error) = fs::remove_file(&socket.path) {
            tracing::debug!(error = %error, "the socket was gone already");
        }
    }
    keeper.books.store.close().await;
    ended
}

async fn answer(keeper: &Arc<Keeper>, door: Door, mut stream: UnixStream) -> io::Result<()> {
    let request = tokio::select! {
        request = wire::read_request(&mut stream) => request?,
        () = keeper.closing() => return Ok(()),
    };
    let (ask, id) = name(&request);
    if let Err(refused) = may_ask(door, &request) {
        keeper.note_refusal(&refused, ask, &id);
        return refuse_body(&mut stream, &reply(Err(refused), ask, &id)).await;
    }
    match request {
        Request::Hello => wire::write_reply(&mut stream, &keeper.hello())
            .await
            .map(drop),
        Request::Upload { job } => {
            let kept = keeper
                .unless_closing(keeper.upload(&job, &mut stream))
                .await;
            let reply = noted(keeper, kept.map(|file| Reply::Kept { file }), ask, &id);
            refuse_body(&mut stream, &reply).await
        }
        Request::Keep { job, part } => {
            let keeping = keeper.keep(&job, part, &mut stream);
            let kept = keeper.unless_closing(keeping).await;
            let reply = noted(keeper, kept.map(|file| Reply::Kept { file }), ask, &id);
            refuse_body(&mut stream, &reply).await
        }
        Request::Run { job } => run(keeper, door, stream, &job).await,
        Request::Fetch { output, part } => {
            // Held until the bytes are written out: so many are in memory at most.
            let _place = keeper.fetch_places.acquire().await;
            let fetched = keeper.fetch(&output, part).await;
            give(keeper, &mut stream, fetched, ask, &id).await
        }
        Request::Pairs { indexing, person } => {
            let _place = keeper.fetch_places.acquire().await;
            let pairs = keeper.pairs(&indexing, &person).await;
            give(keeper, &mut stream, pairs, ask, &id).await
        }
        Request::SignManifest { project } => {
            let signed = keeper.sign_manifest(&project).await;
            let signed = signed.map(|(note, sha256)| Reply::Signed { note, sha256 });
            say(keeper, &mut stream, signed, ask, &id).await
        }
        Request::Destroy { project } => {
            let destroyed = keeper.destroy(&project).await;
            say(keeper, &mut stream, destroyed, ask, &id).await
        }
        Request::Refusals { after } => {
            let reply = keeper.refusals.after(after);
            wire::write_reply(&mut stream, &reply).await.map(drop)
        }
        Request::SignCheckpoint => {
            let signed = keeper.sign_checkpoint().await.map(|note| Reply::Signed {
                sha256: hex::encode(audit_log::sha256(note.as_bytes())),
                note,
            });
            say(keeper, &mut stream, signed, ask, &id).await
        }
        Request::Price { request } => {
            let priced = keeper.price(request).await.map(Reply::Priced);
            say(keeper, &mut stream, priced, ask, &id).await
        }
        Request::Dummy { plan } => {
            let made = keeper.dummy(plan).await;
            give(keeper, &mut stream, made, ask, &id).await
        }
        Request::Practise { request, tables } => {
            let answer = keeper.practise(request, tables).await;
            let practised = answer.map(|answer| Reply::Practised { answer });
            say(keeper, &mut stream, practised, ask, &id).await
        }
        Request::SelfAudit { draws } => {
            let audited = keeper.self_audit(draws).await;
            let audited = audited.map(|(holds, findings)| Reply::SelfAudited { holds, findings });
            say(keeper, &mut stream, audited, ask, &id).await
        }
        Request::Compare { output } => register::answer(keeper, &mut stream, &output).await,
        Request::Attack => attack::answer(keeper, &mut stream).await,
        Request::Posture => {
            let tried = keeper.posture().await;
            let tried = tried.map(|tried| Reply::Posture { tried });
            say(keeper, &mut stream, tried, ask, &id).await
        }
    }
}

/// Files of a finished job stay only once its outcome was handed over.
async fn run(keeper: &Arc<Keeper>, door: Door, stream: UnixStream, job: &str) -> io::Result<()> {
    let (mut from, mut to) = stream.into_split();
    let gone = async move {
        // One request a connection: a further byte is as much an end as none.
        let _ = from.read(&mut [0_u8; 1]).await;
    };
    let tell = Teller::default();
    let mut told = tell.listen();
    let mut beat = interval(PROGRESS);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let running = keeper.run(door, job, gone, &tell);
    tokio::pin!(running);
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended,
            _ = beat.tick() => {
                // A sender is always there: this task holds it.
                let progress = match told.has_changed() {
                    Ok(true) => told.borrow_and_update().clone(),
                    Ok(false) | Err(_) => None,
                };
                // Nobody waits for a desk that does not read: the job's right is watched meanwhile.
                if let Some(progress) = progress {
                    match timeout(PROGRESS, wire::write_reply(&mut to, &progress)).await {
                        Ok(written) => written.map(drop)?,
                        Err(_) => return Ok(()),
                    }
                }
            }
        }
    };
    match ended {
        Ok(done) => {
            let reply = Reply::Done {
                outcome: Box::new(done.outcome),
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
    keeper: &Keeper,
    stream: &mut UnixStream,
    fetched: Result<Vec<u8>, Refused>,
    ask: &str,
    id: &str,
) -> io::Result<()> {
    match fetched {
        Ok(body) => {
            let bytes = body.len() as u64;
            tracing::info!(ask, id, bytes, "given out");
            wire::write_reply(stream, &Reply::Bytes { bytes }).await?;
            wire::write_body(stream, &body).await
        }
        Err(refused) => say(keeper, stream, Err(refused), ask, id).await,
    }
}

/// Answers with one message, or with the refusal.
async fn say(
    keeper: &Keeper,
    stream: &mut UnixStream,
    result: Result<Reply, Refused>,
    ask: &str,
    id: &str,
) -> io::Result<()> {
    let reply = noted(keeper, result, ask, id);
    wire::write_reply(stream, &reply).await.map(drop)
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

/// The same, for what is asked without having been begun: a refusal is noted for the log book too.
pub(crate) fn noted(keeper: &Keeper, result: Result<Reply, Refused>, ask: &str, id: &str) -> Reply {
    if let Err(refused) = &result {
        keeper.note_refusal(refused, ask, id);
    }
    reply(result, ask, id)
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
