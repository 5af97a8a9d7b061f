//! The rules of the house, as tests: what may use what, and what the sources, manifests, documents and
//! policies must hold. Every rule has a test beside it that shows it failing.

mod code;
mod graph;
mod manifests;
mod pages;
