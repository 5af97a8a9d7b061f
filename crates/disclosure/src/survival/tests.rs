use proptest::prelude::*;

use super::estimate::{log_rank, points};
use super::*;
use crate::Datum;
use crate::model::{Asked, Fitted};
use crate::report::{Output, PolicyName, Report, Rule, Status, Verdict};

/// Weeks of remission of 21 children who took 6-mercaptopurine (Freireich et al. 1963, as in Cox 1972), with + where
/// it had not ended.
const TREATED: &str = "6 6 6 6+ 7 9+ 10 10+ 11+ 13 16 17+ 19+ 20+ 22 23 25+ 32+ 32+ 34+ 35+";
/// And of 21 who took a placebo.
const PLACEBO: &str = "1 1 2 2 3 4 4 5 5 8 8 8 8 11 11 12 12 15 17 22 23";

fn stratum(values: &[&str], times: &[(u64, bool)]) -> Stratum {
    let numbers: BTreeSet<u64> = times.iter().map(|(time, _)| *time).collect();
    let leave = |number: u64, event: bool| {
        let same = times.iter().filter(|one| **one == (number, event));
        same.count() as u64
    };
    Stratum {
        values: values.iter().map(|value| (*value).to_owned()).collect(),
        bands: numbers
            .into_iter()
            .map(|number| Band {
                number,
                events: leave(number, true),
                censored: leave(number, false),
            })
            .collect(),
    }
}

fn weeks(text: &str) -> Vec<(u64, bool)> {
    let times = text.split_whitespace().map(|one| {
        let time = one.trim_end_matches('+').parse().unwrap();
        (time, !one.ends_with('+'))
    });
    times.collect()
}

fn rules(people: u64, end: u64, all: ZeroRule) -> Rules {
    Rules {
        people,
        end,
        all,
        bands: 100,
        strata: 20,
    }
}

fn close(found: f64, printed: f64) {
    assert!(
        (found - printed).abs() <= 0.000_051,
        "{found} is not {printed}"
    );
}

/// As printed for these data everywhere, here to four digits as by Klein and Moeschberger (2003), table 4.1.
#[test]
fn with_no_rule_the_curve_is_the_one_in_print() {
    let printed = [
        (6, 21, 3, 0.8571, 0.0764),
        (7, 17, 1, 0.8067, 0.0869),
        (10, 15, 1, 0.7529, 0.0963),
        (13, 12, 1, 0.6902, 0.1068),
        (16, 11, 1, 0.6275, 0.1141),
        (22, 7, 1, 0.5378, 0.1282),
        (23, 6, 1, 0.4482, 0.1346),
    ];
    let steps = steps(&stratum(&[], &weeks(TREATED)), &rules(1, 1, ZeroRule::Safe));
    let points = points(&steps, None);
    assert_eq!(steps.len(), printed.len());
    for ((step, point), (time, at_risk, events, survival, error)) in
        steps.iter().zip(&points).zip(printed)
    {
        assert_eq!(
            (step.last, point.at_risk, point.events),
            (time, at_risk, events)
        );
        close(point.survival, survival);
        close(point.error.unwrap(), error);
    }
    // The five who were followed for longer than 23 weeks.
    assert_eq!(points.last().unwrap().censored, 5);
}

