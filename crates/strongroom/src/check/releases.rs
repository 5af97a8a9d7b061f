//! A folder of released outputs: who was behind each cell, under a key of the folder's own.
//!
//! `key` has 32 random bytes. `people` lists 16 bytes for each person who was ever in an output, a keyed hash of
//! the engine's hash of their unit; a person's place in it is their ordinal. `0001.release` and so on hold an
//! output each: a line of JSON with words, then its tables (of counts, of values) as their number of bytes, u64,
//! little endian, and [`Release::to_bytes`]. Every file has mode 0600.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use disclosure::difference::Release;
use disclosure::{CellPeople, PeopleKey, Policy, outgoing};
use serde::{Deserialize, Serialize};

use crate::places::lock_file;
use crate::problem::Problem;

/// Most outputs that one is compared with.
const RELEASES_MAX: usize = 10_000;
/// Most bytes of one file of the folder.
const FILE_MAX: u64 = 1 << 30;

/// A folder that was opened.
pub(crate) struct Releases {
    folder: PathBuf,
    key: PeopleKey,
    people: Vec<[u8; 16]>,
    places: HashMap<[u8; 16], u32>,
    /// Held from the first read to the last write: two checks at once would give one ordinal to two people.
    _lock: fs::File,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    date: String,
    statement: String,
}

impl Releases {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// If it cannot be read or made, or another check has it open.
    pub(crate) fn open(folder: &Path) -> Result<Self, Problem> {
        fs::create_dir_all(folder).map_err(|why| broken(folder, &why))?;
        let lock = lock(folder)?;
        let key_file = folder.join("key");
        if !key_file.exists() {
            let mut random = [0; 32];
            let urandom = Path::new("/dev/urandom");
            fs::File::open(urandom)
                .and_then(|mut file| file.read_exact(&mut random))
                .map_err(|why| broken(urandom, &why))?;
            write(&key_file, &random)?;
        }
        let key = read(&key_file)?;
        let key = <[u8; 32]>::try_from(key.as_slice())
            .map_err(|_| Problem::could_not(format!("{} is no key", key_file.display())))?;
        let people_file = folder.join("people");
        let listed = if people_file.exists() {
            read(&people_file)?
        } else {
            Vec::new()
        };
        let mut people = Vec::new();
        for person in listed.chunks(16) {
            people.push(<[u8; 16]>::try_from(person).map_err(|_| {
                Problem::could_not(format!("{} is cut short", people_file.display()))
            })?);
        }
        let places = (0..)
            .zip(&people)
            .map(|(place, person)| (*person, place))
            .collect();
        Ok(Self {
            folder: folder.to_owned(),
            key: PeopleKey::new(&key),
            people,
            places,
            _lock: lock,
        })
    }

    /// The ordinal of a person in this folder.
    ///
    /// # Errors
    /// If there are more people than ordinals.
    pub(crate) fn ordinal(&mut self, unit: u64) -> Result<u32, Problem> {
        let person = self.key.person(unit);
        if let Some(place) = self.places.get(&person) {
            return Ok(*place);
        }
        let place = u32::try_from(self.people.len()).map_err(|_| strange())?;
        self.people.push(person);
        self.places.insert(person, place);
        Ok(place)
    }

    /// How many people were ever in an output: their ordinals lie below it.
    pub(crate) fn population(&self) -> usize {
        self.people.len()
    }

