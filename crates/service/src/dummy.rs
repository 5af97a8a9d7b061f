//! A dummy extract: the tables that a project is approved for, with made-up rows, to write code against before
//! there is access. It comes from the catalogue and the approval alone.

use governance::ProjectId;
use governance::dataset::{ColumnKind, Dictionary};
use governance::request::{DatasetRequest, EventPseudonym, RowFilter, Transform, VariableRequest};
use protocol::dummy::{Column, Dummy, Table, Values};

use crate::error::ServiceError;
use crate::{Caller, Service};

/// People of a dummy extract, and rows of each of its tables.
const PEOPLE: u32 = 1_000;
const ROWS: u32 = 5_000;
/// Missing values in a thousand rows, where the dictionary lets values be missing.
const MISSING: u32 = 50;
/// Most columns of all tables together: the plan is one message to the keeper.
const COLUMNS_MAX: usize = 400;
/// Most values of a row condition that become a value set.
const SET_MAX: usize = 100;

impl Service {
    /// A dummy extract of an approved project, as a DuckDB database. Nothing is recorded: no data is read.
    ///
    /// # Errors
    /// If the caller may not read the project, it is not approved, or has too many columns.
    pub async fn dummy_extract(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<u8>, ServiceError> {
        let project = self.project(caller, id).await?.project;
        let manifest = project.manifest().ok_or_else(|| {
            ServiceError::BadInput(
                "there is a dummy extract once the application is approved".into(),
            )
        })?;
        let mut tables = Vec::new();
        for asked in &manifest.datasets {
            let dataset = self.dataset(caller, &asked.dataset).await?;
            tables.push(table(asked, &dataset.dictionary));
        }
        if tables
            .iter()
            .map(|table| table.columns.len())
            .sum::<usize>()
            > COLUMNS_MAX
        {
            return Err(ServiceError::BadInput(format!(
                "a dummy extract has at most {COLUMNS_MAX} columns"
            )));
        }
        let plan = Dummy {
            seed: 1,
            people: PEOPLE,
            tables,
        };
        self.keeper.dummy(plan).await
    }
}

fn table(asked: &DatasetRequest, dictionary: &Dictionary) -> Table {
    let mut columns = Vec::new();
    if asked.event == EventPseudonym::Present {
        columns.push(Column {
            name: "event".into(),
            values: Values::Text,
            missing_per_mille: 0,
        });
    }
    columns.extend(asked.variables.iter().map(|variable| {
        let entry = dictionary.variable(variable.source());
        Column {
            name: variable.name.clone(),
            values: entry.map_or(Values::Text, |entry| {
                values(variable, entry.kind, &asked.rows)
            }),
            missing_per_mille: match entry {
                Some(entry) if entry.required => 0,
                Some(_) | None => MISSING,
            },
        }
    }));
    Table {
        name: dictionary.table.clone(),
        rows: ROWS,
        columns,
    }
}

/// What the approval and the dictionary say that a column may hold. Where they say nothing, the range is wide
/// and round, so that nobody takes it for the data's.
fn values(variable: &VariableRequest, kind: ColumnKind, rows: &[RowFilter]) -> Values {
    let set = |of: &[&str]| Values::Set {
        of: of.iter().map(|&text| text.to_owned()).collect(),
    };
    let whole = |from, to| Values::Integer { from, to };
    let dates = |from: &str, to: &str| Values::Date {
        from: from.into(),
        to: to.into(),
    };
    match (&variable.transform, kind) {
        (Transform::AgeAt { .. }, _) => whole(0, 90),
        (Transform::Year, _) => whole(2000, 2030),
        (Transform::Order, _) => whole(1, 10),
        (Transform::PostcodeArea, _) => set(&["QQ", "VV", "XX"]),
        (Transform::PostcodeDistrict, _) => set(&["QQ1", "QQ2", "VV1", "XX9"]),
        (Transform::YearMonth, _) => dates("2000-01-01", "2000-01-01"),
        (Transform::Keep, kind) => {
            narrowed(variable.source(), kind, rows).unwrap_or_else(|| match kind {
                ColumnKind::Integer => whole(0, 100),
                ColumnKind::Number => Values::Number {
                    from: 0.0,
                    to: 1000.0,
                },
                ColumnKind::Date | ColumnKind::DateOfBirth => dates("2000-01-01", "2030-12-31"),
                ColumnKind::Text | ColumnKind::Postcode => Values::Text,
            })
        }
    }
}

/// What an approved row condition leaves of a column's values.
fn narrowed(source: &str, kind: ColumnKind, rows: &[RowFilter]) -> Option<Values> {
    rows.iter().find_map(|filter| match (filter, kind) {
        (RowFilter::In { column, values }, ColumnKind::Text)
            if column == source && !values.is_empty() =>
        {
            Some(Values::Set {
                of: values.iter().take(SET_MAX).cloned().collect(),
            })
        }
        (RowFilter::Between { column, from, to }, ColumnKind::Integer) if column == source => {
            let (from, to) = (from.parse().ok()?, to.parse().ok()?);
            (from <= to).then_some(Values::Integer { from, to })
        }
        (RowFilter::Between { column, from, to }, ColumnKind::Date) if column == source => {
            Some(Values::Date {
                from: from.clone(),
                to: to.clone(),
            })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(transform: Transform, kind: ColumnKind, rows: &[RowFilter], want: &str) {
        let variable = VariableRequest {
            name: "x".into(),
            source: Some("v".into()),
            transform,
            why: String::new(),
        };
        let made = serde_json::to_string(&values(&variable, kind, rows)).unwrap();
        assert_eq!(made, want);
    }

    #[test]
    fn values_come_from_the_approval_and_the_dictionary() {
        let date = "d".to_owned();
        let only = [
            RowFilter::In {
                column: "v".into(),
                values: vec!["a".into(), "b".into()],
            },
            RowFilter::Between {
                column: "v".into(),
                from: "2020-01-01".into(),
                to: "2020-12-31".into(),
            },
        ];
        let age = Transform::AgeAt { date };
        let ages = r#"{"kind":"integer","from":0,"to":90}"#;
        check(age, ColumnKind::DateOfBirth, &only, ages);
        check(Transform::Keep, ColumnKind::Text, &[], r#"{"kind":"text"}"#);
        let set = r#"{"kind":"set","of":["a","b"]}"#;
        check(Transform::Keep, ColumnKind::Text, &only, set);
        let year = r#"{"kind":"date","from":"2020-01-01","to":"2020-12-31"}"#;
        check(Transform::Keep, ColumnKind::Date, &only, year);
        let whole = r#"{"kind":"integer","from":0,"to":100}"#;
        check(Transform::Keep, ColumnKind::Integer, &only, whole);
    }
}
