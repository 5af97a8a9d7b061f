//! One desk in this process: the store, the front office, its sockets, and what it does by itself from time to time.

use std::fs::{File, Permissions};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use protocol::keeper::Door;
use service::{Clock, Keeper, RandomIds, Service, ServiceError};
use store::Store;
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use web::{Desktops, Reached};

use crate::config::Listen;
use crate::files::load_policies;
use crate::places::Places;
use crate::problem::Problem;

/// Seconds between two looks for approvals that have ended and jobs that nobody works on.
const SWEEP_S: u64 = 10;
/// Seconds between two publications of the log.
const PUBLISH_S: u64 = 5;
/// How often and for how long a starting desk looks for the keeper.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS: usize = 1_200;

/// The clock of the machine.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> governance::Timestamp {
        jiff::Timestamp::now()
    }
}

/// A desk that has its store but does not serve yet.
pub(crate) struct Prepared {
    door: Door,
    places: Places,
    service: Service,
    alone: File,
}

/// A desk that serves.
pub(crate) struct Desk {
    service: Service,
    tasks: Vec<JoinHandle<()>>,
    pages: Option<SocketAddr>,
    /// What is removed at the end.
    left: [PathBuf; 2],
    // Held until the end.
    _alone: File,
}

impl Prepared {
    /// Takes the desk and opens the store, which is made where there is none. The folders must be there.
    ///
    /// # Errors
    /// If the desk is taken, a policy or the store cannot be used.
    pub(crate) async fn new(
        door: Door,
        places: &Places,
        policies: Option<&Path>,
    ) -> Result<Self, Problem> {
        let alone = places.take(door)?;
        let policies = Arc::new(load_policies(policies)?);
        let store = Store::open(&places.front())
            .await
            .map_err(|e| Problem::could_not(e.to_string()))?;
        let service = Service::new(
            store,
            Keeper::at(&places.keeper_socket(door)),
            policies,
            Arc::new(MachineClock),
            Arc::new(RandomIds::new()),
        )
        .at_desk(door);
        Ok(Self {
            door,
            places: places.clone(),
            service,
            alone,
        })
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Waits for the keeper, then serves.
    ///
    /// # Errors
    /// If the keeper does not answer, is another build, or an address cannot be listened on.
    pub(crate) async fn open(
        self,
        listen: Listen,
        reached: Reached,
        desktops: Desktops,
    ) -> Result<Desk, Problem> {
        wait_for(self.service.keeper()).await?;
        // This process holds the desk's lock: what an earlier one of this desk left is nobody's.
        self.service.repair_at_start().await?;
        let front = web::Front::new(self.service.clone(), self.places.log(), reached)?
            .with_desktops(desktops);
        let said = self.places.pages_file(self.door);
        let mut tasks = Vec::new();
        let mut pages = None;
        let _ = std::fs::remove_file(&said);
        if let Some(listener) = pages_at(listen).await? {
            pages = listener.local_addr().ok();
            let address = pages.map(|pages| pages.to_string()).unwrap_or_default();
            std::fs::write(&said, address)
                .map_err(|_| Problem::could_not(format!("{} cannot be written", said.display())))?;
            let front = front.clone();
            tasks.push(match self.door {
                Door::Research => serving(web::serve_pages(listener, front)),
                Door::Indexing => serving(web::serve_indexing_pages(listener, front)),
            });
        }
        let socket = self.places.desk_socket(self.door);
        let listener = bind(&socket)?;
        match self.door {
            Door::Research => {
                tasks.push(serving(web::serve(listener, front)));
                tasks.push(tokio::spawn(sweeping(self.service.clone())));
                let log = self.places.log();
                tasks.push(tokio::spawn(publishing(self.service.clone(), log)));
            }
            Door::Indexing => {
                tasks.push(serving(web::serve_indexing(listener, front)));
                tasks.push(tokio::spawn(repairing(self.service.clone())));
            }
        }
        Ok(Desk {
            service: self.service,
            tasks,
            pages,
            left: [socket, said],
            _alone: self.alone,
        })
    }
}

impl Desk {
    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Where the pages are, if there are any.
    pub(crate) fn pages(&self) -> Option<SocketAddr> {
        self.pages
    }

    /// Ready when one of the desk's own tasks has ended: it then serves no more.
    pub(crate) async fn broken(&self) {
        while self.tasks.iter().all(|task| !task.is_finished()) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    /// Stops serving and closes the store.
    pub(crate) async fn stop(self) {
        for task in &self.tasks {
            task.abort();
        }
        self.service.store().close().await;
        for path in &self.left {
            let _ = std::fs::remove_file(path);
        }
    }
}

fn serving(serve: impl Future<Output = std::io::Result<()>> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(async move {
        if serve.await.is_err() {
            tracing::error!("the desk stopped listening");
        }
    })
}

async fn wait_for(keeper: &Keeper) -> Result<(), Problem> {
    for _ in 0..LOOKS {
        if let Ok(hello) = keeper.hello().await {
            return if hello.build == protocol::build_id() {
                Ok(())
            } else {
                Err(Problem::could_not(
                    "the keeper is another build than the front",
                ))
            };
        }
        tokio::time::sleep(LOOK).await;
    }
    Err(Problem::could_not("the keeper does not answer"))
}

/// Listens with mode 0600 from the first moment: bound under another name in the desk's own folder, then moved, which
/// also replaces the socket that a killed desk left behind.
fn bind(path: &Path) -> Result<UnixListener, Problem> {
    let inside = path.with_extension("new");
    // There only if a desk was killed right here.
    let _ = std::fs::remove_file(&inside);
    let bound = UnixListener::bind(&inside).and_then(|listener| {
        std::fs::set_permissions(&inside, Permissions::from_mode(0o600))?;
        std::fs::rename(&inside, path)?;
        Ok(listener)
    });
    bound.map_err(|_| Problem::could_not(format!("{} cannot be listened on", path.display())))
}

async fn pages_at(listen: Listen) -> Result<Option<TcpListener>, Problem> {
    let (address, near) = match listen {
        Listen::Nowhere => return Ok(None),
        Listen::At(address) => (address, false),
        Listen::AtOrNear(address) => (address, true),
    };
    let bound = match TcpListener::bind(address).await {
        Err(_) if near => TcpListener::bind((address.ip(), 0)).await,
        bound => bound,
    };
    match bound {
        Ok(listener) => Ok(Some(listener)),
        Err(_) => Err(Problem::could_not(format!(
            "{address} cannot be listened on; another program may be there: say another with --listen or `listen` in the config file"
        ))),
    }
}

/// Ends what has run out and mends what was left half-done.
async fn sweeping(service: Service) {
    let mut ticks = tokio::time::interval(Duration::from_secs(SWEEP_S));
    loop {
        ticks.tick().await;
        if let Err(error) = service.sweep().await {
            tracing::error!(kind = error.kind().word(), "the sweep failed");
        }
        said(service.repair().await.map(drop));
    }
}

/// The indexing desk mends its own jobs only; rights are ended by the other.
async fn repairing(service: Service) {
    let mut ticks = tokio::time::interval(Duration::from_secs(SWEEP_S));
    loop {
        ticks.tick().await;
        said(service.repair().await.map(drop));
    }
}

fn said(repaired: Result<(), ServiceError>) {
    if let Err(error) = repaired {
        tracing::error!(kind = error.kind().word(), "the repair failed");
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
