//! Reception: the JSON API over HTTP. Every route signs the caller in, calls one function of the front
//! office, and answers. No rule, no SQL and no key live here.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests panic"
    )
)]

mod answer;
mod asks;
mod clerical;
mod data;
mod desktops;
mod jobs;
mod log;
mod measure;
mod outputs;
mod pages;
mod projects;
mod recovery;
mod saved;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRequestParts, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::routing::{delete, get, post};
use service::{Caller, Service, ServiceError};
use tokio::sync::Semaphore;

pub use answer::{Answer, No};
pub use desktops::{Desktops, Proxies};
pub use pages::indexing_pages;
pub use pages::sign_in::password_hash;
pub use pages::totp::Authenticator;

/// Passwords that are hashed at once: each takes 19 MiB.
const PASSWORDS_AT_ONCE: usize = 4;

/// How a browser reaches the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reached {
    /// On this machine, without TLS.
    Loopback,
    /// Through a proxy that speaks TLS: cookies are sent through it only.
    TlsProxy,
}

/// What every route has at hand.
#[derive(Clone)]
pub struct Front {
    service: Service,
    log: Arc<PathBuf>,
    reached: Reached,
    desktops: Arc<Desktops>,
    limits: Arc<pages::limits::Limits>,
    /// A hash that no password has, verified where a name is not known.
    nobody: Arc<str>,
    password_places: Arc<Semaphore>,
}

impl Front {
    /// Reception for a front office that publishes its log in a folder.
    ///
    /// # Errors
    /// If the operating system gives no randomness.
    pub fn new(service: Service, log: PathBuf, reached: Reached) -> Result<Self, ServiceError> {
        Ok(Self {
            service,
            log: Arc::new(log),
            reached,
            desktops: Arc::default(),
            limits: Arc::default(),
            nobody: pages::sign_in::nobody()?.into(),
            password_places: Arc::new(Semaphore::new(PASSWORDS_AT_ONCE)),
        })
    }

    /// With desktops on which the screen of a workspace may show rows.
    #[must_use]
    pub fn with_desktops(mut self, desktops: Desktops) -> Self {
        self.desktops = Arc::new(desktops);
        self
    }

    fn is_behind_tls(&self) -> bool {
        self.reached == Reached::TlsProxy
    }
}

/// Somebody who has signed in: proof, made only by checking their token.
pub(crate) struct SignedIn(pub(crate) Caller);

impl FromRequestParts<Front> for SignedIn {
    type Rejection = No;

    async fn from_request_parts(parts: &mut Parts, front: &Front) -> Result<Self, No> {
        let token = bearer(&parts.headers).ok_or(ServiceError::NotSignedIn)?;
        Ok(Self(front.service.sign_in(token).await?))
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("authorization")?
        .to_str()
        .ok()?
        .strip_prefix("Bearer ")
}

/// Serves every route on a Unix socket, until it is dropped.
///
/// # Errors
/// If the socket cannot be listened on any more.
pub async fn serve(listener: tokio::net::UnixListener, front: Front) -> std::io::Result<()> {
    axum::serve(listener, app(front)).await
}

/// Serves the pages on a TCP port, until it is dropped.
///
/// # Errors
/// If the port cannot be listened on any more.
pub async fn serve_pages(listener: tokio::net::TcpListener, front: Front) -> std::io::Result<()> {
    let pages = pages::pages(front);
    // Where a connection comes from decides whether a screen may show rows.
    let pages = pages.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, pages).await
}

/// Serves the pages of the indexing desk on a TCP port, until it is dropped.
///
/// # Errors
/// If the port cannot be listened on any more.
pub async fn serve_indexing_pages(
    listener: tokio::net::TcpListener,
    front: Front,
) -> std::io::Result<()> {
    axum::serve(listener, indexing_pages(front)).await
}

/// Serves the routes of the indexing desk on a Unix socket, until it is dropped.
///
/// # Errors
/// If the socket cannot be listened on any more.
pub async fn serve_indexing(
    listener: tokio::net::UnixListener,
    front: Front,
) -> std::io::Result<()> {
    axum::serve(listener, indexing_app(front)).await
}

