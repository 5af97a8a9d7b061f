//! What lists are made of: names, ages and ties of objects, derived from their states in the transaction
//! that records them. They find an object; whoever acts on it loads it, and its leaf vouches for it then.

mod derive;
mod search;

use std::collections::{BTreeMap, BTreeSet};

use governance::person::Person;
use governance::project::Project;
use governance::{Index, Lifecycle, TieKind};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use self::search::without;
use crate::error::{StoreError, count};
use crate::read::{Held, LIST_MAX, STATE_COLUMNS, hold};
use crate::record::{Line, person};
use crate::room::Store;

pub(crate) use derive::derive;
pub use search::{Brief, List, Order, Search};

/// Most people of one name that are looked at.
const NAMESAKES_MAX: u32 = 50;

/// What a project in force lacks next before its people can work; nothing once it ever had a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// An indexing of some dataset, done or under way.
    Indexing,
    /// An extract, while every dataset is indexed.
    Extract,
    /// A workspace, while there is a sealed extract.
    Workspace,
}

impl Next {
    /// The condition on a project `r`.
    fn lacks(self) -> &'static str {
        match self {
            Self::Indexing => {
                " and exists (select 1 from ties a where a.kind = 'project' and a.id = r.id
                     and a.tie = 'asks' and not exists (
                       select 1 from states i
                         join ties d on d.kind = 'indexing' and d.id = i.id and d.tie = 'of'
                         join ties t on t.kind = 'delivery' and t.id = d.who and t.tie = 'of'
                           and t.who = a.who
                       where i.kind = 'indexing' and i.project = r.id
                         and i.state in ('ordered', 'indexed')))"
            }
            Self::Extract => {
                " and not exists (select 1 from states e where e.kind = 'extract'
                     and e.project = r.id and e.state in ('ordered', 'sealed'))
                   and not exists (select 1 from ties a where a.kind = 'project' and a.id = r.id
                     and a.tie = 'asks' and not exists (
                       select 1 from states i
                         join ties d on d.kind = 'indexing' and d.id = i.id and d.tie = 'of'
                         join ties t on t.kind = 'delivery' and t.id = d.who and t.tie = 'of'
                           and t.who = a.who
                       where i.kind = 'indexing' and i.project = r.id and i.state = 'indexed'))"
            }
            Self::Workspace => {
                " and exists (select 1 from states e where e.kind = 'extract'
                     and e.project = r.id and e.state = 'sealed')"
            }
        }
    }
}

/// An object's ties as held: tie, whom or what it is to, state and age of the object.
type HeldTie = (String, String, String, i64);

/// Writes what lists know of changed objects, each in its state since the moment of the same place.
pub(crate) async fn write_all(
    connection: &mut SqliteConnection,
    lines: &[Line<'_>],
    since: &[i64],
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "select kind, id, tie, who, state, since_us from ties where (kind, id) in (",
    );
    query.push_values(lines, |mut row, line| {
        let event = line.change.event();
        row.push_bind(event.kind()).push_bind(event.object());
    });
    query.push(")");
    let rows: Vec<(String, String, String, String, String, i64)> =
        query.build_query_as().fetch_all(&mut *connection).await?;
    let mut held: BTreeMap<(String, String), Vec<HeldTie>> = BTreeMap::new();
    for (kind, id, tie, who, state, since_us) in rows {
        let of = held.entry((kind, id)).or_default();
        of.push((tie, who, state, since_us));
    }
    for (line, since_us) in lines.iter().zip(since) {
        let event = line.change.event();
        let object = (event.kind(), event.object());
        let placed = (line.change.state(), *since_us);
        let key = (object.0.to_owned(), object.1.to_owned());
        let before = held.remove(&key).unwrap_or_default();
        let index = line.change.index();
        replace(connection, object, placed, &before, (index, person(event))).await?;
    }
    Ok(())
}

/// Writes what lists know of an object that is in this state since a moment. `actor` did something to it.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    object: (&str, &str),
    placed: (&str, i64),
    index: &Index,
    actor: Option<&str>,
) -> Result<(), StoreError> {
    let (kind, id) = object;
    let held: Vec<HeldTie> =
        sqlx::query_as("select tie, who, state, since_us from ties where kind = $1 and id = $2")
            .bind(kind)
            .bind(id)
            .fetch_all(&mut *connection)
            .await?;
    replace(connection, object, placed, &held, (index, actor)).await
}

