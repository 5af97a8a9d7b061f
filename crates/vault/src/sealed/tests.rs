use std::io::{Read, Write};

use proptest::prelude::*;
use ring::digest::{SHA256, digest};
use zeroize::Zeroizing;

use super::*;

const NAME: &str = "ext_1.parquet";
const SEALED_CHUNK: usize = CHUNK_BYTES + TAG_BYTES;

fn secret(byte: u8) -> Secret {
    Secret::new(Zeroizing::new([byte; 32]), Purpose::Extract)
}

/// Bytes that differ from place to place, so that swapped chunks would show.
fn plain(length: usize) -> Vec<u8> {
    (0..length as u64)
        .map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8)
        .collect()
}

fn seal(content: &[u8]) -> Vec<u8> {
    seal_as(content, &secret(1), NAME).1
}

fn seal_as(content: &[u8], secret: &Secret, name: &str) -> (SealedInfo, Vec<u8>) {
    let mut sealed = Vec::new();
    let mut writer = SealWriter::new(&mut sealed, secret, name).unwrap();
    writer.write_all(content).unwrap();
    let info = writer.finish().unwrap();
    (info, sealed)
}

/// What a reader of `sealed` gets: everything, or what it was given before the error.
fn open(sealed: &[u8]) -> Result<Vec<u8>, (Vec<u8>, VaultError)> {
    open_as(sealed, &secret(1), NAME)
}

fn open_as(sealed: &[u8], secret: &Secret, name: &str) -> Result<Vec<u8>, (Vec<u8>, VaultError)> {
    let mut reader = OpenReader::new(sealed, secret, name).map_err(|error| (Vec::new(), error))?;
    let mut content = Vec::new();
    match reader.read_to_end(&mut content) {
        Ok(_) => Ok(content),
        Err(error) => {
            let again = reader.read(&mut [0; 8]).unwrap_err();
            assert!(
                again.to_string().contains("already failed"),
                "an error is final"
            );
            assert!(reader.finish().is_err());
            Err((content, VaultError::stream("read")(error)))
        }
    }
}

/// Refused, and nothing was given out but true chunks before the damage.
fn assert_refused(damaged: &[u8], truth: &[u8]) {
    let (given, error) = open(damaged).expect_err("damage must be refused");
    assert!(
        matches!(
            error,
            VaultError::NotAuthentic { .. } | VaultError::NotSealed
        ),
        "{error}"
    );
    assert!(truth.starts_with(&given), "never a wrong byte");
    assert!(given.len() < truth.len() || given.len().is_multiple_of(CHUNK_BYTES));
}

const LENGTHS: [usize; 8] = [
    0,
    1,
    100,
    CHUNK_BYTES - 1,
    CHUNK_BYTES,
    CHUNK_BYTES + 1,
    2 * CHUNK_BYTES,
    3 * CHUNK_BYTES + 7,
];

#[test]
fn what_is_sealed_opens_and_its_sizes_and_digests_are_true() {
    for length in LENGTHS {
        let content = plain(length);
        let (info, sealed) = seal_as(&content, &secret(1), NAME);
        assert_eq!(open(&sealed).unwrap(), content);
        let chunks = length.div_ceil(CHUNK_BYTES).max(1);
        assert_eq!(sealed.len(), HEADER_BYTES + length + chunks * TAG_BYTES);
        assert_eq!(
            (info.bytes, info.sealed_bytes),
            (length as u64, sealed.len() as u64)
        );
        assert_eq!(
            info.plain_sha256.as_bytes(),
            digest(&SHA256, &content).as_ref()
        );
        assert_eq!(
            info.sealed_sha256.as_bytes(),
            digest(&SHA256, &sealed).as_ref()
        );

        let mut reader = OpenReader::new(sealed.as_slice(), &secret(1), NAME).unwrap();
        std::io::copy(&mut reader, &mut std::io::sink()).unwrap();
        let opened = reader.finish().unwrap();
        assert_eq!(
            (opened.bytes, opened.sealed_sha256),
            (info.bytes, info.sealed_sha256)
        );
    }
}

