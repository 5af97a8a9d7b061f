//! What changed from one submitted version of an application to the next, field by field and in texts word
//! by word, so that those who decide need not read it all again.

use std::collections::{BTreeMap, BTreeSet};

use askama::Template;
use axum::extract::{Path, Query, State};
use governance::request::Request;
use governance::{DatasetId, PersonId, ProjectId};
use serde::Deserialize;
use service::{ProjectReading, ServiceError, Version};

use super::difference_fields::{Field, fields};
use super::difference_words::{Piece, pieces};
use super::project_words::{SECTIONS, Titles};
use super::refusal::Told;
use super::session::Visitor;
use super::shell::{Reply, Shell, page};
use super::words;
use crate::{Front, Ready};

#[derive(Template)]
#[template(path = "changes.html")]
struct Page {
    shell: Shell,
    id: ProjectId,
    title: String,
    /// Number and moment of the older and the newer version.
    versions: Option<[(u64, String); 2]>,
    sections: Vec<Section>,
}

/// Changes of one section.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) changes: Vec<Changed>,
}

/// A field that is not what it was.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) what: String,
    /// `Added`, `Removed` or `Changed`.
    pub(crate) how: &'static str,
    pub(crate) pieces: Vec<Piece>,
}

/// Which versions to compare, by number; the last two when left out.
#[derive(Deserialize)]
pub(crate) struct Between {
    #[serde(default)]
    from: Option<u64>,
    #[serde(default)]
    to: Option<u64>,
}

pub(crate) async fn show(
    State(front): Ready,
    visitor: Visitor,
    Path(id): Path<ProjectId>,
    Query(between): Query<Between>,
) -> Reply {
    let reading = front.service.read_project(&visitor.caller, &id).await?;
    let title = reading.project().core().title.clone();
    let versions = reading.versions().await?;
    let pair = pair(&versions, &between)?;
    let sections = match pair {
        None => Vec::new(),
        Some([old, new]) => {
            let old = read(&reading, &versions, old).await?;
            let new = read(&reading, &versions, new).await?;
            let (names, titles) = names(&front, &visitor, [&old, &new]).await?;
            differences(&old, &new, &names, &titles)
        }
    };
    page(&Page {
        shell: Shell::of(&visitor, "What changed"),
        id,
        title,
        versions: pair.map(|pair| pair.map(|v| (v.number, words::moment(v.at)))),
        sections,
    })
}

/// The two versions asked for; none while there is only one.
fn pair<'a>(
    versions: &'a [Version],
    between: &Between,
) -> Result<Option<[&'a Version; 2]>, ServiceError> {
    let numbered = |number: u64| {
        let found = versions.iter().find(|v| v.number == number);
        found.ok_or(ServiceError::NotFound("version of this application"))
    };
    let new = match between.to {
        Some(number) => numbered(number)?,
        None => match versions.last() {
            Some(last) => last,
            None => return Ok(None),
        },
    };
    let old = match between.from {
        Some(number) => numbered(number)?,
        None => match versions.iter().rev().find(|v| v.number < new.number) {
            Some(before) => before,
            None => return Ok(None),
        },
    };
    Ok(Some([old, new]))
}

async fn read(
    reading: &ProjectReading<'_>,
    versions: &[Version],
    version: &Version,
) -> Result<Request, Told> {
    let bytes = reading.application(versions, &version.sha256).await?;
    Ok(serde_json::from_slice(&bytes).map_err(ServiceError::from)?)
}

async fn names(
    front: &Front,
    visitor: &Visitor,
    requests: [&Request; 2],
) -> Result<(BTreeMap<PersonId, String>, Titles), Told> {
    let (service, caller) = (&front.service, &visitor.caller);
    let people = requests.iter().flat_map(|r| r.people.iter().cloned());
    let named = service.names(caller, people).await?;
    let names = named
        .into_iter()
        .map(|(id, named)| (id, named.name))
        .collect();
    let asked = requests.iter().flat_map(|r| r.datasets.iter());
    let ids: BTreeSet<&DatasetId> = asked.map(|d| &d.dataset).collect();
    let mut titles = Vec::new();
    for id in ids {
        if let Ok(dataset) = service.dataset(caller, id).await {
            titles.push((id.clone(), dataset.dictionary.title));
        }
    }
    Ok((names, Titles::of(titles)))
}

/// What is different, in the order of the sections; what is the same is left out.
pub(crate) fn differences(
    old: &Request,
    new: &Request,
    names: &BTreeMap<PersonId, String>,
    titles: &Titles,
) -> Vec<Section> {
    let (old, new) = (fields(old, names, titles), fields(new, names, titles));
    let sections = SECTIONS.iter().map(|&(word, title)| {
        let of = |all: &[Field]| -> Vec<Field> {
            all.iter().filter(|f| f.section == word).cloned().collect()
        };
        Section {
            title,
            changes: changed(&of(&old), &of(&new)),
        }
    });
    sections
        .filter(|section| !section.changes.is_empty())
        .collect()
}

