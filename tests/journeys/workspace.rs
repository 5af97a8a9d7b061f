//! What a workspace keeps for its people: saved statements that are tables, what they ran, a dummy extract.

use std::fs;

use serde_json::{Value, json};

use super::haven::Haven;
use super::http::text;
use super::project::{self, Open};
use crate::attacks::plain;

const OLD: &str = "select person, hospital from hospital_episodes where age_at_admission >= 60;";
const COUNT: &str =
    "select hospital, count(distinct person) as people from old group by hospital order by 1";

struct Place<'a> {
    haven: &'a Haven,
    open: Open,
}

#[test]
fn a_saved_statement_is_a_table_for_those_who_see_it() {
    let haven = Haven::start();
    let place = Place {
        haven: &haven,
        open: project::open(&haven),
    };
    place.names_are_plain_and_nobodys();
    place.is_the_authors_until_it_is_shared();
    place.what_was_run_is_told_to_whoever_ran_it();
    place.is_removed_by_its_author_alone();
    place.a_dummy_extract_has_the_approved_shape();
}

impl Place<'_> {
    fn at(&self, rest: &str) -> String {
        format!("/v1/workspaces/{}/{rest}", self.open.workspace)
    }

    fn saved(&self, who: &str) -> Vec<String> {
        let all = self.haven.of(who).get(&self.at("saved")).ok();
        let all = all.as_array().unwrap().iter();
        all.map(|saved| text(saved, "/name")).collect()
    }

    fn names_are_plain_and_nobodys(&self) {
        let save = |name: &str| json!({ "name": name, "sql": OLD });
        for name in ["", "Old", "a b", "1a", "hospital_episodes", "a\"b"] {
            self.haven
                .no(422, "researcher", &self.at("saved"), &save(name));
        }
        for who in ["auditor", "steward", "controller_1"] {
            self.haven.kept_out(who, &self.at("saved"), &save("old"));
            assert_eq!(self.haven.of(who).get(&self.at("history")).status, 403);
        }
        assert_eq!(self.saved("researcher"), Vec::<String>::new());
    }

    fn is_the_authors_until_it_is_shared(&self) {
        let (saved, queries) = (self.at("saved"), self.at("queries"));
        let save = |shared: bool| json!({ "name": "old", "sql": OLD, "shared": shared });
        let count = json!({ "sql": COUNT });
        self.haven.yes("researcher", &saved, &save(false));
        assert_eq!(self.saved("researcher"), ["old"]);
        assert_eq!(self.saved("colleague"), Vec::<String>::new());
        self.haven.no(422, "colleague", &queries, &count);
        self.haven.yes("researcher", &saved, &save(true));
        assert_eq!(self.saved("colleague"), ["old"]);
        let written = format!("with old as (\n{}\n)\n{COUNT}", OLD.trim_end_matches(';'));
        for who in ["researcher", "colleague"] {
            let answer = self.haven.yes(who, &queries, &count);
            let output = &answer["report"]["outputs"][0];
            assert_eq!(output["statement"], json!(written), "what ran is the whole");
            assert!(!output["rows"].as_array().unwrap().is_empty(), "{answer}");
        }
        // The same written by hand is answered alike.
        let by_hand = self
            .haven
            .yes("researcher", &queries, &json!({ "sql": written }));
        let again = self.haven.yes("researcher", &queries, &count);
        assert_eq!(by_hand["report"], again["report"]);
    }

    fn what_was_run_is_told_to_whoever_ran_it(&self) {
        let history = |who: &str| -> Vec<Value> {
            let all = self.haven.of(who).get(&self.at("history")).ok();
            all.as_array().unwrap().clone()
        };
        let mine = history("researcher");
        assert_eq!(mine.len(), 3);
        assert!(text(&mine[0], "/sql").starts_with("with old as ("));
        assert_eq!(mine[0]["state"], "done");
        let theirs = history("colleague");
        let states: Vec<&Value> = theirs.iter().map(|ran| &ran["state"]).collect();
        assert_eq!(states, ["done", "failed"], "newest first");
        assert_eq!(text(&theirs[1], "/sql"), COUNT);
    }

    fn is_removed_by_its_author_alone(&self) {
        let old = self.at("saved/old");
        self.haven.of("colleague").delete(&old).no(404);
        self.haven.of("auditor").delete(&old).no(403);
        self.haven.of("researcher").delete(&old).ok();
        self.haven.of("researcher").delete(&old).no(404);
        let count = json!({ "sql": COUNT });
        self.haven
            .no(422, "researcher", &self.at("queries"), &count);
    }

    fn a_dummy_extract_has_the_approved_shape(&self) {
        let path = format!("/v1/projects/{}/dummy-extract", self.open.project);
        assert_eq!(self.haven.door().get(&path).status, 401);
        let made = self.haven.of("colleague").get(&path);
        assert_eq!(made.status, 200);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("dummy.duckdb");
        fs::write(&file, &made.body).unwrap();
        let shape = "select table_name || '.' || string_agg(column_name || ' ' || data_type, ', ' order by \
                     column_index) from duckdb_columns() where database_name = 'extract' group by table_name order by 1";
        let alike = "select count(distinct e.person) > 100, min(age_at_admission) = 0, max(age_at_admission) = 90 \
                     from hospital_episodes e join prescribing p using (person)";
        let lines = plain::run(&file, &[], &[shape.to_owned(), alike.to_owned()]);
        assert_eq!(
            lines[0]["rows"],
            json!([
                [
                    "hospital_episodes.person VARCHAR, main_condition VARCHAR, hospital VARCHAR, \
                     specialty VARCHAR, age_at_admission BIGINT, area VARCHAR"
                ],
                ["prescribing.person VARCHAR, bnf_chapter BIGINT, items BIGINT"],
            ])
        );
        assert_eq!(lines[1]["rows"], json!([["true", "true", "true"]]));
        // The same every time, and nobody's.
        assert_eq!(
            self.haven.of("researcher").get(&path).body.len(),
            made.body.len()
        );
        let bytes = String::from_utf8_lossy(&made.body);
        let row = self.open.delivered[2].lines().nth(1).unwrap();
        let hospital = row.split(',').nth(6).unwrap();
        assert!(
            hospital.len() > 3 && !bytes.contains(hospital),
            "{hospital}"
        );
    }
}
