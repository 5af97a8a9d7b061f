//! Destroying what a project left: only after its end, only its own, whole, and repaired by asking again.

use std::io::Write;
use std::path::PathBuf;

use governance::project::Project;
use protocol::keeper::{RefusedCode, Reply};
use serde_json::Value;
use vault::{Purpose, seal_file_atomically};

use super::{World, id, keeper};

/// Seals a file of a project with a secret of an owner.
fn seal(world: &World, name: &str, owner: &str, purpose: Purpose) -> PathBuf {
    let secret = world.keeper.custody.make(owner, purpose).unwrap();
    let sealed = world.rooms().join("sealed");
    seal_file_atomically(&sealed, name, &secret, |out| out.write_all(&[7; 100_000])).unwrap();
    sealed.join(name)
}

/// Files of project a, all its own, and of project b.
fn files(world: &World) -> (Vec<PathBuf>, PathBuf) {
    let ours = [
        ("idx_a.links.job_i1", Purpose::Linkage),
        ("idx_a.map.job_i1", Purpose::Extract),
        ("ext_a.extract.job_e1", Purpose::Extract),
        ("out_a.exact", Purpose::Output),
    ]
    .map(|(name, purpose)| seal(world, name, "prj_a", purpose));
    let theirs = seal(world, "ext_b.extract.job_e1", "prj_b", Purpose::Extract);
    (ours.to_vec(), theirs)
}

async fn close(world: &World, project: &str) {
    let at = world.now();
    world
        .change::<Project>(project, |p| p.close(&id("per_a"), at))
        .await;
}

fn certified(reply: Reply) -> (Value, String, u64, u64) {
    let Reply::Destroyed {
        certificate,
        note,
        epoch_before,
        epoch_after,
        ..
    } = reply
    else {
        panic!("not destroyed");
    };
    let hash = hex::encode(audit_log::sha256(certificate.as_bytes()));
    assert!(note.starts_with(&format!("strongroom destruction\nprj_a\n{hash}\n")));
    let certificate = serde_json::from_str(&certificate).unwrap();
    (certificate, note, epoch_before, epoch_after)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_project_is_destroyed_with_its_files_and_nothing_of_another() {
    let world = World::honest().await;
    let (ours, theirs) = files(&world);
    let backup = std::fs::read(&ours[2]).unwrap();
    close(&world, "prj_a").await;
    let reply = world.keeper.destroy("prj_a").await.unwrap();
    let (certificate, note, before, after) = certified(reply);
    assert_eq!((before, after), (1, 2));
    let note = audit_log::Note::parse(&note).unwrap();
    note.verify(world.keeper.custody.trusted()).unwrap();
    let named: Vec<&str> = certificate["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| file["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        named,
        [
            "ext_a.extract.job_e1",
            "idx_a.links.job_i1",
            "idx_a.map.job_i1",
            "out_a.exact"
        ]
    );
    assert_eq!(certificate["files_tried"], 4);
    assert_eq!(
        certificate["files"][0]["sealed_sha256"],
        hex::encode(audit_log::sha256(&backup))
    );
    assert_eq!(certificate["secrets"].as_array().unwrap().len(), 4);
    assert!(ours.iter().all(|path| !path.exists()));

    // A backup of a sealed file does not open again, and no secret of the project is ever made again.
    std::fs::write(&ours[2], &backup).unwrap();
    for purpose in [
        Purpose::Linkage,
        Purpose::Pseudonym,
        Purpose::Extract,
        Purpose::Output,
    ] {
        let refused = world.keeper.custody.make("prj_a", purpose).err().unwrap();
        assert!(refused.message.contains("was destroyed"), "{refused:?}");
    }
    // Another project's secret and file are as they were.
    let secret = world
        .keeper
        .custody
        .secret("prj_b", Purpose::Extract)
        .unwrap();
    assert!(theirs.exists());
    vault::open_file(
        &world.rooms().join("sealed"),
        "ext_b.extract.job_e1",
        &secret,
    )
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_destroyed_before_the_end_of_the_project() {
    let world = World::honest().await;
    let (ours, _) = files(&world);
    for (project, says) in [
        ("prj_a", "while the project is in_force"),
        ("prj_none", "no such project"),
        ("../keys", "not a valid project id"),
    ] {
        let refused = world.keeper.destroy(project).await.unwrap_err();
        assert_eq!(refused.code, RefusedCode::NotPermitted);
        assert!(refused.message.contains(says), "{refused:?}");
    }
    assert!(ours.iter().all(|path| path.exists()));
    world
        .keeper
        .custody
        .secret("prj_a", Purpose::Extract)
        .unwrap();
    assert_eq!(
        std::fs::read_dir(world.rooms().join("destroyed"))
            .unwrap()
            .count(),
        0
    );
}

/// A front that records another project's file as this one's has it neither destroyed nor deleted.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_the_projects_own_secrets_do_not_open_stays() {
    let world = World::honest().await;
    let lie = seal(&world, "ext_a.extract.job_e1", "prj_b", Purpose::Extract);
    close(&world, "prj_a").await;
    let (certificate, ..) = certified(world.keeper.destroy("prj_a").await.unwrap());
    assert_eq!(certificate["files"].as_array().unwrap().len(), 0);
    assert_eq!(certificate["not_its_own"][0], "ext_a.extract.job_e1");
    assert!(lie.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_destruction_that_was_cut_short_is_completed_by_asking_again() {
    let world = World::honest().await;
    let (ours, _) = files(&world);
    let copies: Vec<Vec<u8>> = ours
        .iter()
        .map(|path| std::fs::read(path).unwrap())
        .collect();
    close(&world, "prj_a").await;
    let (first, ..) = certified(world.keeper.destroy("prj_a").await.unwrap());
    // As if the keeper had been killed after the secrets went and before the files did.
    for (path, bytes) in ours.iter().zip(&copies) {
        std::fs::write(path, bytes).unwrap();
    }
    let World {
        dir,
        keeper: before,
        time,
        store,
        _close,
    } = world;
    drop(before);
    let (again, _close) = keeper(dir.path(), &time).await;
    let (second, _, before, after) = certified(again.destroy("prj_a").await.unwrap());
    assert_eq!(second["files"], first["files"]);
    assert_eq!((before, after), (1, 2));
    assert!(ours.iter().all(|path| !path.exists()));
    // And once more, with nothing left to do.
    let (third, ..) = certified(again.destroy("prj_a").await.unwrap());
    assert_eq!(third["files"], first["files"]);
    drop(store);
}
