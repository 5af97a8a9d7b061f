//! `strongroom people` and `strongroom link` on files: good ones, and ten kinds of bad ones.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::program;

/// A folder with a small population and its specification.
pub(super) struct Town {
    folder: tempfile::TempDir,
}

/// The columns of the population, and the places of some.
const SURNAME: usize = 3;
const BORN: usize = 4;
const SEX: usize = 5;

impl Town {
    pub(super) fn of(people: usize) -> Self {
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

    pub(super) fn path(&self, name: &str) -> PathBuf {
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

    pub(super) fn link(&self, more: &[&str]) -> Output {
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

pub(super) fn error(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(super) fn json(path: &Path) -> Value {
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

/// The records that a Splink vector was made of, as files, with the model beside them.
fn splink_files(folder: &Path) -> Value {
    const VECTOR: &str = include_str!("../../crates/linkage/src/splink/vectors/splink5-link.json");
    let vector: Value = serde_json::from_str(VECTOR).unwrap();
    fs::write(folder.join("model.json"), vector["model"].to_string()).unwrap();
    let mut spec = String::from("link_type = \"link\"\nsplink = \"model.json\"\n");
    for (name, rows) in vector["tables"].as_object().unwrap() {
        let mut csv = String::from("unique_id,first_name,surname,dob,postcode,email,town\n");
        for row in rows.as_array().unwrap() {
            let cells: Vec<&str> = row
                .as_array()
                .unwrap()
                .iter()
                .map(|cell| cell.as_str().unwrap_or(""))
                .collect();
            csv.push_str(&cells.join(","));
            csv.push('\n');
        }
        fs::write(folder.join(format!("{name}.csv")), csv).unwrap();
        spec.push_str(&format!(
            "[[input]]\npath = \"{name}.csv\"\nid = \"unique_id\"\n"
        ));
    }
    spec.push_str("[thresholds]\nmatch_probability = 0.9\nkeep_probability = 0.001\n");
    fs::write(folder.join("link.toml"), spec).unwrap();
    vector
}

#[test]
fn a_splink_model_links_as_it_does_in_splink() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let vector = splink_files(folder.path());
    let link = || {
        let spec = path("link.toml");
        let out = run(&["link", &spec, "--out"], &folder.path().join("out"));
        (out.status.code(), error(&out))
    };
    assert_eq!(link().0, Some(0), "{}", link().1);
    let report = json(&folder.path().join("out/report.json"));
    let pairs = vector["pairs"].as_array().unwrap();
    let at_least = |p: f64| {
        let weight = (p / (1.0 - p)).log2();
        pairs
            .iter()
            .filter(|pair| pair[2].as_f64().unwrap() >= weight)
            .count() as u64
    };
    let linkage = &report["linkage"];
    assert_eq!(
        linkage["pairs"][0]["candidate_pairs"].as_u64().unwrap(),
        pairs.len() as u64
    );
    assert_eq!(report["links"].as_u64().unwrap(), at_least(0.9));
    assert_eq!(
        linkage["joins_below_threshold"].as_u64().unwrap(),
        at_least(0.001) - at_least(0.9)
    );
    // An unknown function is refused by its name.
    let model = fs::read_to_string(path("model.json")).unwrap();
    let model = model.replacen("jaro_winkler_similarity", "dmetaphone", 1);
    fs::write(path("model.json"), model).unwrap();
    let (code, said) = link();
    assert_eq!(code, Some(2));
    assert!(
        said.contains("level 3: the condition has the function dmetaphone"),
        "{said}"
    );
    assert_eq!(said.matches('\n').count(), 1, "{said}");
}

#[test]
fn pairs_are_reviewed_blind_and_what_two_agree_on_holds() {
    let town = Town::of(3_000);
    assert!(town.link(&["--review", "60"]).status.success());
    let sheet = fs::read_to_string(town.out().join("review.csv")).unwrap();
    let key = fs::read_to_string(town.out().join("review-key.csv")).unwrap();
    let header = sheet.lines().next().unwrap();
    assert!(
        header.starts_with("source_l,id_l,source_r,id_r,"),
        "{header}"
    );
    assert!(header.ends_with(",match,reason"), "{header}");
    assert!(!header.contains("probability") && !header.contains("weight"));
    assert_eq!((sheet.lines().count(), key.lines().count()), (61, 61));
    // The reviewers agree but on the first pair; a third says no to it.
    let filled = |first: &str, others: &str| {
        let mut lines = sheet.lines();
        let mut out = format!("{}\n", lines.next().unwrap());
        for (at, line) in lines.enumerate() {
            let answer = if at == 0 { first } else { others };
            let line = line.strip_suffix(",,").unwrap();
            out.push_str(&format!("{line},{answer},\n"));
        }
        out
    };
    fs::write(town.path("one.csv"), filled("yes", "no")).unwrap();
    fs::write(town.path("two.csv"), filled("no", "no")).unwrap();
    fs::write(town.path("three.csv"), filled("yes", "")).unwrap();
    let [one, two, three] = ["one.csv", "two.csv", "three.csv"].map(|name| town.path(name));
    let [one, two, three] = [&one, &two, &three].map(|path| path.to_str().unwrap());
    let reviewed = |more: &[&str]| {
        let out = town.link(more);
        assert!(out.status.success(), "{}", error(&out));
        let report = json(&town.out().join("report.json"));
        let joined = report["linkage"]["joins_by_step"]["reviewed"].as_u64();
        (report["review"].clone(), joined.unwrap_or(0))
    };
    let (review, joined) = reviewed(&["--decisions", one, "--decisions", two]);
    assert_eq!(
        (review["judged"].as_u64(), review["settled"].as_u64()),
        (Some(60), Some(59))
    );
    assert_eq!(
        (review["both"].as_u64(), review["alike"].as_u64()),
        (Some(60), Some(59))
    );
    assert_eq!(joined, 0);
    let (review, joined) =
        reviewed(&["--decisions", one, "--decisions", two, "--decisions", three]);
    assert_eq!((review["settled"].as_u64(), joined), (Some(60), 1));
    // What is not an answer is refused, the record not shown.
    fs::write(town.path("bad.csv"), filled("SECRET", "no")).unwrap();
    let bad = town.path("bad.csv");
    let out = town.link(&["--decisions", bad.to_str().unwrap()]);
    assert_eq!(out.status.code(), Some(2));
    assert!(
        error(&out).contains("row 1, column match: is none of yes, no"),
        "{}",
        error(&out)
    );
    assert!(!error(&out).contains("SECRET"));
}
