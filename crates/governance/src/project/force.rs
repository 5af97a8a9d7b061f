//! Projects in force: how they begin, whom they permit what, and how they end.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;

use super::state::{InForce, Papers, Project};
use crate::action::Action;
use crate::change::{By, Change, Lifecycle};
use crate::dataset::Dataset;
use crate::ids::{DatasetId, PersonId, ProjectId, Sha256};
use crate::measure::Loss;
use crate::person::Person;
use crate::refusal::Refusal;
use crate::request::View;

/// Proof that a person may use a project's data now, or have its people counted. Made only by
/// [`InForce::permit`] and [`InForce::count_permit`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    person: PersonId,
    project: ProjectId,
    manifest: Sha256,
    last_day: Date,
    view: View,
    /// For counts of people alone: of which dataset, and at which price.
    counts: Option<(DatasetId, Loss)>,
}

impl Permit {
    /// Whose it is.
    #[must_use]
    pub fn person(&self) -> &PersonId {
        &self.person
    }
    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectId {
        &self.project
    }
    /// Hash of the manifest that permits it.
    #[must_use]
    pub fn manifest(&self) -> &Sha256 {
        &self.manifest
    }
    /// Last day of access.
    #[must_use]
    pub fn last_day(&self) -> Date {
        self.last_day
    }
    /// What the screen of a workspace may show.
    #[must_use]
    pub fn view(&self) -> View {
        self.view
    }

    /// The dataset whose people may be counted, and nothing else done, if that is all that is permitted.
    #[must_use]
    pub fn counts(&self) -> Option<&DatasetId> {
        self.counts.as_ref().map(|(dataset, _)| dataset)
    }

    /// A permit is one person's, and ends with the approval however long it was kept. One for counts covers
    /// no statement and no output.
    pub(crate) fn must_cover(&self, by: &PersonId, at: Timestamp) -> Result<(), Refusal> {
        match &self.counts {
            None => self.must_be_of(by, at),
            Some(_) => Err(Refusal::NotAMember),
        }
    }

    /// Whether it covers a measurement at a price: any, or for counts the one that the controller set.
    ///
    /// # Errors
    /// If it is another person's, has ended, or is for counts at another price.
    pub fn must_cover_measuring(
        &self,
        price: &Loss,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<(), Refusal> {
        match &self.counts {
            Some((_, set)) if set != price => Err(Refusal::NotApproved("this price of a count")),
            Some(_) | None => self.must_be_of(by, at),
        }
    }

    fn must_be_of(&self, by: &PersonId, at: Timestamp) -> Result<(), Refusal> {
        if *by != self.person {
            return Err(Refusal::NotAMember);
        }
        if crate::day_of(at) > self.last_day {
            return Err(Refusal::Ended(self.last_day));
        }
        Ok(())
    }
}

impl Project {
    /// Puts an approval in force. Papers are on file and every person is fit today; the manifest is signed.
    ///
    /// # Errors
    /// The first thing that is missing or lapsed.
    pub fn commence(
        self,
        papers: Papers,
        people: &BTreeMap<PersonId, Person>,
        manifest_sha256: Sha256,
        signature: String,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::Approved(approved) = self else {
            return Err(Action::CommenceProject.wrong_state(Self::KIND, state));
        };
        if approved.manifest.people.contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        if signature.trim().is_empty() {
            return Err(Refusal::Paper("keeper's signature"));
        }
        let today = crate::day_of(at);
        if approved.manifest.end < today {
            return Err(Refusal::Ended(approved.manifest.end));
        }
        papers.good_on(today)?;
        for id in &approved.manifest.people {
            match people.get(id) {
                Some(person) => person.fit_on(today)?,
                None => return Err(Refusal::Elsewhere("a person on the project")),
            }
        }
        let (hash, end) = (manifest_sha256.clone(), approved.manifest.end);
        let to = Self::InForce(InForce {
            core: approved.core,
            manifest: approved.manifest,
            manifest_sha256,
            signature,
            papers,
        });
        let change = Change::new(to, Action::CommenceProject, &By::Person(by.clone()), at);
        Ok(change.fact("manifest", &hash).fact("end", &end))
    }

    /// Files papers in place of those that lapsed or will. While one has lapsed, nobody has a right in the
    /// project: [`InForce::live_at`].
    ///
    /// # Errors
    /// If the project is not in force or has ended, one of the papers is not good today, or whoever files them
    /// is on the project.
    pub fn renew_papers(
        self,
        papers: Papers,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::InForce(mut in_force) = self else {
            return Err(Action::RenewPapers.wrong_state(Self::KIND, state));
        };
        in_force.must_not_be_on(by)?;
        let today = crate::day_of(at);
        if in_force.manifest.end < today {
            return Err(Refusal::Ended(in_force.manifest.end));
        }
        papers.good_on(today)?;
        let until = papers.until();
        in_force.papers = papers;
        let by = By::Person(by.clone());
        let change = Change::new(Self::InForce(in_force), Action::RenewPapers, &by, at);
        Ok(change.fact("until", &until))
    }

