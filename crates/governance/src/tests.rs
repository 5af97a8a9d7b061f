//! Every rule, tried. `samples` holds a thing in every state; `tries` does every action to it.

mod clerical;
mod comments;
mod dates;
mod deliveries;
mod destroyed;
mod duties;
mod feasibility;
mod form;
mod jobs;
mod json;
mod measure;
mod pages;
mod panel;
mod recovery;
mod review;
mod rows;
mod samples;
mod screens;
mod table;
mod tries;
mod walk;
mod ways_back;
