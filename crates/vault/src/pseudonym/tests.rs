use std::collections::BTreeSet;

use super::*;

fn secret(byte: u8) -> Secret {
    Secret::new(Zeroizing::new([byte; 32]), Purpose::Pseudonym)
}

fn record(number: u64, spine: u64, band: u8) -> Vec<u8> {
    [&number.to_le_bytes()[..], &spine.to_le_bytes()[..], &[band]].concat()
}

fn for_people(key: &[u8]) -> PseudonymKey {
    PseudonymKey(hmac_key(key))
}

fn run(input: &[u8], key: &PseudonymKey) -> Result<(u64, Vec<u8>), VaultError> {
    let mut output = Vec::new();
    let done = stream_pseudonymise(input, &mut output, key)?;
    Ok((done.records, output))
}

#[test]
fn hmac_gives_rfc_4231_answers() {
    // Case 1: its message, "Hi There", is eight bytes and so is itself a spine id.
    let key = for_people(&[0x0b; 20]);
    let pseudonym = key.pseudonym(u64::from_be_bytes(*b"Hi There"));
    assert_eq!(hex::encode(pseudonym), "b0344c61d8db38535ca8afceaf0bf12b");
    // Cases 2 and 6 (a key longer than a block) through the same keys.
    let tag = |key: &PseudonymKey, data: &[u8]| hex::encode(hmac::sign(&key.0, data));
    assert_eq!(
        tag(&for_people(b"Jefe"), b"what do ya want for nothing?"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(
        tag(
            &for_people(&[0xaa; 131]),
            b"Test Using Larger Than Block-Size Key - Hash Key First"
        ),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
    );
}

#[test]
fn a_pseudonym_is_hmac_under_hkdf_as_written() {
    // The definition, spelt out with the primitives, so that a refresh in ten years can be checked against it.
    let mut key = [0; 32];
    crate::crypto::hkdf_sha256(
        &[],
        &[5; 32],
        &[b"strongroom/pseudonym/v3/person"],
        &mut key,
    )
    .unwrap();
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, &key),
        &[0, 0, 0, 0, 0, 0, 1, 2],
    );
    let ours = PseudonymKey::derive(&secret(5), 3, "person").unwrap();
    assert_eq!(ours.pseudonym(258), tag.as_ref()[..16]);
}

#[test]
fn projects_versions_and_purposes_share_no_pseudonym() {
    let mut seen = BTreeSet::new();
    for byte in [1, 2] {
        for version in [1, 11] {
            for purpose in ["person", "events", "1-person"] {
                let key = PseudonymKey::derive(&secret(byte), version, purpose).unwrap();
                for spine in 0..50 {
                    assert!(seen.insert(key.pseudonym(spine)));
                    assert_eq!(key.pseudonym(spine), key.pseudonym(spine));
                }
            }
        }
    }
    assert_eq!(seen.len(), 2 * 2 * 3 * 50);
}

#[test]
fn only_a_pseudonym_secret_and_a_plain_purpose_will_do() {
    for purpose in Purpose::ALL {
        let secret = Secret::new(Zeroizing::new([1; 32]), purpose);
        let derived = PseudonymKey::derive(&secret, 1, "person");
        assert_eq!(derived.is_ok(), purpose == Purpose::Pseudonym);
    }
    for label in ["", "a/b", "Person", "a b"] {
        assert!(matches!(
            PseudonymKey::derive(&secret(1), 1, label),
            Err(VaultError::BadLabel)
        ));
    }
}

#[test]
fn records_keep_their_number_and_band_and_lose_their_spine_id() {
    let key = PseudonymKey::derive(&secret(9), 1, "person").unwrap();
    for count in [0, 1, 4095, 4096, 4097, 9000_u64] {
        let spine_of = |n: u64| 0xdead_beef_0000_0000 | (n % 700);
        let input: Vec<u8> = (0..count)
            .flat_map(|n| record(n, spine_of(n), (n % 5) as u8))
            .collect();
        let (records, output) = run(&input, &key).unwrap();
        assert_eq!(
            (records, output.len()),
            (count, count as usize * RECORD_OUT_BYTES)
        );
        for (n, made) in (0..count).zip(output.chunks(RECORD_OUT_BYTES)) {
            assert_eq!(made[..8], n.to_le_bytes());
            assert_eq!(made[8..24], key.pseudonym(spine_of(n)));
            assert_eq!(made[24], (n % 5) as u8);
        }
        let spine_bytes = 0xdead_beef_u32.to_le_bytes();
        assert!(!output.windows(4).any(|window| window == spine_bytes));
    }
}

