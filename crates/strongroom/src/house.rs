//! One safe haven on one machine: where its folders are, its keeper as a child process, its front in this one.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use service::{Clock, Keeper, Policies, RandomIds, Service, ServiceError};
use store::Store;
use tokio::net::UnixListener;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;

use crate::problem::Problem;

/// Seconds between two looks for approvals that have ended.
const SWEEP_S: u64 = 10;
/// Seconds between two publications of the log.
const PUBLISH_S: u64 = 5;

/// Where the parts of a safe haven lie.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    root: PathBuf,
}

impl Places {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The front's folder: the database and what it publishes.
    pub(crate) fn front(&self) -> PathBuf {
        self.root.join("front")
    }

    /// The published log.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The keeper's folder: secrets and sealed files.
    pub(crate) fn keeper(&self) -> PathBuf {
        self.root.join("keeper")
    }

    /// The front's socket.
    pub(crate) fn socket(&self) -> PathBuf {
        self.root.join("strongroom.sock")
    }

    /// The keeper's socket.
    pub(crate) fn keeper_socket(&self) -> PathBuf {
        self.root.join("keeper.sock")
    }

    /// Makes the folders that are not there, for their owner alone.
    pub(crate) fn make(&self) -> Result<(), Problem> {
        use std::os::unix::fs::DirBuilderExt;
        for folder in [self.root.clone(), self.front(), self.log(), self.keeper()] {
            std::fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&folder)
                .map_err(|_| Problem::could_not(format!("{} cannot be made", folder.display())))?;
        }
        Ok(())
    }
}

/// What the keeper says on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Logs {
    /// What it does, by ids.
    Acts,
    /// Only what is wrong.
    Faults,
}

impl Logs {
    fn level(self) -> &'static str {
        match self {
            Self::Acts => "info",
            Self::Faults => "warn",
        }
    }
}

/// The clock of the machine.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> governance::Timestamp {
        jiff::Timestamp::now()
    }
}

/// A running safe haven.
pub(crate) struct House {
    places: Places,
    service: Service,
    keeper: Child,
    tasks: Vec<JoinHandle<()>>,
}

impl House {
    /// Starts the keeper, waits for it, and serves the API on a Unix socket.
    pub(crate) async fn start(
        places: Places,
        policies: Option<&Path>,
        origin: &str,
        logs: Logs,
    ) -> Result<Self, Problem> {
        places.make()?;
        let loaded = Arc::new(Policies::load(policies).map_err(problem)?);
        let store = Store::open(&places.front())
            .await
            .map_err(|e| Problem::could_not(e.to_string()))?;
        let mut keeper = spawn_keeper(&places, policies, origin, logs)?;
        let port = Keeper::at(&places.keeper_socket());
        wait_for(&port, &mut keeper).await?;
        let service = Service::new(
            store,
            port,
            loaded,
            Arc::new(MachineClock),
            Arc::new(RandomIds::new()),
        );
        let front = web::Front::new(service.clone(), places.log());
        // A socket that nobody listens on is left by a front that was killed.
        let _ = std::fs::remove_file(places.socket());
        let listener = UnixListener::bind(places.socket()).map_err(|_| {
            Problem::could_not(format!(
                "{} cannot be listened on",
                places.socket().display()
            ))
        })?;
        private(&places.socket())?;
        let tasks = vec![
            tokio::spawn(async move {
                if web::serve(listener, front).await.is_err() {
                    tracing::error!("the front stopped listening");
                }
            }),
            tokio::spawn(every(SWEEP_S, service.clone(), |service| async move {
                service.sweep().await.map(|_| ())
            })),
            tokio::spawn(publishing(service.clone(), places.log())),
        ];
        Ok(Self {
            places,
            service,
            keeper,
            tasks,
        })
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Process number of the keeper.
    pub(crate) fn keeper_pid(&self) -> Option<u32> {
        self.keeper.id()
    }

    /// Waits until the keeper ends by itself: then nothing can be done any more.
    pub(crate) async fn keeper_ended(&mut self) {
        // Not `wait`: that closes its standard input, at which the keeper ends.
        while matches!(self.keeper.try_wait(), Ok(None)) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Stops the front, then the keeper.
    pub(crate) async fn stop(mut self) {
        for task in &self.tasks {
            task.abort();
        }
        // Its standard input ends with ours: it ends its workers and itself.
        drop(self.keeper.stdin.take());
        if tokio::time::timeout(Duration::from_secs(10), self.keeper.wait())
            .await
            .is_err()
        {
            let _ = self.keeper.kill().await;
        }
        self.service.store().close().await;
        let _ = std::fs::remove_file(self.places.socket());
    }
}

/// A service error as the command line says it.
pub(crate) fn problem(error: ServiceError) -> Problem {
    match error.kind() {
        service::Kind::BadInput
        | service::Kind::Unavailable
        | service::Kind::Internal
        | service::Kind::NotFound => Problem::could_not(error.to_string()),
        service::Kind::Refused
        | service::Kind::NotSignedIn
        | service::Kind::Denied
        | service::Kind::Stale => Problem::refused(error.to_string()),
    }
}

fn spawn_keeper(
    places: &Places,
    policies: Option<&Path>,
    origin: &str,
    logs: Logs,
) -> Result<Child, Problem> {
    let me = std::env::current_exe()
        .map_err(|_| Problem::could_not("this program cannot find itself"))?;
    let mut command = Command::new(me);
    command
        .arg("keeper")
        .arg("--data-dir")
        .arg(&places.root)
        .arg("--origin")
        .arg(origin)
        .arg("--logs")
        .arg(logs.level());
    if let Some(policies) = policies {
        command.arg("--policies").arg(policies);
    }
    command
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(|_| Problem::could_not("the keeper cannot be started"))
}

async fn wait_for(port: &Keeper, keeper: &mut Child) -> Result<(), Problem> {
    for _ in 0..600 {
        if let Ok(hello) = port.hello().await {
            return if hello.build == protocol::build_id() {
                Ok(())
            } else {
                Err(Problem::could_not(
                    "the keeper is another build than the front",
                ))
            };
        }
        if let Ok(Some(_)) = keeper.try_wait() {
            return Err(Problem::could_not(
                "the keeper did not start; what it said stands above",
            ));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(Problem::could_not("the keeper does not answer"))
}

async fn every<F>(seconds: u64, service: Service, work: impl Fn(Service) -> F)
where
    F: Future<Output = Result<(), ServiceError>>,
{
    let mut ticks = tokio::time::interval(Duration::from_secs(seconds));
    loop {
        ticks.tick().await;
        if let Err(error) = work(service.clone()).await {
            tracing::error!(kind = error.kind().word(), "the sweep failed");
        }
    }
}

/// Publishes the log whenever it has grown.
async fn publishing(service: Service, folder: PathBuf) {
    let mut ticks = tokio::time::interval(Duration::from_secs(PUBLISH_S));
    let mut published = 0;
    loop {
        ticks.tick().await;
        match service.store().log_size().await {
            Ok(size) if size != published => match service.publish_log(&folder).await {
                Ok(state) => published = state.size,
                Err(error) => {
                    tracing::error!(kind = error.kind().word(), "the log was not published");
                }
            },
            Ok(_) => {}
            Err(_) => tracing::error!("the log's size cannot be read"),
        }
    }
}

fn private(path: &Path) -> Result<(), Problem> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
        .map_err(|_| Problem::could_not(format!("{} cannot be made private", path.display())))
}
