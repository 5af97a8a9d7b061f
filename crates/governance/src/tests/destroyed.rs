//! Destroying what a project left: after its end, by somebody apart, under a certificate of its own.

use super::samples::*;
use crate::project::{PanelVerdict, Project};
use crate::{Lifecycle, Refusal};

fn closed() -> Project {
    to(in_force().close(&who(AUTHOR), now()))
}

#[test]
fn what_an_ended_project_left_is_destroyed_with_the_certificate_in_the_event() {
    let change = closed()
        .destroy(&destruction(), &who("steward"), now())
        .unwrap();
    assert_eq!(change.to().state(), "destroyed");
    assert_eq!(change.to().manifest(), in_force().manifest());
    let facts = serde_json::to_value(change.event().facts()).unwrap();
    let wanted = serde_json::json!({
        "certificate": hash('d'), "files": 4, "epoch_before": 1, "epoch_after": 2,
    });
    assert_eq!(facts, wanted);
}

#[test]
fn a_refused_application_leaves_no_manifest_and_can_be_destroyed() {
    let refused = voted([PanelVerdict::Refuse; 3]);
    let refused = to(refused.refuse(&tiers(), &who("chair"), now()));
    let destroyed = to(refused.destroy(&destruction(), &who("steward"), now()));
    assert!(destroyed.manifest().is_none());
    assert_eq!(destroyed.state(), "destroyed");
}

#[test]
fn nobody_on_the_project_has_it_destroyed() {
    for name in [AUTHOR, MEMBER] {
        let refused = closed().destroy(&destruction(), &who(name), now());
        assert_eq!(
            refused.unwrap_err(),
            Refusal::OnTheProject(who(name)),
            "{name}"
        );
        assert!(closed().may_be_destroyed_by(&who(name)).is_err());
    }
    closed().may_be_destroyed_by(&who("steward")).unwrap();
}

#[test]
fn a_certificate_of_another_project_destroys_nothing() {
    let mut other = destruction();
    other.project = id("prj_2");
    let refused = closed().destroy(&other, &who("steward"), now());
    assert_eq!(refused.unwrap_err(), Refusal::Elsewhere("this certificate"));
    assert!(sealed().destroy(&other, now()).is_err());
}

#[test]
fn nothing_comes_after_destruction() {
    let again = destroyed().destroy(&destruction(), &who("steward"), now());
    assert!(matches!(again, Err(Refusal::WrongState { .. })));
    assert!(destroyed().in_force(crate::Action::RunQuery).is_err());
    let extract = to(sealed().destroy(&destruction(), now()));
    assert_eq!(extract.state(), "destroyed");
    assert!(extract.destroy(&destruction(), now()).is_err());
}
