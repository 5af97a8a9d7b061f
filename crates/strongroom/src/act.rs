//! Acts of the safe haven from the command line: each is one call of the API with a token.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use hyper::Method;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::problem::Problem;

/// Word, method, address (`ID` is filled in), what it needs.
const ACTS: &[(&str, &str, &str, &str)] = &[
    ("whoami", "GET", "/v1/whoami", ""),
    (
        "add_person",
        "POST",
        "/v1/people",
        "name organisation roles",
    ),
    (
        "record_standing",
        "POST",
        "/v1/people/ID/standing",
        "accreditation_until training_until undertaking_on",
    ),
    ("retire_person", "POST", "/v1/people/ID/retire", ""),
    ("view_catalogue", "GET", "/v1/catalogue", ""),
    ("register_dataset", "POST", "/v1/datasets", "--form FILE"),
    (
        "give_instruction",
        "POST",
        "/v1/datasets/ID/instruction",
        "until",
    ),
    (
        "withdraw_instruction",
        "DELETE",
        "/v1/datasets/ID/instruction",
        "",
    ),
    ("view_delivery", "GET", "/v1/deliveries/ID", ""),
    ("start_application", "POST", "/v1/projects", ""),
    ("view_project", "GET", "/v1/projects/ID", ""),
    ("save_draft", "POST", "/v1/projects/ID/draft", "--form FILE"),
    (
        "submit_application",
        "POST",
        "/v1/projects/ID/submit",
        "--form FILE",
    ),
    (
        "sign_for_dataset",
        "POST",
        "/v1/projects/ID/sign",
        "dataset version verdict",
    ),
    (
        "vote_on_application",
        "POST",
        "/v1/projects/ID/votes",
        "version verdict [conditions]",
    ),
    ("approve_application", "POST", "/v1/projects/ID/approve", ""),
    ("return_application", "POST", "/v1/projects/ID/return", ""),
    ("refuse_application", "POST", "/v1/projects/ID/refuse", ""),
    (
        "withdraw_application",
        "POST",
        "/v1/projects/ID/withdraw",
        "",
    ),
    (
        "commence_project",
        "POST",
        "/v1/projects/ID/commence",
        "--form FILE",
    ),
    (
        "revoke_project",
        "POST",
        "/v1/projects/ID/revoke",
        "[dataset]",
    ),
    ("close_project", "POST", "/v1/projects/ID/close", ""),
    (
        "order_indexing",
        "POST",
        "/v1/projects/ID/indexings",
        "delivery spine [objections]",
    ),
    (
        "order_extract",
        "POST",
        "/v1/projects/ID/extracts",
        "indexings",
    ),
    (
        "open_workspace",
        "POST",
        "/v1/projects/ID/workspaces",
        "extract",
    ),
    ("suspend_workspace", "POST", "/v1/workspaces/ID/suspend", ""),
    ("resume_workspace", "POST", "/v1/workspaces/ID/resume", ""),
    ("close_workspace", "POST", "/v1/workspaces/ID/close", ""),
    ("run_query", "POST", "/v1/workspaces/ID/queries", "sql"),
    (
        "stage_output",
        "POST",
        "/v1/workspaces/ID/outputs",
        "sql context",
    ),
    ("view_queue", "GET", "/v1/outputs", ""),
    ("view_output", "GET", "/v1/outputs/ID", ""),
    ("view_table", "GET", "/v1/outputs/ID/table", ""),
    (
        "submit_output",
        "POST",
        "/v1/outputs/ID/submit",
        "rendering",
    ),
    (
        "vote_on_output",
        "POST",
        "/v1/outputs/ID/votes",
        "verdict bytes [comment]",
    ),
    ("release_output", "POST", "/v1/outputs/ID/release", ""),
    ("download_output", "POST", "/v1/outputs/ID/download", ""),
    ("withdraw_output", "POST", "/v1/outputs/ID/withdraw", ""),
    ("recall_output", "POST", "/v1/outputs/ID/recall", ""),
    ("view_events", "GET", "/v1/events", ""),
    ("view_register", "GET", "/v1/register", ""),
    ("publish_log", "POST", "/v1/log/publish", ""),
];