/// Every route of the indexing desk: who is there, what is to be linked, linking. Everything else is at the
/// research desk, and the keeper would refuse it here.
pub fn indexing_app(front: Front) -> Router {
    Router::new()
        .route("/v1/whoami", get(data::whoami))
        .route("/v1/catalogue", get(data::catalogue))
        .route("/v1/deliveries/{id}", get(data::delivery))
        .route("/v1/projects/{id}", get(projects::show))
        .route("/v1/projects/{id}/indexings", post(projects::index))
        .merge(clerical::routes())
        .merge(job_routes())
        .route("/v1/health", get(log::health))
        .fallback(answer::nothing_here)
        .with_state(front)
}

/// Every route of the research desk. Indexing answers with where to go.
pub fn app(front: Front) -> Router {
    Router::new()
        .route("/v1/whoami", get(data::whoami))
        .route("/v1/people", post(data::add_person))
        .route("/v1/people/{id}/standing", post(data::record_standing))
        .route("/v1/people/{id}/invitation", post(data::invite_person))
        .route("/v1/people/{id}/retire", post(data::retire_person))
        .route("/v1/catalogue", get(data::catalogue))
        .route("/v1/datasets", post(data::register_dataset))
        .route(
            "/v1/datasets/{id}/instruction",
            post(data::give_instruction).delete(data::withdraw_instruction),
        )
        .route(
            "/v1/datasets/{id}/deliveries",
            post(data::deliver_identifiers),
        )
        .route("/v1/deliveries/{id}", get(data::delivery))
        .route("/v1/deliveries/{id}/payload", post(data::deliver_payload))
        .merge(project_routes())
        .merge(output_routes())
        .merge(job_routes())
        .merge(measure_routes())
        .merge(recovery_routes())
        .merge(clerical::routes())
        .route("/v1/events", get(log::events))
        .route("/v1/register", get(log::register))
        .route("/v1/log/publish", post(log::publish))
        .route("/v1/log/checkpoint", get(log::checkpoint))
        .route("/v1/log/proof/{leaf}", get(log::proof))
        .route("/v1/log/tile/{*path}", get(log::tile))
        .route("/v1/health", get(log::health))
        .fallback(answer::nothing_here)
        .with_state(front)
}

fn project_routes() -> Router<Front> {
    Router::new()
        .route("/v1/projects", post(projects::start))
        .route("/v1/projects/{id}", get(projects::show))
        .route("/v1/projects/{id}/draft", post(projects::save_draft))
        .route("/v1/projects/{id}/submit", post(projects::submit))
        .route(
            "/v1/projects/{id}/versions/{sha256}",
            get(projects::version),
        )
        .route("/v1/projects/{id}/sign", post(projects::sign))
        .route("/v1/projects/{id}/votes", post(projects::vote))
        .route(
            "/v1/projects/{id}/interest",
            post(projects::declare_interest),
        )
        .route(
            "/v1/projects/{id}/comments",
            get(projects::comments).post(projects::comment),
        )
        .route("/v1/projects/{id}/approve", post(projects::approve))
        .route("/v1/projects/{id}/return", post(projects::return_))
        .route("/v1/projects/{id}/refuse", post(projects::refuse))
        .route("/v1/projects/{id}/withdraw", post(projects::withdraw))
        .route("/v1/projects/{id}/commence", post(projects::commence))
        .route("/v1/projects/{id}/papers", post(projects::renew_papers))
        .route("/v1/projects/{id}/revoke", post(projects::revoke))
        .route("/v1/projects/{id}/close", post(projects::close))
        .route("/v1/projects/{id}/destroy", post(projects::destroy))
        .route("/v1/projects/{id}/indexings", post(projects::index))
        .route("/v1/projects/{id}/extracts", post(projects::extract))
        .route("/v1/projects/{id}/workspaces", post(projects::workspace))
        .route("/v1/projects/{id}/dummy-extract", get(saved::dummy))
}

