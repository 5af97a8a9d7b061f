use std::fs::{self, Permissions};

use super::*;

fn wrong(text: &str) -> String {
    Settings::parse(text).unwrap_err().text
}

#[test]
fn a_whole_file_is_read() {
    let settings = Settings::parse(
        r#"
        data_dir = "/var/lib/strongroom"
        policies = "/etc/strongroom/policies"
        origin = "haven.example.org/log"
        listen = "127.0.0.1:9000"

        [root_key]
        from = "credential"
        name = "strongroom-root"

        [users]
        front = 64001
        indexing = 64002
        keeper = 64003
        "#,
    )
    .unwrap();
    assert_eq!(settings.places.root(), Path::new("/var/lib/strongroom"));
    assert_eq!(settings.origin, "haven.example.org/log");
    assert_eq!(
        settings.listen,
        Listen::At("127.0.0.1:9000".parse().unwrap())
    );
    assert_eq!(
        settings.root_key,
        RootKeyFrom::Credential {
            name: "strongroom-root".into(),
            folder: None
        }
    );
    assert_eq!(settings.users.unwrap().keeper.uid, 64003);
    let least = Settings::parse("data_dir = \"haven\"").unwrap();
    assert_eq!(least.root_key, RootKeyFrom::Folder {});
    assert_eq!(least.listen, Listen::AtOrNear(PAGES));
    assert!(least.users.is_none());
}

#[test]
fn what_is_unknown_missing_or_unsafe_is_refused_in_one_sentence() {
    for (text, says) in [
        ("", "missing field `data_dir`"),
        ("data_dir = \"x\"\nport = 1", "unknown field `port`"),
        ("data_dir = \"x\"\nlisten = \"8440\"", "socket address"),
        (
            "data_dir = \"x\"\nlisten = \"0.0.0.0:8440\"",
            "behind_tls_proxy",
        ),
        (
            "data_dir = \"x\"\nlisten = \"192.168.1.1:80\"",
            "behind_tls_proxy",
        ),
        (
            "data_dir = \"x\"\n[root_key]\nfrom = \"environment\"",
            "unknown variant",
        ),
        (
            "data_dir = \"x\"\n[root_key]\nfrom = \"passphrase\"\npassphrase = \"p\"",
            "unknown field",
        ),
        (
            "data_dir = \"x\"\n[root_key]\nfrom = \"folder\"\npath = \"p\"",
            "unknown field",
        ),
        (
            "data_dir = \"x\"\n[root_key]\nfrom = \"passphrase\"\nfile = \"p\"\nfd = 3",
            "not both",
        ),
        (
            "data_dir = \"x\"\n[root_key]\nfrom = \"file\"",
            "missing field",
        ),
        ("data_dir = \"x\"\n[users]\nfront = 1", "missing field"),
    ] {
        let error = wrong(text);
        assert!(error.contains(says), "{text}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let proxied = "data_dir = \"x\"\nlisten = \"0.0.0.0:8440\"\nbehind_tls_proxy = true";
    assert!(Settings::parse(proxied).is_ok());
}

#[test]
fn a_passphrase_comes_from_a_private_file_or_a_pipe_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("words");
    fs::write(&path, "correct horse battery staple\nmore\n").unwrap();
    let from = RootKeyFrom::Passphrase {
        file: Some(path.clone()),
        fd: None,
    };
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let error = from.source(None).unwrap_err().text;
    assert!(error.contains("only its owner"), "{error}");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let words = Zeroizing::new("correct horse battery staple".to_owned());
    assert_eq!(from.source(None).unwrap(), KeySource::Passphrase(words));
    fs::write(&path, "\n").unwrap();
    let error = from.source(None).unwrap_err().text;
    assert!(error.contains("empty"), "{error}");
    // A descriptor that is a file would be handed on, readable again, to every process.
    use std::os::fd::AsRawFd;
    let file = File::open(&path).unwrap();
    let from = RootKeyFrom::Passphrase {
        file: None,
        fd: Some(u32::try_from(file.as_raw_fd()).unwrap()),
    };
    let error = from.source(None).unwrap_err().text;
    assert!(error.contains("is not a pipe"), "{error}");
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(b"six words in a pipe\n").unwrap();
    let from = RootKeyFrom::Passphrase {
        file: None,
        fd: Some(u32::try_from(reader.as_raw_fd()).unwrap()),
    };
    let words = Zeroizing::new("six words in a pipe".to_owned());
    assert_eq!(from.source(None).unwrap(), KeySource::Passphrase(words));
}

#[test]
fn a_key_that_root_reads_for_the_keeper_is_handed_on_in_hex() {
    let folder = tempfile::tempdir().unwrap();
    let users = Settings::parse(
        "data_dir = \"x\"\n[users]\nfront = 64001\nindexing = 64002\nkeeper = 64003",
    )
    .unwrap()
    .users;
    let from = RootKeyFrom::Credential {
        name: "root".into(),
        folder: Some(folder.path().to_owned()),
    };
    let hex = Zeroizing::new("0a".repeat(32));
    for bytes in [vec![10_u8; 32], format!("{}\n", *hex).into_bytes()] {
        fs::write(folder.path().join("root"), bytes).unwrap();
        let source = from.source(users.as_ref()).unwrap();
        assert_eq!(source, KeySource::Handed(hex.clone()));
    }
    let own = KeySource::Credential(folder.path().to_owned(), "root".into());
    assert_eq!(from.source(None).unwrap(), own);
}

#[test]
fn a_listen_word_is_read_back() {
    for listen in [
        Listen::Nowhere,
        Listen::AtOrNear(PAGES),
        Listen::At("[::1]:9".parse().unwrap()),
    ] {
        assert_eq!(Listen::parse(&listen.word(), false), Ok(listen));
    }
    assert!(Listen::parse("10.0.0.1:80", false).is_err());
    assert!(Listen::parse("10.0.0.1:80", true).is_ok());
    assert!(Listen::parse("8440", false).is_err());
}
