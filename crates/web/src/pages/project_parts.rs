//! What a project has come to: indexings, extracts, workspaces, outputs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use service::{ProjectReading, ServiceError, Summary};

use super::fields::Choice;
use super::project_words::Titles;
use super::words;

/// What a project has come to, newest first.
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) indexings: Vec<Part>,
    pub(crate) extracts: Vec<Part>,
    pub(crate) workspaces: Vec<Part>,
    pub(crate) outputs: Vec<Part>,
    /// Completed indexings that an extract can be cut from; the newest of each dataset is chosen.
    pub(crate) to_extract: Vec<Choice>,
    /// How many of a kind are listed at most, where there may be more.
    pub(crate) most: Option<u32>,
}

/// One of them.
pub(crate) struct Part {
    pub(crate) id: String,
    pub(crate) state: &'static str,
    pub(crate) since: String,
    /// What it is about, and its counts.
    pub(crate) about: String,
}

impl Parts {
    pub(crate) fn is_empty(&self) -> bool {
        self.indexings.is_empty()
            && self.extracts.is_empty()
            && self.workspaces.is_empty()
            && self.outputs.is_empty()
    }
}

/// What a project has come to; nothing before it is in force.
pub(crate) async fn parts(
    reading: &ProjectReading<'_>,
    titles: &Titles,
    page: u32,
) -> Result<Parts, ServiceError> {
    if reading.project().manifest().is_none() {
        return Ok(Parts::default());
    }
    let indexings = reading.indexings().await?;
    let extracts = reading.extracts().await?;
    let workspaces = reading.workspaces().await?;
    let outputs = reading.outputs().await?;
    let full = [&indexings, &extracts, &workspaces, &outputs]
        .iter()
        .any(|list| u32::try_from(list.len()).is_ok_and(|n| n >= page));
    Ok(Parts {
        most: full.then_some(page),
        to_extract: to_extract(&indexings, titles),
        indexings: indexed(indexings, titles),
        extracts: rows(extracts, |s| tables(&s.detail)),
        workspaces: rows(workspaces, |s| {
            word(&s.detail, "extract").map_or_else(String::new, |e| format!("On {e}"))
        }),
        outputs: rows(outputs, |s| {
            word(&s.detail, "verdict")
                .map_or_else(String::new, |verdict| words::state(verdict).to_owned())
        }),
    })
}

/// Indexings as a list shows them.
pub(crate) fn indexed(indexings: Vec<Summary>, titles: &Titles) -> Vec<Part> {
    rows(indexings, |s| linked(&s.detail, titles))
}

fn rows(summaries: Vec<Summary>, about: impl Fn(&Summary) -> String) -> Vec<Part> {
    summaries
        .into_iter()
        .map(|summary| Part {
            about: about(&summary),
            state: summary.state,
            since: words::moment(summary.since),
            id: summary.id,
        })
        .collect()
}

/// Completed indexings to choose from. Summaries come newest first.
fn to_extract(indexings: &[Summary], titles: &Titles) -> Vec<Choice> {
    let mut chosen = BTreeSet::new();
    indexings
        .iter()
        .filter(|indexing| indexing.state == "indexed")
        .map(|indexing| {
            let dataset = word(&indexing.detail, "dataset").unwrap_or_default();
            let mut choice = Choice::new(
                indexing.id.clone(),
                format!(
                    "{}, indexed {}",
                    titles.title_of(dataset),
                    words::moment(indexing.since)
                ),
            )
            .hint(linked(&indexing.detail, titles));
            choice.chosen = chosen.insert(dataset.to_owned());
            choice
        })
        .collect()
}

/// How many records of which dataset have a link.
fn linked(detail: &BTreeMap<String, Value>, titles: &Titles) -> String {
    let title = word(detail, "dataset").map_or("", |id| titles.title_of(id));
    let counts = match (number(detail, "linked"), number(detail, "records")) {
        (Some(linked), Some(records)) => format!("{linked} of {records} records linked"),
        _ => String::new(),
    };
    let withheld = number(detail, "withheld")
        .map_or_else(String::new, |n| format!("{n} withheld after objections"));
    let review = match (number(detail, "pairs"), number(detail, "finished")) {
        (Some(pairs), Some(finished)) => {
            format!("{pairs} pairs under clerical review, handed in by {finished}")
        }
        _ => String::new(),
    };
    joined([title, &counts, &withheld, &review])
}

/// Rows and people of each table of an extract.
fn tables(detail: &BTreeMap<String, Value>) -> String {
    let Some(Value::Array(tables)) = detail.get("tables") else {
        return String::new();
    };
    let tables: Vec<String> = tables
        .iter()
        .filter_map(|table| {
            let name = table.get("name")?.as_str()?;
            let (rows, people) = (table.get("rows")?.as_u64()?, table.get("people")?.as_u64()?);
            Some(format!("{name}: {rows} rows of {people} people"))
        })
        .collect();
    tables.join("; ")
}

fn joined<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    parts.join("; ")
}

fn word<'a>(detail: &'a BTreeMap<String, Value>, key: &str) -> Option<&'a str> {
    detail.get(key)?.as_str()
}

fn number(detail: &BTreeMap<String, Value>, key: &str) -> Option<u64> {
    detail.get(key)?.as_u64()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn indexing(id: &str, dataset: &str, state: &'static str, linked: u64) -> Summary {
        let detail = BTreeMap::from([
            ("dataset".to_owned(), json!(dataset)),
            ("records".to_owned(), json!(100)),
            ("linked".to_owned(), json!(linked)),
            ("withheld".to_owned(), json!(2)),
        ]);
        Summary {
            id: id.into(),
            state,
            since: governance::Timestamp::UNIX_EPOCH,
            detail,
        }
    }

    #[test]
    fn the_newest_completed_indexing_of_each_dataset_is_chosen() {
        let newest_first = [
            indexing("idx_4", "dst_a", "failed", 0),
            indexing("idx_3", "dst_a", "indexed", 97),
            indexing("idx_2", "dst_b", "indexed", 60),
            indexing("idx_1", "dst_a", "indexed", 90),
        ];
        let titles = Titles::of([("dst_a".parse().unwrap(), "Stays".to_owned())]);
        let choices = to_extract(&newest_first, &titles);
        let told: Vec<_> = choices
            .iter()
            .map(|c| (c.value.as_str(), c.chosen))
            .collect();
        assert_eq!(told, [("idx_3", true), ("idx_2", true), ("idx_1", false)]);
        let first = choices.first().unwrap();
        assert!(first.label.starts_with("Stays, indexed 1 January 1970"));
        assert_eq!(
            first.hint,
            "Stays; 97 of 100 records linked; 2 withheld after objections"
        );
    }

    #[test]
    fn an_extract_tells_rows_and_people_of_each_table() {
        let detail = BTreeMap::from([(
            "tables".to_owned(),
            json!([{"name": "stays", "rows": 12, "people": 5, "columns": []}]),
        )]);
        assert_eq!(tables(&detail), "stays: 12 rows of 5 people");
        assert_eq!(tables(&BTreeMap::new()), "");
    }
}
