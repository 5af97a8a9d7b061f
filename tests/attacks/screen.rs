//! Statements that ask the aggregates screen for people, through the real worker and over HTTP: no value
//! that few people have, no count under the minimum, and nothing that tells few people from none.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use testkit::people::episodes::RARE_CONDITION;

use crate::journeys::haven::Haven;
use crate::journeys::http::text;
use crate::journeys::project::{self, Open};

/// People that the policy of the house asks for.
const MINIMUM: usize = 10;
/// A key of everything about an episode.
const EVERYTHING: &str = "concat(main_condition, '|', hospital, '|', specialty)";
/// The same, where it is rare, among keys that many have.
const HIDDEN: &str = "case when main_condition in ('I21', 'J18', 'R07', 'N39', 'J44') then 'common' \
     else concat(main_condition, '|', hospital, '|', specialty) end";

#[test]
fn the_screen_tells_nothing_of_few_people() {
    let haven = Haven::start();
    let screen = Screen {
        open: project::open(&haven),
        haven: &haven,
    };
    let rare = screen.rare();
    assert!(rare.len() > 50, "the data have rare combinations");
    screen.lists_no_key_of_few(&rare);
    screen.has_no_oracle_in_a_condition();
    screen.shows_no_emptiness();
    screen.counts_nobody_in_disguise();
    screen.releases_no_key_of_few(&rare);
    let another = |open: Open| Screen {
        open: project::open_another(&haven, open, "aggregates"),
        haven: &haven,
    };
    let of_people = another(screen.open);
    of_people.has_no_oracle_in_a_number_of_people();
    another(of_people.open).has_no_oracle_in_a_number_of_rows();
}

struct Screen<'a> {
    haven: &'a Haven,
    open: Open,
}

