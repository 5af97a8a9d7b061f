//! The second lock, tried: what loads, what is refused at load, and what is a Deny.

mod permissions;
mod some;

use std::collections::BTreeSet;

use cedar_policy::Decision;
use governance::PersonId;
use governance::action::{Actor, Row, STATES};
use governance::person::{Activity, Role};

use super::*;

const SCHEMA: &str = include_str!("../../../../policies/access/schema.cedarschema");
const POLICIES: &str = include_str!("../../../../policies/access/policies.cedar");

fn shipped() -> Access {
    Access::load(SCHEMA, POLICIES).expect("the shipped policies are valid")
}

/// The shipped policies and one more.
fn with(policy: &str) -> Result<Access, ServiceError> {
    Access::load(SCHEMA, &format!("{POLICIES}\n{policy}\n"))
}

fn at() -> Timestamp {
    "2026-03-02T10:00:00Z".parse().unwrap()
}

fn id(name: &str) -> PersonId {
    format!("per_{name}").parse().unwrap()
}

/// Somebody with these roles, active and fit.
fn person(roles: &[Role]) -> Person {
    let day = |text: &str| Some(text.parse().unwrap());
    Person {
        id: id("me"),
        name: "Me".into(),
        organisation: "Org".into(),
        roles: roles.iter().copied().collect(),
        accreditation_until: day("2026-03-02"),
        training_until: day("2026-03-02"),
        undertaking_on: day("2026-03-02"),
        activity: Activity::Active,
    }
}

/// How the caller stands to the thing that is acted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relation {
    /// Not at all.
    None,
    /// Made it; always among its people too, but for a recovery, which nobody of the project asks for.
    Author,
    /// Is among the people on its project; of a person: is that person.
    Member,
    /// Answers for a dataset in it.
    Controller,
    /// Is named to deliver it.
    Provider,
    /// Declared an interest in it.
    Interested,
}

impl Relation {
    fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Author => "author",
            Self::Member => "member",
            Self::Controller => "controller",
            Self::Provider => "provider",
            Self::Interested => "interested",
        }
    }

    /// Those that can be to a kind of thing.
    fn of(kind: &str) -> Vec<Self> {
        match kind {
            "person" | "indexing" | "extract" | "workspace" => {
                vec![Self::None, Self::Member]
            }
            "recovery" => vec![Self::None, Self::Author, Self::Member, Self::Controller],
            "budget" => vec![Self::None, Self::Controller],
            "measurement" => vec![Self::None, Self::Author, Self::Member, Self::Controller],
            "dataset" | "delivery" => vec![Self::None, Self::Controller, Self::Provider],
            "project" => vec![
                Self::None,
                Self::Author,
                Self::Member,
                Self::Controller,
                Self::Interested,
            ],
            "output" | "job" => vec![Self::None, Self::Author, Self::Member],
            "log" | "catalogue" | "people" | "keeper_refusal" => vec![Self::None],
            other => panic!("who can stand how to a {other}?"),
        }
    }
}

/// A thing in a state, with other people around it and the caller in one relation.
fn object(kind: &'static str, state: &str, relation: Relation) -> Object {
    let mut object = Object::new(kind)
        .author(&id("author"))
        .people([id("author"), id("member")])
        .controllers([id("controller")])
        .providers([id("provider")])
        .interests([id("interested")]);
    state.clone_into(&mut object.state);
    match relation {
        Relation::None => object,
        Relation::Author if kind == "recovery" => object.author(&id("me")),
        Relation::Author => object.author(&id("me")).people([id("me")]),
        Relation::Member => object.people([id("me")]),
        Relation::Controller => object.controllers([id("me")]),
        Relation::Provider => object.providers([id("me")]),
        Relation::Interested => object.interests([id("me")]),
    }
}

/// Every act of people on everything, in every state and relation.
fn situations() -> Vec<(Row, &'static str, Relation)> {
    let mut situations = Vec::new();
    for row in Action::TABLE.iter().filter(|r| r.actor == Actor::Person) {
        let own = STATES.iter().find(|(kind, _)| *kind == row.kind);
        let states = own.map_or(&[][..], |(_, states)| states);
        for state in states.iter().chain(&["-"]) {
            for relation in Relation::of(row.kind) {
                situations.push((*row, *state, relation));
            }
        }
    }
    situations
}

