//! A released table beside the next one of the same people: real encounters, `strongroom check --record` and
//! `--against`.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{program, shared};

/// HbA1c of the patients of a selection, and how many came back within 30 days (Strack et al. 2014, table 1).
const TABLE: &str = "select case when A1Cresult = 'None' then 'a. not measured'
     when A1Cresult = '>8' and change = 'Ch' then 'b. high, changed'
     when A1Cresult = '>8' then 'c. high, not changed'
     else 'd. other' end as hba1c,
   count(*) as people, count(*) filter (where readmitted = '<30') as readmitted
 from stays where left_alive group by 1 order by 1";
/// Every encounter, and whether the patient went home: neither died nor in a hospice.
const STAYS: &str =
    "select *, discharge_disposition_id not in (11, 13, 14, 19, 20, 21) as left_alive
   from encounters";
const FIRST: &str =
    "qualify row_number() over (partition by patient_nbr order by encounter_id) = 1";

fn strongroom(data: &Path, sql: &str, more: &[&str]) -> Output {
    Command::new(program("strongroom"))
        .arg("check")
        .arg("--data")
        .arg(data)
        .args(["--unit", "patient_nbr", "--sql", sql])
        .args(more)
        .output()
        .unwrap()
}

fn check(data: &Path, sql: &str, more: &[&str]) -> Value {
    let output = strongroom(data, sql, more);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 1)), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Whoever leaves out the dead before taking each patient's first encounter takes a later one of some: another
/// table by a handful of people, each cell of it large.
#[test]
fn the_same_table_with_another_selection_is_refused_for_the_people_between() {
    let Some(file) = shared("data/diabetes130/encounters.csv.gz") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("encounters.csv");
    let mut packed = flate2::read::GzDecoder::new(File::open(file).unwrap());
    std::io::copy(&mut packed, &mut File::create(&data).unwrap()).unwrap();
    let after = format!("with stays as (select * from ({STAYS}) {FIRST}) {TABLE}");
    let before =
        format!("with stays as (select * from ({STAYS}) where left_alive {FIRST}) {TABLE}");
    let releases = folder.path().join("releases");
    let releases = releases.to_str().unwrap();

    let first = check(&data, &after, &["--record", releases]);
    assert_eq!(first["verdict"], "pass", "{first}");
    let again = check(&data, &after, &["--against", releases]);
    assert_eq!(again["verdict"], "pass", "{again}");
    // A mistyped folder holds nothing to compare with, which must not read as nothing found.
    let mistyped = folder.path().join("relaeses");
    let none = strongroom(&data, &after, &["--against", mistyped.to_str().unwrap()]);
    assert_eq!(none.status.code(), Some(2));
    assert!(!mistyped.exists());
    // By itself the other table is as good.
    assert_eq!(check(&data, &before, &[])["verdict"], "pass");

    let refused = check(&data, &before, &["--against", releases]);
    assert_eq!(refused["verdict"], "fail", "{refused}");
    let said = refused["findings"][0]["detail"].as_str().unwrap();
    println!("{said}");
    assert!(said.contains("isolates 1 person"), "{said}");
    let found = |cell: &&Value| !cell["findings"].as_array().unwrap().is_empty();
    let cells = refused["outputs"][0]["cells"].as_array().unwrap();
    for cell in cells.iter().filter(found) {
        println!("{cell}");
    }
    let sixteen = "16 people who are only";
    assert!(!refused.to_string().contains(sixteen), "16 is more than 10");
    assert_eq!(refused["outputs"][0]["treated_rows"], Value::Array(vec![]));

    // A release that was taken away is missed, and its number is not given again.
    let kept = check(&data, &after, &["--record", releases]);
    assert_eq!(kept["verdict"], "pass", "{kept}");
    std::fs::remove_file(Path::new(releases).join("0001.release")).unwrap();
    for flag in ["--against", "--record"] {
        let missing = strongroom(&data, &after, &[flag, releases]);
        assert_eq!(missing.status.code(), Some(2), "{flag}");
    }
    assert!(!Path::new(releases).join("0001.release").exists());
}