/// A reader that gives one byte at a time.
struct Dribble<'a>(&'a [u8]);

impl Read for Dribble<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let one = buffer.len().min(1);
        self.0.read(&mut buffer[..one])
    }
}

#[test]
fn short_reads_change_nothing() {
    let key = PseudonymKey::derive(&secret(9), 1, "person").unwrap();
    let input: Vec<u8> = (0..5000).flat_map(|n| record(n, n * n, 1)).collect();
    let mut output = Vec::new();
    stream_pseudonymise(Dribble(&input), &mut output, &key).unwrap();
    assert_eq!(output, run(&input, &key).unwrap().1);
}

#[test]
fn a_length_that_is_not_whole_records_is_refused() {
    let key = PseudonymKey::derive(&secret(9), 1, "person").unwrap();
    let input: Vec<u8> = (0..4097).flat_map(|n| record(n, n, 1)).collect();
    for length in [1, 16, 18, 17 * 4096 - 1, 17 * 4096 + 1, input.len() - 1] {
        let error = run(&input[..length], &key).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the record map is not a whole number of 17-byte records"
        );
    }
}

fn event(number: u64) -> [u8; EVENT_BYTES] {
    let mut id = [0xe7; EVENT_BYTES];
    id[..8].copy_from_slice(&number.to_le_bytes());
    id
}

fn run_events(input: &[u8], key: &EventKey) -> Result<(u64, Vec<u8>), VaultError> {
    let mut output = Vec::new();
    let done = stream_pseudonymise_events(input, &mut output, key)?;
    Ok((done.records, output))
}

#[test]
fn an_pseudonym_is_hmac_under_hkdf_as_written() {
    let mut key = [0; 32];
    crate::crypto::hkdf_sha256(&[], &[5; 32], &[b"strongroom/pseudonym/v1/event"], &mut key)
        .unwrap();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), &event(258));
    let ours = EventKey::derive(&secret(5), 1).unwrap();
    assert_eq!(ours.pseudonym(&event(258)), tag.as_ref()[..16]);
    // The HMAC itself: RFC 4231 has no 16-byte message, so a value made with Python's hmac module.
    let key = EventKey(hmac_key(b"Jefe"));
    assert_eq!(
        hex::encode(key.pseudonym(b"0123456789abcdef")),
        "fce640f778b7b3e2fdfaf0b98d6be8cd"
    );
}

#[test]
fn events_keep_their_order_and_number_and_lose_their_id() {
    let key = EventKey::derive(&secret(9), 1).unwrap();
    for count in [0, 1, 4095, 4096, 4097, 9000_u64] {
        let input: Vec<u8> = (0..count).flat_map(|n| event(n % 700)).collect();
        let (records, output) = run_events(&input, &key).unwrap();
        assert_eq!((records, output.len()), (count, input.len()));
        for (n, made) in (0..count).zip(output.chunks(EVENT_BYTES)) {
            assert_eq!(made, key.pseudonym(&event(n % 700)));
        }
        assert!(!output.windows(8).any(|window| window == [0xe7; 8]));
    }
    let mut dribbled = Vec::new();
    let input: Vec<u8> = (0..5000).flat_map(event).collect();
    stream_pseudonymise_events(Dribble(&input), &mut dribbled, &key).unwrap();
    assert_eq!(dribbled, run_events(&input, &key).unwrap().1);
}

#[test]
fn an_event_and_a_person_never_share_a_key() {
    let person = PseudonymKey::derive(&secret(9), 1, "person").unwrap();
    let events = EventKey::derive(&secret(9), 1).unwrap();
    assert_ne!(
        first_half(&person.0, &event(1)),
        events.pseudonym(&event(1))
    );
    // Nor by a label.
    assert!(matches!(
        PseudonymKey::derive(&secret(9), 1, "event"),
        Err(VaultError::BadLabel)
    ));
}

#[test]
fn a_length_that_is_not_whole_events_is_refused() {
    let key = EventKey::derive(&secret(9), 1).unwrap();
    let input: Vec<u8> = (0..4097).flat_map(event).collect();
    for length in [1, 15, 17, 16 * 4096 - 1, 16 * 4096 + 1] {
        let error = run_events(&input[..length], &key).err().unwrap();
        assert_eq!(
            error.to_string(),
            "the record map is not a whole number of 16-byte records"
        );
    }
}
