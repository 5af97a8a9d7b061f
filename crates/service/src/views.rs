//! What pages show: names, lists and histories, each as far as the caller may see it.

use std::collections::{BTreeMap, BTreeSet};

use governance::dataset::Dataset;
use governance::person::{Activity, Person, Role};
use governance::project::Project;
use governance::{Action, DatasetId, Lifecycle, PersonId, ProjectId, Sha256, TieKind, Timestamp};
use serde::Serialize;
use serde_json::Value;
use store::{Brief, Filter, Held, Order, Search};

use crate::access::Object;
use crate::cases::{Cases, Standing};
use crate::error::ServiceError;
use crate::{Caller, Service};

/// A person as others know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Named {
    /// The person.
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// Organisation.
    pub organisation: String,
}

impl Named {
    /// Somebody among these names; the id where the name is not known.
    pub(crate) fn of(names: &BTreeMap<PersonId, Self>, id: &PersonId) -> Self {
        names.get(id).cloned().unwrap_or_else(|| Self {
            person: id.clone(),
            name: id.to_string(),
            organisation: String::new(),
        })
    }
}

/// A project in a list.
#[derive(Debug, Clone, Serialize)]
pub struct ProjectSummary {
    /// The project.
    pub project: ProjectId,
    /// Title of the version last submitted, or of the draft; empty when it has none yet.
    pub title: String,
    /// Name of the state.
    pub state: &'static str,
    /// Who applies.
    pub author: Named,
    /// Since when it is in this state.
    pub since: Timestamp,
}

/// A submitted version of an application.
#[derive(Debug, Clone, Serialize)]
pub struct Version {
    /// Hash of its frozen bytes.
    pub sha256: Sha256,
    /// Its number, from 1.
    pub number: u64,
    /// When it was submitted.
    pub at: Timestamp,
}

impl Service {
    /// Names of people, for anybody who is signed in; who is not known is left out.
    ///
    /// # Errors
    /// If the caller is retired, or more than 1000 are asked for.
    pub async fn names(
        &self,
        caller: &Caller,
        ids: impl IntoIterator<Item = PersonId>,
    ) -> Result<BTreeMap<PersonId, Named>, ServiceError> {
        if caller.person.activity != Activity::Active {
            return Err(ServiceError::NotSignedIn);
        }
        let ids: BTreeSet<PersonId> = ids.into_iter().collect();
        let held = self
            .store
            .load_all::<Person>(ids.iter().map(PersonId::as_str))
            .await?;
        let named = held.into_values().map(|Held { value, .. }| {
            let name = Named {
                person: value.id.clone(),
                name: value.name,
                organisation: value.organisation,
            };
            (value.id, name)
        });
        Ok(named.collect())
    }

    /// The one researcher with this full name, or with this name and, after a comma, this organisation. Whoever
    /// asks knows the name already and learns the organisation and the number.
    ///
    /// # Errors
    /// If the caller is retired, or the store fails.
    pub async fn researcher(
        &self,
        caller: &Caller,
        called: &str,
    ) -> Result<Option<Named>, ServiceError> {
        if caller.person.activity != Activity::Active {
            return Err(ServiceError::NotSignedIn);
        }
        // A name may hold a comma itself.
        let named = (called.trim(), None);
        let parts = called.rsplit_once(',');
        let with_organisation = parts.map(|(name, of)| (name.trim(), Some(of.trim())));
        for (name, organisation) in [Some(named), with_organisation].into_iter().flatten() {
            let mut fitting = self
                .researchers_called(name, organisation)
                .await?
                .into_iter();
            match (fitting.next(), fitting.next()) {
                (Some(one), None) => {
                    return Ok(Some(Named {
                        person: one.id,
                        name: one.name,
                        organisation: one.organisation,
                    }));
                }
                (Some(_), Some(_)) => return Ok(None),
                (None, _) => {}
            }
        }
        Ok(None)
    }

    async fn researchers_called(
        &self,
        name: &str,
        organisation: Option<&str>,
    ) -> Result<Vec<Person>, ServiceError> {
        let same = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
        let held = self.store.people_called(name).await?;
        let people = held.into_iter().map(|held| held.value).filter(|person| {
            person.roles.contains(&Role::Researcher)
                && organisation.is_none_or(|o| same(o, &person.organisation))
        });
        Ok(people.collect())
    }

    /// Everybody in the safe haven, with roles and standing, by id.
    ///
    /// # Errors
    /// If the caller may not.
    pub async fn people(
        &self,
        caller: &Caller,
        after: Option<&str>,
    ) -> Result<Vec<Person>, ServiceError> {
        let now = self.now()?;
        self.authorise(caller, Action::ViewPeople, &Object::new("people"), now)?;
        let filter = Filter {
            limit: self.policies.limits.page,
            after,
            ..Filter::default()
        };
        let held = self.store.list::<Person>(filter).await?;
        Ok(held.into_iter().map(|h| h.value).collect())
    }

