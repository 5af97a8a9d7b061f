//! Rows of several changes in one statement each: a long record costs little more than its bytes.

use std::collections::BTreeMap;

use governance::Sealed;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::{Line, person};
use crate::error::StoreError;

/// Most changes in one statement.
pub(super) const MAX: usize = 64;

/// Versions that the store holds of what is changed, by kind and id.
pub(super) async fn versions<'a>(
    connection: &mut SqliteConnection,
    changes: &'a [Sealed],
) -> Result<BTreeMap<(&'a str, &'a str), i64>, StoreError> {
    let mut query =
        QueryBuilder::<Sqlite>::new("select kind, id, version from states where (kind, id) in (");
    query.push_values(changes, |mut row, change| {
        let event = change.event();
        row.push_bind(event.kind()).push_bind(event.object());
    });
    query.push(")");
    let rows: Vec<(String, String, i64)> = query.build_query_as().fetch_all(connection).await?;
    let mut held = BTreeMap::new();
    for change in changes {
        let (kind, id) = (change.event().kind(), change.event().object());
        if let Some((.., version)) = rows.iter().find(|(k, i, _)| k == kind && i == id) {
            held.insert((kind, id), *version);
        }
    }
    Ok(held)
}

/// Writes what happened.
pub(super) async fn events(
    connection: &mut SqliteConnection,
    lines: &[Line<'_>],
) -> Result<(), StoreError> {
    let mut facts = Vec::with_capacity(lines.len());
    for line in lines {
        let text = serde_json::to_string(line.change.event().facts());
        facts.push(text.map_err(|_| StoreError::Unreadable("fact"))?);
    }
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into events (leaf, at, action, person, kind, object, project, version, facts) ",
    );
    query.push_values(lines.iter().zip(&facts), |mut row, (line, facts)| {
        let event = line.change.event();
        row.push_bind(line.leaf)
            .push_bind(event.at().to_string())
            .push_bind(event.action().word())
            .push_bind(person(event))
            .push_bind(event.kind())
            .push_bind(event.object())
            .push_bind(event.project().map(|project| project.as_str()))
            .push_bind(line.version)
            .push_bind(facts);
    });
    query.build().execute(connection).await?;
    Ok(())
}

/// Writes the states and gives, in the order of the lines, the moment since when each object is in its state.
pub(super) async fn states(
    connection: &mut SqliteConnection,
    lines: &[Line<'_>],
) -> Result<Vec<i64>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "insert into states (kind, id, project, state, json, salt, version, leaf, updated_at,
           title, author, since_us) ",
    );
    query.push_values(lines, |mut row, line| {
        let (event, index) = (line.change.event(), line.change.index());
        row.push_bind(event.kind())
            .push_bind(event.object())
            .push_bind(event.project().map(|project| project.as_str()))
            .push_bind(line.change.state())
            .push_bind(line.change.json())
            .push_bind(line.salt.as_slice())
            .push_bind(line.version)
            .push_bind(line.leaf)
            .push_bind(event.at().to_string())
            .push_bind(&index.title)
            .push_bind(index.author.as_ref().map(|author| author.as_str()))
            .push_bind(event.at().as_microsecond());
    });
    query.push(
        " on conflict (kind, id) do update set
           since_us = case when states.state = excluded.state then states.since_us
             else excluded.since_us end,
           project = excluded.project, state = excluded.state, json = excluded.json,
           salt = excluded.salt, version = excluded.version, leaf = excluded.leaf,
           updated_at = excluded.updated_at, title = excluded.title, author = excluded.author
         returning leaf, since_us",
    );
    let rows: Vec<(i64, i64)> = query.build_query_as().fetch_all(connection).await?;
    let since: BTreeMap<i64, i64> = rows.into_iter().collect();
    lines
        .iter()
        .map(|line| since.get(&line.leaf).copied())
        .collect::<Option<_>>()
        .ok_or(StoreError::Unreadable("state"))
}
