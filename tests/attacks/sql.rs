//! SQL that tries to leave the worker, to take the machine or to change the data, through the built
//! programs: every statement of `statements/`, each first on a plain DuckDB, where it must work as its
//! table says, then behind the walls, where it must not.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::plain;
use super::table::{self, Case, Held, Open, Table};
use crate::support::{program, root};

/// What no answer may hold: the secret of the host's files, and how its list of accounts begins.
const SECRETS: [&str; 2] = ["Zzyzx", "root:x:"];
/// Where the worker keeps the copy of the data.
const DATABASE: &str = "/spill/engine.copy/extract.duckdb";
/// The tables.
pub(super) const FILES: [&str; 9] = [
    "exhaustion",
    "extensions",
    "files",
    "inside",
    "lies",
    "network",
    "parser",
    "tampering",
    "writes",
];

/// A folder of the host: data, and things that no worker may see.
struct Host {
    folder: TempDir,
    data: PathBuf,
}

impl Host {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let data = path("t.csv");
        fs::write(&data, "a,b\n1,x\n2,y\n3,x\n").unwrap();
        fs::write(path("secret.txt"), "Zzyzx\n").unwrap();
        fs::write(path("secret.csv"), "s\nZzyzx\n").unwrap();
        fs::write(path("secret.json"), "{\"s\": \"Zzyzx\"}\n").unwrap();
        let show = |name: &str| path(name).display().to_string();
        let made = plain::run(
            Path::new("memory"),
            &[],
            &[
                format!(
                    "copy (select 'Zzyzx' as s) to '{}' (format parquet)",
                    show("secret.parquet")
                ),
                format!("attach '{}' as o", show("other.duckdb")),
                "create table o.people as select 'Zzyzx' as s".into(),
                "checkpoint o".into(),
            ],
        );
        assert!(made.iter().all(|line| line["ok"] == true), "{made:?}");
        Self { folder, data }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The text of a statement with the places of this host.
    fn filled(&self, sql: &str, database: &str) -> String {
        sql.replace("{dir}", &self.folder.path().display().to_string())
            .replace("{db}", database)
            .replace("{nul}", "\0")
            .replace("{columns}", &vec!["1"; 10_000].join(","))
            .replace("{brackets}", &("[".repeat(5_000) + &"]".repeat(5_000)))
            .replace(
                "{calls}",
                &("abs(".repeat(5_000) + "1" + &")".repeat(5_000)),
            )
            .replace("{sums}", &vec!["1"; 20_000].join("+"))
            .replace("{unions}", &vec!["select 1"; 4_000].join(" union all "))
            .replace("{values}", &vec!["(1)"; 20_000].join(","))
            .replace("{name}", &"n".repeat(40_000))
    }

