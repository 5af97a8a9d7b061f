//! What `serve --config FILE` reads, strictly, and the root key that it names.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use nix::sys::termios::{self, LocalFlags, SetArg};
use protocol::keeper::Door;
use serde::Deserialize;
use web::{Desktops, Reached};
use zeroize::Zeroizing;

use crate::desktops::LockedDesktops;
use crate::places::Places;
use crate::problem::Problem;
use crate::users::{Users, UsersConfig};

/// Name of the log where none is given.
const ORIGIN: &str = "strongroom.example/log";
/// Where the pages are where nothing is said.
pub(crate) const PAGES: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8440);
/// The same for the indexing desk.
pub(crate) const INDEXING_PAGES: SocketAddr =
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8441);
/// Most bytes of a passphrase or key that is read for the keeper.
const SECRET_MAX: usize = 4096;

/// Where the pages listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Listen {
    /// At this address; where it is taken, at any free port of this machine.
    AtOrNear(SocketAddr),
    /// At this address or not at all.
    At(SocketAddr),
    /// There are no pages.
    Nowhere,
}

impl Listen {
    /// As `--listen` takes it.
    pub(crate) fn word(self) -> String {
        match self {
            Self::AtOrNear(address) => format!("near {address}"),
            Self::At(address) => address.to_string(),
            Self::Nowhere => "nowhere".to_owned(),
        }
    }

    /// What `--listen` says.
    ///
    /// # Errors
    /// If it is no address, or one that is readable on the way.
    pub(crate) fn parse(text: &str, behind_tls_proxy: bool) -> Result<Self, Problem> {
        let address = |text: &str| -> Result<SocketAddr, Problem> {
            let address = text.parse().map_err(|_| {
                Problem::could_not("--listen takes an address such as 127.0.0.1:8440, or nowhere")
            })?;
            checked(address, behind_tls_proxy)
        };
        match text.strip_prefix("near ") {
            Some(text) => address(text).map(Self::AtOrNear),
            None if text == "nowhere" => Ok(Self::Nowhere),
            None => address(text).map(Self::At),
        }
    }
}

/// Where the root key comes from (`[root_key]`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum RootKeyFrom {
    /// `root.key` in the keeper's folder, beside what it protects: for rehearsals.
    Folder {},
    /// A systemd credential.
    Credential {
        /// Its name.
        name: String,
        /// Its folder; without it the one that systemd names (`CREDENTIALS_DIRECTORY`).
        #[serde(default)]
        folder: Option<PathBuf>,
    },
    /// A file elsewhere that only the keeper's user reads.
    File {
        /// The file.
        path: PathBuf,
    },
    /// A passphrase, stretched by the keeper with Argon2id: from a file, from a pipe, or asked at the terminal.
    Passphrase {
        /// The file, which only its owner reads.
        #[serde(default)]
        file: Option<PathBuf>,
        /// Number of a file descriptor that is a pipe.
        #[serde(default)]
        fd: Option<u32>,
    },
}

/// The config file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigFile {
    data_dir: PathBuf,
    #[serde(default)]
    policies: Option<PathBuf>,
    #[serde(default)]
    origin: Option<String>,
    #[serde(default)]
    listen: Option<SocketAddr>,
    #[serde(default)]
    indexing_listen: Option<SocketAddr>,
    #[serde(default)]
    behind_tls_proxy: bool,
    #[serde(default)]
    root_key: Option<RootKeyFrom>,
    #[serde(default)]
    users: Option<UsersConfig>,
    #[serde(default)]
    locked_desktops: LockedDesktops,
}

/// How a safe haven is to be run.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) places: Places,
    pub(crate) policies: Option<PathBuf>,
    pub(crate) origin: String,
    pub(crate) listen: Listen,
    /// The same for the indexing desk.
    pub(crate) indexing_listen: Listen,
    /// Whether a proxy with TLS stands before the pages.
    pub(crate) behind_tls_proxy: bool,
    pub(crate) root_key: RootKeyFrom,
    /// A user for each process; none where all run as whoever started them.
    pub(crate) users: Option<Users>,
    /// Where screens may show rows.
    pub(crate) locked_desktops: LockedDesktops,
}

impl Settings {
    /// How a browser reaches the pages.
    pub(crate) fn reached(&self) -> Reached {
        if self.behind_tls_proxy {
            Reached::TlsProxy
        } else {
            Reached::Loopback
        }
    }

