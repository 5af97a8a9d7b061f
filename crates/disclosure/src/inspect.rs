//! Finished files: what can be seen of a file that came from nowhere we know.
//!
//! The numbers in it do not say how many people are behind them, so nothing here passes. What can be found is what
//! must not leave at all: columns of identifiers, a row a person, counts under the threshold.

use crate::Policy;
use crate::report::{Finding, Output, PolicyName, Report, Rule, Told, Verdict};

/// Shapes of identifiers of people: what they are called, and the whole value as a regular expression (RE2).
pub const IDENTIFIERS: [(&str, &str); 4] = [
    (
        "e-mail addresses",
        r"[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\.[A-Za-z]{2,}",
    ),
    (
        "whole postcodes",
        r"[A-Za-z]{1,2}[0-9][A-Za-z0-9]? ?[0-9][A-Za-z]{2}",
    ),
    (
        "telephone numbers",
        r"(\+44 ?|0)[1-9][0-9]{2,4}[ -]?[0-9]{3}[ -]?[0-9]{3,4}",
    ),
    ("pseudonyms or hashes", r"[0-9a-fA-F]{24,128}"),
];

/// From so many rows on, a column without repeats makes a file look like one row a person.
const ROWS_MIN: u64 = 50;

/// A finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// Its name, as it is to be shown.
    pub name: String,
    /// What was seen of it.
    pub shape: Shape,
}

/// What was seen of a finished file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// A table.
    Table {
        /// Rows.
        rows: u64,
        /// Columns.
        columns: Vec<ColumnShape>,
    },
    /// It was not opened, because of its kind: `xlsx`.
    Closed {
        /// The ending of its name.
        kind: String,
    },
}

/// What was seen of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnShape {
    /// Its name.
    pub name: String,
    /// Values that are not missing.
    pub values: u64,
    /// Different ones among them.
    pub distinct: u64,
    /// Whether its values are whole numbers or text, not decimals.
    pub can_name: bool,
    /// Whole numbers from 1 to the policy's minimum less one.
    pub small: u64,
    /// Values with ten digits of which the last checks the others, as in NHS and CHI numbers.
    pub health_numbers: u64,
    /// Values of each of [`IDENTIFIERS`].
    pub identifiers: Vec<u64>,
}

/// The report on finished files: `fail` where identifiers are seen, else `review`.
pub fn inspect(files: &[Finished], policy: &Policy) -> Report {
    let mut verdict = Verdict::Review;
    let (mut outputs, mut findings) = (Vec::new(), Vec::new());
    for file in files {
        let (worst, of_file) = of_file(file, policy);
        verdict = verdict.max(worst);
        findings.extend(of_file);
        let columns = match &file.shape {
            Shape::Table { columns, .. } => columns.iter().map(|c| c.name.clone()).collect(),
            Shape::Closed { .. } => Vec::new(),
        };
        outputs.push(Output {
            statement: file.name.clone(),
            class: "file",
            columns,
            rows: Vec::new(),
            cells: Vec::new(),
            treated_rows: Vec::new(),
        });
    }
    Report {
        verdict,
        outputs,
        findings,
        policy: PolicyName::of(policy),
        minimum: policy.minimum(),
    }
}

