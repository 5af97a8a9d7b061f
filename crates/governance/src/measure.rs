//! Measurements: answers under differential privacy, and the accounts that say how much may still be learnt.
//!
//! A controller opens a *budget* for its dataset; a copy of the dataset joins it, so that the people behind
//! both have one account for life. A *measurement* is one canonical request on one snapshot. Its price is
//! reserved before data is read and never given back after.
//!
//! # What is paid, and how that is known
//!
//! | from | to | booked |
//! |---|---|---|
//! | – , freed, forfeited | reserved | the price is held in every account |
//! | reserved | freed | given back: withdrawn, or not used in time |
//! | reserved | running | nothing; from here on data counts as read |
//! | running | released, under review | spent |
//! | under review | released, withheld | nothing |
//! | running | forfeited | spent, and nothing is given out |
//!
//! The keeper opens an extract for a measurement only if the store holds it as *running under that very job*,
//! and the leaf that says so is written before the keeper is asked. So a reservation that is not running
//! never opened data, and one that is running is charged whatever became of it: a time-out, a cancelled
//! request, a killed process. There is no state from which data was read and the price comes back.

mod account;
mod budget;
mod labels;
mod loss;
mod measurement;
mod replay;
mod state;

pub use account::{Account, Level, Posting, Step};
pub use budget::{Budget, Caps, Family, PROJECTS_MAX};
pub use loss::{ATTO_DELTA_MAX, Loss, NANO_RHO_MAX, OverBudget, PRICE_NANO_RHO_MIN};
pub use measurement::{Ask, DATASETS_MAX, Place, RESERVED_S_MAX};
pub use replay::{Balance, Fault, Replay};
pub use state::{Answer, Core, Lost, Measurement};
