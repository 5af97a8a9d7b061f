//! The two doors: which desk may ask what.

use protocol::keeper::{Door, Refused, Request};

use crate::error::not_permitted;

/// What a desk may ask at all; which jobs it may have run is asked of the job itself.
pub(crate) fn may_ask(door: Door, request: &Request) -> Result<(), Refused> {
    match (door, request) {
        (Door::Research, Request::Pairs { .. }) => Err(not_permitted(
            "pairs of records are judged at the indexing desk only",
        )),
        (Door::Research, _)
        | (
            Door::Indexing,
            Request::Hello | Request::Run { .. } | Request::Pairs { .. } | Request::Refusals { .. },
        ) => Ok(()),
        (
            Door::Indexing,
            Request::Upload { .. }
            | Request::Keep { .. }
            | Request::Fetch { .. }
            | Request::SignManifest { .. }
            | Request::SignCheckpoint
            | Request::Price { .. }
            | Request::Dummy { .. }
            | Request::Practise { .. }
            | Request::SelfAudit { .. }
            | Request::Compare { .. }
            | Request::Attack
            | Request::Posture
            | Request::Destroy { .. },
        ) => Err(not_permitted("the indexing desk asks for indexing only")),
    }
}
