//! Two sockets: indexing is asked for at one, everything else at the other, each by its own user.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use protocol::keeper::{Part, RefusedCode, Reply, Request};
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::doors::{ask, no, open};
use super::lies::index;
use super::{World, config, query};
use crate::serve;

fn run(job: &str) -> Request {
    Request::Run { job: job.into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_research_desk_cannot_have_records_linked_and_the_indexing_desk_nothing_else() {
    let open = open().await;
    let world = &open.world;
    let ours = world.under("prj_a").await;
    world.queue("job_i", index("idx_a2"), ours.clone()).await;
    world.queue("job_q", query(), ours).await;
    let (reply, _) = ask(&open.socket, &run("job_i"), &[]).await;
    assert_eq!(no(&reply).code, RefusedCode::NotPermitted);
    assert!(
        no(&reply).message.contains("indexing desk only"),
        "{reply:?}"
    );
    let (reply, _) = ask(&open.indexing, &run("job_q"), &[]).await;
    assert!(no(&reply).message.contains("indexing only"), "{reply:?}");
    for request in [
        Request::Upload {
            job: "job_u".into(),
        },
        Request::Keep {
            job: "job_q".into(),
            part: Part::Exact,
        },
        Request::Fetch {
            output: "out_a".into(),
            part: Part::Reviewed,
        },
        Request::SignManifest {
            project: "prj_a".into(),
        },
        Request::SignCheckpoint,
        Request::Posture,
        Request::Destroy {
            project: "prj_a".into(),
        },
    ] {
        let (reply, _) = ask(&open.indexing, &request, &[]).await;
        assert!(
            no(&reply).message.contains("indexing only"),
            "{request:?}: {reply:?}"
        );
    }
    // Neither refusal used the job up: at its own socket it is let through, up to the worker, which is no program
    // here, or the file, which this rehearsal does not have.
    for (socket, job) in [(&open.indexing, "job_i"), (&open.socket, "job_q")] {
        let (reply, _) = ask(socket, &run(job), &[]).await;
        let message = &no(&reply).message;
        assert!(
            !message.contains("desk") && !message.contains("started before"),
            "{message}"
        );
    }
    let (reply, _) = ask(&open.indexing, &Request::Hello, &[]).await;
    assert!(matches!(reply, Reply::Hello { .. }));
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_else_at_a_desks_socket_is_not_answered() {
    let World {
        dir, keeper, time, ..
    } = World::honest().await;
    drop(keeper);
    let mut config = config(dir.path(), &time);
    let me = std::fs::metadata(dir.path()).unwrap().uid();
    config.research.peer = Some(me);
    config.indexing.peer = Some(me + 1);
    let (research, indexing) = (config.research.path.clone(), config.indexing.path.clone());
    let (close, closed) = oneshot::channel::<()>();
    let served = tokio::spawn(serve(config, async {
        let _ = closed.await;
    }));
    while !indexing.exists() {
        assert!(!served.is_finished(), "the keeper serves");
        tokio::task::yield_now().await;
    }
    assert_eq!(
        std::fs::metadata(&research).unwrap().permissions().mode() & 0o777,
        0o660
    );
    let (reply, _) = ask(&research, &Request::Hello, &[]).await;
    assert!(matches!(reply, Reply::Hello { .. }));
    let mut stream = UnixStream::connect(&indexing).await.unwrap();
    let mut heard = Vec::new();
    // Closed, with or without a reset; either way not a byte.
    let _ = stream.read_to_end(&mut heard).await;
    assert_eq!(heard, b"");
    close.send(()).unwrap();
    served.await.unwrap().unwrap();
}
