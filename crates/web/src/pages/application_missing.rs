//! What is still missing in a draft, section by section, in words for whoever writes it. It guides; what
//! may be submitted is judged by the rules.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::request::{MINIMUM_CELL_MAX, PEOPLE_MAX, SUMMARY_MAX};
use governance::{DatasetId, PersonId};

use super::application_coarsen::transform;
use super::application_draft::{Asked, Draft, Entry};
use super::form::Faults;

/// Most characters of a title.
const TITLE_MAX: usize = 200;

/// One thing that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Missing {
    /// Section, as in `project_words::SECTIONS`.
    pub(crate) section: &'static str,
    /// The dataset that it is about, in the section of data.
    pub(crate) dataset: Option<String>,
    /// Field of the section's form.
    pub(crate) field: String,
    /// What to do.
    pub(crate) text: String,
}

/// How far a section is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Far {
    Untouched,
    Begun,
    Complete,
}

/// What a draft is held against.
pub(crate) struct Known<'a> {
    /// Datasets of the catalogue.
    pub(crate) datasets: &'a BTreeMap<DatasetId, Dataset>,
    /// People whose number is known.
    pub(crate) people: &'a BTreeSet<PersonId>,
}

struct List(Vec<Missing>);

impl List {
    fn add(&mut self, section: &'static str, field: &str, text: impl Into<String>) {
        self.0.push(Missing {
            section,
            dataset: None,
            field: field.to_owned(),
            text: text.into(),
        });
    }

    fn text(&mut self, section: &'static str, field: &str, what: &str, text: &str, max: usize) {
        let length = text.chars().count();
        if text.is_empty() {
            self.add(section, field, format!("Give the {what}"));
        } else if length > max {
            let text = format!("The {what} has {length} characters; {max} is the most");
            self.add(section, field, text);
        }
    }
}

/// Everything that is missing, in the order of the sections.
pub(crate) fn missing(draft: &Draft, known: &Known<'_>) -> Vec<Missing> {
    let mut list = List(Vec::new());
    people(draft, known, &mut list);
    project(draft, &mut list);
    data(draft, known, &mut list);
    outputs(draft, &mut list);
    list.0
}

/// How far a section is. Nothing need be filled in under settings.
pub(crate) fn far(draft: &Draft, section: &str, missing: &[Missing]) -> Far {
    let clear = !missing.iter().any(|m| m.section == section);
    let untouched = match section {
        "projects" => {
            let texts = [
                &draft.title,
                &draft.lay_summary,
                &draft.public_benefit,
                &draft.commercial,
            ];
            texts.iter().all(|text| text.is_empty())
                && draft.start.is_empty()
                && draft.end.is_empty()
        }
        "data" => draft.datasets.is_empty(),
        "outputs" => {
            let texts = [&draft.minimum_cell, &draft.outputs, &draft.controls];
            texts.iter().all(|text| text.is_empty())
        }
        _ => false,
    };
    match (clear, untouched) {
        (true, _) => Far::Complete,
        (false, true) => Far::Untouched,
        (false, false) => Far::Begun,
    }
}

/// What is missing on one page, as faults of its form: on a page that was begun, not on an empty one.
pub(crate) fn faults<'a>(missing: impl IntoIterator<Item = &'a Missing>) -> Faults {
    let mut faults = Faults::default();
    for one in missing {
        faults.add(&one.field, &one.text);
    }
    faults
}

fn people(draft: &Draft, known: &Known<'_>, list: &mut List) {
    let mut count = 1;
    for entry in draft.entries() {
        count += 1;
        match entry {
            Entry::Words(words) => {
                let text = format!(
                    "{words} is not the full name of one researcher here: give the organisation after a comma, or the number"
                );
                list.add("people", "people", text);
            }
            Entry::Number(id) if !known.people.contains(&id) => {
                list.add(
                    "people",
                    "people",
                    format!("Nobody here has the number {id}"),
                );
            }
            Entry::Number(_) => {}
        }
    }
    if count > PEOPLE_MAX {
        list.add(
            "people",
            "people",
            format!("A project has at most {PEOPLE_MAX} people"),
        );
    }
}

