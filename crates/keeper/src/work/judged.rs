//! What was gathered, judged by another worker, which sees neither rows nor identifiers.

use std::time::Instant;

use protocol::compare::{Behind, Goal, Judged, TABLES};
use protocol::frame::Up;
use protocol::job::Job;
use protocol::keeper::{ComparedWith, Cost, File, Outcome, Refused};
use protocol::report::Report;
use sandbox::Running;
use vault::Purpose;

use super::{Receiving, cost, start_over};
use crate::checks::{Judging, PEOPLE_WORD};
use crate::error::{by_sandbox, by_worker};
use crate::halt::Halt;
use crate::hear::{seal, strange};
use crate::plan::LISTED_WORD;
use crate::rooms::remove;
use crate::seal::{Room, Sealed};

/// What the worker that judges said.
struct Said {
    judged: Judged,
    behind: Behind,
    /// Who is behind the cells, sealed under their spine.
    people: Option<(String, File)>,
}

impl Receiving<'_> {
    /// What the rules say of evidence, beside everything that left and was shown.
    pub(super) fn judged(
        &mut self,
        evidence: String,
        halt: &Halt,
        spent: &mut Cost,
    ) -> Result<Outcome, Refused> {
        let Job::Check(_) = &self.warrant.order else {
            return Err(strange());
        };
        let listed = self.files.remove(LISTED_WORD).map(|file| Sealed {
            room: Room::Sealed,
            name: file.name,
            owner: self.plan.owner.clone(),
            purpose: self.plan.purpose,
            record: Some((file.sha256, file.bytes)),
        });
        let judging = (self.tools.judging)()?;
        let begun = Instant::now();
        let mounts = judging.mounts(evidence, listed.clone());
        let inputs = mounts.open(self.tools.custody, self.tools.rooms, halt)?;
        let order = Job::Judge(judging.order.clone());
        let mut running = start_over(self.tools, &self.tools.judge, order, inputs)?;
        halt.over(running.killer());
        self.tools.tell.stage("judging");
        let said = self.hear_judged(&judging, &mut running)?;
        let more = cost(begun, &running);
        tracing::debug!(
            job = %self.warrant.job,
            wall_ms = more.wall_ms,
            cpu_ms = more.cpu_ms,
            entries = judging.before.entries.outputs.saturating_add(judging.before.entries.screens),
            "judged"
        );
        spent.wall_ms = spent.wall_ms.saturating_add(more.wall_ms);
        spent.cpu_ms = spent.cpu_ms.saturating_add(more.cpu_ms);
        spent.peak_kib = spent.peak_kib.max(more.peak_kib);
        if let Some(listed) = listed {
            remove(&self.tools.rooms.sealed, &listed.name);
        }
        Ok(Outcome::Judged {
            judged: said.judged,
            compared: ComparedWith {
                releases: judging.before.entries.outputs,
                screens: judging.before.entries.screens,
                unknown: judging.before.unknown,
                behind: said.behind,
                people: said.people,
            },
        })
    }

    /// Hears it out. What it says of the people must be what it sent of them.
    fn hear_judged(&mut self, judging: &Judging, running: &mut Running) -> Result<Said, Refused> {
        let (mut said, mut people) = (None, None);
        while let Some(up) = running.next().map_err(by_sandbox)? {
            match up {
                Up::Progress(progress) => self.tools.tell.worker(&progress),
                Up::FileStart { name } if name == TABLES && people.is_none() => {
                    let spine = judging.spine.as_ref().ok_or_else(strange)?;
                    let name = self.name(PEOPLE_WORD);
                    let secret = self.tools.custody.make(spine.as_str(), Purpose::Output)?;
                    let file = seal(running, &self.tools.rooms.sealed, &name, &secret)?;
                    self.made.add(&name);
                    people = Some((spine.to_string(), file));
                }
                Up::Report(Report::Judge { judged, behind }) => said = Some((judged, behind)),
                Up::Failed(failure) => return Err(by_worker(failure)),
                _ => return Err(strange()),
            }
        }
        let (judged, behind) = said.ok_or_else(strange)?;
        match (judging.order.beside.goal, behind) {
            (Goal::Output | Goal::Screen, Behind::Sent) if people.is_some() => {}
            (Goal::Output | Goal::Screen, Behind::Unknown) | (Goal::Screen, Behind::Known)
                if people.is_none() => {}
            (Goal::Output | Goal::Screen, Behind::Sent | Behind::Unknown | Behind::Known) => {
                return Err(strange());
            }
        }
        Ok(Said {
            judged,
            behind,
            people,
        })
    }
}
