//! The variables of one dataset, every one with how it is coarsened and why it is needed. Large dictionaries
//! have pages; saving one page leaves the others as they were.

use askama::Template;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use governance::dataset::{Dataset, Variable};
use governance::{DatasetId, ProjectId};
use serde::Deserialize;
use service::ServiceError;

use super::application_coarsen::{values, ways};
use super::application_draft::{Asked, AskedRows, AskedVariable};
use super::application_missing::{faults, field_of};
use super::application_work::Work;
use super::fields::Choice;
use super::form::{Faults, Form, Posted};
use super::session::Visitor;
use super::shell::{Reply, Shell, page, see};
use crate::Ready;

/// Variables on one page.
const PAGE: usize = 100;
/// Most ways in which one variable can be asked for.
const WAYS_MAX: usize = 10;
/// Most conditions on the rows of one dataset.
const ROWS_MAX: usize = 20;

#[derive(Template)]
#[template(path = "application_variables.html")]
struct Variables {
    shell: Shell,
    work: Work,
    dataset: DatasetId,
    title: String,
    faults: Faults,
    rows: Vec<Row>,
    event: Option<bool>,
    filters: Vec<Filter>,
    from: usize,
    pages: Vec<(usize, usize, usize)>,
}

/// A variable on the page.
struct Row {
    /// Ends the names of its fields.
    key: String,
    name: String,
    description: String,
    values: &'static str,
    ticked: bool,
    typed: AskedVariable,
    ways: Vec<Choice>,
    /// Whether it can be asked for once more, in another way.
    again: bool,
}

/// A condition on rows on the page.
struct Filter {
    key: String,
    typed: AskedRows,
    columns: Vec<Choice>,
}

impl Row {
    fn why_field(&self) -> String {
        format!("why-{}", self.key)
    }

    fn how_field(&self) -> String {
        format!("how-{}", self.key)
    }
}

impl Filter {
    fn column_field(&self) -> String {
        format!("{}-column", self.key)
    }
}

#[derive(Deserialize)]
pub(crate) struct At {
    #[serde(default)]
    from: usize,
    #[serde(default)]
    done: Option<String>,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path((id, dataset)): Path<(ProjectId, DatasetId)>,
    Query(at): Query<At>,
) -> Reply {
    let work = Work::load(&front, &visitor, id).await?;
    if !work.is_written() {
        return Ok(Redirect::to(&format!("{}/check", work.home())).into_response());
    }
    let (held, asked) = asked_of(&work, &dataset)?;
    let dictionary = &held.dictionary;
    let begun = !asked.is_untouched();
    let all = dictionary.variables.len();
    // The page that holds the first variable asked for, so that no link needs to be exact.
    let from = at.from.min(all.saturating_sub(1)) / PAGE * PAGE;
    let shown = dictionary.variables.iter().skip(from).take(PAGE);
    let rows: Vec<Row> = shown.flat_map(|v| rows_of(v, held, asked)).collect();
    // Nobody is told off right after saving, nor for what stands on another page.
    let told = begun && at.done.is_none();
    let here = |field: &str| {
        let of_a_row = |row: &Row| field == row.why_field() || field == row.how_field();
        field == "variables" || field.starts_with("rows-") || rows.iter().any(of_a_row)
    };
    let faults = faults(
        work.gaps("data")
            .filter(|m| told && m.dataset.as_deref() == Some(dataset.as_str()) && here(&m.field)),
    );
    let event = dictionary.event.is_some().then_some(asked.event);
    let title = dictionary.title.clone();
    let pages = if all > PAGE { pages(all) } else { Vec::new() };
    page(&Variables {
        shell: Shell::of(&visitor, format!("Variables of {title}"))
            .fault(&faults)
            .done(at.done.as_deref()),
        faults,
        filters: filters(held, asked),
        rows,
        event,
        from,
        pages,
        title,
        dataset,
        work,
    })
}

/// First number, and first and last variable, of each page.
fn pages(all: usize) -> Vec<(usize, usize, usize)> {
    let starts = (0..all).step_by(PAGE);
    starts
        .map(|from| (from, from + 1, all.min(from + PAGE)))
        .collect()
}

fn asked_of<'a>(work: &'a Work, id: &DatasetId) -> Result<(&'a Dataset, &'a Asked), ServiceError> {
    let none = || ServiceError::NotFound("dataset in this application");
    let asked = work.draft.asked(id).ok_or_else(none)?;
    Ok((work.datasets.get(id).ok_or_else(none)?, asked))
}