fn project(draft: &Draft, list: &mut List) {
    let section = "projects";
    list.text(section, "title", "title", &draft.title, TITLE_MAX);
    list.text(
        section,
        "lay_summary",
        "lay summary",
        &draft.lay_summary,
        SUMMARY_MAX,
    );
    list.text(
        section,
        "public_benefit",
        "public benefit",
        &draft.public_benefit,
        SUMMARY_MAX,
    );
    let mut faults = Faults::default();
    let start = draft
        .start
        .required(&mut faults, "start", "first day of access");
    let end = draft.end.required(&mut faults, "end", "last day of access");
    for fault in &faults {
        list.add(section, &fault.field, fault.text.clone());
    }
    if let (Some(start), Some(end)) = (start, end)
        && end < start
    {
        list.add(section, "end", "The last day of access is before the first");
    }
    if draft.commercial.is_empty() {
        list.add(
            section,
            "commercial",
            "Say whether a commercial party takes part",
        );
    }
}

fn data(draft: &Draft, known: &Known<'_>, list: &mut List) {
    if draft.datasets.is_empty() {
        list.add("data", "dataset", "Choose at least one dataset");
    }
    for asked in &draft.datasets {
        let id = asked.dataset.parse::<DatasetId>().ok();
        let dataset = id.and_then(|id| known.datasets.get(&id));
        let title = dataset.map_or(asked.dataset.as_str(), |d| d.dictionary.title.as_str());
        let mut add = |field: String, text: String| {
            list.0.push(Missing {
                section: "data",
                dataset: Some(asked.dataset.clone()),
                field,
                text,
            });
        };
        if dataset.is_none() {
            add("dataset".into(), format!("{title} is not in the catalogue"));
        }
        dataset_faults(asked, title, &mut add);
    }
}

fn dataset_faults(asked: &Asked, title: &str, add: &mut impl FnMut(String, String)) {
    if !asked.variables.iter().any(|v| v.ticked) {
        add(
            "variables".into(),
            format!("{title}: ask for at least one variable"),
        );
    }
    for (at, variable) in asked.variables.iter().enumerate().filter(|(_, v)| v.ticked) {
        let name = &variable.source;
        if variable.why.is_empty() {
            add(
                field_of("why", asked, at),
                format!("{title}: say why you need {name}"),
            );
        }
        if transform(&variable.how).is_none() {
            add(
                field_of("how", asked, at),
                format!("{title}: choose how you need {name}"),
            );
        }
    }
    for (at, rows) in asked.rows.iter().enumerate().filter(|(_, r)| !r.is_empty()) {
        if rows.filter().is_none() {
            let text = format!(
                "{title}: a condition on rows needs a variable and either accepted values or a lowest and a highest"
            );
            add(format!("rows-{at}-column"), text);
        }
    }
}

/// Id of a field of a variable on its page: `why-ward`, and `why-ward-2` where it is asked for twice.
pub(crate) fn field_of(what: &str, asked: &Asked, at: usize) -> String {
    let source = asked.variables.get(at).map_or("", |v| v.source.as_str());
    let before = asked
        .variables
        .iter()
        .take(at)
        .filter(|v| v.source == source)
        .count();
    match before {
        0 => format!("{what}-{source}"),
        n => format!("{what}-{source}-{}", n + 1),
    }
}

fn outputs(draft: &Draft, list: &mut List) {
    let section = "outputs";
    match draft.minimum_cell.parse::<u32>() {
        Ok(people) if people <= MINIMUM_CELL_MAX => {}
        _ if draft.minimum_cell.is_empty() => {
            list.add(
                section,
                "minimum_cell",
                "Give the smallest number of people behind a released number",
            );
        }
        _ => list.add(
            section,
            "minimum_cell",
            format!(
                "The smallest number of people must be a whole number up to {MINIMUM_CELL_MAX}"
            ),
        ),
    }
    list.text(
        section,
        "outputs",
        "results that you plan to release",
        &draft.outputs,
        SUMMARY_MAX,
    );
    list.text(
        section,
        "controls",
        "controls that keep them safe",
        &draft.controls,
        SUMMARY_MAX,
    );
}

#[cfg(test)]
mod tests {
    use super::super::application_draft::tests::{author, request};
    use super::super::project_words::SECTIONS;
    use super::*;

