//! A release as bytes, for the caller to seal. Labels are packed to as many bits as they need.

use thiserror::Error;

use super::release::{About, CELLS_MAX, Labels, PEOPLE_MAX, Release, ReleasedCell, Treatment};

const MAGIC: &[u8; 8] = b"SRUNITS1";
/// The longest text in a release.
const TEXT_MAX: usize = 1 << 16;

/// The bytes are not a release: cut, changed, or of another version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the record of a released table is damaged or of another version")]
pub struct BytesError;

impl Release {
    /// The release as bytes. They say of every person in which cells they are: seal them.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let about = &self.about;
        for words in [
            &about.name,
            &about.date,
            &about.measure,
            &about.data_version,
        ] {
            text(&mut out, words);
        }
        let (kind, within) = match about.treatment {
            Treatment::Exact => (0, 0.0),
            Treatment::Within(distance) => (1, distance),
            Treatment::Noise => (2, 0.0),
        };
        out.push(kind);
        out.extend(within.to_le_bytes());
        number(&mut out, self.cells.len());
        for cell in &self.cells {
            text(&mut out, &cell.key);
            out.push(u8::from(cell.value.is_some()));
            out.extend(cell.value.unwrap_or(0.0).to_le_bytes());
            out.extend(cell.people.to_le_bytes());
        }
        number(&mut out, self.within.len());
        for cells in &self.within {
            number(&mut out, cells.len());
            for cell in cells {
                out.extend(cell.to_le_bytes());
            }
        }
        number(&mut out, self.labels.len());
        let bits = bits(self.within.len());
        let (mut word, mut filled) = (0_u32, 0);
        for person in 0..self.labels.len() {
            word |= u32::from(self.labels.get(person)) << filled;
            filled += bits;
            while filled >= 8 {
                out.push(word as u8);
                word >>= 8;
                filled -= 8;
            }
        }
        if filled > 0 {
            out.push(word as u8);
        }
        out
    }

    /// Reads what [`Release::to_bytes`] wrote.
    ///
    /// # Errors
    /// If they are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BytesError> {
        let mut read = Reader(bytes);
        if read.take(MAGIC.len())? != MAGIC {
            return Err(BytesError);
        }
        let mut words = || read.text();
        let (name, date, measure, data_version) = (words()?, words()?, words()?, words()?);
        let kind = read.byte()?;
        let distance = read.float()?;
        let treatment = match kind {
            0 => Treatment::Exact,
            1 if distance >= 0.0 => Treatment::Within(distance),
            2 => Treatment::Noise,
            _ => return Err(BytesError),
        };
        let cells = read.cells()?;
        let within = read.within(cells.len())?;
        let labels = read.labels(within.len())?;
        if !read.0.is_empty() {
            return Err(BytesError);
        }
        Ok(Self {
            about: About {
                name,
                date,
                measure,
                data_version,
                treatment,
            },
            cells,
            labels,
            within,
        })
    }
}

/// Bits of a label.
fn bits(labels: usize) -> u32 {
    (usize::BITS - labels.saturating_sub(1).leading_zeros()).max(1)
}

fn number(out: &mut Vec<u8>, n: usize) {
    out.extend((n as u64).to_le_bytes());
}

