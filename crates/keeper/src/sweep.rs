//! At the start and now and then: what no record names is deleted. A crash may leave files of jobs whose end
//! was never recorded.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use governance::delivery::{Delivery, SealedFile};
use governance::extract::Extract;
use governance::indexing::Indexing;
use governance::job::{Core, Job};
use governance::output::{KeptPeople, Output};
use governance::project::Project;
use governance::{Lifecycle, Timestamp};
use protocol::keeper::{Part, Refused};
use tokio::time::{MissedTickBehavior, interval};

use crate::books::Books;
use crate::error::{KeeperError, by_store};
use crate::outputs::recorded;
use crate::rooms::{AGAIN_PREFIX, Rooms, names, remove};
use crate::server::Keeper;

/// How often what no record names is looked for.
const SWEEP: Duration = Duration::from_secs(60);
/// How long after its deadline a job that is still queued is over.
const GRACE: Duration = Duration::from_secs(60);

/// How long a file that belongs to no job waits for its record.
const FRESH: Duration = Duration::from_secs(600);

/// Whether a file goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stays,
    Goes,
}

/// Deletes now and then what no record names: files of jobs whose end the front could not record.
pub(crate) async fn sweeping(keeper: Arc<Keeper>) {
    let mut beat = interval(SWEEP);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first tick comes at once, and the start has swept.
    beat.tick().await;
    loop {
        tokio::select! {
            () = keeper.closing() => return,
            _ = beat.tick() => {}
        }
        let Ok(now) = keeper.now() else { continue };
        if let Err(error) = sweep(&keeper.rooms, &keeper.books, now).await {
            tracing::warn!(error = %error, "left-over files could not be looked for");
        }
    }
}

/// Deletes what is left over; gives how many files. What cannot be decided stays.
pub(crate) async fn sweep(
    rooms: &Rooms,
    books: &Books,
    now: Timestamp,
) -> Result<usize, KeeperError> {
    let mut gone = 0;
    for name in names(&rooms.sealed).map_err(KeeperError::folder(&rooms.sealed))? {
        if is_fresh(&rooms.sealed.join(&name)) {
            continue;
        }
        if of_sealed(books, &name, now).await == Ok(Fate::Goes) {
            remove(&rooms.sealed, &name);
            gone += 1;
        }
    }
    for name in names(&rooms.uploads).map_err(KeeperError::folder(&rooms.uploads))? {
        if has_ended(books, &name, now).await == Ok(Fate::Goes) {
            remove(&rooms.uploads, &name);
            gone += 1;
        }
    }
    for name in names(&rooms.ran).map_err(KeeperError::folder(&rooms.ran))? {
        if may_run(books, &name, now).await == Ok(Fate::Goes) {
            remove(&rooms.ran, &name);
        }
    }
    Ok(gone)
}

async fn find<S: Lifecycle>(books: &Books, id: &str) -> Result<Option<S>, Refused> {
    let held = books.store.load::<S>(id).await.map_err(by_store)?;
    Ok(held.map(|held| held.value))
}

/// A delivered file stays while its job may still run: queued, and in time.
async fn has_ended(books: &Books, job: &str, now: Timestamp) -> Result<Fate, Refused> {
    Ok(match find::<Job>(books, job).await? {
        Some(Job::Queued { core }) if !is_over(&core, now) => Fate::Stays,
        None => Fate::Stays,
        Some(_) => Fate::Goes,
    })
}

/// Whether a queued job's time is over for sure: its desk may record an end that it computed just in time.
fn is_over(core: &Core, now: Timestamp) -> bool {
    core.deadline
        .checked_add(GRACE)
        .is_ok_and(|over| now > over)
}

/// The mark of a job stays until its deadline, also once the job has ended: a store that tells an old state
/// again must not have it run twice. That of a queued job stays whatever the clock says: set right, it might let
/// the job run again. A job that the store does not know is none of ours to judge.
async fn may_run(books: &Books, job: &str, now: Timestamp) -> Result<Fate, Refused> {
    Ok(match find::<Job>(books, job).await? {
        Some(Job::Queued { .. }) | None => Fate::Stays,
        Some(job) if now > job.core().deadline => Fate::Goes,
        Some(_) => Fate::Stays,
    })
}

