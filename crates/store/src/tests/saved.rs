//! Saved statements: whose they are, who sees them, and how many.

use governance::{Timestamp, WorkspaceId};

use super::{opened, per};
use crate::{SAVED_MAX, Saved, Seen, StoreError};

#[tokio::test]
async fn a_saved_statement_is_its_authors_until_it_is_shared() {
    let (_dir, store) = opened().await;
    let place = |n: u8| -> WorkspaceId { format!("wsp_{n}").parse().unwrap() };
    let saved = |person, name: &str, seen, sql: &str| Saved {
        person: per(person),
        name: name.into(),
        seen,
        sql: sql.into(),
        at: Timestamp::from_microsecond(7).unwrap(),
    };
    let names = async |workspace: u8, person: u32| -> Vec<String> {
        let all = store.saved_queries(&place(workspace), &per(person)).await;
        let all = all.unwrap().into_iter();
        all.map(|s| format!("{} {}: {}", s.person, s.name, s.sql))
            .collect()
    };
    let mine = saved(1, "b", Seen::ByAuthor, "select 1");
    store.save_query(&place(1), mine).await.unwrap();
    let shared = saved(2, "a", Seen::ByAll, "select 2");
    store.save_query(&place(1), shared).await.unwrap();
    assert_eq!(
        names(1, 1).await,
        ["per_1 b: select 1", "per_2 a: select 2"]
    );
    assert_eq!(names(1, 2).await, ["per_2 a: select 2"]);
    assert_eq!(names(2, 1).await, Vec::<String>::new(), "another workspace");
    let again = saved(1, "b", Seen::ByAll, "select 3");
    store.save_query(&place(1), again).await.unwrap();
    assert_eq!(
        names(1, 2).await,
        ["per_2 a: select 2", "per_1 b: select 3"]
    );
    assert!(!store.forget_query(&place(1), &per(1), "a").await.unwrap());
    assert!(store.forget_query(&place(1), &per(1), "b").await.unwrap());
    for n in 1..SAVED_MAX {
        let next = saved(2, &format!("n{n}"), Seen::ByAuthor, "select 1");
        store.save_query(&place(1), next).await.unwrap();
    }
    let last = saved(2, "last", Seen::ByAuthor, "select 1");
    let full = store.save_query(&place(1), last).await;
    assert!(matches!(full, Err(StoreError::TooMuch { .. })));
    let everybodys = store.everybodys_queries(&place(1), None).await.unwrap();
    assert_eq!(everybodys.len(), usize::try_from(SAVED_MAX).unwrap());
    let (tenth, rest) = (&everybodys[9], everybodys.len() - 10);
    let after = store.everybodys_queries(&place(1), Some(tenth)).await;
    assert_eq!(after.unwrap().len(), rest);
    let known = saved(2, "a", Seen::ByAuthor, "select 4");
    store.save_query(&place(1), known).await.unwrap();
    assert_eq!(store.log_size().await.unwrap(), 0, "notes have no leaf");
}
