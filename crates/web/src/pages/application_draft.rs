//! The draft of an application: everything as it was typed, valid or not. It grants nothing; only the
//! [`Request`] that is made of it at submission is frozen.

use std::collections::BTreeSet;

use governance::person::Person;
use governance::request::{
    Commercial, DatasetRequest, EventPseudonym, Request, RowFilter, VariableRequest, View,
};
use governance::{DatasetId, PersonId};
use serde::{Deserialize, Serialize};

use super::application_coarsen::{how, name_for, transform};
use super::fields::DateTyped;

/// An application while it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    /// Title; lists of projects read it from here.
    pub(crate) title: String,
    /// Number of the version that had been submitted when it was saved; 0 before the first.
    pub(crate) base: u32,
    pub(crate) lay_summary: String,
    pub(crate) public_benefit: String,
    /// `none`, `involved`, or empty.
    pub(crate) commercial: String,
    pub(crate) start: DateTyped,
    pub(crate) end: DateTyped,
    /// People besides the author, one a line, as typed; a name that was found has its number beside it.
    pub(crate) people: String,
    pub(crate) datasets: Vec<Asked>,
    pub(crate) minimum_cell: String,
    /// Which results are to be released.
    pub(crate) outputs: String,
    /// What keeps them safe.
    pub(crate) controls: String,
    /// `rows`, or anything else for checked results only.
    #[serde(default)]
    pub(crate) view: String,
}

/// What is asked of one dataset, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    /// The dataset's id.
    pub(crate) dataset: String,
    /// Whether rows are to carry an event pseudonym.
    pub(crate) event: bool,
    pub(crate) variables: Vec<AskedVariable>,
    pub(crate) rows: Vec<AskedRows>,
}

/// A variable with its reason, as typed; also one that is not ticked, so that its reason is not lost.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedVariable {
    /// Variable of the data dictionary.
    pub(crate) source: String,
    /// Name in the extract; empty for the usual one.
    pub(crate) name: String,
    /// How it is coarsened, as the form's select says it.
    pub(crate) how: String,
    pub(crate) why: String,
    /// Whether it is ticked.
    pub(crate) ticked: bool,
}

/// A condition on rows, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AskedRows {
    pub(crate) column: String,
    /// Accepted values, one a line.
    pub(crate) values: String,
    pub(crate) from: String,
    pub(crate) to: String,
}

/// What somebody on the project is entered by.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Entry<'a> {
    /// A person's number.
    Number(PersonId),
    /// Words in which there is none, or a number that is not one.
    Words(&'a str),
}

/// What a line of the field for people holds: its numbers, whatever stands around them, or all of it.
pub(crate) fn entries(line: &str) -> Vec<Entry<'_>> {
    let between = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')');
    let numbers: Vec<Entry<'_>> = line
        .split(between)
        .filter(|word| word.starts_with(PersonId::PREFIX))
        .map(|word| word.parse().map_or(Entry::Words(word), Entry::Number))
        .collect();
    match line.trim() {
        words if numbers.is_empty() && !words.is_empty() => vec![Entry::Words(words)],
        _ => numbers,
    }
}

impl Draft {
    /// The draft to go on with: the one that was saved since the last submission; else the last version
    /// submitted; else a saved text that is a whole application; else an empty one.
    pub(crate) fn go_on(
        stored: Option<&str>,
        base: u32,
        last: Option<&Request>,
        author: &PersonId,
    ) -> Self {
        let saved = stored.and_then(|text| serde_json::from_str::<Self>(text).ok());
        if let Some(saved) = saved.filter(|draft| draft.base == base) {
            return saved;
        }
        if let Some(last) = last {
            return Self::of(last, base, author);
        }
        match stored.and_then(|text| serde_json::from_str::<Request>(text).ok()) {
            Some(request) => Self::of(&request, base, author),
            None => Self {
                base,
                ..Self::default()
            },
        }
    }

