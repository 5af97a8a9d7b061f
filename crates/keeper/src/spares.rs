//! Spare workers: sealed, with their extract open, so that the next statement of somebody who works need not
//! wait for a start. Each serves one person, on one extract, in one workspace, under one approval, or nobody.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governance::job::{Authority, Core, Task};
use governance::workspace::Workspace;
use governance::{Action, PersonId, ProjectId, Sha256, Timestamp, WorkspaceId};
use protocol::job::Source;
use protocol::keeper::Refused;
use sandbox::Spare;
use tokio::time::{MissedTickBehavior, interval};

use crate::authority::{Desk, Right, Warrant};
use crate::error::{by_rule, by_sandbox, internal};
use crate::halt::Halt;
use crate::mounts::Mounts;
use crate::seal::Sealed;
use crate::server::Keeper;

/// How often the right behind each spare is asked for again.
const AGAIN: Duration = Duration::from_secs(5);

/// For whom, and on what, a spare waits. Two are the same only if approval, project, workspace, person and the
/// very bytes of the extract are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    pub(crate) project: ProjectId,
    pub(crate) manifest: Sha256,
    pub(crate) workspace: WorkspaceId,
    pub(crate) person: PersonId,
    pub(crate) extract: Sealed,
}

impl Whose {
    /// Whose spare may do this job; no job but a query has one.
    pub(crate) fn of(warrant: &Warrant) -> Option<Self> {
        let Mounts::Query { extract } = &warrant.mounts else {
            return None;
        };
        Self::by(&warrant.core, &extract.0)
    }

    /// The same for a query that reads this extract.
    pub(crate) fn by(core: &Core, extract: &Sealed) -> Option<Self> {
        match (&core.authority, &core.task) {
            (
                Authority::Manifest { project, sha256 },
                Task::Query {
                    workspace, person, ..
                },
            ) => Some(Self {
                project: project.clone(),
                manifest: sha256.clone(),
                workspace: workspace.clone(),
                person: person.clone(),
                extract: extract.clone(),
            }),
            (Authority::Manifest { .. } | Authority::Instruction { .. }, _) => None,
        }
    }

    /// A larger extract is opened when it is asked for: a spare holds a copy of it in memory.
    fn fits(&self, bytes_max: u64) -> bool {
        matches!(&self.extract.record, Some((_, bytes)) if *bytes <= bytes_max)
    }
}

/// A spare that waits.
#[derive(Debug)]
struct Waiting<W> {
    whose: Whose,
    /// The query that it was made after: what permitted it must still permit it.
    core: Core,
    since: Timestamp,
    worker: W,
}

/// The spares. Workers that are put out are given back, so that whoever asks waits for their end.
#[derive(Debug)]
pub(crate) struct Spares<W> {
    most: usize,
    /// None once the keeper closes.
    waiting: Mutex<Option<Vec<Waiting<W>>>>,
}

impl<W> Spares<W> {
    /// Room for so many at once, one for each open extract.
    pub(crate) fn of(most: u32) -> Self {
        Self {
            most: usize::try_from(most).unwrap_or(usize::MAX),
            waiting: Mutex::new(Some(Vec::new())),
        }
    }

    /// The spare of exactly these, if there is one.
    pub(crate) fn take(&self, whose: &Whose) -> Option<W> {
        let mut waiting = self.lock();
        let waiting = waiting.as_mut()?;
        let at = waiting.iter().position(|spare| spare.whose == *whose)?;
        Some(waiting.swap_remove(at).worker)
    }

    /// Whether there is one.
    pub(crate) fn has(&self, whose: &Whose) -> bool {
        let waiting = self.lock();
        let mut all = waiting.iter().flatten();
        all.any(|spare| spare.whose == *whose)
    }

    /// Keeps a spare, and gives out those that make room for it: any other on its extract, and the oldest
    /// beyond the most that there may be. After the end, or where there may be none, that is the spare itself.
    #[must_use]
    pub(crate) fn put(&self, whose: Whose, core: Core, since: Timestamp, worker: W) -> Vec<W> {
        let mut waiting = self.lock();
        let Some(waiting) = waiting.as_mut().filter(|_| self.most > 0) else {
            return vec![worker];
        };
        let mut out = remove(waiting, |spare| spare.whose.extract == whose.extract);
        while waiting.len() >= self.most {
            let oldest = waiting.iter().enumerate().min_by_key(|(_, s)| s.since);
            let Some((at, _)) = oldest else { break };
            out.push(waiting.swap_remove(at).worker);
        }
        waiting.push(Waiting {
            whose,
            core,
            since,
            worker,
        });
        out
    }

