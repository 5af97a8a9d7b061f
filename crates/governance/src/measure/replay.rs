//! The accounts recomputed from the log alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::account::Account;
use super::loss::Loss;
use crate::action::{Action, Row};
use crate::change::Fact;
use crate::ids::ProjectId;

/// What stands in an account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Balance {
    /// Held for questions that are reserved or run.
    pub held: Loss,
    /// Spent for good.
    pub spent: Loss,
}

impl Balance {
    /// Both together: what counts against the cap.
    #[must_use]
    pub fn used(&self) -> Option<Loss> {
        self.held.plus(self.spent)
    }
}

/// What is wrong with a leaf or with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The facts of a leaf cannot be read as a booking.
    #[error("leaf {0} books something that cannot be read")]
    Unreadable(u64),
    /// More was held than the cap in force allowed.
    #[error("leaf {leaf} takes {account} over its cap")]
    OverCap {
        /// The leaf.
        leaf: u64,
        /// The account.
        account: Account,
    },
    /// Something was settled that was not held, or not as it was held.
    #[error("leaf {0} settles what was not reserved so")]
    NotHeld(u64),
    /// The same reservation twice.
    #[error("leaf {0} reserves what is reserved already")]
    HeldTwice(u64),
    /// A question was released, forfeited or given back in a state that does not allow it.
    #[error("leaf {0} settles a question out of turn")]
    OutOfTurn(u64),
    /// The store's table holds something else than the log tells.
    #[error("the account {0} is not as the log tells it")]
    Table(Account),
}

/// How far a question is, as its leaves tell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Open {
    accounts: Vec<Account>,
    price: Loss,
    running: Running,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Running {
    NotYet,
    Yes,
}

#[derive(Debug, Clone, Default)]
struct CapsTold {
    people: Loss,
    project: Loss,
    researcher: Loss,
    projects: BTreeMap<ProjectId, Loss>,
}

/// Reads leaves in order and keeps what they come to. It trusts no table and no state: each booking is held
/// against the cap that an earlier leaf set, and each settlement against its reservation.
#[derive(Debug, Clone, Default)]
pub struct Replay {
    caps: BTreeMap<String, CapsTold>,
    open: BTreeMap<String, Open>,
    balances: BTreeMap<Account, Balance>,
    /// Answers whose labels wait for an output checker.
    waiting: BTreeSet<String>,
    faults: Vec<Fault>,
}

type Facts = BTreeMap<String, Fact>;

impl Replay {
    /// Reads the next leaf: what was done, to what, with which facts. Leaves about other things are passed over.
    pub fn read(&mut self, leaf: u64, action: Action, object: &str, facts: &Facts) {
        if let Err(fault) = self.take(leaf, action, object, facts) {
            self.faults.push(fault);
        }
    }

    /// Whether a leaf of this act is read at all: the word of the act is one about budgets or measurements.
    #[must_use]
    pub fn books(action: &str) -> bool {
        booking_row(action).is_some()
    }

    /// Reads the next leaf as its entry has it: the word of the act, the object, the details. What is not about
    /// budgets or measurements is passed over, whatever it holds.
    pub fn entry(&mut self, leaf: u64, action: &str, object: &str, details: &serde_json::Value) {
        let Some(row) = booking_row(action) else {
            return;
        };
        let facts = details.get("facts").unwrap_or(&serde_json::Value::Null);
        match Facts::deserialize(facts) {
            Ok(facts) => self.read(leaf, row.action, object, &facts),
            Err(_) => self.faults.push(Fault::Unreadable(leaf)),
        }
    }

    fn take(
        &mut self,
        leaf: u64,
        action: Action,
        object: &str,
        facts: &Facts,
    ) -> Result<(), Fault> {
        match action {
            Action::OpenBudget | Action::SetCaps => {
                let caps = caps(facts).ok_or(Fault::Unreadable(leaf))?;
                self.caps.insert(object.to_owned(), caps);
                Ok(())
            }
            Action::ReserveMeasurement | Action::ReserveMeasurementAgain => {
                let (accounts, price) = booking(facts).ok_or(Fault::Unreadable(leaf))?;
                self.hold(leaf, object, accounts, price)
            }
            Action::RunMeasurement => match self.open.get_mut(object) {
                Some(open) if open.running == Running::NotYet => {
                    open.running = Running::Yes;
                    Ok(())
                }
                Some(_) | None => Err(Fault::OutOfTurn(leaf)),
            },
            Action::ReleaseMeasurement | Action::HoldMeasurement | Action::ForfeitMeasurement => {
                let open = self.settle(leaf, object, facts, Running::Yes)?;
                if action == Action::HoldMeasurement {
                    self.waiting.insert(object.to_owned());
                }
                self.move_each(leaf, &open, |balance| Balance {
                    spent: balance.spent.plus(open.price).unwrap_or(balance.spent),
                    ..balance
                })
            }
            // What waits for an output checker was paid for when it was drawn.
            Action::ReleaseLabels | Action::WithholdLabels => match self.waiting.remove(object) {
                true => Ok(()),
                false => Err(Fault::OutOfTurn(leaf)),
            },
            Action::WithdrawMeasurement | Action::ExpireMeasurement => {
                let open = self.settle(leaf, object, facts, Running::NotYet)?;
                self.move_each(leaf, &open, |balance| balance)
            }
            _ => Ok(()),
        }
    }

