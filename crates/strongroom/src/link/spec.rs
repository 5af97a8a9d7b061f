//! `SPEC.toml`: which files, what their columns hold, and what is overridden.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use linkage::{
    BlockingRule, ColumnSpec, ComparisonOverride, FileSpec, Frequency, Holds, LinkType, Role,
    Settings, Spec, Splink, SplinkSpec,
};
use protocol::job::Format;
use serde::Deserialize;

use super::encode::Encoding;
use crate::files::read_text;
use crate::problem::Problem;

/// Longest name of an input, in bytes; it stands in every row of the links.
const NAME_MAX: usize = 100;

/// A specification as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    link_type: LinkType,
    #[serde(default)]
    input: Vec<WrittenInput>,
    #[serde(default)]
    thresholds: WrittenThresholds,
    /// Rules to find candidates by: each is a list of parts that must be equal.
    #[serde(default)]
    blocking: Vec<BlockingRule>,
    #[serde(default)]
    comparisons: Vec<ComparisonOverride>,
    /// The inputs are encodings, each with its encoding.json beside it.
    #[serde(default)]
    encoded: bool,
    /// A model saved by Splink, in place of the engine's own.
    splink: Option<PathBuf>,
    #[serde(default)]
    term_frequency: Vec<WrittenFrequency>,
    /// CSV or Parquet of judged pairs to read m from.
    labels: Option<PathBuf>,
    /// Any of `policies/linkage/standard.toml`.
    #[serde(default)]
    settings: toml::Table,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenInput {
    name: Option<String>,
    path: PathBuf,
    id: String,
    #[serde(default)]
    pub(super) columns: BTreeMap<String, String>,
    /// How many records of one person it holds; read off the data unless said.
    holds: Option<Holds>,
}

/// CSV or Parquet of value and count.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenFrequency {
    of: String,
    path: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenThresholds {
    match_probability: Option<f64>,
    match_weight: Option<f64>,
    keep_probability: Option<f64>,
}

/// A specification with its files found.
#[derive(Debug)]
pub(super) struct Asked {
    /// What the engine is told.
    pub(super) spec: Spec,
    /// Where the files lie, in its order.
    pub(super) inputs: Vec<AskedInput>,
    /// Judged pairs.
    pub(super) labels: Option<PathBuf>,
    /// Tables of frequencies, in the order of the specification.
    pub(super) frequencies: Vec<PathBuf>,
}

/// A file of a specification.
#[derive(Debug)]
pub(super) struct AskedInput {
    pub(super) path: PathBuf,
    pub(super) format: Format,
    pub(super) id: String,
}

