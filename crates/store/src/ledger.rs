//! The accounts of privacy loss: moved in the transaction that writes the leaf, or not at all, and recomputed
//! from the leaves by whoever doubts them.

use std::borrow::Cow;
use std::collections::BTreeMap;

use audit_log::Entry;
use governance::BudgetId;
use governance::measure::{Account, Balance, Fault, Loss, OverBudget, Posting, Replay, Step};
use sqlx::{Connection, SqliteConnection};

use crate::error::{StoreError, count, int};
use crate::read::LIST_MAX;
use crate::room::Store;
use crate::writer::{Outcome, Task};

/// Leaves that a check reads at a time.
const PAGE: i64 = 1024;

/// What a check of the accounts found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// Leaves that were read: all of them.
    pub leaves: u64,
    /// What the leaves come to.
    pub told: BTreeMap<Account, Balance>,
    /// What is wrong, in the leaves or in the table. Nothing, in a store that nobody meddled with.
    pub faults: Vec<Fault>,
}

// Account, held rho, held delta, spent rho, spent delta.
type Row = (String, i64, i64, i64, i64);

const SELECT: &str = "select account, held_nano_rho, held_atto_delta, spent_nano_rho, spent_atto_delta from accounts";

fn read(
    (account, held_rho, held_delta, spent_rho, spent_delta): Row,
) -> Result<(Account, Balance), StoreError> {
    let loss = |nano_rho, atto_delta| {
        Ok::<_, StoreError>(Loss {
            nano_rho: count(nano_rho)?,
            atto_delta: count(atto_delta)?,
        })
    };
    let balance = Balance {
        held: loss(held_rho, held_delta)?,
        spent: loss(spent_rho, spent_delta)?,
    };
    let account = account
        .parse()
        .map_err(|_| StoreError::Unreadable("account"))?;
    Ok((account, balance))
}

/// Books what a change of this leaf books, within the savepoint that the caller holds.
pub(crate) async fn post(
    connection: &mut SqliteConnection,
    leaf: i64,
    postings: &[Posting],
) -> Result<(), StoreError> {
    for posting in postings {
        match posting.step() {
            Step::Hold { cap, version } => {
                must_be_current(connection, posting.account().budget(), version).await?;
                hold(connection, leaf, posting, cap).await?;
            }
            Step::Spend => settle(connection, leaf, posting, posting.loss()).await?,
            Step::Free => settle(connection, leaf, posting, Loss::ZERO).await?,
        }
    }
    Ok(())
}

/// The cap was read from a version of the budget; of any other it may be another.
async fn must_be_current(
    connection: &mut SqliteConnection,
    budget: &BudgetId,
    version: i64,
) -> Result<(), StoreError> {
    let held: Option<i64> =
        sqlx::query_scalar("select version from states where kind = 'budget' and id = $1")
            .bind(budget.as_str())
            .fetch_optional(connection)
            .await?;
    if held == Some(version) {
        return Ok(());
    }
    Err(StoreError::Stale {
        kind: "budget".to_owned(),
        id: budget.to_string(),
    })
}

/// Holds an amount if held and spent come to the cap at most. The condition is in the statement that writes.
async fn hold(
    connection: &mut SqliteConnection,
    leaf: i64,
    posting: &Posting,
    cap: Loss,
) -> Result<(), StoreError> {
    let (account, loss) = (posting.account(), posting.loss());
    let rows = sqlx::query(
        "insert into accounts (account, budget, held_nano_rho, held_atto_delta, spent_nano_rho,
           spent_atto_delta, leaf)
         select $1, $2, $3, $4, 0, 0, $5 where $3 <= $6 and $4 <= $7
         on conflict (account) do update set
           held_nano_rho = held_nano_rho + excluded.held_nano_rho,
           held_atto_delta = held_atto_delta + excluded.held_atto_delta, leaf = excluded.leaf
         where held_nano_rho + spent_nano_rho + excluded.held_nano_rho <= $6
           and held_atto_delta + spent_atto_delta + excluded.held_atto_delta <= $7",
    )
    .bind(account.to_string())
    .bind(account.budget().as_str())
    .bind(int(loss.nano_rho)?)
    .bind(int(loss.atto_delta)?)
    .bind(leaf)
    .bind(int(cap.nano_rho)?)
    .bind(int(cap.atto_delta)?)
    .execute(&mut *connection)
    .await?
    .rows_affected();
    if rows == 1 {
        return Ok(());
    }
    let row: Option<Row> =
        sqlx::query_as(sqlx::AssertSqlSafe(format!("{SELECT} where account = $1")))
            .bind(account.to_string())
            .fetch_optional(connection)
            .await?;
    let balance = row.map(read).transpose()?.map(|(_, balance)| balance);
    let used = balance.and_then(|b| b.used()).unwrap_or_default();
    Err(StoreError::OverBudget(OverBudget {
        account: account.clone(),
        left: used.left_of(cap),
        price: loss,
    }))
}

