//! The keeper as a child process: started, and started again when it dies.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use protocol::keeper::Door;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{KeySource, Settings};
use crate::problem::Problem;

/// First pause before the keeper is started again; each further one is twice as long.
const PAUSE: Duration = Duration::from_millis(200);
/// Longest such pause.
const PAUSE_MAX: Duration = Duration::from_secs(10);
/// A keeper that lived so long has started well: the next pause is the first again.
const SETTLED: Duration = Duration::from_secs(60);
/// How long the keeper may take to open.
const OPENING: Duration = Duration::from_secs(60);
/// How long it may take to end its workers and itself.
const ENDING: Duration = Duration::from_secs(15);

/// What processes say on standard error.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Logs {
    /// What they do, by ids.
    Acts,
    /// Only what is wrong.
    Faults,
}

impl Logs {
    pub(crate) fn level(self) -> &'static str {
        match self {
            Self::Acts => "info",
            Self::Faults => "warn",
        }
    }
}

/// How the keeper is started.
#[derive(Debug, Clone)]
pub(crate) struct KeeperOrder {
    pub(crate) settings: Settings,
    pub(crate) key: KeySource,
    pub(crate) logs: Logs,
    /// Most starts in a minute (`keeper_starts` in `policies/limits.toml`).
    pub(crate) starts_per_minute: usize,
}

/// A keeper that runs until [`Keeping::stop`].
#[derive(Debug)]
pub(crate) struct Keeping {
    pid: Arc<AtomicU32>,
    starts: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Keeping {
    /// Starts the keeper and waits until it listens.
    ///
    /// # Errors
    /// If it does not start the first time: then starting it again would not help either.
    pub(crate) async fn start(order: KeeperOrder) -> Result<Self, Problem> {
        let mut running = spawn(&order).await?;
        if !opened(&order, &mut running.child).await {
            return Err(Problem::could_not(
                "the keeper did not start; what it said stands above",
            ));
        }
        let pid = Arc::new(AtomicU32::new(running.child.id().unwrap_or(0)));
        let (started, starts) = watch::channel(0);
        let (stop, stopped) = watch::channel(false);
        let task = tokio::spawn(keep(order, running, Arc::clone(&pid), started, stopped));
        Ok(Self {
            pid,
            starts,
            stop,
            task,
        })
    }

    /// Process number of the keeper of now.
    pub(crate) fn pid(&self) -> Option<u32> {
        match self.pid.load(Ordering::SeqCst) {
            0 => None,
            pid => Some(pid),
        }
    }

    /// Changes each time that the keeper listens again after it died.
    pub(crate) fn starts(&self) -> watch::Receiver<u64> {
        self.starts.clone()
    }

    /// Ends it, and waits until it has ended.
    pub(crate) async fn stop(self) {
        let _ = self.stop.send(true);
        // An error means that it ended by panicking; the child is killed when it is dropped.
        let _ = self.task.await;
    }
}

/// The child, and its standard input, at whose end it ends itself.
struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
}

async fn keep(
    order: KeeperOrder,
    mut running: Running,
    pid: Arc<AtomicU32>,
    started: watch::Sender<u64>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut starts = VecDeque::from([Instant::now()]);
    let mut pause = PAUSE;
    loop {
        let begun = Instant::now();
        tokio::select! {
            status = running.child.wait() => {
                let code = status.ok().and_then(|status| status.code());
                tracing::error!(code, "the keeper ended and is started again");
            }
            () = told(&mut stopped) => {
                drop(running.stdin.take());
                if tokio::time::timeout(ENDING, running.child.wait()).await.is_err() {
                    let _ = running.child.kill().await;
                }
                return;
            }
        }
        pid.store(0, Ordering::SeqCst);
        if begun.elapsed() > SETTLED {
            pause = PAUSE;
        }
        loop {
            let wait = pause.max(until_allowed(
                &mut starts,
                order.starts_per_minute,
                Instant::now(),
            ));
            pause = (pause * 2).min(PAUSE_MAX);
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = told(&mut stopped) => return,
            }
            starts.push_back(Instant::now());
            match spawn(&order).await {
                Ok(mut again) => {
                    pid.store(again.child.id().unwrap_or(0), Ordering::SeqCst);
                    let opened = tokio::select! {
                        opened = opened(&order, &mut again.child) => opened,
                        () = told(&mut stopped) => false,
                    };
                    running = again;
                    if opened {
                        started.send_modify(|count| *count += 1);
                    }
                    break;
                }
                Err(problem) => tracing::error!(%problem, "the keeper is not started again"),
            }
        }
    }
}

