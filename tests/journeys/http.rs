//! As much of HTTP/1.1 as the API needs: one request on a Unix socket, then the answer to its end.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

/// Bodies of every no that any client of one safe haven was given.
pub(crate) type Heard = Arc<Mutex<Vec<String>>>;

/// Somebody who speaks to a safe haven.
#[derive(Clone)]
pub(crate) struct Client {
    socket: PathBuf,
    token: Option<String>,
    heard: Heard,
}

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
    asked: String,
}

impl Client {
    pub(crate) fn new(socket: &Path, heard: Heard) -> Self {
        Self {
            socket: socket.to_owned(),
            token: None,
            heard,
        }
    }

    /// The same socket, another person.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    pub(crate) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[])
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[])
    }

    pub(crate) fn post(&self, path: &str, json: &Value) -> Answer {
        self.send("POST", path, json.to_string().as_bytes())
    }

    pub(crate) fn post_bytes(&self, path: &str, body: &[u8]) -> Answer {
        self.send("POST", path, body)
    }

    fn send(&self, method: &str, path: &str, body: &[u8]) -> Answer {
        self.try_send(method, path, body)
            .unwrap_or_else(|why| panic!("{method} {path}: {why}"))
    }

    /// An answer, or why there is none: what asks a safe haven that may be killed meanwhile.
    pub(crate) fn try_send(&self, method: &str, path: &str, body: &[u8]) -> Result<Answer, String> {
        let mut stream = UnixStream::connect(self.desk(path))
            .map_err(|why| format!("the safe haven does not listen: {why}"))?;
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        let token = self
            .token
            .as_ref()
            .map_or_else(String::new, |t| format!("authorization: Bearer {t}\r\n"));
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: strongroom\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n{token}\r\n",
            body.len()
        );
        // A server that says no before the body has ended closes the socket.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
        let mut bytes = Vec::new();
        match stream.read_to_end(&mut bytes) {
            // A server that has answered closes its socket, whatever of the body is still in it; whether the
            // answer is whole is told by its length below.
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            Err(error) => return Err(format!("no answer in time: {error}")),
        }
        let answer = parse(&bytes, format!("{method} {path}"))?;
        if answer.status >= 400 {
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            self.heard.lock().unwrap().push(text);
        }
        Ok(answer)
    }
}

impl Client {
    /// Linking is asked for at the indexing desk, as `strongroom act` does. A socket that is named by its own place
    /// is used for everything.
    fn desk(&self, path: &str) -> PathBuf {
        let public = self.socket.ends_with("strongroom.sock");
        if public && (path.ends_with("/indexings") || path.starts_with("/v1/indexings/")) {
            self.socket.with_file_name("indexing.sock")
        } else {
            self.socket.clone()
        }
    }
}

fn parse(bytes: &[u8], asked: String) -> Result<Answer, String> {
    let end = bytes
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .ok_or("the answer has no head")?;
    let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
    assert!(
        !head.contains("transfer-encoding"),
        "{asked}: this client reads whole bodies only"
    );
    let status = head
        .split_whitespace()
        .nth(1)
        .and_then(|s| s.parse().ok())
        .ok_or("no status")?;
    let length: usize = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse().ok())
        .ok_or("no length")?;
    let body = bytes[end + 4..].to_vec();
    if body.len() != length {
        return Err("the answer is not whole".to_owned());
    }
    Ok(Answer {
        status,
        body,
        asked,
    })
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| panic!("{}: not JSON: {}", self.asked, self.text()))
    }

    /// A yes, or the test fails.
    #[track_caller]
    pub(crate) fn ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}: {}", self.asked, self.text());
        self.json()
    }

    /// A no of this status, or the test fails. Every no has one sentence.
    #[track_caller]
    pub(crate) fn no(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.asked, self.text());
        let json = self.json();
        let message = json["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty(), "{}: a no without a reason", self.asked);
        json
    }
}

/// A text in an answer.
#[track_caller]
pub(crate) fn text(json: &Value, pointer: &str) -> String {
    json.pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no {pointer} in {json}"))
        .to_owned()
}

/// A list of texts in an answer.
#[track_caller]
pub(crate) fn texts(json: &Value, pointer: &str) -> Vec<String> {
    json.pointer(pointer)
        .and_then(Value::as_array)
        .unwrap_or_else(|| panic!("no {pointer} in {json}"))
        .iter()
        .map(|v| v.as_str().unwrap_or_default().to_owned())
        .collect()
}
