//! Lists of objects, as many as a page shows in one statement.

use std::collections::BTreeMap;

use governance::person::Person;
use governance::project::Project;
use governance::{Lifecycle, PersonId, TieKind, Timestamp};
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row, Sqlite};

use crate::error::StoreError;
use crate::read::LIST_MAX;
use crate::room::Store;

/// Most ranges of ids in one statement.
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
    /// That person's organisation; empty without an author.
    pub organisation: String,
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
    /// Of a project that has at least one of these ties; of any project when empty.
    pub project_tied: &'a [(TieKind, &'a str)],
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
            project_tied: &[],
            project_untied: &[],
            order: Order::OldestFirst,
            limit: LIST_MAX,
            after: None,
        }
    }
}

/// One list among several that are asked for together.
#[derive(Clone, Copy, Debug)]
pub struct List<'a> {
    kind: &'static str,
    search: Search<'a>,
}

impl<'a> List<'a> {
    /// Objects of one kind.
    #[must_use]
    pub fn of<S: Lifecycle>(search: Search<'a>) -> Self {
        Self {
            kind: S::KIND,
            search,
        }
    }

    /// Every state, or every state under every tie.
    fn ranges(&self) -> Vec<Range<'a>> {
        let states = self.search.states.iter().copied();
        if self.search.tied.is_empty() {
            return states.map(|state| (state, None)).collect();
        }
        let tied = self.search.tied;
        states
            .flat_map(|state| tied.iter().map(move |tie| (state, Some(*tie))))
            .collect()
    }
}

/// A state, or a state under a tie.
type Range<'a> = (&'a str, Option<(TieKind, &'a str)>);

/// What a brief is made of: a state `s`, its author `a`.
const BRIEF_COLUMNS: &str = "s.id, s.state, s.since_us,
       case when s.title = '' and s.kind <> 'project' then coalesce((select p.title
         from states p where p.kind = 'project' and p.id = s.project), '') else s.title end,
       s.author, coalesce(json_extract(a.json, '$.organisation'), '')";

/// Reads [`BRIEF_COLUMNS`], from the column at `first` on.
fn brief(row: &SqliteRow, first: usize) -> Result<Brief, StoreError> {
    let unreadable = || StoreError::Unreadable("state");
    let author: Option<String> = row.try_get(first + 4)?;
    let author = author.map(PersonId::try_from).transpose();
    let since: i64 = row.try_get(first + 2)?;
    Ok(Brief {
        id: row.try_get(first)?,
        state: row.try_get(first + 1)?,
        since: Timestamp::from_microsecond(since).map_err(|_| unreadable())?,
        title: row.try_get(first + 3)?,
        author: author.map_err(|_| unreadable())?,
        organisation: row.try_get(first + 5)?,
    })
}

/// The author's state beside each state `s`.
fn with_author(query: &mut Query) {
    query
        .push(" left join states a on a.kind = ")
        .push_bind(Person::KIND)
        .push(" and a.id = s.author");
}

type Query = QueryBuilder<Sqlite>;

/// Where the page begins: age and id of the object before it.
type Edge<'a> = Option<(i64, &'a str)>;

/// The condition that none of these ties is there.
pub(super) fn without(query: &mut Query, (kind, id): (&str, &str), ties: &[(TieKind, &str)]) {
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

/// The condition that at least one of these ties is there.
fn with_any(query: &mut Query, (kind, id): (&str, &str), ties: &[(TieKind, &str)]) {
    query
        .push(" and exists (select 1 from ties x where x.kind = ")
        .push_bind(kind)
        .push(" and x.id = ")
        .push(id);
    for (index, (tie, who)) in ties.iter().enumerate() {
        query
            .push(if index == 0 { " and ((" } else { ") or (" })
            .push("x.tie = ")
            .push_bind(tie.word())
            .push(" and x.who = ")
            .push_bind(*who);
    }
    query.push(")))");
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
    query.push("select r.id as id, r.since_us as since_us from ");
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
    let project = match tie {
        None => "r.project",
        Some(_) => "(select p.project from states p where p.kind = r.kind and p.id = r.id)",
    };
    without(query, (Project::KIND, project), search.project_untied);
    if !search.project_tied.is_empty() {
        with_any(query, (Project::KIND, project), search.project_tied);
    }
    page(query, search, edge);
}

/// Some ranges of a list: id and age of what is in any of them.
fn term(query: &mut Query, list: &List<'_>, ranges: &[Range<'_>], edge: Edge<'_>) {
    for (index, range_of) in ranges.iter().enumerate() {
        query.push(if index == 0 {
            "select id, since_us from ("
        } else {
            " union select id, since_us from ("
        });
        range(query, list.kind, *range_of, &list.search, edge);
        query.push(")");
    }
    let way = match list.search.order {
        Order::OldestFirst => "",
        Order::NewestFirst => " desc",
    };
    query
        .push(" order by since_us")
        .push(way)
        .push(", id")
        .push(way)
        .push(" limit ")
        .push_bind(list.search.limit.min(LIST_MAX));
}

