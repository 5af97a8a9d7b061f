//! The pages: server-rendered, complete without JavaScript, and like the API nothing but a way in to the
//! front office. Every form carries a token of its session; every refusal says what, why and what next.

pub(crate) mod account;
pub(crate) mod application;
pub(crate) mod application_coarsen;
pub(crate) mod application_data;
pub(crate) mod application_draft;
pub(crate) mod application_list;
pub(crate) mod application_missing;
pub(crate) mod application_variables;
pub(crate) mod application_work;
pub(crate) mod assets;
pub(crate) mod attack;
pub(crate) mod budget;
pub(crate) mod catalogue;
mod clerical;
pub(crate) mod conditions;
pub(crate) mod count;
pub(crate) mod decision;
pub(crate) mod decision_commence;
pub(crate) mod decision_comment;
pub(crate) mod decision_vote;
pub(crate) mod difference;
pub(crate) mod difference_fields;
pub(crate) mod difference_words;
pub(crate) mod events;
pub(crate) mod fields;
pub(crate) mod form;
pub(crate) mod guard;
pub(crate) mod home;
pub(crate) mod indexing;
pub(crate) mod join;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod measure;
pub(crate) mod measure_compose;
pub(crate) mod outputs;
pub(crate) mod outputs_mine;
pub(crate) mod people;
pub(crate) mod posture;
pub(crate) mod project;
pub(crate) mod project_decision;
pub(crate) mod project_parts;
pub(crate) mod project_words;
pub(crate) mod public;
pub(crate) mod recovery;
pub(crate) mod refusal;
pub(crate) mod review;
pub(crate) mod self_audit;
pub(crate) mod session;
pub(crate) mod shell;
pub(crate) mod sign_in;
pub(crate) mod steward;
pub(crate) mod table;
pub(crate) mod totp;
pub(crate) mod words;
pub(crate) mod workspace;
pub(crate) mod workspace_report;
pub(crate) mod workspace_result;
pub(crate) mod workspace_rows;
pub(crate) mod workspace_saved;
pub(crate) mod workspace_tables;

#[cfg(test)]
mod tests;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};

use crate::Front;

/// Every page of the research desk, with its guards. The API's routes are not among them.
pub(crate) fn pages(front: Front) -> Router {
    let routes = Router::new()
        .route("/", get(home::show))
        .merge(of_every_desk())
        .merge(application::routes())
        .merge(catalogue::routes())
        .merge(budget::routes())
        .merge(count::routes())
        .merge(outputs::routes())
        .merge(outputs_mine::routes())
        .merge(log::routes())
        .merge(posture::routes())
        .merge(self_audit::routes())
        .merge(attack::routes())
        .merge(workspace::routes())
        .merge(measure::routes())
        .merge(people::routes())
        .merge(recovery::routes())
        .merge(project::routes());
    guarded(routes, front)
}

/// Every page of the indexing desk, with its guards.
pub fn indexing_pages(front: Front) -> Router {
    let pages = of_every_desk().merge(indexing::routes());
    guarded(pages.merge(clerical::routes()), front)
}

/// Who is there, and what anybody may read.
fn of_every_desk() -> Router<Front> {
    Router::new()
        .route("/register", get(public::register))
        .route("/register/checkpoint", get(log::checkpoint))
        .route("/accessibility", get(public::accessibility))
        .route("/sign-in", get(sign_in::show).post(sign_in::post))
        .route("/sign-out", post(account::sign_out))
        .route("/join", get(join::show).post(join::invited))
        .route("/join/finish", post(join::finish))
        .route("/account", get(account::show))
        .route("/account/end-sessions", post(account::end_sessions))
}

/// Refusals as pages, limits and strict headers around all of it.
fn guarded(routes: Router<Front>, front: Front) -> Router {
    routes
        .fallback(refusal::nothing_here)
        .layer(DefaultBodyLimit::max(form::FORM_BYTES_MAX))
        .layer(from_fn_with_state(front.clone(), guard::limit))
        // Around the limits, so that their refusals are pages too.
        .layer(from_fn_with_state(front.clone(), refusal::render))
        .route("/assets/{name}", get(assets::asset))
        .layer(from_fn(guard::headers))
        .with_state(front)
}
