//! Proof that a rule allowed something: a [`Change`] carries the new state and the event that tells it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::action::Action;
use crate::ids::{PersonId, ProjectId};
use crate::measure::Posting;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// A person.
    Person(PersonId),
    /// The safe haven itself: the keeper's outcome of a job, the sweeper's end of a right.
    System,
}

/// A fact of an event: an id, a hash or a number, never free text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Fact {
    /// A count.
    Count(u64),
    /// An id, a hash, a date or a word from a closed list.
    Word(String),
    /// Several of them.
    Words(Vec<String>),
}

impl From<u64> for Fact {
    fn from(n: u64) -> Self {
        Self::Count(n)
    }
}

impl From<u32> for Fact {
    fn from(n: u32) -> Self {
        Self::Count(u64::from(n))
    }
}

impl<T: ToString + ?Sized> From<&T> for Fact {
    fn from(word: &T) -> Self {
        Self::Word(word.to_string())
    }
}

impl From<Vec<String>> for Fact {
    fn from(words: Vec<String>) -> Self {
        Self::Words(words)
    }
}

/// What happened. One leaf of the log tells one event.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    action: Action,
    by: By,
    at: Timestamp,
    kind: String,
    object: String,
    project: Option<ProjectId>,
    facts: BTreeMap<String, Fact>,
}

impl Event {
    /// What was done.
    #[must_use]
    pub fn action(&self) -> Action {
        self.action
    }
    /// By whom.
    #[must_use]
    pub fn by(&self) -> &By {
        &self.by
    }
    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
    /// Kind of the object, such as `project`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }
    /// Id of the object.
    #[must_use]
    pub fn object(&self) -> &str {
        &self.object
    }
    /// The project it belongs to, if any.
    #[must_use]
    pub fn project(&self) -> Option<&ProjectId> {
        self.project.as_ref()
    }
    /// Ids, hashes and counts.
    #[must_use]
    pub fn facts(&self) -> &BTreeMap<String, Fact> {
        &self.facts
    }
}

/// A thing with states that the store keeps.
pub trait Lifecycle: Serialize + DeserializeOwned + Clone {
    /// Word for the kind of thing; also the name in the log.
    const KIND: &'static str;
    /// Its id.
    fn id(&self) -> &str;
    /// The project it belongs to, if any.
    fn project(&self) -> Option<&ProjectId>;
    /// Name of the state it is in.
    fn state(&self) -> &'static str;
    /// What lists call it; empty for what has no name.
    fn title(&self) -> &str {
        ""
    }
    /// Who made it, where lists say so.
    fn author(&self) -> Option<&PersonId> {
        None
    }
    /// Whom and what it concerns.
    fn ties(&self) -> BTreeSet<Tie> {
        BTreeSet::new()
    }
}

/// What a thing has to do with a person or with another thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TieKind {
    /// Is on it: a project's people, an output's author, a dataset's controller and providers.
    On,
    /// Has spoken on the version that is decided on: by a vote, or by declaring an interest.
    Spoke,
    /// The next step is this person's and nobody else's.
    Due,
    /// Data of this dataset are asked for.
    Asks,
    /// The controller of this dataset has neither signed nor declined.
    Unsigned,
    /// The controller of this dataset has signed or declined. While that is decided, every dataset that is asked
    /// for is either this or the one before: a list finds either without passing by the other.
    Signed,
    /// Enough have spoken for the panel's chair to look at it. Tied to `-`.
    Ready,
    /// Belongs to this: a delivery to its dataset, an indexing to its delivery, a comment to its subject.
    Of,
    /// Did something to it at some time. The store adds it from the event, and it stays.
    Acted,
}

impl TieKind {
    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Spoke => "spoke",
            Self::Due => "due",
            Self::Asks => "asks",
            Self::Unsigned => "unsigned",
            Self::Signed => "signed",
            Self::Ready => "ready",
            Self::Of => "of",
            Self::Acted => "acted",
        }
    }
}

/// A thing's tie to a person or to another thing. Lists are found by ties; a tie grants nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tie {
    /// What they have to do with each other.
    pub kind: TieKind,
    /// Id of the person or the other thing.
    pub who: String,
}

