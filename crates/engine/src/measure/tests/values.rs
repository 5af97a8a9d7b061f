//! The cells are what they say, where no bound cuts.

use super::*;

fn floor(rows: &str) -> Floor {
    let floor = Floor::new();
    floor.run(&format!(
        "create table visits (who varchar, g varchar, x varchar, d varchar); insert into visits values {rows}"
    ));
    floor
}

const ROWS: &str = "('a','n','1','2020-01-01'), ('a','n','3.5','2020-01-03'), ('a','s','nan','2020-01-03'), \
    ('b','n','inf','2020-02-01'), ('b','s',null,'no date'), ('c','s','12x',null), ('c','n','100','2021-01-01'), \
    (null,'n','5','2020-01-01'), ('d',null,'7','2020-01-01')";

#[test]
fn rows_people_and_values_are_counted_and_what_is_no_number_is_left_out() {
    let mut plan = plan(vec![
        Part::Rows,
        Part::People,
        Part::Present("x".into()),
        Part::Numbers("x".into()),
        Part::Sum("x".into(), grid(0.0, 10.0, 0.5)),
    ]);
    // Nobody's row counts nowhere; 100 is clamped to 10.
    assert_eq!(
        floor(ROWS).measure(&plan).only(),
        [[8], [4], [7], [4], [2 + 7 + 20 + 14]]
    );
    plan.keys = vec![key("g", &["n", "s", "w"])];
    plan.l0 = 3;
    let answer = floor(ROWS).measure(&plan);
    assert_eq!(answer.0["0"], [[4], [3], [4], [3], [29]]);
    assert_eq!(answer.0["1"], [[3], [3], [2], [0], [0]]);
    assert_eq!(answer.0["2"], [[0], [0], [0], [0], [0]]);
    plan.keys = vec![Key {
        column: "g".into(),
        values: Some(vec![Literal::Missing, Literal::Text("n".into())]),
    }];
    assert_eq!(
        floor(ROWS).measure(&plan).0["0"],
        [[1], [1], [1], [1], [14]]
    );
}

#[test]
fn a_person_without_a_number_adds_nothing_to_a_sum() {
    // The engine's own clamp would give the upper bound for both.
    let plan = plan(vec![
        Part::Sum("x".into(), grid(1.0, 9.0, 1.0)),
        Part::Centred("x".into(), grid(1.0, 9.0, 1.0)),
        Part::Squares("x".into(), grid(1.0, 9.0, 1.0)),
    ]);
    let floor = floor(
        "('a','n',null,null), ('b','n','NaN',null), ('c','n','-infinity',null), ('d','n','',null)",
    );
    assert_eq!(floor.measure(&plan).only(), [[0], [0], [0]]);
    floor.run("create table typed as select who, cast(x as double) x from visits where x != ''");
    let typed = Plan {
        table: "typed".into(),
        ..plan
    };
    assert_eq!(floor.measure(&typed).only(), [[0], [0], [0]]);
}

#[test]
fn centred_sums_and_squares_are_around_the_middle() {
    let g = grid(0.0, 8.0, 1.0);
    let plan = plan(vec![
        Part::Centred("x".into(), g),
        Part::Squares("x".into(), g),
    ]);
    let floor = floor("('a','n','8',null), ('b','n','-50',null), ('c','n','5',null)");
    let squares: i64 = [4_i64, -4, 1]
        .iter()
        .map(|c| ((c * c + 1) >> 1) - g.square_centre)
        .sum();
    assert_eq!(floor.measure(&plan).only(), [[1], [squares]]);
}

#[test]
fn who_has_more_rows_counts_with_the_own_average() {
    let mut plan = plan(vec![
        Part::Rows,
        Part::Numbers("x".into()),
        Part::Sum("x".into(), grid(0.0, 10.0, 1.0)),
    ]);
    plan.linf = 2;
    let floor = floor(
        "('a','n','10',null), ('a','n','10',null), ('a','n','4',null), ('a','n','0',null), ('b','n','3',null)",
    );
    // Four rows with a mean of 6 count as two of it.
    assert_eq!(floor.measure(&plan).only(), [[3], [3], [12 + 3]]);
}