fn text(out: &mut Vec<u8>, words: &str) {
    let mut end = words.len().min(TEXT_MAX);
    while !words.is_char_boundary(end) {
        end -= 1;
    }
    let words = words.get(..end).unwrap_or_default();
    number(out, words.len());
    out.extend(words.as_bytes());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], BytesError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(BytesError)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, BytesError> {
        self.take(1)?.first().copied().ok_or(BytesError)
    }

    fn eight(&mut self) -> Result<[u8; 8], BytesError> {
        self.take(8)?.try_into().map_err(|_| BytesError)
    }

    fn float(&mut self) -> Result<f64, BytesError> {
        Ok(f64::from_le_bytes(self.eight()?))
    }

    fn number(&mut self, most: usize) -> Result<usize, BytesError> {
        let n = usize::try_from(u64::from_le_bytes(self.eight()?)).map_err(|_| BytesError)?;
        if n > most { Err(BytesError) } else { Ok(n) }
    }

    fn text(&mut self) -> Result<String, BytesError> {
        let n = self.number(TEXT_MAX)?;
        String::from_utf8(self.take(n)?.to_vec()).map_err(|_| BytesError)
    }

    fn cells(&mut self) -> Result<Vec<ReleasedCell>, BytesError> {
        let count = self.number(CELLS_MAX)?;
        let mut cells = Vec::with_capacity(count);
        for _ in 0..count {
            let key = self.text()?;
            let is_shown = match self.byte()? {
                0 => false,
                1 => true,
                _ => return Err(BytesError),
            };
            let value = self.float()?;
            let people = self.take(4)?.try_into().map_err(|_| BytesError)?;
            cells.push(ReleasedCell {
                key,
                value: is_shown.then_some(value),
                people: u32::from_le_bytes(people),
            });
        }
        Ok(cells)
    }

    fn within(&mut self, cells: usize) -> Result<Vec<Vec<u16>>, BytesError> {
        let count = self.number(1 << 16)?;
        let mut within = Vec::with_capacity(count);
        for label in 0..count {
            let size = self.number(cells)?;
            if (label == 0) != (size == 0) {
                return Err(BytesError);
            }
            let mut list: Vec<u16> = Vec::with_capacity(size);
            for _ in 0..size {
                let cell = self.take(2)?.try_into().map_err(|_| BytesError)?;
                let cell = u16::from_le_bytes(cell);
                if usize::from(cell) >= cells || list.last().is_some_and(|last| *last >= cell) {
                    return Err(BytesError);
                }
                list.push(cell);
            }
            within.push(list);
        }
        if within.is_empty() {
            return Err(BytesError);
        }
        Ok(within)
    }

    fn labels(&mut self, count: usize) -> Result<Labels, BytesError> {
        let people = self.number(PEOPLE_MAX)?;
        let bits = bits(count) as usize;
        let packed = self.take((people * bits).div_ceil(8))?;
        let (labels, largest) = if count <= 256 {
            let labels = unpacked(packed, people, bits, |label| label as u8);
            let largest = labels.iter().max().map_or(0, |label| usize::from(*label));
            (Labels::Narrow(labels), largest)
        } else {
            let labels = unpacked(packed, people, bits, |label| label as u16);
            let largest = labels.iter().max().map_or(0, |label| usize::from(*label));
            (Labels::Wide(labels), largest)
        };
        if largest < count {
            Ok(labels)
        } else {
            Err(BytesError)
        }
    }
}

/// The labels of `people` people, of `bits` bits each, at most 16: four at a time, since four with the half
/// byte before them fill 64 bits at most.
fn unpacked<L>(packed: &[u8], people: usize, bits: usize, label: fn(u64) -> L) -> Vec<L>
where
    L: Copy + Default,
{
    let mask = (1 << bits) - 1;
    let mut labels = vec![L::default(); people.next_multiple_of(4)];
    for (group, four) in labels.chunks_exact_mut(4).enumerate() {
        let first = group * 4 * bits;
        let rest = packed.get(first / 8..).unwrap_or_default();
        let window = rest.first_chunk().copied().unwrap_or_else(|| padded(rest));
        let mut window = u64::from_le_bytes(window) >> (first % 8);
        for place in four {
            *place = label(window & mask);
            window >>= bits;
        }
    }
    labels.truncate(people);
    labels
}

/// The last few bytes, and zeros behind them.
fn padded(rest: &[u8]) -> [u8; 8] {
    let mut bytes = [0; 8];
    for (to, from) in bytes.iter_mut().zip(rest) {
        *to = *from;
    }
    bytes
}
