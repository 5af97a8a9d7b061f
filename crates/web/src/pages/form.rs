//! Forms as they are sent, and what is wrong with them.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, FailedToBufferBody};
use axum::extract::{FromRequest, Request};
use axum::http::header::CONTENT_TYPE;
use percent_encoding::percent_decode_str;
use service::{Kind, ServiceError};

use super::refusal::Told;
use super::session::{Visit, Visitor};
use crate::Front;

/// Most bytes of a form: a document of 2 MiB, the most that `document_bytes` may be, takes three times as many when
/// every byte of it is escaped.
pub(crate) const FORM_BYTES_MAX: usize = 6 << 20;
/// Most fields of a form.
const FIELDS_MAX: usize = 4_096;

/// The fields of a form, in the order in which they were sent.
#[derive(Debug, Default)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads `application/x-www-form-urlencoded`.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, ServiceError> {
        let bad = || ServiceError::BadInput("the form cannot be read; open the page again".into());
        let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
        let mut fields = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            if fields.len() == FIELDS_MAX {
                return Err(ServiceError::BadInput(format!(
                    "the form has more than {FIELDS_MAX} fields"
                )));
            }
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            fields.push((
                decode(name).ok_or_else(bad)?,
                decode(value).ok_or_else(bad)?,
            ));
        }
        Ok(Self(fields))
    }

    /// The value of a field, without white space at its ends; empty when it was not sent.
    pub(crate) fn one(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value.trim())
    }

    /// The value of a field as it was typed, such as a password or a statement.
    pub(crate) fn raw(&self, name: &str) -> &str {
        self.0
            .iter()
            .find(|(n, _)| n == name)
            .map_or("", |(_, value)| value)
    }

    /// Every value of a field that may come several times (checkboxes), in order.
    pub(crate) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.trim())
    }
}

/// `+` is a space; browsers send line ends as CR LF, which are LF here.
fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded = percent_decode_str(&spaced).decode_utf8().ok()?;
    Some(decoded.replace("\r\n", "\n"))
}

/// A form of somebody who is signed in, whose token was right.
pub(crate) struct Posted {
    pub(crate) visitor: Visitor,
    pub(crate) form: Form,
}

/// A form of somebody who is not signed in yet (or no more), whose token was right.
pub(crate) struct PostedBy {
    pub(crate) visit: Visit,
    pub(crate) form: Form,
}

impl FromRequest<Front> for Posted {
    type Rejection = Told;

    async fn from_request(request: Request, front: &Front) -> Result<Self, Told> {
        let (mut parts, body) = request.into_parts();
        let visitor = Visitor::of(&mut parts, front).await?;
        let form = read(Request::from_parts(parts, body), front).await?;
        must_match(&form, &visitor.csrf)?;
        Ok(Self { visitor, form })
    }
}

impl FromRequest<Front> for PostedBy {
    type Rejection = Told;

    async fn from_request(request: Request, front: &Front) -> Result<Self, Told> {
        let visit = Visit::of(request.headers())?;
        let form = read(request, front).await?;
        must_match(&form, &visit.csrf)?;
        Ok(Self { visit, form })
    }
}

async fn read(request: Request, front: &Front) -> Result<Form, Told> {
    let kind = request.headers().get(CONTENT_TYPE);
    let urlencoded = kind.is_some_and(|k| {
        k.as_bytes()
            .starts_with(b"application/x-www-form-urlencoded")
    });
    if !urlencoded {
        return Err(ServiceError::BadInput("a form was expected".into()).into());
    }
    let bytes = Bytes::from_request(request, front).await.map_err(unread)?;
    Ok(Form::parse(&bytes)?)
}

/// Why the bytes of a form are not there.
fn unread(why: BytesRejection) -> ServiceError {
    ServiceError::BadInput(match why {
        BytesRejection::FailedToBufferBody(FailedToBufferBody::LengthLimitError(_)) => {
            format!("the form is larger than {FORM_BYTES_MAX} bytes")
        }
        _ => "the form did not arrive whole; send it again".into(),
    })
}

/// A page of another site cannot know the token. Digests are compared, so that the time it takes tells
/// nothing about how much of a guess was right.
fn must_match(form: &Form, csrf: &str) -> Result<(), Told> {
    use ring::digest::{SHA256, digest};
    let same = digest(&SHA256, form.one("csrf").as_bytes()).as_ref()
        == digest(&SHA256, csrf.as_bytes()).as_ref();
    if same {
        Ok(())
    } else {
        Err(ServiceError::BadInput(
            "this form belongs to another session; open the page again and send it from there"
                .into(),
        )
        .into())
    }
}

/// One thing that is wrong with a form.
#[derive(Debug, Clone)]
pub(crate) struct Fault {
    /// Name and id of the field.
    pub(crate) field: String,
    /// What to do about it.
    pub(crate) text: String,
}

/// Everything that is wrong with a form.
#[derive(Debug, Clone, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    /// Adds one.
    pub(crate) fn add(&mut self, field: impl Into<String>, text: impl Into<String>) {
        let (field, text) = (field.into(), text.into());
        self.0.push(Fault { field, text });
    }

    /// A no that whoever filled in the form can put right there, to stand at a field of it with everything that
    /// was typed; any other no is a page of its own.
    ///
    /// # Errors
    /// The no, if it is another.
    pub(crate) fn at(field: impl Into<String>, error: impl Into<Told>) -> Result<Self, Told> {
        let told = error.into();
        match told.error().kind() {
            Kind::Refused | Kind::BadInput => {
                let mut faults = Self::default();
                faults.add(field, told.why());
                Ok(faults)
            }
            Kind::NotSignedIn
            | Kind::Denied
            | Kind::NotFound
            | Kind::Stale
            | Kind::TooOften
            | Kind::Unavailable
            | Kind::Internal => Err(told),
        }
    }

    /// Adds one unless a condition holds.
    pub(crate) fn unless(&mut self, holds: bool, field: &str, text: &str) {
        if !holds {
            self.add(field, text);
        }
    }

    /// What is wrong with a field.
    pub(crate) fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|fault| fault.field == field)
            .map(|fault| fault.text.as_str())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }
}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
