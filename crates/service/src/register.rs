//! The public register: what was put in force, for what, until when, and what left. It is read off the log, and
//! each line says which leaves prove it.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::person::Person;
use governance::project::{Manifest, Project};
use governance::request::Request;
use governance::{
    Action, DatasetId, Date, Fact, MeasurementId, OutputId, ProjectId, Sha256, Timestamp,
};
use serde::Serialize;
use store::{EventFilter, LIST_MAX, Order, Search, Told};

use crate::Service;
use crate::error::ServiceError;

/// States of a project that is or may once have been in force.
const BEGUN: [&str; 5] = ["in_force", "expired", "revoked", "closed", "destroyed"];
/// What the register tells of a project.
const PROJECT_ACTS: [Action; 6] = [
    Action::ApproveApplication,
    Action::CommenceProject,
    Action::ExpireProject,
    Action::RevokeProject,
    Action::CloseProject,
    Action::DestroyProject,
];
/// What it tells of what left.
const RELEASE_ACTS: [Action; 4] = [
    Action::ReleaseOutput,
    Action::RecallOutput,
    Action::ReleaseMeasurement,
    Action::ReleaseLabels,
];

/// One project of the public register.
#[derive(Debug, Clone, Serialize)]
pub struct RegisterEntry {
    /// The project.
    pub project: ProjectId,
    /// Title.
    pub title: String,
    /// What it is about; empty once its application was erased.
    pub lay_summary: String,
    /// What the public gains; empty once its application was erased.
    pub public_benefit: String,
    /// Its state.
    pub state: &'static str,
    /// First day of access.
    pub start: Date,
    /// Last day of access.
    pub end: Date,
    /// What it may use.
    pub datasets: Vec<RegisterDataset>,
    /// Outputs and measurements that left and were not called back.
    pub released: u64,
    /// Every release, in the order of the log.
    pub releases: Vec<RegisterRelease>,
    /// What was decided about it, in the order of the log.
    pub acts: Vec<RegisterAct>,
}

/// A dataset that a project may use.
#[derive(Debug, Clone, Serialize)]
pub struct RegisterDataset {
    /// The dataset.
    pub dataset: DatasetId,
    /// Title.
    pub title: String,
    /// Organisation of its controller.
    pub controller: String,
}

/// What left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Left {
    /// A table that two people reviewed.
    Output(OutputId),
    /// An answer with noise, paid for from a privacy budget.
    Measurement(MeasurementId),
}

/// Something that left.
#[derive(Debug, Clone, Serialize)]
pub struct RegisterRelease {
    /// Which output or measurement.
    #[serde(flatten)]
    pub left: Left,
    /// Hash of the bytes that left.
    pub sha256: Sha256,
    /// When.
    pub at: Timestamp,
    /// Leaf that proves it.
    pub leaf: u64,
    /// When and with which leaf it was called back, if it was.
    pub recalled: Option<RegisterAct>,
}

/// An act with the leaf that proves it.
#[derive(Debug, Clone, Serialize)]
pub struct RegisterAct {
    /// What was done.
    pub action: &'static str,
    /// When.
    pub at: Timestamp,
    /// Its leaf.
    pub leaf: u64,
}

