//! Brute-force search over neighbours: each person of small tables of odd values is taken away, and no group
//! may change by more, and no more groups may change, than the plan declares. Broken templates are caught.

use super::*;

/// A small generator (Steele, Lea and Flood 2014): tables must be the same everywhere.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, faces: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % faces as u64) as usize
    }

    fn pick<'a>(&mut self, of: &[&'a str]) -> &'a str {
        of[self.roll(of.len())]
    }
}

const PEOPLE: [&str; 7] = ["'p0'", "'p1'", "'p2'", "'p3'", "'p 4'", "''", "null"];
const GROUPS: [&str; 7] = ["'a'", "'b'", "'c'", "'d'", "'z'", "''", "null"];
const NUMBERS: [&str; 16] = [
    "null",
    "'nan'",
    "'NaN'",
    "'inf'",
    "'-inf'",
    "'1e400'",
    "'9223372036854775808'",
    "'12x'",
    "''",
    "'0'",
    "'5'",
    "'-3.7'",
    "'10'",
    "'1e15'",
    "'-1e15'",
    "'2.5'",
];
const TYPED: [&str; 9] = [
    "null", "'nan'", "'inf'", "'-inf'", "1.7e308", "-1.7e308", "0", "4.75", "10",
];
const DATES: [&str; 9] = [
    "null",
    "'2020-01-01'",
    "'2020-01-01'",
    "'2020-01-09'",
    "'2021-06-01'",
    "'infinity'",
    "'2020-02-31'",
    "''",
    "'290000-01-01'",
];

fn table(dice: &mut Dice, name: &str) -> String {
    let rows: Vec<String> = (0..4 + dice.roll(20))
        .map(|_| {
            format!(
                "({}, {}, {}, {}, {})",
                dice.pick(&PEOPLE),
                dice.pick(&GROUPS),
                dice.pick(&NUMBERS),
                dice.pick(&TYPED),
                dice.pick(&DATES)
            )
        })
        .collect();
    format!(
        "create or replace table all_{name} (who varchar, g varchar, x varchar, y double, d varchar); insert into all_{name} values {}",
        rows.join(", ")
    )
}

fn parts(columns: [&str; 2]) -> Vec<Part> {
    let [x, y] = columns.map(str::to_owned);
    vec![
        Part::Rows,
        Part::People,
        Part::Present(x.clone()),
        Part::Numbers(y.clone()),
        Part::Sum(x.clone(), grid(-5.0, 10.0, 0.5)),
        Part::Sum(y.clone(), grid(2.0, 4.0, 0.25)),
        Part::Centred(x.clone(), grid(-5.0, 10.0, 0.5)),
        Part::Squares(y.clone(), grid(-5.0, 10.0, 0.5)),
        Part::Bins(x.clone(), vec![-5.0, 0.0, 2.5, 10.0]),
        Part::Candidates(y, vec![0.0, 4.75, 9.0]),
    ]
}

/// What the plan declares that one person changes in one group, in absolute values summed.
fn declared(part: &Part, linf: u32) -> i64 {
    let linf = i64::from(linf);
    let half = |g: &Grid| (g.high - g.centre).max(g.centre - g.low);
    match part {
        Part::People => 1,
        Part::Sum(_, g) => linf * g.low.abs().max(g.high.abs()),
        Part::Centred(_, g) => linf * half(g),
        Part::Squares(_, g) => {
            let most = (half(g) * half(g) + 1) >> 1;
            linf * (most - g.square_centre).max(g.square_centre)
        }
        _ => linf,
    }
}

