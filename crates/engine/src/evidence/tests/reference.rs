//! Small random tables: the evidence must equal what a plain program counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use disclosure::{Class, Status, Verdict, check};
use proptest::prelude::*;

use super::{gather_in, policy};

/// One row of `a` with the value of `b` beside it.
#[derive(Debug, Clone)]
struct Row {
    person: Option<i32>,
    event: i32,
    g: Option<i32>,
    h: i32,
    v: Option<i32>,
    x: Option<i32>,
}

#[derive(Debug, Clone)]
struct Data {
    a: Vec<Row>,
    /// Person, event, x.
    b: Vec<(Option<i32>, i32, i32)>,
}

fn data() -> impl Strategy<Value = Data> {
    let maybe = |most: i32| prop_oneof![1 => Just(None), 5 => (0..most).prop_map(Some)];
    let row = (
        prop_oneof![1 => Just(None), 12 => (0..9).prop_map(Some)],
        maybe(2),
        0..3,
        maybe(4),
        0..3_usize,
    );
    prop::collection::vec(row, 0..40).prop_map(|rows| {
        let mut data = Data {
            a: Vec::new(),
            b: Vec::new(),
        };
        for (event, (person, g, h, v, matches)) in (0..).zip(rows) {
            data.a.push(Row {
                person,
                event,
                g,
                h,
                v,
                x: None,
            });
            for x in 0..matches {
                data.b.push((person, event, i32::try_from(x).unwrap()));
            }
        }
        data
    })
}

fn sql_value(value: Option<i32>) -> String {
    value.map_or("null".to_owned(), |v| v.to_string())
}

