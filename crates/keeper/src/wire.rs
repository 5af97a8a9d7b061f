//! Messages and pieces on the socket: a length, then that many bytes. The other side is hostile.

use std::io;
use std::time::Duration;

use protocol::keeper::{MESSAGE_MAX, PIECE_MAX, Refused, RefusedCode, Reply, Request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::error::no;

/// A request names ids: it is far smaller than a reply may be.
const REQUEST_MAX: usize = 64 * 1024;
/// Longest silence inside a message or body.
const SILENCE: Duration = Duration::from_secs(120);

const _: () = assert!(REQUEST_MAX <= MESSAGE_MAX);

fn broken() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

/// One piece; `None` for the piece of length 0. Memory grows with what arrives, not with what is announced.
pub(crate) async fn read_piece(
    from: &mut (impl AsyncRead + Unpin),
    max: usize,
) -> io::Result<Option<Vec<u8>>> {
    let reading = async {
        let mut length = [0_u8; 4];
        from.read_exact(&mut length).await?;
        let length = usize::try_from(u32::from_le_bytes(length)).map_err(|_| broken())?;
        if length > max {
            return Err(broken());
        }
        if length == 0 {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        from.take(length as u64).read_to_end(&mut bytes).await?;
        if bytes.len() == length {
            Ok(Some(bytes))
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    };
    timeout(SILENCE, reading)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}

/// The request of a connection.
pub(crate) async fn read_request(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Request> {
    let bytes = read_piece(from, REQUEST_MAX).await?.ok_or_else(broken)?;
    serde_json::from_slice(&bytes).map_err(|_| broken())
}

/// A reply; one that is longer than a message may be becomes a refusal, and then this says so.
pub(crate) async fn write_reply(
    to: &mut (impl AsyncWrite + Unpin),
    reply: &Reply,
) -> io::Result<Sent> {
    let bytes = serde_json::to_vec(reply)?;
    if bytes.len() <= MESSAGE_MAX {
        write_piece(to, &bytes).await?;
        return Ok(Sent::Whole);
    }
    let refused: Refused = no(
        RefusedCode::Limit,
        format!("the answer is larger than {MESSAGE_MAX} bytes; ask for less at once"),
    );
    write_piece(to, &serde_json::to_vec(&Reply::Refused(refused))?).await?;
    Ok(Sent::Refusal)
}

/// What was sent in the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sent {
    /// The reply.
    Whole,
    /// A refusal in its place.
    Refusal,
}

/// A body in pieces, and its end.
pub(crate) async fn write_body(to: &mut (impl AsyncWrite + Unpin), body: &[u8]) -> io::Result<()> {
    for piece in body.chunks(PIECE_MAX) {
        write_piece(to, piece).await?;
    }
    write_piece(to, &[]).await
}

async fn write_piece(to: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| broken())?;
    let writing = async {
        to.write_all(&length.to_le_bytes()).await?;
        to.write_all(bytes).await?;
        to.flush().await
    };
    timeout(SILENCE, writing)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?
}
