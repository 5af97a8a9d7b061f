//! What a worker sends, taken in: files are sealed as they come.

use std::fs::File as Disk;
use std::io::{self, Write};
use std::path::Path;

use protocol::frame::Up;
use protocol::keeper::{File, Refused};
use sandbox::Running;
use vault::{SealWriter, Secret, seal_file_atomically};

use crate::error::{by_sandbox, by_vault, by_worker, internal};
use crate::seal::file;

/// Seals a file of a worker as `folder/name`. One that breaks off leaves nothing.
pub(crate) fn seal(
    running: &mut Running,
    folder: &Path,
    name: &str,
    secret: &Secret,
) -> Result<File, Refused> {
    let mut failed = None;
    let info = seal_file_atomically(folder, name, secret, |out| {
        pour(running, out).map_err(|refused| {
            failed = Some(refused);
            io::Error::other("the worker's file broke off")
        })
    });
    match (info, failed) {
        (_, Some(refused)) => Err(refused),
        (info, None) => info.map(|info| file(name, &info)).map_err(by_vault),
    }
}

/// Seals the bytes of one file up to its end.
fn pour(running: &mut Running, out: &mut SealWriter<&Disk>) -> Result<(), Refused> {
    loop {
        match running.next().map_err(by_sandbox)? {
            Some(Up::FileBytes(bytes)) => out.write_all(&bytes).map_err(|error| {
                tracing::warn!(error = %error, "a sealed file could not be written");
                internal("a sealed file cannot be written")
            })?,
            Some(Up::FileEnd { .. }) => return Ok(()),
            Some(Up::Progress(_)) => {}
            Some(Up::Failed(failure)) => return Err(by_worker(failure)),
            Some(
                Up::MountReady { .. }
                | Up::Ready(_)
                | Up::Refused(_)
                | Up::Statement(_)
                | Up::FileStart { .. }
                | Up::Report(_),
            )
            | None => return Err(strange()),
        }
    }
}

pub(crate) fn strange() -> Refused {
    internal("the worker did not send what its job makes")
}
