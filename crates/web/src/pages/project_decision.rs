//! How a submitted application stands with its controllers and the panel.

use std::collections::{BTreeMap, BTreeSet};

use governance::PersonId;
use governance::project::{PanelVerdict, Project, SignatureVerdict, Submitted};
use service::{Caller, Named, ServiceError};

use super::project_words::{self as said, Titles};
use super::words;
use crate::Front;

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

/// Where the decision of a submitted application stands; none in another state.
pub(crate) async fn decision(
    front: &Front,
    caller: &Caller,
    project: &Project,
    titles: &Titles,
) -> Result<Option<Decision>, ServiceError> {
    let Project::Submitted(submitted) = project else {
        return Ok(None);
    };
    let mut controllers = BTreeMap::new();
    for asked in &submitted.request.datasets {
        let dataset = front.service.dataset(caller, &asked.dataset).await?;
        controllers.insert(asked.dataset.clone(), dataset.controller);
    }
    let people: BTreeSet<PersonId> = controllers
        .values()
        .chain(submitted.votes.iter().map(|vote| &vote.by))
        .chain(&submitted.core.interests)
        .cloned()
        .collect();
    let names = front.service.names(caller, people).await?;
    let me = &caller.person.id;
    let signatures = submitted
        .request
        .datasets
        .iter()
        .map(|asked| {
            let signature = submitted.signatures.get(&asked.dataset);
            let controller = controllers.get(&asked.dataset);
            Signed {
                dataset: asked.dataset.to_string(),
                title: titles.title(&asked.dataset).to_owned(),
                controller: controller.map_or_else(String::new, |id| name(&names, id)),
                state: match signature.map(|s| s.verdict) {
                    Some(SignatureVerdict::Signed) => "signed",
                    Some(SignatureVerdict::Declined) => "declined",
                    None => "waiting",
                },
                at: signature.map_or_else(String::new, |s| words::moment(s.at)),
                mine: signature.is_none() && controller == Some(me),
            }
        })
        .collect();
    Ok(Some(Decision {
        signatures,
        votes: votes(submitted, &names, titles),
        have: submitted.votes.len(),
        need: front.service.policies().tiers.quorum(submitted.tier),
        tally: tally(submitted),
        interests: submitted
            .core
            .interests
            .iter()
            .map(|id| name(&names, id))
            .collect(),
        i_voted: submitted.votes.iter().any(|vote| vote.by == *me),
        i_declared: submitted.core.interests.contains(me),
    }))
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