impl Screen<'_> {
    /// Condition, hospital and specialty of fewer records than the minimum, from the delivered file.
    fn rare(&self) -> BTreeSet<String> {
        let mut records: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for line in self.open.delivered[2].lines().skip(1) {
            let fields: Vec<&str> = line.split(',').collect();
            let key = [fields[5], fields[6], fields[4]].join("|");
            records.entry(key).or_default().insert(fields[0]);
        }
        records.retain(|_, records| records.len() < MINIMUM);
        records.into_keys().collect()
    }

    /// Verdict and report of a statement, without the statement itself.
    #[track_caller]
    fn ask(&self, sql: &str) -> Value {
        let path = format!("/v1/workspaces/{}/queries", self.open.workspace);
        let answer = self.haven.yes("researcher", &path, &json!({ "sql": sql }));
        let mut report = answer["report"].clone();
        assert_eq!(report["outputs"][0]["statement"], sql);
        report["outputs"][0]["statement"] = Value::Null;
        json!({ "verdict": text(&answer, "/verdict"), "report": report })
    }

    /// All statements have one answer.
    #[track_caller]
    fn same(&self, statements: impl IntoIterator<Item = String>) -> Value {
        let mut statements = statements.into_iter();
        let first = statements.next().expect("a statement");
        let answer = self.ask(&first);
        for other in statements {
            assert_eq!(self.ask(&other), answer, "{first}\n{other}");
        }
        answer
    }

    fn lists_no_key_of_few(&self, rare: &BTreeSet<String>) {
        for (key, verdict) in [(EVERYTHING, "fail"), (HIDDEN, "treat"), ("person", "fail")] {
            for rest in [
                "",
                " order by n",
                " order by n limit 7",
                " limit 3 offset 40",
            ] {
                let sql = format!(
                    "select {key} as k, count(*) as n, count(distinct person) as p \
                     from hospital_episodes group by 1{rest}"
                );
                let answer = self.ask(&sql);
                no_key_of_few(&answer, rare);
                assert_eq!(answer["report"]["outputs"][0]["cells"], json!([]), "{sql}");
                let rows = answer["report"]["outputs"][0]["rows"].clone();
                if answer["verdict"] == "treat" {
                    assert_eq!(rows.as_array().map(Vec::len), Some(1), "{sql}: {rows}");
                } else {
                    assert_eq!(rows, json!([]), "{sql}");
                }
                if rest.is_empty() {
                    assert_eq!(answer["verdict"], verdict, "{sql}");
                }
            }
        }
        // Beside another key, and as a label, it is no better.
        for sql in [
            format!(
                "select {HIDDEN} as k, hospital, count(*) as n from hospital_episodes group by all"
            ),
            format!(
                "select {HIDDEN} as k, count(*) as n from hospital_episodes group by hospital, 1"
            ),
            format!(
                "select {HIDDEN} as k, upper(k) as l, count(*) as n from (select *, {HIDDEN} as k from hospital_episodes) group by 1, 2"
            ),
            format!(
                "select {HIDDEN} as k, avg(age_at_admission) as a from hospital_episodes group by 1"
            ),
            format!("select {HIDDEN} as k from hospital_episodes group by 1"),
        ] {
            no_key_of_few(&self.ask(&sql), rare);
        }
    }

    /// A condition on groups tells no number that the table does not show.
    fn has_no_oracle_in_a_condition(&self) {
        let table = "select hospital, count(distinct person) as people from hospital_episodes group by 1 having";
        let none = self.same((0..12).map(|k| {
            format!("{table} count(*) filter (where main_condition = '{RARE_CONDITION}') >= {k}")
        }));
        assert_eq!(none["verdict"], "review");
        let hidden =
            self.same((0..4).map(|n| format!("{table} max(age_at_admission) > {}", 30 * n)));
        assert_eq!(hidden, none, "both are hidden from the table");
    }

    /// Below the minimum a shown count tells nothing either: how small the small ones are stays untold. For people of a
    /// project who were shown nothing yet: beside what the others saw, such a table is refused.
    fn has_no_oracle_in_a_number_of_people(&self) {
        let people = "select main_condition, count(distinct person) as people from hospital_episodes group by 1 having";
        let small = self.same((0..10).map(|k| format!("{people} count(distinct person) >= {k}")));
        assert_eq!(small["verdict"], "treat");
        let large = self.ask(&format!("{people} count(distinct person) >= {MINIMUM}"));
        assert_eq!(
            large["verdict"], "pass",
            "the statement leaves out what is small"
        );
        let shown = large["report"]["outputs"][0]["rows"].as_array().unwrap();
        assert!(!shown.is_empty());
        for row in shown {
            assert!(row[1].as_u64().unwrap() >= MINIMUM as u64, "{row}");
        }
    }

    /// The same of rows, in a project of its own.
    fn has_no_oracle_in_a_number_of_rows(&self) {
        let rows = "select main_condition, count(*) as n from hospital_episodes group by 1 having";
        let small = self.same((0..8).map(|k| format!("{rows} count(*) >= {k}")));
        assert_eq!(small["verdict"], "treat");
    }

    /// Few people and nobody look the same.
    fn shows_no_emptiness(&self) {
        let file = self.open.delivered[2].as_str();
        let few = file
            .lines()
            .filter(|line| line.contains(RARE_CONDITION))
            .count();
        assert!(
            (1..MINIMUM).contains(&few),
            "{few} rows of the rare condition"
        );
        let conditions = [
            format!("main_condition = '{RARE_CONDITION}'"),
            "hospital = 'nowhere'".to_owned(),
        ];
        for table in [
            "select hospital, count(distinct person) as n from hospital_episodes where {} group by 1",
            "select person, count(*) as n from hospital_episodes where {} group by 1",
            "select hospital, specialty, count(*) as n from hospital_episodes where {} group by all order by n",
            "select hospital, count(distinct person) as n from hospital_episodes where {} group by 1 having count(distinct person) >= 10",
            "select hospital, count(*) as n from hospital_episodes where {} group by 1 having count(*) >= 3",
            "select hospital, count(distinct person) as n from hospital_episodes where {} group by 1 limit 2",
            "select hospital from hospital_episodes where {} group by 1",
            "select count(distinct person) as n from hospital_episodes where {}",
        ] {
            let answer = self.same(
                conditions
                    .iter()
                    .map(|condition| table.replace("{}", condition)),
            );
            assert_eq!(answer["verdict"], "fail", "{table}");
            assert_eq!(answer["report"]["outputs"][0]["rows"], json!([]), "{table}");
        }
    }

    /// Numbers that count few people in disguise are not shown.
    fn counts_nobody_in_disguise(&self) {
        for measure in [
            "count(distinct case when main_condition = 'G35' then person || hospital else '' end)",
            "count(distinct case when main_condition = 'G35' then -age_at_admission else 1 end)",
            "count(*) filter (where main_condition = 'G35') * 1000 + count(*)",
            "sum(case when main_condition = 'G35' then 1 else 0 end)",
            "avg(case when main_condition = 'G35' then 1 else 0 end)",
        ] {
            let sql = format!("select {measure} as n from hospital_episodes");
            let answer = self.ask(&sql);
            assert!(
                answer["verdict"] == "review" || answer["verdict"] == "fail",
                "{sql}: {answer}"
            );
            assert_eq!(answer["report"]["outputs"][0]["rows"], json!([]), "{sql}");
        }
    }

    /// The bytes that leave hold no such key; the output checker's report does.
    fn releases_no_key_of_few(&self, rare: &BTreeSet<String>) {
        let sql = format!("select {HIDDEN} as k, count(*) as n from hospital_episodes group by 1");
        let (output, answer) = project::stage(self.haven, &self.open.workspace, &sql);
        assert_eq!(text(&answer, "/verdict"), "treat");
        no_key_of_few(&answer["report"], rare);
        let path = format!("/v1/outputs/{output}");
        let submit = json!({ "rendering": "treated" });
        self.haven
            .yes("researcher", &format!("{path}/submit"), &submit);
        let table = self
            .haven
            .of("checker_1")
            .get(&format!("{path}/table"))
            .text();
        assert_eq!(table.lines().count(), 2, "{table}");
        no_key_of_few(&Value::from(table), rare);
        let seen = self.haven.of("checker_1").get(&path).text();
        assert!(rare.iter().any(|key| seen.contains(key)), "it stays whole");
    }
}

#[track_caller]
fn no_key_of_few(answer: &Value, rare: &BTreeSet<String>) {
    let said = answer.to_string().to_uppercase();
    let found: Vec<&String> = rare
        .iter()
        .filter(|key| said.contains(&key.to_uppercase()))
        .collect();
    assert!(found.is_empty(), "{found:?} in {said}");
}
