//! What governance holds of a project, in words for its page. No rule: only wording.

use std::collections::BTreeMap;

use governance::dataset::Dataset;
use governance::project::{Condition, PanelVerdict};
use governance::request::{
    Commercial, DatasetRequest, EventPseudonym, RowFilter, Tier, Transform, View,
};
use governance::{DatasetId, Fact};

use super::words;

/// Accepted values of a condition on rows that a page writes out; more are counted.
const VALUES_SHOWN: usize = 30;

/// Sections of an application, by the word under which comments are kept.
pub(crate) const SECTIONS: [(&str, &str); 5] = [
    ("people", "Safe people"),
    ("projects", "Safe projects"),
    ("data", "Safe data"),
    ("settings", "Safe settings"),
    ("outputs", "Safe outputs"),
];

/// Title of a section.
pub(crate) fn section(word: &str) -> Option<&'static str> {
    SECTIONS
        .iter()
        .find(|(section, _)| *section == word)
        .map(|(_, title)| *title)
}

/// Titles of datasets.
#[derive(Debug, Default)]
pub(crate) struct Titles(BTreeMap<DatasetId, String>);

impl Titles {
    pub(crate) fn of(titles: impl IntoIterator<Item = (DatasetId, String)>) -> Self {
        Self(titles.into_iter().collect())
    }

    /// Those of these datasets.
    pub(crate) fn of_all(datasets: &BTreeMap<DatasetId, Dataset>) -> Self {
        let datasets = datasets.iter();
        Self::of(datasets.map(|(id, d)| (id.clone(), d.dictionary.title.clone())))
    }

    /// A dataset's title; its id where the title is not known.
    pub(crate) fn title<'a>(&'a self, id: &'a DatasetId) -> &'a str {
        self.0.get(id).map_or(id.as_str(), String::as_str)
    }

    /// As [`Titles::title`], for an id that came as text.
    pub(crate) fn title_of<'a>(&'a self, id: &'a str) -> &'a str {
        self.0
            .iter()
            .find(|(known, _)| known.as_str() == id)
            .map_or(id, |(_, title)| title.as_str())
    }
}

/// What is asked of one dataset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) variables: Vec<AskedVariable>,
    /// Conditions on rows.
    pub(crate) rows: Vec<String>,
    /// What is said of event pseudonyms.
    pub(crate) events: &'static str,
}

/// One variable that is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct AskedVariable {
    pub(crate) name: String,
    /// Variable of the data dictionary and how it is coarsened.
    pub(crate) how: String,
    pub(crate) why: String,
}

/// What is asked of datasets.
pub(crate) fn asked(datasets: &[DatasetRequest], titles: &Titles) -> Vec<Asked> {
    datasets
        .iter()
        .map(|d| Asked {
            id: d.dataset.to_string(),
            title: titles.title(&d.dataset).to_owned(),
            variables: d
                .variables
                .iter()
                .map(|v| AskedVariable {
                    name: v.name.clone(),
                    how: if v.source() == v.name {
                        transform(&v.transform)
                    } else {
                        format!("from {}: {}", v.source(), transform(&v.transform))
                    },
                    why: v.why.clone(),
                })
                .collect(),
            rows: d.rows.iter().map(rows).collect(),
            events: match d.event {
                EventPseudonym::Absent => "Rows carry no event pseudonym.",
                EventPseudonym::Present => {
                    "Rows carry an event pseudonym, so that tables of one event can be joined."
                }
            },
        })
        .collect()
}

pub(crate) fn transform(transform: &Transform) -> String {
    match transform {
        Transform::Keep => "as delivered".into(),
        Transform::AgeAt { date } => format!("age in completed years at {date}, 90 and over as 90"),
        Transform::YearMonth => "first day of the month".into(),
        Transform::Year => "calendar year".into(),
        Transform::PostcodeDistrict => "postcode district".into(),
        Transform::PostcodeArea => "postcode area".into(),
        Transform::Order => "position among the person's rows".into(),
    }
}

