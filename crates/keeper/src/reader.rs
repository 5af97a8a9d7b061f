//! Whether whoever rows are read for may have them read, now and while they are.

use governance::PersonId;
use governance::dataset::Dataset;
use governance::job::{Screen, Task};
use governance::measure::{Core, Measurement};
use governance::output::Output;
use governance::person::Person;
use governance::project::InForce;
use protocol::keeper::Refused;

use crate::authority::Desk;
use crate::error::by_rule;

impl Desk<'_> {
    /// The researcher for whom rows are read must be fit, and on the project or allowed to have its people
    /// counted, while they are.
    pub(crate) async fn must_permit(&self, project: &InForce, task: &Task) -> Result<(), Refused> {
        let (person, count): (PersonId, Option<Core>) = match task {
            Task::Query { person, screen, .. } => {
                self.must_be_at_a_desktop(screen)?;
                (person.clone(), None)
            }
            Task::Check { output } => {
                let output: Output = self.books.get(output.as_str()).await?;
                (output.core().author.clone(), None)
            }
            Task::Measure { measurement } => {
                let measurement: Measurement = self.books.get(measurement.as_str()).await?;
                let core = measurement.core();
                (core.author.clone(), Some(core.clone()))
            }
            Task::LoadIdentifiers { .. }
            | Task::LoadPayload { .. }
            | Task::Index { .. }
            | Task::Extract { .. } => return Ok(()),
        };
        let person: Person = self.books.get(person.as_str()).await?;
        match count.and_then(|core| Some((core.feasibility?, core.price))) {
            None => project.permit(&person, self.now).map_err(by_rule)?,
            Some((dataset, price)) => {
                let dataset: Dataset = self.books.get(dataset.as_str()).await?;
                let permit = project.count_permit(&dataset, &person, self.now);
                let permit = permit.map_err(by_rule)?;
                let covered = permit.must_cover_measuring(&price, &person.id, self.now);
                covered.map_err(by_rule)?;
                permit
            }
        };
        Ok(())
    }

    /// A screen that shows rows is one of the site's locked desktops, by the keeper's own list.
    fn must_be_at_a_desktop(&self, screen: &Screen) -> Result<(), Refused> {
        match screen {
            Screen::Checked => Ok(()),
            Screen::Rows { desktop } => {
                let admitted = self.desktops.admit(desktop.address());
                admitted.map(drop).map_err(by_rule)
            }
        }
    }
}
