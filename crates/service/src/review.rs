//! What output checkers and auditors read of outputs: what waits, what was decided, and who said what in each
//! turn, as far as the blindness of a review allows.

use std::collections::{BTreeMap, BTreeSet};

use governance::output::{Output, ReviewVerdict, Verdict};
use governance::{Action, By, Fact, Lifecycle, OutputId, PersonId, Sha256, TieKind, Timestamp};
use serde::Serialize;
use store::{Brief, Order, Search, Told};

use crate::cases::{Cases, Standing};
use crate::error::ServiceError;
use crate::log::EventView;
use crate::views::Named;
use crate::{Caller, Service};

/// What waits for output checkers, with what they do about it.
const WAITING: [(&str, Action); 2] = [
    ("under_review", Action::VoteOnOutput),
    ("approved", Action::ReleaseOutput),
];
/// What people decided.
const DECIDED: [&str; 3] = ["released", "refused", "recalled"];

/// An output in a list of those who check or audit.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewItem {
    /// The output.
    pub output: OutputId,
    /// Title of its project.
    pub title: String,
    /// Who wants it out.
    pub author: Named,
    /// Name of its state.
    pub state: &'static str,
    /// Since when it is in this state.
    pub since: Timestamp,
    /// What the machine said, while it waits.
    pub verdict: Option<Verdict>,
    /// Votes that are in, while it is under review.
    pub votes: usize,
    /// The caller's own vote, once they have voted.
    pub own: Option<ReviewVerdict>,
    /// Hash of the bytes under review or released.
    pub bytes: Option<Sha256>,
}

/// From one submission of an output to the decision on it.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewTurn {
    /// From 1.
    pub number: u64,
    /// When it was put before output checkers.
    pub submitted: Timestamp,
    /// Which version: `exact` or `treated`.
    pub rendering: String,
    /// Votes that are in.
    pub votes: usize,
    /// State in which it left the review; none while it is under review.
    pub outcome: Option<String>,
    /// What was said, as far as the caller may read it now.
    pub said: Vec<ReviewSaid>,
}

/// One output checker's word.
#[derive(Debug, Clone, Serialize)]
pub struct ReviewSaid {
    /// Who.
    pub by: Named,
    /// When.
    pub at: Timestamp,
    /// The vote, where it is known: how somebody voted is kept while the review lasts, and follows from the
    /// outcome where all agreed.
    pub verdict: Option<ReviewVerdict>,
    /// What they said to the author; empty for nothing.
    pub comment: String,
}

/// A vote as the log tells it.
struct Cast {
    by: PersonId,
    at: Timestamp,
    leaf: u64,
    verdict: Option<ReviewVerdict>,
}

/// A turn as the log tells it.
struct Turn {
    submitted: Timestamp,
    rendering: String,
    cast: Vec<Cast>,
    outcome: Option<String>,
}

