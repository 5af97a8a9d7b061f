//! What a worker that mounts nothing can say of a request under differential privacy: its price, an answer for
//! practice over made-up tables, and an audit of the measuring lane itself.

use protocol::frame::Up;
use protocol::job::{Job, Practice, PracticeTable, Price, SelfAudit};
use protocol::keeper::{Priced, Refused, RefusedCode};
use protocol::report::Report;
use sandbox::Running;

use crate::error::{by_sandbox, by_worker, internal, no};
use crate::server::Keeper;

/// Most tables of a practice.
const TABLES_MAX: usize = 16;

impl Keeper {
    /// Has a request priced.
    ///
    /// # Errors
    /// If the request cannot be read or priced, or no worker can be sealed.
    pub(crate) async fn price(&self, request: String) -> Result<Priced, Refused> {
        self.fits(&request)?;
        let job = Job::Price(Price {
            request,
            limits: self.request_limits.clone(),
        });
        match self.unmounted(job, &self.query_profile, hear).await? {
            Report::Price {
                request_sha256,
                tables,
                nano_rho,
                atto_delta,
                price,
            } => Ok(Priced {
                request_sha256,
                tables,
                nano_rho,
                atto_delta,
                price,
            }),
            _ => Err(strange()),
        }
    }

    /// Has a request answered over made-up tables.
    ///
    /// # Errors
    /// As [`Keeper::price`]; if the request names what no table has.
    pub(crate) async fn practise(
        &self,
        request: String,
        tables: Vec<PracticeTable>,
    ) -> Result<String, Refused> {
        self.fits(&request)?;
        if tables.len() > TABLES_MAX {
            return Err(no(
                RefusedCode::Limit,
                format!("a practice has at most {TABLES_MAX} tables"),
            ));
        }
        let job = Job::Practice(Practice {
            request,
            limits: self.request_limits.clone(),
            tables,
        });
        match self.unmounted(job, &self.query_profile, hear).await? {
            Report::Practice { answer } => Ok(answer),
            _ => Err(strange()),
        }
    }

    /// Has the measuring lane audited over made-up neighbours.
    ///
    /// # Errors
    /// If no worker can be sealed, or the number of draws is out of range.
    pub(crate) async fn self_audit(&self, draws: u32) -> Result<(bool, String), Refused> {
        let job = Job::SelfAudit(SelfAudit {
            draws,
            limits: self.request_limits.clone(),
        });
        match self.unmounted(job, &self.job_profile, hear).await? {
            Report::SelfAudit { holds, findings } => Ok((holds, findings)),
            _ => Err(strange()),
        }
    }

    fn fits(&self, request: &str) -> Result<(), Refused> {
        let most = self.capacity.request_bytes;
        if request.len() <= most {
            return Ok(());
        }
        Err(no(
            RefusedCode::Limit,
            format!("a request has at most {most} bytes (request_bytes in policies/limits.toml)"),
        ))
    }
}

fn strange() -> Refused {
    internal("the worker did not send what its job makes")
}

fn hear(running: &mut Running) -> Result<Report, Refused> {
    let mut report = None;
    while let Some(up) = running.next().map_err(by_sandbox)? {
        match up {
            Up::Progress(_) => {}
            Up::Report(done) => report = Some(done),
            Up::Failed(failure) => return Err(by_worker(failure)),
            _ => return Err(strange()),
        }
    }
    report.ok_or_else(strange)
}
