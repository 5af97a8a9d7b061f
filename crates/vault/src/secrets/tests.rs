mod kills;

use std::collections::BTreeMap;
use std::fs;

use tempfile::TempDir;

use super::destroy::Step;
use super::*;

const ROOT: u8 = 7;

fn open(folder: &TempDir) -> Result<Secrets, VaultError> {
    Secrets::open(&folder.path().join("keys"), Root::for_test(ROOT))
}

fn key_bytes(secrets: &Secrets, owner: &str, purpose: Purpose) -> Option<[u8; 32]> {
    secrets
        .get(owner, purpose)
        .ok()
        .map(|secret| *secret.bytes())
}

/// Three owners with every purpose, and all their bytes.
fn filled(folder: &TempDir) -> (Secrets, BTreeMap<(&'static str, Purpose), [u8; 32]>) {
    let mut secrets = open(folder).unwrap();
    let mut all = BTreeMap::new();
    for owner in ["prj_a", "prj_ab", "log"] {
        for purpose in Purpose::ALL {
            let secret = secrets.get_or_create(owner, purpose).unwrap();
            all.insert((owner, purpose), *secret.bytes());
        }
    }
    (secrets, all)
}

fn listing(folder: &TempDir) -> Vec<String> {
    let mut found = crate::files::names(&folder.path().join("keys")).unwrap();
    found.sort();
    found
}

#[test]
fn secrets_are_random_distinct_and_survive_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, all) = filled(&folder);
    assert_eq!(secrets.recovery(), Recovery::FirstStart);
    let distinct: std::collections::BTreeSet<_> = all.values().collect();
    assert_eq!(distinct.len(), all.len());
    assert_eq!(
        *secrets
            .get_or_create("log", Purpose::Output)
            .unwrap()
            .bytes(),
        all[&("log", Purpose::Output)]
    );
    drop(secrets);

    let secrets = open(&folder).unwrap();
    assert_eq!(secrets.recovery(), Recovery::Clean);
    for ((owner, purpose), bytes) in &all {
        assert_eq!(key_bytes(&secrets, owner, *purpose), Some(*bytes));
    }
    assert_eq!(listing(&folder), ["epoch-1", "epoch-1.key", "lock"]);
}

#[test]
fn an_absent_secret_is_said_to_be_absent() {
    let folder = tempfile::tempdir().unwrap();
    let mut secrets = open(&folder).unwrap();
    let error = secrets.get("prj_a", Purpose::Extract).err().unwrap();
    assert!(matches!(error, VaultError::NoSecret { .. }));
    assert_eq!(error.to_string(), "prj_a has no extract secret");
    let error = secrets.destroy("prj_a", Purpose::Extract).err().unwrap();
    assert!(matches!(error, VaultError::NoSecret { .. }));
}

#[test]
fn an_owner_id_is_never_a_path() {
    let folder = tempfile::tempdir().unwrap();
    let mut secrets = open(&folder).unwrap();
    let long = "a".repeat(65);
    for owner in [
        "",
        "..",
        "a/b",
        "A",
        "prj.a",
        "prj a",
        "é",
        "a\0",
        "\n",
        long.as_str(),
    ] {
        assert!(matches!(
            secrets.get(owner, Purpose::Output),
            Err(VaultError::BadOwner)
        ));
        assert!(matches!(
            secrets.get_or_create(owner, Purpose::Output),
            Err(VaultError::BadOwner)
        ));
        assert!(matches!(
            secrets.destroy(owner, Purpose::Output),
            Err(VaultError::BadOwner)
        ));
        assert!(matches!(
            secrets.destroy_owner(owner),
            Err(VaultError::BadOwner)
        ));
    }
    assert!(
        secrets
            .get_or_create(&"a".repeat(64), Purpose::Output)
            .is_ok()
    );
    assert!(
        secrets
            .get_or_create("del_0-9z", Purpose::LogSigning)
            .is_ok()
    );
}

#[test]
fn a_destroyed_secret_cannot_be_opened_and_the_others_can() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, all) = filled(&folder);
    let gone = ("prj_a", Purpose::Extract);
    let certificate = secrets.destroy(gone.0, gone.1).unwrap();
    assert_eq!(
        serde_json::to_string(&certificate).unwrap(),
        concat!(
            r#"{"owner":"prj_a","purpose":"extract","at_epoch":2,"survivors":17,"tried":["#,
            r#"{"attempt":"by_name","refused":"recorded_as_destroyed"},"#,
            r#"{"attempt":"old_file","refused":"no_file"},"#,
            r#"{"attempt":"old_epoch_key","refused":"no_file"},"#,
            r#"{"attempt":"kept_copy","refused":"not_authentic"}]}"#
        )
    );
    for restart in 0..2 {
        if restart == 1 {
            drop(secrets);
            secrets = open(&folder).unwrap();
            assert_eq!(secrets.recovery(), Recovery::Clean);
        }
        for ((owner, purpose), bytes) in &all {
            let expected = if (*owner, *purpose) == gone {
                None
            } else {
                Some(*bytes)
            };
            assert_eq!(key_bytes(&secrets, owner, *purpose), expected);
        }
        let again = secrets.get_or_create(gone.0, gone.1).err().unwrap();
        assert!(
            matches!(again, VaultError::Destroyed { at_epoch: 2, .. }),
            "never made anew"
        );
    }
    assert_eq!(listing(&folder), ["epoch-2", "epoch-2.key", "lock"]);
}