impl Service {
    /// Outputs that wait for output checkers who are not on their project, oldest first.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn outputs_in_review(
        &self,
        caller: &Caller,
    ) -> Result<Vec<ReviewItem>, ServiceError> {
        let me = caller.id().as_str();
        let on = [(TieKind::On, me)];
        let cases = Cases::new(self, caller, self.now()?);
        let states: Vec<&str> = WAITING
            .into_iter()
            .filter(|(state, action)| cases.may(*action, state, Standing::Apart))
            .map(|(state, _)| state)
            .collect();
        let search = Search {
            states: &states,
            untied: &on,
            project_untied: &on,
            limit: self.policies.limits.page,
            ..Search::default()
        };
        let briefs = self.store.search::<Output>(search).await?;
        self.review_items(caller, briefs).await
    }

    /// Outputs under review by output checkers who are not on their project, oldest first; at most a page. `after`
    /// is the last one of the page before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn review_queue(
        &self,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<Vec<OutputId>, ServiceError> {
        let briefs = self.under_review::<Output>(caller, Action::VoteOnOutput, after);
        let ids = briefs.await?.into_iter();
        ids.map(|brief| OutputId::try_from(brief.id).map_err(|_| ServiceError::NotFound("output")))
            .collect()
    }

    /// What is under review and waits for this act of somebody who is not on its project, as the caller is not; at
    /// most a page, the longest waiting first. `after` is the last one of the page before.
    pub(crate) async fn under_review<S: Lifecycle>(
        &self,
        caller: &Caller,
        act: Action,
        after: Option<&str>,
    ) -> Result<Vec<Brief>, ServiceError> {
        let on = [(TieKind::On, caller.id().as_str())];
        let cases = Cases::new(self, caller, self.now()?);
        let states = cases.states(act, &["under_review"], Standing::Apart);
        let search = Search {
            states: &states,
            untied: &on,
            project_untied: &on,
            limit: self.policies.limits.page,
            after,
            ..Search::default()
        };
        Ok(self.store.search::<S>(search).await?)
    }

    /// Outputs that people decided on, newest in their state first. `after` is the last one of the page before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn outputs_decided(
        &self,
        caller: &Caller,
        after: Option<&OutputId>,
    ) -> Result<Vec<ReviewItem>, ServiceError> {
        let cases = Cases::new(self, caller, self.now()?);
        let states = cases.states(Action::ViewOutput, &DECIDED, Standing::Apart);
        let search = Search {
            states: &states,
            order: Order::NewestFirst,
            limit: self.policies.limits.page,
            after: after.map(OutputId::as_str),
            ..Search::default()
        };
        let briefs = self.store.search::<Output>(search).await?;
        self.review_items(caller, briefs).await
    }

    /// Every turn of an output's review, oldest first. While it is under review an output checker reads only
    /// their own word of the last turn, and both once theirs is among two; others read none.
    ///
    /// # Errors
    /// If the caller may not read the output.
    pub async fn review_turns(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Vec<ReviewTurn>, ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::ViewOutput).await?;
        // Comments are for the author, and may tell what was unsafe.
        let reads = project.people().contains(caller.id())
            || self
                .output_for(caller, id, Action::ViewCheckerComments)
                .await
                .is_ok();
        let mut turns = turns(&self.every_event(id.as_str()).await?);
        settle(&mut turns, &held.value, caller.id());
        let by: BTreeSet<PersonId> = turns
            .iter()
            .flat_map(|turn| turn.cast.iter().map(|cast| cast.by.clone()))
            .collect();
        let names = self.names(caller, by).await?;
        let open = turns
            .len()
            .checked_sub(1)
            .filter(|_| held.value.state() == "under_review");
        let mut views = Vec::with_capacity(turns.len());
        for (index, turn) in turns.into_iter().enumerate() {
            let votes = turn.cast.len();
            let mut said = Vec::new();
            for cast in turn.cast {
                // In the open turn only votes that may be seen have a verdict.
                if open == Some(index) && cast.verdict.is_none() {
                    continue;
                }
                said.push(ReviewSaid {
                    comment: if reads {
                        self.said(cast.leaf).await?
                    } else {
                        String::new()
                    },
                    by: Named::of(&names, &cast.by),
                    at: cast.at,
                    verdict: cast.verdict,
                });
            }
            views.push(ReviewTurn {
                number: u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1),
                submitted: turn.submitted,
                rendering: turn.rendering,
                votes,
                outcome: turn.outcome,
                said,
            });
        }
        Ok(views)
    }

    /// What the log tells of an output, for those who may read it.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn output_events(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<Vec<EventView>, ServiceError> {
        self.output_for(caller, id, Action::ViewOutput).await?;
        let events = self.every_event(id.as_str()).await?;
        Ok(events.into_iter().map(EventView::of).collect())
    }

    /// What came with a vote.
    async fn said(&self, leaf: u64) -> Result<String, ServiceError> {
        for (kind, sha256, _) in self.store.attachments(leaf).await? {
            if kind == "comment" {
                let bytes = self.store.document(&sha256).await?.unwrap_or_default();
                return String::from_utf8(bytes).map_err(|_| ServiceError::NotFound("document"));
            }
        }
        Ok(String::new())
    }

    async fn review_items(
        &self,
        caller: &Caller,
        briefs: Vec<Brief>,
    ) -> Result<Vec<ReviewItem>, ServiceError> {
        let ids = briefs.iter().map(|brief| brief.id.as_str());
        let mut held = self.store.load_all::<Output>(ids).await?;
        let authors = held.values().map(|h| h.value.core().author.clone());
        let authors: BTreeSet<PersonId> = authors.collect();
        let names = self.names(caller, authors).await?;
        let item = |brief: Brief| {
            let output = held.remove(&brief.id)?.value;
            Some(item(&output, brief, &names, caller.id()))
        };
        Ok(briefs.into_iter().filter_map(item).collect())
    }
}