fn reason(result: Result<(), ServiceError>) -> String {
    match result {
        Err(ServiceError::Denied { reason, .. }) => reason,
        other => panic!("not denied: {other:?}"),
    }
}

fn refused(result: Result<Access, ServiceError>) -> String {
    match result {
        Err(ServiceError::Policy(text)) => text,
        other => panic!("not refused: {other:?}"),
    }
}

const UNEVALUATED: &str = "the access policies could not be evaluated";

#[test]
fn the_shipped_policies_validate_strictly() {
    assert!(shipped().policies.policies().count() > 20);
}

#[test]
fn a_misspelt_attribute_action_or_type_is_refused_at_load() {
    for (right, wrong) in [
        ("resource.controllers", "resource.controlers"),
        ("Action::\"run_query\"", "Action::\"run_qery\""),
        ("principal.fit", "principal.fitt"),
        ("Role::\"indexer\"", "Rolle::\"indexer\""),
        ("resource.state != \"draft\"", "resource.state != 1"),
    ] {
        let text = POLICIES.replacen(right, wrong, 1);
        assert_ne!(text, POLICIES);
        let why = refused(Access::load(SCHEMA, &text));
        assert!(
            why.starts_with("policies/access/policies.cedar cannot be used: "),
            "{why}"
        );
    }
}

#[test]
fn two_policies_of_one_id_are_refused_and_so_is_one_without() {
    let twice = "@id(\"auditor-reads-the-log\")\n\
        permit (principal in Role::\"auditor\", action == Action::\"view_log\", resource);";
    let why = refused(with(twice));
    assert!(why.ends_with("two policies have the same @id"), "{why}");
    let without =
        "permit (principal in Role::\"auditor\", action == Action::\"view_log\", resource);";
    let why = refused(with(without));
    assert!(why.ends_with("every policy needs an @id"), "{why}");
}

