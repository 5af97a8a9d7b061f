//! The socket: bodies in and out, and what stays on the disk.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use governance::dataset::Dataset;
use governance::delivery::{Delivery, SealedFile};
use governance::job::Task;
use governance::output::{Checked, Output, Verdict};
use governance::{Lifecycle, Sha256};
use protocol::keeper::{File, MESSAGE_MAX, Part, Refused, RefusedCode, Reply, Request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::lies::check;
use super::{World, config, hash_of, id, instructed};
use crate::{KeeperError, serve};

const BODY: &[u8] = b"rec,fore\nr1,UNMISTAKABLE-NAME\n";

pub(super) struct Open {
    pub(super) world: World,
    pub(super) socket: std::path::PathBuf,
    pub(super) indexing: std::path::PathBuf,
    close: oneshot::Sender<()>,
    served: JoinHandle<Result<(), KeeperError>>,
}

/// The same safe haven, its keeper at the socket.
pub(super) async fn open() -> Open {
    let mut world = World::honest().await;
    // Two keepers never hold one folder: the rehearsal's own goes first.
    let config = config(world.dir.path(), &world.time);
    let placeholder = tempfile::tempdir().unwrap();
    std::fs::create_dir(placeholder.path().join("s")).unwrap();
    drop(
        store::Store::open(&placeholder.path().join("s"))
            .await
            .unwrap(),
    );
    let mut other = super::config(placeholder.path(), &world.time);
    other.store_dir = placeholder.path().join("s");
    let (_, closing) = tokio::sync::watch::channel(false);
    world.keeper = Arc::new(crate::server::Keeper::open(other, closing).await.unwrap());
    let socket = config.research.path.clone();
    let indexing = config.indexing.path.clone();
    let (close, closed) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(config, async {
        let _ = closed.await;
    }));
    for _ in 0..500 {
        if UnixStream::connect(&socket).await.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    Open {
        world,
        socket,
        indexing,
        close,
        served,
    }
}

async fn piece(stream: &mut UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    stream
        .write_all(&(bytes.len() as u32).to_le_bytes())
        .await?;
    stream.write_all(bytes).await
}

async fn hear(stream: &mut UnixStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.ok()?;
    let length = u32::from_le_bytes(length) as usize;
    assert!(length <= MESSAGE_MAX);
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes).await.unwrap();
    Some(bytes)
}

pub(super) async fn ask(socket: &Path, request: &Request, body: &[&[u8]]) -> (Reply, Vec<u8>) {
    let mut stream = UnixStream::connect(socket).await.unwrap();
    piece(&mut stream, &serde_json::to_vec(request).unwrap())
        .await
        .unwrap();
    for part in body {
        // The keeper may have had enough already.
        if piece(&mut stream, part).await.is_err() {
            break;
        }
    }
    let reply = loop {
        // How far it is comes before what came of it.
        match serde_json::from_slice(&hear(&mut stream).await.unwrap()).unwrap() {
            Reply::Progress { .. } | Reply::Waiting { .. } => {}
            reply => break reply,
        }
    };
    let mut all = Vec::new();
    if matches!(reply, Reply::Bytes { .. }) {
        loop {
            let next = hear(&mut stream).await.unwrap();
            if next.is_empty() {
                break;
            }
            all.extend_from_slice(&next);
        }
    }
    (reply, all)
}

pub(super) fn no(reply: &Reply) -> &Refused {
    match reply {
        Reply::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

fn kept(reply: Reply) -> File {
    match reply {
        Reply::Kept { file } => file,
        other => panic!("{other:?}"),
    }
}

/// Whether any file below holds these bytes.
pub(crate) fn holds(folder: &Path, needle: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return holds(&path, needle);
        }
        let bytes = std::fs::read(&path).unwrap_or_default();
        bytes.windows(needle.len()).any(|window| window == needle)
    })
}

