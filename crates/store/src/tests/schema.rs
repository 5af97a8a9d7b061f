use sqlx::{Connection, SqliteConnection};

use super::{beside, opened, run};
use crate::{Store, StoreError, schema};

#[tokio::test]
async fn all_migrations_together_give_the_schema_on_file() {
    let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    schema::migrate(&mut connection).await.unwrap();
    schema::migrate(&mut connection).await.unwrap();
    let rows: Vec<String> = sqlx::query_scalar(
        "select sql from sqlite_schema where sql is not null order by tbl_name, type, name",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let schema = format!(
        "pragma user_version = {};\n\n{};\n",
        schema::KNOWN,
        rows.join(";\n\n")
    );
    expect_test::expect_file!["../../schema.sql"].assert_eq(&schema);
}

#[tokio::test]
async fn the_file_of_a_newer_program_is_left_alone() {
    let (dir, store) = opened().await;
    store.close().await;
    run(&mut beside(&dir).await, "pragma user_version = 999").await;
    let newer = |error| {
        matches!(
            error,
            StoreError::Schema {
                found: 999,
                known: schema::KNOWN
            }
        )
    };
    assert!(newer(Store::open(dir.path()).await.unwrap_err()));
    assert!(newer(Store::open_read_only(dir.path()).await.unwrap_err()));
}

#[tokio::test]
async fn no_store_is_made_by_reading() {
    let dir = tempfile::tempdir().unwrap();
    let refused = Store::open_read_only(dir.path()).await;
    assert!(matches!(refused, Err(StoreError::Absent)));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