    /// Ends a project whose last day has passed.
    ///
    /// # Errors
    /// If it has not.
    pub fn expire(self, at: Timestamp) -> Result<Change<Self>, Refusal> {
        let state = self.state();
        let Self::InForce(in_force) = self else {
            return Err(Action::ExpireProject.wrong_state(Self::KIND, state));
        };
        if crate::day_of(at) <= in_force.manifest.end {
            return Err(Refusal::NotEnded(in_force.manifest.end));
        }
        let to = Self::Expired {
            core: in_force.core,
            manifest: in_force.manifest,
        };
        Ok(Change::new(to, Action::ExpireProject, &By::System, at))
    }

    /// Ends a project before its day: by a controller of one of its datasets, or by the panel's chair when
    /// `dataset` is none.
    ///
    /// # Errors
    /// If the dataset is not in the project or the person is not its controller.
    pub fn revoke(
        self,
        dataset: Option<&Dataset>,
        by: &PersonId,
        at: Timestamp,
    ) -> Result<Change<Self>, Refusal> {
        let manifest = match &self {
            Self::Approved(a) => &a.manifest,
            Self::InForce(f) => &f.manifest,
            Self::Draft { .. }
            | Self::Submitted(_)
            | Self::Returned { .. }
            | Self::Refused { .. }
            | Self::Withdrawn { .. }
            | Self::Expired { .. }
            | Self::Revoked { .. }
            | Self::Closed { .. }
            | Self::Destroyed { .. } => {
                return Err(Action::RevokeProject.wrong_state(Self::KIND, self.state()));
            }
        };
        if let Some(dataset) = dataset {
            dataset.must_control(by)?;
            if !manifest.datasets.iter().any(|d| d.dataset == dataset.id) {
                return Err(Refusal::Elsewhere("this dataset"));
            }
        }
        let (core, manifest) = (self.core().clone(), manifest.clone());
        let change = Change::new(
            Self::Revoked { core, manifest },
            Action::RevokeProject,
            &By::Person(by.clone()),
            at,
        );
        Ok(match dataset {
            Some(dataset) => change.fact("dataset", &dataset.id),
            None => change,
        })
    }
}

impl InForce {
    /// Whether the approval itself is live at a moment, whoever asks: it has begun and not ended, and every
    /// paper under it is good.
    ///
    /// # Errors
    /// The first of these that does not hold.
    pub fn live_at(&self, at: Timestamp) -> Result<(), Refusal> {
        let today = crate::day_of(at);
        if today < self.manifest.start {
            return Err(Refusal::NotBegun(self.manifest.start));
        }
        if today > self.manifest.end {
            return Err(Refusal::Ended(self.manifest.end));
        }
        self.papers.good_on(today)
    }

    /// Who is on it: everybody that was approved, and the author.
    #[must_use]
    pub fn people(&self) -> BTreeSet<PersonId> {
        let mut people = self.manifest.people.clone();
        people.insert(self.core.author.clone());
        people
    }

    /// Who serves a project is not on it.
    pub(crate) fn must_not_be_on(&self, by: &PersonId) -> Result<(), Refusal> {
        if self.people().contains(by) {
            return Err(Refusal::OnTheProject(by.clone()));
        }
        Ok(())
    }

    /// Whether a person may use the project's data now.
    ///
    /// # Errors
    /// If the approval is not live, the person is not on it, or their standing lapsed.
    pub fn permit(&self, person: &Person, at: Timestamp) -> Result<Permit, Refusal> {
        self.live_at(at)?;
        if !self.manifest.people.contains(&person.id) {
            return Err(Refusal::NotAMember);
        }
        person.fit_on(crate::day_of(at))?;
        Ok(Permit {
            person: person.id.clone(),
            project: self.core.id.clone(),
            manifest: self.manifest_sha256.clone(),
            last_day: self.manifest.end.min(self.papers.until()),
            view: self.manifest.view,
            counts: None,
        })
    }

    /// Whether a person, on the project or not, may have people of one of its datasets counted now: the
    /// dataset's controller allows it through this project.
    ///
    /// # Errors
    /// If the approval is not live or does not include the dataset, its controller allows no counts or allows
    /// them through another project, or the person's standing lapsed.
    pub fn count_permit(
        &self,
        dataset: &Dataset,
        person: &Person,
        at: Timestamp,
    ) -> Result<Permit, Refusal> {
        self.live_at(at)?;
        self.must_include(&dataset.id)?;
        let allowed = dataset.feasibility_at(at)?;
        if allowed.project != self.core.id {
            return Err(Refusal::NoFeasibility(dataset.id.clone()));
        }
        person.fit_on(crate::day_of(at))?;
        Ok(Permit {
            person: person.id.clone(),
            project: self.core.id.clone(),
            manifest: self.manifest_sha256.clone(),
            last_day: self.manifest.end.min(self.papers.until()),
            view: View::Aggregates,
            counts: Some((dataset.id.clone(), Loss::of_rho(allowed.nano_rho))),
        })
    }

    /// Whether a dataset was approved for the project.
    pub(crate) fn must_include(&self, dataset: &DatasetId) -> Result<(), Refusal> {
        let approved = &self.manifest.datasets;
        if approved.iter().any(|asked| asked.dataset == *dataset) {
            Ok(())
        } else {
            Err(Refusal::NotApproved("this dataset"))
        }
    }
}
