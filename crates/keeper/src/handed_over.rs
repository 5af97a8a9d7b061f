//! Whether an output that changed hands may be given out: the keeper asks for both people's own records.

use std::collections::BTreeSet;

use governance::dataset::Dataset;
use governance::output::{HandedOver, Output};
use governance::person::Person;
use governance::project::Project;
use governance::recovery::Recovery;
use governance::{PersonId, Refusal};
use protocol::keeper::Refused;

use crate::books::Books;
use crate::error::by_rule;

impl Books {
    /// Whether the recovery under which an output changed hands was open then, of its workspace, and of two people
    /// of two roles who are not on the project.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub(crate) async fn may_have_changed_hands(
        &self,
        output: &Output,
        handed: &HandedOver,
    ) -> Result<(), Refused> {
        let not = |what| by_rule(Refusal::NotApproved(what));
        let recovery: Recovery = self.get(handed.recovery.as_str()).await?;
        let (asked, core) = (recovery.core(), output.core());
        if asked.workspace != core.workspace || asked.project != core.project {
            return Err(by_rule(Refusal::Elsewhere("the recovery of this output")));
        }
        let opening = recovery
            .opening()
            .ok_or_else(|| not("the recovery of this output"))?;
        let ended = match &recovery {
            Recovery::Ended { at, .. } => (*at).min(opening.until),
            Recovery::Open { .. }
            | Recovery::Asked { .. }
            | Recovery::Refused { .. }
            | Recovery::Lapsed { .. } => opening.until,
        };
        if handed.at < opening.since || handed.at > ended {
            return Err(by_rule(Refusal::RecoveryOver(ended)));
        }
        let project: Project = self.get(core.project.as_str()).await?;
        let people = project.people();
        if !people.contains(&core.author) {
            return Err(by_rule(Refusal::NotAMember));
        }
        let controllers = self.controllers(&project).await?;
        let asker: Person = self.get(asked.asked_by.as_str()).await?;
        let confirmer: Person = self.get(opening.confirmed_by.as_str()).await?;
        asked
            .of_two_people(&people, &controllers, &asker, &confirmer)
            .map_err(by_rule)
    }

    /// Who answers for the approved datasets of a project.
    async fn controllers(&self, project: &Project) -> Result<BTreeSet<PersonId>, Refused> {
        let mut controllers = BTreeSet::new();
        for asked in project.manifest().map_or(&[][..], |m| &m.datasets) {
            let dataset: Dataset = self.get(asked.dataset.as_str()).await?;
            controllers.insert(dataset.controller);
        }
        Ok(controllers)
    }
}