#[test]
fn a_backup_of_the_wrapped_secret_does_not_bring_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, _) = filled(&folder);
    let file = "prj_a.extract.secret";
    let backup = fs::read(folder.path().join("keys/epoch-1").join(file)).unwrap();
    secrets.destroy("prj_a", Purpose::Extract).unwrap();
    let epoch = folder.path().join("keys/epoch-2");
    fs::write(epoch.join(file), &backup).unwrap();
    // The record of destruction answers first; without that record, the bytes still do not open.
    assert!(matches!(
        secrets.get("prj_a", Purpose::Extract),
        Err(VaultError::Destroyed { .. })
    ));
    fs::remove_file(epoch.join("prj_a.extract.destroyed")).unwrap();
    assert!(matches!(
        secrets.get("prj_a", Purpose::Extract),
        Err(VaultError::Damaged { .. })
    ));
    // Nor with its epoch number forged.
    let mut forged = backup;
    forged[16] = 2;
    fs::write(epoch.join(file), &forged).unwrap();
    assert!(matches!(
        secrets.get("prj_a", Purpose::Extract),
        Err(VaultError::Damaged { .. })
    ));
}

#[test]
fn destruction_can_be_repeated_and_destroys_all_of_an_owner() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, all) = filled(&folder);
    assert_eq!(
        secrets.destroy("prj_a", Purpose::Output).unwrap().at_epoch,
        2
    );
    let certificates = secrets.destroy_owner("prj_a").unwrap();
    let epochs: Vec<u64> = certificates.iter().map(|c| c.at_epoch).collect();
    // In the order of `Purpose`; what was destroyed before is certified at its own epoch.
    assert_eq!(epochs, [3, 3, 3, 3, 2, 3]);
    assert!(certificates.iter().all(|c| c.survivors == 12));
    for purpose in Purpose::ALL {
        assert!(matches!(
            secrets.get("prj_a", purpose),
            Err(VaultError::Destroyed { .. })
        ));
        assert_eq!(
            key_bytes(&secrets, "prj_ab", purpose),
            Some(all[&("prj_ab", purpose)])
        );
    }
    let again = secrets.destroy("prj_a", Purpose::Output).unwrap();
    assert_eq!(
        (again.at_epoch, again.survivors, again.tried.len()),
        (2, 12, 3)
    );
    let repeated = secrets.destroy_owner("prj_a").unwrap();
    let epochs: Vec<u64> = repeated.iter().map(|c| c.at_epoch).collect();
    assert_eq!(epochs, [3, 3, 3, 3, 2, 3]);
    assert!(secrets.destroy_owner("prj_none").unwrap().is_empty());
    assert_eq!(listing(&folder), ["epoch-3", "epoch-3.key", "lock"]);
}

#[test]
fn the_wrong_root_opens_nothing_and_deletes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, all) = filled(&folder);
    let mut kill = |step| {
        if step == Step::Committed {
            Err(VaultError::Random)
        } else {
            Ok(())
        }
    };
    assert!(
        secrets
            .destroy_stepwise("prj_a", Purpose::Extract, &mut kill)
            .is_err()
    );
    drop(secrets);
    let before = listing(&folder);
    let keys = folder.path().join("keys");
    let refused = Secrets::open(&keys, Root::for_test(ROOT + 1))
        .err()
        .unwrap();
    assert!(matches!(refused, VaultError::WrongRoot { epoch: 2 }));
    assert_eq!(listing(&folder), before);
    let secrets = open(&folder).unwrap();
    assert_eq!(
        key_bytes(&secrets, "log", Purpose::Output),
        Some(all[&("log", Purpose::Output)])
    );
}

#[test]
fn lost_epoch_keys_and_folders_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let (secrets, _) = filled(&folder);
    drop(secrets);
    let keys = folder.path().join("keys");
    let key = fs::read(keys.join("epoch-1.key")).unwrap();

    // A restored backup: it never holds epoch keys.
    fs::remove_file(keys.join("epoch-1.key")).unwrap();
    let refused = open(&folder).err().unwrap();
    assert_eq!(
        refused.to_string(),
        "epoch key 1 is missing, so the secrets wrapped under it cannot be opened"
    );
    // An epoch key put under another number.
    fs::write(keys.join("epoch-2.key"), &key).unwrap();
    fs::create_dir(keys.join("epoch-2")).unwrap();
    assert!(matches!(
        open(&folder),
        Err(VaultError::WrongRoot { epoch: 2 })
    ));

    fs::remove_dir_all(keys.join("epoch-1")).unwrap();
    fs::remove_dir_all(keys.join("epoch-2")).unwrap();
    assert!(matches!(
        open(&folder),
        Err(VaultError::MissingEpochFolder { epoch: 2 })
    ));
    assert!(keys.join("epoch-2.key").exists());
    fs::rename(keys.join("epoch-2.key"), keys.join("epoch-1.key")).unwrap();
    assert!(matches!(
        open(&folder),
        Err(VaultError::MissingEpochFolder { epoch: 1 })
    ));
    assert_eq!(
        fs::read(keys.join("epoch-1.key")).unwrap(),
        key,
        "a lost folder never starts anew"
    );

    fs::write(keys.join("epoch-02"), b"").unwrap();
    assert!(matches!(open(&folder), Err(VaultError::StrangeFile { .. })));
}

