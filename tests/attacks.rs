//! Attacks on the sealed worker through the front door.

mod sql;