async fn of_sealed(books: &Books, name: &str, now: Timestamp) -> Result<Fate, Refused> {
    let mut parts = name.split('.');
    let (Some(object), Some(_), job, None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(Fate::Stays);
    };
    let named = |recorded: Option<&str>| match recorded {
        Some(recorded) if recorded == name => Fate::Stays,
        Some(_) | None => Fate::Goes,
    };
    // What a later comparison made belongs to no job.
    if let Some(job) = job.filter(|job| !job.starts_with(AGAIN_PREFIX))
        && !matches!(find::<Job>(books, job).await?, Some(ended) if ended.state() != "queued" || is_over(ended.core(), now))
    {
        return Ok(Fate::Stays);
    }
    let fates: Vec<Fate> = match object.split('_').next() {
        Some("del") => match find::<Delivery>(books, object).await? {
            None => return Ok(Fate::Stays),
            Some(delivery) => {
                let kept = delivery.identifiers();
                let payload = delivery.payload();
                [
                    kept.map(|k| k.file.name.as_str()),
                    kept.map(|k| k.records_file.name.as_str()),
                    payload.map(|p| p.file.name.as_str()),
                    payload.and_then(|p| p.events_file.as_ref().map(|f| f.name.as_str())),
                ]
                .map(named)
                .to_vec()
            }
        },
        Some("idx") => match find::<Indexing>(books, object).await? {
            None => return Ok(Fate::Stays),
            // Table and model of a kept run stay beside its links: they carry the same job.
            Some(Indexing::Indexed { links, .. }) => {
                let same = links.name.rsplit('.').next() == job;
                vec![if same { Fate::Stays } else { Fate::Goes }]
            }
            // Until everything is settled and linked there is nothing but the pairs to judge.
            Some(Indexing::UnderReview { review, .. } | Indexing::Settled { review, .. }) => {
                vec![named(Some(review.pairs.name.as_str()))]
            }
            Some(Indexing::Ordered { .. } | Indexing::Failed { .. }) => vec![Fate::Goes],
        },
        Some("ext") => match find::<Extract>(books, object).await? {
            None => return Ok(Fate::Stays),
            Some(Extract::Sealed { file, .. }) => vec![named(Some(file.name.as_str()))],
            Some(Extract::Ordered { .. } | Extract::Destroyed { .. } | Extract::Failed { .. }) => {
                vec![Fate::Goes]
            }
        },
        Some("out") => match find::<Output>(books, object).await? {
            None => return Ok(Fate::Stays),
            Some(output) => {
                let parts = [Part::Exact, Part::Treated, Part::Report, Part::Reviewed];
                let parts = parts.map(|part| kept(&output, part).map(|f| f.name.as_str()));
                let people = people(books, &output).await?;
                let people = people.map(|kept| kept.file.name.as_str());
                parts.into_iter().chain([people]).map(named).collect()
            }
        },
        // Who is behind the cells of a screen: until these are judged, and for good if it showed something new.
        Some("wsp") => {
            let job = match job {
                Some(job) => find::<Job>(books, job).await?,
                None => None,
            };
            let shown = job.as_ref().and_then(Job::shown);
            vec![named(shown.map(|shown| shown.people.file.name.as_str()))]
        }
        Some(_) | None => return Ok(Fate::Stays),
    };
    Ok(if fates.contains(&Fate::Stays) {
        Fate::Stays
    } else {
        Fate::Goes
    })
}

/// Whether a file that belongs to no job was made just now: its record may be on its way.
fn is_fresh(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    let is_again = name.is_some_and(|name| name.contains(&format!(".{AGAIN_PREFIX}")));
    let modified = path.metadata().and_then(|found| found.modified());
    let age = modified.ok().and_then(|at| at.elapsed().ok());
    is_again && age.is_none_or(|age| age < FRESH)
}

/// Who is behind the cells of an output: of what left for good, of what may leave until its project is destroyed.
async fn people<'o>(books: &Books, output: &'o Output) -> Result<Option<&'o KeptPeople>, Refused> {
    let kept = output.kept_people();
    if kept.is_none() || output.has_left() {
        return Ok(kept);
    }
    let project = find::<Project>(books, output.core().project.as_str()).await?;
    let is_gone = project.is_some_and(|project| project.state() == "destroyed");
    Ok(kept.filter(|_| !is_gone))
}

/// What is kept of an output: what its state gives out, and what was released also after its recall, as the
/// evidence of what left.
fn kept(output: &Output, part: Part) -> Option<&SealedFile> {
    match (output, part) {
        (Output::Recalled { file, .. }, Part::Reviewed) => Some(file),
        (output, part) => recorded(output, part),
    }
}
