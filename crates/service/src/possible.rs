//! What the caller may do to a thing as it stands: for pages that offer an act only to who may take it. It
//! grants nothing; each act is authorised again, and its rule may still refuse.

use std::collections::BTreeSet;

use governance::action::{Actor, Row};
use governance::output::Output;
use governance::person::Person;
use governance::project::Project;
use governance::{Action, Lifecycle, OutputId, PersonId, ProjectId};

use crate::access::Object;
use crate::error::ServiceError;
use crate::{Caller, Service};

/// What does not exist yet is in no state.
const UNBORN: &str = "-";
/// Kinds of things that a project in force has.
const WITHIN: [&str; 3] = ["indexing", "extract", "workspace"];

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
        let project = self.load::<Project>(id.as_str()).await?.value;
        let object = self.project_object(&project).await?;
        let now = self.now()?;
        self.authorise(caller, Action::ViewProject, &object, now)?;
        let state = project.state();
        let people = project.people();
        let mut possible = BTreeSet::new();
        for row in acts() {
            let may = if row.kind == Project::KIND && row.states.contains(&state) {
                self.authorise(caller, row.action, &object, now).is_ok()
            } else if WITHIN.contains(&row.kind) && project.in_force(row.action).is_ok() {
                row.states.iter().any(|within| {
                    let thing = Object::new(row.kind)
                        .in_state(within)
                        .people(people.iter().cloned());
                    self.authorise(caller, row.action, &thing, now).is_ok()
                })
            } else {
                false
            };
            if may {
                possible.insert(row.action);
            }
        }
        Ok(possible)
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
        Ok(acts()
            .filter(|row| row.kind == Person::KIND && row.states.contains(&person.state()))
            .filter(|row| self.authorise(caller, row.action, &object, now).is_ok())
            .map(|row| row.action)
            .collect())
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
        let mut possible: BTreeSet<Action> = acts()
            .filter(|row| row.kind == Output::KIND && row.states.contains(&held.value.state()))
            .filter(|row| self.authorise(caller, row.action, &object, now).is_ok())
            .map(|row| row.action)
            .collect();
        // Nobody votes twice.
        if let Output::UnderReview(review) = &held.value
            && review.votes.iter().any(|vote| vote.by == *caller.id())
        {
            possible.remove(&Action::VoteOnOutput);
        }
        Ok(possible)
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
fn acts() -> impl Iterator<Item = &'static Row> {
    Action::TABLE
        .iter()
        .filter(|row| row.actor == Actor::Person)
}
