use super::*;

const SQL: &str = include_str!("../../../../policies/sandbox/sql.toml");
const JOB: &str = include_str!("../../../../policies/sandbox/job.toml");

fn complaint(text: &str) -> String {
    Profile::parse(text).unwrap_err().to_string()
}

#[test]
fn the_shipped_profiles_are_read() {
    let sql = Profile::parse(SQL).unwrap();
    assert_eq!(sql.name, "sql");
    assert_eq!(sql.layers.len(), Layer::ALL.len());
    assert_eq!(Profile::parse(JOB).unwrap().name, "job");
}

#[test]
fn no_site_may_do_without_a_wall() {
    for layer in Layer::ALL {
        let line = format!("{layer} = \"required\"");
        let wanted = SQL.replace(&line, &format!("{layer} = \"wanted\""));
        match may_be_wanted(layer) {
            Relax::Never => assert!(
                complaint(&wanted).starts_with(&format!(
                    "the sandbox profile makes {layer} optional; without it"
                )),
                "{layer}"
            ),
            Relax::Allowed => {
                Profile::parse(&wanted).unwrap();
            }
        }
    }
}

#[test]
fn what_is_missing_misspelt_or_zero_is_refused() {
    assert_eq!(
        complaint(&SQL.replace("seccomp = \"required\"", "")),
        "the sandbox profile does not say whether seccomp is required or wanted"
    );
    assert!(complaint(&SQL.replace("seccomp =", "secomp =")).contains("secomp"));
    assert!(complaint(&SQL.replace("time_s =", "unsealed = true\ntime_s =")).contains("unsealed"));
    let profile = Profile::parse(SQL).unwrap();
    let zero = SQL.replace(&format!("time_s = {}", profile.limits.time_s), "time_s = 0");
    assert_eq!(
        complaint(&zero),
        "the sandbox profile sets time_s to 0; it must be at least 1"
    );
}

#[test]
fn an_order_may_ask_for_less_never_for_more() {
    let profile = Profile::parse(SQL).unwrap();
    let mut limits = profile.limits.clone();
    assert_eq!(profile.exceeded(&limits), None);
    limits.memory_mib -= 1;
    assert_eq!(profile.exceeded(&limits), None);
    limits.rows += 1;
    assert_eq!(profile.exceeded(&limits), Some("rows"));
}
