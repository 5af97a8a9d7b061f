//! Limits of the front office and of the keeper's workers, and the range of each: one outside it would lock
//! everybody out, or bound nothing.

use std::ops::RangeInclusive;

use governance::indexing::review::PAIRS_MAX;
use governance::recovery::MINUTES_MAX;
use serde::Deserialize;

use crate::error::ServiceError;

/// Limits of the front office and of the keeper's workers (`policies/limits.toml`).
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FrontLimits {
    /// Most bytes of a delivered file, in MiB.
    pub delivery_mib: u64,
    /// Most bytes of one statement.
    pub statement_bytes: usize,
    /// Most bytes of an application, a context or a comment.
    pub document_bytes: usize,
    /// Seconds for which a query or check runs.
    pub query_s: i64,
    /// Seconds until a load, index or extract job must be done.
    pub job_s: i64,
    /// Most queries, checks and measurements that run at once; others wait in a queue.
    pub statements_at_once: u32,
    /// Most of them that run or wait.
    pub statements_asked: u32,
    /// Seconds for which a query or check waits in the queue.
    pub queue_s: i64,
    /// Most of one project's that run at once.
    pub project_at_once: u32,
    /// Most of one project's that run or wait.
    pub project_asked: u32,
    /// Most of one project's that are asked in any minute.
    pub project_per_minute: u32,
    /// Most loads, indexings and extracts that run at once.
    pub jobs_at_once: u32,
    /// Most spare workers.
    pub spares: i64,
    /// Most MiB of an extract for which a spare worker is kept.
    pub spare_mib: u64,
    /// Seconds after which a spare worker that nobody used is ended.
    pub spare_idle_s: i64,
    /// Connections of one desk that the keeper answers at once.
    pub keeper_connections: usize,
    /// Files of outputs that the keeper holds in memory at once.
    pub fetches_at_once: usize,
    /// Most MiB of what left and was shown that anything is compared with.
    pub register_mib: u64,
    /// Most MiB of it that screens of all projects may take.
    pub screens_mib: u64,
    /// Most MiB of it that screens of one project may take.
    pub project_screens_mib: u64,
    /// Most bytes of one request for differentially private statistics.
    pub request_bytes: usize,
    /// Most starts of the keeper in a minute.
    pub keeper_starts: usize,
    /// Most pairs of one clerical review.
    pub review_pairs: u32,
    /// Most entries of one page of a list.
    pub page: u32,
    /// Most entries of each part of a worklist.
    pub worklist: u32,
    /// Most comments on one application or one output.
    pub comments: u64,
    /// Minutes for which a recovery is open at most.
    pub recovery_minutes: u32,
    /// Seconds after which a recovery that nobody confirmed lapses.
    pub recovery_ask_s: i64,
    /// Failed attempts to sign in after which a name is locked.
    pub sign_in_failures: u32,
    /// Seconds for which it is locked.
    pub sign_in_lock_s: i64,
    /// Seconds without a request after which a session ends.
    pub session_idle_s: i64,
    /// Seconds after which a session ends whatever happens.
    pub session_s: i64,
    /// Seconds for which the one-time token of a new person is good.
    pub invitation_s: i64,
    /// Seconds for which a front holds a job that it runs, unless it says so again.
    pub lease_s: i64,
    /// Most tries at an indexing, an extract or a check that is interrupted.
    pub job_attempts: u32,
    /// Most requests of one visitor to the pages in a minute.
    pub requests_per_minute: u32,
    /// Most attempts to sign in, by everybody together, in a minute.
    pub sign_ins_per_minute: u32,
}

const MINUTE: u64 = 60;
const DAY: u64 = 24 * 60 * MINUTE;

impl FrontLimits {
    /// Every limit with its range.
    fn ranges(&self) -> Vec<(&'static str, i128, RangeInclusive<u64>)> {
        [&self.at_the_front()[..], &self.of_workers()[..]].concat()
    }