impl Tie {
    /// A tie to the person or thing with this id.
    #[must_use]
    pub fn new(kind: TieKind, who: &(impl ToString + ?Sized)) -> Self {
        Self {
            kind,
            who: who.to_string(),
        }
    }
}

/// What lists know of a thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// What lists call it.
    pub title: String,
    /// Who made it.
    pub author: Option<PersonId>,
    /// Whom and what it concerns.
    pub ties: BTreeSet<Tie>,
}

impl Index {
    /// What lists know of this thing in this state.
    #[must_use]
    pub fn of<S: Lifecycle>(value: &S) -> Self {
        Self {
            title: value.title().to_owned(),
            author: value.author().cloned(),
            ties: value.ties(),
        }
    }
}

/// Proof that a rule allowed a new state. Made only in this crate.
#[derive(Debug, Clone)]
pub struct Change<S> {
    to: S,
    event: Event,
    postings: Vec<Posting>,
}

impl<S: Lifecycle> Change<S> {
    pub(crate) fn new(to: S, action: Action, by: &By, at: Timestamp) -> Self {
        let event = Event {
            action,
            by: by.clone(),
            at,
            kind: S::KIND.to_owned(),
            object: to.id().to_owned(),
            project: to.project().cloned(),
            facts: BTreeMap::new(),
        };
        Self {
            to,
            event,
            postings: Vec::new(),
        }
    }

    /// Books it in the accounts of privacy loss. The event must tell the same in its facts.
    pub(crate) fn book(mut self, postings: Vec<Posting>) -> Self {
        self.postings = postings;
        self
    }

    pub(crate) fn fact(mut self, name: &str, fact: impl Into<Fact>) -> Self {
        self.event.facts.insert(name.to_owned(), fact.into());
        self
    }

    /// The new state.
    #[must_use]
    pub fn to(&self) -> &S {
        &self.to
    }

    /// What will be told.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// What it books in the accounts of privacy loss.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

/// A [`Change`] whose type has been put away for the store: the state as JSON beside its event.
#[derive(Debug, Clone)]
pub struct Sealed {
    expected: Option<i64>,
    state: &'static str,
    json: String,
    index: Index,
    event: Event,
    postings: Vec<Posting>,
}

impl Sealed {
    /// Version that the store must hold now; none when the object is new.
    #[must_use]
    pub fn expected(&self) -> Option<i64> {
        self.expected
    }
    /// Name of the new state.
    #[must_use]
    pub fn state(&self) -> &'static str {
        self.state
    }
    /// The new state as JSON.
    #[must_use]
    pub fn json(&self) -> &str {
        &self.json
    }
    /// What lists know of the new state.
    #[must_use]
    pub fn index(&self) -> &Index {
        &self.index
    }
    /// The event.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }
    /// What it books in the accounts of privacy loss.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

/// Changes that are recorded together or not at all.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    changes: Vec<Sealed>,
}

impl Batch {
    /// An empty batch.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the beginning of a new object.
    ///
    /// # Errors
    /// If the state cannot be written as JSON.
    pub fn begin<S: Lifecycle>(self, change: Change<S>) -> Result<Self, serde_json::Error> {
        self.push(None, change)
    }

    /// Adds a change of an object that the store holds at `version`.
    ///
    /// # Errors
    /// If the state cannot be written as JSON.
    pub fn change<S: Lifecycle>(
        self,
        version: i64,
        change: Change<S>,
    ) -> Result<Self, serde_json::Error> {
        self.push(Some(version), change)
    }

    fn push<S: Lifecycle>(
        mut self,
        expected: Option<i64>,
        change: Change<S>,
    ) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_string(&change.to)?;
        self.changes.push(Sealed {
            expected,
            state: change.to.state(),
            json,
            index: Index::of(&change.to),
            event: change.event,
            postings: change.postings,
        });
        Ok(self)
    }

    /// The changes, in order.
    #[must_use]
    pub fn changes(&self) -> &[Sealed] {
        &self.changes
    }
}
