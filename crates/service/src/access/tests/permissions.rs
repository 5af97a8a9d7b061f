//! Every role tried on every action in every state and relation, against a table written by hand from the
//! roles of the safe haven (`expected.csv`), and the page that shows it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use governance::action::{Actor, Row, STATES};
use governance::person::Role;

use super::{Access, Relation, at, object, person, shipped};
use governance::Action;

const EXPECTED: &str = include_str!("../expected.csv");

/// Action, role, relation, state.
type Case = (&'static str, &'static str, Relation, &'static str);

/// What policies and lifecycle together let a person do who holds one role, is active and fit.
fn computed(access: &Access) -> BTreeSet<Case> {
    let mut yes = BTreeSet::new();
    for (row, state, relation) in super::situations() {
        if !row.states.contains(&state) {
            continue;
        }
        let object = object(row.kind, state, relation);
        for role in Role::ALL {
            let somebody = person(&[role]);
            if access
                .authorise(&somebody, row.action, &object, at())
                .is_ok()
            {
                yes.insert((row.word, role.word(), relation, state));
            }
        }
    }
    yes
}

fn row_of(word: &str) -> Row {
    *Action::TABLE
        .iter()
        .find(|row| row.word == word)
        .unwrap_or_else(|| panic!("expected.csv: there is no action {word}"))
}

/// The column `while`: empty for every state of the table, `not STATE …`, or `STATE …`.
fn states_of(row: Row, text: &str) -> Vec<&'static str> {
    let (listed, wanted): (Vec<&str>, bool) = match text.strip_prefix("not ") {
        Some(rest) => (rest.split(' ').collect(), false),
        None if text.is_empty() => return row.states.to_vec(),
        None => (text.split(' ').collect(), true),
    };
    for state in &listed {
        assert!(
            row.states.contains(state),
            "expected.csv: {} {state}",
            row.word
        );
    }
    let states = row.states.iter().copied();
    states.filter(|s| listed.contains(s) == wanted).collect()
}

fn expected() -> BTreeSet<Case> {
    let mut lines = EXPECTED.lines();
    assert_eq!(lines.next(), Some("action,role,who,while"));
    let mut yes = BTreeSet::new();
    for line in lines {
        let [action, role, who, during]: [&str; 4] = line
            .split(',')
            .collect::<Vec<_>>()
            .try_into()
            .expect("four columns");
        let row = row_of(action);
        let roles: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|r| role == "*" || r.word() == role)
            .collect();
        assert!(!roles.is_empty(), "expected.csv: there is no role {role}");
        let relations: Vec<Relation> = Relation::of(row.kind)
            .into_iter()
            .filter(|r| who == "any" || who.split(' ').any(|word| word == r.word()))
            .collect();
        let named = if who == "any" {
            relations.len()
        } else {
            who.split(' ').count()
        };
        assert_eq!(relations.len(), named, "expected.csv: {line}");
        for role in roles {
            for relation in &relations {
                for state in states_of(row, during) {
                    yes.insert((row.word, role.word(), *relation, state));
                }
            }
        }
    }
    yes
}

#[test]
fn every_role_may_do_exactly_what_the_hand_written_table_says() {
    let (computed, expected) = (computed(&shipped()), expected());
    let more: Vec<_> = computed.difference(&expected).collect();
    let less: Vec<_> = expected.difference(&computed).collect();
    assert!(
        more.is_empty() && less.is_empty(),
        "the policies permit and the table does not: {more:#?}\nthe table permits and the policies do not: {less:#?}"
    );
}

#[test]
fn a_right_too_many_and_one_too_few_show_against_the_table() {
    let more = "@id(\"more\") permit (principal in Role::\"auditor\", action == Action::\"run_query\", resource);";
    let computed_more = computed(&super::with(more).unwrap());
    let surplus: Vec<Case> = computed_more.difference(&expected()).copied().collect();
    let query = |relation| ("run_query", "auditor", relation, "open");
    assert_eq!(surplus, [query(Relation::None), query(Relation::Member)]);
    let less = "@id(\"less\") forbid (principal, action == Action::\"view_log\", resource);";
    let computed_less = computed(&super::with(less).unwrap());
    let lost: Vec<Case> = expected().difference(&computed_less).copied().collect();
    assert_eq!(lost, [("view_log", "auditor", Relation::None, "-")]);
}

#[test]
fn every_action_of_people_can_be_done_by_somebody_in_each_of_its_states() {
    let computed = computed(&shipped());
    for row in Action::TABLE.iter().filter(|r| r.actor == Actor::Person) {
        for state in row.states {
            let somebody = computed
                .iter()
                .any(|(word, _, _, s)| *word == row.word && s == state);
            assert!(somebody, "nobody can {} while {state}", row.word);
        }
    }
}

const HEAD: &str = "# Permissions\n\n\
    Who may do what, and while a thing is in which state. Made by a test that tries every role on every\n\
    action in every state, under the shipped policies (`policies/access/`) and the rules of\n\
    `crates/governance`; a site that changes its policies changes this. Written by `cargo xtask docs`.\n\
    The states stand in [lifecycles](lifecycles.md). An empty cell is a no; – is what does not exist yet.\n\n\
    | cell | means |\n|---|---|\n\
    | yes | whatever it is about |\n\
    | own | what they made themselves |\n\
    | their projects | what belongs to a project that they are on |\n\
    | their datasets | what they answer for |\n\
    | named | what they are named to deliver |\n\
    | others' | what belongs to a project that they are not on |\n\
    | others | anybody but themselves |\n";