    /// Gives out the spares of a project.
    #[must_use]
    pub(crate) fn forget(&self, project: &ProjectId) -> Vec<W> {
        let mut waiting = self.lock();
        let waiting = waiting
            .as_mut()
            .map(|waiting| remove(waiting, |spare| spare.whose.project == *project));
        waiting.unwrap_or_default()
    }

    /// Gives out every spare, and keeps none from now on.
    #[must_use]
    pub(crate) fn end(&self) -> Vec<W> {
        let waiting = self.lock().take();
        let all = waiting.into_iter().flatten();
        all.map(|spare| spare.worker).collect()
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.lock().iter().flatten().count()
    }

    fn all(&self) -> Vec<(Whose, Core, Timestamp)> {
        let waiting = self.lock();
        let all = waiting.iter().flatten();
        all.map(|spare| (spare.whose.clone(), spare.core.clone(), spare.since))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Waiting<W>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove<W>(waiting: &mut Vec<Waiting<W>>, which: impl Fn(&Waiting<W>) -> bool) -> Vec<W> {
    let (out, stay): (Vec<_>, Vec<_>) = std::mem::take(waiting).into_iter().partition(which);
    *waiting = stay;
    out.into_iter().map(|spare| spare.worker).collect()
}

impl Desk<'_> {
    /// Whose spare may wait for the next query after this one, asked anew: the approval in force, the person fit
    /// and on the project, the workspace open on the extract that is sealed.
    async fn may_wait(&self, core: &Core) -> Result<Option<Whose>, Refused> {
        let (Task::Query { workspace, .. }, Right::Manifest(project)) =
            (&core.task, self.right(core).await?)
        else {
            return Ok(None);
        };
        let place: Workspace = self.books.get(workspace.as_str()).await?;
        let place = place.must_be_open(Action::RunQuery).map_err(by_rule)?;
        if place.project != project.core.id {
            return Ok(None);
        }
        let extract = self.database(&place.extract, &project).await?;
        Ok(Whose::by(core, &extract.0))
    }
}

impl Keeper {
    /// Starts a spare for whoever just asked, if there is none. Not being able to costs the next statement its
    /// start and nothing else.
    pub(crate) fn provide(self: &Arc<Self>, warrant: &Warrant) {
        let Some(whose) = Whose::of(warrant) else {
            return;
        };
        let none = self.capacity.spares == 0 || !whose.fits(self.capacity.spare_bytes_max);
        if none || self.spares.has(&whose) {
            return;
        }
        let (keeper, warrant) = (Arc::clone(self), warrant.clone());
        tokio::spawn(async move {
            if keeper.start_spare(warrant, whose).await.is_err() {
                // Without the reason: a worker's words may hold what it read.
                tracing::warn!("a spare worker could not be started");
            }
        });
    }

    async fn start_spare(self: &Arc<Self>, warrant: Warrant, whose: Whose) -> Result<(), Refused> {
        let keeper = Arc::clone(self);
        let mounts = warrant.mounts.clone();
        let started = tokio::task::spawn_blocking(move || {
            let inputs = mounts.open(&keeper.custody, &keeper.rooms, &Halt::default())?;
            let profile = keeper.query_profile.clone();
            let limits = profile.limits.clone();
            Spare::start(
                &keeper.query_worker,
                profile,
                limits,
                inputs,
                Source::Extract,
            )
            .map_err(by_sandbox)
        });
        let spare = started
            .await
            .map_err(|_| internal("the start broke off"))??;
        // The right may have ended meanwhile.
        let out = match self.desk()?.may_wait(&warrant.core).await {
            Ok(Some(now)) if now == whose => {
                self.spares.put(whose, warrant.core, self.now()?, spare)
            }
            Ok(_) | Err(_) => vec![spare],
        };
        put_out(out).await;
        Ok(())
    }