    /// The draft that says what a request says.
    pub(crate) fn of(request: &Request, base: u32, author: &PersonId) -> Self {
        let others = request.people.iter().filter(|id| *id != author);
        Self {
            title: request.title.clone(),
            base,
            lay_summary: request.lay_summary.clone(),
            public_benefit: request.public_benefit.clone(),
            commercial: match request.commercial {
                Commercial::None => "none".into(),
                Commercial::Involved => "involved".into(),
            },
            start: request.start.into(),
            end: request.end.into(),
            people: others.map(PersonId::as_str).collect::<Vec<_>>().join("\n"),
            datasets: request.datasets.iter().map(Asked::of).collect(),
            minimum_cell: request.minimum_cell.to_string(),
            outputs: request.outputs.clone(),
            controls: request.controls.clone(),
            view: request.view.word().to_owned(),
        }
    }

    /// The request that it makes, or none while something in it cannot be read. Whether it may be asked for
    /// is not judged here.
    pub(crate) fn request(&self, author: &PersonId) -> Option<Request> {
        let mut people = self.people()?;
        people.insert(author.clone());
        Some(Request {
            title: self.title.clone(),
            lay_summary: self.lay_summary.clone(),
            public_benefit: self.public_benefit.clone(),
            people,
            datasets: self
                .datasets
                .iter()
                .map(Asked::request)
                .collect::<Option<_>>()?,
            start: self.start.date()?,
            end: self.end.date()?,
            minimum_cell: self.minimum_cell.parse().ok()?,
            commercial: match self.commercial.as_str() {
                "none" => Commercial::None,
                "involved" => Commercial::Involved,
                _ => return None,
            },
            outputs: self.outputs.clone(),
            controls: self.controls.clone(),
            view: self.view(),
        })
    }

    /// What the screen is to show: rows only where that was chosen.
    pub(crate) fn view(&self) -> View {
        if self.view == View::Rows.word() {
            View::Rows
        } else {
            View::Aggregates
        }
    }

    /// What stands in the field for people.
    pub(crate) fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        self.people.lines().flat_map(entries)
    }

    fn people(&self) -> Option<BTreeSet<PersonId>> {
        let number = |entry| match entry {
            Entry::Number(id) => Some(id),
            Entry::Words(_) => None,
        };
        self.entries().map(number).collect()
    }

    /// What is asked of a dataset.
    pub(crate) fn asked(&self, dataset: &DatasetId) -> Option<&Asked> {
        self.datasets.iter().find(|a| a.dataset == dataset.as_str())
    }

    /// Asks for these datasets and no other; what was typed about those that stay is kept.
    pub(crate) fn choose<'a>(&mut self, datasets: impl Iterator<Item = &'a str>) {
        let mut before = std::mem::take(&mut self.datasets);
        for dataset in datasets {
            if self.datasets.iter().any(|a| a.dataset == dataset) {
                continue;
            }
            let at = before.iter().position(|a| a.dataset == dataset);
            self.datasets.push(match at {
                Some(at) => before.swap_remove(at),
                None => Asked {
                    dataset: dataset.to_owned(),
                    ..Asked::default()
                },
            });
        }
    }

    /// Everybody who would be on the project and whose number can be read.
    pub(crate) fn everybody(&self, author: &Person) -> BTreeSet<PersonId> {
        let numbers = self.entries().filter_map(|entry| match entry {
            Entry::Number(id) => Some(id),
            Entry::Words(_) => None,
        });
        numbers.chain([author.id.clone()]).collect()
    }
}

impl Asked {
    fn of(asked: &DatasetRequest) -> Self {
        Self {
            dataset: asked.dataset.to_string(),
            event: asked.event == EventPseudonym::Present,
            variables: asked.variables.iter().map(AskedVariable::of).collect(),
            rows: asked.rows.iter().map(AskedRows::of).collect(),
        }
    }

