//! Attacks from every place that can be taken over: the sealed worker, a desk, another user, the screen.
//! `docs/THREAT-MODEL.md` says what each must not be able to do and names the test.

mod basics;
mod desks;
mod destroyed;
mod dp;
mod ordinary;
mod page;
pub(crate) mod plain;
mod recovery;
mod rows;
mod screen;
mod sql;
mod table;
mod users;