fn measure_routes() -> Router<Front> {
    Router::new()
        .route(
            "/v1/datasets/{id}/budget",
            get(measure::budget).post(measure::open_budget),
        )
        .route("/v1/datasets/{id}/budget/caps", post(measure::set_caps))
        .route("/v1/datasets/{id}/budget/join", post(measure::join_budget))
        .route(
            "/v1/datasets/{id}/feasibility",
            get(measure::countable)
                .post(measure::allow_feasibility)
                .delete(measure::end_feasibility),
        )
        .route("/v1/datasets/{id}/counts", post(measure::count_people))
        .route("/v1/projects/{id}/budget", get(measure::meter))
        .route("/v1/projects/{id}/measurements", get(measure::list))
        .route("/v1/workspaces/{id}/prices", post(measure::price))
        .route("/v1/workspaces/{id}/measurements", post(measure::measure))
        .route("/v1/workspaces/{id}/practice", post(measure::practise))
        .route("/v1/measurements", get(measure::labels))
        .route("/v1/measurements/{id}", get(measure::show))
        .route("/v1/measurements/{id}/record", get(measure::record))
        .route("/v1/measurements/{id}/withdraw", post(measure::withdraw))
        .route(
            "/v1/measurements/{id}/release-labels",
            post(measure::release_labels),
        )
        .route(
            "/v1/measurements/{id}/withhold-labels",
            post(measure::withhold_labels),
        )
        .route("/v1/log/accounts", get(measure::accounts))
        .route(
            "/v1/log/self-audit",
            get(measure::last_self_audit).post(measure::self_audit),
        )
        .route(
            "/v1/log/attack",
            get(outputs::last_attack).post(outputs::attack),
        )
}

fn recovery_routes() -> Router<Front> {
    Router::new()
        .route(
            "/v1/workspaces/{id}/recoveries",
            get(recovery::of_workspace).post(recovery::ask),
        )
        .route("/v1/recoveries", get(recovery::list))
        .route("/v1/recoveries/{id}", get(recovery::show))
        .route("/v1/recoveries/{id}/confirm", post(recovery::confirm))
        .route("/v1/recoveries/{id}/refuse", post(recovery::refuse))
        .route("/v1/recoveries/{id}/end", post(recovery::end))
        .route("/v1/recoveries/{id}/read", post(recovery::read))
        .route(
            "/v1/recoveries/{id}/statements",
            post(recovery::hand_over_statements),
        )
        .route(
            "/v1/recoveries/{id}/outputs",
            post(recovery::hand_over_output),
        )
}

fn job_routes() -> Router<Front> {
    Router::new()
        .route("/v1/jobs", get(jobs::list))
        .route("/v1/jobs/{id}", get(jobs::show))
        .route("/v1/jobs/{id}/cancel", post(jobs::cancel))
}

fn output_routes() -> Router<Front> {
    Router::new()
        .route("/v1/workspaces/{id}/queries", post(outputs::query))
        .route("/v1/workspaces/{id}/outputs", post(outputs::stage))
        .route(
            "/v1/workspaces/{id}/saved",
            get(saved::list).post(saved::save),
        )
        .route("/v1/workspaces/{id}/saved/{name}", delete(saved::forget))
        .route("/v1/workspaces/{id}/history", get(saved::history))
        .route("/v1/workspaces/{id}/suspend", post(outputs::suspend))
        .route("/v1/workspaces/{id}/resume", post(outputs::resume))
        .route("/v1/workspaces/{id}/close", post(outputs::close))
        .route("/v1/outputs", get(outputs::queue))
        .route("/v1/outputs/{id}", get(outputs::show))
        .route("/v1/outputs/{id}/table", get(outputs::table))
        .route("/v1/outputs/{id}/submit", post(outputs::submit))
        .route("/v1/outputs/{id}/votes", post(outputs::vote))
        .route(
            "/v1/outputs/{id}/comments",
            get(outputs::comments).post(outputs::comment),
        )
        .route("/v1/outputs/{id}/release", post(outputs::release))
        .route("/v1/outputs/{id}/download", post(outputs::download))
        .route("/v1/outputs/{id}/withdraw", post(outputs::withdraw))
        .route("/v1/outputs/{id}/recall", post(outputs::recall))
}

pub(crate) type Ready = State<Front>;