impl Data {
    fn load(&self) -> duckdb::Connection {
        let conn = duckdb::Connection::open_in_memory().unwrap();
        let mut sql = String::from(
            "create table a (person integer, event integer, g integer, h integer, v integer);
             create table b (person integer, event integer, x integer);",
        );
        for r in &self.a {
            let (p, g, v) = (sql_value(r.person), sql_value(r.g), sql_value(r.v));
            write!(
                sql,
                "insert into a values ({p}, {}, {g}, {}, {v});",
                r.event, r.h
            )
            .unwrap();
        }
        for (p, event, x) in &self.b {
            write!(
                sql,
                "insert into b values ({}, {event}, {x});",
                sql_value(*p)
            )
            .unwrap();
        }
        conn.execute_batch(&sql).unwrap();
        conn
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Source {
    Table,
    Inner,
    Left,
    Right,
    Natural,
    Semi,
    Anti,
}

impl Source {
    const ALL: [Self; 7] = [
        Self::Table,
        Self::Inner,
        Self::Left,
        Self::Right,
        Self::Natural,
        Self::Semi,
        Self::Anti,
    ];

    fn from(self) -> &'static str {
        match self {
            Self::Table => "f as a",
            Self::Inner => "f as a join b on b.person = a.person and a.event = b.event",
            Self::Left => "f as a left join b on a.event = b.event and a.person = b.person",
            Self::Right => "b right join f as a on a.event = b.event and a.person = b.person",
            Self::Natural => "f as a natural join b",
            Self::Semi => "f as a semi join b using (person)",
            Self::Anti => "f as a anti join b on b.person = a.person and b.x = 1",
        }
    }

    /// Whether the columns of the second table can be named.
    fn has_b(self) -> bool {
        !matches!(self, Self::Table | Self::Semi | Self::Anti)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Rows {
    All,
    FirstOfPerson,
}

type Holds = fn(&Row) -> bool;
type KeyOf = fn(&Row) -> Option<i32>;

const KEYS: [(&str, KeyOf); 4] = [
    ("a.g", |r| r.g),
    ("a.h", |r| Some(r.h)),
    ("a.v % 2", |r| r.v.map(|v| v % 2)),
    (
        "case when a.v is null then -1 when a.h = 0 then 7 else a.g end",
        |r| match r {
            Row { v: None, .. } => Some(-1),
            Row { h: 0, .. } => Some(7),
            Row { g, .. } => *g,
        },
    ),
];

const MEASURES: [(&str, Holds); 18] = [
    ("count(*)", |_| true),
    ("count(1)", |_| true),
    ("count(a.v)", |r| r.v.is_some()),
    ("count(a.person)", |r| r.person.is_some()),
    ("count(distinct a.v)", |r| r.v.is_some()),
    ("count(distinct a.person)", |_| true),
    ("count(*) filter (where a.h = 0)", |r| r.h == 0),
    ("count(a.v) filter (where not a.h = 0)", |r| {
        r.h != 0 && r.v.is_some()
    }),
    ("sum(case when a.v > 1 then 1 else 0 end)", |r| {
        r.v > Some(1)
    }),
    ("countif(a.v > 1)", |r| r.v > Some(1)),
    ("sum(a.v)", |r| r.v.is_some()),
    ("avg(a.v) filter (where a.h <> 0)", |r| {
        r.h != 0 && r.v.is_some()
    }),
    ("count(distinct case when a.h = 1 then a.person end)", |r| {
        r.h == 1
    }),
    // Of the joined table; without one, of the first.
    ("count(b.x)", |r| r.x.is_some()),
    ("count(*) filter (where b.x = 1)", |r| r.x == Some(1)),
    // Who makes it true, or not.
    ("bool_or(a.v > 1)", |r| r.v > Some(1)),
    ("bool_and(a.h = 0)", |r| r.h != 0),
    ("regr_count(a.v, a.g)", |r| r.v.is_some() && r.g.is_some()),
];

const WHERES: [(&str, Holds); 5] = [
    ("", |_| true),
    ("where a.h > 0", |r| r.h > 0),
    ("where a.v is not null or a.g = 1", |r| {
        r.v.is_some() || r.g == Some(1)
    }),
    ("where a.g in (0, 1) and not a.v = 2", |r| {
        r.g.is_some() && r.v.is_some_and(|v| v != 2)
    }),
    ("where coalesce(a.v, 0) between 1 and 2", |r| {
        matches!(r.v, Some(1 | 2))
    }),
];

#[derive(Debug, Clone)]
struct Case {
    data: Data,
    source: Source,
    rows: Rows,
    keys: Vec<usize>,
    measures: Vec<usize>,
    condition: usize,
}

fn case() -> impl Strategy<Value = Case> {
    (
        data(),
        prop::sample::select(Source::ALL.to_vec()),
        prop_oneof![Just(Rows::All), Just(Rows::FirstOfPerson)],
        prop::sample::subsequence((0..KEYS.len()).collect::<Vec<_>>(), 0..3),
        prop::sample::subsequence((0..MEASURES.len()).collect::<Vec<_>>(), 1..5),
        0..WHERES.len(),
    )
        .prop_map(|(data, source, rows, keys, measures, condition)| Case {
            data,
            source,
            rows,
            keys,
            measures,
            condition,
        })
}

impl Case {
    fn sql(&self) -> String {
        let with = match self.rows {
            Rows::All => "with f as (select * from a)",
            Rows::FirstOfPerson => {
                "with f as (select * from a qualify row_number() over (partition by person order by event) = 1)"
            }
        };
        let from = self.source.from();
        let keys = self.keys.iter().map(|k| format!("{} as k{k}", KEYS[*k].0));
        let measures = self
            .measures
            .iter()
            .map(|m| format!("{} as m{m}", MEASURES[*m].0));
        let measures = measures.map(|m| {
            if self.source.has_b() {
                m
            } else {
                m.replace("b.x", "null")
            }
        });
        let items: Vec<String> = keys.chain(measures).collect();
        let mut groups: Vec<String> = (1..=self.keys.len()).map(|i| i.to_string()).collect();
        if let (Some(last), Some(key)) = (groups.last_mut(), self.keys.last()) {
            *last = format!("k{key}");
        }
        let by = if groups.is_empty() {
            String::new()
        } else {
            format!("group by {}", groups.join(", "))
        };
        format!(
            "{with} select {} from {from} {} {by}",
            items.join(", "),
            WHERES[self.condition].0
        )
    }

    fn rows(&self) -> Vec<Row> {
        let kept = self.data.a.iter().filter(|row| match self.rows {
            Rows::All => true,
            Rows::FirstOfPerson => self
                .data
                .a
                .iter()
                .all(|other| other.person != row.person || other.event >= row.event),
        });
        let mut rows = Vec::new();
        for row in kept {
            let matched = self.data.b.iter().filter(|(person, event, _)| {
                row.person.is_some() && *person == row.person && *event == row.event
            });
            let before = rows.len();
            if self.source.has_b() {
                rows.extend(matched.map(|(_, _, x)| Row {
                    x: Some(*x),
                    ..row.clone()
                }));
            }
            let of_person = self.data.b.iter();
            let mut of_person =
                of_person.filter(|(person, _, _)| person.is_some() && *person == row.person);
            let stays = match self.source {
                Source::Table => true,
                Source::Inner | Source::Natural => false,
                Source::Left | Source::Right => rows.len() == before,
                Source::Semi => of_person.next().is_some(),
                Source::Anti => !of_person.any(|(_, _, x)| *x == 1),
            };
            if stays {
                rows.push(row.clone());
            }
        }
        rows.retain(WHERES[self.condition].1);
        rows
    }

    /// People and rows by key and measure, counted plainly.
    fn reference(&self) -> BTreeMap<Vec<String>, Vec<(u64, u64)>> {
        let mut groups: BTreeMap<Vec<String>, Vec<Row>> = BTreeMap::new();
        if self.keys.is_empty() {
            groups.insert(Vec::new(), Vec::new());
        }
        for row in self.rows() {
            let key = self
                .keys
                .iter()
                .map(|k| sql_value(KEYS[*k].1(&row)))
                .collect();
            groups.entry(key).or_default().push(row);
        }
        let count = |rows: &[Row], holds: Holds| {
            let inside: Vec<&Row> = rows.iter().filter(|row| holds(row)).collect();
            let people: BTreeSet<i32> = inside.iter().filter_map(|row| row.person).collect();
            (people.len() as u64, inside.len() as u64)
        };
        groups
            .into_iter()
            .map(|(key, rows)| {
                (
                    key,
                    self.measures
                        .iter()
                        .map(|m| count(&rows, MEASURES[*m].1))
                        .collect(),
                )
            })
            .collect()
    }
}

/// Everything a reader gets by one subtraction of two counts of rows in a row, where it is
/// the size of a set: people in it, brute force.
fn differences(case: &Case) -> Vec<usize> {
    let counts: Vec<Holds> = case
        .measures
        .iter()
        .filter(|m| matches!(**m, 0 | 1 | 2 | 3 | 6 | 7 | 8 | 9 | 13 | 14 | 17))
        .map(|m| MEASURES[*m].1)
        .collect();
    let mut groups: BTreeMap<Vec<Option<i32>>, Vec<Row>> = BTreeMap::new();
    for row in case.rows() {
        groups
            .entry(case.keys.iter().map(|k| KEYS[*k].1(&row)).collect())
            .or_default()
            .push(row);
    }
    let mut sizes = Vec::new();
    for rows in groups.values() {
        for (i, outer) in counts.iter().enumerate() {
            for (j, inner) in counts.iter().enumerate() {
                if i == j || rows.iter().any(|row| inner(row) && !outer(row)) {
                    continue;
                }
                let rest: Vec<&Row> = rows
                    .iter()
                    .filter(|row| outer(row) && !inner(row))
                    .collect();
                if !rest.is_empty() {
                    sizes.push(
                        rest.iter()
                            .filter_map(|row| row.person)
                            .collect::<BTreeSet<_>>()
                            .len(),
                    );
                }
            }
        }
    }
    sizes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn people_are_those_that_a_plain_program_counts(case in case()) {
        let conn = case.data.load();
        let sql = case.sql();
        let evidence = gather_in(&conn, &sql).unwrap();
        prop_assert_eq!(&evidence.class, &Class::Table, "{}", sql);
        let found: BTreeMap<Vec<String>, Vec<(u64, u64)>> = evidence
            .groups
            .iter()
            .map(|group| {
                let key = group.key.iter().map(|d| d.text().unwrap_or("null").to_owned()).collect();
                (key, group.behind.iter().map(|b| (b.people, b.rows)).collect())
            })
            .collect();
        prop_assert_eq!(found, case.reference(), "{}", sql);
        prop_assert_eq!(evidence.validate(), Ok(()));

        let minimum = 3;
        let report = check(&evidence, &policy(minimum, "safe"));
        let small = |cells: &[(u64, u64)]| cells.iter().any(|(p, r)| *p < minimum && *r > 0);
        let reference = case.reference();
        if report.verdict == Verdict::Pass {
            prop_assert!(!reference.values().any(|cells| small(cells)), "{}", sql);
            prop_assert!(differences(&case).iter().all(|n| *n as u64 >= minimum), "{}", sql);
        }
        if reference.values().any(|cells| small(cells)) {
            prop_assert!(report.outputs[0].cells.iter().any(|c| c.status == Status::Primary), "{}", sql);
        }
    }
}