impl Store {
    /// Objects of one kind as lists show them. What a list shows was derived from the state that the leaf
    /// vouches for, and is not checked against it.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search<S: Lifecycle>(&self, search: Search<'_>) -> Result<Vec<Brief>, StoreError> {
        let lists = self.search_all(&[List::of::<S>(search)]).await?;
        Ok(lists.into_iter().flatten().collect())
    }

    /// Several lists, as [`Store::search`] gives each, in one statement for every hundred ranges.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn search_all(&self, lists: &[List<'_>]) -> Result<Vec<Vec<Brief>>, StoreError> {
        let mut edges = Vec::with_capacity(lists.len());
        for list in lists {
            edges.push(match list.search.after {
                None => Some(None),
                // What comes after an object that is not there is nothing.
                Some(id) => self.age(list.kind, id).await?.map(|age| Some((age, id))),
            });
        }
        let ranges: Vec<Vec<Range<'_>>> = lists.iter().map(List::ranges).collect();
        let mut terms: Vec<(usize, &List<'_>, &[Range<'_>], Edge<'_>)> = Vec::new();
        for (part, ((list, ranges), edge)) in lists.iter().zip(&ranges).zip(&edges).enumerate() {
            if let Some(edge) = edge {
                let some = ranges.chunks(RANGES_MAX);
                terms.extend(some.map(|some| (part, list, some, *edge)));
            }
        }
        let mut found: Vec<BTreeMap<(Timestamp, String), Brief>> =
            vec![BTreeMap::new(); lists.len()];
        let mut rest = terms.as_slice();
        while !rest.is_empty() {
            let mut taken = 0;
            let fitting = rest.iter().take_while(|(_, _, ranges, _)| {
                taken += ranges.len();
                taken <= RANGES_MAX
            });
            let (now, later) = rest.split_at(fitting.count());
            rest = later;
            for (part, brief) in self.briefs_of(now).await? {
                if let Some(found) = found.get_mut(part) {
                    found.insert((brief.since, brief.id.clone()), brief);
                }
            }
        }
        let ordered = |(list, found): (&List<'_>, BTreeMap<_, Brief>)| {
            let limit = usize::try_from(list.search.limit.min(LIST_MAX)).unwrap_or(usize::MAX);
            let found = found.into_values();
            match list.search.order {
                Order::OldestFirst => found.take(limit).collect(),
                Order::NewestFirst => found.rev().take(limit).collect(),
            }
        };
        Ok(lists.iter().zip(found).map(ordered).collect())
    }

    /// What these terms find, each with the number of its list.
    async fn briefs_of(
        &self,
        terms: &[(usize, &List<'_>, &[Range<'_>], Edge<'_>)],
    ) -> Result<Vec<(usize, Brief)>, StoreError> {
        let mut query = QueryBuilder::<Sqlite>::new("select f.part, ");
        query.push(BRIEF_COLUMNS).push(" from (");
        for (index, (part, list, ranges, edge)) in terms.iter().enumerate() {
            query
                .push(if index == 0 {
                    "select "
                } else {
                    " union all select "
                })
                .push(part)
                .push(" as part, ")
                .push_bind(list.kind)
                .push(" as kind, id from (");
            term(&mut query, list, ranges, *edge);
            query.push(")");
        }
        query.push(") f cross join states s on s.kind = f.kind and s.id = f.id");
        with_author(&mut query);
        let rows = query.build().fetch_all(&mut *self.reader().await?).await?;
        rows.iter()
            .map(|row| {
                let part: i64 = row.try_get(0)?;
                let part = usize::try_from(part).map_err(|_| StoreError::Unreadable("number"))?;
                Ok((part, brief(row, 1)?))
            })
            .collect()
    }

    /// Since when an object is in its state, in microseconds.
    async fn age(&self, kind: &str, id: &str) -> Result<Option<i64>, StoreError> {
        Ok(
            sqlx::query_scalar("select since_us from states where kind = $1 and id = $2")
                .bind(kind)
                .bind(id)
                .fetch_optional(&mut *self.reader().await?)
                .await?,
        )
    }

    /// These objects as lists show them, in this order; what is not there is left out.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn briefs<S: Lifecycle>(&self, ids: &[String]) -> Result<Vec<Brief>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut query = QueryBuilder::<Sqlite>::new("select ");
        query.push(BRIEF_COLUMNS).push(" from states s");
        with_author(&mut query);
        query
            .push(" where s.kind = ")
            .push_bind(S::KIND)
            .push(" and s.id in (");
        let mut list = query.separated(", ");
        for id in ids {
            list.push_bind(id.as_str());
        }
        query.push(")");
        let rows = query.build().fetch_all(&mut *self.reader().await?).await?;
        let mut briefs = rows
            .iter()
            .map(|row| brief(row, 0).map(|b| (b.id.clone(), b)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        Ok(ids.iter().filter_map(|id| briefs.remove(id)).collect())
    }
}
