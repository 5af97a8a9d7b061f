//! A kept spine through the command line: deliveries, the ledger, who was who, and what goes wrong.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use super::linkage::{Town, error, json};
use crate::support::program;

/// One row in so many comes later.
const LATER: usize = 4;

/// A town whose spine is kept of the first rows of both files; the others are delivered later.
struct Kept {
    town: Town,
}

impl Kept {
    fn of(people: usize) -> Self {
        let kept = Self {
            town: Town::of(people),
        };
        for name in ["register", "delivery"] {
            let text = fs::read_to_string(kept.path(&format!("{name}.csv"))).unwrap();
            let (header, rows) = text.split_once('\n').unwrap();
            let part = |wanted: &dyn Fn(usize) -> bool| {
                let rows = rows.lines().enumerate();
                let rows = rows.filter(|(row, _)| wanted(*row)).map(|(_, row)| row);
                format!("{header}\n{}\n", rows.collect::<Vec<_>>().join("\n"))
            };
            let later = |row: usize| row % LATER == 1;
            for (file, text) in [
                (format!("{name}.csv"), part(&|row| !later(row))),
                (format!("{name}-all.csv"), part(&later)),
                (
                    format!("{name}-1.csv"),
                    part(&|row| later(row) && row % 3 == 0),
                ),
                (
                    format!("{name}-2.csv"),
                    part(&|row| later(row) && row % 3 != 0),
                ),
            ] {
                fs::write(kept.path(&file), text).unwrap();
            }
        }
        let spine = kept.path("spine");
        let out = kept.town.link(&["--keep-spine", spine.to_str().unwrap()]);
        assert!(out.status.success(), "{}", error(&out));
        kept
    }

    fn path(&self, name: &str) -> PathBuf {
        self.town.path(name)
    }

    /// A specification of a delivery: the town's own, over the files of a part.
    fn spec(&self, part: &str, change: impl FnOnce(String) -> String) -> PathBuf {
        let text = fs::read_to_string(self.path("link.toml")).unwrap();
        let text = text
            .replace("register.csv", &format!("register-{part}.csv"))
            .replace("delivery.csv", &format!("delivery-{part}.csv"));
        let path = self.path(&format!("link-{part}.toml"));
        fs::write(&path, change(text)).unwrap();
        path
    }

    fn deliver(&self, spine: &str, part: &str) -> Output {
        let spec = self.spec(part, |text| text);
        self.deliver_spec(spine, &spec, part)
    }

    fn deliver_spec(&self, spine: &str, spec: &Path, part: &str) -> Output {
        strongroom(&[
            "link",
            spec.to_str().unwrap(),
            "--out",
            self.path(&format!("out-{part}")).to_str().unwrap(),
            "--spine",
            self.path(spine).to_str().unwrap(),
        ])
    }

    fn as_of(&self, spine: &str, time: &str, out: &str) -> Output {
        strongroom(&[
            "spine",
            "as-of",
            self.path(spine).to_str().unwrap(),
            "--time",
            time,
            "--out",
            self.path(out).to_str().unwrap(),
        ])
    }

    fn ledger(&self, spine: &str) -> Vec<Value> {
        let spine = self.path(spine);
        let out = strongroom(&[
            "spine",
            "ledger",
            spine.to_str().unwrap(),
            "--format",
            "json",
        ]);
        assert!(out.status.success(), "{}", error(&out));
        let steps: Value = serde_json::from_slice(&out.stdout).unwrap();
        steps.as_array().unwrap().clone()
    }

    fn copy(&self, from: &str, to: &str) {
        fs::create_dir(self.path(to)).unwrap();
        for entry in fs::read_dir(self.path(from)).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), self.path(to).join(entry.file_name())).unwrap();
        }
    }

    /// One number from a statement over two files of records and persons, `a` and `b`.
    #[track_caller]
    fn count(&self, a: &str, b: &str, sql: &str) -> u64 {
        let (a, b) = (self.path(a), self.path(b));
        let out = strongroom(&[
            "sql",
            "--data",
            &format!("a={}", a.display()),
            "--data",
            &format!("b={}", b.display()),
            "--sql",
            sql,
        ]);
        let answer: Value = serde_json::from_slice(&out.stdout).unwrap();
        answer["rows"][0][0]
            .as_u64()
            .unwrap_or_else(|| panic!("{answer}"))
    }

    #[track_caller]
    fn refused(&self, out: &Output, want: &str) {
        let said = error(out);
        assert_eq!(out.status.code(), Some(2), "{said}");
        assert_eq!(said.matches('\n').count(), 1, "one sentence: {said}");
        assert!(said.contains(want), "{said}");
        assert!(out.stdout.is_empty());
    }
}

fn strongroom(args: &[&str]) -> Output {
    Command::new(program("strongroom"))
        .args(args)
        .output()
        .unwrap()
}

const END: &str = "2200-01-01T00:00:00Z";

/// Records that the two files do not put into the same groups.
const APART: &str = "select (select count(*) from (select distinct a.person, b.person from a join b using (source, id)))
    - count(distinct a.person) + count(*) - (select count(*) from b) from a";