fn rows(filter: &RowFilter) -> String {
    match filter {
        RowFilter::In { column, values } => {
            let shown: Vec<&str> = values
                .iter()
                .take(VALUES_SHOWN)
                .map(String::as_str)
                .collect();
            let more = match values.len().saturating_sub(VALUES_SHOWN) {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            format!("{column} is one of: {}{more}", shown.join(", "))
        }
        RowFilter::Between { column, from, to } => {
            format!("{column} is from {from} to {to}, ends included")
        }
    }
}

/// A condition as a sentence.
pub(crate) fn condition(condition: &Condition, titles: &Titles) -> String {
    match condition {
        Condition::MinimumCell { people } => {
            format!("At least {people} people behind every released number.")
        }
        Condition::ExcludeVariable { dataset, variable } => {
            format!("{variable} of {} is not given.", titles.title(dataset))
        }
        Condition::EndBy { day } => {
            format!("Access ends on {} at the latest.", words::day(*day))
        }
        Condition::AggregatesOnly {} => view(View::Aggregates).to_owned(),
    }
}

/// A vote.
pub(crate) fn verdict(verdict: PanelVerdict) -> &'static str {
    match verdict {
        PanelVerdict::Approve => "Approve",
        PanelVerdict::Return => "Return",
        PanelVerdict::Refuse => "Refuse",
    }
}

/// A tier.
pub(crate) fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::One => "Tier one",
        Tier::Two => "Tier two",
    }
}

/// Whether a commercial party takes part.
pub(crate) fn commercial(commercial: Commercial) -> &'static str {
    match commercial {
        Commercial::None => "No commercial party takes part.",
        Commercial::Involved => "A commercial party takes part.",
    }
}

/// What the screen of a workspace may show, as a sentence.
pub(crate) fn view(view: View) -> &'static str {
    match view {
        View::Aggregates => "The screen shows checked results only, never rows of people.",
        View::Rows => {
            "The screen shows rows of people as well, on the safe haven's locked desktops and nowhere else."
        }
    }
}

/// An event of a project's history.
pub(crate) fn told(action: &str) -> String {
    let text = match action {
        "start_application" => "Began the application",
        "submit_application" => "Submitted a version",
        "sign_for_dataset" => "Signed for a dataset",
        "decline_for_dataset" => "Declined for a dataset",
        "vote_on_application" => "Voted",
        "declare_interest" => "Declared an interest",
        "comment_on_project" | "comment_on_output" => "Commented",
        "approve_application" => "Approved the application",
        "return_application" => "Returned the application",
        "refuse_application" => "Refused the application",
        "withdraw_application" => "Withdrew the application",
        "commence_project" => "Put the project in force",
        "renew_papers" => "Renewed the papers",
        "expire_project" => "Ended the project on its day",
        "revoke_project" => "Revoked the project",
        "close_project" => "Closed the project",
        "destroy_project" => "Had the project's secrets destroyed",
        "order_indexing" => "Ordered an indexing",
        "open_review" => "Chose pairs for clerical review",
        "begin_review" => "Began a clerical review",
        "finish_review" => "Handed in the answers of a clerical review",
        "end_review" => "Ended a clerical review without links",
        "complete_indexing" => "Completed an indexing",
        "fail_indexing" => "Gave up an indexing",
        "order_extract" => "Ordered an extract",
        "seal_extract" => "Sealed an extract",
        "fail_extract" => "Gave up an extract",
        "destroy_extract" => "Destroyed an extract",
        "open_workspace" => "Opened a workspace",
        "suspend_workspace" => "Suspended a workspace",
        "resume_workspace" => "Resumed a workspace",
        "close_workspace" => "Closed a workspace",
        "ask_recovery" => "Asked for a recovery",
        "confirm_recovery" => "Confirmed a recovery",
        "refuse_recovery" => "Refused a recovery",
        "lapse_recovery" => "Let a recovery lapse",
        "read_recovery" => "Read saved statements under a recovery",
        "hand_over_statements" => "Handed saved statements over",
        "end_recovery" => "Ended a recovery",
        "expire_recovery" => "Ended a recovery at its time",
        "hand_over_output" => "Handed an output over",
        "run_query" => "Ran a query",
        "stage_output" => "Staged an output",
        "complete_check" => "Checked an output",
        "fail_check" => "Could not check an output",
        "compare_output" => "Compared an output with what left",
        "submit_output" => "Submitted an output",
        "vote_on_output" => "Reviewed an output",
        "release_output" => "Released an output",
        "download_output" => "Downloaded a release",
        "withdraw_output" => "Withdrew an output",
        "recall_output" => "Called a release back",
        "queue_job" => "Queued a job",
        "finish_job" => "Finished a job",
        "fail_job" => "Gave up a job",
        "cancel_job" => "Cancelled a job",
        other => return other.replace('_', " "),
    };
    text.to_owned()
}