    /// Everything that was released, table by table in the order of release. How many outputs there are.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be: what cannot be compared blocks.
    pub(crate) fn each(&self, mut of: impl FnMut(Release)) -> Result<usize, Problem> {
        for number in 1..=RELEASES_MAX {
            let path = self.path(number);
            if !path.exists() {
                return self.ends_before(number).map(|()| number - 1);
            }
            let bytes = read(&path)?;
            let cut = || Problem::could_not(format!("{} is damaged", path.display()));
            let line = bytes.iter().position(|byte| *byte == b'\n');
            let (line, mut rest) = line
                .and_then(|end| bytes.split_at_checked(end + 1))
                .ok_or_else(cut)?;
            serde_json::from_slice::<Words>(line).map_err(|_| cut())?;
            while !rest.is_empty() {
                let length = u64::from_le_bytes(taken(&mut rest).map_err(|_| cut())?);
                let length = usize::try_from(length).map_err(|_| cut())?;
                let (table, left) = rest.split_at_checked(length).ok_or_else(cut)?;
                of(Release::from_bytes(table).map_err(|_| cut())?);
                rest = left;
            }
        }
        Err(Problem::could_not(format!(
            "{} holds more than {RELEASES_MAX} releases",
            self.folder.display()
        )))
    }

    /// Refuses a folder from which a release was taken away: what it said can no longer be compared.
    fn ends_before(&self, missing: usize) -> Result<(), Problem> {
        let here = fs::read_dir(&self.folder).map_err(|why| broken(&self.folder, &why))?;
        for entry in here {
            let entry = entry.map_err(|why| broken(&self.folder, &why))?;
            let name = entry.file_name();
            let number = name
                .to_str()
                .and_then(|name| name.strip_suffix(".release"))
                .and_then(|number| number.parse::<usize>().ok());
            if number.is_some_and(|number| number > missing) {
                return Err(Problem::could_not(format!(
                    "{} is missing, but later releases are there",
                    self.path(missing).display()
                )));
            }
        }
        Ok(())
    }

    /// Keeps an output as released: its cells that a reader sees.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn record(
        &self,
        statement: &str,
        cells: &[CellPeople],
        policy: &Policy,
    ) -> Result<(), Problem> {
        let free = (1..=RELEASES_MAX).find(|number| !self.path(*number).exists());
        let number = free.ok_or_else(|| {
            Problem::could_not(format!(
                "{} holds {RELEASES_MAX} releases, the most that are kept",
                self.folder.display()
            ))
        })?;
        self.ends_before(number)?;
        let date = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        let name = format!("release {number}");
        let tables = outgoing(&name, &date, cells, self.population(), policy)
            .map_err(|error| Problem::could_not(error.to_string()))?;
        let mut bytes = serde_json::to_vec(&Words {
            date,
            statement: statement.to_owned(),
        })?;
        bytes.push(b'\n');
        for table in tables {
            let table = table.release.to_bytes();
            bytes.extend((table.len() as u64).to_le_bytes());
            bytes.extend(table);
        }
        // People first: a release names none who is not listed.
        write(&self.folder.join("people"), self.people.concat().as_slice())?;
        write(&self.path(number), &bytes)
    }

    fn path(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number:04}.release"))
    }
}

/// The next bytes of what the worker sent.
fn taken<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Problem> {
    let (first, more) = rest.split_first_chunk::<N>().ok_or_else(strange)?;
    *rest = more;
    Ok(*first)
}

pub(crate) fn strange() -> Problem {
    Problem::could_not("the worker did not list the people behind the cells")
}

fn broken(path: &Path, why: &std::io::Error) -> Problem {
    Problem::could_not(format!("{} cannot be used: {why}", path.display()))
}

/// The folder for this process alone, until the file is closed.
fn lock(folder: &Path) -> Result<fs::File, Problem> {
    let path = folder.join("lock");
    let file = lock_file(&path).map_err(|why| broken(&path, &why))?;
    file.try_lock().map_err(|why| match why {
        fs::TryLockError::WouldBlock => {
            Problem::could_not(format!("another check has {} open", folder.display()))
        }
        fs::TryLockError::Error(why) => broken(&path, &why),
    })?;
    Ok(file)
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(FILE_MAX).read_to_end(&mut bytes))
        .map_err(|why| broken(path, &why))?;
    Ok(bytes)
}

/// Writes a file whole or not at all, for its owner alone.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    let staged = path.with_extension("new");
    let write = || -> std::io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&staged)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&staged, path)?;
        // The name lasts too.
        path.parent()
            .map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
    };
    write().map_err(|why| broken(path, &why))
}
