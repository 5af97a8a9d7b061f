//! `init`, `serve` and `keeper`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use keeper::{Config, RootKey};
use service::{Keeper, Policies, RandomIds, Service};
use store::Store;

use crate::house::{House, Logs, MachineClock, Places, problem};
use crate::problem::Problem;

/// Name of the log where none is given.
const ORIGIN: &str = "strongroom.example/log";

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
    /// TOML file with `data_dir` and, if wanted, `policies` and `origin`.
    #[arg(long, conflicts_with_all = ["data_dir", "policies", "origin"])]
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
}

/// What `serve --config FILE` reads, strictly.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    data_dir: PathBuf,
    #[serde(default)]
    policies: Option<PathBuf>,
    #[serde(default)]
    origin: Option<String>,
}

impl Args {
    /// Folder, policies and origin, from the file or from the command line.
    fn settle(&self) -> Result<ConfigFile, Problem> {
        let Some(path) = &self.config else {
            let data_dir = self.data_dir.clone().ok_or_else(|| {
                Problem::could_not("say where the safe haven is: --config FILE or --data-dir DIR")
            })?;
            return Ok(ConfigFile {
                data_dir,
                policies: self.policies.clone(),
                origin: self.origin.clone(),
            });
        };
        let text = std::fs::read_to_string(path)
            .map_err(|_| Problem::could_not("the config file cannot be read"))?;
        toml::from_str(&text).map_err(|e| {
            Problem::could_not(format!("the config file cannot be used: {}", e.message()))
        })
    }
}

/// Makes an empty safe haven and prints the administrator's token, once.
pub(crate) async fn init(args: &InitArgs) -> Result<ExitCode, Problem> {
    let places = Places::new(&args.data_dir);
    places.make()?;
    let store = Store::open(&places.front())
        .await
        .map_err(|e| Problem::could_not(e.to_string()))?;
    let service = Service::new(
        store,
        Keeper::at(&places.keeper_socket()),
        Arc::new(Policies::load(None).map_err(problem)?),
        Arc::new(MachineClock),
        Arc::new(RandomIds::new()),
    );
    let (person, token) = service
        .add_first_administrator(&args.administrator)
        .await
        .map_err(problem)?;
    service.store().close().await;
    let said = serde_json::json!({ "person": person, "token": token });
    writeln!(std::io::stdout().lock(), "{said}")
        .map_err(|_| Problem::could_not("standard output is closed"))?;
    Ok(ExitCode::SUCCESS)
}

/// Serves until interrupted, or until the keeper ends.
pub(crate) async fn run(args: &Args) -> Result<ExitCode, Problem> {
    log_to_stderr("info");
    let config = args.settle()?;
    let places = Places::new(&config.data_dir);
    let origin = config.origin.as_deref().unwrap_or(ORIGIN);
    let policies = config.policies.as_deref();
    let mut house = House::start(places, policies, origin, Logs::Acts).await?;
    let socket = house.places().socket();
    writeln!(
        std::io::stderr().lock(),
        "strongroom serves on {} (a Unix socket); stop it with Ctrl-C",
        socket.display()
    )
    .map_err(|_| Problem::could_not("standard error is closed"))?;
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())
        .map_err(|_| Problem::could_not("signals cannot be listened to"))?;
    let ended = tokio::select! {
        _ = tokio::signal::ctrl_c() => false,
        _ = terminate.recv() => false,
        () = house.keeper_ended() => true,
    };
    house.stop().await;
    if ended {
        return Err(Problem::could_not(
            "the keeper ended; nothing can be done without it",
        ));
    }
    Ok(ExitCode::SUCCESS)
}

/// The keeper's process: started by `serve`, ends with it.
pub(crate) async fn keeper(args: &KeeperArgs) -> Result<ExitCode, Problem> {
    log_to_stderr(&args.logs);
    let places = Places::new(&args.data_dir);
    let policies = Policies::load(args.policies.as_deref()).map_err(problem)?;
    let settings: serde_json::Value = toml::from_str(policies.text("linkage/standard.toml"))
        .map_err(|_| Problem::could_not("policies/linkage/standard.toml cannot be read"))?;
    let config = Config {
        data_dir: places.keeper(),
        store_dir: places.front(),
        root_key: RootKey::Folder(places.keeper()),
        socket: places.keeper_socket(),
        worker: crate::files::worker()?,
        origin: args.origin.clone(),
        job_profile_toml: policies.text("sandbox/job.toml").to_owned(),
        query_profile_toml: policies.text("sandbox/sql.toml").to_owned(),
        linkage_settings: settings.to_string(),
        upload_bytes_max: policies.limits.delivery_mib.saturating_mul(1 << 20),
        clock: keeper::machine_clock(),
    };
    keeper::serve(config, keeper::parent_gone())
        .await
        .map_err(|e| Problem::could_not(format!("the keeper cannot work: {e}")))?;
    Ok(ExitCode::SUCCESS)
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
