//! Answers: JSON for a yes; for a no what it was, why, and the place in a file where there is one.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use service::Kind;
use service::ServiceError;

/// What every route gives.
pub type Answer<T> = Result<Json<T>, No>;

/// A no, as HTTP.
#[derive(Debug)]
pub struct No(ServiceError);

impl From<ServiceError> for No {
    fn from(error: ServiceError) -> Self {
        Self(error)
    }
}

impl From<serde_json::Error> for No {
    fn from(error: serde_json::Error) -> Self {
        Self(error.into())
    }
}

impl No {
    pub(crate) fn into_inner(self) -> ServiceError {
        self.0
    }

    pub(crate) fn bad_input(text: &str) -> Self {
        Self(ServiceError::BadInput(text.to_owned()))
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let kind = self.0.kind();
        // The text may quote a statement's own error; it goes to the person who asked and not to the log.
        tracing::info!(kind = kind.word(), "refused");
        let (row, column) = match &self.0 {
            ServiceError::Keeper(refused) => (refused.row, refused.column.clone()),
            _ => (None, None),
        };
        let body = json!({
            "error": kind.word(),
            "message": self.0.to_string(),
            "row": row,
            "column": column,
        });
        (status(kind), Json(body)).into_response()
    }
}

/// The status of a no.
pub(crate) fn status(kind: Kind) -> StatusCode {
    match kind {
        Kind::NotSignedIn => StatusCode::UNAUTHORIZED,
        Kind::Denied => StatusCode::FORBIDDEN,
        Kind::NotFound => StatusCode::NOT_FOUND,
        Kind::BadInput => StatusCode::UNPROCESSABLE_ENTITY,
        Kind::Refused | Kind::Stale => StatusCode::CONFLICT,
        Kind::TooOften => StatusCode::TOO_MANY_REQUESTS,
        Kind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        Kind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Work that goes on to its end and is recorded even when whoever asked hangs up.
pub(crate) async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, ServiceError>> + Send + 'static,
) -> Result<T, No> {
    match tokio::spawn(work).await {
        Ok(result) => Ok(result?),
        // Only a panic ends it early; then nothing is claimed to be done.
        Err(_) => Err(No(ServiceError::KeeperGone)),
    }
}

pub(crate) async fn nothing_here() -> No {
    No(ServiceError::NotFound("address"))
}
