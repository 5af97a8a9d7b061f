//! Places for workers, and the queue for them: who came first is let in first, but no project takes every place.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governance::ProjectId;
use tokio::sync::watch;

/// A number of places, and who waits for one.
#[derive(Debug)]
pub(crate) struct Queue {
    places: usize,
    /// Most places of one project.
    project_places: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    taken: usize,
    by_project: BTreeMap<ProjectId, usize>,
    /// In the order in which they came.
    waiting: VecDeque<Waiting>,
    tickets: u64,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    project: Option<ProjectId>,
    turn: watch::Sender<Turn>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// Number in the queue, from 1.
    Waits(u64),
    Works,
}

/// A place, or the wait for one. Either ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    queue: Arc<Queue>,
    ticket: u64,
    project: Option<ProjectId>,
}

impl Queue {
    /// At least one place; `project_places` of them for one project at most.
    pub(crate) fn of(places: u32, project_places: u32) -> Arc<Self> {
        let wide = |n: u32| usize::try_from(n.max(1)).unwrap_or(usize::MAX);
        Arc::new(Self {
            places: wide(places),
            project_places: wide(project_places),
            state: Mutex::default(),
        })
    }

    /// Waits for a place, and tells the number in the queue whenever it changes. Those whose project has all
    /// that it may have are passed over until it has not; what is no project's is never passed over.
    pub(crate) async fn enter(
        self: &Arc<Self>,
        project: Option<ProjectId>,
        tell: impl Fn(u64),
    ) -> Place {
        let (place, mut turn) = self.arrive(project);
        loop {
            let now = *turn.borrow_and_update();
            match now {
                Turn::Works => return place,
                Turn::Waits(number) => tell(number),
            }
            if turn.changed().await.is_err() {
                // It left the queue, and only into a place.
                return place;
            }
        }
    }

    fn arrive(self: &Arc<Self>, project: Option<ProjectId>) -> (Place, watch::Receiver<Turn>) {
        let mut state = self.lock();
        let ticket = state.tickets;
        state.tickets += 1;
        let (turn, told) = watch::channel(Turn::Waits(0));
        state.waiting.push_back(Waiting {
            ticket,
            project: project.clone(),
            turn,
        });
        self.advance(&mut state);
        drop(state);
        let place = Place {
            queue: Arc::clone(self),
            ticket,
            project,
        };
        (place, told)
    }

    /// Lets in whoever may be let in, and tells the others their numbers.
    fn advance(&self, state: &mut State) {
        while state.taken < self.places {
            let State {
                waiting,
                by_project,
                ..
            } = &*state;
            let next = waiting.iter().position(|one| {
                let has = one.project.as_ref().and_then(|p| by_project.get(p));
                has.is_none_or(|has| *has < self.project_places)
            });
            let Some(one) = next.and_then(|at| state.waiting.remove(at)) else {
                break;
            };
            state.taken += 1;
            if let Some(project) = one.project {
                *state.by_project.entry(project).or_default() += 1;
            }
            one.turn.send_replace(Turn::Works);
        }
        for (one, number) in state.waiting.iter().zip(1..) {
            one.turn.send_if_modified(|turn| {
                let moved = *turn != Turn::Waits(number);
                *turn = Turn::Waits(number);
                moved
            });
        }
    }

    fn leave(&self, place: &Place) {
        let mut state = self.lock();
        let waits = state.waiting.iter().position(|w| w.ticket == place.ticket);
        if let Some(at) = waits {
            state.waiting.remove(at);
        } else {
            state.taken = state.taken.saturating_sub(1);
            if let Some(project) = &place.project
                && let Some(has) = state.by_project.get_mut(project)
            {
                *has = has.saturating_sub(1);
                if *has == 0 {
                    state.by_project.remove(project);
                }
            }
        }
        self.advance(&mut state);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.queue.leave(self);
    }
}

#[cfg(test)]
mod tests;