/// The plans: no key, one, two, unknown ones; bounds that cut; joins, windows, features.
fn plans() -> Vec<Plan> {
    let rows = |linf, l0, keys| Plan {
        linf,
        l0,
        keys,
        ..plan(parts(["visits.x", "visits.y"]))
    };
    let window = |name: &str, kind| Window {
        name: name.into(),
        kind,
        column: "visits.d".into(),
        order: OrderKind::Date,
    };
    let unknown = || Key {
        column: "visits.g".into(),
        values: None,
    };
    let features = Plan {
        features: vec![
            Feature {
                name: "f".into(),
                kind: FeatureKind::First("x".into(), "d".into(), OrderKind::Date),
                conditions: vec![],
            },
            Feature {
                name: "s".into(),
                kind: FeatureKind::Sum("y".into()),
                conditions: vec![condition(
                    "g",
                    Operator::NotEqual,
                    vec![Literal::Text("a".into())],
                )],
            },
            Feature {
                name: "last_g".into(),
                kind: FeatureKind::Last("g".into(), "y".into(), OrderKind::Number),
                conditions: vec![],
            },
            Feature {
                name: "span".into(),
                kind: FeatureKind::Duration("d".into()),
                conditions: vec![],
            },
        ],
        having: vec![condition(
            "span",
            Operator::AtLeast,
            vec![Literal::Number(0.0)],
        )],
        keys: vec![key("last_g", &["a", "b", "c", ""])],
        l0: 1,
        linf: 1,
        ..plan(parts(["f", "s"]))
    };
    vec![
        rows(3, 1, vec![]),
        rows(1, 1, vec![]),
        rows(2, 2, vec![key("visits.g", &["a", "b", "c", "d", "nobody"])]),
        rows(
            1,
            3,
            vec![
                key("visits.g", &["a", "b", "c", "d"]),
                Key {
                    column: "visits.x".into(),
                    values: Some(vec![
                        Literal::Missing,
                        Literal::Number(5.0),
                        Literal::Number(0.0),
                    ]),
                },
            ],
        ),
        rows(2, 2, vec![unknown()]),
        rows(
            1,
            1,
            vec![unknown(), key("visits.d", &["2020-01-01", "2020-01-09"])],
        ),
        Plan {
            joins: vec!["other".into()],
            ..rows(
                2,
                2,
                vec![Key {
                    column: "other.g".into(),
                    values: Some(vec![
                        Literal::Text("a".into()),
                        Literal::Text("b".into()),
                        Literal::Missing,
                    ]),
                }],
            )
        },
        Plan {
            windows: vec![
                window("nth", WindowKind::Position),
                window("gap", WindowKind::SincePrevious),
                window("near", WindowKind::CountWithin(10.0)),
            ],
            filter: vec![condition(
                "near",
                Operator::AtLeast,
                vec![Literal::Number(1.0)],
            )],
            parts: parts(["gap", "nth"]),
            ..rows(2, 1, vec![])
        },
        features,
    ]
}

fn view(floor: &Floor, without: Option<&str>) {
    let condition = without.map_or("true".to_owned(), |who| {
        format!("who is distinct from {who}")
    });
    for name in ["visits", "other"] {
        floor.run(&format!(
            "create or replace table {name} as select * from all_{name} where {condition}"
        ));
    }
}

/// The first way in which taking one person away changes more than was declared; tells how far the largest
/// change of each part went.
fn search(
    floor: &Floor,
    plan: &Plan,
    bounds: &Plan,
    rewrite: &dyn Fn(String) -> String,
    reached: &mut [i64],
) -> Option<String> {
    let measure = || {
        let prepared = cells::prepare_as(&floor.connection, plan, rewrite).unwrap();
        Answer::of(&prepared, plan)
    };
    view(floor, None);
    let whole = measure();
    for who in PEOPLE.iter().filter(|who| **who != "null") {
        view(floor, Some(who));
        let less = measure();
        let labels = whole.0.keys().chain(less.0.keys());
        let labels: std::collections::BTreeSet<&String> = labels.collect();
        for (at, part) in bounds.parts.iter().enumerate() {
            let nothing = vec![0; part.width()];
            let mut changed = 0;
            for label in &labels {
                let of = |answer: &Answer| {
                    answer
                        .0
                        .get(*label)
                        .map_or(nothing.clone(), |g| g[at].clone())
                };
                let change: i64 = of(&whole)
                    .iter()
                    .zip(of(&less))
                    .map(|(a, b)| (a - b).abs())
                    .sum();
                changed += u32::from(change > 0);
                reached[at] = reached[at].max(change);
                if change > declared(part, bounds.linf) {
                    return Some(format!("{part:?}: {who} changes {label:?} by {change}"));
                }
            }
            if changed > bounds.l0 {
                return Some(format!("{part:?}: {who} changes {changed} groups"));
            }
        }
    }
    None
}

fn tables() -> usize {
    match std::env::var_os("STRONGROOM_LONG") {
        Some(_) => 300,
        None => 4,
    }
}

#[test]
fn no_person_changes_more_than_the_plan_declares() {
    let floor = Floor::new();
    let plans = plans();
    let mut reached = vec![vec![0; parts(["x", "y"]).len()]; plans.len()];
    let mut dice = Dice(1);
    for _ in 0..tables() {
        floor.run(&table(&mut dice, "visits"));
        floor.run(&table(&mut dice, "other"));
        for (plan, reached) in plans.iter().zip(&mut reached) {
            let found = search(&floor, plan, plan, &|sql| sql, reached);
            assert_eq!(found, None, "{plan:#?}");
        }
    }
    // The bounds are met somewhere: they are not needlessly wide, and the search sees that far.
    for (at, part) in plans[1].parts.iter().enumerate() {
        let most = plans
            .iter()
            .zip(&reached)
            .map(|(plan, r)| r[at] * 100 / declared(part, plan.linf));
        let most = most.max().unwrap();
        assert!(most >= 85, "{part:?} reaches {most} % of its bound");
    }
}

