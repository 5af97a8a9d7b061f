//! Encoding one file under a key, so that it can be linked by somebody who cannot read it.

use std::collections::BTreeMap;

use frames::{FrameError, Strings, Values};
use linkage::{
    Attacked, ENCODED_FIELDS, ENCODED_KEYS, ENCODING_VERSION, EncodeSpec, Encoder, FILTER_BYTES,
    Intake, Keyed, Spec,
};
use protocol::frame::Hatch;
use protocol::job::LinkFiles;
use protocol::limits::Limits;
use protocol::report::{Failure, Report};
use ring::{hkdf, hmac};

use super::ids::Ids;
use super::{Costs, bad_input, internal, named, of_engine, of_frame, read, send};
use crate::jobs::Rooms;

const ENCODED: &str = "encoded.parquet";
const ENCODING: &str = "encoding.json";
/// The key, as a file of its own.
const KEY: &str = "key";
/// Shortest and longest key, in bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 32..=4096;
/// What the keys are derived under.
const DERIVED: &[u8] = b"strongroom encoding 1";

pub(super) fn run(
    rooms: &Rooms,
    job: &LinkFiles,
    spec: &Spec,
    asked: &EncodeSpec,
    limits: &Limits,
    hatch: &mut Hatch<'_>,
) -> Result<Report, Failure> {
    let ([file], [told]) = (job.files.as_slice(), spec.files.as_slice()) else {
        return Err(bad_input("one file is encoded at a time"));
    };
    let mut costs = Costs::new();
    costs.begin("read");
    hatch.progress(0, 0, "reading")?;
    let keyed = Site::read(rooms, &asked.linkage)?;
    let of = |error| of_engine(&error, spec);
    let mut intake = Intake::new(spec.clone()).map_err(of)?;
    let path = rooms.input(&file.file)?;
    let ids = read(&path, file, told, limits, |_, row| intake.push(0, row))
        .and_then(|read| read.judged(told))
        .map_err(|error| error.of_input(&told.name, spec))?;
    costs.begin("encode");
    hatch.progress(0, 0, "encoding")?;
    let mut encoder = intake.encoder(asked.salt).map_err(of)?;
    let columns = encode(&mut encoder, &ids, &keyed).map_err(of_frame)?;
    costs.begin("attack");
    let attacked = encoder.attack();
    let limit = spec.settings.encoding_found_max;
    if let Some(worst) = attacked.iter().find(|attacked| attacked.share() > limit) {
        return Err(bad_input(format!(
            "an attack by frequency finds the value of {} of {} records in {}, above the limit encoding_found_max of {limit}, so that nothing is written",
            worst.found, worst.records, worst.field
        )));
    }
    costs.begin("write");
    let fields: Vec<&str> = columns.iter().skip(1).map(|(name, _)| *name).collect();
    let text = describe(asked, &keyed, encoder.len(), &fields, &attacked)?;
    let columns = columns
        .into_iter()
        .map(|(name, cells)| (name, Values::Text(cells)))
        .collect();
    send(rooms, ENCODED, named(columns), hatch)?;
    hatch.send_file(ENCODING, &mut text.as_bytes())?;
    Ok(Report::LinkFiles {
        linkage: text,
        stages: costs.end(),
        scores: None,
        agreement: None,
    })
}

/// The columns of the encoding: `id`, then each field and key that any record has. The records come in an order under
/// the key, so that it tells nothing of the file's own.
fn encode(
    encoder: &mut Encoder,
    ids: &Ids,
    keyed: &Site,
) -> Result<Vec<(&'static str, Strings)>, FrameError> {
    let mut order: Vec<([u8; 32], u32)> = (0..encoder.len() as u32)
        .map(|row| {
            (
                keyed.hash("order", ids.get(row).unwrap_or("").as_bytes()),
                row,
            )
        })
        .collect();
    order.sort_unstable();
    let names = ENCODED_FIELDS.into_iter().chain(ENCODED_KEYS);
    let mut columns: Vec<(&str, Strings, bool)> =
        names.map(|name| (name, Strings::new(), false)).collect();
    let mut shuffled = Strings::new();
    for (_, row) in order {
        shuffled.push(ids.get(row).unwrap_or(""))?;
        let encoded = encoder.encode(row as usize, keyed);
        let filters = encoded.filters.iter().map(|filter| filter.map(hex::encode));
        let keys = encoded.keys.iter();
        let keys = keys.map(|key| key.map(|key| hex::encode(key.to_be_bytes())));
        for ((_, cells, any), cell) in columns.iter_mut().zip(filters.chain(keys)) {
            *any |= cell.is_some();
            cells.push(cell.as_deref().unwrap_or(""))?;
        }
    }
    let mut out = vec![("id", shuffled)];
    let used = columns.into_iter().filter(|(_, _, any)| *any);
    out.extend(used.map(|(name, cells, _)| (name, cells)));
    Ok(out)
}

