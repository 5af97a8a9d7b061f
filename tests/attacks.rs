//! Attacks from every place that can be taken over: the sealed worker, a desk, another user, the screen.
//! `docs/THREAT-MODEL.md` says what each must not be able to do and names the test.

mod desks;
mod destroyed;
mod dp;
mod screen;
mod sql;
mod users;
