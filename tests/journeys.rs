//! Journeys through the built programs: a safe haven is made, served on its Unix socket, and used by people
//! with one role each over HTTP.

mod deliveries;
mod happy;
mod haven;
mod http;
mod leaks;
mod machine;
mod project;
mod roles;
mod ways_back;
