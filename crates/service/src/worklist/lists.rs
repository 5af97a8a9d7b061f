//! The lists that a worklist is put together from, gathered first and then asked for at once.

use governance::{Action, Lifecycle, TieKind};
use store::{Brief, List, Order, Search, Store};

use crate::error::ServiceError;

/// A tie to a person or a thing.
pub(super) type Tied<'a> = (TieKind, &'a str);

/// What a list is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The caller is asked to do this.
    Ask(Action),
    /// The caller, as chair, may be asked to close these decisions.
    Decide,
    /// The caller's datasets, for what may be asked of them.
    Datasets,
    /// Deliveries of the caller's dataset of this number that wait for their payload.
    Identified(usize),
    /// Deliveries of the caller's dataset of this number that are under way or kept.
    Live(usize),
    /// Others act.
    Wait,
    /// Nobody acts any more.
    Done,
}

/// A list with what it is for.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) purpose: Purpose,
    pub(super) kind: &'static str,
    list: for<'s> fn(Search<'s>) -> List<'s>,
    states: Vec<&'a str>,
    tied: Vec<Tied<'a>>,
    untied: Vec<Tied<'a>>,
    project_tied: Vec<Tied<'a>>,
    project_untied: Vec<Tied<'a>>,
    order: Order,
    limit: u32,
}

impl<'a> Wanted<'a> {
    /// The longest in these states.
    pub(super) fn of<S: Lifecycle>(purpose: Purpose, states: &[&'a str], limit: u32) -> Self {
        Self {
            purpose,
            kind: S::KIND,
            list: |search| List::of::<S>(search),
            states: states.to_vec(),
            tied: Vec::new(),
            untied: Vec::new(),
            project_tied: Vec::new(),
            project_untied: Vec::new(),
            order: Order::OldestFirst,
            limit,
        }
    }

    pub(super) fn newest(mut self) -> Self {
        self.order = Order::NewestFirst;
        self
    }

    pub(super) fn tied(mut self, ties: impl IntoIterator<Item = Tied<'a>>) -> Self {
        self.tied.extend(ties);
        self
    }

    pub(super) fn untied(mut self, ties: impl IntoIterator<Item = Tied<'a>>) -> Self {
        self.untied.extend(ties);
        self
    }

    pub(super) fn project_tied(mut self, ties: impl IntoIterator<Item = Tied<'a>>) -> Self {
        self.project_tied.extend(ties);
        self
    }

    pub(super) fn project_untied(mut self, ties: impl IntoIterator<Item = Tied<'a>>) -> Self {
        self.project_untied.extend(ties);
        self
    }

    fn as_list(&self) -> List<'_> {
        (self.list)(Search {
            states: &self.states,
            tied: &self.tied,
            untied: &self.untied,
            project_tied: &self.project_tied,
            project_untied: &self.project_untied,
            order: self.order,
            limit: self.limit,
            after: None,
        })
    }
}

/// What a list held.
pub(super) struct Answer {
    pub(super) purpose: Purpose,
    pub(super) kind: &'static str,
    pub(super) briefs: Vec<Brief>,
}

/// Asks for all of them.
pub(super) async fn ask(store: &Store, wanted: &[Wanted<'_>]) -> Result<Vec<Answer>, ServiceError> {
    let lists: Vec<List<'_>> = wanted.iter().map(Wanted::as_list).collect();
    let found = store.search_all(&lists).await?;
    let answers = wanted.iter().zip(found).map(|(wanted, briefs)| Answer {
        purpose: wanted.purpose,
        kind: wanted.kind,
        briefs,
    });
    Ok(answers.collect())
}