fn count(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

async fn queue_load(world: &World, job: &str, delivery: &str) {
    let dataset: Dataset = world.get("dst_stays").await;
    let opened = Delivery::open(id(delivery), &dataset, &id("per_ids"), world.now());
    world.begin(opened.unwrap()).await;
    let task = Task::LoadIdentifiers {
        delivery: id(delivery),
        upload: job.into(),
        format: "csv".into(),
    };
    world.queue(job, task, instructed("dst_stays")).await;
}

fn upload(job: &str) -> Request {
    Request::Upload { job: job.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_sealed_as_it_arrives_and_gone_after_its_job() {
    let open = open().await;
    let (world, socket) = (&open.world, &open.socket);
    assert_eq!(
        std::fs::metadata(socket).unwrap().permissions().mode() & 0o777,
        0o600
    );
    queue_load(world, "job_u", "del_u").await;
    let (reply, _) = ask(socket, &upload("job_u"), &[BODY, b"more", b""]).await;
    let file = kept(reply);
    let whole = [BODY, b"more"].concat();
    assert_eq!(file.sha256, hash_of(&whole).to_string());
    assert_eq!(
        (file.bytes, file.name.as_str()),
        (whole.len() as u64, "job_u")
    );
    let uploads = world.rooms().join("uploads");
    assert_eq!(count(&uploads), 1);
    assert!(!holds(world.dir.path(), b"UNMISTAKABLE"));

    // A second file for the same job changes nothing.
    let (reply, _) = ask(socket, &upload("job_u"), &[b"other", b""]).await;
    assert_eq!(no(&reply).code, RefusedCode::NotPermitted);
    assert_eq!(count(&uploads), 1);

    // The rehearsal's worker is no program.
    let run = Request::Run {
        job: "job_u".into(),
    };
    let (reply, _) = ask(socket, &run, &[]).await;
    assert_eq!(no(&reply).code, RefusedCode::Internal);
    assert!(
        no(&reply).message.contains("could not be started"),
        "{reply:?}"
    );
    assert_eq!(count(&uploads), 0);
    assert_eq!(count(&world.rooms().join("sealed")), 0);
    for request in [run, upload("job_u")] {
        let (reply, _) = ask(socket, &request, &[]).await;
        assert!(no(&reply).message.contains("started before"), "{reply:?}");
    }

    let _ = open.close.send(());
    open.served.await.unwrap().unwrap();
    assert!(!socket.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_breaks_off_or_is_too_long_leaves_nothing() {
    let open = open().await;
    let (world, socket) = (&open.world, &open.socket);
    let uploads = world.rooms().join("uploads");
    queue_load(world, "job_u", "del_u").await;

    let mut stream = UnixStream::connect(socket).await.unwrap();
    let request = serde_json::to_vec(&upload("job_u")).unwrap();
    piece(&mut stream, &request).await.unwrap();
    piece(&mut stream, BODY).await.unwrap();
    stream.shutdown().await.unwrap();
    let reply: Reply = serde_json::from_slice(&hear(&mut stream).await.unwrap()).unwrap();
    assert_eq!(no(&reply).code, RefusedCode::BadInput);
    assert_eq!(count(&uploads), 0);

    let long = vec![b'x'; 200 * 1024];
    let (reply, _) = ask(socket, &upload("job_u"), &[long.as_slice(); 40]).await;
    assert_eq!(no(&reply).code, RefusedCode::Limit);
    assert!(no(&reply).message.contains("delivery_mib"));
    assert_eq!(count(&uploads), 0);

    // A piece over its cap is not read.
    let mut stream = UnixStream::connect(socket).await.unwrap();
    piece(&mut stream, &request).await.unwrap();
    stream.write_all(&u32::MAX.to_le_bytes()).await.unwrap();
    let reply: Reply = serde_json::from_slice(&hear(&mut stream).await.unwrap()).unwrap();
    assert_eq!(no(&reply).code, RefusedCode::BadInput);

    // Jobs of other kinds, and no job at all, take no file.
    let ours = world.under("prj_a").await;
    world.queue("job_q", super::query(), ours).await;
    for (job, says) in [
        ("job_q", "takes no file"),
        ("job_none", "no such job"),
        ("../x", "not a valid job id"),
    ] {
        let (reply, _) = ask(socket, &upload(job), &[b""]).await;
        assert!(no(&reply).message.contains(says), "{reply:?}");
    }
    assert_eq!(count(&uploads), 0);
    // And the file that belongs there still may come.
    let (reply, _) = ask(socket, &upload("job_u"), &[BODY, b""]).await;
    kept(reply);
}

fn record(file: &File) -> SealedFile {
    SealedFile {
        name: file.name.clone(),
        sha256: Sha256::try_from(file.sha256.clone()).unwrap(),
        bytes: file.bytes,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_of_an_output_come_back_as_recorded_or_not_at_all() {
    let open = open().await;
    let (world, socket) = (&open.world, &open.socket);
    let table: Vec<u8> = (0..600_000_u32).flat_map(u32::to_le_bytes).collect();
    let pieces: Vec<&[u8]> = table.chunks(200_000).chain([&b""[..]]).collect();
    let ours = world.under("prj_a").await;
    let theirs = world.under("prj_b").await;
    world.queue("job_ca", check("out_a"), ours.clone()).await;
    world.queue("job_cb", check("out_b"), theirs).await;
    world.queue("job_q", super::query(), ours).await;
    let keep = |job: &str, part| Request::Keep {
        job: job.into(),
        part,
    };
    let fetch = |output: &str, part| Request::Fetch {
        output: output.into(),
        part,
    };
    let exact = kept(ask(socket, &keep("job_ca", Part::Exact), &pieces).await.0);
    assert_eq!(exact.sha256, hash_of(&table).to_string());
    let report = kept(
        ask(socket, &keep("job_ca", Part::Report), &[BODY, b""])
            .await
            .0,
    );
    assert!(!holds(world.dir.path(), b"UNMISTAKABLE"));
    for (request, says) in [
        (keep("job_ca", Part::Exact), "kept already"),
        (keep("job_ca", Part::Reviewed), "is not kept again"),
        (keep("job_none", Part::Exact), "no such job"),
        (keep("job_q", Part::Exact), "only a check makes files"),
        (fetch("out_a", Part::Exact), "while the output is staged"),
    ] {
        let (reply, _) = ask(socket, &request, &[b"x", b""]).await;
        assert!(no(&reply).message.contains(says), "{reply:?}");
    }

    let at = world.now();
    let checked = Checked {
        verdict: Verdict::Pass,
        report: record(&report),
        policy: hash_of(b"policy"),
        exact: record(&exact),
        treated: None,
        compared: None,
    };
    let recorded = checked.clone();
    world
        .change::<Output>("out_a", |o| o.complete_check(recorded, at))
        .await;
    let (reply, bytes) = ask(socket, &fetch("out_a", Part::Exact), &[]).await;
    assert_eq!(
        reply,
        Reply::Bytes {
            bytes: table.len() as u64
        }
    );
    assert_eq!(bytes, table);
    assert_eq!(
        ask(socket, &fetch("out_a", Part::Report), &[]).await.1,
        BODY
    );
    for part in [Part::Treated, Part::Reviewed] {
        let (reply, _) = ask(socket, &fetch("out_a", part), &[]).await;
        assert_eq!(no(&reply).code, RefusedCode::NotPermitted);
    }
    // Checked: nothing more is kept.
    let (reply, _) = ask(socket, &keep("job_ca", Part::Treated), &[b"x", b""]).await;
    assert!(
        no(&reply).message.contains("while the output is checked"),
        "{reply:?}"
    );

    world
        .change::<Output>("out_a", |o| {
            o.submit(governance::output::Rendering::Exact, &id("per_a"), at)
        })
        .await;
    let (_, bytes) = ask(socket, &fetch("out_a", Part::Reviewed), &[]).await;
    assert_eq!(bytes, table);

    // Another project's output whose record names this one's file, or other bytes under its own name.
    let other = kept(
        ask(socket, &keep("job_cb", Part::Exact), &[b"b", b""])
            .await
            .0,
    );
    let mut lie = checked;
    lie.exact.name = other.name;
    world
        .change::<Output>("out_b", |o| o.complete_check(lie, at))
        .await;
    for part in [Part::Exact, Part::Report] {
        let (reply, bytes) = ask(socket, &fetch("out_b", part), &[]).await;
        assert!(matches!(reply, Reply::Refused(_)), "{part:?}");
        assert!(bytes.is_empty());
    }
    let sealed = world.rooms().join("sealed").join(&exact.name);
    let mut bytes = std::fs::read(&sealed).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&sealed, bytes).unwrap();
    let (reply, bytes) = ask(socket, &fetch("out_a", Part::Reviewed), &[]).await;
    assert_eq!(no(&reply).code, RefusedCode::Internal);
    assert!(bytes.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn hello_says_who_answers_and_nonsense_is_not_answered() {
    let open = open().await;
    let socket = &open.socket;
    let (reply, _) = ask(socket, &Request::Hello, &[]).await;
    let Reply::Hello {
        build,
        vkey,
        manifest_vkey,
    } = reply
    else {
        panic!("hello");
    };
    assert_eq!(build, protocol::build_id());
    assert!(vkey.starts_with("strongroom.example/test+"));
    assert!(manifest_vkey.starts_with("strongroom.example/test/manifest+"));
    for nonsense in [&b"{}"[..], b"", b"{\"ask\":\"shell\"}", &[0xff; 64]] {
        let mut stream = UnixStream::connect(socket).await.unwrap();
        piece(&mut stream, nonsense).await.unwrap();
        assert_eq!(hear(&mut stream).await, None);
    }
    let (reply, _) = ask(socket, &Request::SignCheckpoint, &[]).await;
    assert!(matches!(reply, Reply::Signed { .. }));

    // A second keeper at the same folder does not start.
    let second = serve(
        config(open.world.dir.path(), &open.world.time),
        std::future::pending(),
    );
    assert!(matches!(second.await, Err(KeeperError::Vault(_))));

    // One that was killed leaves its socket; the next replaces it, and deletes what no record names.
    open.served.abort();
    let _ = open.served.await;
    assert!(socket.exists());
    let rooms = open.world.rooms();
    for name in [
        "del_stays.payload.job_l9",
        "ext_a.extract.job_e1",
        "out_b.exact.job_e1",
        "out_b.report.job_l9",
        "note",
    ] {
        std::fs::write(rooms.join("sealed").join(name), b"x").unwrap();
    }
    queue_load(&open.world, "job_l9", "del_u").await;
    std::fs::write(rooms.join("uploads/job_l9"), b"x").unwrap();
    open.world.pass(4000);
    let (close, closed) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(
        config(open.world.dir.path(), &open.world.time),
        async {
            let _ = closed.await;
        },
    ));
    let mut answered = None;
    for _ in 0..500 {
        if let Ok(stream) = UnixStream::connect(socket).await {
            answered = Some(stream);
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert!(answered.is_some());
    drop(answered);
    let left = crate::rooms::names(&rooms.join("sealed")).unwrap();
    // The job of the first is over and no record names it; the second is the record's; the third's output is
    // still staged; the fourth is none of ours. `job_e1` was never queued, so its file is not judged.
    assert_eq!(left, ["ext_a.extract.job_e1", "note", "out_b.exact.job_e1"]);
    assert_eq!(count(&rooms.join("uploads")), 0);
    close.send(()).unwrap();
    served.await.unwrap().unwrap();
    assert_eq!(open.world.get::<Output>("out_b").await.state(), "staged");
}
