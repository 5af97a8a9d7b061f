//! Lists for a file that an older program wrote.

use std::collections::BTreeSet;

use governance::comment::Comment;
use governance::dataset::Dataset;
use governance::delivery::Delivery;
use governance::indexing::Indexing;
use governance::output::Output;
use governance::person::Person;
use governance::project::Project;
use governance::{Index, Lifecycle, PersonId, Timestamp};
use sqlx::SqliteConnection;

use super::write;
use crate::error::StoreError;
use crate::read::LIST_MAX;

/// Derives what lists know of every object again, for a file that an older program wrote. Which state an
/// object was in before is not in its row: it counts as being in its state since the last event.
pub(crate) async fn derive(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut after = (String::new(), String::new());
    loop {
        let rows: Vec<(String, String, String, String, String)> = sqlx::query_as(
            "select kind, id, state, json, updated_at from states
             where (kind, id) > ($1, $2) order by kind, id limit $3",
        )
        .bind(&after.0)
        .bind(&after.1)
        .bind(LIST_MAX)
        .fetch_all(&mut *connection)
        .await?;
        let Some((kind, id, ..)) = rows.last() else {
            return Ok(());
        };
        after = (kind.clone(), id.clone());
        for (kind, id, state, json, at) in rows {
            let at: Timestamp = at.parse().map_err(|_| StoreError::Unreadable("state"))?;
            let index = index_of(&kind, &json)?;
            let since_us = at.as_microsecond();
            sqlx::query(
                "update states set title = $1, author = $2, since_us = $3
                 where kind = $4 and id = $5",
            )
            .bind(&index.title)
            .bind(index.author.as_ref().map(PersonId::as_str))
            .bind(since_us)
            .bind(&kind)
            .bind(&id)
            .execute(&mut *connection)
            .await?;
            let actors: Vec<String> = sqlx::query_scalar(
                "select distinct person from events
                 where kind = $1 and object = $2 and person is not null order by person",
            )
            .bind(&kind)
            .bind(&id)
            .fetch_all(&mut *connection)
            .await?;
            let placed = (state.as_str(), since_us);
            write(connection, (&kind, &id), placed, &index, None).await?;
            for actor in &actors {
                write(connection, (&kind, &id), placed, &index, Some(actor)).await?;
            }
        }
    }
}

fn index_of(kind: &str, json: &str) -> Result<Index, StoreError> {
    fn of<S: Lifecycle>(json: &str) -> Result<Index, StoreError> {
        let value: S = serde_json::from_str(json).map_err(|_| StoreError::Unreadable(S::KIND))?;
        Ok(Index::of(&value))
    }
    match kind {
        Person::KIND => of::<Person>(json),
        Dataset::KIND => of::<Dataset>(json),
        Delivery::KIND => of::<Delivery>(json),
        Project::KIND => of::<Project>(json),
        Indexing::KIND => of::<Indexing>(json),
        Output::KIND => of::<Output>(json),
        Comment::KIND => of::<Comment>(json),
        // Lists do not find the others by ties.
        _ => Ok(Index {
            title: String::new(),
            author: None,
            ties: BTreeSet::new(),
        }),
    }
}
