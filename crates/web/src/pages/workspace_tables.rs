//! The tables that statements of a workspace select from, with what the catalogue says of their columns.

use governance::DatasetId;
use governance::dataset::ColumnKind;
use governance::project::Manifest;
use governance::request::{Transform, VariableRequest};
use serde_json::{Map, Value, json};
use service::WorkspaceView;

use super::project_words::transform;
use super::refusal::{Told, sentence};
use super::session::Visitor;
use super::workspace_saved::Saved;
use crate::Front;

/// A table of the extract.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
}

/// A column of a table.
pub(super) struct Column {
    pub(super) name: String,
    /// Its type, in words.
    pub(super) kind: &'static str,
    pub(super) about: String,
}

impl Table {
    /// The table that an extract has of a dataset, if it has one.
    pub(super) async fn of(
        front: &Front,
        visitor: &Visitor,
        manifest: Option<&Manifest>,
        id: &DatasetId,
        view: &WorkspaceView,
    ) -> Result<Option<Self>, Told> {
        let dataset = front.service.dataset(&visitor.caller, id).await?;
        let dictionary = &dataset.dictionary;
        let Some(held) = view.tables.iter().find(|t| t.name == dictionary.table) else {
            return Ok(None);
        };
        let asked = manifest.and_then(|m| m.datasets.iter().find(|d| d.dataset == *id));
        let column = |name: &String| {
            let (kind, about) = match name.as_str() {
                "person" => (
                    "text",
                    "The person's pseudonym in this project; the same in every table".to_owned(),
                ),
                "event" => ("text", "The event's pseudonym in this project".to_owned()),
                _ => {
                    let variable = asked.and_then(|a| a.variables.iter().find(|v| v.name == *name));
                    let source = variable.map_or(name.as_str(), |v| v.source());
                    let entry = dictionary.variable(source);
                    let description = entry.map(|v| v.description.as_str());
                    let kind = kind(entry.map(|v| v.kind), variable.map(|v| &v.transform));
                    (kind, described(description, variable, name))
                }
            };
            Column {
                name: name.clone(),
                kind,
                about,
            }
        };
        Ok(Some(Self {
            name: held.name.clone(),
            columns: held.columns.iter().map(column).collect(),
        }))
    }
}

/// The type of a column as it is in the extract.
fn kind(kind: Option<ColumnKind>, given: Option<&Transform>) -> &'static str {
    match (given, kind) {
        (Some(Transform::AgeAt { .. } | Transform::Year | Transform::Order), _) => "whole number",
        (Some(Transform::YearMonth), _) => "date",
        (Some(Transform::PostcodeDistrict | Transform::PostcodeArea), _) => "text",
        (Some(Transform::Keep) | None, Some(ColumnKind::Integer)) => "whole number",
        (Some(Transform::Keep) | None, Some(ColumnKind::Number)) => "number",
        (Some(Transform::Keep) | None, Some(ColumnKind::Date | ColumnKind::DateOfBirth)) => "date",
        (Some(Transform::Keep) | None, Some(ColumnKind::Text | ColumnKind::Postcode)) => "text",
        (Some(Transform::Keep) | None, None) => "",
    }
}

/// What is said of a column: its variable's description, and how the approval has it coarsened.
fn described(description: Option<&str>, asked: Option<&VariableRequest>, column: &str) -> String {
    let mut parts = Vec::new();
    parts.extend(
        description
            .filter(|text| !text.is_empty())
            .map(str::to_owned),
    );
    if let Some(asked) = asked {
        if asked.source() != column {
            parts.push(format!("Made from {}", asked.source()));
        }
        if asked.transform != Transform::Keep {
            parts.push(format!("Given as {}", transform(&asked.transform)));
        }
    }
    let parts = parts.iter().map(|part| sentence(part));
    parts.collect::<Vec<_>>().join(" ")
}

/// What an editor completes: tables with their columns, and saved statements.
pub(super) fn schema(tables: &[Table], saved: &[Saved]) -> String {
    let mut all = Map::new();
    for saved in saved {
        all.insert(saved.name.clone(), json!([]));
    }
    for table in tables {
        let columns = table.columns.iter();
        let columns: Vec<Value> = columns
            .map(|column| {
                json!({
                    "label": column.name, "detail": column.kind, "info": column.about,
                    "type": "property",
                })
            })
            .collect();
        all.insert(table.name.clone(), columns.into());
    }
    Value::Object(all).to_string()
}
