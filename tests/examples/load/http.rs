//! As much of HTTP/1.1 as the measurement needs: one connection that stays open.

use std::io::{BufRead, BufReader, Read, Write};

/// A connection.
pub(crate) struct Line<S: Read + Write> {
    reader: BufReader<S>,
}

impl<S: Read + Write> Line<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self {
            reader: BufReader::new(stream),
        }
    }

    /// Sends a request and reads the answer to its end. Gives status and number of bytes.
    pub(crate) fn ask(&mut self, method: &str, path: &str, more: &str) -> (u16, usize) {
        let head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n{more}\r\n"
        );
        self.reader.get_mut().write_all(head.as_bytes()).unwrap();
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        let status = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        let mut length = 0;
        loop {
            line.clear();
            self.reader.read_line(&mut line).unwrap();
            let lower = line.to_ascii_lowercase();
            if let Some(n) = lower.strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
            assert!(!lower.starts_with("transfer-encoding"), "whole bodies only");
            if line == "\r\n" {
                break;
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        (status, length)
    }
}
