//! Migrations: files that are only ever added to, counted by `pragma user_version`.

use sqlx::{AssertSqlSafe, Connection, SqliteConnection};

use crate::error::StoreError;
use crate::ties;

const MIGRATIONS: [&str; 7] = [
    include_str!("../migrations/0001_filing_room.sql"),
    include_str!("../migrations/0002_people.sql"),
    include_str!("../migrations/0003_leases.sql"),
    include_str!("../migrations/0004_accounts.sql"),
    include_str!("../migrations/0005_signed.sql"),
    include_str!("../migrations/0006_saved_queries.sql"),
    include_str!("../migrations/0007_answers.sql"),
];

/// The version whose files lack the columns and ties that lists are made of.
const WITHOUT_TIES: i64 = 1;

/// Newest schema version.
pub(crate) const KNOWN: i64 = MIGRATIONS.len() as i64;

/// Schema version of the file.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, StoreError> {
    Ok(sqlx::query_scalar("pragma user_version")
        .fetch_one(connection)
        .await?)
}

/// Brings the file to the newest version, all of it or nothing.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    // The lock comes first, so that two programs that start together do not both migrate.
    let mut transaction = connection.begin_with("begin immediate").await?;
    let found = version(&mut transaction).await?;
    let unknown = StoreError::Schema {
        found,
        known: KNOWN,
    };
    let Some(pending) = usize::try_from(found)
        .ok()
        .and_then(|from| MIGRATIONS.get(from..))
    else {
        return Err(unknown);
    };
    for migration in pending {
        sqlx::raw_sql(*migration).execute(&mut *transaction).await?;
    }
    if found == WITHOUT_TIES {
        ties::derive(&mut transaction).await?;
    }
    if !pending.is_empty() {
        // A pragma takes no bound values; the number is our own.
        let sql = format!("pragma user_version = {KNOWN}");
        sqlx::raw_sql(AssertSqlSafe(sql))
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Refuses a file of any other version than the newest.
pub(crate) async fn check(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let found = version(connection).await?;
    if found != KNOWN {
        return Err(StoreError::Schema {
            found,
            known: KNOWN,
        });
    }
    Ok(())
}