    fn request(&self) -> Option<DatasetRequest> {
        let ticked = self.variables.iter().filter(|v| v.ticked);
        Some(DatasetRequest {
            dataset: self.dataset.parse().ok()?,
            variables: ticked.map(AskedVariable::request).collect::<Option<_>>()?,
            event: if self.event {
                EventPseudonym::Present
            } else {
                EventPseudonym::Absent
            },
            rows: self
                .rows
                .iter()
                .map(AskedRows::filter)
                .collect::<Option<_>>()?,
        })
    }

    /// Whether nothing has been said about it yet.
    pub(crate) fn is_untouched(&self) -> bool {
        self.variables.is_empty() && self.rows.is_empty() && !self.event
    }
}

impl AskedVariable {
    fn of(asked: &VariableRequest) -> Self {
        let usual = name_for(asked.source(), &asked.transform);
        Self {
            source: asked.source().to_owned(),
            name: if asked.name == usual {
                String::new()
            } else {
                asked.name.clone()
            },
            how: how(&asked.transform),
            why: asked.why.clone(),
            ticked: true,
        }
    }

    fn request(&self) -> Option<VariableRequest> {
        let transform = transform(&self.how)?;
        let name = if self.name.is_empty() {
            name_for(&self.source, &transform)
        } else {
            self.name.clone()
        };
        Some(VariableRequest {
            source: Some(self.source.clone()).filter(|source| *source != name),
            name,
            transform,
            why: self.why.clone(),
        })
    }
}

impl AskedRows {
    fn of(filter: &RowFilter) -> Self {
        match filter {
            RowFilter::In { column, values } => Self {
                column: column.clone(),
                values: values.join("\n"),
                ..Self::default()
            },
            RowFilter::Between { column, from, to } => Self {
                column: column.clone(),
                from: from.clone(),
                to: to.clone(),
                ..Self::default()
            },
        }
    }

    /// The condition, or none while it says neither or both.
    pub(crate) fn filter(&self) -> Option<RowFilter> {
        let column = Some(self.column.clone()).filter(|column| !column.is_empty())?;
        let values: Vec<String> = self
            .values
            .lines()
            .map(|line| line.trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect();
        let ends = [&self.from, &self.to].map(|end| !end.is_empty());
        match (values.is_empty(), ends) {
            (false, [false, false]) => Some(RowFilter::In { column, values }),
            (true, [true, true]) => Some(RowFilter::Between {
                column,
                from: self.from.clone(),
                to: self.to.clone(),
            }),
            _ => None,
        }
    }

    /// Whether nothing was typed.
    pub(crate) fn is_empty(&self) -> bool {
        [&self.column, &self.values, &self.from, &self.to]
            .iter()
            .all(|text| text.trim().is_empty())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::pages) fn author() -> PersonId {
        "per_rowan".parse().unwrap()
    }

    /// A request as somebody would send it over the API, with everything that can be asked.
    pub(in crate::pages) fn request() -> Request {
        serde_json::from_str(
            r#"{
            "title": "Stays", "lay_summary": "How long people stay.", "public_benefit": "Shorter stays.",
            "people": ["per_rowan", "per_alex"], "start": "2026-03-01", "end": "2027-06-30",
            "minimum_cell": 12, "commercial": "involved", "outputs": "Counts by ward.", "controls": "No ages.",
            "datasets": [
              { "dataset": "dst_stays", "event": "present", "variables": [
                { "name": "ward", "why": "We count by it." },
                { "name": "month", "source": "admitted", "transform": { "to": "year_month" }, "why": "Season." },
                { "name": "admitted_order", "source": "admitted", "transform": { "to": "order" }, "why": "First stays." },
                { "name": "born_age_at_admitted", "source": "born", "transform": { "to": "age_at", "date": "admitted" }, "why": "Age." },
                { "name": "district", "source": "postcode", "transform": { "to": "postcode_district" }, "why": "Place." }
              ], "rows": [
                { "is": "in", "column": "ward", "values": ["A1", "B2"] },
                { "is": "between", "column": "admitted", "from": "2022-01-01", "to": "2026-12-31" } ] },
              { "dataset": "dst_deaths", "variables": [ { "name": "cause", "why": "Outcome." } ] } ] }"#,
        )
        .unwrap()
    }