/// By R, `survdiff(Surv(time, status) ~ treat, MASS::gehan)`: 16.8 on 1 degree of freedom, p = 4e-05.
#[test]
fn the_log_rank_test_is_the_one_in_print() {
    let strata = [weeks(TREATED), weeks(PLACEBO)].map(|one| stratum(&[], &one));
    let found = log_rank(&strata).unwrap();
    assert!((found.chi_squared - 16.793).abs() < 0.001, "{found:?}");
    assert!((found.p - 4.17e-5).abs() < 0.01e-5, "{found:?}");
    assert_eq!(found.degrees, 1);
    // Of three groups, of which two are one cut in halves by turns, more degrees and no more difference.
    let placebo = weeks(PLACEBO);
    let half = |odd: usize| -> Vec<(u64, bool)> {
        let own = placebo.iter().enumerate();
        own.filter(|(at, _)| at % 2 == odd)
            .map(|(_, one)| *one)
            .collect()
    };
    let three = [weeks(TREATED), half(0), half(1)].map(|one| stratum(&[], &one));
    let more = log_rank(&three).unwrap();
    assert_eq!(more.degrees, 2);
    assert!(more.chi_squared >= found.chi_squared && more.chi_squared < found.chi_squared + 1.0);
    assert_eq!(log_rank(&strata[..1]), None);
    assert_eq!(log_rank(&[stratum(&[], &[]), stratum(&[], &[])]), None);
}

/// With a threshold of four the same children: every step has four, and what is left is told as one.
#[test]
fn neighbouring_steps_are_merged_until_each_has_enough() {
    let shown = |text: &str, rules: &Rules| -> Vec<(u64, u64, u64, u64)> {
        let steps = steps(&stratum(&[], &weeks(text)), rules);
        let told = |s: &Step| (s.last, s.at_risk, s.events, s.censored);
        steps.iter().map(told).collect()
    };
    let four = rules(4, 1, ZeroRule::Safe);
    // In the first step 6, 6, 6, 7 and 10 beside 6+, 9+, 10+ and 11+; in the second 13, 16, 22 and 23.
    assert_eq!(shown(TREATED, &four), [(10, 21, 5, 4), (23, 12, 4, 8)]);
    assert_eq!(
        shown(PLACEBO, &four),
        [
            (2, 21, 4, 0),
            (5, 17, 5, 0),
            (8, 12, 4, 0),
            (12, 8, 4, 0),
            (23, 4, 4, 0)
        ]
    );
    // Where all had it, that is told only where the policy lets empty cells be told.
    let all = "1 1 1 1 1 2 2 2 2 2";
    assert_eq!(shown(all, &four), [(1, 10, 5, 0), (2, 5, 5, 0)]);
    let unsafe_zero = rules(4, 1, ZeroRule::Unsafe);
    assert_eq!(shown(all, &unsafe_zero), [(1, 10, 5, 5)]);
    // Five who share the end of a step, and none where four do.
    assert_eq!(shown(all, &rules(4, 5, ZeroRule::Safe)).len(), 2);
    assert_eq!(shown(PLACEBO, &rules(4, 5, ZeroRule::Safe)), []);
    // Few who are censored before the first event count as at risk; enough of them do not.
    assert_eq!(
        shown("1+ 2 2 2 2 3+ 3+ 3+ 9+ 9+ 9+ 9+", &four),
        [(2, 12, 4, 8)]
    );
    assert_eq!(
        shown("1+ 1+ 1+ 1+ 2 2 2 2 9+ 9+ 9+ 9+", &four),
        [(2, 8, 4, 4)]
    );
    assert_eq!(shown("1 2 3 4+ 5+ 6+ 7+", &four), []);
}

/// Kaplan and Meier's estimate person by person, for each time by the whole list, with nothing of the code under test.
fn by_hand(people: &[(u64, bool)], until: u64) -> f64 {
    let mut times: Vec<u64> = people
        .iter()
        .filter(|p| p.1 && p.0 <= until)
        .map(|p| p.0)
        .collect();
    times.sort_unstable();
    times.dedup();
    let factor = |time: &u64| {
        let at_risk = people.iter().filter(|p| p.0 >= *time).count() as f64;
        let died = people.iter().filter(|p| p.0 == *time && p.1).count() as f64;
        1.0 - died / at_risk
    };
    times.iter().map(factor).product()
}