/// Puts the ties of an object in place of those held, if they differ.
async fn replace(
    connection: &mut SqliteConnection,
    (kind, id): (&str, &str),
    (state, since_us): (&str, i64),
    held: &[HeldTie],
    (index, actor): (&Index, Option<&str>),
) -> Result<(), StoreError> {
    let mut wanted: BTreeSet<(&str, &str)> = index
        .ties
        .iter()
        .map(|tie| (tie.kind.word(), tie.who.as_str()))
        .collect();
    if wanted.is_empty() && held.is_empty() {
        return Ok(());
    }
    let acted = TieKind::Acted.word();
    wanted.extend(actor.map(|person| (acted, person)));
    let before = held.iter().filter(|(tie, ..)| tie == acted);
    wanted.extend(before.map(|(_, who, ..)| (acted, who.as_str())));
    let same = held.iter().all(|(tie, who, held_state, held_since)| {
        held_state == state
            && *held_since == since_us
            && wanted.contains(&(tie.as_str(), who.as_str()))
    });
    if same && held.len() == wanted.len() {
        return Ok(());
    }
    if !held.is_empty() {
        sqlx::query("delete from ties where kind = $1 and id = $2")
            .bind(kind)
            .bind(id)
            .execute(&mut *connection)
            .await?;
    }
    let mut insert =
        QueryBuilder::<Sqlite>::new("insert into ties (who, tie, kind, state, since_us, id) ");
    insert.push_values(&wanted, |mut row, (tie, who)| {
        row.push_bind(*who)
            .push_bind(*tie)
            .push_bind(kind)
            .push_bind(state)
            .push_bind(since_us)
            .push_bind(id);
    });
    insert.build().execute(connection).await?;
    Ok(())
}

impl Store {
    /// Projects in force that lack something and nobody of whose people is this person, longest in force first.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn projects_without(
        &self,
        next: Next,
        person: &str,
        limit: u32,
    ) -> Result<Vec<Brief>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new(
            "select r.id from states r where r.kind = 'project' and r.state = 'in_force'
               and not exists (select 1 from states w where w.kind = 'workspace'
                 and w.project = r.id)",
        );
        query.push(next.lacks());
        let on = [(TieKind::On, person)];
        without(&mut query, (Project::KIND, "r.id"), &on);
        query
            .push(" order by r.since_us, r.id limit ")
            .push_bind(limit.min(LIST_MAX));
        let ids: Vec<String> = query
            .build_query_scalar()
            .fetch_all(&mut *self.reader().await?)
            .await?;
        self.briefs::<Project>(&ids).await
    }

    /// Objects of one kind with one tie, oldest first, each vouched for by its leaf; at most [`LIST_MAX`].
    ///
    /// # Errors
    /// As [`Store::load`], for any of them.
    pub async fn tied<S: Lifecycle>(
        &self,
        kind: TieKind,
        who: &str,
    ) -> Result<Vec<Held<S>>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("select ");
        query
            .push(STATE_COLUMNS)
            .push(
                " from ties t cross join states s on s.kind = t.kind and s.id = t.id
                   join leaves l on l.idx = s.leaf where t.who = ",
            )
            .push_bind(who)
            .push(" and t.tie = ")
            .push_bind(kind.word())
            .push(" and t.kind = ")
            .push_bind(S::KIND)
            .push(" order by t.since_us, t.id limit ")
            .push_bind(LIST_MAX);
        let rows = query.build().fetch_all(&mut *self.reader().await?).await?;
        rows.iter().map(|row| hold(row, 0)).collect()
    }

    /// Active people with this name, in upper or lower case of ASCII, each vouched for by its leaf; a few at most.
    ///
    /// # Errors
    /// As [`Store::load`], for any of them.
    pub async fn people_called(&self, name: &str) -> Result<Vec<Held<Person>>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("select ");
        query
            .push(STATE_COLUMNS)
            .push(" from states s join leaves l on l.idx = s.leaf where s.kind = ")
            .push_bind(Person::KIND)
            .push(" and s.state = 'active' and s.title = ")
            .push_bind(name)
            .push(" collate nocase order by s.id limit ")
            .push_bind(NAMESAKES_MAX);
        let rows = query.build().fetch_all(&mut *self.reader().await?).await?;
        rows.iter().map(|row| hold(row, 0)).collect()
    }

    /// How many objects of one kind have this tie.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn count_tied<S: Lifecycle>(
        &self,
        kind: TieKind,
        who: &str,
    ) -> Result<u64, StoreError> {
        let n: i64 = sqlx::query_scalar(
            "select count(*) from ties where who = $1 and tie = $2 and kind = $3",
        )
        .bind(who)
        .bind(kind.word())
        .bind(S::KIND)
        .fetch_one(&mut *self.reader().await?)
        .await?;
        count(n)
    }
}
