//! `strongroom encode`: encodes a file under a key, so that it can be linked by somebody who cannot read it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use linkage::{
    ColumnSpec, ENCODED_FIELDS, ENCODING_VERSION, EncodeSalt, EncodeSpec, FILTER_BYTES, LinkType,
    Role, Spec,
};
use protocol::job::{Job, LinkFiles, LinkedFile, Order};
use protocol::limits::Limits;
use sandbox::{Input, Launch};
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::Policies;

use super::beside::inside;
use super::spec::{AskedInput, WrittenInput, one_input, settings, unread};
use super::{Folder, listen};
use crate::files::{LINKAGE, PoliciesArgs, profile, read_text, worker};
use crate::form::FormArgs;
use crate::problem::Problem;

const ENCODED: &str = "encoded.parquet";
const ENCODING: &str = "encoding.json";
/// Longest name of a linkage, in bytes.
const LINKAGE_MAX: usize = 100;

/// Encodes a file under a key, so that it can be linked by somebody who cannot read it.
///
/// Each site encodes its own file with the same key, made for one linkage (openssl rand -out key 32) and kept from
/// whoever links. ENCODE.toml:
///
///   linkage = "heart-2026"          # what the key is for; the same at each site
///   salt = "birth_date"             # the default; "birth_year" and "none" are easier to attack, and often refused
///
///   [input]
///   path = "register.csv"           # CSV or Parquet, from the folder of ENCODE.toml
///   id = "record"                   # a number that means nothing to others; it is not hidden
///   [input.columns]                 # column = role: forename, surname, date_of_birth, postcode, chi
///   first_name = "forename"
///
/// Writes encoded.parquet and encoding.json into the folder DIR, after an attack on them found no more than policy
/// allows. Link them with a specification that says encoded = true:
///
///   link_type = "link"
///   encoded = true
///   [[input]]
///   name = "register"
///   path = "register/encoded.parquet"
///   id = "id"
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// The specification.
    #[arg(value_name = "ENCODE.toml")]
    spec: PathBuf,
    /// File with the key: 32 bytes or more that only its owner may read.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Folder for the results; files of these names there are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    policies: PoliciesArgs,
    #[command(flatten)]
    form: FormArgs,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    linkage: String,
    #[serde(default = "hardened")]
    salt: EncodeSalt,
    input: WrittenInput,
}

const fn hardened() -> EncodeSalt {
    EncodeSalt::BirthDate
}

/// Encodes the file.
///
/// # Errors
/// If the specification, key, file or a policy cannot be used, no worker can be sealed, or the attack finds too much.
pub(crate) fn run(args: &Args) -> Result<ExitCode, Problem> {
    let policies = args.policies.load()?;
    let shown = args.spec.display();
    let text = read_text(&args.spec)?;
    let written: Written = toml::from_str(&text).map_err(|error| unread(&shown, &text, &error))?;
    let of = |text: String| Problem::could_not(format!("{shown}: {text}"));
    check(&written).map_err(of)?;
    let folder = args.spec.parent().unwrap_or(Path::new(""));
    let (file, input, _) = one_input(written.input, folder, (None, None)).map_err(of)?;
    let mut spec = Spec::new(LinkType::Dedupe, vec![file]);
    spec.settings = settings(None, policies.text(LINKAGE)).map_err(of)?;
    spec.encode = Some(EncodeSpec {
        linkage: written.linkage,
        salt: written.salt,
    });
    key(&args.key)?;
    let launch = launch(&spec, input, &args.key, &policies)?;
    let out = Folder::open(&args.out, vec![ENCODED, ENCODING])?;
    let told = listen(launch, &[Some(&out)])?;
    let encoding: Encoding = serde_json::from_str(&told.linkage)
        .map_err(|_| Problem::could_not("the worker's report cannot be read"))?;
    out.publish()?;
    let shares = encoding.attacked.iter().map(linkage::Attacked::share);
    let worst = shares.fold(0.0, f64::max);
    let text = format!(
        "{} records encoded; an attack by frequency finds at most {worst:.4} of a field\n{}\n",
        encoding.records,
        args.out.join(ENCODED).display()
    );
    let value = json!({"records": encoding.records, "attack": {"found": worst}});
    args.form.print(&text, &value)?;
    Ok(ExitCode::SUCCESS)
}