fn people() -> impl Strategy<Value = Vec<(u64, bool)>> {
    prop::collection::vec((0_u64..25, prop::bool::weighted(0.6)), 0..160)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn with_no_rule_the_curve_is_that_of_the_people(people in people()) {
        let steps = steps(&stratum(&[], &people), &rules(1, 1, ZeroRule::Safe));
        for (step, point) in steps.iter().zip(points(&steps, None)) {
            prop_assert!((point.survival - by_hand(&people, step.last)).abs() < 1e-12);
        }
    }

    /// An attacker who reads the curve and knows how it is made. Everybody is in one class, of a step and of whether
    /// they had the event in it, with at least so many others or with nobody; all numbers follow from the sizes of
    /// the classes; so those of a class cannot be told apart, by whatever is shown.
    #[test]
    fn nobody_is_told_from_the_others_of_their_class(
        people in people(),
        least in 1_u64..8,
        end in 1_u64..5,
        all in prop_oneof![Just(ZeroRule::Safe), Just(ZeroRule::Unsafe)],
    ) {
        let rules = rules(least, end, all);
        let steps = steps(&stratum(&[], &people), &rules);
        let points = points(&steps, None);
        let Some(begin) = steps.first().map(|step| step.first) else {
            return Ok(());
        };
        let at_risk: Vec<(u64, bool)> = people.iter().copied().filter(|p| p.0 >= begin).collect();
        let before = people.len() - at_risk.len();
        prop_assert!(before == 0 || before as u64 >= least);
        let (mut remaining, mut survival, mut spread) = (at_risk.len() as u64, 1.0, 0.0);
        for (at, (step, point)) in steps.iter().zip(&points).enumerate() {
            let next = steps.get(at + 1).map_or(u64::MAX, |next| next.first);
            let own = at_risk.iter().filter(|p| p.0 >= step.first && p.0 < next);
            let had = own.clone().filter(|p| p.1 && p.0 <= step.last).count() as u64;
            let not = own.count() as u64 - had;
            prop_assert!(had >= least && (not == 0 || not >= least), "{had} {not}");
            let last = people.iter().filter(|p| p.1 && p.0 == step.last).count() as u64;
            prop_assert!(last >= end);
            prop_assert!(all == ZeroRule::Safe || had < remaining);
            prop_assert_eq!((point.at_risk, point.events, point.censored), (remaining, had, not));
            survival *= 1.0 - had as f64 / remaining as f64;
            spread += had as f64 / (remaining as f64 * (remaining - had) as f64);
            prop_assert!((point.survival - survival).abs() < 1e-12);
            if survival > 0.0 {
                prop_assert!((point.error.unwrap() - survival * spread.sqrt()).abs() < 1e-12);
            }
            // Those who are censored within a step are at risk until its end: never too low, and the estimate of the
            // people where none are.
            prop_assert!(point.survival >= by_hand(&people, step.last) - 1e-12);
            remaining -= had + not;
        }
        prop_assert_eq!(remaining, 0);
    }

    #[test]
    fn rounded_people_add_up(people in people(), base in 2_u64..11) {
        let steps = steps(&stratum(&[], &people), &rules(base, 1, ZeroRule::Safe));
        let points = points(&steps, Some(base));
        for (at, point) in points.iter().enumerate() {
            prop_assert!([point.at_risk, point.events, point.censored].iter().all(|n| n % base == 0));
            let after = points.get(at + 1).map_or(0, |next| next.at_risk);
            prop_assert_eq!(point.at_risk - point.events - point.censored, after);
            prop_assert!((0.0..=1.0).contains(&point.survival));
        }
    }
}

const SPEC: &str = "family = \"kaplan_meier\"\ntable = \"t\"\ntime = \"days\"\nevent = \"died\"\nstrata = [\"sex\"]";

fn policy(more: &str) -> Policy {
    let text = format!("name = \"p\"\n[threshold]\nminimum = 4\nzero = \"safe\"\n{more}");
    Policy::parse(&text).unwrap()
}