    /// Where the screen of a workspace may show rows.
    ///
    /// # Errors
    /// In one sentence, what is wrong with it.
    pub(crate) fn desktops(&self) -> Result<Desktops, Problem> {
        self.locked_desktops.of_desk(self.behind_tls_proxy)
    }

    /// Where the pages of a desk listen.
    pub(crate) fn listen_of(&self, door: Door) -> Listen {
        match door {
            Door::Research => self.listen,
            Door::Indexing => self.indexing_listen,
        }
    }

    /// A safe haven in a folder, everything else as it comes.
    pub(crate) fn of_folder(folder: &Path) -> Self {
        Self {
            places: Places::new(folder),
            policies: None,
            origin: ORIGIN.to_owned(),
            listen: Listen::AtOrNear(PAGES),
            indexing_listen: Listen::AtOrNear(INDEXING_PAGES),
            behind_tls_proxy: false,
            root_key: RootKeyFrom::Folder {},
            users: None,
            locked_desktops: LockedDesktops::default(),
        }
    }

    /// What a config file says.
    ///
    /// # Errors
    /// In one sentence, what is wrong with it.
    pub(crate) fn read(path: &Path) -> Result<Self, Problem> {
        let text = std::fs::read_to_string(path)
            .map_err(|_| Problem::could_not("the config file cannot be read"))?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let file: ConfigFile = toml::from_str(text).map_err(|e| {
            Problem::could_not(format!("the config file cannot be used: {}", e.message()))
        })?;
        let listen = |said: Option<SocketAddr>, otherwise| match said {
            None => Ok(Listen::AtOrNear(otherwise)),
            Some(address) => checked(address, file.behind_tls_proxy).map(Listen::At),
        };
        let users = file.users.map(|users| users.look_up()).transpose()?;
        let root_key = file.root_key.unwrap_or(RootKeyFrom::Folder {});
        if let RootKeyFrom::File { path }
        | RootKeyFrom::Passphrase {
            file: Some(path), ..
        } = &root_key
            && path.starts_with(&file.data_dir)
        {
            return Err(Problem::could_not(
                "[root_key] lies in data_dir, beside what it protects; keep it elsewhere, or leave [root_key] out",
            ));
        }
        if let RootKeyFrom::Passphrase {
            file: Some(_),
            fd: Some(_),
        } = &root_key
        {
            return Err(Problem::could_not(
                "[root_key] takes a file or an fd for the passphrase, not both",
            ));
        }
        file.locked_desktops.of_desk(file.behind_tls_proxy)?;
        Ok(Self {
            policies: file.policies,
            origin: file.origin.unwrap_or_else(|| ORIGIN.to_owned()),
            listen: listen(file.listen, PAGES)?,
            indexing_listen: listen(file.indexing_listen, INDEXING_PAGES)?,
            behind_tls_proxy: file.behind_tls_proxy,
            root_key,
            users,
            locked_desktops: file.locked_desktops,
            ..Self::of_folder(&file.data_dir)
        })
    }
}

/// Pages carry passwords: without a proxy that speaks TLS they stay on this machine.
fn checked(address: SocketAddr, behind_tls_proxy: bool) -> Result<SocketAddr, Problem> {
    if address.ip().is_loopback() || behind_tls_proxy {
        return Ok(address);
    }
    Err(Problem::could_not(format!(
        "the pages would be readable on the way at {address}: listen on 127.0.0.1, or put a proxy with TLS before it and say behind_tls_proxy = true"
    )))
}

/// Where the keeper takes the root key from, as it is told on its command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeySource {
    /// From its folder.
    Folder,
    /// From a file of its own user.
    File(PathBuf),
    /// From a credentials folder, by name.
    Credential(PathBuf, String),
    /// The key itself is on its standard input, in hexadecimal digits.
    Handed(Zeroizing<String>),
    /// The passphrase is on its standard input.
    Passphrase(Zeroizing<String>),
}

