//! Labels that were found in data: on whose list they are, and who decides.

use governance::measure::{Caps, Loss, Measurement};
use governance::{Lifecycle, MeasurementId};

use super::rooms::hash;
use super::{House, denied};
use crate::Clock;

const PRICE: Loss = Loss {
    nano_rho: 1_000_000,
    atto_delta: 1_000,
};

impl House {
    /// An answer of Ada's that found its groups in the data.
    async fn drawn(&self) -> MeasurementId {
        self.opened_budget_with(Caps {
            people: PRICE,
            project: PRICE,
            researcher: PRICE,
            projects: [].into(),
        })
        .await;
        let held = self.reserved_at(PRICE).await;
        self.runs(&held).await;
        let (job, at) = ("job_9".parse().unwrap(), self.clock.now());
        self.step::<Measurement>(held.id(), |m| m.hold(&job, hash('9'), &[].into(), at))
            .await;
        held.core().id.clone()
    }

    /// Whether it needs somebody, waits for others, or is in the queue, for one person.
    async fn lists(&self, who: &str, id: &MeasurementId) -> (bool, bool, bool) {
        let list = self.list(who).await;
        let within = |items: &[crate::Item]| items.iter().any(|item| item.id == id.as_str());
        let caller = self.caller(who).await;
        let queue = self.service.labels_queue(&caller, None).await.unwrap();
        (
            within(&list.needs_you),
            within(&list.waiting),
            queue.contains(id),
        )
    }
}

#[tokio::test]
async fn labels_wait_on_the_lists_of_output_checkers_until_one_of_them_has_looked() {
    let house = House::open().await;
    let id = house.drawn().await;
    for (who, expected) in [
        ("kit", (true, false, true)),
        ("kay", (true, false, true)),
        ("ada", (false, true, false)),
        ("bo", (false, false, false)),
        ("controller", (false, false, false)),
        ("steward", (false, false, false)),
        ("administrator", (false, false, false)),
        ("auditor", (false, false, false)),
    ] {
        assert_eq!(house.lists(who, &id).await, expected, "{who}");
    }
    let service = &house.service;
    for who in ["ada", "bo", "controller", "administrator", "auditor"] {
        let caller = house.caller(who).await;
        denied(service.release_labels(&caller, &id, &hash('9')).await);
        denied(service.withhold_labels(&caller, &id, "no").await);
    }
    let kit = house.caller("kit").await;
    service.release_labels(&kit, &id, &hash('9')).await.unwrap();
    for who in ["kit", "kay", "ada"] {
        assert_eq!(house.lists(who, &id).await, (false, false, false), "{who}");
    }
}