/// Where the safe haven is and who asks.
#[derive(clap::Args)]
pub(crate) struct Whose {
    /// Folder of the safe haven: its socket lies in it.
    #[arg(long)]
    data_dir: Option<PathBuf>,
    /// File that holds your token. A token never stands on the command line, where others can read it.
    #[arg(long)]
    token_file: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    whose: Whose,
    /// List every act and what it needs.
    #[arg(long)]
    list: bool,
    /// The act.
    act: Option<String>,
    /// What it is done to.
    id: Option<String>,
    /// A value: `--set key=value`; JSON where it is JSON, else text. `--set key=@FILE` reads a file.
    #[arg(long = "set")]
    set: Vec<String>,
    /// The whole body from a file.
    #[arg(long)]
    form: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(crate) struct DeliverArgs {
    #[command(flatten)]
    whose: Whose,
    #[command(subcommand)]
    what: Deliver,
}

#[derive(clap::Subcommand)]
enum Deliver {
    /// A file of identifiers begins a delivery of a dataset.
    Identifiers {
        /// The dataset.
        #[arg(long)]
        dataset: String,
        /// CSV or Parquet.
        file: PathBuf,
    },
    /// A file of payload completes a delivery.
    Payload {
        /// The delivery that its identifiers began.
        #[arg(long)]
        delivery: String,
        /// CSV or Parquet.
        file: PathBuf,
    },
}

fn client(whose: &Whose) -> Result<Client, Problem> {
    let token = match &whose.token_file {
        None => None,
        Some(path) => Some(
            std::fs::read_to_string(path)
                .map_err(|_| Problem::could_not("the token file cannot be read"))?
                .trim()
                .to_owned(),
        ),
    };
    let folder = whose
        .data_dir
        .as_deref()
        .ok_or_else(|| Problem::could_not("say where the safe haven is: --data-dir DIR"))?;
    let places = crate::house::Places::new(folder);
    Ok(Client::new(&places.socket(), token))
}

pub(crate) async fn run(args: &Args) -> Result<ExitCode, Problem> {
    let mut out = std::io::stdout().lock();
    let closed = |_| Problem::could_not("standard output is closed");
    let Some(word) = args.act.as_deref().filter(|_| !args.list) else {
        for (word, _, address, needs) in ACTS {
            let id = if address.contains("ID") { "ID" } else { "" };
            writeln!(out, "{word:<22} {id:<3} {needs}").map_err(closed)?;
        }
        return Ok(ExitCode::SUCCESS);
    };
    let Some((_, method, address, _)) = ACTS.iter().find(|a| a.0 == word) else {
        return Err(Problem::could_not(format!(
            "there is no act {word:?}; `strongroom act --list` shows them"
        )));
    };
    let address = match (address.contains("ID"), &args.id) {
        (true, Some(id)) if plain_id(id) => address.replace("ID", id),
        (true, _) => {
            return Err(Problem::could_not(format!(
                "{word} needs the id of what it is done to"
            )));
        }
        (false, None) => (*address).to_owned(),
        (false, Some(_)) => {
            return Err(Problem::could_not(format!("{word} takes no id")));
        }
    };
    let client = client(&args.whose)?;
    let bytes = match (&args.form, *method) {
        (Some(form), _) => {
            let bytes =
                std::fs::read(form).map_err(|_| Problem::could_not("the form cannot be read"))?;
            client.post_bytes(&address, bytes).await?
        }
        (None, "POST") => {
            let body = body(&args.set)?;
            client.send(Method::POST, &address, Some(&body)).await?
        }
        (None, "DELETE") => client.send(Method::DELETE, &address, None).await?,
        (None, _) => client.get_bytes(&address).await?,
    };
    out.write_all(&bytes).map_err(closed)?;
    if !bytes.ends_with(b"\n") {
        writeln!(out).map_err(closed)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn deliver(args: &DeliverArgs) -> Result<ExitCode, Problem> {
    let client = client(&args.whose)?;
    let (file, address) = match &args.what {
        Deliver::Identifiers { dataset, file } if plain_id(dataset) => {
            (file, format!("/v1/datasets/{dataset}/deliveries"))
        }
        Deliver::Payload { delivery, file } if plain_id(delivery) => {
            (file, format!("/v1/deliveries/{delivery}/payload"))
        }
        Deliver::Identifiers { .. } | Deliver::Payload { .. } => {
            return Err(Problem::could_not("that is not an id"));
        }
    };
    let format = match file.extension().and_then(|e| e.to_str()) {
        Some("csv") => "csv",
        Some("parquet") => "parquet",
        Some(_) | None => {
            return Err(Problem::could_not(
                "a delivered file ends in .csv or .parquet",
            ));
        }
    };
    let open = tokio::fs::File::open(file)
        .await
        .map_err(|_| Problem::could_not("the file cannot be read"))?;
    let answer = client
        .send_file(&format!("{address}?format={format}"), open)
        .await?;
    writeln!(std::io::stdout().lock(), "{answer}")
        .map_err(|_| Problem::could_not("standard output is closed"))?;
    Ok(ExitCode::SUCCESS)
}

fn body(set: &[String]) -> Result<Value, Problem> {
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    for pair in set {
        let (key, text) = pair
            .split_once('=')
            .ok_or_else(|| Problem::could_not("--set takes key=value"))?;
        let text = match text.strip_prefix('@') {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|_| Problem::could_not(format!("the file for {key} cannot be read")))?,
            None => text.to_owned(),
        };
        let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
        values.insert(key, value);
    }
    Ok(Value::Object(
        values
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    ))
}

fn plain_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}
