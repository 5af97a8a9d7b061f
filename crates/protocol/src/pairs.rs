//! The pairs of a clerical review as a link worker sends them and the indexing desk shows them: a line of JSON that
//! says what is compared, then one for each pair. They hold identifiers: nothing here can be printed.

use serde::{Deserialize, Serialize};

/// The name under which a worker sends them, and finds them again.
pub const NAME: &str = "pairs.jsonl";
/// Most bytes of them.
pub const BYTES_MAX: usize = 32 << 20;

/// What is compared.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Settings under which the records were linked, as JSON text: with them they are linked again.
    pub settings: String,
    /// Roles of the columns, in the order of each pair's values.
    pub fields: Vec<String>,
    /// How many pairs follow.
    pub pairs: u32,
}

/// Two records side by side: what they are, and nothing of how the model weighs them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// Ordinal of the record of the delivery.
    pub record: u64,
    /// Ordinal of the spine's record.
    pub spine: u64,
    /// For each field what the record and the spine say; none for nothing.
    pub values: Vec<[Option<String>; 2]>,
}

/// The bytes are not those of pairs. What is in them is not said: it may be a person's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotPairs;

/// The bytes of pairs.
///
/// # Errors
/// If they cannot be written as JSON, or are more than [`BYTES_MAX`].
pub fn write(head: &Head, pairs: &[Pair]) -> Result<Vec<u8>, NotPairs> {
    let mut bytes = serde_json::to_vec(head).map_err(|_| NotPairs)?;
    bytes.push(b'\n');
    for pair in pairs {
        serde_json::to_writer(&mut bytes, pair).map_err(|_| NotPairs)?;
        bytes.push(b'\n');
        if bytes.len() > BYTES_MAX {
            return Err(NotPairs);
        }
    }
    Ok(bytes)
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// If it is anything else.
pub fn read(bytes: &[u8]) -> Result<(Head, Vec<Pair>), NotPairs> {
    if bytes.len() > BYTES_MAX {
        return Err(NotPairs);
    }
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let head: Head = serde_json::from_slice(lines.next().ok_or(NotPairs)?).map_err(|_| NotPairs)?;
    if lines.next_back() != Some(&[]) {
        return Err(NotPairs);
    }
    let pairs: Vec<Pair> = lines
        .map(|line| serde_json::from_slice(line).map_err(|_| NotPairs))
        .collect::<Result<_, _>>()?;
    let whole = pairs.len() as u64 == u64::from(head.pairs)
        && pairs
            .iter()
            .all(|pair| pair.values.len() == head.fields.len());
    if whole {
        Ok((head, pairs))
    } else {
        Err(NotPairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> (Head, Vec<Pair>) {
        let head = Head {
            settings: "{\"seed\": 1}".into(),
            fields: vec!["forename".into(), "surname".into()],
            pairs: 2,
        };
        let pair = |record, name: &str| Pair {
            record,
            spine: 7,
            values: vec![
                [Some(name.into()), None],
                [None, Some("O'Neil\n\"x\"".into())],
            ],
        };
        (head, vec![pair(1, "Zoë"), pair(2, "")])
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else_is() {
        let (head, pairs) = some();
        let bytes = write(&head, &pairs).unwrap();
        assert!(read(&bytes) == Ok((head.clone(), pairs.clone())));
        for cut in 0..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let more = Head { pairs: 3, ..head };
        assert!(read(&write(&more, &pairs).unwrap()).is_err());
        let narrow = Head {
            fields: vec!["forename".into()],
            pairs: 2,
            ..more
        };
        assert!(read(&write(&narrow, &pairs).unwrap()).is_err());
        assert!(read(b"").is_err() && read(b"\n").is_err());
    }

    #[test]
    fn no_more_bytes_than_the_limit_are_written_or_read() {
        let (head, mut pairs) = some();
        pairs[0].values[0][0] = Some("x".repeat(BYTES_MAX));
        assert!(write(&head, &pairs).is_err());
        assert!(read(&vec![b'\n'; BYTES_MAX + 1]).is_err());
    }
}