/// What an event's leaf tells besides, such as `verdict: approve`.
pub(crate) fn fact(name: &str, fact: &Fact) -> String {
    let value = match fact {
        Fact::Count(n) => n.to_string(),
        Fact::Word(word) => word.clone(),
        Fact::Words(words) => words.join(", "),
    };
    format!("{}: {value}", name.replace('_', " "))
}

#[cfg(test)]
mod tests {
    use governance::Action;
    use governance::request::VariableRequest;

    use super::*;

    fn titles() -> Titles {
        Titles::of([("dst_a".parse().unwrap(), "Hospital stays".to_owned())])
    }

    #[test]
    fn a_condition_reads_as_a_sentence() {
        for (json, text) in [
            (
                r#"{"condition":"minimum_cell","people":10}"#,
                "At least 10 people behind every released number.",
            ),
            (
                r#"{"condition":"exclude_variable","dataset":"dst_a","variable":"ward"}"#,
                "ward of Hospital stays is not given.",
            ),
            (
                r#"{"condition":"exclude_variable","dataset":"dst_b","variable":"ward"}"#,
                "ward of dst_b is not given.",
            ),
            (
                r#"{"condition":"end_by","day":"2027-03-07"}"#,
                "Access ends on 7 March 2027 at the latest.",
            ),
            (
                r#"{"condition":"aggregates_only"}"#,
                "The screen shows checked results only, never rows of people.",
            ),
        ] {
            let parsed: Condition = serde_json::from_str(json).unwrap();
            assert_eq!(condition(&parsed, &titles()), text);
        }
    }

    #[test]
    fn every_variable_is_shown_with_how_and_why() {
        let variable = |name: &str, source: Option<&str>, transform| VariableRequest {
            name: name.into(),
            source: source.map(str::to_owned),
            transform,
            why: "because".into(),
        };
        let request = DatasetRequest {
            dataset: "dst_a".parse().unwrap(),
            variables: vec![
                variable("ward", None, Transform::Keep),
                variable(
                    "age",
                    Some("born"),
                    Transform::AgeAt {
                        date: "admitted".into(),
                    },
                ),
            ],
            event: EventPseudonym::Absent,
            rows: vec![RowFilter::In {
                column: "ward".into(),
                values: (0..32).map(|n| n.to_string()).collect(),
            }],
        };
        let shown = asked(&[request], &titles());
        let first = shown.first().unwrap();
        assert_eq!(first.title, "Hospital stays");
        let how: Vec<&str> = first.variables.iter().map(|v| v.how.as_str()).collect();
        assert_eq!(
            how,
            [
                "as delivered",
                "from born: age in completed years at admitted, 90 and over as 90"
            ]
        );
        assert!(first.rows.iter().all(|r| r.ends_with(", 29 and 2 more")));
    }

    #[test]
    fn every_act_on_a_project_has_its_words() {
        let kinds = [
            "project",
            "indexing",
            "extract",
            "workspace",
            "recovery",
            "output",
            "job",
        ];
        for row in Action::TABLE {
            let read = row.word.starts_with("view_");
            if kinds.contains(&row.kind) && !read {
                assert_ne!(told(row.word), row.word.replace('_', " "), "{}", row.word);
            }
        }
    }
}
