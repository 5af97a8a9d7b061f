//! Cells that the policy has published, and what is said where more is hidden than a pattern would hide.

use super::margins::cube;
use super::*;

const THREE: [(&str, &str, u64); 6] = [
    ("a", "x", 20),
    ("a", "y", 4),
    ("b", "x", 30),
    ("b", "y", 40),
    ("c", "x", 35),
    ("c", "y", 45),
];

fn with(more: &str) -> Policy {
    let text = format!("name = \"t\"\n[threshold]\nminimum = 10\nzero = \"safe\"\n{more}");
    Policy::parse(&text).unwrap()
}

/// A cell in the words of a policy, by its key.
fn forced(cell: &CellReport) -> String {
    let (totals, values): (Vec<_>, Vec<_>) = cell
        .key
        .0
        .iter()
        .partition(|(_, value)| *value == Datum::Missing);
    let totals: Vec<&String> = totals.iter().map(|(name, _)| name).collect();
    let values = values
        .iter()
        .map(|(name, value)| format!("{name} = {:?}", value.text().unwrap()));
    let values: Vec<String> = values.collect();
    format!(
        "[[forced]]\nkey = {{ {} }}\ntotals = {totals:?}\n",
        values.join(", ")
    )
}

fn values(cell: &CellReport) -> Vec<Datum> {
    cell.key.0.iter().map(|(_, value)| value.clone()).collect()
}

/// Each cell in turn, and each two: what is forced is in the rows that leave, or a person decides; and with the rest
/// hidden the small cell stays as unknown as before.
#[test]
fn what_the_policy_forces_leaves_or_a_person_decides() {
    let evidence = cube(&THREE);
    let plain = check(&evidence, &with(""));
    let cells = &plain.outputs[0].cells;
    let (mut left, mut decided) = (0, 0);
    for (at, one) in cells.iter().enumerate() {
        for other in &cells[at..] {
            let policy = with(&[forced(one), forced(other)].concat());
            let report = check(&evidence, &policy);
            let small = [one, other]
                .iter()
                .any(|cell| cell.status == Status::Primary);
            let output = &report.outputs[0];
            match report.verdict {
                Verdict::Treat => {
                    left += 1;
                    assert!(!small);
                    for cell in [one, other] {
                        let key = values(cell);
                        let row = output.treated_rows.iter().find(|row| row[..2] == key[..]);
                        assert_eq!(row.unwrap()[2], n(cell.people), "{}", picture(&report));
                    }
                    let hidden = output
                        .treated_rows
                        .iter()
                        .filter(|row| row[2] == Datum::Missing);
                    assert!(hidden.count() >= 4);
                }
                Verdict::Review => {
                    decided += 1;
                    assert!(output.treated_rows.is_empty());
                    let found = &report.findings[0].detail;
                    assert!(found.contains("infeasible with the cells"), "{found}");
                    assert_eq!(found.contains("breaks a rule itself"), small, "{found}");
                    let told = report.for_researcher();
                    assert!(
                        told.findings
                            .iter()
                            .any(|one| one.remedy.contains("policy has published"))
                    );
                    assert!(
                        told.findings
                            .iter()
                            .all(|one| !one.remedy.contains("[[forced]]"))
                    );
                }
                Verdict::Pass | Verdict::Fail => panic!("{}", picture(&report)),
            }
        }
    }
    // The small one with each; of the others hardly any two leave no way round.
    assert!(decided >= cells.len() && left > decided, "{left} {decided}");
}

#[test]
fn with_everything_else_forced_nothing_protects_the_small_cell() {
    let evidence = cube(&THREE);
    let cells = check(&evidence, &with("")).outputs.remove(0).cells;
    let others = cells.iter().filter(|cell| cell.status != Status::Primary);
    let policy = with(&others.map(forced).collect::<String>());
    let report = check(&evidence, &policy);
    assert_eq!(report.verdict, Verdict::Review);
    let found: Vec<&str> = report
        .findings
        .iter()
        .map(|one| one.detail.as_str())
        .collect();
    assert!(found[0].contains("no pattern that leaves it"), "{found:?}");
    assert!(
        found[1].contains("infeasible: whatever further cells"),
        "{found:?}"
    );
}

/// Of cells that are all safe what is forced changes nothing.
#[test]
fn what_is_forced_of_a_safe_table_is_nothing_to_say() {
    let report = check(&cube(&THREE[2..]), &with("[[forced]]\ncolumn = \"n\"\n"));
    assert_eq!(report.verdict, Verdict::Pass);
    assert!(report.findings.is_empty());
}

#[test]
fn that_no_pattern_is_searched_is_said_and_the_table_is_treated_all_the_same() {
    let shipped = include_str!("../../../../../policies/disclosure/default.toml");
    let limits = shipped.split_once("[limits]").unwrap().1;
    let few = limits.replace("pattern_cells = 10000", "pattern_cells = 1");
    let policy = with(&format!("[limits]{few}"));
    let report = check(&cube(&THREE), &policy);
    assert_eq!(report.verdict, Verdict::Treat);
    let [found] = report.findings.as_slice() else {
        panic!("{}", picture(&report));
    };
    assert!(
        found
            .detail
            .contains("table 1 of this request has no pattern"),
        "{found:?}"
    );
    assert!(
        found.detail.contains("the limit pattern_cells, 1)"),
        "{found:?}"
    );
    let told = report.for_researcher();
    assert!(
        told.findings
            .iter()
            .any(|one| one.remedy.contains("without totals")),
        "{told:?}"
    );
}
