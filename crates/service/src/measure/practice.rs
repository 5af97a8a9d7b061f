//! Practice: a question answered over made-up rows, by the code that answers over real ones, at no charge.

use governance::dataset::{ColumnKind, Dataset};
use governance::measure::Measurement;
use governance::request::{DatasetRequest, Transform};
use governance::{Action, Lifecycle, WorkspaceId};
use protocol::job::{self, PracticeColumn, PracticeTable};
use serde::Serialize;
use serde_json::Value;

use crate::error::ServiceError;
use crate::{Caller, Service};

/// An answer over made-up rows.
#[derive(Debug, Clone, Serialize)]
pub struct PracticeView {
    /// Always true: nothing here is about anybody.
    pub practice: bool,
    /// The answer, in the form of a real one; it says that it is practice.
    pub answer: Value,
}

impl Service {
    /// Answers a question over rows that are made up from the question and the data dictionaries of what was
    /// approved. Opens no extract, charges nothing and records nothing.
    ///
    /// # Errors
    /// If the caller may not measure here, or the question cannot be read, priced, or names what is not there.
    pub async fn practise(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        request: &str,
    ) -> Result<PracticeView, ServiceError> {
        let action = Action::ReserveMeasurement;
        let (_, project, _) = self
            .enter(caller, workspace, action, Measurement::KIND)
            .await?;
        self.statement(request)?;
        let approved = &project.manifest.datasets;
        let datasets = self
            .datasets(approved.iter().map(|d| d.dataset.clone()))
            .await?;
        let mut tables = Vec::with_capacity(approved.len());
        for approved in approved {
            let dataset = datasets
                .get(&approved.dataset)
                .ok_or(ServiceError::NotFound("dataset"))?;
            tables.push(table(approved, dataset));
        }
        let answer = self.keeper.practise(request, tables).await?;
        Ok(PracticeView {
            practice: true,
            answer: serde_json::from_str(&answer)?,
        })
    }
}

/// The table as an extract would have it.
fn table(approved: &DatasetRequest, dataset: &Dataset) -> PracticeTable {
    let dictionary = &dataset.dictionary;
    let columns = approved.variables.iter().filter_map(|variable| {
        let source = dictionary.variable(variable.source())?;
        Some(PracticeColumn {
            name: variable.name.clone(),
            kind: kind(&variable.transform, source.kind),
        })
    });
    PracticeTable {
        name: dictionary.table.clone(),
        columns: columns.collect(),
    }
}

/// What a variable's values are once they are coarsened.
fn kind(transform: &Transform, source: ColumnKind) -> job::ColumnKind {
    match (transform, source) {
        (Transform::AgeAt { .. } | Transform::Year | Transform::Order, _)
        | (Transform::Keep, ColumnKind::Integer) => job::ColumnKind::Integer,
        (Transform::Keep, ColumnKind::Number) => job::ColumnKind::Number,
        (Transform::Keep, ColumnKind::Date | ColumnKind::DateOfBirth) => job::ColumnKind::Date,
        (Transform::YearMonth | Transform::PostcodeDistrict | Transform::PostcodeArea, _)
        | (Transform::Keep, ColumnKind::Text | ColumnKind::Postcode) => job::ColumnKind::Text,
    }
}