#[test]
fn the_format_is_the_one_on_the_page() {
    // Opened by hand with another implementation of AES-GCM, from the description alone.
    use ring::aead;
    let content = plain(CHUNK_BYTES + 3);
    let mut sealed = Vec::new();
    let file_id = *b"0123456789abcdef";
    let mut writer = SealWriter::with_file_id(&mut sealed, &secret(1), NAME, file_id).unwrap();
    writer.write_all(&content).unwrap();
    writer.finish().unwrap();
    assert_eq!(
        sealed[..HEADER_BYTES],
        *b"SRSEALED\x010123456789abcdef\x00\x01\x00\x00"
    );

    let info = b"strongroom/sealed/v1\0\0\0\0\0\0\0\x07extract\0\0\0\0\0\0\0\x0dext_1.parquet";
    let mut key = [0; 32];
    crate::crypto::hkdf_sha256(&file_id, &[1; 32], &[info], &mut key).unwrap();
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, &key).unwrap());
    let mut opened = Vec::new();
    for (number, chunk) in sealed[HEADER_BYTES..].chunks(SEALED_CHUNK).enumerate() {
        let position = [0, 0, 0, 0, 0, 0, 0, number as u8, number as u8]; // the second of two is the last
        let nonce: [u8; 12] = [&[0; 3][..], &position[..]].concat().try_into().unwrap();
        let associated = [&file_id[..], &position[..]].concat();
        let mut chunk = chunk.to_vec();
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        opened.extend_from_slice(
            key.open_in_place(nonce, aead::Aad::from(associated), &mut chunk)
                .unwrap(),
        );
    }
    assert_eq!(opened, content);
}

#[test]
fn the_same_content_never_looks_the_same() {
    let (one, two) = (seal(&plain(500)), seal(&plain(500)));
    assert_ne!(one[9..25], two[9..25]);
    assert_ne!(one[HEADER_BYTES..], two[HEADER_BYTES..]);
    let content = plain(200);
    assert!(
        !seal(&content)
            .windows(16)
            .any(|window| window == &content[..16])
    );
}

#[test]
fn another_secret_purpose_or_name_is_refused() {
    let content = plain(100);
    let sealed = seal(&content);
    for (secret, name) in [
        (secret(2), NAME),
        (Secret::new(Zeroizing::new([1; 32]), Purpose::Output), NAME),
        (secret(1), "ext_2.parquet"),
        (secret(1), "ext_1.parque"),
    ] {
        let (given, error) = open_as(&sealed, &secret, name).unwrap_err();
        assert!(given.is_empty());
        assert!(matches!(error, VaultError::NotAuthentic { chunk: 0 }));
    }
}

#[test]
fn secrets_for_other_ends_do_not_seal() {
    for purpose in Purpose::ALL {
        let secret = Secret::new(Zeroizing::new([1; 32]), purpose);
        let seals = !matches!(purpose, Purpose::Pseudonym | Purpose::LogSigning);
        assert_eq!(SealWriter::new(Vec::new(), &secret, NAME).is_ok(), seals);
    }
}

#[test]
fn every_bit_of_a_small_file_matters() {
    for length in [0, 40] {
        let content = plain(length);
        let sealed = seal(&content);
        for bit in 0..sealed.len() * 8 {
            let mut damaged = sealed.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_refused(&damaged, &content);
        }
    }
}

#[test]
fn every_shorter_small_file_is_refused() {
    let content = plain(40);
    let sealed = seal(&content);
    for length in 0..sealed.len() {
        assert_refused(&sealed[..length], &content);
    }
}

#[test]
fn a_file_cut_at_any_chunk_is_refused() {
    for length in LENGTHS {
        let content = plain(length);
        let sealed = seal(&content);
        let mut cut = HEADER_BYTES;
        while cut < sealed.len() {
            for near in [cut, cut + 1, cut + TAG_BYTES] {
                if near < sealed.len() {
                    assert_refused(&sealed[..near], &content);
                }
            }
            cut += SEALED_CHUNK;
        }
    }
}