/// In the order of the new version; what it has no more comes last.
fn changed(old: &[Field], new: &[Field]) -> Vec<Changed> {
    let before = |field: &Field| old.iter().find(|o| o.key == field.key);
    let mut changes: Vec<Changed> = new
        .iter()
        .filter_map(|field| match before(field) {
            None => Some(Changed {
                what: field.what.clone(),
                how: "Added",
                pieces: vec![Piece::Added(field.text.clone())],
            }),
            Some(old) if old.text != field.text => Some(Changed {
                what: field.what.clone(),
                how: "Changed",
                pieces: pieces(&old.text, &field.text),
            }),
            Some(_) => None,
        })
        .collect();
    let gone = old.iter().filter(|o| !new.iter().any(|n| n.key == o.key));
    changes.extend(gone.map(|field| Changed {
        what: field.what.clone(),
        how: "Removed",
        pieces: vec![Piece::Removed(field.text.clone())],
    }));
    changes
}

#[cfg(test)]
mod tests {
    use super::super::application_draft::tests::request;
    use super::*;

    fn between(change: fn(&mut Request)) -> Vec<String> {
        let old = request();
        let mut new = old.clone();
        change(&mut new);
        let names = [("per_alex".parse().unwrap(), "Alex".to_owned())].into();
        let titles = Titles::of([("dst_stays".parse().unwrap(), "Hospital stays".to_owned())]);
        let sections = differences(&old, &new, &names, &titles);
        let lines = sections.iter().flat_map(|section| {
            section.changes.iter().map(|change| {
                let pieces: Vec<String> = change
                    .pieces
                    .iter()
                    .map(|p| match p {
                        Piece::Same(text) => text.clone(),
                        Piece::Added(text) => format!("+[{text}]"),
                        Piece::Removed(text) => format!("-[{text}]"),
                    })
                    .collect();
                format!(
                    "{} | {} | {}: {}",
                    section.title,
                    change.how,
                    change.what,
                    pieces.concat()
                )
            })
        });
        lines.collect()
    }

    #[test]
    fn the_same_request_has_no_difference() {
        assert_eq!(between(|_| {}), [""; 0]);
    }

    #[test]
    fn each_change_is_told_in_its_section_and_nothing_else() {
        type Change = fn(&mut Request);
        let cases: [(Change, &[&str]); 10] = [
            (
                |r| r.title = "Long stays".into(),
                &["Safe projects | Changed | Title: -[Stays]+[Long stays]"],
            ),
            (
                |r| r.lay_summary = "How long young people stay.".into(),
                &["Safe projects | Changed | Lay summary: How long +[young ]people stay."],
            ),
            (
                |r| drop(r.people.pop_first()),
                &["Safe people | Removed | Alex: -[on the project]"],
            ),
            (
                |r| r.end = "2027-12-31".parse().unwrap(),
                &[
                    "Safe projects | Changed | Last day of access: -[30]+[31] -[June]+[December] 2027",
                ],
            ),
            (
                |r| r.minimum_cell = 20,
                &[
                    "Safe outputs | Changed | Smallest number of people behind a released number: -[12]+[20]",
                ],
            ),
            (
                |r| r.view = governance::request::View::Rows,
                &["Safe settings | Changed | Screen: -[checked results]+[rows]"],
            ),
            (
                |r| drop(r.datasets.remove(1)),
                &[
                    "Safe data | Removed | dst_deaths: -[asked for]",
                    "Safe data | Removed | dst_deaths: cause: -[as delivered. Why: Outcome.]",
                    "Safe data | Removed | dst_deaths: event pseudonym: -[no]",
                ],
            ),
            (
                |r| r.datasets[0].variables[0].why = "We count by ward.".into(),
                &[
                    "Safe data | Changed | Hospital stays: ward: as delivered. Why: We count by -[it]+[ward].",
                ],
            ),
            (
                |r| drop(r.datasets[0].rows.remove(0)),
                &[
                    "Safe data | Removed | Hospital stays: condition on ward: -[ward is one of: A1, B2]",
                ],
            ),
            (
                |r| r.datasets[0].event = governance::request::EventPseudonym::Absent,
                &["Safe data | Changed | Hospital stays: event pseudonym: -[yes]+[no]"],
            ),
        ];
        for (change, expected) in cases {
            assert_eq!(between(change), expected);
        }
    }

    #[test]
    fn the_last_two_versions_are_compared_unless_others_are_named() {
        let version = |number| Version {
            sha256: "ab".repeat(32).try_into().unwrap(),
            number,
            at: governance::Timestamp::UNIX_EPOCH,
        };
        let three = [version(1), version(2), version(3)];
        for (versions, from, to, expected) in [
            (&three[..0], None, None, None),
            (&three[..1], None, None, None),
            (&three[..], None, None, Some([2, 3])),
            (&three[..], Some(1), None, Some([1, 3])),
            (&three[..], None, Some(2), Some([1, 2])),
        ] {
            let got = pair(versions, &Between { from, to }).unwrap();
            assert_eq!(got.map(|pair| pair.map(|v| v.number)), expected);
        }
        let between = Between {
            from: Some(9),
            to: None,
        };
        assert!(pair(&three, &between).is_err());
    }
}