#[test]
fn bins_and_candidates_agree_with_counting_by_hand() {
    let edges = vec![0.0, 1.0, 2.0, 5.0];
    let plan = plan(vec![
        Part::Bins("x".into(), edges.clone()),
        Part::Candidates("x".into(), edges),
    ]);
    let floor = floor(
        "('a','n','0',null), ('b','n','0.5',null), ('c','n','1',null), ('d','n','5',null), ('e','n','5.1',null), ('f','n','-1',null), ('g','n','nan',null), ('h','n','4',null)",
    );
    assert_eq!(
        floor.measure(&plan).only(),
        [vec![2, 1, 2], vec![1, 1, 1, 1, 0, 0, 1, 1, 1]]
    );
}

#[test]
fn conditions_read_columns_as_their_literals_are() {
    let text = |v: &str| vec![Literal::Text(v.into())];
    let number = |v: f64| vec![Literal::Number(v)];
    let day = |v: &str| vec![Literal::Date(v.into())];
    let floor = floor(ROWS);
    for (column, op, values, rows) in [
        ("g", Operator::Equal, text("n"), 4),
        ("g", Operator::NotEqual, text("n"), 3),
        ("g", Operator::IsNull, vec![], 1),
        ("x", Operator::AtLeast, number(3.5), 3),
        ("x", Operator::Less, number(3.5), 1),
        ("x", Operator::IsNotNull, vec![], 7),
        ("x", Operator::NotIn, number(7.0), 3),
        ("d", Operator::Equal, day("2020-01-03"), 2),
        ("d", Operator::Greater, day("2020-01-01"), 4),
        (
            "d",
            Operator::Between,
            [day("2020-01-01"), day("2020-01-31")].concat(),
            4,
        ),
        ("visits.g", Operator::In, [text("n"), text("s")].concat(), 7),
        ("g", Operator::Equal, text("n' or '1'='1"), 0),
    ] {
        let mut plan = plan(vec![Part::Rows]);
        plan.filter = vec![condition(column, op, values.clone())];
        assert_eq!(
            floor.measure(&plan).only(),
            [[rows]],
            "{column} {op:?} {values:?}"
        );
    }
}

#[test]
fn features_make_one_row_a_person() {
    let feature = |name: &str, kind| Feature {
        name: name.into(),
        kind,
        conditions: vec![],
    };
    let mut plan = plan(vec![
        Part::Rows,
        Part::Sum("n".into(), grid(0.0, 10.0, 1.0)),
        Part::Sum("most".into(), grid(0.0, 200.0, 0.5)),
        Part::Sum("days".into(), grid(0.0, 1000.0, 1.0)),
        Part::Sum("north".into(), grid(0.0, 1.0, 1.0)),
        Part::Numbers("total".into()),
    ]);
    plan.features = vec![
        feature("n", FeatureKind::Count(None)),
        feature("most", FeatureKind::Max("x".into())),
        feature("days", FeatureKind::Duration("d".into())),
        feature("total", FeatureKind::Sum("x".into())),
        feature(
            "start",
            FeatureKind::First("g".into(), "d".into(), OrderKind::Date),
        ),
        feature(
            "end",
            FeatureKind::Last("g".into(), "d".into(), OrderKind::Date),
        ),
        Feature {
            conditions: vec![condition(
                "g",
                Operator::Equal,
                vec![Literal::Text("n".into())],
            )],
            ..feature("north", FeatureKind::Any)
        },
    ];
    let floor = floor(ROWS);
    assert_eq!(
        floor.measure(&plan).only(),
        [[4], [3 + 2 + 2 + 1], [7 + 200 + 14], [2], [3], [3]]
    );
    plan.keys = vec![key("start", &["n", "s"])];
    assert_eq!(floor.measure(&plan).0["0"][0], [3]);
    assert_eq!(floor.measure(&plan).0["1"][0], [0]);
    plan.keys = vec![key("end", &["n", "s"])];
    // Among a's two rows of the last day the larger label stands for it.
    assert_eq!(floor.measure(&plan).0["1"][0], [1]);
    plan.having = vec![condition(
        "n",
        Operator::AtLeast,
        vec![Literal::Number(3.0)],
    )];
    assert_eq!(floor.measure(&plan).0["1"][0], [1]);
    assert_eq!(floor.measure(&plan).0["0"][0], [0]);
}

