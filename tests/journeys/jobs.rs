//! Jobs as people follow them: how far one is, and its cancelling.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::haven::Haven;
use super::http::text;
use super::project;
use crate::kill::processes::{self, Victim};

/// A statement that outlasts any patience: every stay with every other, four times.
const LONG: &str = "select a.specialty, count(distinct a.person) as people from hospital_episodes a, \
     hospital_episodes b, hospital_episodes c, hospital_episodes d \
     where a.age_at_admission + b.age_at_admission + c.age_at_admission + d.age_at_admission > 3 \
     group by 1";

/// The one queued job that somebody may see, once its worker runs and it says how far it is.
fn running(haven: &Haven, who: &str) -> Value {
    let begun = Instant::now();
    loop {
        let jobs = haven.of(who).get("/v1/jobs").ok();
        if let Some(job) = jobs.as_array().unwrap().first()
            && job["progress"]["stage"].is_string()
            && processes::find(haven.pid(), Victim::Worker).is_some()
        {
            return job.clone();
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "no job: {jobs}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_job_is_followed_and_cancelled_by_who_asked_for_it() {
    let haven = Haven::start();
    let open = project::open(&haven);
    let path = format!("/v1/workspaces/{}/queries", open.workspace);
    std::thread::scope(|scope| {
        let asking = scope.spawn(|| haven.post("researcher", &path, &json!({ "sql": LONG })));
        let job = running(&haven, "researcher");
        assert_eq!(job["task"], "query");
        assert_eq!(job["state"], "queued");
        assert_eq!(job["attempt"], 1);
        assert_eq!(job["about"], *open.workspace);
        assert_eq!(job["asked_by"], *haven.id("researcher"));
        assert!(job["running_until"].is_string(), "{job}");
        let at = format!("/v1/jobs/{}", text(&job, "/job"));
        let cancel = format!("{at}/cancel");
        for other in ["colleague", "auditor", "administrator"] {
            haven.of(other).get(&at).no(403);
            haven.no(403, other, &cancel, &json!({}));
            assert_eq!(haven.of(other).get("/v1/jobs").ok(), json!([]));
        }
        assert_eq!(haven.of("steward").get(&at).ok()["job"], job["job"]);
        haven.yes("researcher", &cancel, &json!({}));
        let told = asking.join().unwrap().no(409);
        assert!(text(&told, "/message").contains("was cancelled"), "{told}");
        let job = haven.of("researcher").get(&at).ok();
        assert_eq!(job["state"], "cancelled");
        assert_eq!(job["running_until"], Value::Null);
        haven.no(409, "researcher", &cancel, &json!({}));
        assert_eq!(haven.of("researcher").get("/v1/jobs").ok(), json!([]));
    });
    let begun = Instant::now();
    while processes::find(haven.pid(), Victim::Worker).is_some() {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "the worker runs on"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    whoever_waits_is_told_their_number(&haven, &open.workspace);
}

/// Queued jobs once they stand so; each as its number in the queue, those that run as none.
fn queue(haven: &Haven, expected: &[Option<u64>]) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let jobs = haven.of("researcher").get("/v1/jobs").ok();
        let mut jobs = jobs.as_array().unwrap().clone();
        let number = |job: &Value| job["queue"].as_u64();
        jobs.sort_by_key(number);
        let told = jobs.iter().all(|job| job["progress"].is_object());
        if told && jobs.iter().map(number).eq(expected.iter().copied()) {
            return jobs;
        }
        let waited = begun.elapsed() < Duration::from_secs(60);
        assert!(waited, "not {expected:?}: {jobs:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// `project_at_once` statements run; those behind them are told where they stand, and move up.
fn whoever_waits_is_told_their_number(haven: &Haven, workspace: &str) {
    const RUNS: [Option<u64>; 4] = [None; 4];
    let path = format!("/v1/workspaces/{workspace}/queries");
    std::thread::scope(|scope| {
        let ask = || scope.spawn(|| haven.post("researcher", &path, &json!({ "sql": LONG })));
        let cancel = |job: &Value| {
            let at = format!("/v1/jobs/{}/cancel", text(job, "/job"));
            haven.yes("researcher", &at, &json!({}));
        };
        let mut asked: Vec<_> = RUNS.iter().map(|_| ask()).collect();
        queue(haven, &RUNS);
        asked.push(ask());
        queue(haven, &[&RUNS[..], &[Some(1)]].concat());
        asked.push(ask());
        let jobs = queue(haven, &[&RUNS[..], &[Some(1), Some(2)]].concat());
        let last = text(&jobs[5], "/job");
        cancel(&jobs[0]);
        let jobs = queue(haven, &[&RUNS[..], &[Some(1)]].concat());
        assert_eq!(
            text(&jobs[4], "/job"),
            last,
            "in the order in which they came"
        );
        for job in &jobs {
            cancel(job);
        }
        for asked in asked {
            asked.join().unwrap().no(409);
        }
    });
}
