//! Where the parts of a safe haven lie, and whose they are.
//!
//! One Unix user: every folder is for its owner alone. One user for each process (started as root, with `[users]`):
//!
//! | path | owner and group | mode | so that |
//! |---|---|---|---|
//! | the data folder | root, keeper's group | 0710 | only the three users get past it |
//! | `front/` the store | front | 2775 | both desks write it, the keeper reads it |
//! | `log/` as published | front | 0700 | |
//! | `keeper/` keys, sealed files | keeper | 0700 | nobody else opens it |
//! | `doors/` the keeper's sockets | keeper | 0710 | the desks reach them; the keeper asks who they are |
//! | `research/`, `indexing/` the desks' sockets | front; indexing | 0700 | |
//!
//! The desks get the keeper's group as a further one, which opens the data folder and `doors/` and nothing else; the
//! indexing desk gets the front's group too, for the store. The store's file is 0664, and SQLite gives its `-wal` and
//! `-shm` the same mode and keeps them up to date for a reader that may not write them.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use protocol::keeper::Door;

use crate::problem::Problem;
use crate::users::{User, Users};

/// How long a desk of before may take to end.
const ENDING: Duration = Duration::from_secs(5);
/// Longest text of the address of a desk's pages, in bytes.
const ADDRESS_MAX: u64 = 64;

/// Where the parts of a safe haven lie.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    root: PathBuf,
}

impl Places {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
        }
    }

    /// The whole.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The front's folder: the database.
    pub(crate) fn front(&self) -> PathBuf {
        self.root.join("front")
    }

    /// The published log.
    pub(crate) fn log(&self) -> PathBuf {
        self.root.join("log")
    }

    /// The keeper's folder: secrets and sealed files.
    pub(crate) fn keeper(&self) -> PathBuf {
        self.root.join("keeper")
    }

    /// A desk's own folder: its socket and its lock.
    pub(crate) fn desk(&self, door: Door) -> PathBuf {
        self.root.join(door.word())
    }

    /// The socket of a desk's API, by the name that people and programs use: a link into the desk's own folder, where
    /// nobody but the desk can put a socket.
    pub(crate) fn socket(&self, door: Door) -> PathBuf {
        self.root.join(match door {
            Door::Research => "strongroom.sock",
            Door::Indexing => "indexing.sock",
        })
    }

    /// Where a desk's socket really is.
    pub(crate) fn desk_socket(&self, door: Door) -> PathBuf {
        self.desk(door).join("desk.sock")
    }

    /// Where a desk that runs says that its pages are.
    pub(crate) fn pages_file(&self, door: Door) -> PathBuf {
        self.desk(door).join("pages")
    }

    /// Address of a desk's pages, if it runs and has any.
    pub(crate) fn pages(&self, door: Door) -> Option<SocketAddr> {
        // The file is the desk's, and whoever reads it may be root: a link or a pipe in its place is not read.
        let file = File::options()
            .read(true)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(self.pages_file(door))
            .ok()?;
        if !file.metadata().ok()?.is_file() {
            return None;
        }
        let mut text = String::new();
        file.take(ADDRESS_MAX).read_to_string(&mut text).ok()?;
        text.parse().ok()
    }

    /// Folder of the keeper's sockets.
    pub(crate) fn doors(&self) -> PathBuf {
        self.root.join("doors")
    }

    /// The keeper's socket for a desk.
    pub(crate) fn keeper_socket(&self, door: Door) -> PathBuf {
        self.doors().join(format!("{}.sock", door.word()))
    }

    fn folders(&self) -> [PathBuf; 6] {
        [
            self.front(),
            self.log(),
            self.keeper(),
            self.doors(),
            self.desk(Door::Research),
            self.desk(Door::Indexing),
        ]
    }

    /// Makes the folders that are not there, for their owner alone.
    pub(crate) fn make(&self) -> Result<(), Problem> {
        create(&self.root)?;
        for folder in self.folders() {
            create(&folder)?;
        }
        self.link()
    }

    /// Makes the folders for three users, as root. What an earlier start as root left is handed over; what belongs to
    /// anybody else is not touched.
    pub(crate) fn make_for(&self, users: &Users) -> Result<(), Problem> {
        self.make()?;
        let (front, keeper) = (users.front, users.keeper);
        let root = User {
            uid: 0,
            gid: keeper.gid,
        };
        own(&self.root, root, 0o710)?;
        hand_over(&self.front(), front, 0o2775)?;
        hand_over(&self.log(), front, 0o700)?;
        hand_over(&self.keeper(), keeper, 0o700)?;
        hand_over(&self.doors(), keeper, 0o710)?;
        hand_over(&self.desk(Door::Research), front, 0o700)?;
        hand_over(&self.desk(Door::Indexing), users.indexing, 0o700)?;
        self.store_for(front)
    }

    /// The store's file, there before anybody opens it: SQLite takes owner and mode of the others from it. The folder
    /// is the front's, so what is there may be a link of its making: everything is done to the file that was opened.
    fn store_for(&self, front: User) -> Result<(), Problem> {
        let path = self.front().join(store::FILE_NAME);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits())
            .open(&path)
            .map_err(|_| cannot(&path, "be opened"))?;
        let found = file.metadata().map_err(|_| cannot(&path, "be looked at"))?;
        if !found.is_file() || found.nlink() != 1 || ![0, front.uid].contains(&found.uid()) {
            return Err(Problem::could_not(format!(
                "{} is not a file of the front's user",
                path.display()
            )));
        }
        std::os::unix::fs::fchown(&file, Some(front.uid), Some(front.gid))
            .and_then(|()| file.set_permissions(Permissions::from_mode(0o664)))
            .map_err(|_| cannot(&path, "be given to its user"))
    }

    fn link(&self) -> Result<(), Problem> {
        for door in [Door::Research, Door::Indexing] {
            let (name, wanted) = (self.socket(door), Path::new(door.word()).join("desk.sock"));
            if fs::read_link(&name).is_ok_and(|found| found == wanted) {
                continue;
            }
            match fs::remove_file(&name) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(cannot(&name, "be replaced"));
                }
                Ok(()) | Err(_) => {}
            }
            match std::os::unix::fs::symlink(&wanted, &name) {
                Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                    return Err(cannot(&name, "be made"));
                }
                // The other desk starts at the same time and made the same link.
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    /// Takes a desk for this process until the file is closed: a second one would take the first one's socket away.
    pub(crate) fn take(&self, door: Door) -> Result<File, Problem> {
        let path = self.desk(door).join("lock");
        let file = lock_file(&path).map_err(|_| cannot(&path, "be opened"))?;
        let begun = Instant::now();
        let locked = loop {
            match file.try_lock() {
                // A desk that ends with a parent that was killed needs a moment.
                Err(TryLockError::WouldBlock) if begun.elapsed() < ENDING => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                locked => break locked,
            }
        };
        match locked {
            Ok(()) => Ok(file),
            Err(TryLockError::WouldBlock) => Err(Problem::could_not(format!(
                "the {} desk of the safe haven in {} is in use by another process",
                door.word(),
                self.root.display()
            ))),
            Err(TryLockError::Error(_)) => Err(cannot(&path, "be locked")),
        }
    }
}

