//! What the caller may do to a thing as it stands: for pages that offer an act only to who may take it. It
//! grants nothing; each act is authorised again, and its rule may still refuse.

use std::collections::BTreeSet;

use governance::action::{Actor, Row};
use governance::output::Output;
use governance::person::Person;
use governance::{Action, Lifecycle, OutputId, PersonId, ProjectId, Timestamp};

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// What does not exist yet is in no state.
const UNBORN: &str = "-";
/// Kinds of things that a project in force has.
pub(crate) const WITHIN: [&str; 3] = ["indexing", "extract", "workspace"];

impl Service {
    /// What the caller may do to a project in its state, and what they may begin or keep within it.
    ///
    /// # Errors
    /// If the caller may not read it.
    pub async fn possible(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<BTreeSet<Action>, ServiceError> {
        Ok(self.read_project(caller, id).await?.possible())
    }

    /// What the caller may do to a person.
    ///
    /// # Errors
    /// If the caller may not read who is here.
    pub async fn possible_with(
        &self,
        caller: &Caller,
        id: &PersonId,
    ) -> Result<BTreeSet<Action>, ServiceError> {
        let person = self.person(caller, id).await?;
        let now = self.now()?;
        let object = Object::of(&person).people([id.clone()]);
        Ok(self.possible_to(caller, &object, (Person::KIND, person.state()), now))
    }

    /// What the caller may do to an output in its state.
    ///
    /// # Errors
    /// If the caller may not read it.
    pub async fn possible_with_output(
        &self,
        caller: &Caller,
        id: &OutputId,
    ) -> Result<BTreeSet<Action>, ServiceError> {
        let (held, project) = self.output_for(caller, id, Action::ViewOutput).await?;
        let now = self.now()?;
        let object = Object::of(&held.value)
            .author(&held.value.core().author)
            .people(project.people());
        let placed = (Output::KIND, held.value.state());
        let mut possible = self.possible_to(caller, &object, placed, now);
        // Nobody votes twice.
        if let Output::UnderReview(review) = &held.value
            && review.votes.iter().any(|vote| vote.by == *caller.id())
        {
            possible.remove(&Action::VoteOnOutput);
        }
        Ok(possible)
    }

    /// What the caller may do to an object of this kind in this state.
    pub(crate) fn possible_to(
        &self,
        caller: &Caller,
        object: &Object,
        (kind, state): (&str, &str),
        now: Timestamp,
    ) -> BTreeSet<Action> {
        let access = &self.policies.access;
        let question = access.question(&caller.person, object, now);
        acts()
            .filter(|row| row.kind == kind && row.states.contains(&state))
            .filter(|row| question.may(row.action).is_ok())
            .map(|row| row.action)
            .collect()
    }

    /// What the caller may begin anew, such as an application or a person.
    ///
    /// # Errors
    /// If the clock moved backwards.
    pub fn possible_anew(&self, caller: &Caller) -> Result<BTreeSet<Action>, ServiceError> {
        let now = self.now()?;
        Ok(acts()
            .filter(|row| row.states == [UNBORN])
            .filter(|row| {
                let object = Object::new(row.kind);
                self.authorise(caller, row.action, &object, now).is_ok()
            })
            .map(|row| row.action)
            .collect())
    }
}

/// What people do.
pub(crate) fn acts() -> impl Iterator<Item = &'static Row> {
    Action::TABLE
        .iter()
        .filter(|row| row.actor == Actor::Person)
}