#[test]
fn a_curve_is_read_strictly() {
    let read = |text: &str| Asked::parse(text, &policy(""));
    let Ok(Asked::Survival(spec, rules)) = read(SPEC) else {
        panic!("{:?}", read(SPEC));
    };
    assert_eq!((spec.strata, spec.every), (vec!["sex".to_owned()], None));
    assert_eq!((rules.people, rules.end, rules.all), (4, 1, ZeroRule::Safe));
    let says = |from: &str, to: &str| read(&SPEC.replace(from, to)).unwrap_err().to_string();
    assert!(says("kaplan_meier", "cox").contains("none of linear, logistic and kaplan_meier"));
    assert!(says("time", "tmie").contains("tmie"));
    assert!(says("\"sex\"", "\"Days\"").contains("named twice"));
    assert!(says("died", "days").contains("named twice"));
    for every in ["0", "-1.0", "nan", "inf"] {
        assert!(says("strata", &format!("every = {every}\nstrata")).contains("every"));
    }
    assert!(says("\"sex\"", "\"Events\"").contains("a column named Events of its own"));
    let many = "\"a\", \"b\", \"c\", \"d\", \"e\", \"f\"";
    assert!(says("\"sex\"", many).contains("at most 5"));
    assert!(says("family", "fmaily").contains("not valid"));
}

#[test]
fn times_are_rounded_to_a_number_that_is_round() {
    let rules = rules(10, 10, ZeroRule::Safe);
    for (longest, whole, events, strata, every) in [
        (3650.0, true, 1_000_000, 2, 50.0),
        (3650.0, true, 400, 1, 200.0),
        (35.0, true, 1_000_000, 2, 1.0),
        (10.0, false, 1_000_000, 1, 0.1),
        (0.0, true, 40, 1, 1.0),
        (99.0, true, 0, 1, 100.0),
    ] {
        let found = rules.every(longest, whole, events, strata);
        assert!((found - every).abs() < 1e-12, "{longest} {events}: {found}");
    }
}

fn curve(strata: Vec<Stratum>) -> Curve {
    let Ok(Asked::Survival(spec, _)) = Asked::parse(SPEC, &policy("")) else {
        panic!();
    };
    Curve {
        spec,
        every: 0.1,
        strata,
    }
}

fn n(number: u64) -> Datum {
    Datum::Number(number.to_string())
}

/// The tables behind the placebo's curve with a threshold of four.
fn tables(verdict: Verdict, policy: &Policy) -> Report {
    let table = |rows: Vec<Vec<Datum>>| Output {
        statement: "s".into(),
        class: "table",
        columns: Vec::new(),
        rows,
        cells: Vec::new(),
        treated_rows: Vec::new(),
    };
    let by_step = |people: &[u64]| {
        let numbered = (1..).zip(people);
        table(
            numbered
                .map(|(step, people)| vec![n(step), n(*people)])
                .collect(),
        )
    };
    Report {
        verdict,
        outputs: vec![
            table(vec![vec![n(21)]]),
            by_step(&[4, 5, 4, 4]),
            by_step(&[4, 5, 4, 4, 4]),
        ],
        findings: Vec::new(),
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    }
}