impl RootKeyFrom {
    /// Finds the key or the passphrase, asking at the terminal if that is what it takes. Where the keeper has a user of
    /// its own, root reads the credential for it: systemd gives it to root alone.
    ///
    /// # Errors
    /// In one sentence, what is missing.
    pub(crate) fn source(&self, users: Option<&Users>) -> Result<KeySource, Problem> {
        Ok(match self {
            Self::Folder {} => KeySource::Folder,
            Self::File { path } => KeySource::File(path.clone()),
            Self::Credential { name, folder } => {
                let folder = match folder {
                    Some(folder) => folder.clone(),
                    None => std::env::var_os("CREDENTIALS_DIRECTORY")
                        .map(PathBuf::from)
                        .ok_or_else(|| {
                            Problem::could_not(
                                "systemd passes no credentials (CREDENTIALS_DIRECTORY is not set)",
                            )
                        })?,
                };
                match users {
                    None => KeySource::Credential(folder, name.clone()),
                    Some(_) => KeySource::Handed(in_hex(&folder.join(name))?),
                }
            }
            Self::Passphrase { file, fd } => KeySource::Passphrase(match (file, fd) {
                (Some(path), _) => from_file(path)?,
                (None, Some(fd)) => from_pipe(*fd)?,
                (None, None) => from_terminal()?,
            }),
        })
    }
}

fn in_hex(path: &Path) -> Result<Zeroizing<String>, Problem> {
    let cannot = || Problem::could_not(format!("{} cannot be read", path.display()));
    // Room for all of it: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(SECRET_MAX));
    let file = File::open(path).map_err(|_| cannot())?;
    file.take(SECRET_MAX as u64)
        .read_to_end(&mut bytes)
        .map_err(|_| cannot())?;
    if bytes.len() == 32 {
        return Ok(Zeroizing::new(hex::encode(bytes.as_slice())));
    }
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| Problem::could_not(format!("{} does not hold a root key", path.display())))?;
    Ok(Zeroizing::new(text.trim_end().to_owned()))
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Problem> {
    let cannot = |_| Problem::could_not(format!("{} cannot be read", path.display()));
    let file = File::open(path).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Problem::could_not(format!(
            "{} has mode {mode:04o}: only its owner may read a passphrase",
            path.display()
        )));
    }
    first_line(file)
}

/// A pipe only: what was read of it is gone, while the descriptor goes on to every process that is started.
fn from_pipe(fd: u32) -> Result<Zeroizing<String>, Problem> {
    let path = PathBuf::from(format!("/dev/fd/{fd}"));
    let kind = std::fs::metadata(&path)
        .map_err(|_| Problem::could_not(format!("file descriptor {fd} is not open")))?
        .file_type();
    if !kind.is_fifo() {
        return Err(Problem::could_not(format!(
            "file descriptor {fd} is not a pipe; name a file with `file` instead"
        )));
    }
    let file = File::open(&path)
        .map_err(|_| Problem::could_not(format!("file descriptor {fd} cannot be read")))?;
    first_line(file)
}

fn from_terminal() -> Result<Zeroizing<String>, Problem> {
    let cannot = || {
        Problem::could_not(
            "there is no terminal to ask for the passphrase at; name a file or a pipe in [root_key]",
        )
    };
    let mut terminal = File::options()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .map_err(|_| cannot())?;
    let before = termios::tcgetattr(&terminal).map_err(|_| cannot())?;
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    silent.local_flags.insert(LocalFlags::ECHONL);
    terminal
        .write_all(b"Passphrase of the root key: ")
        .map_err(|_| cannot())?;
    termios::tcsetattr(&terminal, SetArg::TCSAFLUSH, &silent).map_err(|_| cannot())?;
    let read = terminal.try_clone().map(first_line);
    // Whatever was read, the terminal shows again what is typed.
    let _ = termios::tcsetattr(&terminal, SetArg::TCSAFLUSH, &before);
    read.map_err(|_| cannot())?
}

/// A byte at a time: a buffer of the standard library's would keep what is behind the line and is never wiped.
fn first_line(mut from: impl Read) -> Result<Zeroizing<String>, Problem> {
    let cannot = || Problem::could_not("the passphrase cannot be read");
    let mut line = Zeroizing::new(Vec::with_capacity(SECRET_MAX));
    let mut byte = Zeroizing::new([0_u8; 1]);
    while line.len() < SECRET_MAX {
        match from.read(byte.as_mut_slice()) {
            Ok(0) => break,
            Ok(_) if byte.as_slice() == b"\n" => break,
            Ok(_) => line.extend_from_slice(byte.as_slice()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(cannot()),
        }
    }
    let text = std::str::from_utf8(&line).map_err(|_| cannot())?;
    let text = text.trim_end_matches('\r');
    if text.is_empty() {
        return Err(Problem::could_not("the passphrase is empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
mod tests;