/// Reads a specification; `standard` is the text of `policies/linkage/standard.toml`.
///
/// # Errors
/// One sentence for what is unknown, missing or contradicts itself.
pub(super) fn read(path: &Path, standard: &str) -> Result<Asked, Problem> {
    let text = read_text(path)?;
    let shown = path.display();
    let written: Written = toml::from_str(&text).map_err(|error| unread(&shown, &text, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    understand(written, folder, standard)
        .map_err(|text| Problem::could_not(format!("{shown}: {text}")))
}

/// With the line, since the parser's own words often lack it.
pub(super) fn unread(
    shown: &dyn std::fmt::Display,
    text: &str,
    error: &toml::de::Error,
) -> Problem {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    let words = error.message().replace('\n', " ");
    Problem::could_not(format!("{shown}, line {line}: {words}"))
}

/// Reads the specification of a delivery to a kept spine: inputs and nothing else, since all else is as it was kept.
///
/// # Errors
/// As [`read`].
pub(super) fn delivery(path: &Path, standard: &str) -> Result<Asked, Problem> {
    let text = read_text(path)?;
    let shown = path.display();
    let written: Written = toml::from_str(&text).map_err(|error| unread(&shown, &text, &error))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    delivered(written, folder, standard)
        .map_err(|text| Problem::could_not(format!("{shown}: {text}")))
}

fn delivered(written: Written, folder: &Path, standard: &str) -> Result<Asked, String> {
    let thresholds = &written.thresholds;
    let bare = written.blocking.is_empty()
        && written.comparisons.is_empty()
        && written.settings.is_empty()
        && written.term_frequency.is_empty()
        && written.splink.is_none()
        && written.labels.is_none()
        && !written.encoded
        && thresholds.match_probability.is_none()
        && thresholds.match_weight.is_none()
        && thresholds.keep_probability.is_none();
    if !bare {
        return Err("a delivery to a kept spine is linked as the spine was kept: leave everything out but link_type and the inputs".into());
    }
    let mut asked = Asked {
        spec: Spec::new(written.link_type, Vec::new()),
        inputs: Vec::new(),
        labels: None,
        frequencies: Vec::new(),
    };
    asked.spec.settings = settings(None, standard)?;
    for input in written.input {
        let (file, input, _) = one_input(input, folder, (None, None))?;
        asked.add(file, input)?;
    }
    if asked.inputs.is_empty() {
        return Err("there is no [[input]]".into());
    }
    Ok(asked)
}

impl Asked {
    /// One more input, which is none of those before.
    fn add(&mut self, file: FileSpec, input: AskedInput) -> Result<(), String> {
        if self.spec.files.iter().any(|other| other.name == file.name) {
            return Err(format!("two inputs have the name {:?}", file.name));
        }
        if self.inputs.iter().any(|other| other.path == input.path) {
            return Err(format!(
                "two inputs are the file {}; to find the duplicates of one file, use link_type \"dedupe\"",
                input.path.display()
            ));
        }
        self.spec.files.push(file);
        self.inputs.push(input);
        Ok(())
    }
}

fn understand(written: Written, folder: &Path, standard: &str) -> Result<Asked, String> {
    counted(written.link_type, written.input.len())?;
    let settings = settings(Some(&written), standard)?;
    let set = !written.blocking.is_empty() || !written.comparisons.is_empty();
    if written.encoded && (set || written.splink.is_some()) {
        return Err("encoded inputs have their own blocking and comparisons".into());
    }
    let splink = match &written.splink {
        None => None,
        Some(path) => Some(Model::read(&find(path, folder))?),
    };
    let mut encodings = Vec::new();
    let mut names = Vec::new();
    let mut asked = Asked {
        spec: Spec::new(written.link_type, Vec::new()),
        inputs: Vec::new(),
        labels: written.labels.map(|path| find(&path, folder)),
        frequencies: Vec::new(),
    };
    for input in written.input {
        if written.encoded {
            encodings.push(Encoding::beside(&find(&input.path, folder))?);
        }
        let reading = (splink.as_ref(), encodings.last());
        let (file, input, in_model) = one_input(input, folder, reading)?;
        names.push(in_model);
        asked.add(file, input)?;
    }
    Encoding::must_agree(&encodings)?;
    let spec = &mut asked.spec;
    spec.settings = settings;
    spec.blocking = written.blocking;
    spec.comparisons = written.comparisons;
    spec.splink = splink.map(|model| SplinkSpec {
        settings: model.text,
        columns: names,
    });
    for table in written.term_frequency {
        spec.frequencies.push(Frequency { of: table.of });
        asked.frequencies.push(find(&table.path, folder));
    }
    if written.encoded {
        asked.spec = asked.spec.over_encodings();
    }
    Ok(asked)
}

/// Refuses a number of inputs that does not go with what is asked.
fn counted(link_type: LinkType, inputs: usize) -> Result<(), String> {
    match (link_type, inputs) {
        (_, 0) => Err("there is no [[input]]".into()),
        (LinkType::Link, 1) => Err("link_type \"link\" needs two or more [[input]] tables and has one; to find the duplicates of one file, use \"dedupe\"".into()),
        (LinkType::Dedupe, 2..) => Err(format!(
            "link_type \"dedupe\" takes one [[input]] table and has {inputs}"
        )),
        (LinkType::Link, 2..) | (LinkType::Dedupe, 1) => Ok(()),
    }
}

/// A Splink model.
pub(super) struct Model {
    text: String,
    columns: Vec<String>,
}

impl Model {
    fn read(path: &Path) -> Result<Self, String> {
        let text = read_text(path).map_err(|problem| problem.text)?;
        let model = Splink::read(&text).map_err(|error| error.to_string())?;
        let columns = model.columns().to_vec();
        Ok(Self { text, columns })
    }

    /// The columns of an input, named for the model in `[input.columns]`, else by their own names; and what the
    /// model calls each.
    fn named(
        &self,
        given: BTreeMap<String, String>,
    ) -> Result<(Vec<ColumnSpec>, Vec<String>), String> {
        let own = |name: &String| (name.clone(), name.clone());
        let given: Vec<(String, String)> = if given.is_empty() {
            self.columns.iter().map(own).collect()
        } else {
            given.into_iter().collect()
        };
        if let Some((_, name)) = given.iter().find(|(_, name)| !self.columns.contains(name)) {
            return Err(format!(
                "the Splink model reads no column {name}, but {}",
                self.columns.join(", ")
            ));
        }
        let role = Role::Field;
        Ok(given
            .into_iter()
            .map(|(name, in_model)| (ColumnSpec { role, name }, in_model))
            .unzip())
    }
}

/// How a file is written, by its ending.
pub(super) fn format(path: &Path) -> Option<Format> {
    let ending = path.extension()?.to_str()?.to_ascii_lowercase();
    match ending.as_str() {
        "csv" => Some(Format::Csv),
        "parquet" => Some(Format::Parquet),
        _ => None,
    }
}

/// The third: under a Splink model, what it calls each column.
pub(super) fn one_input(
    input: WrittenInput,
    folder: &Path,
    (splink, encoding): (Option<&Model>, Option<&Encoding>),
) -> Result<(FileSpec, AskedInput, Vec<String>), String> {
    let path = find(&input.path, folder);
    let stem = || path.file_stem().map(|stem| stem.to_string_lossy().into());
    let name: String = input.name.or_else(stem).unwrap_or_default();
    if name.is_empty() || name.len() > NAME_MAX || name.chars().any(char::is_control) {
        return Err(format!(
            "an input needs a name of 1 to {NAME_MAX} bytes without control characters"
        ));
    }
    let Some(format) = format(&path) else {
        return Err(format!(
            "input {name}: {} is neither a .csv nor a .parquet file",
            path.display()
        ));
    };
    if input.id.is_empty() {
        return Err(format!("input {name}: id names no column"));
    }
    let (columns, in_model) = match (encoding, splink) {
        (Some(encoding), _) => encoding.named(&input.columns).map(|c| (c, Vec::new())),
        (None, Some(model)) => model.named(input.columns),
        (None, None) => roles(input.columns).map(|c| (c, Vec::new())),
    }
    .map_err(|text| format!("input {name}: {text}"))?;
    let file = FileSpec {
        name,
        columns,
        holds: input.holds.unwrap_or(Holds::Estimated),
    };
    let input = AskedInput {
        path,
        format,
        id: input.id,
    };
    Ok((file, input, in_model))
}

/// Columns with the roles that they were given.
fn roles(given: BTreeMap<String, String>) -> Result<Vec<ColumnSpec>, String> {
    if given.is_empty() {
        return Err("[input.columns] gives no column a role".into());
    }
    let mut columns = Vec::with_capacity(given.len());
    for (column, role) in given {
        let Some(role) = Role::named(&role) else {
            let known: Vec<&str> = Role::ALL.into_iter().map(Role::as_str).collect();
            return Err(format!(
                "column {column} has the role {role:?}, which is none of {}, field",
                known.join(", ")
            ));
        };
        columns.push(ColumnSpec { role, name: column });
    }
    Ok(columns)
}

/// A path is taken from the specification's folder; where nothing lies there, from where the command runs.
fn find(path: &Path, folder: &Path) -> PathBuf {
    let beside = folder.join(path);
    if !beside.exists() && path.exists() {
        return path.to_owned();
    }
    beside
}

/// The site's settings, and over them those of the specification.
pub(super) fn settings(written: Option<&Written>, standard: &str) -> Result<Settings, String> {
    let mut table: toml::Table = toml::from_str(standard)
        .map_err(|_| "policies/linkage/standard.toml cannot be used".to_owned())?;
    let none = WrittenThresholds::default();
    let thresholds = written.map_or(&none, |written| &written.thresholds);
    if let Some(written) = written {
        table.extend(written.settings.clone());
    }
    let probability = match (thresholds.match_probability, thresholds.match_weight) {
        (Some(_), Some(_)) => {
            return Err("[thresholds] has both match_probability and match_weight".into());
        }
        (probability, None) => probability,
        (None, Some(weight)) => Some(1.0 / (1.0 + (-weight).exp2())),
    };
    let mut set = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            table.insert(name.to_owned(), toml::Value::Float(value));
        }
    };
    set("threshold_probability", probability);
    set("keep_probability", thresholds.keep_probability);
    let mut settings: Settings = toml::Value::Table(table)
        .try_into()
        .map_err(|error: toml::de::Error| format!("[settings]: {}", error.message()))?;
    if thresholds.keep_probability.is_none() {
        settings.keep_probability = settings
            .keep_probability
            .min(settings.threshold_probability);
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STANDARD: &str = "threshold_probability = 0.95\n";

    fn asked(text: &str) -> Result<Asked, String> {
        let written: Written = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        understand(written, Path::new("/data"), STANDARD)
    }

    fn input(name: &str) -> String {
        format!(
            "[[input]]\nname = \"{name}\"\npath = \"{name}.csv\"\nid = \"id\"\n[input.columns]\nfn = \"forename\"\nborn = \"date_of_birth\"\n"
        )
    }

    #[test]
    fn roles_alone_are_a_specification() {
        let asked = asked(&format!(
            "link_type = \"link\"\n{}{}",
            input("a"),
            input("b")
        ))
        .unwrap();
        assert_eq!(asked.spec.files[1].name, "b");
        assert_eq!(asked.spec.files[0].columns[1].role, Role::Forename);
        assert_eq!(asked.inputs[0].path, Path::new("/data/a.csv"));
        assert!((asked.spec.settings.threshold_probability - 0.95).abs() < 1e-12);
    }

    #[test]
    fn thresholds_and_settings_override_the_site() {
        let text = format!(
            "link_type = \"dedupe\"\nblocking = [[\"surname\", \"birth_year\"]]\n{}\n[thresholds]\nmatch_probability = 0.8\n[settings]\nseed = 7\n",
            input("a")
        );
        let asked = asked(&text).unwrap();
        assert!((asked.spec.settings.threshold_probability - 0.8).abs() < 1e-12);
        assert_eq!(asked.spec.settings.seed, 7);
        assert_eq!(asked.spec.blocking[0].parts, ["surname", "birth_year"]);
    }

    #[test]
    fn what_contradicts_itself_or_is_unknown_is_refused_in_a_sentence() {
        let two = format!("{}{}", input("a"), input("b"));
        let same = format!("{}{}", input("a"), input("a"));
        let weight = "[thresholds]\nmatch_probability = 0.9\nmatch_weight = 3.0\n";
        for (text, want) in [
            ("link_type = \"link\"\n".to_owned(), "there is no [[input]]"),
            (
                format!("link_type = \"dedupe\"\n{two}"),
                "takes one [[input]] table and has 2",
            ),
            (
                format!("link_type = \"link\"\n{}", input("a")),
                "needs two or more",
            ),
            (
                format!("link_type = \"link\"\n{same}"),
                "two inputs have the name \"a\"",
            ),
            (
                format!(
                    "link_type = \"link\"\n{}",
                    two.replace("forename", "vorname")
                ),
                "column fn has the role \"vorname\", which is none of forename, surname",
            ),
            (
                format!("link_type = \"link\"\n{two}{weight}"),
                "has both match_probability",
            ),
            (
                format!("link_type = \"link\"\ncolour = 1\n{two}"),
                "unknown field `colour`",
            ),
            (
                format!("link_type = \"join\"\n{two}"),
                "unknown variant `join`",
            ),
            (
                format!("link_type = \"link\"\n{two}[settings]\nsead = 1\n"),
                "[settings]: unknown field `sead`",
            ),
            (
                format!("link_type = \"link\"\n{}", two.replace("b.csv", "b.xlsx")),
                "is neither a .csv nor a .parquet file",
            ),
        ] {
            let refused = asked(&text).unwrap_err();
            assert!(refused.contains(want), "{refused}");
        }
    }
}
