//! `strongroom people` and `strongroom link` on files: good ones, and ten kinds of bad ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::program;

/// A folder with a small population and its specification.
struct Town {
    folder: tempfile::TempDir,
}

/// The columns of the population, and the places of some.
const SURNAME: usize = 3;
const BORN: usize = 4;
const SEX: usize = 5;

impl Town {
    fn of(people: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let n = people.to_string();
        let out = run(
            &[
                "people",
                "--n",
                &n,
                "--seed",
                "5",
                "--profile",
                "typical",
                "--out",
            ],
            folder.path(),
        );
        assert!(out.status.success(), "{}", error(&out));
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn out(&self) -> PathBuf {
        self.path("linked")
    }

    /// Rewrites a file of the population.
    fn change(&self, name: &str, change: impl FnOnce(String) -> Vec<u8>) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        fs::write(self.path(name), change(text)).unwrap();
    }

    /// Rewrites each row of a file, header left as it is.
    fn rows(&self, name: &str, change: impl Fn(usize, &mut Vec<String>)) {
        self.change(name, |text| {
            let mut lines = text.lines();
            let mut out = format!("{}\n", lines.next().unwrap());
            for (at, line) in lines.enumerate() {
                let mut cells: Vec<String> = line.split(',').map(str::to_owned).collect();
                change(at, &mut cells);
                out.push_str(&cells.join(","));
                out.push('\n');
            }
            out.into_bytes()
        });
    }

    fn link(&self, more: &[&str]) -> Output {
        let spec = self.path("link.toml");
        let out = self.out();
        let mut args = vec![
            "link",
            spec.to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ];
        args.extend(more);
        Command::new(program("strongroom"))
            .args(args)
            .output()
            .unwrap()
    }

    /// One clear sentence, exit code 2, nothing written.
    #[track_caller]
    fn refused(&self, want: &str) {
        let output = self.link(&[]);
        let said = error(&output);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert_eq!(said.matches('\n').count(), 1, "one sentence: {said}");
        assert!(said.contains(want), "{said}");
        assert!(!said.contains("SECRET"), "{said}");
        assert!(output.stdout.is_empty());
        let left = fs::read_dir(self.out()).map_or(0, Iterator::count);
        assert_eq!(left, 0, "nothing is left behind");
    }
}

fn run(args: &[&str], last: &Path) -> Output {
    Command::new(program("strongroom"))
        .args(args)
        .arg(last)
        .output()
        .unwrap()
}

fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn files_are_linked_and_the_reports_say_how_well() {
    let town = Town::of(3_000);
    let truth = town.path("truth.csv");
    let output = town.link(&["--truth", truth.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", error(&output));
    let out = town.out();
    let report = json(&out.join("report.json"));
    let truth = &report["truth"];
    for key in [
        "best_f1",
        "recall_at_precision_999",
        "expected_calibration_error",
    ] {
        assert!(truth[key].is_number(), "{key}");
    }
    let thresholds: Vec<f64> = truth["at"]
        .as_array()
        .unwrap()
        .iter()
        .map(|at| at["threshold"].as_f64().unwrap())
        .collect();
    assert_eq!(thresholds, [0.5, 0.9, 0.95, 0.99]);
    assert!(truth["best_f1"].as_f64().unwrap() > 0.95, "{truth}");
    assert!(
        truth["chosen"]["precision"].as_f64().unwrap() > 0.98,
        "{truth}"
    );
    assert!(report["cpu_s"].as_f64().unwrap() > 0.0);
    assert!(report["peak_mb"].as_f64().unwrap() > 0.0);
    for stage in ["read", "write"] {
        let stages = report["stages"].as_array().unwrap();
        assert!(stages.iter().any(|s| s["stage"] == stage), "{stage}");
    }
    assert!(json(&out.join("model.json"))["version"].is_number());
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("<svg") || page.contains("<table"));
    assert!(
        !page.contains("<script") && !page.contains("://"),
        "offline"
    );
    // What the files say is what the report says.
    let counted = |sql: &str| {
        let data =
            |name: &str| format!("{}={}", name, out.join(format!("{name}.parquet")).display());
        let output = Command::new(program("strongroom"))
            .args([
                "sql",
                "--data",
                &data("links"),
                &data("clusters"),
                "--sql",
                sql,
            ])
            .output()
            .unwrap();
        let line: Value = serde_json::from_slice(&output.stdout).unwrap();
        line["rows"][0].clone()
    };
    let threshold = &report["linkage"]["threshold_probability"];
    let links = counted(&format!(
        "select count(*) from links where match_probability >= {threshold}"
    ));
    assert_eq!(links[0], report["links"]);
    assert_eq!(counted("select count(*) from clusters")[0], 3_000 + 3_060);
    assert_eq!(
        counted("select source_l, source_r, left(id_l, 1), left(id_r, 1) from links limit 1"),
        serde_json::json!(["register", "delivery", "R", "D"])
    );
}

#[test]
fn the_results_do_not_depend_on_threads_or_on_what_was_there_before() {
    let town = Town::of(1_500);
    let mut made = Vec::new();
    for threads in ["1", "2"] {
        let output = town.link(&["--threads", threads, "--memory", "2G"]);
        assert_eq!(output.status.code(), Some(0), "{}", error(&output));
        made.push(
            ["links.parquet", "clusters.parquet", "model.json"]
                .map(|name| fs::read(town.out().join(name)).unwrap()),
        );
    }
    assert!(made[0] == made[1]);
    assert!(
        !String::from_utf8_lossy(&made[0][2]).contains("Margaret"),
        "a model holds no value"
    );
}

#[test]
fn duplicates_of_one_file_are_found() {
    let town = Town::of(1_000);
    // The register twice: every record has its copy.
    town.change("register.csv", |text| {
        let copy = text.split_once('\n').unwrap().1.replace("\nR", "\nX");
        format!("{text}X{}", copy.strip_prefix('R').unwrap()).into_bytes()
    });
    town.change("link.toml", |text| {
        let first = text
            .split("\n[[input]]")
            .take(2)
            .collect::<Vec<_>>()
            .join("\n[[input]]");
        first.replace("\"link\"", "\"dedupe\"").into_bytes()
    });
    let output = town.link(&["--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", error(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let persons = report["persons"].as_u64().unwrap();
    assert!((990..=1_020).contains(&persons), "{persons}");
}

#[test]
fn a_missing_id_column_is_refused() {
    let town = Town::of(200);
    town.change("register.csv", |text| {
        text.replacen("id,", "record,", 1).into_bytes()
    });
    town.refused("input register: column id is missing from the header");
}

#[test]
fn ids_that_come_twice_are_refused_with_their_rows() {
    let town = Town::of(200);
    town.rows("delivery.csv", |at, cells| {
        if at == 6 || at == 10 {
            cells[0] = "SECRET".to_owned();
        }
    });
    town.refused("input delivery: row 11 has the id of row 7");
}

#[test]
fn a_missing_id_is_refused() {
    let town = Town::of(200);
    town.rows("delivery.csv", |at, cells| {
        if at == 3 {
            cells[0] = String::new();
        }
    });
    town.refused("input delivery: row 4, column id: the id is missing");
}

#[test]
fn an_unknown_role_is_refused_with_those_that_there_are() {
    let town = Town::of(200);
    town.change("link.toml", |text| {
        text.replace("\"surname\"", "\"family_name\"").into_bytes()
    });
    town.refused("column surname has the role \"family_name\", which is none of forename, surname");
}

#[test]
fn a_column_without_a_value_is_refused() {
    let town = Town::of(200);
    town.rows("delivery.csv", |_, cells| cells[SURNAME] = String::new());
    town.refused("input delivery: column surname has no value in any record");
}

#[test]
fn a_column_with_one_value_throughout_is_refused() {
    let town = Town::of(200);
    town.rows("register.csv", |_, cells| cells[SEX] = "SECRET".to_owned());
    town.refused("input register: column sex has the same value in every record");
}

#[test]
fn mixed_encodings_are_refused_with_the_place() {
    let town = Town::of(200);
    town.change("delivery.csv", |text| {
        let at = text.match_indices('\n').nth(9).unwrap().0 + 1;
        let mut bytes = text.into_bytes();
        // José in Latin-1 among UTF-8.
        let row = b"D9,,Jos\xE9,SECRET,1980-01-02,M,EH1 1AA,1 High Street\n";
        bytes.splice(at..at, row.iter().copied());
        bytes
    });
    town.refused("input delivery: row 10, column forename: the value is not UTF-8 text");
}

#[test]
fn a_huge_cell_is_refused_by_the_name_of_its_limit() {
    let town = Town::of(200);
    town.rows("delivery.csv", |at, cells| {
        if at == 4 {
            cells[SURNAME] = "SECRET".repeat(5_000);
        }
    });
    town.refused("row 5, column surname: the value is longer than the limit cell_bytes");
}

#[test]
fn an_empty_file_is_refused() {
    let town = Town::of(200);
    town.change("register.csv", |_| Vec::new());
    town.refused("input register: the file is empty");
    town.change("register.csv", |_| {
        b"id,chi,forename,surname,date_of_birth,sex,postcode,address_1\n".to_vec()
    });
    town.refused("input register: the file has a header line and no rows");
}

#[test]
fn dates_of_birth_in_another_layout_are_refused() {
    let town = Town::of(400);
    town.rows("delivery.csv", |_, cells| {
        if let [year, month, day] = cells[BORN].split('-').collect::<Vec<_>>()[..] {
            cells[BORN] = format!("day {day} of {month}, {year}").replace(',', ";");
        }
    });
    town.refused("input delivery: column date_of_birth");
}

#[test]
fn a_specification_that_contradicts_itself_is_refused() {
    let town = Town::of(200);
    town.change("link.toml", |text| {
        text.replace("\"link\"", "\"dedupe\"").into_bytes()
    });
    town.refused("link_type \"dedupe\" takes one [[input]] table and has 2");
}

#[test]
fn a_file_that_is_not_there_or_not_a_table_is_refused() {
    let town = Town::of(200);
    town.change("register.csv", |_| b"PAR1 SECRET".to_vec());
    town.refused("input register: the file is Parquet, not CSV");
    fs::remove_file(town.path("register.csv")).unwrap();
    town.refused("register.csv cannot be read");
}
