use std::collections::BTreeMap;

use super::*;
use crate::connection::tests::settings;
use crate::{Settings, Tables};

mod neighbours;
mod values;

/// An engine with these tables, every column text.
pub(super) struct Floor {
    _folder: tempfile::TempDir,
    pub(super) connection: Connection,
}

impl Floor {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = Settings {
            threads: 1,
            ..settings(folder.path())
        };
        let connection = Connection::open(&settings, &Tables::Files(vec![])).unwrap();
        Self {
            _folder: folder,
            connection,
        }
    }

    pub(super) fn run(&self, sql: &str) {
        self.connection.raw().execute_batch(sql).unwrap();
    }

    pub(super) fn measure(&self, plan: &Plan) -> Answer {
        let prepared = prepare(&self.connection, plan).unwrap();
        Answer::of(&prepared, plan)
    }
}

/// Cells by group: for each part the cells of that group.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Answer(pub(super) BTreeMap<String, Vec<Vec<i64>>>);

impl Answer {
    pub(super) fn of(prepared: &Prepared<'_>, plan: &Plan) -> Self {
        let labels: Vec<String> = match prepared.labels() {
            Some(labels) => labels.to_vec(),
            None => (0..plan.groups().len()).map(|at| at.to_string()).collect(),
        };
        let mut groups: BTreeMap<String, Vec<Vec<i64>>> = labels
            .iter()
            .map(|label| (label.clone(), Vec::new()))
            .collect();
        for (at, part) in plan.parts.iter().enumerate() {
            let cells = prepared.cells(at).unwrap();
            for (label, own) in labels.iter().zip(cells.chunks(part.width())) {
                groups.get_mut(label).unwrap().push(own.to_vec());
            }
        }
        Self(groups)
    }

    /// The cells of the only group.
    pub(super) fn only(&self) -> &[Vec<i64>] {
        self.0.values().next().unwrap()
    }
}

pub(super) fn grid(lower: f64, upper: f64, step: f64) -> Grid {
    let (low, high) = ((lower / step).round() as i64, (upper / step).round() as i64);
    let centre = low + (high - low) / 2;
    let mut grid = Grid {
        lower,
        upper,
        step,
        low,
        high,
        centre,
        square_shift: 1,
        square_centre: 0,
    };
    let half = (high - centre).max(centre - low);
    grid.square_centre = ((half * half + 1) >> 1) / 2;
    grid
}

pub(super) fn plan(parts: Vec<Part>) -> Plan {
    Plan {
        unit: "who".into(),
        table: "visits".into(),
        joins: vec![],
        filter: vec![],
        windows: vec![],
        features: vec![],
        having: vec![],
        keys: vec![],
        l0: 1,
        linf: 1_000,
        parts,
        secret: [7; 32],
    }
}

pub(super) fn key(column: &str, values: &[&str]) -> Key {
    Key {
        column: column.into(),
        values: Some(values.iter().map(|v| Literal::Text((*v).into())).collect()),
    }
}

pub(super) fn condition(column: &str, op: Operator, values: Vec<Literal>) -> Condition {
    Condition {
        column: column.into(),
        op,
        values,
    }
}
