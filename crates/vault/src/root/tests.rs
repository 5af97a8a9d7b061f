use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, symlink};

use super::*;

fn refusal(result: Result<Root, VaultError>) -> String {
    result.err().expect("a refusal").to_string()
}

#[test]
fn a_new_root_is_private_random_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("a/b");
    let first = Root::open_or_create(&keys).unwrap();
    let again = Root::open_or_create(&keys).unwrap();
    assert_eq!(first.bytes(), again.bytes());
    let meta = fs::metadata(keys.join("root.key")).unwrap();
    assert_eq!((meta.mode() & 0o7777, meta.len()), (0o600, 32));
    assert_eq!(
        fs::read_dir(&keys).unwrap().count(),
        1,
        "no staging file is left"
    );

    let other = Root::open_or_create(&folder.path().join("c")).unwrap();
    assert_ne!(first.bytes(), other.bytes());
}

#[test]
fn a_root_that_others_can_read_is_refused_and_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    drop(Root::open_or_create(folder.path()).unwrap());
    let path = folder.path().join("root.key");
    for mode in [0o640, 0o604, 0o660, 0o700, 0o4600] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let text = refusal(Root::open_or_create(folder.path()));
        assert!(text.ends_with(&format!(
            "root.key has mode {mode:04o}, which is too wide: run `chmod 0600` on it"
        )));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o400)).unwrap();
    assert!(Root::open_or_create(folder.path()).is_ok());
}

#[test]
fn a_broken_root_is_refused_and_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("root.key");
    for content in [
        vec![],
        vec![7; 31],
        vec![7; 33],
        vec![0; 32],
        vec![b'x'; 64],
        vec![7; 4096],
    ] {
        fs::write(&path, &content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
        assert!(refusal(Root::open_or_create(folder.path())).contains("does not hold a root key"));
        assert_eq!(fs::read(&path).unwrap(), content);
    }
    fs::remove_file(&path).unwrap();
    fs::write(folder.path().join("elsewhere"), [7; 32]).unwrap();
    symlink(folder.path().join("elsewhere"), &path).unwrap();
    assert!(refusal(Root::open_or_create(folder.path())).contains("could not open"));
}

#[test]
fn a_start_cut_short_before_or_after_the_link_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let staging = folder.path().join("staging-00");
    fs::write(&staging, [7; 5]).unwrap();
    let key = Root::open_or_create(folder.path()).unwrap();
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    fs::hard_link(folder.path().join("root.key"), &staging).unwrap();
    let again = Root::open_or_create(folder.path()).unwrap();
    assert_eq!(key.bytes(), again.bytes());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_credential_is_read_in_both_forms_and_never_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("strongroom-root");
    let open = || Root::from_credentials(folder.path(), "strongroom-root");
    assert!(refusal(open()).ends_with("does not exist"));
    assert!(!path.exists());
    for content in [
        vec![0xab; 32],
        "ab".repeat(32).into_bytes(),
        ("AB".repeat(32) + "\n").into_bytes(),
    ] {
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o440)).unwrap();
        assert_eq!(open().unwrap().bytes(), &[0xab; 32]);
        fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
        assert!(refusal(open()).contains("too wide"));
        fs::remove_file(&path).unwrap();
    }
    for name in ["", "..", ".hidden", "a/b"] {
        assert!(matches!(
            Root::from_credentials(folder.path(), name),
            Err(VaultError::BadCredentialName)
        ));
    }
}
