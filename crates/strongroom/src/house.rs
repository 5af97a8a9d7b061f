//! One safe haven on one machine, all under one Unix user: the research desk in this process, keeper and indexing desk
//! as its children.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::Duration;

use protocol::keeper::Door;
use service::Service;
use tokio::process::{Child, ChildStdin, Command};
use tokio::task::JoinHandle;

use crate::config::Settings;
use crate::desk::{Desk, Prepared};
use crate::keeping::{KeeperOrder, Keeping, Logs};
use crate::places::Places;
use crate::problem::Problem;

/// How long a child desk may take to listen, and to end.
const DESK_OPENING: Duration = Duration::from_secs(90);
const DESK_ENDING: Duration = Duration::from_secs(15);

/// A running safe haven.
pub(crate) struct House {
    places: Places,
    desk: Desk,
    keeping: Keeping,
    indexing: ChildDesk,
    mending: JoinHandle<()>,
}

impl House {
    /// Starts the keeper and waits for it, serves the research desk, and starts the indexing desk.
    ///
    /// # Errors
    /// In one sentence, what could not be started.
    pub(crate) async fn start(settings: &Settings, logs: Logs) -> Result<Self, Problem> {
        let places = settings.places.clone();
        places.make()?;
        let key = settings.root_key.source(None)?;
        let policies = settings.policies.as_deref();
        let prepared = Prepared::new(Door::Research, &places, policies).await?;
        let order = KeeperOrder {
            settings: settings.clone(),
            key,
            logs,
            starts_per_minute: prepared.service().policies().limits.keeper_starts,
        };
        let keeping = Keeping::start(order).await?;
        // The indexing desk first, so that whoever finds the research desk open finds everything open.
        let mut indexing = ChildDesk::start(settings, Door::Indexing, logs)?;
        indexing.opened(&places).await?;
        let desktops = settings.desktops()?;
        let desk = prepared
            .open(settings.listen, settings.reached(), desktops)
            .await?;
        let mending = tokio::spawn(mend_after_starts(keeping.starts(), desk.service().clone()));
        Ok(Self {
            places,
            desk,
            keeping,
            indexing,
            mending,
        })
    }

    pub(crate) fn places(&self) -> &Places {
        &self.places
    }

    pub(crate) fn service(&self) -> &Service {
        self.desk.service()
    }

    /// Where the pages are, if there are any.
    pub(crate) fn pages(&self) -> Option<SocketAddr> {
        self.desk.pages()
    }

    /// Where the indexing desk's pages are, if there are any.
    pub(crate) fn indexing_pages(&self) -> Option<SocketAddr> {
        self.places.pages(Door::Indexing)
    }

    /// Process number of the keeper.
    pub(crate) fn keeper_pid(&self) -> Option<u32> {
        self.keeping.pid()
    }

    /// Ready with the reason when a desk ends by itself: then the safe haven is not whole any more.
    pub(crate) async fn broken(&mut self) -> Problem {
        tokio::select! {
            () = self.desk.broken() => Problem::could_not("the research desk stopped serving"),
            () = self.indexing.ended() => Problem::could_not("the indexing desk ended"),
        }
    }

    /// Stops the desks, then the keeper.
    pub(crate) async fn stop(self) {
        self.mending.abort();
        self.indexing.stop().await;
        self.desk.stop().await;
        self.keeping.stop().await;
    }
}

/// What the keeper's end cut short is mended as soon as there is a keeper again.
async fn mend_after_starts(mut starts: tokio::sync::watch::Receiver<u64>, service: Service) {
    while starts.changed().await.is_ok() {
        if let Err(error) = service.repair().await {
            tracing::error!(kind = error.kind().word(), "the repair failed");
        }
    }
}

/// A desk in a process of its own, which ends with this one.
pub(crate) struct ChildDesk {
    door: Door,
    child: Child,
    // At its end the desk ends itself.
    stdin: Option<ChildStdin>,
}

impl ChildDesk {
    /// Starts the desk, as its own user where there are several.
    pub(crate) fn start(settings: &Settings, door: Door, logs: Logs) -> Result<Self, Problem> {
        let cannot = |_| Problem::could_not(format!("the {} desk cannot be started", door.word()));
        let places = &settings.places;
        // What a killed desk left would look like one that listens.
        let _ = std::fs::remove_file(places.desk_socket(door));
        let me = std::env::current_exe().map_err(cannot)?;
        let mut child = Command::new(me)
            .args(line(settings, door, logs))
            // Ctrl-C at the terminal is for this process, which ends the others in order.
            .process_group(0)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot)?;
        let stdin = child.stdin.take();
        Ok(Self { door, child, stdin })
    }

    /// Waits until it listens.
    pub(crate) async fn opened(&mut self, places: &Places) -> Result<(), Problem> {
        let socket = places.desk_socket(self.door);
        let opened = tokio::time::timeout(DESK_OPENING, async {
            while !socket.exists() {
                if let Ok(Some(_)) = self.child.try_wait() {
                    return false;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            true
        });
        if opened.await == Ok(true) {
            return Ok(());
        }
        Err(Problem::could_not(format!(
            "the {} desk did not start; what it said stands above",
            self.door.word()
        )))
    }

    /// Ready when it has ended by itself.
    pub(crate) async fn ended(&mut self) {
        // Whether it ended well or not, it is gone.
        let _ = self.child.wait().await;
    }

    /// Ends it, and waits until it has ended.
    pub(crate) async fn stop(mut self) {
        drop(self.stdin.take());
        let ended = tokio::time::timeout(DESK_ENDING, self.child.wait());
        if ended.await.is_err() {
            let _ = self.child.kill().await;
        }
    }
}

fn line(settings: &Settings, door: Door, logs: Logs) -> Vec<OsString> {
    let mut line = settings
        .users
        .map_or_else(Vec::new, |users| users.as_desk(door));
    line.extend(["serve", "--desk", door.word(), "--with-parent", "--logs"].map(OsString::from));
    line.extend([logs.level().into(), "--data-dir".into()]);
    line.push(settings.places.root().into());
    if let Some(policies) = &settings.policies {
        line.extend(["--policies".into(), policies.into()]);
    }
    line.extend(["--listen".into(), settings.listen_of(door).word().into()]);
    if settings.behind_tls_proxy {
        line.push("--behind-tls-proxy".into());
    }
    if door == Door::Research {
        line.extend(settings.locked_desktops.for_desk());
    }
    line
}