    /// Names and lengths of everything in the folder.
    fn listing(&self) -> BTreeSet<(String, u64)> {
        fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().to_string_lossy().into_owned();
                (name, entry.metadata().unwrap().len())
            })
            .collect()
    }

    /// Shows that a case is what it is taken for: it works, or not, on a plain DuckDB.
    fn try_open(&self, case: &Case) -> Option<String> {
        if case.open == Open::Untried {
            return None;
        }
        let database = self.path("plain.duckdb");
        let _ = fs::remove_file(&database);
        plain::run(&database, &[("t", &self.data)], &[]);
        let before = fs::read(&database).unwrap();
        let text = |sql: &str| self.filled(sql, &database.display().to_string());
        let statements: Vec<String> = case.statements().into_iter().map(text).collect();
        let lines = plain::run(&database, &[], &statements);
        let out = self.path("out");
        let written = out.exists() || fs::read(&database).unwrap() != before;
        for left in [out, database.clone(), self.path("plain.duckdb.wal")] {
            let _ = fs::remove_dir_all(&left).or_else(|_| fs::remove_file(&left));
        }
        let last = lines
            .get(statements.len() - 1)
            .cloned()
            .unwrap_or(json!({"ok": false}));
        let ok = last["ok"] == true;
        let so = match case.open {
            Open::Shows => ok && last["rows"].to_string().contains(SECRETS[0]),
            Open::Rows => ok && last["rows"].as_array().is_some_and(|rows| !rows.is_empty()),
            Open::Writes => written,
            Open::Done => ok,
            Open::Error => !ok,
            Open::Untried => true,
        };
        (!so).then(|| {
            format!(
                "{}: on a plain DuckDB it is not {:?}: {last}",
                case.name, case.open
            )
        })
    }

    /// Runs SQL text through the product.
    fn sealed(&self, policies: Option<&Path>, sql: &str) -> Vec<Value> {
        let file = self.path("statements.sql");
        fs::write(&file, sql).unwrap();
        let mut command = Command::new(program("strongroom"));
        command
            .arg("sql")
            .arg("--data")
            .arg(&self.data)
            .arg("--sql-file")
            .arg(&file);
        if let Some(policies) = policies {
            command.arg("--policies").arg(policies);
        }
        let output = command.output().unwrap();
        fs::remove_file(&file).unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_ne!(output.status.code(), Some(2), "{said}");
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// The shipped policies with other limits around a researcher's statements.
fn policies(limits: &[(String, String)]) -> Option<TempDir> {
    if limits.is_empty() {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    copy(&root().join("policies"), folder.path());
    let profile = folder.path().join("sandbox/sql.toml");
    let text = fs::read_to_string(&profile).unwrap();
    let changed: Vec<String> = text
        .lines()
        .map(|line| {
            let key = line.split(" = ").next().unwrap_or_default();
            let limit = limits.iter().find(|(name, _)| name == key);
            limit.map_or(line.to_owned(), |(name, value)| format!("{name} = {value}"))
        })
        .collect();
    fs::write(&profile, changed.join("\n")).unwrap();
    Some(folder)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A statement that shows whether the data are as they were; its first column is named `mark_N`.
fn mark(at: usize) -> String {
    format!("select a as mark_{at}, b from extract.main.t order by a;\n")
}

/// What is wrong with the end of a case, if anything is.
fn judged(case: &Case, lines: &[Value]) -> Option<String> {
    let Some(line) = lines.last() else {
        return Some(format!("{}: no answer", case.name));
    };
    let error = line["error"].as_str();
    let killed = line["killed"].as_str();
    let ok = line["ok"] == true;
    let held = case.held.iter().any(|held| match held {
        Held::Error(class) => error.is_some_and(|error| error.starts_with(class.as_str())),
        Held::Killed(resource) => killed == Some(resource),
        Held::Rows => ok && line["truncated"] == false,
        Held::Truncated => ok && line["truncated"] == true,
        Held::Harmless => ok,
    });
    let short: String = line.to_string().chars().take(300).collect();
    (!held).then(|| format!("{}: {short}", case.name))
}

fn all_hold(name: &str) {
    let Table {
        each_alone,
        limits,
        cases,
    } = table::read(&format!("statements/{name}.sql"));
    let host = Host::new();
    let mut wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| host.try_open(case))
        .collect();
    let policies = policies(&limits);
    let policies = policies.as_ref().map(TempDir::path);
    let before = host.listing();
    let (alone, together): (Vec<&Case>, Vec<&Case>) =
        cases.iter().partition(|case| case.alone || each_alone);
    let mut said = Vec::new();
    for case in alone {
        let sql = host.filled(&case.sql, DATABASE);
        let lines = if case.alone {
            host.sealed(policies, &sql)
        } else {
            let mut lines = host.sealed(policies, &format!("{};\n{}", sql.trim_end(), mark(0)));
            wrong.extend(changed(case, lines.pop().as_ref(), 0));
            lines
        };
        wrong.extend(judged(case, &lines));
        said.extend(lines);
    }
    if !together.is_empty() {
        said.extend(run_together(&host, policies, &together, &mut wrong));
    }
    for line in &said {
        let text = line.to_string();
        assert!(
            !SECRETS.iter().any(|secret| text.contains(secret)),
            "{text}"
        );
    }
    assert_eq!(host.listing(), before, "a statement wrote to the host");
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// One run for many cases; what sets the session right and a mark after each, which also shows that a worker
/// answers.
fn run_together(
    host: &Host,
    policies: Option<&Path>,
    cases: &[&Case],
    wrong: &mut Vec<String>,
) -> Vec<Value> {
    let mut sql = String::new();
    for (at, case) in cases.iter().enumerate() {
        for text in [&case.sql, &case.after] {
            if !text.is_empty() {
                sql += &format!("{};\n", host.filled(text, DATABASE).trim_end());
            }
        }
        sql += &mark(at);
    }
    let lines = host.sealed(policies, &sql);
    let mut rest = lines.as_slice();
    for (at, case) in cases.iter().enumerate() {
        let count = case.statements().len();
        let after = case
            .after
            .trim_end()
            .split(";\n")
            .filter(|sql| !sql.is_empty());
        let all = count + after.count();
        if rest.len() <= all {
            wrong.push(format!("{}: the answers end here", case.name));
            break;
        }
        wrong.extend(judged(case, rest.get(..count).unwrap_or_default()));
        wrong.extend(changed(case, rest.get(all), at));
        rest = rest.get(all + 1..).unwrap_or_default();
    }
    lines
}

/// What the statement after a case shows of the data, if they are not as they were.
fn changed(case: &Case, mark: Option<&Value>, at: usize) -> Option<String> {
    let whole = mark.is_some_and(|line| {
        line["columns"][0] == format!("mark_{at}")
            && line["rows"] == json!([[1, "x"], [2, "y"], [3, "x"]])
    });
    (!whole).then(|| format!("{}: afterwards the data are {mark:?}", case.name))
}

#[test]
fn no_statement_reads_what_the_host_has() {
    all_hold("files");
}

#[test]
fn no_statement_writes_to_the_host() {
    all_hold("writes");
}

#[test]
fn no_statement_reaches_the_network() {
    all_hold("network");
}

#[test]
fn no_statement_loads_code_or_changes_a_bound() {
    all_hold("extensions");
}

#[test]
fn no_statement_learns_of_the_host_or_of_others() {
    all_hold("inside");
}

#[test]
fn no_statement_changes_the_data() {
    all_hold("tampering");
}

#[test]
fn lies_are_told_to_their_author_only() {
    all_hold("lies");
}

#[test]
fn text_that_reads_in_two_ways_is_read_behind_the_same_walls() {
    all_hold("parser");
}

#[test]
fn what_takes_too_much_is_stopped_and_the_next_statement_answers() {
    all_hold("exhaustion");
}

#[test]
fn there_are_as_many_attacks_as_an_auditor_may_expect() {
    let folder = root().join("tests/attacks/statements");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            entry
                .unwrap()
                .path()
                .file_stem()
                .unwrap()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    assert_eq!(names, FILES, "every file has its test");
    let cases: Vec<Case> = names
        .iter()
        .flat_map(|name| table::read(&format!("statements/{name}.sql")).cases)
        .collect();
    let tried = cases
        .iter()
        .filter(|case| case.open != Open::Untried)
        .count();
    let titles: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
    assert!(
        cases.len() >= 150 && tried >= 100,
        "{} and {tried}",
        cases.len()
    );
    assert_eq!(titles.len(), cases.len(), "two cases have one name");
}
