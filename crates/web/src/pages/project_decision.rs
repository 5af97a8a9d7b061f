//! How a submitted application stands with its controllers and the panel.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::project::{PanelVerdict, Project, SignatureVerdict, Submitted};
use governance::request::TierPolicy;
use governance::{DatasetId, PersonId};
use service::Named;

use super::project_words::{self as said, Titles};
use super::words;

/// Where a decision stands.
pub(crate) struct Decision {
    pub(crate) signatures: Vec<Signed>,
    pub(crate) votes: Vec<Voted>,
    /// Votes that are in.
    pub(crate) have: usize,
    /// Votes that the tier needs.
    pub(crate) need: u32,
    /// How the votes stand, in words.
    pub(crate) tally: String,
    /// Who declared an interest.
    pub(crate) interests: Vec<String>,
    /// Whether the visitor's vote is among them.
    pub(crate) i_voted: bool,
    /// Whether the visitor declared an interest.
    pub(crate) i_declared: bool,
}

/// A controller's word, given or awaited.
pub(crate) struct Signed {
    pub(crate) dataset: String,
    pub(crate) title: String,
    pub(crate) controller: String,
    /// `signed`, `declined` or `waiting`.
    pub(crate) state: &'static str,
    pub(crate) at: String,
    /// Whether it is the visitor's to give.
    pub(crate) mine: bool,
}

/// A panel member's vote.
pub(crate) struct Voted {
    pub(crate) by: String,
    pub(crate) verdict: &'static str,
    pub(crate) conditions: Vec<String>,
    pub(crate) at: String,
}

/// Who answers for each dataset that a submitted application asks for; empty in another state.
pub(crate) fn controllers(
    project: &Project,
    datasets: &BTreeMap<DatasetId, Dataset>,
) -> BTreeMap<DatasetId, PersonId> {
    let Project::Submitted(submitted) = project else {
        return BTreeMap::new();
    };
    let asked = submitted.request.datasets.iter();
    asked
        .filter_map(|asked| datasets.get(&asked.dataset))
        .map(|dataset| (dataset.id.clone(), dataset.controller.clone()))
        .collect()
}

/// Everybody whom the decision names.
pub(crate) fn people(
    project: &Project,
    controllers: &BTreeMap<DatasetId, PersonId>,
) -> BTreeSet<PersonId> {
    let Project::Submitted(submitted) = project else {
        return BTreeSet::new();
    };
    let votes = submitted.votes.iter().map(|vote| &vote.by);
    votes
        .chain(controllers.values())
        .chain(&submitted.core.interests)
        .cloned()
        .collect()
}

/// What a decision is told with.
pub(crate) struct Telling<'a> {
    pub(crate) me: &'a PersonId,
    pub(crate) controllers: &'a BTreeMap<DatasetId, PersonId>,
    pub(crate) names: &'a BTreeMap<PersonId, Named>,
    pub(crate) titles: &'a Titles,
}

impl Telling<'_> {
    /// Where the decision of a submitted application stands; none in another state.
    pub(crate) fn decision(&self, project: &Project, tiers: &TierPolicy) -> Option<Decision> {
        let Project::Submitted(submitted) = project else {
            return None;
        };
        let asked = submitted.request.datasets.iter();
        Some(Decision {
            signatures: asked
                .map(|asked| self.signed(submitted, &asked.dataset))
                .collect(),
            votes: votes(submitted, self.names, self.titles),
            have: submitted.votes.len(),
            need: tiers.quorum(submitted.tier),
            tally: tally(submitted),
            interests: submitted
                .core
                .interests
                .iter()
                .map(|id| name(self.names, id))
                .collect(),
            i_voted: submitted.votes.iter().any(|vote| vote.by == *self.me),
            i_declared: submitted.core.interests.contains(self.me),
        })
    }

    fn signed(&self, submitted: &Submitted, dataset: &DatasetId) -> Signed {
        let signature = submitted.signatures.get(dataset);
        let controller = self.controllers.get(dataset);
        Signed {
            dataset: dataset.to_string(),
            title: self.titles.title(dataset).to_owned(),
            controller: controller.map_or_else(String::new, |id| name(self.names, id)),
            state: match signature.map(|s| s.verdict) {
                Some(SignatureVerdict::Signed) => "signed",
                Some(SignatureVerdict::Declined) => "declined",
                None => "waiting",
            },
            at: signature.map_or_else(String::new, |s| words::moment(s.at)),
            mine: signature.is_none() && controller == Some(self.me),
        }
    }
}

fn votes(submitted: &Submitted, names: &BTreeMap<PersonId, Named>, titles: &Titles) -> Vec<Voted> {
    submitted
        .votes
        .iter()
        .map(|vote| Voted {
            by: name(names, &vote.by),
            verdict: said::verdict(vote.verdict),
            conditions: vote
                .conditions
                .iter()
                .map(|c| said::condition(c, titles))
                .collect(),
            at: words::moment(vote.at),
        })
        .collect()
}

/// How the votes stand.
fn tally(submitted: &Submitted) -> String {
    let count = |verdict| {
        submitted
            .votes
            .iter()
            .filter(|v| v.verdict == verdict)
            .count()
    };
    format!(
        "{} approve, {} return, {} refuse",
        count(PanelVerdict::Approve),
        count(PanelVerdict::Return),
        count(PanelVerdict::Refuse)
    )
}

fn name(names: &BTreeMap<PersonId, Named>, id: &PersonId) -> String {
    names
        .get(id)
        .map_or_else(|| id.to_string(), |named| named.name.clone())
}