    /// Ends the spares whose right has ended, or that nobody used for long.
    pub(crate) async fn tend_spares(&self) {
        for (whose, core, since) in self.spares.all() {
            let still = match self.desk() {
                Ok(desk) => {
                    let idle = desk.now.as_second().saturating_sub(since.as_second());
                    idle < self.capacity.spare_idle_s
                        && matches!(desk.may_wait(&core).await, Ok(Some(now)) if now == whose)
                }
                Err(_) => false,
            };
            if !still {
                put_out(self.spares.take(&whose).into_iter().collect()).await;
            }
        }
    }
}

/// Looks after the spares until the keeper closes.
pub(crate) async fn tending(keeper: Arc<Keeper>) {
    let mut beat = interval(AGAIN);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = keeper.closing() => break,
            _ = beat.tick() => keeper.tend_spares().await,
        }
    }
    put_out(keeper.spares.end()).await;
}

/// Ends workers and waits until they are gone, away from whoever answers requests.
pub(crate) async fn put_out<W: Send + 'static>(workers: Vec<W>) {
    if !workers.is_empty() {
        // It only drops them.
        let _ = tokio::task::spawn_blocking(move || drop(workers)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seal::Room;
    use crate::tests::{hash_of, id};

    fn whose(bits: u32) -> Whose {
        let one =
            |bit: u32, a: &str, b: &str| if (bits >> bit) & 1 == 0 { a } else { b }.to_owned();
        let bytes = one(4, "bytes", "others");
        Whose {
            project: id(&one(0, "prj_a", "prj_b")),
            manifest: hash_of(one(1, "manifest", "amended").as_bytes()),
            workspace: id(&one(2, "wsp_a", "wsp_b")),
            person: id(&one(3, "per_a", "per_b")),
            extract: Sealed {
                room: Room::Sealed,
                name: one(5, "ext_a", "ext_b"),
                owner: one(0, "prj_a", "prj_b"),
                purpose: vault::Purpose::Extract,
                record: Some((hash_of(bytes.as_bytes()).to_string(), 5)),
            },
        }
    }

    fn core(whose: &Whose) -> Core {
        Core {
            id: id("job_q"),
            authority: Authority::Manifest {
                project: whose.project.clone(),
                sha256: whose.manifest.clone(),
            },
            task: Task::Query {
                workspace: whose.workspace.clone(),
                person: whose.person.clone(),
                statement: hash_of(b"select 1"),
                screen: governance::job::Screen::default(),
            },
            asked_by: governance::By::Person(whose.person.clone()),
            deadline: at(60),
            attempt: 1,
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn a_spare_serves_nobody_but_the_one_it_was_made_for() {
        for made in 0..64 {
            let for_whom = whose(made);
            assert_eq!(
                Whose::by(&core(&for_whom), &for_whom.extract),
                Some(for_whom.clone())
            );
            for asked in (0..64).filter(|asked| *asked != made) {
                let spares = Spares::of(4);
                assert!(
                    spares
                        .put(for_whom.clone(), core(&for_whom), at(0), made)
                        .is_empty()
                );
                assert_eq!(spares.take(&whose(asked)), None, "{made} to {asked}");
                assert_eq!(spares.take(&for_whom), Some(made));
                assert_eq!(spares.take(&for_whom), None, "it served already");
            }
        }
    }

    #[test]
    fn there_is_one_spare_for_an_extract_and_the_oldest_makes_room() {
        let spares = Spares::of(4);
        let named = |n: i64| {
            let mut whose = whose(0);
            whose.extract.name = format!("ext_{n}");
            whose
        };
        let put = |whose: Whose, since| spares.put(whose.clone(), core(&whose), at(since), since);
        for n in 0..4 {
            assert!(put(named(n), n).is_empty());
        }
        assert_eq!(put(named(4), 4), [0], "the oldest goes");
        let mut another = named(4);
        another.person = id("per_b");
        assert_eq!(
            put(another.clone(), 5),
            [4],
            "another person's on the extract goes"
        );
        assert!(!spares.has(&named(4)) && spares.has(&another));
        assert_eq!(spares.forget(&id("prj_b")), Vec::<i64>::new());
        assert_eq!(spares.end().len(), 4);
        assert_eq!(put(named(6), 6), [6], "none is kept after the end");
        assert!(!spares.has(&named(6)));
        let off = Spares::of(0);
        assert_eq!(
            off.put(named(0), core(&named(0)), at(0), 7),
            [7],
            "none may wait"
        );
        assert!(!off.has(&named(0)));
    }
}
