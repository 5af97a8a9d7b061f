//! Privacy budgets and measurements: what controllers let be learnt, what was learnt by whom, and the record of
//! each answer. The rules are `governance::measure`'s, the accounts the store's.

mod ask;
mod budget;
mod lost;
mod newest;
mod statement;
mod sweep;

pub(crate) use ask::MeasureAnswer;
pub use ask::{Charged, MeasurementView, PriceView};
pub use budget::{AccountView, BudgetView, Remaining};
pub use statement::AccountsVerdict;