fn of_file(file: &Finished, policy: &Policy) -> (Verdict, Vec<Finding>) {
    let name = &file.name;
    let found = |rule, detail: String| Finding {
        rule,
        detail,
        told: Told::Whole,
    };
    let (rows, columns) = match &file.shape {
        Shape::Closed { kind } => {
            let kind = if kind.is_empty() {
                "without an ending"
            } else {
                kind
            };
            let detail =
                format!("{name}: files of this kind ({kind}) are not opened; a person has to");
            return (Verdict::Review, vec![found(Rule::Untraceable, detail)]);
        }
        Shape::Table { rows, columns } => (*rows, columns),
    };
    let mut findings = vec![found(
        Rule::Untraceable,
        format!(
            "{name}: a finished file does not say who is behind its numbers; check the statement that made it"
        ),
    )];
    let mut verdict = Verdict::Review;
    for column in columns {
        for (what, hits) in column.shapes() {
            let (times, rule) = (hits.saturating_mul(2), Rule::Threshold);
            if times >= column.values {
                verdict = Verdict::Fail;
                let detail = format!("{name}: column {} holds {what}", column.name);
                findings.push(found(rule, detail));
            } else if hits > 0 {
                let detail = format!(
                    "{name}: {hits} values of column {} look like {what}",
                    column.name
                );
                findings.push(found(rule, detail));
            }
        }
        if column.small > 0 {
            let most = policy.minimum() - 1;
            let detail = format!(
                "{name}: {} values of column {} are whole numbers from 1 to {most}",
                column.small, column.name
            );
            findings.push(found(Rule::Threshold, detail));
        }
    }
    let names_rows = |column: &&ColumnShape| column.can_name && column.distinct == rows;
    if rows >= ROWS_MIN
        && let Some(column) = columns.iter().find(names_rows)
    {
        let detail = format!(
            "{name}: no value of column {} comes twice in {rows} rows: it looks like one row a person",
            column.name
        );
        findings.push(found(Rule::Threshold, detail));
    }
    (verdict, findings)
}

impl ColumnShape {
    /// The shapes of identifiers that some of its values have.
    fn shapes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let health = (
            "numbers with the check digit of NHS and CHI numbers",
            self.health_numbers,
        );
        let names = IDENTIFIERS.iter().map(|(name, _)| *name);
        let others = names.zip(self.identifiers.iter().copied());
        // One in eleven numbers of ten digits has the check digit by chance.
        let by_chance = self.health_numbers.saturating_mul(5) < self.values;
        std::iter::once(health)
            .filter(move |_| !by_chance)
            .chain(others)
            .filter(|(_, hits)| *hits > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, values: u64, distinct: u64) -> ColumnShape {
        ColumnShape {
            name: name.into(),
            values,
            distinct,
            can_name: true,
            small: 0,
            health_numbers: 0,
            identifiers: vec![0; IDENTIFIERS.len()],
        }
    }

    fn judged(shape: Shape) -> (Verdict, String) {
        let policy = Policy::parse("name = \"t\"\n[threshold]\nminimum = 10").unwrap();
        let file = Finished {
            name: "out".into(),
            shape,
        };
        let report = inspect(&[file], &policy);
        let details: Vec<String> = report.findings.into_iter().map(|f| f.detail).collect();
        (report.verdict, details.join("\n"))
    }

    fn table(rows: u64, column: ColumnShape) -> (Verdict, String) {
        judged(Shape::Table {
            rows,
            columns: vec![column],
        })
    }

    #[test]
    fn no_file_passes_and_what_was_not_opened_says_so() {
        let (verdict, said) = table(4, column("region", 4, 4));
        assert_eq!(verdict, Verdict::Review);
        assert!(said.contains("who is behind its numbers"), "{said}");
        let closed = Shape::Closed {
            kind: "xlsx".into(),
        };
        let (verdict, said) = judged(closed);
        assert!(
            verdict == Verdict::Review && said.contains("(xlsx)"),
            "{said}"
        );
    }

    #[test]
    fn identifiers_fail_and_a_few_that_look_alike_are_shown() {
        let with = |hits: u64| {
            let mut one = column("contact", 100, 90);
            one.identifiers[0] = hits;
            table(100, one)
        };
        assert_eq!(with(50).0, Verdict::Fail);
        let (verdict, said) = with(3);
        assert!(
            verdict == Verdict::Review && said.contains("3 values"),
            "{said}"
        );
        let numbers = |hits: u64| {
            let mut one = column("id", 110, 40);
            one.health_numbers = hits;
            table(110, one)
        };
        assert_eq!(numbers(110).0, Verdict::Fail);
        assert!(!numbers(10).1.contains("check digit"), "by chance");
    }

    #[test]
    fn a_row_a_person_and_small_counts_are_named() {
        let (_, said) = table(80, column("key", 80, 80));
        assert!(said.contains("one row a person"), "{said}");
        let mut counts = column("n", 12, 12);
        counts.small = 2;
        let (_, said) = table(12, counts);
        assert!(
            said.contains("2 values of column n are whole numbers from 1 to 9"),
            "{said}"
        );
        assert!(!said.contains("one row a person"), "{said}");
    }
}
