//! Acts of the safe haven from the command line: each is one call of the API with a token.

mod acts;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use hyper::Method;
use protocol::keeper::Door;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::problem::Problem;
use acts::ACTS;

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
    #[arg(long, conflicts_with = "set")]
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

/// A client of the desk at which an act is done.
fn client(whose: &Whose, door: Door) -> Result<Client, Problem> {
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
    let places = crate::places::Places::new(folder);
    Ok(Client::new(&places.socket(door), token))
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
    let Some((_, method, address, needs)) = ACTS.iter().find(|a| a.0 == word) else {
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
    if needs.is_empty() && (args.form.is_some() || !args.set.is_empty()) {
        return Err(Problem::could_not(format!("{word} takes no values")));
    }
    let door = match word {
        "order_indexing" | "view_review" | "begin_review" | "view_pairs" | "save_answers"
        | "finish_review" | "link_again" | "end_review" => Door::Indexing,
        _ => Door::Research,
    };
    let client = client(&args.whose, door)?;
    let bytes = match (*method, &args.form) {
        ("POST", Some(form)) => {
            let bytes =
                std::fs::read(form).map_err(|_| Problem::could_not("the form cannot be read"))?;
            client.post_bytes(&address, bytes).await?
        }
        ("POST", None) => {
            let body = body(&args.set)?;
            client.send(Method::POST, &address, Some(&body)).await?
        }
        (_, Some(_)) => return Err(Problem::could_not(format!("{word} takes no form"))),
        (method, None) => {
            let address = question(&address, needs, &args.set)?;
            match method {
                "DELETE" => client.send(Method::DELETE, &address, None).await?,
                _ => client.get_bytes(&address).await?,
            }
        }
    };
    out.write_all(&bytes).map_err(closed)?;
    if !bytes.ends_with(b"\n") {
        writeln!(out).map_err(closed)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn deliver(args: &DeliverArgs) -> Result<ExitCode, Problem> {
    let client = client(&args.whose, Door::Research)?;
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

/// What an act without a body is asked, in its address: only what it knows.
fn question(address: &str, needs: &str, set: &[String]) -> Result<String, Problem> {
    let mut address = address.to_owned();
    for (n, pair) in set.iter().enumerate() {
        let (key, value) = pair
            .split_once('=')
            .ok_or_else(|| Problem::could_not("--set takes key=value"))?;
        let known = needs
            .split(' ')
            .map(|need| need.trim_matches(|c| c == '[' || c == ']'))
            .any(|need| !need.is_empty() && need == key);
        if !known {
            return Err(Problem::could_not(format!("this act takes no {key:?}")));
        }
        if !plain_id(value) {
            return Err(Problem::could_not(format!(
                "{key} must be an id or a number"
            )));
        }
        let sign = if n == 0 { '?' } else { '&' };
        address.push_str(&format!("{sign}{key}={value}"));
    }
    Ok(address)
}

fn plain_id(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 64
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_act_without_a_body_is_asked_in_its_address_and_only_what_it_knows() {
        let ask = |set: &[&str]| {
            let set: Vec<String> = set.iter().map(|pair| (*pair).to_owned()).collect();
            question("/v1/events", "[project] [after]", &set).map_err(|problem| problem.text)
        };
        assert_eq!(ask(&[]), Ok("/v1/events".into()));
        assert_eq!(
            ask(&["project=prj_a", "after=7"]),
            Ok("/v1/events?project=prj_a&after=7".into())
        );
        assert_eq!(ask(&["limit=7"]), Err("this act takes no \"limit\"".into()));
        assert_eq!(ask(&["=7"]), Err("this act takes no \"\"".into()));
        assert_eq!(
            ask(&["after=7&project=x"]),
            Err("after must be an id or a number".into())
        );
        assert_eq!(ask(&["after"]), Err("--set takes key=value".into()));
    }

    #[test]
    fn values_are_json_where_they_are_and_text_elsewhere() {
        let set = ["roles=[\"auditor\"]", "people=20", "name=Ada"].map(str::to_owned);
        assert_eq!(
            body(&set).unwrap(),
            serde_json::json!({ "roles": ["auditor"], "people": 20, "name": "Ada" })
        );
        assert!(body(&["name".to_owned()]).is_err());
        assert!(body(&["name=@/nowhere/at/all".to_owned()]).is_err());
    }
}