#[test]
fn no_person_moves_another() {
    // The cut keeps the same groups of everybody else, whoever is there: with the bounds on one person's
    // change this is what makes the sum of all changes one person's.
    let floor = Floor::new();
    let mut dice = Dice(2);
    let plan = Plan {
        keys: vec![key("visits.g", &["a", "b", "c", "d"])],
        l0: 1,
        linf: 1,
        ..plan(parts(["visits.x", "visits.y"]))
    };
    for _ in 0..tables() {
        floor.run(&table(&mut dice, "visits"));
        floor.run(&table(&mut dice, "other"));
        let mut alone: BTreeMap<String, Vec<Vec<i64>>> = BTreeMap::new();
        for who in PEOPLE.iter().filter(|who| **who != "null") {
            floor.run(&format!("create or replace table visits as select * from all_visits where who is not distinct from {who}"));
            for (label, cells) in floor.measure(&plan).0 {
                let sums = alone.entry(label).or_insert_with(|| {
                    plan.parts
                        .iter()
                        .map(|part| vec![0; part.width()])
                        .collect()
                });
                for (sum, own) in sums.iter_mut().flatten().zip(cells.into_iter().flatten()) {
                    *sum += own;
                }
            }
        }
        view(&floor, None);
        assert_eq!(
            floor.measure(&plan).0,
            alone,
            "the whole is the sum of its people"
        );
    }
}

/// Looks for a violation over so many tables.
fn caught_in(tables: u32, plan: &Plan, bounds: &Plan, rewrite: &dyn Fn(String) -> String) -> bool {
    let floor = Floor::new();
    let mut dice = Dice(3);
    let mut reached = vec![0; plan.parts.len()];
    (0..tables).any(|_| {
        floor.run(&table(&mut dice, "visits"));
        floor.run(&table(&mut dice, "other"));
        search(&floor, plan, bounds, rewrite, &mut reached).is_some()
    })
}

fn caught(plan: &Plan, bounds: &Plan, rewrite: &dyn Fn(String) -> String) -> bool {
    caught_in(40, plan, bounds, rewrite)
}

#[test]
fn broken_templates_are_caught() {
    let base = Plan {
        keys: vec![key("visits.g", &["a", "b", "c", "d"])],
        l0: 1,
        linf: 1,
        ..plan(parts(["visits.x", "visits.y"]))
    };
    let same = |sql: String| sql;
    assert!(!caught_in(4, &base, &base, &same));
    // A doubled sensitivity: rows are cut at two where one is declared.
    let doubled = Plan {
        linf: 2,
        ..base.clone()
    };
    assert!(caught(&doubled, &base, &same));
    // A missing bound on groups, also after a join.
    let unbounded = Plan {
        l0: 4,
        ..base.clone()
    };
    assert!(caught(&unbounded, &base, &same));
    let joined = Plan {
        joins: vec!["other".into()],
        ..base.clone()
    };
    assert!(!caught_in(4, &joined, &joined, &same));
    assert!(
        caught(
            &Plan {
                linf: 1_000,
                ..joined.clone()
            },
            &joined,
            &same
        ),
        "join bound"
    );
    // A clamp that is left out, or that passes over what is missing.
    let unclamped = |sql: String| {
        sql.replace(
            "greatest(cast('-5.0' as double), least(cast('10.0' as double), x6))",
            "x6",
        )
        .replace("greatest(-10, least(20, ", "((")
    };
    let only = |part: usize| Plan {
        parts: vec![base.parts[part].clone()],
        ..base.clone()
    };
    let loose = |sql: String| {
        unclamped(sql)
            .replace("x6", "x0")
            .replace(
                "greatest(cast('-5.0' as double), least(cast('10.0' as double), x0))",
                "x0",
            )
            .replace("greatest(-15, least(15, ", "((")
    };
    assert!(caught(&only(6), &only(6), &loose), "broken clamp");
    // The cut by rows that takes the file's order instead of the own average is no function of the person.
    let no_share = |sql: String| {
        sql.replace(" * 1 // n4", "")
            .replace("greatest(-20, least(20, coalesce(", "((coalesce(")
    };
    assert!(caught(&base, &base, &no_share), "rows beyond linf");
}
