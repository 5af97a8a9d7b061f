//! Differencing: what a new table gives away together with everything released before about the
//! same people.
//!
//! A [`Release`] keeps for each released table who is in which cell, as one label per person. From
//! released counts (or sums) a reader can form every linear combination; where one of them is the
//! count of few people, these people are isolated. [`compare`] looks for such groups
//!
//! 1. between the new table and each earlier one, completely, in time linear in the people (the
//!    minimum cuts of the overlap of two partitions, `cut`);
//! 2. between the new table and several earlier ones that cut the people up in much the same way,
//!    in exact arithmetic over the atoms of all their overlaps (`space`), up to stated limits;
//! 3. by what each cell's value being at least zero excludes (`bounds`).
//!
//! and says of each who, from what, with the arithmetic that shows it, and what would help.

mod bounds;
mod bytes;
mod close;
mod compare;
mod cut;
mod red_team;
mod release;
mod space;
mod words;

pub use bytes::BytesError;
pub use close::Close;
pub use compare::{Comparison, Isolated, Isolation, Proof, Term, compare};
pub use red_team::{Attacked, Group, Recovered, attack_history};
pub use release::{
    About, CELLS_MAX, CellPeople, PEOPLE_MAX, Release, ReleaseError, ReleasedCell, Treatment,
};
pub use space::{ATOMS_MAX, TOGETHER_MAX};

#[cfg(test)]
mod tests;
