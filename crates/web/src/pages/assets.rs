//! Stylesheet and scripts, compiled in: nothing is fetched from anywhere at run time.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use service::ServiceError;

use super::refusal::Told;

const ASSETS: [(&str, &str, &[u8]); 7] = [
    (
        "strongroom.css",
        "text/css; charset=utf-8",
        include_bytes!("../../assets/strongroom.css"),
    ),
    (
        "strongroom.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/strongroom.js"),
    ),
    (
        "workbench.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/workbench.js"),
    ),
    (
        "editor.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/editor.min.js"),
    ),
    (
        "govuk-frontend.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/govuk-frontend.min.js"),
    ),
    (
        "htmx.min.js",
        "text/javascript; charset=utf-8",
        include_bytes!("../../assets/htmx.min.js"),
    ),
    (
        "strongroom.svg",
        "image/svg+xml",
        include_bytes!("../../assets/strongroom.svg"),
    ),
];

pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, Told> {
    let (_, kind, bytes) = ASSETS
        .iter()
        .find(|(known, ..)| *known == name)
        .ok_or(ServiceError::NotFound("file"))?;
    let kept = (CACHE_CONTROL, "public, max-age=3600");
    Ok(([(CONTENT_TYPE, *kind), kept], *bytes).into_response())
}
