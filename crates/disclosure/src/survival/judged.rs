//! The answer about a survival curve.

use super::estimate::{LogRank, Point, log_rank, points};
use super::{Curve, Rules, Step, Stratum, steps};
use crate::report::{CellReport, Finding, Key, Output, Report, Rule, Status, Told, Verdict};
use crate::{Datum, Policy};

/// What a curve is at a step, beside its strata.
const COLUMNS: [&str; 6] = [
    "time",
    "at_risk",
    "events",
    "censored",
    "survival",
    "std_error",
];

/// A stratum with the steps that may be shown of it.
struct Shown<'c> {
    stratum: &'c Stratum,
    steps: Vec<Step>,
    points: Vec<Point>,
}

/// The answer about a curve, from what the worker counted and the answer about the tables behind it. These are, for
/// each stratum of which anything may be shown: who is at risk at the first events, who leaves in each step but the
/// last, if there are several, and who has the event in each.
///
/// A stratum without a single step is left out. What is shown is whole or not at all.
pub fn judge(curve: &Curve, tables: Report, policy: &Policy) -> Report {
    let rules = Rules::of(policy);
    let of_stratum = |stratum| {
        let steps = steps(stratum, &rules);
        let points = points(&steps, policy.rounding());
        Shown {
            stratum,
            steps,
            points,
        }
    };
    let (shown, hidden): (Vec<Shown<'_>>, Vec<Shown<'_>>) = curve
        .strata
        .iter()
        .map(of_stratum)
        .partition(|one| !one.steps.is_empty());
    let mut findings = Vec::new();
    let is_known = curve.is_sound() && are_counted(&shown, &tables);
    if !is_known {
        findings.push(found(
            Rule::Untraceable,
            "the tables behind the curve are not what was counted for it".into(),
            Told::Whole,
        ));
    }
    if !may_leave(&tables) {
        findings.push(found(
            Rule::Threshold,
            "a table behind the curve may not leave as it is; its cells stand below".into(),
            Told::Whole,
        ));
    }
    let verdict = match (findings.is_empty(), tables.verdict) {
        (true, _) if shown.is_empty() => Verdict::Fail,
        (true, _) if hidden.is_empty() => Verdict::Pass,
        (true, _) => Verdict::Treat,
        (false, Verdict::Fail | Verdict::Treat) => Verdict::Fail,
        (false, Verdict::Pass | Verdict::Review) => Verdict::Review,
    };
    let mut outputs = vec![table(curve, &shown, &hidden, &rules, verdict)];
    let may = matches!(verdict, Verdict::Pass | Verdict::Treat);
    if may {
        outputs.push(summary(curve, &shown, verdict));
    }
    if verdict == Verdict::Pass && freedom(curve, policy) {
        outputs.extend(log_rank(&curve.strata).map(|test| tested(curve, test)));
    }
    Report::over(verdict, outputs, findings, tables, policy)
}

/// Whether tables may leave as they are, or rounded.
fn may_leave(tables: &Report) -> bool {
    let mut cells = tables.outputs.iter().flat_map(|output| &output.cells);
    let is_rounded_only = tables.verdict == Verdict::Treat && tables.findings.is_empty();
    tables.verdict == Verdict::Pass
        || is_rounded_only && cells.all(|cell| cell.status == Status::Ok)
}