    fn hold(
        &mut self,
        leaf: u64,
        object: &str,
        accounts: Vec<Account>,
        price: Loss,
    ) -> Result<(), Fault> {
        let open = Open {
            accounts,
            price,
            running: Running::NotYet,
        };
        if self.open.contains_key(object) || self.waiting.contains(object) {
            return Err(Fault::HeldTwice(leaf));
        }
        for account in &open.accounts {
            let balance = self.balances.entry(account.clone()).or_default();
            balance.held = balance.held.plus(price).ok_or(Fault::Unreadable(leaf))?;
            let used = balance.used().ok_or(Fault::Unreadable(leaf))?;
            let caps = self.caps.get(account.budget().as_str());
            if !used.within(caps.map_or(Loss::ZERO, |caps| caps.of(account))) {
                self.faults.push(Fault::OverCap {
                    leaf,
                    account: account.clone(),
                });
            }
        }
        self.open.insert(object.to_owned(), open);
        Ok(())
    }

    fn settle(
        &mut self,
        leaf: u64,
        object: &str,
        facts: &Facts,
        running: Running,
    ) -> Result<Open, Fault> {
        let (accounts, price) = booking(facts).ok_or(Fault::Unreadable(leaf))?;
        let open = self.open.remove(object).ok_or(Fault::NotHeld(leaf))?;
        if open.accounts != accounts || open.price != price {
            return Err(Fault::NotHeld(leaf));
        }
        if open.running != running {
            return Err(Fault::OutOfTurn(leaf));
        }
        Ok(open)
    }

    fn move_each(
        &mut self,
        leaf: u64,
        open: &Open,
        then: impl Fn(Balance) -> Balance,
    ) -> Result<(), Fault> {
        for account in &open.accounts {
            let balance = self.balances.entry(account.clone()).or_default();
            let held = balance.held.minus(open.price);
            let held = held.ok_or(Fault::NotHeld(leaf))?;
            *balance = then(Balance { held, ..*balance });
        }
        Ok(())
    }

    /// Every account that was ever booked, as the leaves so far tell.
    #[must_use]
    pub fn balances(&self) -> &BTreeMap<Account, Balance> {
        &self.balances
    }

    /// What is wrong with the leaves so far.
    #[must_use]
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }

    /// What is wrong, in the leaves and in a table of the accounts.
    #[must_use]
    pub fn against(&self, table: &BTreeMap<Account, Balance>) -> Vec<Fault> {
        let mut faults = self.faults.clone();
        let zero = Balance::default();
        let told = self.balances.keys();
        let mut all: Vec<&Account> = told.chain(table.keys()).collect();
        all.sort();
        all.dedup();
        for account in all {
            let told = self.balances.get(account).unwrap_or(&zero);
            if told != table.get(account).unwrap_or(&zero) {
                faults.push(Fault::Table(account.clone()));
            }
        }
        faults
    }
}

impl CapsTold {
    fn of(&self, account: &Account) -> Loss {
        match account {
            Account::People { .. } => self.people,
            Account::Project { project, .. } => {
                self.projects.get(project).copied().unwrap_or(self.project)
            }
            Account::Researcher { .. } => self.researcher,
        }
    }
}

/// The act of this word, if it is about budgets or measurements.
fn booking_row(word: &str) -> Option<&'static Row> {
    let row = Action::TABLE.iter().find(|row| row.word == word);
    row.filter(|row| matches!(row.kind, "budget" | "measurement"))
}

fn number(facts: &Facts, name: &str) -> Option<u64> {
    match facts.get(name)? {
        Fact::Count(n) => Some(*n),
        Fact::Word(_) | Fact::Words(_) => None,
    }
}

fn words<'a>(facts: &'a Facts, name: &str) -> Option<&'a [String]> {
    match facts.get(name)? {
        Fact::Words(words) => Some(words),
        Fact::Count(_) | Fact::Word(_) => None,
    }
}

fn booking(facts: &Facts) -> Option<(Vec<Account>, Loss)> {
    let accounts: Result<Vec<Account>, _> = words(facts, "accounts")?
        .iter()
        .map(|a| a.parse())
        .collect();
    let accounts = accounts.ok()?;
    let distinct: BTreeSet<&Account> = accounts.iter().collect();
    if accounts.is_empty() || distinct.len() != accounts.len() {
        return None;
    }
    let price = Loss {
        nano_rho: number(facts, "nano_rho")?,
        atto_delta: number(facts, "atto_delta")?,
    };
    Some((accounts, price))
}

fn caps(facts: &Facts) -> Option<CapsTold> {
    let loss = |level: &str| {
        Some(Loss {
            nano_rho: number(facts, &format!("{level}_nano_rho"))?,
            atto_delta: number(facts, &format!("{level}_atto_delta"))?,
        })
    };
    let mut projects = BTreeMap::new();
    for word in words(facts, "projects")? {
        let mut parts = word.split(':');
        let (project, rho, delta) = (parts.next()?, parts.next()?, parts.next()?);
        let cap = Loss {
            nano_rho: rho.parse().ok()?,
            atto_delta: delta.parse().ok()?,
        };
        projects.insert(project.parse().ok()?, cap);
    }
    Some(CapsTold {
        people: loss("people")?,
        project: loss("project")?,
        researcher: loss("researcher")?,
        projects,
    })
}