#[test]
fn deliveries_in_parts_come_to_what_one_delivery_does_and_numbers_stay() {
    let kept = Kept::of(2_000);
    kept.copy("spine", "at-once");
    for (spine, part) in [("spine", "1"), ("spine", "2"), ("at-once", "all")] {
        let out = kept.deliver(spine, part);
        assert!(out.status.success(), "{}", error(&out));
    }
    let report = json(&kept.path("out-2/report.json"));
    let delivery = &report["delivery"];
    assert_eq!(delivery["deliveries"], 2);
    assert!(delivery["pairs"]["new"].as_u64().unwrap() > 100, "{report}");
    for (spine, out) in [("spine", "now"), ("at-once", "once")] {
        let told = kept.as_of(spine, END, out);
        assert!(told.status.success(), "{}", error(&told));
    }
    let (now, once) = ("now/persons.parquet", "once/persons.parquet");
    assert_eq!(kept.count(now, once, APART), 0);
    assert_eq!(kept.count(once, now, APART), 0);

    // What was held at the start is what the first linkage said, number by number.
    let steps = kept.ledger("spine");
    let reasons: Vec<&Value> = steps.iter().map(|step| &step["reason"]).collect();
    assert_eq!(reasons, ["start", "delivery", "delivery"]);
    let start = steps[0]["time"].as_str().unwrap();
    let told = kept.as_of("spine", start, "then");
    assert!(told.status.success(), "{}", error(&told));
    let (then, first) = ("then/persons.parquet", "linked/clusters.parquet");
    let same = "select count(*) from a join b using (source, id, person)";
    let all = kept.count(then, first, "select count(*) from a");
    assert_eq!(kept.count(then, first, same), all);
    assert_eq!(kept.count(then, first, "select count(*) from b"), all);

    // Numbers stay: whoever kept company before and after has the number still, unless the ledger says otherwise.
    let changes: u64 = steps[1..]
        .iter()
        .map(|step| step["merged"].as_u64().unwrap() + step["split"].as_u64().unwrap())
        .sum();
    let moved = "select count(distinct a.person) from a join b using (source, id) where a.person <> b.person";
    assert!(kept.count(then, now, moved) <= changes);
    // What a delivery says of its records is what the ledger holds after it.
    let told = kept.count("out-all/clusters.parquet", once, "select count(*) from a");
    let so = kept.count("out-all/clusters.parquet", once, same);
    assert_eq!(told, so);
}

#[test]
fn what_a_killed_run_wrote_is_dropped_and_named() {
    let kept = Kept::of(600);
    kept.copy("spine", "killed");
    let out = kept.deliver("spine", "all");
    assert!(out.status.success(), "{}", error(&out));
    // Cut within the step of the delivery, which is behind its records.
    let whole = fs::read(kept.path("spine/ledger")).unwrap();
    let before = fs::read(kept.path("killed/ledger")).unwrap().len();
    fs::copy(kept.path("spine/records"), kept.path("killed/records")).unwrap();
    fs::write(kept.path("killed/ledger"), &whole[..before + 9]).unwrap();
    let told = kept.as_of("killed", END, "now");
    assert!(told.status.success(), "{}", error(&told));
    let said = error(&told);
    assert!(
        said.contains("step 1 of the ledger was not written to its end; 9 bytes"),
        "{said}"
    );
    assert!(
        said.contains("of a delivery that was not finished are dropped"),
        "{said}"
    );
    assert_eq!(kept.ledger("killed").len(), 1);
    // The delivery can be made again, to the same end.
    let again = kept.deliver("killed", "all");
    assert!(again.status.success(), "{}", error(&again));
    let records = |spine: &str| fs::read(kept.path(spine).join("records")).unwrap();
    assert!(records("killed") == records("spine"));
}

#[test]
fn what_does_not_fit_a_spine_is_refused_in_a_sentence_and_changes_nothing() {
    let kept = Kept::of(600);
    let out = kept.deliver("spine", "all");
    assert!(out.status.success(), "{}", error(&out));
    let before = fs::read(kept.path("spine/records")).unwrap();
    kept.refused(
        &kept.deliver("spine", "all"),
        "has an id that the spine has already",
    );
    kept.refused(&kept.deliver("town", "all"), "holds no spine");
    let spine = kept.path("spine");
    let again = kept.town.link(&["--keep-spine", spine.to_str().unwrap()]);
    kept.refused(&again, "holds a spine already");
    type Change = fn(String) -> String;
    let changes: [(Change, &str); 4] = [
        (
            |text| format!("blocking = [[\"surname\"]]\n{text}"),
            "linked as the spine was kept",
        ),
        (
            |text| text.replace("surname = \"surname\"\n", ""),
            "no column here is left for it",
        ),
        (
            |text| text.replace("\"postcode\"", "\"region\""),
            "no column here is left for it",
        ),
        (
            |text| text.replace("name = \"delivery\"", "name = \"clinic\""),
            "the spine has no input of this name",
        ),
    ];
    for (change, want) in changes {
        let spec = kept.spec("1", change);
        kept.refused(&kept.deliver_spec("spine", &spec, "1"), want);
    }
    assert!(fs::read(kept.path("spine/records")).unwrap() == before);
    assert_eq!(kept.ledger("spine").len(), 2);
    // A bit of either file that was changed.
    for name in ["records", "ledger"] {
        let path = kept.path("spine").join(name);
        let whole = fs::read(&path).unwrap();
        let mut changed = whole.clone();
        changed[whole.len() / 2] ^= 4;
        fs::write(&path, changed).unwrap();
        kept.refused(&kept.deliver("spine", "1"), "the kept spine is broken");
        fs::write(&path, whole).unwrap();
    }
    let mut records = fs::OpenOptions::new()
        .append(true)
        .open(kept.path("spine/ledger"))
        .unwrap();
    records.write_all(&[0xff; 64]).unwrap();
    drop(records);
    kept.refused(&kept.deliver("spine", "1"), "the kept spine is broken");
}