#[test]
fn windows_look_at_the_own_rows_alone() {
    let window = |name: &str, kind| Window {
        name: name.into(),
        kind,
        column: "d".into(),
        order: OrderKind::Date,
    };
    let mut plan = plan(vec![
        Part::Sum("nth".into(), grid(0.0, 10.0, 1.0)),
        Part::Sum("gap".into(), grid(0.0, 1000.0, 1.0)),
        Part::Numbers("gap".into()),
        Part::Sum("near".into(), grid(0.0, 10.0, 1.0)),
    ]);
    plan.windows = vec![
        window("nth", WindowKind::Position),
        window("gap", WindowKind::SincePrevious),
        window("near", WindowKind::CountWithin(10.0)),
    ];
    let floor = floor(
        "('a','n','1','2020-01-01'), ('a','n','1','2020-01-03'), ('a','n','1','2020-01-03'), ('a','n','1','2020-02-03'), ('b','n','1','2020-01-02'), ('b','n','1','never')",
    );
    // a: ranks 1, 2, 2, 4; gaps 2, 2, 31; near 1, 3, 3, 1. b: rank 1, near 1.
    assert_eq!(floor.measure(&plan).only(), [[10], [35], [3], [9]]);
    plan.filter = vec![condition(
        "nth",
        Operator::Equal,
        vec![Literal::Number(1.0)],
    )];
    assert_eq!(floor.measure(&plan).only()[0], [2]);
}

#[test]
fn joined_rows_belong_to_one_person_on_both_sides() {
    let floor = floor(ROWS);
    floor.run("create table people (who bigint, sex varchar); create table other (who varchar, sex varchar); insert into other values ('a','F'), ('b','M'), ('b','M'), (null,'F')");
    let mut plan = plan(vec![Part::Rows, Part::People]);
    plan.joins = vec!["other".into()];
    plan.keys = vec![key("sex", &["F", "M"])];
    let answer = floor.measure(&plan);
    assert_eq!(
        (&answer.0["0"], &answer.0["1"]),
        (&vec![vec![3], vec![1]], &vec![vec![4], vec![1]])
    );
    // Another type of the unit joins by its text, and raises nothing.
    plan.joins = vec!["people".into()];
    assert_eq!(floor.measure(&plan).0["0"], [[0], [0]]);
}

#[test]
fn keys_are_found_with_their_labels() {
    let mut plan = plan(vec![Part::Rows]);
    plan.keys = vec![
        Key {
            column: "g".into(),
            values: None,
        },
        key("d", &["2020-01-01", "2020-01-03"]),
    ];
    plan.l0 = 5;
    let floor = floor(ROWS);
    floor.run("insert into visits values ('e', repeat('l', 300), '1', '2020-01-01'), ('e', 'x' || chr(31) || 'y', '1', '2020-01-01')");
    let answer = floor.measure(&plan);
    let labels: Vec<&str> = answer.0.keys().map(String::as_str).collect();
    assert_eq!(
        labels,
        [
            "n\u{1f}2020-01-01",
            "n\u{1f}2020-01-03",
            "s\u{1f}2020-01-03"
        ]
    );
    let prepared = prepare(&floor.connection, &plan).unwrap();
    assert_eq!(prepared.people().unwrap(), [1, 1, 1]);
}