fn item(
    output: &Output,
    brief: Brief,
    names: &BTreeMap<PersonId, Named>,
    me: &PersonId,
) -> ReviewItem {
    let core = output.core();
    let (votes, bytes) = match output {
        Output::UnderReview(review) => (review.votes.as_slice(), Some(&review.file)),
        Output::Approved(approved) => (&[][..], Some(&approved.file)),
        Output::Released(released) => (&[][..], Some(&released.file)),
        Output::Recalled { file, .. } => (&[][..], Some(file)),
        Output::Staged { .. }
        | Output::Checked { .. }
        | Output::Uncheckable { .. }
        | Output::ChangesRequested { .. }
        | Output::Refused { .. }
        | Output::Withdrawn { .. } => (&[][..], None),
    };
    ReviewItem {
        output: core.id.clone(),
        title: brief.title,
        author: Named::of(names, &core.author),
        state: output.state(),
        since: brief.since,
        verdict: output.checked().map(|checked| checked.verdict),
        votes: votes.len(),
        own: votes.iter().find(|v| v.by == *me).map(|v| v.verdict),
        bytes: bytes.map(|file| file.sha256.clone()),
    }
}

/// The turns that the log tells of.
fn turns(events: &[Told]) -> Vec<Turn> {
    let word = |told: &Told, name: &str| match told.facts.get(name) {
        Some(Fact::Word(word)) => Some(word.clone()),
        Some(Fact::Count(_) | Fact::Words(_)) | None => None,
    };
    let mut turns: Vec<Turn> = Vec::new();
    for event in events {
        if event.action == Action::SubmitOutput {
            turns.push(Turn {
                submitted: event.at,
                rendering: word(event, "rendering").unwrap_or_default(),
                cast: Vec::new(),
                outcome: None,
            });
            continue;
        }
        let Some(turn) = turns.last_mut() else {
            continue;
        };
        if event.action == Action::VoteOnOutput {
            if let By::Person(by) = &event.by {
                turn.cast.push(Cast {
                    by: by.clone(),
                    at: event.at,
                    leaf: event.leaf,
                    verdict: None,
                });
            }
            turn.outcome = word(event, "outcome").filter(|state| state != "under_review");
        } else if event.action == Action::WithdrawOutput && turn.outcome.is_none() {
            turn.outcome = Some("withdrawn".into());
        }
    }
    turns
}

/// Says how people voted, where that is known and may be told to this person.
fn settle(turns: &mut [Turn], output: &Output, me: &PersonId) {
    for turn in turns.iter_mut() {
        let agreed = match (turn.cast.len(), turn.outcome.as_deref()) {
            (2, Some("approved")) => Some(ReviewVerdict::Approve),
            (2, Some("changes_requested")) => Some(ReviewVerdict::RequestChanges),
            (2, Some("refused")) => Some(ReviewVerdict::Refuse),
            (_, Some(_) | None) => None,
        };
        for cast in &mut turn.cast {
            cast.verdict = agreed;
        }
    }
    let Some(last) = turns.last_mut() else { return };
    match output {
        Output::UnderReview(review) => {
            let seen = review.visible_to(me);
            for cast in &mut last.cast {
                let vote = seen.iter().find(|vote| vote.by == cast.by);
                cast.verdict = vote.map(|vote| vote.verdict);
            }
        }
        Output::Approved(approved) => {
            for cast in last
                .cast
                .iter_mut()
                .filter(|cast| approved.by.contains(&cast.by))
            {
                cast.verdict = Some(ReviewVerdict::Approve);
            }
        }
        Output::Released(released) => {
            let by = &released.approved_by;
            for cast in last.cast.iter_mut().filter(|cast| by.contains(&cast.by)) {
                cast.verdict = Some(ReviewVerdict::Approve);
            }
        }
        Output::Staged { .. }
        | Output::Checked { .. }
        | Output::Uncheckable { .. }
        | Output::ChangesRequested { .. }
        | Output::Refused { .. }
        | Output::Withdrawn { .. }
        | Output::Recalled { .. } => {}
    }
}

#[cfg(test)]
mod tests;
