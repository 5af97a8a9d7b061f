//! What a link job makes: links that the keeper keys, or the pairs that people judge before there are any.

use std::fs::File as Disk;
use std::io::{self, Read};

use protocol::job::{Job, ReviewStage};
use protocol::keeper::{File, Outcome, Refused};
use protocol::report::Report;
use vault::{PseudonymKey, Purpose, SealWriter, seal_file_atomically, stream_pseudonymise};

use super::Receiving;
use crate::error::{by_vault, internal};
use crate::halt::Halt;
use crate::hear::strange;
use crate::mounts::person_key;
use crate::seal::{Room, Sealed, file};

impl Receiving<'_> {
    /// Records that were linked, with their links keyed; or pairs to judge and no link.
    pub(super) fn indexed(&mut self, report: Report, halt: &Halt) -> Result<Outcome, Refused> {
        let Job::Link(order) = &self.warrant.order else {
            return Err(strange());
        };
        let came: Vec<&str> = self.files.keys().copied().collect();
        let linked = came == ["links", "links-table", "model"];
        match (report, &order.review) {
            (Report::Pairs { pairs, records }, ReviewStage::Choose { pairs: most })
                if came == ["pairs"] && (1..=*most).contains(&pairs) =>
            {
                let file = self.take("pairs")?;
                Ok(Outcome::Pairs {
                    file,
                    pairs,
                    records,
                })
            }
            (
                Report::Link {
                    records,
                    linked: by_step,
                    objected,
                    withheld,
                    detail,
                    review,
                    ..
                },
                stage,
            ) if linked && review.is_some() == (*stage != ReviewStage::None) => {
                let links = self.take("links")?;
                let map = self.key_links(&links, halt)?;
                Ok(Outcome::Index {
                    links,
                    map,
                    records,
                    linked: by_step,
                    withheld,
                    objected,
                    detail,
                    review,
                })
            }
            _ => Err(strange()),
        }
    }

    /// Streams record-to-spine into record-to-pseudonym: fixed width, no parser, no payload.
    fn key_links(&mut self, links: &File, halt: &Halt) -> Result<File, Refused> {
        let project = self.plan.owner.clone();
        let reader = Sealed {
            room: Room::Sealed,
            name: links.name.clone(),
            owner: project.clone(),
            purpose: Purpose::Linkage,
            record: Some((links.sha256.clone(), links.bytes)),
        }
        .open(
            self.tools.custody,
            &self.tools.rooms.uploads,
            &self.tools.rooms.sealed,
            halt,
        )?;
        let id = project
            .parse()
            .map_err(|_| internal("the job has no project"))?;
        let key = person_key(self.tools.custody, &id)?;
        let seal = self.tools.custody.make(&project, Purpose::Extract)?;
        let name = self.name("map");
        let info = seal_file_atomically(&self.tools.rooms.sealed, &name, &seal, |out| {
            key_all(reader, out, &key)
        })
        .map_err(by_vault)?;
        self.made.add(&name);
        Ok(file(&name, &info))
    }
}

fn key_all(reader: impl Read, out: &mut SealWriter<&Disk>, key: &PseudonymKey) -> io::Result<()> {
    stream_pseudonymise(reader, out, key)
        .map(drop)
        .map_err(io::Error::other)
}