const TAIL: &str = "\n## Always\n\n\
    - Retired people do nothing.\n\
    - Somebody whose accreditation, training or undertaking is not valid today runs no query, stages no\n  \
      output and downloads none.\n\
    - An administrator holds no data, vote or release right, whatever other role is held with it.\n\
    - An indexer touches no payload, whatever other role is held with it.\n\
    - A policy that cannot be evaluated is a no.\n\
    - Beyond this page stand rules that no policy lifts: two people for a release, nobody decides on their\n  \
      own work, identifiers and payload by two people, nothing before the first day or after the last.\n";

fn title(role: Role) -> String {
    let words = role.word().replace('_', " ");
    let mut letters = words.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Relations of a yes, in words.
fn words(kind: &str, relations: &BTreeSet<Relation>) -> &'static str {
    use Relation::{Author, Controller, Interested, Member, None, Provider};
    let all: BTreeSet<Relation> = Relation::of(kind).into_iter().collect();
    if *relations == all {
        return "yes";
    }
    let relations: Vec<Relation> = relations.iter().copied().collect();
    match (kind, relations.as_slice()) {
        ("person", [None]) => "others",
        (_, [Author]) => "own",
        (_, [Author, Member] | [Member]) => "their projects",
        (_, [Author, Member, Controller] | [Member, Controller]) => "their projects and datasets",
        ("recovery", [None, Author, Controller] | [None, Controller]) => "others'",
        ("measurement", [None, Controller]) => "others'",
        (_, [Controller]) => "their datasets",
        (_, [Provider]) => "named",
        ("project", [None, Controller, Interested]) => "others'",
        ("project", [None, Controller]) => "others', without an interest",
        ("project", [None]) => "others', without an interest or a dataset of theirs",
        ("delivery", [Controller, Provider]) => "their datasets",
        (_, [None]) => "others'",
        other => panic!("find words for {other:?}"),
    }
}

/// What one role may do with one action: the relations, with states where they differ or are fewer.
fn cell(row: &Row, role: Role, computed: &BTreeSet<Case>) -> String {
    let mut groups: BTreeMap<BTreeSet<Relation>, Vec<&str>> = BTreeMap::new();
    for state in row.states {
        let relations: BTreeSet<Relation> = Relation::of(row.kind)
            .into_iter()
            .filter(|r| computed.contains(&(row.word, role.word(), *r, *state)))
            .collect();
        groups.entry(relations).or_default().push(state);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, states)| std::cmp::Reverse(states.len()));
    if let [(relations, _)] = groups.as_slice() {
        return if relations.is_empty() {
            String::new()
        } else {
            words(row.kind, relations).to_owned()
        };
    }
    let said = groups.iter().filter(|(relations, _)| !relations.is_empty());
    let said = said.enumerate().map(|(index, (relations, states))| {
        let words = words(row.kind, relations);
        let most = states.len() * 2 > row.states.len();
        match (index, most) {
            (0, true) => words.to_owned(),
            _ => format!("{}: {words}", states.join(", ")),
        }
    });
    said.collect::<Vec<_>>().join("; ")
}

fn page() -> String {
    let computed = computed(&shipped());
    let mut page = HEAD.to_owned();
    let mut kinds: Vec<&str> = STATES.iter().map(|(kind, _)| *kind).collect();
    kinds.extend(["people", "catalogue", "log"]);
    for kind in kinds {
        let rows: Vec<&Row> = Action::TABLE
            .iter()
            .filter(|row| row.kind == kind && row.actor == Actor::Person)
            .collect();
        // What only the safe haven itself does stands below.
        if rows.is_empty() {
            continue;
        }
        let roles: Vec<Role> = Role::ALL
            .into_iter()
            .filter(|role| {
                rows.iter()
                    .any(|row| !cell(row, *role, &computed).is_empty())
            })
            .collect();
        let titles: Vec<String> = roles.iter().map(|role| title(*role)).collect();
        let _ = write!(
            page,
            "\n## {kind}\n\n| act | while | {} |\n",
            titles.join(" | ")
        );
        let _ = writeln!(page, "|---|---|{}", "---|".repeat(roles.len()));
        for row in rows {
            let during = match row.states {
                ["-"] => "–".to_owned(),
                states
                    if STATES
                        .iter()
                        .any(|(k, all)| *k == kind && all.len() == states.len()) =>
                {
                    "always".to_owned()
                }
                states => states.join(", "),
            };
            let cells: Vec<String> = roles.iter().map(|r| cell(row, *r, &computed)).collect();
            let _ = writeln!(
                page,
                "| `{}` | {during} | {} |",
                row.word,
                cells.join(" | ")
            );
        }
    }
    page.push_str(
        "\n## What only the safe haven itself does\n\n| act | of | while |\n|---|---|---|\n",
    );
    for row in Action::TABLE.iter().filter(|r| r.actor == Actor::System) {
        let during = row.states.join(", ").replace('-', "–");
        let _ = writeln!(page, "| `{}` | {} | {during} |", row.word, row.kind);
    }
    page.push_str(TAIL);
    page
}

#[test]
fn reference_page_permissions() {
    let path = Path::new(&std::env::var("CARGO_MANIFEST_DIR").unwrap())
        .join("../../docs/reference/permissions.md");
    let page = page();
    if std::env::var_os("STRONGROOM_WRITE_PAGES").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &page).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        held == page,
        "docs/reference/permissions.md is out of date: run `cargo xtask docs`"
    );
}