    fn datasets() -> BTreeMap<DatasetId, Dataset> {
        let of = |name: &str| {
            let json = format!(
                r#"{{ "id": "dst_{name}", "controller": "per_c", "identifiers_from": "per_i", "payload_from": "per_p",
                      "instruction": null, "dictionary": {{ "title": "{name}", "table": "{name}", "purpose": "payload",
                      "record": "record", "identifiers": {{}}, "variables": [] }} }}"#
            );
            let dataset: Dataset = serde_json::from_str(&json).unwrap();
            (dataset.id.clone(), dataset)
        };
        ["stays", "deaths"].map(of).into()
    }

    fn texts(draft: &Draft) -> Vec<(&'static str, String)> {
        let people = ["per_rowan", "per_alex"]
            .map(|id| id.parse().unwrap())
            .into();
        let datasets = datasets();
        let known = Known {
            datasets: &datasets,
            people: &people,
        };
        let missing = missing(draft, &known);
        missing.into_iter().map(|m| (m.section, m.text)).collect()
    }

    #[test]
    fn nothing_is_missing_in_a_whole_application() {
        assert_eq!(texts(&Draft::of(&request(), 0, &author())), []);
    }

    #[test]
    fn each_gap_is_named_in_its_section() {
        type Change = fn(&mut Draft);
        let cases: [(Change, &str, &str); 14] = [
            (
                |d| d.people = "Alex".into(),
                "people",
                "Alex is not the full name of one researcher here: give the organisation after a comma, or the number",
            ),
            (
                |d| d.people = "per_sam".into(),
                "people",
                "Nobody here has the number per_sam",
            ),
            (|d| d.title.clear(), "projects", "Give the title"),
            (
                |d| d.title = "x".repeat(201),
                "projects",
                "The title has 201 characters; 200 is the most",
            ),
            (
                |d| d.lay_summary.clear(),
                "projects",
                "Give the lay summary",
            ),
            (
                |d| d.end.day.clear(),
                "projects",
                "The last day of access must be a real date, such as 27 3 2027",
            ),
            (
                |d| d.end.year = "2020".into(),
                "projects",
                "The last day of access is before the first",
            ),
            (
                |d| d.commercial.clear(),
                "projects",
                "Say whether a commercial party takes part",
            ),
            (
                |d| d.datasets.clear(),
                "data",
                "Choose at least one dataset",
            ),
            (
                |d| d.datasets[1].variables.clear(),
                "data",
                "deaths: ask for at least one variable",
            ),
            (
                |d| d.datasets[1].variables[0].why.clear(),
                "data",
                "deaths: say why you need cause",
            ),
            (
                |d| d.datasets[0].rows[0].values.clear(),
                "data",
                "stays: a condition on rows needs a variable and either accepted values or a lowest and a highest",
            ),
            (
                |d| d.minimum_cell = "ten".into(),
                "outputs",
                "The smallest number of people must be a whole number up to 10000",
            ),
            (
                |d| d.controls.clear(),
                "outputs",
                "Give the controls that keep them safe",
            ),
        ];
        for (spoil, section, text) in cases {
            let mut draft = Draft::of(&request(), 0, &author());
            spoil(&mut draft);
            assert_eq!(texts(&draft), [(section, text.to_owned())]);
        }
    }

    #[test]
    fn whatever_makes_no_request_is_named() {
        // Nobody is left with a draft that says it is complete and cannot be submitted.
        let mut draft = Draft::default();
        assert!(draft.request(&author()).is_none());
        assert!(!texts(&draft).is_empty());
        draft = Draft::of(&request(), 0, &author());
        draft.datasets[0].variables[0].how = "melt".into();
        assert!(draft.request(&author()).is_none());
        assert_eq!(
            texts(&draft),
            [("data", "stays: choose how you need ward".to_owned())]
        );
    }

    #[test]
    fn a_section_is_untouched_begun_or_complete() {
        let known = |draft: &Draft, section| {
            let (datasets, people) = (datasets(), BTreeSet::new());
            let known = Known {
                datasets: &datasets,
                people: &people,
            };
            far(draft, section, &missing(draft, &known))
        };
        let empty = Draft::default();
        let far: Vec<Far> = SECTIONS.iter().map(|(s, _)| known(&empty, s)).collect();
        assert_eq!(
            far,
            [
                Far::Complete,
                Far::Untouched,
                Far::Untouched,
                Far::Complete,
                Far::Untouched
            ]
        );
        let begun = Draft {
            title: "Stays".into(),
            ..Draft::default()
        };
        assert_eq!(known(&begun, "projects"), Far::Begun);
    }

    #[test]
    fn a_variable_that_is_asked_for_twice_has_two_fields() {
        let draft = Draft::of(&request(), 0, &author());
        let asked = &draft.datasets[0];
        let fields: Vec<String> = (0..3).map(|at| field_of("why", asked, at)).collect();
        assert_eq!(fields, ["why-ward", "why-admitted", "why-admitted-2"]);
    }
}
