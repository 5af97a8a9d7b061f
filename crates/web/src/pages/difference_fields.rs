//! An application as a list of fields that can be compared: each with a key that stays the same from version
//! to version.

use std::collections::BTreeMap;

use governance::PersonId;
use governance::request::{EventPseudonym, Request, View};

use super::project_words::{self, Titles};
use super::words;

/// One field of an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Field {
    /// Section, as in `project_words::SECTIONS`.
    pub(crate) section: &'static str,
    /// The same in every version.
    pub(crate) key: String,
    /// What it is called.
    pub(crate) what: String,
    /// What it says.
    pub(crate) text: String,
}

/// Every field of a request, in the order of the sections.
pub(crate) fn fields(
    request: &Request,
    names: &BTreeMap<PersonId, String>,
    titles: &Titles,
) -> Vec<Field> {
    let field = |section, key: &str, what: &str, text: &str| Field {
        section,
        key: key.to_owned(),
        what: what.to_owned(),
        text: text.to_owned(),
    };
    let mut fields: Vec<Field> = request
        .people
        .iter()
        .map(|id| {
            let name = names.get(id).map_or(id.as_str(), String::as_str);
            field("people", id.as_str(), name, "on the project")
        })
        .collect();
    let commercial = project_words::commercial(request.commercial);
    for (what, text) in [
        ("Title", request.title.as_str()),
        ("Lay summary", &request.lay_summary),
        ("Public benefit", &request.public_benefit),
        ("First day of access", &words::day(request.start)),
        ("Last day of access", &words::day(request.end)),
        ("Commercial party", commercial),
    ] {
        fields.push(field("projects", what, what, text));
    }
    fields.extend(data(request, titles));
    // Short, because two versions are compared word by word.
    let screen = match request.view {
        View::Aggregates => "checked results",
        View::Rows => "rows",
    };
    fields.push(field("settings", "Screen", "Screen", screen));
    for (what, text) in [
        (
            "Smallest number of people behind a released number",
            request.minimum_cell.to_string().as_str(),
        ),
        ("Planned results", &request.outputs),
        ("Controls", &request.controls),
    ] {
        if !text.is_empty() {
            fields.push(field("outputs", what, what, text));
        }
    }
    fields
}

fn data(request: &Request, titles: &Titles) -> Vec<Field> {
    let mut fields = Vec::new();
    let asked = project_words::asked(&request.datasets, titles);
    for (dataset, asked) in request.datasets.iter().zip(asked) {
        let title = &asked.title;
        let mut add = |key: String, what: String, text: String| {
            fields.push(Field {
                section: "data",
                key: format!("{}/{key}", asked.id),
                what,
                text,
            });
        };
        add(String::new(), title.clone(), "asked for".into());
        for variable in &asked.variables {
            add(
                format!("variable/{}", variable.name),
                format!("{title}: {}", variable.name),
                format!("{}. Why: {}", variable.how, variable.why),
            );
        }
        let event = match dataset.event {
            EventPseudonym::Absent => "no",
            EventPseudonym::Present => "yes",
        };
        add(
            "event".into(),
            format!("{title}: event pseudonym"),
            event.into(),
        );
        for (filter, text) in dataset.rows.iter().zip(&asked.rows) {
            let column = filter.column();
            let what = format!("{title}: condition on {column}");
            // A column may have several conditions; a changed one then reads as removed and added.
            let several = dataset.rows.iter().filter(|r| r.column() == column).count() > 1;
            let key = if several {
                format!("rows/{column}/{text}")
            } else {
                format!("rows/{column}")
            };
            add(key, what, text.clone());
        }
    }
    fields
}
