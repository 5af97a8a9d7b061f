//! What lists are made of: names, ages and ties of objects, derived from their states in the transaction
//! that records them. They find an object; whoever acts on it loads it, and its leaf vouches for it then.

mod derive;

use std::collections::{BTreeMap, BTreeSet};

use governance::project::Project;
use governance::{Index, Lifecycle, PersonId, TieKind, Timestamp};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::error::{StoreError, count};
use crate::read::{Held, LIST_MAX};
use crate::room::Store;

pub(crate) use derive::derive;

/// Most ranges of ties in one statement.
const RANGES_MAX: usize = 100;

/// What a list shows of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Id.
    pub id: String,
    /// Name of its state.
    pub state: String,
    /// Since when it is in it.
    pub since: Timestamp,
    /// What it is called; an output has the title of its project.
    pub title: String,
    /// Who made it.
    pub author: Option<PersonId>,
}

/// In which order a list goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Longest in its state first.
    OldestFirst,
    /// Shortest in its state first.
    NewestFirst,
}

/// Which objects of a kind a list holds.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// In one of these states; nothing is found without a state.
    pub states: &'a [&'a str],
    /// With at least one of these ties; with or without any when empty.
    pub tied: &'a [(TieKind, &'a str)],
    /// With none of these ties.
    pub untied: &'a [(TieKind, &'a str)],
    /// Of a project that has none of these ties.
    pub project_untied: &'a [(TieKind, &'a str)],
    /// In this order.
    pub order: Order,
    /// At most so many, and never more than [`LIST_MAX`].
    pub limit: u32,
    /// Only what comes after this object.
    pub after: Option<&'a str>,
}

impl Default for Search<'_> {
    /// Nothing: no state.
    fn default() -> Self {
        Self {
            states: &[],
            tied: &[],
            untied: &[],
            project_untied: &[],
            order: Order::OldestFirst,
            limit: LIST_MAX,
            after: None,
        }
    }
}

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

/// Writes what lists know of an object that is in this state since a moment. `actor` did something to it.
pub(crate) async fn write(
    connection: &mut SqliteConnection,
    object: (&str, &str),
    (state, since_us): (&str, i64),
    index: &Index,
    actor: Option<&str>,
) -> Result<(), StoreError> {
    let (kind, id) = object;
    let held: Vec<(String, String, String, i64)> =
        sqlx::query_as("select tie, who, state, since_us from ties where kind = $1 and id = $2")
            .bind(kind)
            .bind(id)
            .fetch_all(&mut *connection)
            .await?;
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
    sqlx::query("delete from ties where kind = $1 and id = $2")
        .bind(kind)
        .bind(id)
        .execute(&mut *connection)
        .await?;
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

// Id, state, since, title, author.
type BriefRow = (String, String, i64, String, Option<String>);

fn brief(row: BriefRow) -> Result<Brief, StoreError> {
    let (id, state, since_us, title, author) = row;
    let author = author.map(PersonId::try_from).transpose();
    Ok(Brief {
        id,
        state,
        since: Timestamp::from_microsecond(since_us)
            .map_err(|_| StoreError::Unreadable("state"))?,
        title,
        author: author.map_err(|_| StoreError::Unreadable("state"))?,
    })
}

type Query = QueryBuilder<Sqlite>;

/// Where the page begins: age and id of the object before it.
type Edge<'a> = Option<(i64, &'a str)>;

/// The condition that none of these ties is there.
fn without(query: &mut Query, (kind, id): (&str, &str), ties: &[(TieKind, &str)]) {
    for (tie, who) in ties {
        query
            .push(" and not exists (select 1 from ties x where x.kind = ")
            .push_bind(kind)
            .push(" and x.id = ")
            .push(id)
            .push(" and x.tie = ")
            .push_bind(tie.word())
            .push(" and x.who = ")
            .push_bind(*who)
            .push(")");
    }
}

/// What follows the choice of a range: the page's edge, order and length.
fn page(query: &mut Query, search: &Search<'_>, edge: Edge<'_>) {
    let (side, way) = match search.order {
        Order::OldestFirst => (" > (", ""),
        Order::NewestFirst => (" < (", " desc"),
    };
    if let Some((since_us, id)) = edge {
        query
            .push(" and (r.since_us, r.id)")
            .push(side)
            .push_bind(since_us)
            .push(", ")
            .push_bind(id)
            .push(")");
    }
    query
        .push(" order by r.since_us")
        .push(way)
        .push(", r.id")
        .push(way)
        .push(" limit ")
        .push_bind(search.limit.min(LIST_MAX));
}

