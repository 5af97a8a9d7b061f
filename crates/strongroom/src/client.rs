//! A client of the API over its Unix socket.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::UnixStream;

use crate::problem::Problem;

type Body = BoxBody<Bytes, std::io::Error>;

/// Somebody who speaks to a safe haven.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    socket: PathBuf,
    token: Option<String>,
}

/// A no of the API.
#[derive(Debug, Clone)]
pub(crate) struct No {
    /// HTTP status; 0 where there was no answer to use.
    pub(crate) status: u16,
    /// One clear sentence.
    pub(crate) message: String,
    /// Row of a delivered file.
    pub(crate) row: Option<u64>,
    /// Column of a delivered file.
    pub(crate) column: Option<String>,
}

impl No {
    /// Not an answer of the API: status 0.
    fn here(message: &str) -> Self {
        Self {
            status: 0,
            message: message.into(),
            row: None,
            column: None,
        }
    }

    fn gone() -> Self {
        Self::here("the safe haven does not answer at its socket; is `strongroom serve` running?")
    }

    /// Where in a file, if that is known and the sentence does not say it.
    pub(crate) fn place(&self) -> String {
        if self.message.starts_with("row ") || self.message.starts_with("column ") {
            return String::new();
        }
        match (self.row, &self.column) {
            (Some(row), Some(column)) => format!(" (row {row}, column {column})"),
            (Some(row), None) => format!(" (row {row})"),
            (None, Some(column)) => format!(" (column {column})"),
            (None, None) => String::new(),
        }
    }
}

impl From<No> for Problem {
    fn from(no: No) -> Self {
        let text = format!("{}{}", no.message, no.place());
        match no.status {
            401 | 403 | 409 => Self::refused(text),
            _ => Self::could_not(text),
        }
    }
}

impl Client {
    pub(crate) fn new(socket: &Path, token: Option<String>) -> Self {
        Self {
            socket: socket.to_owned(),
            token,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value, No> {
        parse(&self.bytes(Method::GET, path, None, empty()).await?)
    }

    pub(crate) async fn post(&self, path: &str, json: &Value) -> Result<Value, No> {
        let body = full(json.to_string());
        let json = Some("application/json");
        parse(&self.bytes(Method::POST, path, json, body).await?)
    }

    pub(crate) async fn post_bytes(&self, path: &str, bytes: Vec<u8>) -> Result<Bytes, No> {
        let json = Some("application/json");
        self.bytes(Method::POST, path, json, full(bytes)).await
    }

    /// Sends bytes as they are; the answer is JSON.
    pub(crate) async fn post_as_is(&self, path: &str, bytes: Vec<u8>) -> Result<Value, No> {
        parse(&self.post_bytes(path, bytes).await?)
    }

    pub(crate) async fn get_bytes(&self, path: &str) -> Result<Bytes, No> {
        self.bytes(Method::GET, path, None, empty()).await
    }

    /// Sends a file as it is read.
    pub(crate) async fn send_file(&self, path: &str, file: tokio::fs::File) -> Result<Value, No> {
        use futures_util::TryStreamExt;
        let stream = tokio_util::io::ReaderStream::with_capacity(file, 256 * 1024);
        let body = BodyExt::boxed(StreamBody::new(stream.map_ok(Frame::data)));
        parse(&self.bytes(Method::POST, path, None, body).await?)
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        json: Option<&Value>,
    ) -> Result<Bytes, No> {
        let (kind, body) = match json {
            Some(json) => (Some("application/json"), full(json.to_string())),
            None => (None, empty()),
        };
        self.bytes(method, path, kind, body).await
    }

    async fn bytes(
        &self,
        method: Method,
        path: &str,
        content_type: Option<&str>,
        body: Body,
    ) -> Result<Bytes, No> {
        let stream = UnixStream::connect(&self.socket)
            .await
            .map_err(|_| No::gone())?;
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|_| No::gone())?;
        let driver = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", "strongroom");
        if let Some(kind) = content_type {
            request = request.header("content-type", kind);
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(body).map_err(|_| {
            No::here("the address or the token has a character that cannot be sent")
        })?;
        let response = sender.send_request(request).await.map_err(|_| No::gone())?;
        let status = response.status();
        let bytes = response
            .into_body()
            .collect()
            .await
            .map_err(|_| No::gone())?
            .to_bytes();
        driver.abort();
        if status.is_success() {
            return Ok(bytes);
        }
        let said: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let text = said.get("message").and_then(Value::as_str);
        Err(No {
            status: status.as_u16(),
            message: text.map_or_else(
                || String::from_utf8_lossy(&bytes).into_owned(),
                ToOwned::to_owned,
            ),
            row: said.get("row").and_then(Value::as_u64),
            column: said
                .get("column")
                .and_then(Value::as_str)
                .map(ToOwned::to_owned),
        })
    }
}

fn parse(bytes: &Bytes) -> Result<Value, No> {
    serde_json::from_slice(bytes).map_err(|_| No::here("the answer is not JSON"))
}

fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into())
        .map_err(|never| match never {})
        .boxed()
}

fn empty() -> Body {
    full(Bytes::new())
}