/// The row of a variable, and one more for each further way in which it is asked for.
fn rows_of(variable: &Variable, dataset: &Dataset, asked: &Asked) -> Vec<Row> {
    let ways = ways(variable, &dataset.dictionary);
    let typed: Vec<(usize, &AskedVariable)> = asked
        .variables
        .iter()
        .enumerate()
        .filter(|(_, v)| v.source == variable.name)
        .collect();
    let row = |key: String, typed: AskedVariable, again: bool| {
        let choices = ways
            .iter()
            .map(|(way, text)| Choice::new(way, text).among([typed.how.as_str()]));
        let mut choices: Vec<Choice> = choices.collect();
        if !choices.iter().any(|c| c.chosen)
            && let Some(first) = choices.first_mut()
        {
            first.chosen = true;
        }
        Row {
            key,
            name: variable.name.clone(),
            description: variable.description.clone(),
            values: values(variable.kind),
            ticked: typed.ticked,
            typed,
            ways: choices,
            again,
        }
    };
    if typed.is_empty() {
        return vec![row(variable.name.clone(), AskedVariable::default(), false)];
    }
    let last = typed.len();
    let rows = typed.into_iter().enumerate().map(|(n, (at, typed))| {
        let key = field_of("", asked, at).trim_start_matches('-').to_owned();
        let again = n + 1 == last && typed.ticked && ways.len() > 1 && last < WAYS_MAX;
        row(key, typed.clone(), again)
    });
    rows.collect()
}

/// The conditions on rows, and an empty one more.
fn filters(dataset: &Dataset, asked: &Asked) -> Vec<Filter> {
    let variables = || dataset.dictionary.variables.iter().map(|v| v.name.as_str());
    let typed = asked.rows.iter().cloned().chain([AskedRows::default()]);
    let filters = typed.take(ROWS_MAX).enumerate().map(|(at, typed)| {
        let none = Choice::new("", "Choose a variable");
        let columns = variables().map(|name| Choice::new(name, name));
        let columns = [none].into_iter().chain(columns);
        Filter {
            key: format!("rows-{at}"),
            columns: columns.map(|c| c.among([typed.column.as_str()])).collect(),
            typed,
        }
    });
    filters.collect()
}

/// Saves one page of variables, valid or not.
pub(crate) async fn save(
    State(front): Ready,
    Path((id, dataset)): Path<(ProjectId, DatasetId)>,
    posted: Posted,
) -> Reply {
    let Posted { visitor, form } = posted;
    let mut work = Work::load(&front, &visitor, id).await?;
    work.must_be_written()?;
    let held = asked_of(&work, &dataset)?.0.clone();
    let from: usize = form.one("from").parse().unwrap_or_default();
    let mut key = None;
    let place = work
        .draft
        .datasets
        .iter_mut()
        .find(|a| a.dataset == dataset.as_str());
    if let Some(asked) = place {
        merge(asked, &held, from, &form);
        for source in form.all("twice") {
            key = ask_twice(asked, source).or(key);
        }
    }
    work.save(&front, &visitor).await?;
    let here = format!("{}/data/{dataset}", work.home());
    if let Some(key) = key {
        let to = format!("{here}?from={from}&done=draft_saved#ask-{key}");
        return Ok(Redirect::to(&to).into_response());
    }
    Ok(next(&work, &held, from, &here, form.one("next")))
}

/// Where saving leads: to the next page of variables, the next dataset without any, or back to the list.
fn next(work: &Work, held: &Dataset, from: usize, here: &str, asked_for: &str) -> Response {
    let after = from.saturating_add(PAGE);
    if asked_for == "page" && after < held.dictionary.variables.len() {
        return see(&format!("{here}?from={after}"), "draft_saved");
    }
    let fresh = work
        .draft
        .datasets
        .iter()
        .find(|a| a.is_untouched() && a.dataset != held.id.as_str());
    let to = match fresh {
        Some(asked) => format!("{}/data/{}", work.home(), asked.dataset),
        None => work.home(),
    };
    see(&to, "draft_saved")
}

/// Takes over what was typed on one page; variables of other pages stay.
fn merge(asked: &mut Asked, held: &Dataset, from: usize, form: &Form) {
    let variables = &held.dictionary.variables;
    let on_page: Vec<&str> = variables
        .iter()
        .skip(from)
        .take(PAGE)
        .map(|v| v.name.as_str())
        .collect();
    asked
        .variables
        .retain(|v| !on_page.contains(&v.source.as_str()));
    for source in on_page {
        for way in 1..=WAYS_MAX {
            let key = if way == 1 {
                source.to_owned()
            } else {
                format!("{source}-{way}")
            };
            let text = |what: &str| form.one(&format!("{what}-{key}")).to_owned();
            let typed = AskedVariable {
                source: source.to_owned(),
                name: text("name"),
                how: text("how"),
                why: text("why"),
                ticked: !text("ask").is_empty(),
            };
            if typed.ticked || !typed.why.is_empty() {
                asked.variables.push(typed);
            }
        }
    }
    let place = |v: &AskedVariable| variables.iter().position(|d| d.name == v.source);
    asked
        .variables
        .sort_by_key(|v| place(v).unwrap_or(usize::MAX));
    asked.event = !form.one("event").is_empty();
    asked.rows = (0..ROWS_MAX)
        .map(|at| {
            let text = |what: &str| form.one(&format!("rows-{at}-{what}")).to_owned();
            AskedRows {
                column: text("column"),
                values: text("values"),
                from: text("from"),
                to: text("to"),
            }
        })
        .filter(|rows| !rows.is_empty())
        .collect();
}