/// One range of ids in order of age: a state, or a state under a tie.
fn range(
    query: &mut Query,
    kind: &str,
    (state, tie): (&str, Option<(TieKind, &str)>),
    search: &Search<'_>,
    edge: Edge<'_>,
) {
    query.push("select r.id, r.since_us from ");
    match tie {
        None => query.push("states r where r.kind = ").push_bind(kind),
        Some((tie, who)) => query
            .push("ties r where r.who = ")
            .push_bind(who)
            .push(" and r.tie = ")
            .push_bind(tie.word())
            .push(" and r.kind = ")
            .push_bind(kind),
    };
    query.push(" and r.state = ").push_bind(state);
    without(query, (kind, "r.id"), search.untied);
    if !search.project_untied.is_empty() {
        let project = match tie {
            None => "r.project",
            Some(_) => "(select p.project from states p where p.kind = r.kind and p.id = r.id)",
        };
        without(query, (Project::KIND, project), search.project_untied);
    }
    page(query, search, edge);
}

impl Store {
    /// Objects of one kind as lists show them. What a list shows was derived from the state that the leaf
    /// vouches for, and is not checked against it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search<S: Lifecycle>(&self, search: Search<'_>) -> Result<Vec<Brief>, StoreError> {
        let mut reader = self.reader().await?;
        let edge: Option<i64> = match search.after {
            None => None,
            Some(id) => {
                sqlx::query_scalar("select since_us from states where kind = $1 and id = $2")
                    .bind(S::KIND)
                    .bind(id)
                    .fetch_optional(&mut *reader)
                    .await?
            }
        };
        if search.after.is_some() && edge.is_none() {
            return Ok(Vec::new());
        }
        let edge: Edge<'_> = edge.zip(search.after);
        let ranges: Vec<(&str, Option<(TieKind, &str)>)> = if search.tied.is_empty() {
            search.states.iter().map(|state| (*state, None)).collect()
        } else {
            let under = |state| search.tied.iter().map(move |tie| (state, Some(*tie)));
            search.states.iter().copied().flat_map(under).collect()
        };
        let mut found = BTreeSet::new();
        for some in ranges.chunks(RANGES_MAX) {
            let mut query = QueryBuilder::<Sqlite>::new("");
            for (index, range_of) in some.iter().enumerate() {
                query.push(if index == 0 {
                    "select id, since_us from ("
                } else {
                    " union select id, since_us from ("
                });
                range(&mut query, S::KIND, *range_of, &search, edge);
                query.push(")");
            }
            let rows: Vec<(String, i64)> = query.build_query_as().fetch_all(&mut *reader).await?;
            found.extend(rows.into_iter().map(|(id, since_us)| (since_us, id)));
        }
        let limit = usize::try_from(search.limit.min(LIST_MAX)).unwrap_or(usize::MAX);
        let ids: Vec<String> = match search.order {
            Order::OldestFirst => found.into_iter().take(limit).map(|(_, id)| id).collect(),
            Order::NewestFirst => found
                .into_iter()
                .rev()
                .take(limit)
                .map(|(_, id)| id)
                .collect(),
        };
        drop(reader);
        self.briefs::<S>(&ids).await
    }

    /// These objects as lists show them, in this order; what is not there is left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn briefs<S: Lifecycle>(&self, ids: &[String]) -> Result<Vec<Brief>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new(
            "select s.id, s.state, s.since_us,
               case when s.title = '' and s.kind <> 'project' then coalesce((select p.title
                 from states p where p.kind = 'project' and p.id = s.project), '') else s.title end,
               s.author
             from states s where s.kind = ",
        );
        query.push_bind(S::KIND).push(" and s.id in (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.as_str());
        }
        query.push(")");
        let rows: Vec<BriefRow> = query
            .build_query_as()
            .fetch_all(&mut *self.reader().await?)
            .await?;
        let mut briefs = rows
            .into_iter()
            .map(|row| brief(row).map(|b| (b.id.clone(), b)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        Ok(ids.iter().filter_map(|id| briefs.remove(id)).collect())
    }

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
        let ids: Vec<String> = sqlx::query_scalar(
            "select id from ties where who = $1 and tie = $2 and kind = $3
             order by since_us, id limit $4",
        )
        .bind(who)
        .bind(kind.word())
        .bind(S::KIND)
        .bind(LIST_MAX)
        .fetch_all(&mut *self.reader().await?)
        .await?;
        let mut held = self.load_all::<S>(ids.iter().map(String::as_str)).await?;
        Ok(ids.iter().filter_map(|id| held.remove(id)).collect())
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
