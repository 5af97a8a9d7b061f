//! Journeys through the built programs: a safe haven is made, served on its Unix socket, and used by people
//! with one role each over HTTP.

mod clerical;
mod compared;
mod deliveries;
mod differencing;
mod encoding;
mod feasibility;
mod happy;
pub(crate) mod haven;
pub(crate) mod http;
mod jobs;
mod labels;
pub(crate) mod leaks;
mod linkage;
mod machine;
mod measured;
mod model;
pub(crate) mod project;
mod roles;
mod screened;
mod session;
mod spine;
mod survival;
mod ways_back;
mod workspace;
