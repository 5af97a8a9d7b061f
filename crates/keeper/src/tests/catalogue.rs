//! The people and datasets of the small safe haven, up to complete deliveries.

use std::collections::BTreeSet;

use governance::dataset::{Dataset, Dictionary};
use governance::delivery::Delivery;
use governance::person::{Person, Role};
use governance::{By, PersonId};

use super::{World, id, sealed};

impl World {
    pub(super) async fn people(&self) {
        for (name, role) in [
            ("per_a", Role::Researcher),
            ("per_b", Role::Researcher),
            ("per_coord", Role::Coordinator),
            ("per_ctl", Role::Controller),
            ("per_ids", Role::Provider),
            ("per_pay", Role::Provider),
            ("per_p1", Role::PanelMember),
            ("per_p2", Role::PanelMember),
            ("per_p3", Role::PanelMember),
            ("per_idx", Role::Indexer),
            ("per_std", Role::DataSteward),
        ] {
            let roles = BTreeSet::from([role]);
            let (name, at) = (id::<PersonId>(name), self.now());
            let added = Person::add(name.clone(), "N".into(), "O".into(), roles, &By::System, at);
            self.begin(added.unwrap()).await;
            if role == Role::Researcher {
                self.change::<Person>(name.as_str(), |person| {
                    let until = "2026-03-31".parse().unwrap();
                    let on = "2026-01-01".parse().unwrap();
                    person.record_standing(until, until, on, &id("per_coord"), at)
                })
                .await;
            }
        }
    }

    pub(super) async fn catalogue(&self) {
        let spine = r#"{"title": "Register", "table": "register", "purpose": "spine",
            "record": "upi", "identifiers": {"chi": "chi", "fore": "forename", "sur": "surname",
                "dob": "date_of_birth"}}"#;
        let stays = r#"{"title": "Stays", "table": "stays", "purpose": "payload", "record": "rec",
            "identifiers": {"chi": "chi", "fore": "forename", "sur": "surname",
                "dob": "date_of_birth"}, "event": "stay",
            "variables": [{"name": "sex", "kind": "text", "required": true},
                          {"name": "born", "kind": "date_of_birth"},
                          {"name": "admitted", "kind": "date"}]}"#;
        for (name, dictionary) in [("dst_spine", spine), ("dst_stays", stays)] {
            let dictionary: Dictionary = serde_json::from_str(dictionary).unwrap();
            let (ctl, at) = (id::<PersonId>("per_ctl"), self.now());
            let dataset = Dataset::register(
                id(name),
                ctl.clone(),
                id("per_ids"),
                id("per_pay"),
                dictionary,
                &id("per_std"),
                at,
            );
            self.begin(dataset.unwrap()).await;
            self.change::<Dataset>(name, |d| {
                d.instruct("2026-02-28".parse().unwrap(), &ctl, at)
            })
            .await;
        }
        self.deliver("del_spine", "dst_spine").await;
        self.deliver("del_stays", "dst_stays").await;
        let dataset: Dataset = self.get("dst_stays").await;
        let at = self.now();
        self.change::<Delivery>("del_stays", |d| {
            d.open_payload(&dataset, &id("per_pay"), at)
        })
        .await;
        self.change::<Delivery>("del_stays", |d| {
            let events = sealed("del_stays.events.job_l2");
            d.keep_payload(sealed("del_stays.payload.job_l2"), Some(events), 9, 0, at)
        })
        .await;
    }

    async fn deliver(&self, delivery: &str, dataset: &str) {
        let dataset: Dataset = self.get(dataset).await;
        let at = self.now();
        let opened = Delivery::open(id(delivery), &dataset, &id("per_ids"), at).unwrap();
        self.begin(opened).await;
        self.change::<Delivery>(delivery, |d| {
            let file = |word: &str| sealed(&format!("{delivery}.{word}.job_l1"));
            d.keep_identifiers(&dataset, file("identifiers"), file("records"), 7, at)
        })
        .await;
    }
}