impl Service {
    /// The public register: projects that are or were in force, the last that changed first, a page of them if
    /// there are so many. `after` is the last project of the page before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn register(
        &self,
        after: Option<&ProjectId>,
    ) -> Result<Vec<RegisterEntry>, ServiceError> {
        let page = usize::try_from(self.policies.limits.page).unwrap_or(usize::MAX);
        let mut after: Option<String> = after.map(ToString::to_string);
        let mut entries = Vec::new();
        while entries.len() < page {
            let search = Search {
                states: &BEGUN,
                order: Order::NewestFirst,
                limit: u32::try_from(page - entries.len()).unwrap_or(LIST_MAX),
                after: after.as_deref(),
                ..Search::default()
            };
            let briefs = self.store.search::<Project>(search).await?;
            let Some(last) = briefs.last() else { break };
            after = Some(last.id.clone());
            let ids = briefs.iter().map(|brief| brief.id.as_str());
            let mut projects = self.store.load_all::<Project>(ids).await?;
            let projects: Vec<Project> = briefs
                .iter()
                .filter_map(|brief| Some(projects.remove(&brief.id)?.value))
                .collect();
            let titles = self.dataset_lines(&projects).await?;
            for project in &projects {
                if let Some(manifest) = project.manifest()
                    && let Some(entry) = self.entry(project, manifest, &titles).await?
                {
                    entries.push(entry);
                }
            }
        }
        Ok(entries)
    }

    /// A project's entry; none for one that was never in force.
    async fn entry(
        &self,
        project: &Project,
        manifest: &Manifest,
        titles: &BTreeMap<DatasetId, RegisterDataset>,
    ) -> Result<Option<RegisterEntry>, ServiceError> {
        let told = self.told(&manifest.project).await?;
        let (releases, acts) = lines(&told);
        if !told.iter().any(|t| t.action == Action::CommenceProject) {
            return Ok(None);
        }
        let form = self.store.document(&manifest.application).await?;
        let form = form.and_then(|bytes| serde_json::from_slice::<Request>(&bytes).ok());
        let (lay_summary, public_benefit) = form.map_or_else(Default::default, |form| {
            (form.lay_summary, form.public_benefit)
        });
        let datasets = manifest.datasets.iter();
        let standing = releases.iter().filter(|r| r.recalled.is_none()).count();
        Ok(Some(RegisterEntry {
            project: manifest.project.clone(),
            title: project.core().title.clone(),
            lay_summary,
            public_benefit,
            state: governance::Lifecycle::state(project),
            start: manifest.start,
            end: manifest.end,
            datasets: datasets
                .filter_map(|asked| titles.get(&asked.dataset).cloned())
                .collect(),
            released: u64::try_from(standing).unwrap_or(u64::MAX),
            releases,
            acts,
        }))
    }

    /// What the log tells the public of a project.
    async fn told(&self, project: &ProjectId) -> Result<Vec<Told>, ServiceError> {
        let actions = [PROJECT_ACTS.as_slice(), RELEASE_ACTS.as_slice()].concat();
        let mut told: Vec<Told> = Vec::new();
        loop {
            let filter = EventFilter {
                project: Some(project),
                actions: &actions,
                after_leaf: told.last().map(|t| t.leaf),
                ..EventFilter::default()
            };
            let page = self.store.events(filter).await?;
            let full = u32::try_from(page.len()) == Ok(LIST_MAX);
            told.extend(page);
            if !full {
                return Ok(told);
            }
        }
    }

    /// Datasets of these projects as the register names them.
    async fn dataset_lines(
        &self,
        projects: &[Project],
    ) -> Result<BTreeMap<DatasetId, RegisterDataset>, ServiceError> {
        let manifests = projects.iter().filter_map(Project::manifest);
        let asked = manifests.flat_map(|manifest| &manifest.datasets);
        let ids: BTreeSet<&str> = asked.map(|asked| asked.dataset.as_str()).collect();
        let datasets = self.store.load_all::<Dataset>(ids).await?;
        let controllers: BTreeSet<&str> = datasets
            .values()
            .map(|held| held.value.controller.as_str())
            .collect();
        let controllers = self.store.load_all::<Person>(controllers).await?;
        let line = |dataset: &Dataset| RegisterDataset {
            dataset: dataset.id.clone(),
            title: dataset.dictionary.title.clone(),
            controller: controllers
                .get(dataset.controller.as_str())
                .map_or_else(String::new, |held| held.value.organisation.clone()),
        };
        Ok(datasets
            .into_values()
            .map(|held| (held.value.id.clone(), line(&held.value)))
            .collect())
    }
}