/// Opens a file that is there to be locked, and makes it if it is not there.
pub(crate) fn lock_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
}

fn cannot(path: &Path, what: &str) -> Problem {
    Problem::could_not(format!("{} cannot {what}", path.display()))
}

fn create(folder: &Path) -> Result<(), Problem> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|_| cannot(folder, "be made"))
}

/// Owner, group and mode. A change of owner takes the set-group bit, so the mode comes last.
fn own(path: &Path, user: User, mode: u32) -> Result<(), Problem> {
    std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid))
        .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
        .map_err(|_| cannot(path, "be given to its user"))
}

/// Gives a folder and what is in it to its user. Only from root, who alone could write it until now: else a link in
/// it could name something that is not ours to give.
fn hand_over(folder: &Path, user: User, mode: u32) -> Result<(), Problem> {
    let found = fs::symlink_metadata(folder).map_err(|_| cannot(folder, "be looked at"))?;
    if !found.is_dir() {
        return Err(Problem::could_not(format!(
            "{} is not a folder",
            folder.display()
        )));
    }
    match found.uid() {
        uid if uid == user.uid => {}
        0 => give_all(folder, user)?,
        other => {
            return Err(Problem::could_not(format!(
                "{} belongs to user {other}, and [users] gives it to user {}",
                folder.display(),
                user.uid
            )));
        }
    }
    own(folder, user, mode)
}

fn give_all(folder: &Path, user: User) -> Result<(), Problem> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).map_err(|_| cannot(&folder, "be listed"))? {
            let entry = entry.map_err(|_| cannot(&folder, "be listed"))?;
            let path = entry.path();
            std::os::unix::fs::lchown(&path, Some(user.uid), Some(user.gid))
                .map_err(|_| cannot(&path, "be given to its user"))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            }
        }
    }
    Ok(())
}
