//! Privacy budgets and measurements: what controllers let be learnt, what was learnt by whom, and the record of
//! each answer. The rules are `governance::measure`'s, the accounts the store's.

mod ask;
mod budget;
mod feasibility;
mod labels;
mod lost;
mod newest;
mod practice;
mod record;
mod self_audit;
mod statement;
mod sweep;
mod view;

pub(crate) use ask::MeasureAnswer;
pub use ask::{Charged, MeasurementView, PriceView};
pub use budget::{AccountView, BudgetView, Remaining};
pub use feasibility::Countable;
pub use practice::PracticeView;
pub use record::{RELEASE_RECORD, ReleaseRecord};
pub(crate) use self_audit::FIRST_AFTER_S as AUDIT_AFTER_S;
pub use self_audit::SelfAuditView;
pub use statement::AccountsVerdict;