/// `encoding.json`: what the two sides must have done alike, and how the attack went. No value, no key.
fn describe(
    asked: &EncodeSpec,
    keyed: &Site,
    records: usize,
    columns: &[&str],
    attacked: &[Attacked],
) -> Result<String, Failure> {
    let check = keyed.hash("check", asked.linkage.as_bytes());
    let check = hex::encode(check.get(..8).unwrap_or_default());
    let attacked: Vec<&Attacked> = attacked.iter().filter(|a| a.records > 0).collect();
    serde_json::to_string_pretty(&serde_json::json!({
        "version": ENCODING_VERSION,
        "linkage": asked.linkage,
        "salt": asked.salt,
        "filter_bytes": FILTER_BYTES,
        "key_check": check,
        "columns": columns,
        "records": records,
        "attacked": attacked,
    }))
    .map_err(|_| internal("the encoding could not be described"))
}

/// The keys of one linkage, one for each purpose.
struct Site(BTreeMap<&'static str, hmac::Key>);

impl Site {
    /// Derives the keys from the site's key (HKDF, RFC 5869).
    fn read(rooms: &Rooms, linkage: &str) -> Result<Self, Failure> {
        let secret = std::fs::read(rooms.input(KEY)?)
            .map_err(|_| bad_input("the key file cannot be read"))?;
        Self::of(&secret, linkage)
    }

    fn of(secret: &[u8], linkage: &str) -> Result<Self, Failure> {
        if !KEY_BYTES.contains(&secret.len()) {
            return Err(bad_input(format!(
                "the key has {} bytes, and {} to {} are allowed",
                secret.len(),
                KEY_BYTES.start(),
                KEY_BYTES.end()
            )));
        }
        let root = hkdf::Salt::new(hkdf::HKDF_SHA256, DERIVED).extract(secret);
        let purposes = ENCODED_FIELDS.into_iter().chain(ENCODED_KEYS);
        purposes
            .chain(["order", "check"])
            .map(|purpose| {
                let info = [purpose.as_bytes(), b"|", linkage.as_bytes()];
                let key = root.expand(&info, hmac::HMAC_SHA256);
                let key = key.map_err(|_| internal("a key could not be derived"))?;
                Ok((purpose, hmac::Key::from(key)))
            })
            .collect::<Result<_, Failure>>()
            .map(Self)
    }
}

impl Keyed for Site {
    fn hash(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        // Every purpose that the engine knows has its key.
        if let Some(key) = self.0.get(purpose) {
            hash.copy_from_slice(hmac::sign(key, message).as_ref());
        }
        hash
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_those_of_rfc_5869_and_2104() {
        // Python: hkdf extract with the salt, expand with the info, hmac of the message, SHA-256 throughout.
        let site = Site::of(&[7; 32], "heart").unwrap();
        let hash = site.hash("surname", b"SM");
        assert_eq!(hex::encode(hash), EXPECTED);
        assert_ne!(hash, site.hash("forename", b"SM"));
        assert_ne!(
            hash,
            Site::of(&[7; 32], "lung").unwrap().hash("surname", b"SM")
        );
        assert!(Site::of(&[7; 31], "heart").is_err());
    }

    const EXPECTED: &str = "a7907254419a2983c8f5b530209bc7c2ead8ea2c94cd3bf5cb8a9d9cc833c184";
}