/// Releases with what became of them, and the acts on the project itself.
fn lines(told: &[Told]) -> (Vec<RegisterRelease>, Vec<RegisterAct>) {
    let act = |told: &Told| RegisterAct {
        action: told.action.word(),
        at: told.at,
        leaf: told.leaf,
    };
    let mut releases: Vec<RegisterRelease> = Vec::new();
    let mut acts = Vec::new();
    for event in told {
        if PROJECT_ACTS.contains(&event.action) {
            acts.push(act(event));
        } else if event.action == Action::ReleaseOutput {
            let output = OutputId::try_from(event.object.clone());
            releases.extend(output.ok().and_then(|id| release(event, Left::Output(id))));
        } else if [Action::ReleaseMeasurement, Action::ReleaseLabels].contains(&event.action) {
            let measurement = MeasurementId::try_from(event.object.clone());
            let left = measurement.map(Left::Measurement);
            releases.extend(left.ok().and_then(|left| release(event, left)));
        } else if event.action == Action::RecallOutput {
            let recalled = releases.iter_mut().find(|release| {
                matches!(&release.left, Left::Output(output) if output.as_str() == event.object)
            });
            if let Some(release) = recalled {
                release.recalled = Some(act(event));
            }
        }
    }
    (releases, acts)
}

fn release(event: &Told, left: Left) -> Option<RegisterRelease> {
    let Some(Fact::Word(bytes)) = event.facts.get("bytes") else {
        return None;
    };
    Some(RegisterRelease {
        left,
        sha256: Sha256::try_from(bytes.clone()).ok()?,
        at: event.at,
        leaf: event.leaf,
        recalled: None,
    })
}

#[cfg(test)]
mod tests {
    use governance::By;

    use super::*;

    fn event(leaf: u64, action: Action, kind: &str, object: &str) -> Told {
        Told {
            leaf,
            action,
            by: By::System,
            at: Timestamp::from_second(i64::try_from(leaf).unwrap()).unwrap(),
            kind: kind.into(),
            object: object.into(),
            project: Some("prj_1".parse().unwrap()),
            version: 1,
            facts: BTreeMap::from([("bytes".to_owned(), Fact::Word("ab".repeat(32)))]),
        }
    }

    #[test]
    fn everything_that_left_is_in_the_register_and_what_was_called_back_says_so() {
        let told = [
            event(3, Action::ApproveApplication, "project", "prj_1"),
            event(4, Action::CommenceProject, "project", "prj_1"),
            event(7, Action::ReleaseOutput, "output", "out_1"),
            event(8, Action::ReleaseOutput, "output", "out_2"),
            event(9, Action::RecallOutput, "output", "out_1"),
            event(11, Action::ReleaseMeasurement, "measurement", "msr_1"),
            // It is drawn, and leaves once its labels were looked at.
            event(12, Action::HoldMeasurement, "measurement", "msr_2"),
            event(13, Action::ReleaseLabels, "measurement", "msr_2"),
        ];
        let (releases, acts) = lines(&told);
        let released: Vec<_> = releases
            .iter()
            .map(|r| (r.left.clone(), r.leaf, r.recalled.as_ref().map(|a| a.leaf)))
            .collect();
        let output = |id: &str| Left::Output(id.parse().unwrap());
        let measurement = |id: &str| Left::Measurement(id.parse().unwrap());
        assert_eq!(
            released,
            [
                (output("out_1"), 7, Some(9)),
                (output("out_2"), 8, None),
                (measurement("msr_1"), 11, None),
                (measurement("msr_2"), 13, None),
            ]
        );
        let told = serde_json::to_value(releases.last().unwrap()).unwrap();
        assert_eq!(told["measurement"], "msr_2");
        let acts: Vec<_> = acts.iter().map(|a| (a.action, a.leaf)).collect();
        assert_eq!(acts, [("approve_application", 3), ("commence_project", 4)]);
    }
}