/// Ready when the keeper is to be stopped, or when nobody is left who could say so.
async fn told(stopped: &mut watch::Receiver<bool>) {
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// How long the next start must wait so that no minute sees more than `most`.
fn until_allowed(starts: &mut VecDeque<Instant>, most: usize, now: Instant) -> Duration {
    const MINUTE: Duration = Duration::from_secs(60);
    starts.retain(|start| now.duration_since(*start) < MINUTE);
    let over = starts.len().checked_sub(most.max(1));
    over.and_then(|over| starts.get(over))
        .map_or(Duration::ZERO, |first| {
            MINUTE.saturating_sub(now.duration_since(*first))
        })
}

async fn spawn(order: &KeeperOrder) -> Result<Running, Problem> {
    let cannot = |_| Problem::could_not("the keeper cannot be started");
    let settings = &order.settings;
    // What a killed keeper left would look like one that listens.
    for door in [Door::Research, Door::Indexing] {
        match std::fs::remove_file(settings.places.keeper_socket(door)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(error)),
            Ok(()) | Err(_) => {}
        }
    }
    let me = std::env::current_exe().map_err(cannot)?;
    let mut child = Command::new(me)
        .args(line(order))
        // Ctrl-C at the terminal is for this process, which ends the others in order.
        .process_group(0)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .spawn()
        .map_err(cannot)?;
    // Waiting for the child would close it, at which the keeper ends.
    let mut stdin = child.stdin.take();
    if let (KeySource::Handed(secret) | KeySource::Passphrase(secret), Some(stdin)) =
        (&order.key, &mut stdin)
    {
        stdin.write_all(secret.as_bytes()).await.map_err(cannot)?;
        stdin.write_all(b"\n").await.map_err(cannot)?;
        stdin.flush().await.map_err(cannot)?;
    }
    Ok(Running { child, stdin })
}

/// The keeper's command line: paths, names and numbers, never a secret.
fn line(order: &KeeperOrder) -> Vec<OsString> {
    let settings = &order.settings;
    let mut line = settings
        .users
        .map_or_else(Vec::new, |users| users.as_keeper());
    line.extend(["keeper".into(), "--data-dir".into()]);
    line.push(settings.places.root().into());
    let mut add = |name: &str, value: OsString| line.extend([name.into(), value]);
    add("--origin", settings.origin.clone().into());
    add("--logs", order.logs.level().into());
    let (word, path): (&str, Option<PathBuf>) = match &order.key {
        KeySource::Folder => ("folder", None),
        KeySource::File(path) => ("file", Some(path.clone())),
        KeySource::Credential(folder, name) => ("credential", Some(folder.join(name))),
        KeySource::Handed(_) => ("handed", None),
        KeySource::Passphrase(_) => ("passphrase", None),
    };
    add("--root-key", word.into());
    if let Some(path) = path {
        add("--root-key-path", path.into());
    }
    if let Some(policies) = &settings.policies {
        add("--policies", policies.into());
    }
    if let Some(users) = settings.users {
        for door in [Door::Research, Door::Indexing] {
            let uid = users.desk(door).uid.to_string();
            add(&format!("--{}-uid", door.word()), uid.into());
        }
    }
    line.extend(settings.locked_desktops.for_keeper());
    line
}

/// Whether the keeper came to listen at both its sockets.
async fn opened(order: &KeeperOrder, child: &mut Child) -> bool {
    let sockets = [Door::Research, Door::Indexing].map(|d| order.settings.places.keeper_socket(d));
    let begun = Instant::now();
    while begun.elapsed() < OPENING {
        if sockets.iter().all(|socket| socket.exists()) {
            return true;
        }
        if let Ok(Some(_)) = child.try_wait() {
            return false;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use zeroize::Zeroizing;

    #[test]
    fn no_minute_sees_more_starts_than_the_limit() {
        let (mut starts, begun) = (VecDeque::new(), Instant::now());
        let mut now = begun;
        let mut at = Vec::new();
        for _ in 0..7 {
            now += until_allowed(&mut starts, 3, now);
            starts.push_back(now);
            at.push(now.duration_since(begun).as_secs());
        }
        assert_eq!(at, [0, 0, 0, 60, 60, 60, 120]);
        // A limit of none would be a keeper that never comes back.
        let waits = until_allowed(&mut VecDeque::new(), 0, now);
        assert_eq!(waits, Duration::ZERO);
    }

    #[test]
    fn no_secret_stands_on_the_command_line() {
        let order = KeeperOrder {
            settings: Settings::of_folder(Path::new("haven")),
            key: KeySource::Passphrase(Zeroizing::new("correct horse".into())),
            logs: Logs::Acts,
            starts_per_minute: 3,
        };
        let line = line(&order).join(" ".as_ref()).into_string().unwrap();
        assert!(line.contains("--root-key passphrase"), "{line}");
        assert!(!line.contains("correct"), "{line}");
    }
}
