//! The price of a request under differential privacy: a worker that mounts nothing says it from the request
//! alone.

use protocol::frame::Up;
use protocol::job::{Job, Order, Price};
use protocol::keeper::{Priced, Refused, RefusedCode};
use protocol::report::Report;
use sandbox::Launch;

use crate::error::{by_sandbox, by_worker, internal, no};
use crate::server::Keeper;

/// Most bytes of a request.
const REQUEST_BYTES_MAX: usize = 1 << 20;

impl Keeper {
    /// Has a request priced. It takes the place of a query, so that asking often does not start workers
    /// without end.
    ///
    /// # Errors
    /// If the request cannot be read or priced, or no worker can be sealed.
    pub(crate) async fn price(&self, request: String) -> Result<Priced, Refused> {
        if request.len() > REQUEST_BYTES_MAX {
            return Err(no(
                RefusedCode::Limit,
                format!("a request has at most {REQUEST_BYTES_MAX} bytes"),
            ));
        }
        let _place = self.query_places.enter(None, |_| {}).await;
        let launch = Launch {
            worker: self.worker.clone(),
            order: Order {
                job: Job::Price(Price {
                    request,
                    limits: self.request_limits.clone(),
                }),
                limits: self.query_profile.limits.clone(),
            },
            inputs: Vec::new(),
            profile: self.query_profile.clone(),
        };
        let pricing = tokio::task::spawn_blocking(move || hear(launch));
        tokio::select! {
            priced = pricing => priced.map_err(|_| internal("the request could not be priced"))?,
            () = self.closing() => Err(internal("the keeper is closing")),
        }
    }
}

fn hear(launch: Launch) -> Result<Priced, Refused> {
    let strange = || internal("the worker did not send what its job makes");
    let mut running = sandbox::spawn(launch).map_err(by_sandbox)?;
    let mut priced = None;
    while let Some(up) = running.next().map_err(by_sandbox)? {
        match up {
            Up::Progress(_) => {}
            Up::Report(Report::Price {
                request_sha256,
                tables,
                nano_rho,
                atto_delta,
                price,
            }) => {
                priced = Some(Priced {
                    request_sha256,
                    tables,
                    nano_rho,
                    atto_delta,
                    price,
                });
            }
            Up::Failed(failure) => return Err(by_worker(failure)),
            _ => return Err(strange()),
        }
    }
    priced.ok_or_else(strange)
}