/// Asks for a variable once more, in another way; gives the end of its fields' names.
fn ask_twice(asked: &mut Asked, source: &str) -> Option<String> {
    let at = asked.variables.iter().rposition(|v| v.source == source)?;
    let ways = asked
        .variables
        .iter()
        .filter(|v| v.source == source)
        .count();
    if ways >= WAYS_MAX {
        return None;
    }
    let more = AskedVariable {
        source: source.to_owned(),
        ticked: true,
        ..AskedVariable::default()
    };
    asked.variables.insert(at + 1, more);
    Some(format!("{source}-{}", ways + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset() -> Dataset {
        serde_json::from_str(
            r#"{ "id": "dst_stays", "controller": "per_c", "identifiers_from": "per_i", "payload_from": "per_p",
                 "instruction": null, "dictionary": { "title": "Stays", "table": "stays", "purpose": "payload",
                 "record": "record", "identifiers": {}, "variables": [
                   { "name": "ward", "kind": "text" }, { "name": "admitted", "kind": "date" },
                   { "name": "postcode", "kind": "postcode" } ] } }"#,
        )
        .unwrap()
    }

    fn sent(text: &str) -> Form {
        Form::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_ticked_or_has_a_reason_is_kept_in_the_order_of_the_dictionary() {
        let mut asked = Asked::default();
        let form = sent(
            "how-ward=keep&why-ward=Perhaps&ask-admitted=yes&how-admitted=year&why-admitted=Season\
             &ask-admitted-2=yes&how-admitted-2=order&why-admitted-2=First&name-admitted-2=stay_number\
             &how-postcode=postcode_area&event=yes&rows-1-column=ward&rows-1-values=A%0D%0AB",
        );
        merge(&mut asked, &dataset(), 0, &form);
        let got: Vec<(&str, &str, &str, bool)> = asked
            .variables
            .iter()
            .map(|v| (v.source.as_str(), v.how.as_str(), v.name.as_str(), v.ticked))
            .collect();
        assert_eq!(
            got,
            [
                ("ward", "keep", "", false),
                ("admitted", "year", "", true),
                ("admitted", "order", "stay_number", true)
            ]
        );
        assert!(asked.event);
        assert_eq!(asked.rows.len(), 1);
        assert_eq!(asked.rows[0].values, "A\nB");
        // The page shows all of it again, a further way beside the last one.
        let rows: Vec<(String, bool)> = dataset()
            .dictionary
            .variables
            .iter()
            .flat_map(|v| rows_of(v, &dataset(), &asked))
            .map(|row| (row.key, row.again))
            .collect();
        let rows: Vec<(&str, bool)> = rows
            .iter()
            .map(|(key, again)| (key.as_str(), *again))
            .collect();
        assert_eq!(
            rows,
            [
                ("ward", false),
                ("admitted", false),
                ("admitted-2", true),
                ("postcode", false)
            ]
        );
    }

    #[test]
    fn saving_one_page_leaves_the_others_as_they_were() {
        let mut large = dataset();
        let first = large.dictionary.variables[0].clone();
        large.dictionary.variables = (0..250)
            .map(|n| Variable {
                name: format!("v{n}"),
                ..first.clone()
            })
            .collect();
        let mut asked = Asked::default();
        merge(
            &mut asked,
            &large,
            0,
            &sent("ask-v3=yes&how-v3=keep&why-v3=a"),
        );
        merge(
            &mut asked,
            &large,
            200,
            &sent("ask-v201=yes&how-v201=keep&why-v201=b&ask-v7=yes"),
        );
        merge(
            &mut asked,
            &large,
            100,
            &sent("ask-v150=yes&how-v150=keep&why-v150=c"),
        );
        let names: Vec<&str> = asked.variables.iter().map(|v| v.source.as_str()).collect();
        assert_eq!(names, ["v3", "v150", "v201"]);
        assert_eq!(pages(250), [(0, 1, 100), (100, 101, 200), (200, 201, 250)]);
    }

    #[test]
    fn a_variable_is_asked_for_once_more_behind_its_last_row() {
        let mut asked = Asked::default();
        merge(
            &mut asked,
            &dataset(),
            0,
            &sent("ask-admitted=yes&how-admitted=year&why-admitted=x"),
        );
        assert_eq!(
            ask_twice(&mut asked, "admitted").as_deref(),
            Some("admitted-2")
        );
        assert_eq!(
            ask_twice(&mut asked, "admitted").as_deref(),
            Some("admitted-3")
        );
        assert_eq!(
            ask_twice(&mut asked, "ward"),
            None,
            "it is not asked for at all"
        );
        for _ in 0..20 {
            ask_twice(&mut asked, "admitted");
        }
        assert_eq!(asked.variables.len(), WAYS_MAX);
    }
}
