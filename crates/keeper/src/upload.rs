//! Bodies that arrive: sealed piece by piece, never plaintext on a disk.

use std::io::{self, Write};
use std::path::Path;

use protocol::keeper::{File, PIECE_MAX, Refused, RefusedCode};
use tokio::io::AsyncRead;
use tokio::sync::mpsc;
use vault::{Purpose, Secret, seal_file_atomically};

use crate::error::{by_vault, internal, no};
use crate::seal::file;
use crate::server::Keeper;
use crate::wire;

/// Pieces that wait to be sealed.
const WAITING: usize = 4;

enum Piece {
    Bytes(Vec<u8>),
    End,
}

impl Keeper {
    /// Seals the file of a queued load job as it arrives.
    pub(crate) async fn upload(
        &self,
        job: &str,
        body: &mut (impl AsyncRead + Unpin),
    ) -> Result<File, Refused> {
        let (job, delivery) = self.desk()?.awaited(job).await?;
        self.ran.must_be_new(&job)?;
        let secret = self.custody.make(delivery.as_str(), Purpose::Delivery)?;
        let most = self.upload_bytes_max;
        let over =
            format!("the file is larger than {most} bytes (delivery_mib in policies/limits.toml)");
        receive(&self.rooms.uploads, job.as_str(), secret, body, most, &over).await
    }
}

/// Seals a body as `folder/name`. A body that breaks off or is too long leaves nothing.
pub(crate) async fn receive(
    folder: &Path,
    name: &str,
    secret: Secret,
    body: &mut (impl AsyncRead + Unpin),
    most: u64,
    over: &str,
) -> Result<File, Refused> {
    let (give, mut take) = mpsc::channel(WAITING);
    let (folder, sealed_name) = (folder.to_owned(), name.to_owned());
    let sealing = tokio::task::spawn_blocking(move || {
        seal_file_atomically(&folder, &sealed_name, &secret, |out| {
            loop {
                match take.blocking_recv() {
                    Some(Piece::Bytes(bytes)) => out.write_all(&bytes)?,
                    Some(Piece::End) => return Ok(()),
                    None => return Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
        })
    });
    let heard = hear(body, &give, most, over).await;
    drop(give);
    let sealed = sealing
        .await
        .map_err(|_| internal("the file could not be sealed"))?;
    // Why the body ended early comes before what that did to the file.
    heard?;
    let info = sealed.map_err(by_vault)?;
    Ok(file(name, &info))
}

async fn hear(
    body: &mut (impl AsyncRead + Unpin),
    give: &mpsc::Sender<Piece>,
    most: u64,
    over: &str,
) -> Result<(), Refused> {
    let mut total = 0_u64;
    loop {
        let piece = wire::read_piece(body, PIECE_MAX).await.map_err(|_| {
            no(
                RefusedCode::BadInput,
                "the file broke off before its end; nothing was kept",
            )
        })?;
        let Some(bytes) = piece else {
            // A sealer that is gone has an error of its own to tell.
            let _ = give.send(Piece::End).await;
            return Ok(());
        };
        total = total.saturating_add(bytes.len() as u64);
        if total > most {
            return Err(no(RefusedCode::Limit, over));
        }
        if give.send(Piece::Bytes(bytes)).await.is_err() {
            return Ok(());
        }
    }
}