/// The worker, the one file and the key.
fn launch(
    spec: &Spec,
    input: AskedInput,
    key: &Path,
    policies: &Policies,
) -> Result<Launch, Problem> {
    let profile = profile(policies, "sandbox/job.toml")?;
    let name = inside(0, input.format);
    let job = LinkFiles {
        spec: serde_json::to_string(spec)?,
        files: vec![LinkedFile {
            file: name.clone(),
            format: input.format,
            id: input.id,
        }],
        truth: None,
        labels: None,
        decisions: Vec::new(),
        frequencies: Vec::new(),
        review: 0,
    };
    let host = |name: &str, path: &Path| Input::HostFile {
        name: name.to_owned(),
        path: path.to_owned(),
    };
    Ok(Launch {
        worker: worker()?,
        order: Order {
            job: Job::LinkFiles(job),
            limits: Limits {
                threads: 1,
                ..profile.limits.clone()
            },
        },
        inputs: vec![host(&name, &input.path), host("key", key)],
        profile,
    })
}

fn check(written: &Written) -> Result<(), String> {
    let linkage = &written.linkage;
    if linkage.is_empty() || linkage.len() > LINKAGE_MAX || linkage.chars().any(char::is_control) {
        return Err(format!(
            "linkage needs a name of 1 to {LINKAGE_MAX} bytes without control characters"
        ));
    }
    let unknown = |role: &&String| !ENCODED_FIELDS.contains(&role.as_str());
    match written.input.columns.values().find(unknown) {
        Some(role) if role == "sex" => Err(
            "the role sex cannot be encoded: of two values, how often each occurs tells which it is"
                .into(),
        ),
        Some(role) => Err(format!(
            "the role {role:?} cannot be encoded, only {}",
            ENCODED_FIELDS.join(", ")
        )),
        None => Ok(()),
    }
}

/// Refuses a key that others may read.
fn key(path: &Path) -> Result<(), Problem> {
    let shown = path.display();
    let meta = fs::metadata(path)
        .map_err(|error| Problem::could_not(format!("{shown} cannot be read: {error}")))?;
    if !meta.is_file() {
        return Err(Problem::could_not(format!("{shown} is not a regular file")));
    }
    if meta.mode() & 0o077 != 0 {
        return Err(Problem::could_not(format!(
            "{shown} may be read by others than its owner: chmod 600 it, and think whether the key is still a secret"
        )));
    }
    Ok(())
}

/// `encoding.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Encoding {
    version: u32,
    linkage: String,
    salt: EncodeSalt,
    filter_bytes: usize,
    key_check: String,
    columns: Vec<String>,
    records: u64,
    attacked: Vec<linkage::Attacked>,
}

/// What every version of `encoding.json` says.
#[derive(Debug, Deserialize)]
struct Version {
    version: u32,
}

impl Encoding {
    /// Reads what lies beside an encoded file.
    pub(super) fn beside(encoded: &Path) -> Result<Self, String> {
        let path = encoded.with_file_name(ENCODING);
        let shown = path.display();
        let text = read_text(&path).map_err(|problem| problem.text)?;
        let other = || format!("{shown} is of another version of encodings");
        // Told first: what another version says need not be known here.
        if let Ok(Version { version }) = serde_json::from_str(&text)
            && version != ENCODING_VERSION
        {
            return Err(other());
        }
        let encoding: Self = serde_json::from_str(&text).map_err(|error| {
            let words = error.to_string();
            format!(
                "{shown}: {}",
                words.split(", expected").next().unwrap_or("")
            )
        })?;
        if encoding.filter_bytes != FILTER_BYTES {
            return Err(other());
        }
        Ok(encoding)
    }

    /// Refuses encodings that cannot be compared with each other.
    pub(super) fn must_agree(all: &[Self]) -> Result<(), String> {
        for two in all.windows(2) {
            let [a, b] = two else { continue };
            for (what, agree) in [
                ("linkage", a.linkage == b.linkage),
                ("salt", a.salt == b.salt),
                ("key", a.key_check == b.key_check),
            ] {
                if !agree {
                    return Err(format!(
                        "two inputs were encoded with another {what}, so that nothing in them can agree"
                    ));
                }
            }
        }
        Ok(())
    }

    /// The columns, in the roles under which the engine compares them.
    pub(super) fn named(
        &self,
        given: &BTreeMap<String, String>,
    ) -> Result<Vec<ColumnSpec>, String> {
        if !given.is_empty() {
            return Err("the columns of an encoding are known and given a second time".into());
        }
        let role = |name: &str| match name {
            "forename" => Role::Forename,
            "surname" => Role::Surname,
            "postcode" => Role::Region,
            _ => Role::Field,
        };
        let column = |name: &String| ColumnSpec {
            role: role(name),
            name: name.clone(),
        };
        Ok(self.columns.iter().map(column).collect())
    }
}
