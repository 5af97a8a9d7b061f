//! The policies that are asked about an action are some of all.

use cedar_policy::{Authorizer, Decision};
use governance::person::{Person, Role};

use super::{Access, POLICIES, SCHEMA, at, object, person, refused, shipped, situations, with};

#[test]
fn the_policies_of_an_action_decide_as_all_policies_together_would() {
    let group = SCHEMA.replace(
        "action \"view_log\", \"publish_log\", \"view_posture\"",
        "action \"of_the_log\";\naction \"view_log\", \"publish_log\", \"view_posture\" in [\"of_the_log\"]",
    );
    assert_ne!(group, SCHEMA);
    let grouped = format!(
        "{POLICIES}\n@id(\"grouped\")\nforbid (principal in Role::\"indexer\", \
         action in [Action::\"of_the_log\"], resource);\n"
    );
    let mut people: Vec<Person> = Role::ALL.iter().map(|role| person(&[*role])).collect();
    people.push(person(&Role::ALL));
    for access in [shipped(), Access::load(&group, &grouped).unwrap()] {
        for (row, state, relation) in situations() {
            let object = object(row.kind, state, relation);
            for somebody in &people {
                let question = access.question(somebody, &object, at());
                let request = question.request(row.action).unwrap();
                let entities = access.entities(somebody, &object, at()).unwrap();
                let some = &access.by_action[&row.action];
                let [some, all] = [some, &access.policies]
                    .map(|policies| Authorizer::new().is_authorized(&request, policies, &entities));
                assert_eq!(some, all, "{} {state} {relation:?}", row.word);
                assert_eq!(
                    question.may(row.action).is_ok(),
                    all.decision() == Decision::Allow
                );
            }
        }
    }
}

#[test]
fn text_that_is_no_policy_or_schema_is_refused_at_load() {
    let why = refused(with("permit (everything);"));
    assert!(why.contains("policies.cedar"), "{why}");
    let why = refused(Access::load("entity", POLICIES));
    assert!(why.contains("schema.cedarschema"), "{why}");
}
