//! Acts on a project that need no more than a button: each calls one function of the service and leads back
//! to the project's page.

use axum::extract::{Path, State};
use governance::project::SignatureVerdict;
use governance::{DatasetId, ProjectId, Sha256};
use service::ServiceError;

use super::form::Posted;
use super::shell::{Reply, see};
use crate::Ready;
use crate::answer::to_the_end;

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident => $act:ident, $done:literal;)*) => {$(
        $(#[$doc])*
        pub(crate) async fn $name(
            State(front): Ready,
            Path(id): Path<ProjectId>,
            posted: Posted,
        ) -> Reply {
            front.service.$act(&posted.visitor.caller, &id).await?;
            Ok(see(&format!("/projects/{id}"), $done))
        }
    )*};
}

acts! {
    /// A panel member has an interest.
    interest => declare_interest, "interest_declared";
    /// The chair closes the decision in favour.
    approve => approve_application, "approved";
    /// The chair sends the application back.
    return_ => return_application, "returned";
    /// The chair closes the decision against it.
    refuse => refuse_application, "refused";
}

/// A controller signs or declines, for the version that the page showed.
pub(crate) async fn sign(State(front): Ready, Path(id): Path<ProjectId>, posted: Posted) -> Reply {
    let form = &posted.form;
    let (verdict, done) = match form.one("verdict") {
        "signed" => (SignatureVerdict::Signed, "signed"),
        "declined" => (SignatureVerdict::Declined, "declined"),
        _ => return Err(unread("whether you sign or decline").into()),
    };
    let dataset = dataset(form.one("dataset"))?;
    let version = version(form.one("version"))?;
    front
        .service
        .sign_for_dataset(&posted.visitor.caller, &id, &dataset, &version, verdict)
        .await?;
    Ok(see(&format!("/projects/{id}"), done))
}

/// A controller revokes for its dataset, the panel's chair for none.
pub(crate) async fn revoke(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let dataset = match posted.form.one("dataset") {
        "" => None,
        text => Some(dataset(text)?),
    };
    let back = format!("/projects/{id}");
    let work = async move {
        let caller = &posted.visitor.caller;
        front.service.revoke(caller, &id, dataset.as_ref()).await
    };
    to_the_end(work).await?;
    Ok(see(&back, "revoked"))
}

/// A data steward has destroyed what an ended project left.
pub(crate) async fn destroy(
    State(front): Ready,
    Path(id): Path<ProjectId>,
    posted: Posted,
) -> Reply {
    let back = format!("/projects/{id}");
    let work = async move {
        let caller = &posted.visitor.caller;
        front.service.destroy_project(caller, &id).await
    };
    to_the_end(work).await?;
    Ok(see(&back, "destroyed"))
}

pub(crate) fn dataset(text: &str) -> Result<DatasetId, ServiceError> {
    text.parse().map_err(|_| unread("the dataset"))
}

pub(crate) fn version(text: &str) -> Result<Sha256, ServiceError> {
    Sha256::try_from(text.to_owned()).map_err(|_| unread("the version"))
}

/// A field that our own page fills in and that came back otherwise.
pub(crate) fn unread(what: &str) -> ServiceError {
    ServiceError::BadInput(format!("the form does not say {what}; open the page again"))
}
