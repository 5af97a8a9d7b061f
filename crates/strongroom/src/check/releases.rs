//! A folder of released outputs: who was behind each cell, under a key of the folder's own.
//!
//! `key` has 32 random bytes. `people` lists 16 bytes for each person who was ever in an output, a keyed hash of
//! the engine's hash of their unit; a person's place in it is their ordinal. `0001.release` and so on hold an
//! output each: a line of JSON with words, then for each cell the number of people and their ordinals, as u32,
//! little endian. Every file has mode 0600.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use disclosure::{CellPeople, Released, keyed_person};
use serde::{Deserialize, Serialize};

use crate::problem::Problem;

/// Most outputs that one is compared with.
const RELEASES_MAX: usize = 10_000;
/// Most bytes of one file of the folder.
const FILE_MAX: u64 = 1 << 30;

/// A folder that was opened.
pub(crate) struct Releases {
    folder: PathBuf,
    key: [u8; 32],
    people: Vec<[u8; 16]>,
    places: BTreeMap<[u8; 16], u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    date: String,
    statement: String,
    cells: Vec<String>,
}

impl Releases {
    /// Opens a folder, and makes it if it is not there.
    ///
    /// # Errors
    /// If it cannot be read or made.
    pub(crate) fn open(folder: &Path) -> Result<Self, Problem> {
        fs::create_dir_all(folder).map_err(|why| broken(folder, &why))?;
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
            key,
            people,
            places,
        })
    }

    /// Writes the people that the worker listed into the cells, as ordinals of this folder.
    ///
    /// # Errors
    /// If they are not the people of these cells.
    pub(crate) fn fill(&mut self, cells: &mut [CellPeople], listed: &[u8]) -> Result<(), Problem> {
        let mut rest = listed;
        for cell in &mut *cells {
            let number = u32::from_le_bytes(taken(&mut rest)?);
            for _ in 0..number {
                let unit = u64::from_le_bytes(taken(&mut rest)?);
                cell.people.push(self.ordinal(unit)?);
            }
        }
        if rest.is_empty() {
            Ok(())
        } else {
            Err(strange())
        }
    }

    fn ordinal(&mut self, unit: u64) -> Result<u32, Problem> {
        let person = keyed_person(&self.key, unit);
        if let Some(place) = self.places.get(&person) {
            return Ok(*place);
        }
        let place = u32::try_from(self.people.len()).map_err(|_| strange())?;
        self.people.push(person);
        self.places.insert(person, place);
        Ok(place)
    }

    /// Everything that was released.
    ///
    /// # Errors
    /// If a file cannot be read or is not what it should be: what cannot be compared blocks.
    pub(crate) fn earlier(&self) -> Result<Vec<Released>, Problem> {
        let mut found = Vec::new();
        for number in 1..=RELEASES_MAX {
            let path = self.path(number);
            if !path.exists() {
                return Ok(found);
            }
            let bytes = read(&path)?;
            let cut = || Problem::could_not(format!("{} is cut short", path.display()));
            let line = bytes
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or_else(cut)?;
            let (line, mut rest) = bytes.split_at_checked(line + 1).ok_or_else(cut)?;
            let words: Words = serde_json::from_slice(line).map_err(|_| cut())?;
            let mut cells = Vec::new();
            for cell in words.cells {
                let number = u32::from_le_bytes(taken(&mut rest).map_err(|_| cut())?);
                let people = (0..number).map(|_| taken(&mut rest).map(u32::from_le_bytes));
                cells.push((cell, people.collect::<Result<_, _>>().map_err(|_| cut())?));
            }
            found.push(Released {
                name: format!("release {number}"),
                date: words.date,
                cells,
            });
        }
        Err(Problem::could_not(format!(
            "{} holds more than {RELEASES_MAX} releases",
            self.folder.display()
        )))
    }

    /// Keeps an output as released: its cells that a reader sees.
    ///
    /// # Errors
    /// If it cannot be written.
    pub(crate) fn record(&self, statement: &str, cells: &[CellPeople]) -> Result<(), Problem> {
        let shown: Vec<&CellPeople> = cells.iter().filter(|cell| cell.shown).collect();
        let words = Words {
            date: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
            statement: statement.to_owned(),
            cells: shown
                .iter()
                .map(|cell| disclosure::in_words(&cell.key, &cell.column))
                .collect(),
        };
        let mut bytes = serde_json::to_vec(&words)?;
        bytes.push(b'\n');
        for cell in shown {
            bytes.extend(
                u32::try_from(cell.people.len())
                    .map_err(|_| strange())?
                    .to_le_bytes(),
            );
            bytes.extend(cell.people.iter().flat_map(|person| person.to_le_bytes()));
        }
        // People first: a release names none who is not listed.
        write(&self.folder.join("people"), self.people.concat().as_slice())?;
        let free = (1..=RELEASES_MAX)
            .map(|number| self.path(number))
            .find(|path| !path.exists());
        match free {
            Some(path) => write(&path, &bytes),
            None => Err(Problem::could_not(format!(
                "{} holds {RELEASES_MAX} releases, the most that are kept",
                self.folder.display()
            ))),
        }
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

fn strange() -> Problem {
    Problem::could_not("the worker did not list the people behind the cells")
}

fn broken(path: &Path, why: &std::io::Error) -> Problem {
    Problem::could_not(format!("{} cannot be used: {why}", path.display()))
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
        fs::rename(&staged, path)
    };
    write().map_err(|why| broken(path, &why))
}