/// Takes what was held away, and adds `spent` to what is spent.
async fn settle(
    connection: &mut SqliteConnection,
    leaf: i64,
    posting: &Posting,
    spent: Loss,
) -> Result<(), StoreError> {
    let (account, loss) = (posting.account(), posting.loss());
    let rows = sqlx::query(
        "update accounts set
           held_nano_rho = held_nano_rho - $2, held_atto_delta = held_atto_delta - $3,
           spent_nano_rho = spent_nano_rho + $4, spent_atto_delta = spent_atto_delta + $5, leaf = $6
         where account = $1 and held_nano_rho >= $2 and held_atto_delta >= $3",
    )
    .bind(account.to_string())
    .bind(int(loss.nano_rho)?)
    .bind(int(loss.atto_delta)?)
    .bind(int(spent.nano_rho)?)
    .bind(int(spent.atto_delta)?)
    .bind(leaf)
    .execute(connection)
    .await?
    .rows_affected();
    if rows == 1 {
        return Ok(());
    }
    Err(StoreError::Unlogged {
        kind: "account".to_owned(),
        id: account.to_string(),
    })
}

async fn table(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<Account, Balance>, StoreError> {
    let rows: Vec<Row> = sqlx::query_as(SELECT).fetch_all(connection).await?;
    rows.into_iter().map(read).collect()
}

/// What of an entry says whether it books anything: read without the rest, since most entries of a log book
/// nothing.
#[derive(serde::Deserialize)]
struct Head<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
}

/// Whether an entry is about budgets or measurements. What cannot be read is, so that it is read in full.
fn books(entry: &[u8]) -> bool {
    serde_json::from_slice::<Head<'_>>(entry).map_or(true, |head| Replay::books(&head.action))
}

async fn replay(connection: &mut SqliteConnection) -> Result<(u64, Replay), StoreError> {
    let (mut replay, mut next) = (Replay::default(), 0_i64);
    loop {
        let rows: Vec<(i64, Vec<u8>)> =
            sqlx::query_as("select idx, entry from leaves where idx >= $1 order by idx limit $2")
                .bind(next)
                .bind(PAGE)
                .fetch_all(&mut *connection)
                .await?;
        let Some((last, _)) = rows.last() else {
            return Ok((count(next)?, replay));
        };
        next = last + 1;
        for (leaf, bytes) in rows {
            if !books(&bytes) {
                continue;
            }
            let entry = Entry::decode(&bytes)?;
            replay.entry(count(leaf)?, &entry.action, &entry.object, &entry.details);
        }
    }
}

/// Puts the table back to what the leaves tell. Gives the number of rows that were wrong.
pub(crate) async fn mend(connection: &mut SqliteConnection) -> Result<u64, StoreError> {
    let (leaves, replay) = replay(connection).await?;
    let table = table(connection).await?;
    let zero = Balance::default();
    let mut wrong = 0;
    let all: std::collections::BTreeSet<&Account> =
        replay.balances().keys().chain(table.keys()).collect();
    for account in all {
        let told = replay.balances().get(account);
        if told.unwrap_or(&zero) == table.get(account).unwrap_or(&zero) {
            continue;
        }
        wrong += 1;
        sqlx::query("delete from accounts where account = $1")
            .bind(account.to_string())
            .execute(&mut *connection)
            .await?;
        let Some(Balance { held, spent }) = told else {
            continue;
        };
        sqlx::query("insert into accounts values ($1, $2, $3, $4, $5, $6, $7)")
            .bind(account.to_string())
            .bind(account.budget().as_str())
            .bind(int(held.nano_rho)?)
            .bind(int(held.atto_delta)?)
            .bind(int(spent.nano_rho)?)
            .bind(int(spent.atto_delta)?)
            .bind(int(leaves.saturating_sub(1))?)
            .execute(&mut *connection)
            .await?;
    }
    Ok(wrong)
}

impl Store {
    /// The accounts of a budget, in order; an account that was never used is absent.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn accounts(
        &self,
        budget: &BudgetId,
        after: Option<&Account>,
    ) -> Result<Vec<(Account, Balance)>, StoreError> {
        let sql = format!("{SELECT} where budget = $1 and account > $2 order by account limit $3");
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(budget.as_str())
            .bind(after.map(ToString::to_string).unwrap_or_default())
            .bind(LIST_MAX)
            .fetch_all(&mut *self.reader().await?)
            .await?;
        rows.into_iter().map(read).collect()
    }

    /// What stands in one account; nothing in one that was never used.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn balance(&self, account: &Account) -> Result<Balance, StoreError> {
        let sql = format!("{SELECT} where account = $1");
        let row: Option<Row> = sqlx::query_as(sqlx::AssertSqlSafe(sql))
            .bind(account.to_string())
            .fetch_optional(&mut *self.reader().await?)
            .await?;
        Ok(row
            .map(read)
            .transpose()?
            .map(|(_, b)| b)
            .unwrap_or_default())
    }

    /// Recomputes every account from the leaves alone and holds the table against it, at one moment.
    ///
    /// # Errors
    /// [`StoreError::Log`] for a leaf that cannot be read, or if the database fails.
    pub async fn check_accounts(&self) -> Result<Accounts, StoreError> {
        let mut reader = self.reader().await?;
        let mut moment = reader.begin().await?;
        let (leaves, replay) = replay(&mut moment).await?;
        let faults = replay.against(&table(&mut moment).await?);
        Ok(Accounts {
            leaves,
            told: replay.balances().clone(),
            faults,
        })
    }

    /// Puts the table of accounts back to what the leaves tell. Gives how many accounts were wrong; none, in a
    /// store that nobody meddled with.
    ///
    /// # Errors
    /// As [`Store::check_accounts`].
    pub async fn mend_accounts(&self) -> Result<u64, StoreError> {
        match self.write(Task::Mend).await? {
            Outcome::Noted(rows) => Ok(rows),
            Outcome::Recorded(_) => Err(StoreError::Unreadable("answer of the writer")),
        }
    }
}
