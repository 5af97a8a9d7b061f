//! Secondary suppression: which further cells must be hidden so that no hidden cell can be
//! worked out from what stays, over all tables of one request together.
//!
//! The problem is that of Fischetti and Salazar (Management Science 47, 2001): a [`Table`] is a
//! vector `a` of cells with linear equations `M·a = b`; an attacker knows the published cells, the
//! equations and bounds on every cell, and asks how small and how large a hidden cell can be. A
//! pattern is safe if, for every primary cell, some table that the attacker cannot tell from the
//! true one lies at least the upper level above it, one the lower level below it, and the two are
//! the sliding level apart.
//!
//! Safety is *shown*: [`suppress`] keeps for each level such a table (a [`Witness`], as differences
//! from the true one) and [`verify`] checks the witnesses against the pattern that is written,
//! with the equations alone. Whether a pattern that somebody else made is safe is what [`attack`]
//! answers, by interval propagation and linear programmes.
//!
//! [`link()`] makes one [`Table`] of several tables of counts or sums with margins and hierarchies.

mod attack;
mod circuit;
mod cover;
mod improve;
mod linked;
mod need;
mod programme;
mod search;
mod table;

pub use attack::{Attack, Interval, attack};
pub use linked::{
    Hierarchies, LinkError, Linked, Place, RequestCell, RequestTable, Tie, link, link_tied,
};
pub use need::{Need, Side, Witness, verify};
pub use search::{EFFORT, Suppression, suppress};
pub use table::{
    Bounds, CELLS_MAX, Cell, CellStatus, Equation, Levels, TERMS_MAX, Table, TableError,
};

#[cfg(test)]
mod tests;
