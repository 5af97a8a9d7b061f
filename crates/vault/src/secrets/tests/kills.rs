//! Killed in the middle: what the next start finds and does.

use super::*;

/// Every step at which a destruction can be killed, found by running it.
fn steps() -> Vec<Step> {
    let folder = tempfile::tempdir().unwrap();
    let (mut secrets, _) = filled(&folder);
    let mut steps = Vec::new();
    let mut record = |step| {
        steps.push(step);
        Ok(())
    };
    secrets
        .destroy_stepwise("prj_a", Purpose::Extract, &mut record)
        .unwrap();
    steps
}

#[test]
fn a_kill_at_any_step_is_completed_or_rolled_back() {
    let steps = steps();
    assert_eq!(
        steps.len(),
        4 + 18 + 1,
        "one for each entry, and five others"
    );
    for (stop, step) in steps.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (mut secrets, all) = filled(&folder);
        let mut count = 0;
        let mut kill = |_| {
            count += 1;
            if count > stop {
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
        // In the same process nothing more is done until the folder is opened again.
        assert!(matches!(
            secrets.get("log", Purpose::Output),
            Err(VaultError::ReopenNeeded)
        ));
        drop(secrets);

        let mut secrets = open(&folder).unwrap();
        let (recovery, happened) = match step {
            Step::KeyWritten | Step::FolderStaged | Step::EntryWritten | Step::AllStaged => {
                (Recovery::RolledBack, false)
            }
            Step::Committed => (Recovery::Completed, true),
            Step::Retired => (Recovery::Clean, true),
        };
        assert_eq!(secrets.recovery(), recovery, "killed at {step:?}");
        for ((owner, purpose), bytes) in &all {
            let gone = happened && (*owner, *purpose) == ("prj_a", Purpose::Extract);
            let expected = if gone { None } else { Some(*bytes) };
            assert_eq!(
                key_bytes(&secrets, owner, *purpose),
                expected,
                "killed at {step:?}"
            );
        }
        // Asked again, it is certified, at the same epoch either way.
        let certificate = secrets.destroy("prj_a", Purpose::Extract).unwrap();
        assert_eq!((certificate.at_epoch, certificate.survivors), (2, 17));
        assert_eq!(listing(&folder), ["epoch-2", "epoch-2.key", "lock"]);
    }
}

#[test]
fn a_kill_while_the_old_epoch_goes_is_completed() {
    type Damage = fn(&Path);
    let damages: [Damage; 4] = [
        |keys| fs::write(keys.join("epoch-1.key"), [0; 77]).unwrap(),
        |keys| fs::remove_file(keys.join("epoch-1.key")).unwrap(),
        |keys| fs::remove_file(keys.join("epoch-1/prj_a.extract.secret")).unwrap(),
        |keys| {
            fs::remove_dir_all(keys.join("epoch-1")).unwrap();
        },
    ];
    for damage in damages {
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
        damage(&folder.path().join("keys"));
        let secrets = open(&folder).unwrap();
        assert_eq!(secrets.recovery(), Recovery::Completed);
        assert_eq!(
            key_bytes(&secrets, "log", Purpose::Linkage),
            Some(all[&("log", Purpose::Linkage)])
        );
        assert!(matches!(
            secrets.get("prj_a", Purpose::Extract),
            Err(VaultError::Destroyed { .. })
        ));
        assert_eq!(listing(&folder), ["epoch-2", "epoch-2.key", "lock"]);
    }
}

#[test]
fn a_creation_or_first_start_cut_short_leaves_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::create_dir_all(keys.join("staging-0f")).unwrap();
    fs::create_dir(keys.join("epoch-1")).unwrap();
    let mut secrets = open(&folder).unwrap();
    assert_eq!(secrets.recovery(), Recovery::FirstStart);
    let kept = *secrets
        .get_or_create("prj_a", Purpose::Output)
        .unwrap()
        .bytes();
    drop(secrets);
    fs::write(keys.join("epoch-1/staging-aa"), [1; 5]).unwrap();
    let secrets = open(&folder).unwrap();
    assert_eq!(secrets.recovery(), Recovery::RolledBack);
    assert_eq!(key_bytes(&secrets, "prj_a", Purpose::Output), Some(kept));
    assert_eq!(fs::read_dir(keys.join("epoch-1")).unwrap().count(), 1);
}
