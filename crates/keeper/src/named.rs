//! What a request is called in the log: its word, and ids only.

use protocol::keeper::Request;

/// The word of a request, and the id that it is about.
pub(crate) fn name(request: &Request) -> (&'static str, String) {
    match request {
        Request::Hello => ("hello", String::new()),
        Request::Upload { job } => ("upload", plain_id(job)),
        Request::Run { job } => ("run", plain_id(job)),
        Request::Keep { job, .. } => ("keep", plain_id(job)),
        Request::Fetch { output, .. } => ("fetch", plain_id(output)),
        Request::Pairs { indexing, .. } => ("pairs", plain_id(indexing)),
        Request::SignManifest { project } => ("sign_manifest", plain_id(project)),
        Request::SignCheckpoint => ("sign_checkpoint", String::new()),
        Request::Posture => ("posture", String::new()),
        Request::Price { .. } => ("price", String::new()),
        Request::Dummy { .. } => ("dummy", String::new()),
        Request::Practise { .. } => ("practise", String::new()),
        Request::SelfAudit { .. } => ("self_audit", String::new()),
        Request::Compare { output } => ("compare", plain_id(output)),
        Request::Attack => ("attack", String::new()),
        Request::Refusals { .. } => ("refusals", String::new()),
        Request::Destroy { project } => ("destroy", plain_id(project)),
    }
}

/// What of a text could be an id: the front may send anything.
pub(crate) fn plain_id(text: &str) -> String {
    text.chars()
        .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
        .take(64)
        .collect()
}