/// A role is an entity's id, which the validator takes as it comes: a misspelt one would match nobody.
#[test]
fn every_role_that_a_policy_names_exists_and_every_role_is_named() {
    let named: BTreeSet<&str> = POLICIES
        .split("Role::\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    let roles: BTreeSet<&str> = Role::ALL.iter().map(|role| role.word()).collect();
    assert_eq!(named, roles);
}

/// The same trap in states: a misspelt one is a condition that never holds.
#[test]
fn every_state_that_a_policy_names_exists() {
    let known: BTreeSet<&str> = STATES
        .iter()
        .flat_map(|(_, states)| *states)
        .copied()
        .collect();
    let code: Vec<&str> = POLICIES
        .lines()
        .filter(|l| l.contains("resource.state"))
        .collect();
    assert!(!code.is_empty());
    for word in code
        .iter()
        .flat_map(|line| line.split('"').skip(1).step_by(2))
    {
        assert!(known.contains(word), "{word}");
    }
}

/// Cedar skips a policy that errors; a `forbid` that is skipped forbids nothing.
#[test]
fn a_policy_that_errors_is_a_deny_even_where_another_permits() {
    let (me, catalogue) = (person(&[]), Object::new("catalogue"));
    let try_ = |access: &Access| access.authorise(&me, Action::ViewCatalogue, &catalogue, at());
    assert!(try_(&shipped()).is_ok());
    for effect in ["permit", "forbid"] {
        let overflow = format!(
            "@id(\"faulty\")\n{effect} (principal, action == Action::\"view_catalogue\", resource)\n\
             when {{ 9223372036854775807 + 1 == 0 }};"
        );
        let access = with(&overflow).expect("the validator does not see an overflow");
        let question = access.question(&me, &catalogue, at());
        let request = question.request(Action::ViewCatalogue).unwrap();
        let entities = access.entities(&me, &catalogue, at()).unwrap();
        let cedar = Authorizer::new().is_authorized(&request, &access.policies, &entities);
        assert_eq!(
            cedar.decision(),
            Decision::Allow,
            "Cedar alone lets it through"
        );
        assert_eq!(reason(try_(&access)), UNEVALUATED);
    }
}

/// What is missing cannot be asked about, and a policy that asks errors: so nothing is missing.
#[test]
fn everybody_whom_an_object_names_is_there_with_every_attribute() {
    let access = shipped();
    for (row, state, relation) in situations() {
        let me = person(&[Role::Researcher, Role::Coordinator]);
        let object = object(row.kind, state, relation);
        let entities = access
            .entities(&me, &object, at())
            .expect("the slice is complete");
        let thing = entities
            .get(&access.names.object(&object))
            .expect("the object is there");
        for attribute in [
            "state",
            "author",
            "people",
            "controllers",
            "providers",
            "interests",
        ] {
            assert!(
                thing.attr(attribute).is_some_and(|a| a.is_ok()),
                "{attribute}"
            );
        }
        for name in [
            "me",
            "author",
            "member",
            "controller",
            "provider",
            "interested",
        ] {
            let somebody = entities
                .get(&access.names.person(&id(name)))
                .expect("everybody named is there");
            for attribute in ["active", "fit"] {
                assert!(
                    somebody.attr(attribute).is_some_and(|a| a.is_ok()),
                    "{attribute}"
                );
            }
        }
        for role in [Role::Researcher, Role::Coordinator] {
            assert!(entities.get(&access.names.role(role)).is_some());
        }
    }
}

#[test]
fn no_situation_leaves_a_policy_unevaluated() {
    let access = shipped();
    for (row, state, relation) in situations() {
        let object = object(row.kind, state, relation);
        if let Err(why) = access.authorise(&person(&Role::ALL), row.action, &object, at()) {
            assert_ne!(reason(Err(why)), UNEVALUATED, "{} {state}", row.word);
        }
    }
}

#[test]
fn an_action_on_another_kind_of_thing_is_a_deny() {
    let access = shipped();
    for (action, kind) in [
        (Action::ViewLog, "catalogue"),
        (Action::ReleaseOutput, "project"),
        (Action::RunQuery, "output"),
        (Action::ViewCatalogue, "a kind yet to come"),
    ] {
        let object = Object::new(kind);
        let result = access.authorise(&person(&Role::ALL), action, &object, at());
        assert_eq!(reason(result), UNEVALUATED, "{action}");
    }
}

#[test]
fn nobody_does_what_only_the_safe_haven_itself_does() {
    let access = shipped();
    for row in Action::TABLE.iter().filter(|r| r.actor == Actor::System) {
        for relation in Relation::of(row.kind) {
            let object = object(row.kind, "-", relation);
            let result = access.authorise(&person(&Role::ALL), row.action, &object, at());
            assert!(result.is_err(), "{}", row.word);
        }
    }
}

#[test]
fn retired_people_do_nothing_whatever_their_roles() {
    let access = shipped();
    let mut people: Vec<Person> = Role::ALL.iter().map(|role| person(&[*role])).collect();
    people.extend([person(&[]), person(&Role::ALL)]);
    for (row, state, relation) in situations() {
        let object = object(row.kind, state, relation);
        for somebody in &mut people {
            somebody.activity = Activity::Retired;
            let why = reason(access.authorise(somebody, row.action, &object, at()));
            assert!(why.contains("retired-people-do-nothing"), "{why}");
        }
    }
}

#[test]
fn people_whose_standing_lapsed_are_kept_from_data() {
    let access = shipped();
    let fit = person(&[Role::Researcher]);
    let mut lapsed = fit.clone();
    lapsed.training_until = Some("2026-03-01".parse().unwrap());
    for (action, state) in [
        (Action::RunQuery, "open"),
        (Action::ViewRows, "open"),
        (Action::StageOutput, "-"),
        (Action::DownloadOutput, "released"),
        (Action::ReserveMeasurement, "-"),
        (Action::RunMeasurement, "reserved"),
        (Action::CountPeople, "-"),
    ] {
        let relation = match action.row().kind {
            "workspace" => Relation::Member,
            _ => Relation::Author,
        };
        let object = object(action.row().kind, state, relation);
        assert!(access.authorise(&fit, action, &object, at()).is_ok());
        let why = reason(access.authorise(&lapsed, action, &object, at()));
        assert_eq!(why, "forbidden by lapsed-people-are-kept-from-data");
    }
    let own = object("project", "in_force", Relation::Author);
    let read = access.authorise(&lapsed, Action::ViewProject, &own, at());
    assert!(read.is_ok());
}

/// Acts that touch data, decide or release.
const GUARDED: [Action; 25] = [
    Action::GiveInstruction,
    Action::AllowFeasibility,
    Action::CountPeople,
    Action::DeliverIdentifiers,
    Action::DeliverPayload,
    Action::SignForDataset,
    Action::DeclineForDataset,
    Action::VoteOnApplication,
    Action::ApproveApplication,
    Action::ReturnApplication,
    Action::RefuseApplication,
    Action::OrderIndexing,
    Action::BeginReview,
    Action::FinishReview,
    Action::EndReview,
    Action::OrderExtract,
    Action::RunQuery,
    Action::ViewRows,
    Action::StageOutput,
    Action::VoteOnOutput,
    Action::ReleaseOutput,
    Action::DownloadOutput,
    Action::ViewOutput,
    Action::ReleaseLabels,
    Action::WithholdLabels,
];

/// Whoever has this role may do none of these, whatever other role comes with it.
fn kept_from(kept: Role, acts: &[Action]) {
    let access = shipped();
    for (row, state, relation) in situations() {
        if !acts.contains(&row.action) {
            continue;
        }
        let object = object(row.kind, state, relation);
        for role in Role::ALL {
            let both = person(&[kept, role]);
            assert!(
                access.authorise(&both, row.action, &object, at()).is_err(),
                "{} as {}",
                row.word,
                role.word()
            );
        }
    }
}

#[test]
fn an_administrator_holds_no_data_vote_or_release_right_even_with_another_role() {
    kept_from(Role::Administrator, &GUARDED);
}

#[test]
fn an_indexer_touches_no_payload_even_with_another_role() {
    kept_from(
        Role::Indexer,
        &[
            Action::DeliverPayload,
            Action::OrderExtract,
            Action::RunQuery,
            Action::ViewRows,
            Action::StageOutput,
            Action::VoteOnOutput,
            Action::ReleaseOutput,
            Action::DownloadOutput,
            Action::ViewOutput,
            Action::ReleaseLabels,
            Action::WithholdLabels,
        ],
    );
}

/// Holding every other role does not help somebody to decide on their own work.
#[test]
fn all_roles_together_do_not_decide_on_their_own_project() {
    let access = shipped();
    let roles: Vec<Role> = Role::ALL
        .into_iter()
        .filter(|r| !matches!(r, Role::Administrator | Role::Indexer))
        .collect();
    let everything = person(&roles);
    for (row, state, relation) in situations() {
        let decides = matches!(
            row.action,
            Action::SignForDataset
                | Action::DeclineForDataset
                | Action::VoteOnApplication
                | Action::ApproveApplication
                | Action::ReturnApplication
                | Action::RefuseApplication
                | Action::CommenceProject
                | Action::VoteOnOutput
                | Action::ReleaseOutput
                | Action::RecallOutput
        );
        if decides && matches!(relation, Relation::Author | Relation::Member) {
            let object = object(row.kind, state, relation);
            let why = reason(access.authorise(&everything, row.action, &object, at()));
            assert!(why.contains("their-own-project"), "{}: {why}", row.word);
        }
    }
}

#[test]
fn a_denial_says_who_what_and_why_and_no_name() {
    let denied = shipped()
        .authorise(
            &person(&[Role::Auditor]),
            Action::RunQuery,
            &object("workspace", "open", Relation::Member),
            at(),
        )
        .unwrap_err()
        .to_string();
    assert_eq!(
        denied,
        "per_me may not run_query: no access policy permits it to an auditor here"
    );
}