/// Whether the tables hold the people of the steps.
fn are_counted(shown: &[Shown<'_>], tables: &Report) -> bool {
    let text = |number: u64| Datum::Number(number.to_string());
    let mut wanted: Vec<Vec<Vec<Datum>>> = Vec::new();
    for Shown { steps, .. } in shown {
        let by_step = |people: &dyn Fn(&Step) -> u64, steps: &[Step]| -> Vec<Vec<Datum>> {
            let numbered = (1..).zip(steps);
            numbered
                .map(|(number, step)| vec![text(number), text(people(step))])
                .collect()
        };
        let Some((first, (_, others))) = steps.first().zip(steps.split_last()) else {
            return false;
        };
        wanted.push(vec![vec![text(first.at_risk)]]);
        if !others.is_empty() {
            let leaving = |step: &Step| step.events.saturating_add(step.censored);
            wanted.push(by_step(&leaving, others));
        }
        wanted.push(by_step(&|step| step.events, steps));
    }
    let is = |(output, rows): (&Output, &Vec<Vec<Datum>>)| output.rows == *rows;
    tables.outputs.len() == wanted.len() && tables.outputs.iter().zip(&wanted).all(is)
}

/// Whether a test over all people has its degrees of freedom.
fn freedom(curve: &Curve, policy: &Policy) -> bool {
    let people = curve.strata.iter().map(Stratum::people);
    let people = people.fold(0, u64::saturating_add);
    let strata = u64::try_from(curve.strata.len()).unwrap_or(u64::MAX);
    policy
        .degrees_of_freedom()
        .is_none_or(|minimum| people.saturating_sub(strata) >= minimum)
}

/// The curve, step by step.
fn table(
    curve: &Curve,
    shown: &[Shown<'_>],
    hidden: &[Shown<'_>],
    rules: &Rules,
    verdict: Verdict,
) -> Output {
    let (mut rows, mut cells) = (Vec::new(), Vec::new());
    for one in shown {
        for (step, point) in one.steps.iter().zip(&one.points) {
            let (row, of_step) = step_of(curve, one.stratum, (step, point), verdict);
            rows.push(row);
            cells.extend(of_step);
        }
    }
    cells.extend(hidden.iter().map(|one| left_out(curve, one.stratum, rules)));
    let columns = curve.spec.strata.iter().map(String::as_str).chain(COLUMNS);
    Output {
        statement: curve.spec.in_words(),
        class: "survival",
        columns: columns.map(str::to_owned).collect(),
        treated_rows: treated(&rows, verdict),
        rows,
        cells,
    }
}

/// The row of a step and its cells.
fn step_of(
    curve: &Curve,
    stratum: &Stratum,
    (step, point): (&Step, &Point),
    verdict: Verdict,
) -> (Vec<Datum>, Vec<CellReport>) {
    let time = number(curve.end(step.last));
    let mut key = key(curve, stratum);
    key.push(("time".into(), time.clone()));
    let counted = [
        ("at_risk", step.at_risk),
        ("events", step.events),
        ("censored", step.censored),
        ("survival", step.at_risk),
    ];
    let cells = counted.map(|(column, people)| CellReport {
        key: Key(key.clone()),
        column: column.into(),
        people,
        status: status(verdict),
        findings: Vec::new(),
        told: Told::Whole,
    });
    let mut row = values(stratum);
    row.push(time);
    row.extend([point.at_risk, point.events, point.censored].map(whole));
    row.push(number(point.survival));
    row.push(point.error.map_or(Datum::Missing, number));
    (row, cells.into())
}

/// The cell of a stratum of which nothing may be shown.
fn left_out(curve: &Curve, stratum: &Stratum, rules: &Rules) -> CellReport {
    CellReport {
        key: Key(key(curve, stratum)),
        column: "at_risk".into(),
        people: stratum.people(),
        status: Status::Primary,
        findings: vec![found(
            Rule::Threshold,
            format!(
                "no step has {} people with the event{}, as many censored or none, and as many who remain: take longer steps (`every`) or merge strata",
                rules.people,
                match rules.end {
                    0 | 1 => String::new(),
                    end => format!(" ({end} of them in its last {} of time)", curve.every),
                }
            ),
            Told::Kind,
        )],
        told: match stratum.people() < rules.people {
            true => Told::Kind,
            false => Told::Whole,
        },
    }
}

/// By stratum: people, events that the curve shows, until when, and when half of them had it. All follow from the
/// steps.
fn summary(curve: &Curve, shown: &[Shown<'_>], verdict: Verdict) -> Output {
    let (mut rows, mut cells) = (Vec::new(), Vec::new());
    for one in shown {
        let (Some(first), Some(last)) = (one.points.first(), one.steps.last()) else {
            continue;
        };
        let half = |pair: &(&Step, &Point)| pair.1.survival <= 0.5;
        let median = one.steps.iter().zip(&one.points).find(half);
        let mut row = values(one.stratum);
        row.push(whole(first.at_risk));
        row.push(whole(one.points.iter().map(|point| point.events).sum()));
        row.push(number(curve.end(last.last)));
        row.push(median.map_or(Datum::Missing, |(step, _)| number(curve.end(step.last))));
        rows.push(row);
        cells.push(CellReport {
            key: Key(key(curve, one.stratum)),
            column: "people".into(),
            people: one.stratum.people(),
            status: status(verdict),
            findings: Vec::new(),
            told: Told::Whole,
        });
    }
    let columns = curve.spec.strata.iter().map(String::as_str);
    Output {
        statement: format!("people and median of the {}", curve.spec.in_words()),
        class: "survival_summary",
        columns: columns
            .chain(["people", "events", "until", "median"])
            .map(str::to_owned)
            .collect(),
        treated_rows: treated(&rows, verdict),
        rows,
        cells,
    }
}

/// The log-rank test, to three digits: more would tell in which order people left.
fn tested(curve: &Curve, test: LogRank) -> Output {
    let people = curve.strata.iter().map(Stratum::people);
    Output {
        statement: format!("log-rank test of the {}", curve.spec.in_words()),
        class: "log_rank",
        columns: ["chi_squared", "degrees_of_freedom", "p"]
            .map(String::from)
            .to_vec(),
        rows: vec![vec![
            number(three_digits(test.chi_squared)),
            Datum::Number(test.degrees.to_string()),
            number(three_digits(test.p)),
        ]],
        cells: vec![CellReport {
            key: Key(Vec::new()),
            column: "chi_squared".into(),
            people: people.fold(0, u64::saturating_add),
            status: Status::Ok,
            findings: Vec::new(),
            told: Told::Whole,
        }],
        treated_rows: Vec::new(),
    }
}

fn three_digits(value: f64) -> f64 {
    format!("{value:.2e}").parse().unwrap_or(value)
}

fn treated(rows: &[Vec<Datum>], verdict: Verdict) -> Vec<Vec<Datum>> {
    match verdict {
        Verdict::Treat => rows.to_vec(),
        Verdict::Pass | Verdict::Review | Verdict::Fail => Vec::new(),
    }
}

fn status(verdict: Verdict) -> Status {
    match verdict {
        Verdict::Pass | Verdict::Treat => Status::Ok,
        Verdict::Review => Status::Review,
        Verdict::Fail => Status::Primary,
    }
}

fn key(curve: &Curve, stratum: &Stratum) -> Vec<(String, Datum)> {
    let names = curve.spec.strata.iter().cloned();
    names.zip(values(stratum)).collect()
}

fn values(stratum: &Stratum) -> Vec<Datum> {
    stratum.values.iter().cloned().map(Datum::Text).collect()
}

fn number(value: f64) -> Datum {
    Datum::Number(format!("{value}"))
}

fn whole(value: u64) -> Datum {
    Datum::Number(value.to_string())
}

fn found(rule: Rule, detail: String, told: Told) -> Finding {
    Finding { rule, detail, told }
}
