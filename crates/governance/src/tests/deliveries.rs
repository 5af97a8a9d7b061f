//! Deliveries: whole or not at all, and each of its own dataset.

use super::samples::*;
use crate::dataset::Purpose;
use crate::{Lifecycle, Refusal};

#[test]
fn identifiers_alone_complete_a_spine_and_an_objection_list_but_no_payload() {
    for (purpose, state) in [
        (Purpose::Payload, "identified"),
        (Purpose::Spine, "complete"),
        (Purpose::Objections, "complete"),
    ] {
        let kept = identified(purpose);
        assert_eq!(kept.state(), state);
        assert_eq!(kept.is_complete(), state == "complete");
        assert!(kept.payload().is_none());
    }
}

#[test]
fn a_spine_takes_no_payload() {
    let spine = identified(Purpose::Spine);
    let of = instructed("a", Purpose::Spine);
    assert!(matches!(
        spine.open_payload(&of, &who("payload"), now()),
        Err(Refusal::WrongState {
            state: "complete",
            ..
        })
    ));
}

#[test]
fn a_delivery_is_judged_by_its_own_dataset() {
    let elsewhere = Refusal::Elsewhere("this delivery");
    let other = instructed("b", Purpose::Spine);
    let keep = opened(Purpose::Payload).keep_identifiers(&other, file('1'), file('2'), 3, now());
    assert_eq!(keep.unwrap_err(), elsewhere);
    let payload = identified(Purpose::Payload).open_payload(&dataset("b"), &who("payload"), now());
    assert_eq!(payload.unwrap_err(), elsewhere);
}

#[test]
fn refused_identifiers_keep_nothing() {
    let refused = to(opened(Purpose::Payload).refuse_identifiers(now()));
    assert!(refused.identifiers().is_none() && refused.payload().is_none());
    assert!(!refused.is_complete());
}
