//! `init`, `serve` and `keeper`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use keeper::{Capacity, Config, Disclosure, KeeperError, RootKey, Socket};
use protocol::keeper::Door;
use service::policies::FrontLimits;
use service::{Keeper, RandomIds, Service};
use store::{Store, StoreError};
use tokio::task::JoinHandle;
use vault::VaultError;
use zeroize::Zeroizing;

use crate::config::{Listen, Settings};
use crate::desk::{MachineClock, Prepared};
use crate::desktops::LockedDesktops;
use crate::files::{
    judge_worker, linkage_settings, load_policies, query_worker, request_limits, worker,
};
use crate::house::House;
use crate::keeping::Logs;
use crate::places::Places;
use crate::problem::Problem;
use crate::supervisor::Supervisor;

/// Most bytes of the line with a key or passphrase.
const SECRET_MAX: usize = 4096;
/// How often and how long a keeper looks for a store that a desk is making at the same time.
const LOOK: Duration = Duration::from_millis(100);
const LOOKS: usize = 300;
const LOOKS_FOR_KEYS: usize = 150;

#[derive(clap::Args)]
pub(crate) struct InitArgs {
    /// Folder of the safe haven; made if it is not there.
    #[arg(long)]
    data_dir: PathBuf,
    /// Name of the first administrator, who adds everybody else.
    #[arg(long)]
    administrator: String,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    /// TOML file that says how the safe haven is run (docs/how-to/production.md).
    #[arg(long, conflicts_with_all = ["data_dir", "policies", "origin", "listen"])]
    config: Option<PathBuf>,
    /// Folder of the safe haven.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// Folder of policies; without it the shipped ones hold.
    #[arg(long)]
    policies: Option<PathBuf>,
    /// Name of the log, such as `haven.example.org/log`. Cannot change later.
    #[arg(long)]
    origin: Option<String>,
    /// Where the pages are, on this machine; `nowhere` for none. Without it 127.0.0.1:8440, or a free port.
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// One desk only, in a process of its own; keeper and other desk are started apart.
    #[arg(long, value_enum)]
    desk: Option<DeskWord>,
    /// End when standard input ends: whoever started this is gone.
    #[arg(long, hide = true, requires = "desk")]
    with_parent: bool,
    /// A proxy with TLS stands before the pages.
    #[arg(long, hide = true, requires = "desk")]
    behind_tls_proxy: bool,
    #[command(flatten)]
    desktops: LockedDesktops,
    #[arg(long, hide = true, default_value = "info")]
    logs: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum DeskWord {
    /// Everything but indexing.
    Research,
    /// Linking records, and nothing else.
    Indexing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum KeyWord {
    Folder,
    File,
    Credential,
    Handed,
    Passphrase,
}

#[derive(clap::Args)]
pub(crate) struct KeeperArgs {
    #[arg(long)]
    data_dir: PathBuf,
    #[arg(long)]
    policies: Option<PathBuf>,
    #[arg(long)]
    origin: String,
    #[arg(long, default_value = "info")]
    logs: String,
    #[arg(long, value_enum, default_value = "folder")]
    root_key: KeyWord,
    #[arg(long)]
    root_key_path: Option<PathBuf>,
    #[arg(long)]
    research_uid: Option<u32>,
    #[arg(long)]
    indexing_uid: Option<u32>,
    #[command(flatten)]
    desktops: LockedDesktops,
}

impl Args {
    /// From the file or from the command line.
    fn settle(&self) -> Result<Settings, Problem> {
        if let Some(path) = &self.config {
            return Settings::read(path);
        }
        let folder = self.data_dir.as_deref().ok_or_else(|| {
            Problem::could_not("say where the safe haven is: --config FILE or --data-dir DIR")
        })?;
        let mut settings = Settings::of_folder(folder);
        settings.policies.clone_from(&self.policies);
        settings.behind_tls_proxy = self.behind_tls_proxy;
        settings.locked_desktops.clone_from(&self.desktops);
        if let Some(origin) = &self.origin {
            settings.origin.clone_from(origin);
        }
        if let Some(listen) = &self.listen {
            let listen = Listen::parse(listen, self.behind_tls_proxy)?;
            match self.desk {
                Some(DeskWord::Indexing) => settings.indexing_listen = listen,
                Some(DeskWord::Research) => settings.listen = listen,
                // Nowhere is for both; an address can only be for one.
                None => {
                    settings.listen = listen;
                    if listen == Listen::Nowhere {
                        settings.indexing_listen = listen;
                    }
                }
            }
        }
        Ok(settings)
    }
}

/// Makes an empty safe haven and prints the administrator's token, once.
pub(crate) async fn init(args: &InitArgs) -> Result<ExitCode, Problem> {
    let places = Places::new(&args.data_dir);
    places.make()?;
    let _alone = places.take(Door::Research)?;
    let store = Store::open(&places.front())
        .await
        .map_err(|e| Problem::could_not(e.to_string()))?;
    let service = Service::new(
        store,
        Keeper::at(&places.keeper_socket(Door::Research)),
        Arc::new(load_policies(None)?),
        Arc::new(MachineClock),
        Arc::new(RandomIds::new()),
    );
    let (person, token) = service.add_first_administrator(&args.administrator).await?;
    service.store().close().await;
    let said = serde_json::json!({ "person": person, "token": token });
    writeln!(std::io::stdout().lock(), "{said}")
        .map_err(|_| Problem::could_not("standard output is closed"))?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until interrupted, or until a desk ends by itself. A keeper that ends is started again.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Problem> {
    log_to_stderr(&args.logs);
    let settings = args.settle()?;
    let logs = if args.logs == Logs::Faults.level() {
        Logs::Faults
    } else {
        Logs::Acts
    };
    let ended = match (args.desk, &settings.users) {
        (Some(desk), _) => one_desk(args, &settings, desk).await?,
        (None, Some(users)) => {
            let mut all = Supervisor::start(&settings, users, logs).await?;
            say(&settings)?;
            let ended = tokio::select! {
                told = told_to_stop() => told.err(),
                problem = all.broken() => Some(problem),
            };
            all.stop().await;
            ended
        }
        (None, None) => {
            let mut house = House::start(&settings, logs).await?;
            say(&settings)?;
            let ended = tokio::select! {
                told = told_to_stop() => told.err(),
                problem = house.broken() => Some(problem),
            };
            house.stop().await;
            ended
        }
    };
    match ended {
        None => Ok(ExitCode::SUCCESS),
        Some(problem) => Err(problem),
    }
}

/// One desk in this process. Folders and keeper are somebody else's to make and to start.
async fn one_desk(
    args: &Args,
    settings: &Settings,
    desk: DeskWord,
) -> Result<Option<Problem>, Problem> {
    let door = match desk {
        DeskWord::Research => Door::Research,
        DeskWord::Indexing => Door::Indexing,
    };
    let prepared = Prepared::new(door, &settings.places, settings.policies.as_deref()).await?;
    let desk = prepared
        .open(
            settings.listen_of(door),
            settings.reached(),
            settings.desktops()?,
        )
        .await?;
    if let Some(pages) = desk.pages() {
        tracing::info!(%pages, "the pages are open");
    }
    let alone = async {
        if args.with_parent {
            keeper::parent_gone().await;
        } else {
            std::future::pending::<()>().await;
        }
    };
    let ended = tokio::select! {
        told = told_to_stop() => told.err(),
        () = alone => None,
        () = desk.broken() => Some(Problem::could_not("the desk stopped serving")),
    };
    desk.stop().await;
    Ok(ended)
}

/// Says on standard error where everything is.
fn say(settings: &Settings) -> Result<(), Problem> {
    let socket = settings.places.socket(Door::Research);
    let indexing = settings.places.socket(Door::Indexing);
    let mut text = format!(
        "strongroom serves on {} and, for indexing, on {} (Unix sockets); stop it with Ctrl-C\n",
        socket.display(),
        indexing.display()
    );
    for (door, what) in [
        (Door::Research, "the pages are"),
        (Door::Indexing, "those of the indexing desk are"),
    ] {
        if let Some(pages) = settings.places.pages(door) {
            text.push_str(&format!("{what} at http://{pages}/\n"));
        }
    }
    std::io::stderr()
        .lock()
        .write_all(text.as_bytes())
        .map_err(|_| Problem::could_not("standard error is closed"))
}

/// Ready when somebody asks this process to stop.
async fn told_to_stop() -> Result<(), Problem> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|_| Problem::could_not("signals cannot be listened to"))?;
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}

/// The keeper's process: started by `serve`, ends with it.
pub(crate) async fn keeper(args: &KeeperArgs) -> Result<ExitCode, Problem> {
    log_to_stderr(&args.logs);
    // Keys and opened bytes pass through this process: nobody else traces it, and no crash writes them out.
    nix::sys::prctl::set_dumpable(false)
        .map_err(|_| Problem::could_not("the keeper cannot be kept from dumping its memory"))?;
    let places = Places::new(&args.data_dir);
    let policies = load_policies(args.policies.as_deref())?;
    let socket = |door, peer| Socket {
        path: places.keeper_socket(door),
        peer,
    };
    let config = Config {
        data_dir: places.keeper(),
        store_dir: places.front(),
        root_key: root_key(args, &places)?,
        research: socket(Door::Research, args.research_uid),
        indexing: socket(Door::Indexing, args.indexing_uid),
        worker: worker()?,
        query_worker: query_worker()?,
        judge_worker: judge_worker()?,
        libraries: crate::doctor::pinned()?,
        origin: args.origin.clone(),
        job_profile_toml: policies.text("sandbox/job.toml").to_owned(),
        query_profile_toml: policies.text("sandbox/sql.toml").to_owned(),
        linkage_settings: linkage_settings(&policies)?,
        request_limits: request_limits(&policies)?,
        disclosure: Disclosure {
            policy: policies.text("disclosure/default.toml").to_owned(),
            statements: u32::try_from(policies.disclosure.limits().statements).unwrap_or(1),
            register_mib: policies.limits.register_mib,
            screens_mib: policies.limits.screens_mib,
            project_screens_mib: policies.limits.project_screens_mib,
        },
        desktops: args.desktops.networks()?,
        upload_bytes_max: policies.limits.delivery_mib.saturating_mul(1 << 20),
        capacity: capacity(&policies.limits),
        clock: keeper::machine_clock(),
    };
    // Beside the serving, which need not wait: each worker proves its own walls before it gets an order.
    let walls = tokio::task::spawn_blocking(move || crate::doctor::must_hold(&policies));
    tokio::select! {
        ended = serving(&places, config) => ended,
        broken = broken_walls(walls) => Err(broken),
    }
}

fn capacity(limits: &FrontLimits) -> Capacity {
    Capacity {
        statements_at_once: limits.statements_at_once,
        project_at_once: limits.project_at_once,
        jobs_at_once: limits.jobs_at_once,
        queue_s: limits.queue_s.unsigned_abs(),
        query_s: limits.query_s.unsigned_abs(),
        spares: u32::try_from(limits.spares).unwrap_or(0),
        spare_bytes_max: limits.spare_mib.saturating_mul(1 << 20),
        spare_idle_s: limits.spare_idle_s,
        connections: limits.keeper_connections,
        fetches_at_once: limits.fetches_at_once,
        request_bytes: limits.request_bytes,
    }
}

/// Ready only when a wall that must stand does not.
async fn broken_walls(walls: JoinHandle<Result<(), Problem>>) -> Problem {
    match walls.await {
        Ok(Ok(())) => {
            tracing::info!("every required wall holds");
            std::future::pending().await
        }
        Ok(Err(problem)) => problem,
        Err(_) => Problem::could_not("the walls could not be tried"),
    }
}

async fn serving(places: &Places, config: Config) -> Result<ExitCode, Problem> {
    wait_for_store(&places.front()).await;
    let mut looks = LOOKS_FOR_KEYS;
    loop {
        match keeper::serve(config.clone(), keeper::parent_gone()).await {
            Ok(()) => return Ok(ExitCode::SUCCESS),
            // The keeper of a front that was killed a moment ago is still ending.
            Err(KeeperError::Vault(VaultError::InUse { .. })) if looks > 0 => looks -= 1,
            Err(error) => {
                return Err(Problem::could_not(format!(
                    "the keeper cannot work: {error}"
                )));
            }
        }
        tokio::time::sleep(LOOK).await;
    }
}

/// A desk that starts at the same time may still be making the tables. Whatever else is wrong with the store is said
/// when it is opened for good.
async fn wait_for_store(folder: &Path) {
    for _ in 0..LOOKS {
        match Store::open_read_only(folder).await {
            Err(StoreError::Absent | StoreError::Schema { found: 0, .. }) => {}
            Ok(store) => return store.close().await,
            Err(_) => return,
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn root_key(args: &KeeperArgs, places: &Places) -> Result<RootKey, Problem> {
    let path = || {
        let path = args.root_key_path.clone();
        path.ok_or_else(|| Problem::could_not("the keeper needs the path of the root key"))
    };
    Ok(match args.root_key {
        KeyWord::Folder => RootKey::Folder(places.keeper()),
        KeyWord::File => RootKey::File(path()?),
        KeyWord::Credential => {
            let path = path()?;
            let name = path.file_name().and_then(|name| name.to_str());
            let (Some(folder), Some(name)) = (path.parent(), name) else {
                return Err(Problem::could_not("that is not the path of a credential"));
            };
            RootKey::Credential {
                folder: folder.to_owned(),
                name: name.to_owned(),
            }
        }
        KeyWord::Handed => RootKey::Handed(line_of_stdin()?),
        KeyWord::Passphrase => {
            let line = line_of_stdin()?;
            let text = std::str::from_utf8(&line)
                .map_err(|_| Problem::could_not("the passphrase is not text"))?;
            RootKey::Passphrase {
                folder: places.keeper(),
                passphrase: Zeroizing::new(text.to_owned()),
            }
        }
    })
}

/// The first line of standard input, a byte at a time: the standard library's own buffer would keep it.
fn line_of_stdin() -> Result<Zeroizing<Vec<u8>>, Problem> {
    let cannot = || Problem::could_not("the root key was not handed over on standard input");
    let mut line = Zeroizing::new(Vec::with_capacity(SECRET_MAX));
    let mut byte = [0_u8; 1];
    while line.len() < SECRET_MAX {
        match nix::unistd::read(std::io::stdin(), &mut byte) {
            Ok(1) if byte == [b'\n'] => return Ok(line),
            Ok(1) => line.extend_from_slice(&byte),
            Err(nix::errno::Errno::EINTR) => {}
            Ok(_) | Err(_) => return Err(cannot()),
        }
    }
    Err(cannot())
}

/// Logs of what the machine does, as JSON lines on standard error. What a person answers for is in the
/// audit log; values are in neither.
fn log_to_stderr(level: &str) {
    let filter = tracing_subscriber::EnvFilter::new(level);
    // A second subscriber in one process is refused; the first one stays.
    let _ = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .try_init();
}
