use super::*;
use crate::report::PolicyName;

const SPEC: &str =
    "family = \"linear\"\ntable = \"t\"\noutcome = \"y\"\nterms = [\"age\", \"sex\", \"age:sex\"]";

fn spec(text: &str) -> Result<Spec, SpecError> {
    Spec::parse(text)
}

#[test]
fn a_model_is_read_strictly() {
    let whole = spec(SPEC).unwrap();
    assert_eq!(whole.columns(), ["age", "sex"]);
    let with = |from: &str, to: &str| spec(&SPEC.replace(from, to)).unwrap_err();
    assert!(matches!(with("linear", "cox"), SpecError::Invalid(_)));
    assert!(matches!(
        with("table = \"t\"", "tabel = \"t\""),
        SpecError::Invalid(_)
    ));
    assert_eq!(
        with("[\"age\", \"sex\", \"age:sex\"]", "[]"),
        SpecError::Terms(0)
    );
    assert_eq!(
        with("age:sex", "age:sex:area"),
        SpecError::Term("age:sex:area".into())
    );
    assert_eq!(with("age:sex", "age:"), SpecError::Term("age:".into()));
    assert_eq!(with("age:sex", "Sex"), SpecError::Again("Sex".into()));
    assert_eq!(
        with("age:sex", "sex:sex"),
        SpecError::Again("sex:sex".into())
    );
    assert_eq!(with("age:sex", "Y"), SpecError::Again("Y".into()));
    let more = format!("{SPEC}\ncategorical = [\"ward\"]");
    assert_eq!(spec(&more).unwrap_err(), SpecError::Unused("ward".into()));
}

fn design(people: u64, leverage: f64, left: f64) -> Design {
    Design {
        spec: spec(SPEC).unwrap(),
        people,
        rows: people,
        continuous: true,
        leverage,
        left: Some(left),
        coefficients: ["(intercept)", "age", "sex=M", "age:sex=M"]
            .map(|term| Coefficient {
                term: term.into(),
                estimate: 1.5,
                error: 0.25,
            })
            .to_vec(),
    }
}

fn tables(verdict: Verdict, policy: &Policy) -> Report {
    Report {
        verdict,
        outputs: Vec::new(),
        findings: Vec::new(),
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    }
}

/// Every combination of what can be wrong.
#[test]
fn a_model_leaves_whole_or_not_at_all() {
    let policy = Policy::parse(
        "name = \"p\"\n[threshold]\nminimum = 10\n[dominance]\nn = 2\nk = 0.9\n[degrees_of_freedom]\nminimum = 10\n",
    )
    .unwrap();
    // Fourteen people and four parameters leave ten.
    for (people, freedom) in [(14, true), (13, false), (3, false)] {
        for (leverage, shared) in [(0.5, true), (0.9, true), (0.95, false), (f64::NAN, false)] {
            for (left, spread) in [(0.4, true), (1e-14, false)] {
                for table in [
                    Verdict::Pass,
                    Verdict::Treat,
                    Verdict::Review,
                    Verdict::Fail,
                ] {
                    let report = judge(
                        &design(people, leverage, left),
                        tables(table, &policy),
                        &policy,
                    );
                    let own = freedom && shared && spread;
                    let want = match (own, table) {
                        (true, Verdict::Pass) => Verdict::Pass,
                        (true, Verdict::Review) => Verdict::Review,
                        _ => Verdict::Fail,
                    };
                    let what = format!("{people} {leverage} {left} {table:?}: {report:?}");
                    assert_eq!(report.verdict, want, "{what}");
                    let broken = |rule| report.findings.iter().any(|found| found.rule == rule);
                    assert_eq!(broken(Rule::DegreesOfFreedom), !freedom, "{what}");
                    assert_eq!(broken(Rule::Dominance), !shared, "{what}");
                    assert_eq!(broken(Rule::AllSame), !spread, "{what}");
                    let ok = report.outputs[0]
                        .cells
                        .iter()
                        .all(|c| c.status == Status::Ok);
                    assert_eq!(ok, want == Verdict::Pass, "{what}");
                    assert!(report.outputs.iter().all(|one| one.treated_rows.is_empty()));
                }
            }
        }
    }
}

#[test]
fn a_rule_that_is_off_is_not_judged() {
    let policy = Policy::parse("name = \"p\"\n[threshold]\nminimum = 10\n").unwrap();
    let report = judge(
        &design(5, 3.9, 0.4),
        tables(Verdict::Pass, &policy),
        &policy,
    );
    assert_eq!(report.verdict, Verdict::Pass);
}
