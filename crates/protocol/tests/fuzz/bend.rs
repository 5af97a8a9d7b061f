//! Bending whole conversations: bytes, frames, lengths, kinds and JSON.

use serde_json::{Map, Number, Value, json};

/// Most bytes that are bent further or that a repetition makes: bends of bends would else fill the machine.
const LARGE: usize = 1 << 20;

/// A generator whose cases follow from its seed (SplitMix64, Steele and others 2014).
pub(crate) struct Bender(u64);

impl Bender {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `most`, which is at least 1.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }

    /// One of the conversations, bent in one to four places; now and then two of them spliced.
    pub(crate) fn bent(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        let mut frames = frames(&seeds[self.below(seeds.len())]);
        if self.below(8) == 0 {
            let other = self::frames(&seeds[self.below(seeds.len())]);
            let (at, from) = (self.below(frames.len() + 1), self.below(other.len()));
            frames.truncate(at);
            frames.extend(other.into_iter().skip(from));
        }
        for _ in 0..=self.below(4) {
            if frames.is_empty() {
                break;
            }
            self.bend(&mut frames);
        }
        let mut bytes = joined(&frames);
        if self.below(4) == 0 {
            self.scratch(&mut bytes);
        }
        bytes
    }

    fn bend(&mut self, frames: &mut Vec<Frame>) {
        let at = self.below(frames.len());
        match self.below(9) {
            0 => {
                frames.remove(at);
            }
            1 => frames.insert(at, frames[at].clone()),
            2 => {
                let with = self.below(frames.len());
                frames.swap(at, with);
            }
            3 => frames[at].kind = self.next() as u8 % 32,
            4 => frames[at].claimed = Some(self.length()),
            5 => {
                let mut body = std::mem::take(&mut frames[at].body);
                self.scratch(&mut body);
                frames[at].body = body;
            }
            _ if frames[at].body.len() > LARGE => {}
            _ => {
                let body = &frames[at].body;
                if let Ok(mut value) = serde_json::from_slice::<Value>(body) {
                    self.bend_json(&mut value, 0);
                    frames[at].body = serde_json::to_vec(&value).unwrap();
                } else if let Some((mut head, cells)) = statement(body) {
                    self.bend_json(&mut head, 0);
                    let head = serde_json::to_vec(&head).unwrap();
                    let mut body = (head.len() as u32).to_le_bytes().to_vec();
                    body.extend(head);
                    body.extend(cells);
                    frames[at].body = body;
                }
            }
        }
    }

    fn length(&mut self) -> u32 {
        let bits = self.below(33) as u32;
        (1_u64 << bits).wrapping_sub(self.next() % 3) as u32
    }

    /// Flips, cuts, repeats or inserts bytes.
    fn scratch(&mut self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = self.below(bytes.len());
        match self.below(5) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes.truncate(at),
            2 => bytes.insert(at, self.next() as u8),
            3 => {
                let end = (at + 1 + self.below(64)).min(bytes.len());
                let piece = bytes[at..end].to_vec();
                let times = self.below(50);
                bytes.splice(at..at, piece.repeat(times));
            }
            _ => {
                let deep = 1 + self.below(3_000);
                bytes.splice(at..at, std::iter::repeat_n(b'[', deep));
            }
        }
    }

    /// Walks down to some value and puts something else there.
    fn bend_json(&mut self, value: &mut Value, depth: usize) {
        if depth < 6 && self.below(4) != 0 {
            match value {
                Value::Array(items) if !items.is_empty() => {
                    let at = self.below(items.len());
                    match self.below(6) {
                        0 => items.insert(at, items[at].clone()),
                        1 => {
                            items.remove(at);
                        }
                        2 => {
                            let item = items[at].clone();
                            let room = LARGE / item.to_string().len();
                            let more = self.below(40).min(room);
                            items.extend(std::iter::repeat_n(item, more));
                        }
                        _ => self.bend_json(&mut items[at], depth + 1),
                    }
                    return;
                }
                Value::Object(fields) if !fields.is_empty() => {
                    let at = self.below(fields.len());
                    let name = fields.keys().nth(at).cloned().unwrap_or_default();
                    match self.below(6) {
                        0 => {
                            fields.remove(&name);
                        }
                        1 => {
                            fields.insert("Zzyzx".into(), json!(1));
                        }
                        _ => {
                            if let Some(field) = fields.get_mut(&name) {
                                self.bend_json(field, depth + 1);
                            }
                        }
                    }
                    return;
                }
                _ => {}
            }
        }
        *value = match value {
            Value::String(text) if self.below(3) == 0 => {
                let room = LARGE / text.len().max(1);
                json!(text.repeat((1 + self.below(4_000)).min(room)))
            }
            Value::Number(_) if self.below(3) == 0 => json!(self.length()),
            _ => self.something(),
        };
    }

    fn something(&mut self) -> Value {
        match self.below(12) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(-1),
            3 => json!(u64::MAX),
            4 => Number::from_f64(1e308).map_or(Value::Null, Value::Number),
            5 => json!(u32::MAX),
            6 => json!(""),
            7 => json!("Zzyzx".repeat(1 + self.below(5_000))),
            8 => json!("\u{0}\u{1F600}\u{FFFF}../.."),
            9 => Value::Array(Vec::new()),
            10 => Value::Object(Map::new()),
            _ => {
                let mut deep = json!("Zzyzx");
                for _ in 0..self.below(200) {
                    deep = Value::Array(vec![deep]);
                }
                deep
            }
        }
    }
}

/// The head and the cells of a statement frame.
fn statement(body: &[u8]) -> Option<(Value, Vec<u8>)> {
    let (length, rest) = body.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let (head, cells) = rest.split_at_checked(length)?;
    Some((serde_json::from_slice(head).ok()?, cells.to_vec()))
}

#[derive(Clone)]
struct Frame {
    kind: u8,
    body: Vec<u8>,
    /// A length that is not that of the body.
    claimed: Option<u32>,
}

fn frames(mut bytes: &[u8]) -> Vec<Frame> {
    let mut frames = Vec::new();
    while let [a, b, c, d, kind, rest @ ..] = bytes {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        frames.push(Frame {
            kind: *kind,
            body: rest[..length].to_vec(),
            claimed: None,
        });
        bytes = &rest[length..];
    }
    frames
}

fn joined(frames: &[Frame]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for frame in frames {
        let length = frame.claimed.unwrap_or(frame.body.len() as u32);
        bytes.extend(length.to_le_bytes());
        bytes.push(frame.kind);
        bytes.extend(&frame.body);
    }
    bytes
}