#[test]
fn a_curve_leaves_with_what_follows_from_its_steps() {
    let policy = policy("");
    let placebo = curve(vec![stratum(&["placebo"], &weeks(PLACEBO))]);
    let report = Fitted::Survival(placebo.clone()).judge(tables(Verdict::Pass, &policy), &policy);
    assert_eq!(report.verdict, Verdict::Pass, "{report:?}");
    let [curve, summary, ..] = report.outputs.as_slice() else {
        panic!("{report:?}");
    };
    assert_eq!(
        curve.columns,
        [
            "sex",
            "time",
            "at_risk",
            "events",
            "censored",
            "survival",
            "std_error"
        ]
    );
    let text = |row: &[Datum]| -> Vec<String> {
        row.iter()
            .map(|one| one.text().unwrap_or("-").to_owned())
            .collect()
    };
    assert_eq!(
        text(&curve.rows[2])[..5],
        ["placebo", "0.8", "12", "4", "0"]
    );
    assert_eq!(
        text(&summary.rows[0]),
        ["placebo", "21", "21", "2.3", "0.8"]
    );
    assert!(
        curve.cells.iter().all(
            |cell| cell.status == Status::Ok && (cell.people >= 4 || cell.column == "censored")
        )
    );
    assert!(curve.treated_rows.is_empty());
    // One stratum has nothing to be held against.
    assert!(report.outputs.iter().all(|one| one.class != "log_rank"));
    for (verdict, wanted) in [
        (Verdict::Treat, Verdict::Pass),
        (Verdict::Review, Verdict::Review),
        (Verdict::Fail, Verdict::Fail),
    ] {
        let report = judge(&placebo, tables(verdict, &policy), &policy);
        assert_eq!(report.verdict, wanted);
        assert_eq!(
            report
                .outputs
                .iter()
                .any(|one| one.class == "survival_summary"),
            wanted == Verdict::Pass
        );
    }
}

#[test]
fn a_stratum_without_a_step_is_left_out_and_the_others_leave() {
    let policy = policy("");
    let few = stratum(&["few"], &weeks("1 2 3 4+ 5+"));
    let strata = vec![few.clone(), stratum(&["placebo"], &weeks(PLACEBO))];
    let report = judge(&curve(strata), tables(Verdict::Pass, &policy), &policy);
    assert_eq!(report.verdict, Verdict::Treat);
    let output = &report.outputs[0];
    assert_eq!(output.treated_rows, output.rows);
    assert!(
        output
            .rows
            .iter()
            .all(|row| row[0] == Datum::Text("placebo".into()))
    );
    let left = output
        .cells
        .iter()
        .find(|cell| cell.status == Status::Primary)
        .unwrap();
    assert_eq!((left.people, left.findings[0].rule), (5, Rule::Threshold));
    assert!(report.outputs.iter().all(|one| one.class != "log_rank"));
    let none = Report {
        outputs: Vec::new(),
        ..tables(Verdict::Pass, &policy)
    };
    assert_eq!(
        judge(&curve(vec![few]), none, &policy).verdict,
        Verdict::Fail
    );
}

/// What a worker says is not believed: tables that are not those of the steps send the curve to a person.
#[test]
fn a_curve_that_is_not_of_its_tables_does_not_pass() {
    let policy = policy("");
    let of = |bands: &str| curve(vec![stratum(&["placebo"], &weeks(bands))]);
    let verdict = |curve: &Curve, tables: Report| judge(curve, tables, &policy).verdict;
    let known = || tables(Verdict::Pass, &policy);
    assert_eq!(verdict(&of(PLACEBO), known()), Verdict::Pass);
    // One death more, and one sooner.
    assert_eq!(
        verdict(&of(&format!("{PLACEBO} 23")), known()),
        Verdict::Review
    );
    assert_eq!(
        verdict(&of(&PLACEBO.replace("11 11", "8 11")), known()),
        Verdict::Review
    );
    for gone in 0..3 {
        let mut fewer = known();
        fewer.outputs.remove(gone);
        assert_eq!(verdict(&of(PLACEBO), fewer), Verdict::Review);
    }
    let mut twice = of(PLACEBO);
    twice.strata.push(twice.strata[0].clone());
    assert_eq!(verdict(&twice, known()), Verdict::Review);
    let mut nameless = of(PLACEBO);
    nameless.strata[0].values.clear();
    assert_eq!(verdict(&nameless, known()), Verdict::Review);
    let mut backwards = of(PLACEBO);
    backwards.strata[0].bands.reverse();
    assert_ne!(verdict(&backwards, known()), Verdict::Pass);
}
