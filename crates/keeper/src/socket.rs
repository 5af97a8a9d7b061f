//! Listening at a desk's socket, and who is at its other end.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::Path;
use std::sync::Arc;

use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::Socket;
use crate::error::KeeperError;

/// Whether the other end belongs to the one user that is answered here.
pub(crate) fn is_peer(stream: &UnixStream, wanted: Option<u32>) -> bool {
    match (wanted, stream.peer_cred()) {
        (None, _) => true,
        (Some(uid), Ok(peer)) => peer.uid() == uid,
        (Some(_), Err(_)) => false,
    }
}

/// The next connection at a door, with a place there.
pub(crate) async fn next(
    door: &UnixListener,
    places: &Arc<Semaphore>,
) -> io::Result<(UnixStream, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.map_err(io::Error::other)?;
    let (stream, _) = door.accept().await?;
    Ok((stream, place))
}

/// Listens with the right mode from the first moment: bound in a folder of its own, then moved. The mode is 0600,
/// or 0660 where a desk is another user: it reaches the socket through the group, and is told by its user id.
pub(crate) fn bind(socket: &Socket) -> Result<UnixListener, KeeperError> {
    let path: &Path = &socket.path;
    let mode = if socket.peer.is_some() { 0o660 } else { 0o600 };
    let failed = || KeeperError::folder(path);
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed()(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(failed()(io::ErrorKind::AlreadyExists.into()));
        }
        Ok(_) => {
            if std::os::unix::net::UnixStream::connect(path).is_ok() {
                return Err(KeeperError::SocketInUse(path.to_owned()));
            }
        }
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let nest = parent.join(format!(".keeper-{}", std::process::id()));
    let bound = (|| {
        match fs::remove_dir_all(&nest) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        DirBuilder::new().mode(0o700).create(&nest)?;
        let inside = nest.join("s");
        let listener = UnixListener::bind(&inside)?;
        fs::set_permissions(&inside, Permissions::from_mode(mode))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    })();
    let removed = fs::remove_dir_all(&nest);
    let listener = bound.map_err(failed())?;
    removed.map_err(failed())?;
    Ok(listener)
}