#[test]
fn chunks_swapped_repeated_dropped_or_borrowed_are_refused() {
    let content = plain(4 * CHUNK_BYTES);
    let sealed = seal(&content);
    let other = seal(&content);
    let head = &sealed[..HEADER_BYTES];
    let chunks: Vec<&[u8]> = sealed[HEADER_BYTES..].chunks(SEALED_CHUNK).collect();
    let others: Vec<&[u8]> = other[HEADER_BYTES..].chunks(SEALED_CHUNK).collect();
    let build = |parts: &[&[u8]]| [head, &parts.concat()].concat();
    assert_eq!(open(&build(&chunks)).unwrap(), content);
    for a in 0..4 {
        let mut dropped = chunks.clone();
        dropped.remove(a);
        assert_refused(&build(&dropped), &content);
        let mut borrowed = chunks.clone();
        borrowed[a] = others[a];
        assert_refused(&build(&borrowed), &content);
        for b in 0..4 {
            let mut repeated = chunks.clone();
            repeated.insert(b, chunks[a]);
            assert_refused(&build(&repeated), &content);
            if a < b {
                let mut swapped = chunks.clone();
                swapped.swap(a, b);
                assert_refused(&build(&swapped), &content);
            }
        }
    }
    // The header of one on the chunks of another.
    assert_refused(
        &[&other[..HEADER_BYTES], &sealed[HEADER_BYTES..]].concat(),
        &content,
    );
}

#[test]
fn bytes_after_the_end_are_refused() {
    for length in LENGTHS {
        let content = plain(length);
        let sealed = seal(&content);
        for extra in [1, TAG_BYTES, SEALED_CHUNK] {
            assert_refused(&[sealed.as_slice(), &vec![0; extra]].concat(), &content);
        }
        assert_refused(&[sealed.as_slice(), &sealed].concat(), &content);
    }
}

#[test]
fn an_unfinished_file_does_not_open() {
    for length in LENGTHS {
        let mut sealed = Vec::new();
        let mut writer = SealWriter::new(&mut sealed, &secret(1), NAME).unwrap();
        writer.write_all(&plain(length)).unwrap();
        writer.flush().unwrap();
        drop(writer);
        assert!(open(&sealed).is_err());
    }
}

#[test]
fn an_empty_last_chunk_after_others_is_refused() {
    // Only somebody with the secret can write this second form of a plaintext; the reader refuses it all the same.
    let file_id = [3; FILE_ID_BYTES];
    let mut chunks = Chunks::new(&secret(1), NAME, file_id).unwrap();
    let mut data = plain(CHUNK_BYTES);
    let first = chunks.seal(Place::Middle, &mut data).unwrap();
    let last = chunks.seal(Place::Last, &mut []).unwrap();
    let sealed = [&header(&file_id)[..], &data, &first, &last].concat();
    assert_refused(&sealed, &plain(CHUNK_BYTES));
}

#[test]
fn a_reader_not_read_to_its_end_gives_no_summary() {
    let sealed = seal(&plain(CHUNK_BYTES + 5));
    for reads in [0, 1, CHUNK_BYTES, CHUNK_BYTES + 4] {
        let mut reader = OpenReader::new(sealed.as_slice(), &secret(1), NAME).unwrap();
        reader.read_exact(&mut vec![0; reads]).unwrap();
        assert!(matches!(reader.finish(), Err(VaultError::NotReadToEnd)));
    }
}

