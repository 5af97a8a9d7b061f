use super::*;

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text.replace([' ', '\n'], "")).unwrap()
}

fn hkdf_answers(input: &str, salt: &str, info: &str, expected: &str) {
    let (expected, info) = (bytes(expected), bytes(info));
    let mut output = vec![0; expected.len()];
    hkdf_sha256(&bytes(salt), &bytes(input), &[&info], &mut output).unwrap();
    assert_eq!(output, expected);
    // The parts of `info` are plainly joined.
    let (left, right) = info.split_at(info.len() / 3);
    hkdf_sha256(&bytes(salt), &bytes(input), &[left, right], &mut output).unwrap();
    assert_eq!(output, expected);
}

#[test]
fn hkdf_gives_rfc_5869_answers() {
    hkdf_answers(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "000102030405060708090a0b0c",
        "f0f1f2f3f4f5f6f7f8f9",
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    );
    let run = |from: u8, to: u8| hex::encode((from..=to).collect::<Vec<u8>>());
    hkdf_answers(
        &run(0x00, 0x4f),
        &run(0x60, 0xaf),
        &run(0xb0, 0xff),
        "b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c
         59045a99cac7827271cb41c65e590e09da3275600c2f09b8367793a9aca3db71
         cc30c58179ec3e87c14c01d5c1f3434f1d87",
    );
    hkdf_answers(
        "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b",
        "",
        "",
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8",
    );
}

fn gcm_answers(key: &str, nonce: &str, associated: &str, plain: &str, sealed: &str, tag: &str) {
    let cipher = Cipher::new(&bytes(key).try_into().unwrap());
    let nonce: [u8; 12] = bytes(nonce).try_into().unwrap();
    let (associated, plain) = (bytes(associated), bytes(plain));
    let mut data = plain.clone();
    let made = cipher.seal(&nonce, &associated, &mut data).unwrap();
    assert_eq!(hex::encode(&data), hex::encode(bytes(sealed)));
    assert_eq!(hex::encode(made), tag);
    assert!(cipher.open(&nonce, &associated, &mut data, &made).is_ok());
    assert_eq!(data, plain);

    // A changed tag is refused and nothing is decrypted.
    let mut data = bytes(sealed);
    let mut changed = made;
    changed[15] ^= 1;
    assert!(
        cipher
            .open(&nonce, &associated, &mut data, &changed)
            .is_err()
    );
    assert_eq!(data, bytes(sealed));
}

#[test]
fn aes_256_gcm_gives_the_specification_s_answers() {
    // McGrew and Viega, "The Galois/Counter Mode of Operation", test cases 13 to 16.
    let zero_key = "00".repeat(32);
    let zero_nonce = "00".repeat(12);
    gcm_answers(
        &zero_key,
        &zero_nonce,
        "",
        "",
        "",
        "530f8afbc74536b9a963b4f1c4cb738b",
    );
    gcm_answers(
        &zero_key,
        &zero_nonce,
        "",
        &"00".repeat(16),
        "cea7403d4d606b6e074ec5d3baf39d18",
        "d0d1c8a799996bf0265b98b5d48ab919",
    );
    let key = "feffe9928665731c6d6a8f9467308308".repeat(2);
    let nonce = "cafebabefacedbaddecaf888";
    let plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72\
                 1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
    let sealed = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa\
                  8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";
    gcm_answers(
        &key,
        nonce,
        "",
        plain,
        sealed,
        "b094dac5d93471bdec1a502270e3cc6c",
    );
    gcm_answers(
        &key,
        nonce,
        "feedfacedeadbeeffeedfacedeadbeefabaddad2",
        &plain[..120],
        &sealed[..120],
        "76fc6ece0f4e1768cddf8853bb2d551b",
    );
}

#[test]
fn two_implementations_agree_on_a_whole_chunk() {
    use ring::aead;
    let key = random_key().unwrap();
    let nonce: [u8; 12] = random().unwrap();
    let plain: Vec<u8> = (0..65_536_u32).map(|n| (n % 251) as u8).collect();
    let mut ours = plain.clone();
    let our_tag = Cipher::new(&key).seal(&nonce, b"chunk", &mut ours).unwrap();
    let other =
        aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key.as_slice()).unwrap());
    let mut theirs = plain;
    let their_tag = other
        .seal_in_place_separate_tag(
            aead::Nonce::assume_unique_for_key(nonce),
            aead::Aad::from(b"chunk"),
            &mut theirs,
        )
        .unwrap();
    assert_eq!(ours, theirs);
    assert_eq!(our_tag, their_tag.as_ref());
}

#[test]
fn sha256_shows_as_hexadecimal() {
    let mut context = sha256();
    context.update(b"abc");
    let digest = Sha256::finish(context);
    let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(digest.to_string(), expected);
    assert_eq!(
        serde_json::to_string(&digest).unwrap(),
        format!("\"{expected}\"")
    );
}