    /// Projects that the caller may read, in these states or in any, newest in their state first. `after`
    /// is the last one of the page before.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn projects(
        &self,
        caller: &Caller,
        states: &[&str],
        after: Option<&str>,
    ) -> Result<Vec<ProjectSummary>, ServiceError> {
        let now = self.now()?;
        let asked: Vec<&str> = states_of(Project::KIND)
            .filter(|state| states.is_empty() || states.contains(state))
            .collect();
        let cases = Cases::new(self, caller, now);
        let apart = cases.states(Action::ViewProject, &asked, Standing::Apart);
        let member = cases.states(Action::ViewProject, &asked, Standing::Member);
        let controller = cases.states(Action::ViewProject, &asked, Standing::Controller);
        let datasets = self
            .datasets_of(caller, |d, me| d.controller == *me)
            .await?;
        let me = caller.id().as_str();
        let on = [(TieKind::On, me)];
        let asks: Vec<(TieKind, &str)> = datasets
            .iter()
            .map(|d| (TieKind::Asks, d.id.as_str()))
            .collect();
        let page = Search {
            order: Order::NewestFirst,
            limit: self.policies.limits.page,
            after,
            ..Search::default()
        };
        let mut found = Vec::new();
        let mut ranges = vec![(&apart, &[][..]), (&member, &on[..])];
        if !asks.is_empty() {
            ranges.push((&controller, &asks[..]));
        }
        for (states, tied) in ranges {
            let search = Search {
                states,
                tied,
                ..page
            };
            found.extend(self.store.search::<Project>(search).await?);
        }
        self.project_summaries(caller, newest(found, page.limit))
            .await
    }

    /// Every submitted version of an application, oldest first, as the log tells them.
    ///
    /// # Errors
    /// If the caller may not read the project.
    pub async fn versions(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Vec<Version>, ServiceError> {
        self.read_project(caller, id).await?.versions().await
    }

    /// The text of a draft, for the people of the project; none where there is none.
    ///
    /// # Errors
    /// If the caller is not one of them.
    pub async fn draft(
        &self,
        caller: &Caller,
        id: &ProjectId,
    ) -> Result<Option<String>, ServiceError> {
        let view = self.project(caller, id).await?;
        if !view.project.people().contains(caller.id()) {
            return Err(governance::Refusal::NotAMember.into());
        }
        Ok(self.store.draft(id).await?)
    }

    /// A dataset of the catalogue.
    ///
    /// # Errors
    /// If the caller may not read the catalogue, or there is none.
    pub async fn dataset(&self, caller: &Caller, id: &DatasetId) -> Result<Dataset, ServiceError> {
        let now = self.now()?;
        let catalogue = Object::new("catalogue");
        self.authorise(caller, Action::ViewCatalogue, &catalogue, now)?;
        Ok(self.load::<Dataset>(id.as_str()).await?.value)
    }

    /// Projects as a list shows them, in this order.
    pub(crate) async fn project_summaries(
        &self,
        caller: &Caller,
        briefs: Vec<Brief>,
    ) -> Result<Vec<ProjectSummary>, ServiceError> {
        let authors = briefs.iter().filter_map(|b| b.author.clone());
        let names = self.names(caller, authors).await?;
        let untitled = briefs
            .iter()
            .filter(|b| b.title.is_empty() && b.author.as_ref() == Some(caller.id()));
        let drafts: BTreeSet<ProjectId> = untitled
            .filter_map(|b| ProjectId::try_from(b.id.clone()).ok())
            .collect();
        let mut titles = self.draft_titles(&drafts).await?;
        let mut summaries = Vec::with_capacity(briefs.len());
        for brief in briefs {
            let unreadable = || ServiceError::NotFound("project");
            let project = ProjectId::try_from(brief.id.clone()).map_err(|_| unreadable())?;
            let author = brief.author.as_ref().ok_or_else(unreadable)?;
            let title = titles.remove(&brief.id).unwrap_or(brief.title);
            summaries.push(ProjectSummary {
                title,
                state: state_of(Project::KIND, &brief.state).ok_or_else(unreadable)?,
                author: Named::of(&names, author),
                since: brief.since,
                project,
            });
        }
        Ok(summaries)
    }

    /// Titles in the texts of drafts, which need not be valid, by project.
    pub(crate) async fn draft_titles(
        &self,
        ids: &BTreeSet<ProjectId>,
    ) -> Result<BTreeMap<String, String>, ServiceError> {
        let texts = self.store.drafts(ids).await?;
        let titled = texts.into_iter().map(|(id, text)| {
            let form: Value = serde_json::from_str(&text).unwrap_or_default();
            let title = form
                .get("title")
                .and_then(Value::as_str)
                .unwrap_or_default();
            (id, title.chars().take(200).collect())
        });
        Ok(titled.collect())
    }

    /// Datasets with which a controller or provider has to do in this way; none for others.
    pub(crate) async fn datasets_of(
        &self,
        caller: &Caller,
        concerns: impl Fn(&Dataset, &PersonId) -> bool,
    ) -> Result<Vec<Dataset>, ServiceError> {
        let roles = &caller.person.roles;
        if !roles.contains(&Role::Controller) && !roles.contains(&Role::Provider) {
            return Ok(Vec::new());
        }
        let me = caller.id();
        let held = self.store.tied::<Dataset>(TieKind::On, me.as_str()).await?;
        let mine = held.into_iter().map(|h| h.value);
        Ok(mine.filter(|dataset| concerns(dataset, me)).collect())
    }
}

/// Every state of a kind of thing, in the order of the reference pages.
pub(crate) fn states_of(kind: &str) -> impl Iterator<Item = &'static str> {
    let states = governance::action::STATES.iter();
    let of_kind = states.filter(move |(k, _)| *k == kind);
    of_kind.flat_map(|(_, states)| states.iter().copied())
}

/// The name of a state as the rules have it.
pub(crate) fn state_of(kind: &str, word: &str) -> Option<&'static str> {
    states_of(kind).find(|state| *state == word)
}

/// Newest in their state first, each once, so many at most.
fn newest(mut briefs: Vec<Brief>, limit: u32) -> Vec<Brief> {
    briefs.sort_by(|a, b| (b.since, &b.id).cmp(&(a.since, &a.id)));
    briefs.dedup_by(|a, b| a.id == b.id);
    briefs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    briefs
}