/// A writer that fails after some bytes.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if data.len() > self.0 {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        self.0 -= data.len();
        Ok(data.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_writer_that_failed_never_seals_again() {
    let mut writer = SealWriter::new(Full(HEADER_BYTES + SEALED_CHUNK), &secret(1), NAME).unwrap();
    let error = writer.write_all(&plain(3 * CHUNK_BYTES)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert!(writer.write(b"more").is_err());
    assert!(writer.flush().is_err());
    assert!(matches!(writer.finish(), Err(VaultError::StreamFailed)));
}

#[test]
fn a_sealed_file_is_there_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let count = || std::fs::read_dir(folder.path()).unwrap().count();
    let content = plain(100_000);
    let info =
        seal_file_atomically(folder.path(), NAME, &secret(1), |w| w.write_all(&content)).unwrap();
    assert_eq!(count(), 1);
    let on_disk = std::fs::read(folder.path().join(NAME)).unwrap();
    assert_eq!(
        info.sealed_sha256.as_bytes(),
        digest(&SHA256, &on_disk).as_ref()
    );
    let mut reader = open_file(folder.path(), NAME, &secret(1)).unwrap();
    let mut back = Vec::new();
    reader.read_to_end(&mut back).unwrap();
    assert_eq!(back, content);

    // The name is taken: the first stays.
    let taken = seal_file_atomically(folder.path(), NAME, &secret(1), |w| w.write_all(b"other"));
    assert!(matches!(taken, Err(VaultError::Exists { .. })));
    assert_eq!(std::fs::read(folder.path().join(NAME)).unwrap(), on_disk);

    // Filling fails: nothing is left.
    let failed = seal_file_atomically(folder.path(), "b", &secret(1), |w| {
        w.write_all(&content)?;
        Err(io::Error::other("upstream"))
    });
    assert!(matches!(failed, Err(VaultError::Stream { .. })));
    assert!(matches!(
        open_file(folder.path(), "b", &secret(1)),
        Err(VaultError::Missing { .. })
    ));
    assert_eq!(count(), 1);

    // A crash leaves a staging file, which the next start removes.
    std::fs::write(folder.path().join("staging-1"), b"half").unwrap();
    assert_eq!(crate::remove_staging(folder.path()).unwrap(), 1);
    assert_eq!(count(), 1);
}

#[test]
fn a_reader_s_error_comes_back_as_the_vault_s_own() {
    let folder = tempfile::tempdir().unwrap();
    let mut sealed = seal(&plain(100));
    sealed[40] ^= 1;
    let copied = seal_file_atomically(folder.path(), "copy", &secret(1), |w| {
        let mut reader =
            OpenReader::new(sealed.as_slice(), &secret(1), NAME).map_err(VaultError::into_io)?;
        io::copy(&mut reader, w).map(|_| ())
    });
    assert!(matches!(copied, Err(VaultError::NotAuthentic { chunk: 0 })));
}

#[test]
fn a_name_is_never_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let long = "a".repeat(129);
    for name in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a b",
        "staging-x",
        "é",
        "a\0",
        long.as_str(),
    ] {
        let sealed = seal_file_atomically(folder.path(), name, &secret(1), |_| Ok(()));
        assert!(matches!(sealed, Err(VaultError::BadName)));
        assert!(matches!(
            open_file(folder.path(), name, &secret(1)),
            Err(VaultError::BadName)
        ));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_content_in_any_pieces_comes_back(
        length in 0..3 * CHUNK_BYTES,
        pieces in proptest::collection::vec(1..90_000_usize, 1..6),
        step in 1..100_000_usize,
    ) {
        let content = plain(length);
        let mut sealed = Vec::new();
        let mut writer = SealWriter::new(&mut sealed, &secret(1), NAME).unwrap();
        let mut rest = content.as_slice();
        for piece in pieces.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (now, later) = rest.split_at((*piece).min(rest.len()));
            writer.write_all(now).unwrap();
            rest = later;
        }
        writer.finish().unwrap();

        let mut reader = OpenReader::new(sealed.as_slice(), &secret(1), NAME).unwrap();
        let (mut back, mut part) = (Vec::new(), vec![0; step]);
        loop {
            let count = reader.read(&mut part).unwrap();
            if count == 0 {
                break;
            }
            back.extend_from_slice(&part[..count]);
        }
        prop_assert!(back == content);
        prop_assert_eq!(reader.finish().unwrap().bytes, length as u64);
    }

    #[test]
    fn any_flipped_bit_is_refused(length in 0..3 * CHUNK_BYTES, at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let content = plain(length);
        let mut sealed = seal(&content);
        let at = at.index(sealed.len());
        sealed[at] ^= 1 << bit;
        assert_refused(&sealed, &content);
    }

    #[test]
    fn any_shorter_or_longer_file_is_refused(
        length in 0..3 * CHUNK_BYTES,
        at in any::<prop::sample::Index>(),
        extra in proptest::collection::vec(any::<u8>(), 1..200),
    ) {
        let content = plain(length);
        let sealed = seal(&content);
        assert_refused(&sealed[..at.index(sealed.len())], &content);
        assert_refused(&[sealed.as_slice(), &extra].concat(), &content);
    }

    #[test]
    fn bytes_from_anywhere_are_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..300), with_header in any::<bool>()) {
        if with_header {
            bytes = [header(&[7; FILE_ID_BYTES]), bytes].concat();
        }
        assert_refused(&bytes, &[]);
    }
}
