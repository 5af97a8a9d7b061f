//! What is asked of every case, whoever bent the bytes.

use std::io::{self, Read};

use protocol::frame::{
    Down, ERROR_MAX, FILE_BYTES_MAX, FrameError, Inbox, STATEMENTS_MAX, Up, is_file_name,
    read_down, write_down, write_up,
};
use serde_json::Value;

use super::seeds;

/// In every text of the seeds; in no complaint.
const SECRET: &str = "Zzyzx";
/// Gives a few bytes at a time, and notes the largest buffer that it was offered.
struct Drip<'a> {
    bytes: &'a [u8],
    step: usize,
    offered: usize,
}

impl Read for Drip<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.offered = self.offered.max(buffer.len());
        let length = buffer.len().min(self.step).min(self.bytes.len());
        let (now, later) = self.bytes.split_at(length);
        buffer[..length].copy_from_slice(now);
        self.bytes = later;
        Ok(length)
    }
}

/// What an inbox hears, and its complaint.
pub(crate) fn hear(bytes: &[u8], step: usize) -> (Vec<Up>, Option<String>) {
    let mut inbox = Inbox::new(
        Drip {
            bytes,
            step,
            offered: 0,
        },
        seeds::limits(),
    );
    let mut heard = Vec::new();
    let complaint = loop {
        match inbox.next_frame() {
            Ok(Some(frame)) => heard.push(frame),
            Ok(None) => break None,
            Err(error) => break Some(complaint(&error)),
        }
    };
    let offered = inbox.get_mut().offered;
    // What is offered grows with what has arrived, whatever length was claimed.
    assert!(offered <= 2 * bytes.len().max(64 << 10), "{offered}");
    (heard, complaint)
}

fn complaint(error: &FrameError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text += &error.to_string();
        cause = error.source();
    }
    assert!(!text.contains(SECRET), "{text}");
    text
}

/// The order of a conversation and the limits of its job, counted without the code under test.
fn obeys(heard: &[Up]) {
    let limits = seeds::limits();
    let mut next = 0;
    let mut file = None;
    let mut files = 0;
    for (at, frame) in heard.iter().enumerate() {
        let last = at + 1 == heard.len();
        match frame {
            Up::MountReady { wanted } => {
                assert_eq!(at, 0);
                assert!(wanted.iter().all(|name| is_file_name(name)));
            }
            Up::Ready(_) => assert_eq!(at, 1),
            Up::Refused(_) => assert!(last && at <= 1),
            Up::Failed(failure) => assert!(last && failure.message.len() <= ERROR_MAX),
            Up::Report(_) => assert!(last && at > 1 && file.is_none()),
            Up::Progress(_) => assert!(at > 1),
            Up::Statement(result) => {
                assert!(at > 1 && file.is_none());
                assert!(result.statement >= next && result.statement < STATEMENTS_MAX);
                next = result.statement + 1;
                let ends = [
                    result.result.is_some(),
                    result.error.is_some(),
                    result.killed.is_some(),
                ];
                assert_eq!(ends.iter().filter(|end| **end).count(), 1);
                for cells in result.result.iter().flat_map(|rows| &rows.rows) {
                    assert!(cells.len() <= limits.columns as usize);
                    assert!(cells.iter().all(|cell| match cell {
                        Value::String(text) => text.len() <= limits.cell_bytes as usize,
                        Value::Array(_) | Value::Object(_) => false,
                        Value::Null | Value::Bool(_) | Value::Number(_) => true,
                    }));
                }
                let rows = result.result.as_ref().map_or(0, |rows| rows.rows.len());
                assert!(rows <= limits.rows as usize);
            }
            Up::FileStart { name } => {
                files += 1;
                assert!(at > 1 && file.is_none() && files <= 16 && is_file_name(name));
                file = Some(0);
            }
            Up::FileBytes(piece) => {
                let sum = file.unwrap() + piece.len();
                assert!(piece.len() <= FILE_BYTES_MAX && sum <= (limits.file_mib as usize) << 20);
                file = Some(sum);
            }
            Up::FileEnd { bytes } => assert_eq!(file.take(), Some(*bytes as usize)),
        }
    }
}

/// One case from a worker that was taken over.
pub(crate) fn from_worker(bytes: &[u8], step: usize) {
    let (heard, complaint) = hear(bytes, usize::MAX);
    obeys(&heard);
    let mut again = Vec::new();
    for frame in &heard {
        write_up(&mut again, frame, &seeds::limits()).unwrap();
    }
    assert_eq!(hear(&again, usize::MAX), (heard.clone(), None));
    assert_eq!(hear(bytes, step), (heard, complaint), "in pieces of {step}");
}

/// One case from a keeper that was taken over, or from whoever holds its end.
pub(crate) fn from_keeper(mut bytes: &[u8]) {
    loop {
        match read_down(&mut bytes) {
            Ok(Some(frame)) => {
                let mut again = Vec::new();
                write_down(&mut again, &frame).unwrap();
                let second: Option<Down> = read_down(&mut again.as_slice()).unwrap();
                assert_eq!(second, Some(frame));
            }
            Ok(None) => return,
            Err(error) => {
                complaint(&error);
                return;
            }
        }
    }
}