    #[test]
    fn a_request_becomes_a_draft_and_the_same_request_again() {
        let draft = Draft::of(&request(), 1, &author());
        assert_eq!(draft.people, "per_alex", "the author is always on it");
        assert_eq!(draft.request(&author()), Some(request()));
        let stored = serde_json::to_string(&draft).unwrap();
        let read = Draft::go_on(Some(&stored), 1, None, &author());
        assert_eq!(read, draft);
    }

    #[test]
    fn a_draft_goes_on_from_what_is_newest() {
        let mine = Draft {
            title: "Mine".into(),
            base: 1,
            ..Draft::default()
        };
        let mine = serde_json::to_string(&mine).unwrap();
        let whole = serde_json::to_string(&request()).unwrap();
        let last = request();
        for (stored, base, last, title) in [
            (None, 0, None, ""),
            (Some("not json"), 0, None, ""),
            (Some(whole.as_str()), 0, None, "Stays"),
            (Some(mine.as_str()), 1, Some(&last), "Mine"),
            // It was saved before the last version was submitted, from somewhere else perhaps.
            (Some(mine.as_str()), 2, Some(&last), "Stays"),
        ] {
            let draft = Draft::go_on(stored, base, last, &author());
            assert_eq!(
                (draft.title.as_str(), draft.base),
                (title, base),
                "{stored:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_makes_no_request_and_stays_as_it_was_typed() {
        let good = Draft::of(&request(), 0, &author());
        assert!(good.request(&author()).is_some());
        type Spoil = fn(&mut Draft);
        let spoil: [(&str, Spoil); 7] = [
            ("no commercial", |d| d.commercial.clear()),
            ("date", |d| d.end.month = "13".into()),
            ("number", |d| d.minimum_cell = "ten".into()),
            ("people", |d| d.people = "Alex".into()),
            ("coarsening", |d| {
                d.datasets[0].variables[0].how = "melt".into()
            }),
            ("rows with neither", |d| {
                d.datasets[0].rows[0].values.clear()
            }),
            ("rows with both", |d| {
                d.datasets[0].rows[1].values = "x".into()
            }),
        ];
        for (what, spoil) in spoil {
            let mut draft = good.clone();
            spoil(&mut draft);
            assert_eq!(draft.request(&author()), None, "{what}");
            let stored = serde_json::to_string(&draft).unwrap();
            assert_eq!(
                Draft::go_on(Some(&stored), 0, None, &author()),
                draft,
                "{what}"
            );
        }
    }

    #[test]
    fn a_variable_that_is_not_ticked_is_not_asked_for_and_keeps_its_reason() {
        let mut draft = Draft::of(&request(), 0, &author());
        draft.datasets[1].variables[0].ticked = false;
        assert!(
            draft.request(&author()).unwrap().datasets[1]
                .variables
                .is_empty()
        );
        assert_eq!(draft.datasets[1].variables[0].why, "Outcome.");
    }

    #[test]
    fn datasets_that_stay_keep_what_was_typed() {
        let mut draft = Draft::of(&request(), 0, &author());
        draft.choose(["dst_new", "dst_stays", "dst_stays"].into_iter());
        let names: Vec<&str> = draft.datasets.iter().map(|a| a.dataset.as_str()).collect();
        assert_eq!(names, ["dst_new", "dst_stays"]);
        assert!(draft.datasets[0].is_untouched());
        assert_eq!(draft.datasets[1].variables.len(), 5);
    }
}