#[test]
fn what_the_tables_do_not_have_is_named() {
    let floor = floor(ROWS);
    floor.run("create table other (g varchar, who varchar); create table nobody (g varchar)");
    let of = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan(vec![Part::Numbers("x".into())]);
        change(&mut plan);
        prepare(&floor.connection, &plan).err().unwrap()
    };
    assert_eq!(
        of(&|p| p.table = "none".into()),
        MeasureError::UnknownTable("none".into())
    );
    assert_eq!(
        of(&|p| p.unit = "id".into()),
        MeasureError::NoUnit("visits".into())
    );
    assert_eq!(
        of(&|p| p.joins = vec!["nobody".into()]),
        MeasureError::NoUnit("nobody".into())
    );
    assert_eq!(
        of(&|p| p.keys = vec![key("h", &["n"])]),
        MeasureError::UnknownColumn("h".into())
    );
    assert_eq!(
        of(&|p| {
            p.joins = vec!["other".into()];
            p.keys = vec![key("g", &["n"])];
        }),
        MeasureError::AmbiguousColumn("g".into())
    );
    assert_eq!(
        of(&|p| p.windows = vec![Window {
            name: "g".into(),
            kind: WindowKind::Position,
            column: "d".into(),
            order: OrderKind::Date
        }]),
        MeasureError::TakenName("g".into())
    );
}

/// Against the bounds said plainly: everybody is put in order, whether it matters or not.
#[test]
fn whoever_has_more_keeps_what_comes_first_in_the_keyed_order() {
    let floor = Floor::new();
    floor.run(
        "create table visits as select 'p' || (i % 83) as who, chr((97 + i * 5 % 7)::int) as g, (i + j * 5) % 13 as x from range(240) r(i), range(6) s(j) where j <= i % 6",
    );
    let plan = Plan {
        keys: vec![key("g", &["a", "b", "c", "e"])],
        l0: 2,
        linf: 3,
        ..plan(vec![
            Part::People,
            Part::Bins("x".into(), vec![0.0, 4.0, 8.0, 12.0]),
        ])
    };
    let Answer(groups) = floor.measure(&plan);
    let ordered = |of: &str| format!("sha256(concat(repeat('07', 32), who, chr(31), {of}))");
    floor.run(&format!(
        "create table p as select who, list_position(['a', 'b', 'c', 'e'], g) - 1 as cell, least(2, x // 4) as bin, count(*) as n from visits where g in ('a', 'b', 'c', 'e') group by all;
         create table kept as select * from p qualify dense_rank() over (partition by who order by {}) <= 2;
         create table counted as select *, coalesce(sum(n) over (partition by who, cell order by {} rows between unbounded preceding and 1 preceding), 0) as earlier from kept",
        ordered("cell"),
        ordered("cell, chr(31), bin")
    ));
    let number = |sql: String| -> i64 {
        let connection = floor.connection.raw();
        connection.query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    let mut cut_short = 0;
    for (cell, measured) in &groups {
        let people = format!("select count(distinct who) from kept where cell = {cell}");
        assert_eq!(measured[0], [number(people)], "{cell}");
        for (bin, rows) in measured[1].iter().enumerate() {
            let of = format!("from counted where cell = {cell} and bin = {bin}");
            let wanted =
                format!("select coalesce(sum(greatest(0, least(n, 3 - earlier))), 0)::bigint {of}");
            assert_eq!(*rows, number(wanted), "{cell} {bin}");
            let all = number(format!("select coalesce(sum(n), 0)::bigint {of}"));
            cut_short += i64::from(all > *rows);
        }
    }
    let dropped = number("select (select count(*) from p) - (select count(*) from kept)".into());
    assert!(dropped > 0 && cut_short > 0, "{dropped} {cut_short}");
}