    /// Those of the keeper and its workers. Of a desk's connections at least 32 are left for what does not wait
    /// in the queue.
    fn of_workers(&self) -> [(&'static str, i128, RangeInclusive<u64>); 16] {
        [
            (
                "keeper_connections",
                wide(self.keeper_connections),
                128..=4_096,
            ),
            ("fetches_at_once", wide(self.fetches_at_once), 1..=64),
            ("register_mib", self.register_mib.into(), 1..=1 << 20),
            ("screens_mib", self.screens_mib.into(), 1..=1 << 20),
            (
                "project_screens_mib",
                self.project_screens_mib.into(),
                1..=1 << 20,
            ),
            ("request_bytes", wide(self.request_bytes), 1 << 10..=1 << 20),
            ("statements_at_once", self.statements_at_once.into(), 1..=64),
            ("statements_asked", self.statements_asked.into(), 1..=96),
            ("queue_s", self.queue_s.into(), 1..=DAY),
            ("project_at_once", self.project_at_once.into(), 1..=64),
            ("project_asked", self.project_asked.into(), 1..=96),
            (
                "project_per_minute",
                self.project_per_minute.into(),
                1..=store::LIST_MAX.into(),
            ),
            ("jobs_at_once", self.jobs_at_once.into(), 1..=16),
            ("spares", self.spares.into(), 0..=64),
            ("spare_mib", self.spare_mib.into(), 1..=1 << 20),
            ("spare_idle_s", self.spare_idle_s.into(), 10..=DAY),
        ]
    }

    fn at_the_front(&self) -> [(&'static str, i128, RangeInclusive<u64>); 21] {
        let list = u64::from(store::LIST_MAX);
        [
            ("delivery_mib", self.delivery_mib.into(), 1..=1 << 20),
            ("statement_bytes", wide(self.statement_bytes), 1..=1 << 20),
            (
                "document_bytes",
                wide(self.document_bytes),
                1 << 10..=2 << 20,
            ),
            ("query_s", self.query_s.into(), 1..=DAY),
            ("job_s", self.job_s.into(), 1..=7 * DAY),
            ("keeper_starts", wide(self.keeper_starts), 1..=1_000),
            (
                "review_pairs",
                self.review_pairs.into(),
                1..=u64::from(PAIRS_MAX),
            ),
            ("page", self.page.into(), 1..=list),
            ("worklist", self.worklist.into(), 1..=list),
            ("comments", self.comments.into(), 1..=list),
            (
                "recovery_minutes",
                self.recovery_minutes.into(),
                1..=u64::from(MINUTES_MAX),
            ),
            (
                "recovery_ask_s",
                self.recovery_ask_s.into(),
                MINUTE..=7 * DAY,
            ),
            ("sign_in_failures", self.sign_in_failures.into(), 1..=100),
            ("sign_in_lock_s", self.sign_in_lock_s.into(), 1..=DAY),
            ("session_idle_s", self.session_idle_s.into(), MINUTE..=DAY),
            ("session_s", self.session_s.into(), MINUTE..=7 * DAY),
            (
                "invitation_s",
                self.invitation_s.into(),
                MINUTE..=10 * 366 * DAY,
            ),
            ("lease_s", self.lease_s.into(), 3..=60 * MINUTE),
            ("job_attempts", self.job_attempts.into(), 1..=100),
            (
                "requests_per_minute",
                self.requests_per_minute.into(),
                10..=10_000_000,
            ),
            (
                "sign_ins_per_minute",
                self.sign_ins_per_minute.into(),
                1..=100_000,
            ),
        ]
    }

    /// Whether every limit is in its range.
    ///
    /// # Errors
    /// The first that is not, with its range.
    pub(crate) fn check(&self) -> Result<(), ServiceError> {
        for (name, value, range) in self.ranges() {
            let (least, most) = (*range.start(), *range.end());
            if value < i128::from(least) || value > i128::from(most) {
                return Err(ServiceError::Policy(format!(
                    "policies/limits.toml cannot be used: {name} is from {least} to {most}, not {value}"
                )));
            }
        }
        Ok(())
    }
}

fn wide(n: usize) -> i128 {
    i128::try_from(n).unwrap_or(i128::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../policies/limits.toml");

    /// The shipped file with one limit changed.
    fn with(name: &str, value: i64) -> FrontLimits {
        let change = |line: &str| match line.split_once(" = ") {
            Some((key, _)) if key == name => format!("{name} = {value}"),
            _ => line.to_owned(),
        };
        let text: Vec<String> = SHIPPED.lines().map(change).collect();
        toml::from_str(&text.join("\n")).unwrap()
    }

    #[test]
    fn every_limit_has_a_range_and_nothing_outside_it_is_taken() {
        let shipped: FrontLimits = toml::from_str(SHIPPED).unwrap();
        shipped.check().unwrap();
        let keys = SHIPPED.lines().filter_map(|line| line.split_once(" = "));
        let keys: Vec<&str> = keys.map(|(key, _)| key).collect();
        assert_eq!(keys.len(), shipped.ranges().len());
        for (name, _, range) in shipped.ranges() {
            assert!(keys.contains(&name), "{name}");
            let (least, most) = (*range.start() as i64, *range.end() as i64);
            for good in [least, most] {
                with(name, good).check().unwrap();
            }
            for bad in [least - 1, most + 1] {
                let why = with(name, bad).check().unwrap_err().to_string();
                assert!(
                    why.ends_with(&format!("{name} is from {least} to {most}, not {bad}")),
                    "{why}"
                );
            }
        }
    }
}