#[test]
fn a_wrapped_secret_opens_under_its_own_name_only() {
    let folder = tempfile::tempdir().unwrap();
    let (secrets, _) = filled(&folder);
    let epoch = folder.path().join("keys/epoch-1");
    let take = |name: &str| fs::read(epoch.join(name)).unwrap();
    let good = take("prj_a.output.secret");
    for other in ["prj_ab.output.secret", "prj_a.linkage.secret"] {
        fs::write(epoch.join("prj_a.output.secret"), take(other)).unwrap();
        assert!(matches!(
            secrets.get("prj_a", Purpose::Output),
            Err(VaultError::Damaged { .. })
        ));
    }
    for bit in 0..good.len() * 8 {
        let mut flipped = good.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        fs::write(epoch.join("prj_a.output.secret"), &flipped).unwrap();
        assert!(matches!(
            secrets.get("prj_a", Purpose::Output),
            Err(VaultError::Damaged { .. })
        ));
    }
    for length in 0..good.len() {
        fs::write(epoch.join("prj_a.output.secret"), &good[..length]).unwrap();
        assert!(matches!(
            secrets.get("prj_a", Purpose::Output),
            Err(VaultError::Damaged { .. })
        ));
    }
    fs::write(
        epoch.join("prj_a.output.secret"),
        [good.as_slice(), b"x"].concat(),
    )
    .unwrap();
    assert!(matches!(
        secrets.get("prj_a", Purpose::Output),
        Err(VaultError::Damaged { .. })
    ));
    // A secret's file passed off as a record of destruction.
    fs::write(epoch.join("prj_a.output.destroyed"), &good).unwrap();
    assert!(matches!(
        secrets.get("prj_a", Purpose::Output),
        Err(VaultError::Damaged { .. })
    ));
}

#[test]
fn a_damaged_survivor_stops_a_destruction_before_it_happens() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, all) = filled(&folder);
    let path = folder.path().join("keys/epoch-1/prj_ab.linkage.secret");
    let good = fs::read(&path).unwrap();
    fs::write(&path, [3; 85]).unwrap();
    assert!(matches!(
        secrets.destroy("prj_a", Purpose::Output),
        Err(VaultError::Damaged { .. })
    ));
    drop(secrets);
    fs::write(&path, good).unwrap();
    let secrets = open(&folder).unwrap();
    for ((owner, purpose), bytes) in &all {
        assert_eq!(key_bytes(&secrets, owner, *purpose), Some(*bytes));
    }
}

#[test]
fn a_strange_file_among_the_secrets_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, _) = filled(&folder);
    for name in [
        "notes.txt",
        "prj_a.extract",
        "prj_a.extract.secret.bak",
        "prj_a.else.secret",
        "A.output.secret",
    ] {
        let path = folder.path().join("keys/epoch-1").join(name);
        fs::write(&path, b"").unwrap();
        assert!(matches!(
            secrets.destroy_owner("prj_a"),
            Err(VaultError::StrangeFile { .. })
        ));
        fs::remove_file(path).unwrap();
    }
    fs::write(folder.path().join("keys/epoch-1/readme"), b"").unwrap();
    drop(secrets);
    assert!(matches!(open(&folder), Err(VaultError::StrangeFile { .. })));
}

#[test]
fn two_processes_never_hold_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let first = open(&folder).unwrap();
    assert!(matches!(open(&folder), Err(VaultError::InUse { .. })));
    drop(first);
    assert!(open(&folder).is_ok());
}

#[test]
fn only_the_log_s_secret_lends_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let mut secrets = open(&folder).unwrap();
    for purpose in Purpose::ALL {
        let secret = secrets.get_or_create("log", purpose).unwrap();
        let lent = secret.with_log_seed(|seed| *seed);
        if purpose == Purpose::LogSigning {
            assert_eq!(lent.unwrap(), *secret.bytes());
        } else {
            assert!(matches!(lent, Err(VaultError::WrongPurpose { .. })));
        }
    }
}

#[test]
fn files_are_private() {
    use std::os::unix::fs::MetadataExt;
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, _) = filled(&folder);
    secrets.destroy("prj_a", Purpose::Output).unwrap();
    let keys = folder.path().join("keys");
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&keys), 0o700);
    assert_eq!(mode(&keys.join("epoch-2")), 0o700);
    assert_eq!(mode(&keys.join("epoch-2.key")), 0o600);
    for entry in fs::read_dir(keys.join("epoch-2")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}
