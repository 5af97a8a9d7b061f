//! Rows on the screen, over the real pages: on a locked desktop of a project whose every controller agreed, and
//! nowhere else, whatever a request says of itself.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::browser;
use crate::journeys::haven::{Haven, files};
use crate::journeys::http::text;
use crate::journeys::project::{self, Open};

/// A site whose desktops come through a proxy on this machine.
const SITE: &str = "[locked_desktops]\nnetworks = [\"10.20.0.0/16\"]\nproxies = [\"127.0.0.1\"]\nheader = \"x-real-ip\"";
/// The same without a word of which proxy and which header.
const UNPROXIED: &str = "[locked_desktops]\nnetworks = [\"10.20.0.0/16\"]";
const INSIDE: &str = "10.20.3.4";
const ROWS: &str =
    "select person, hospital, main_condition from hospital_episodes order by person limit 5";
const PASSWORD: &str = "three pale herons wading";

/// A browser that is signed in.
struct Browser {
    address: String,
    cookies: BTreeMap<String, String>,
    csrf: String,
}

impl Browser {
    /// Sets somebody's sign-in up, by the invitation that they have.
    fn of(haven: &Haven, who: &str) -> Self {
        let mut browser = Self {
            address: pages(haven),
            cookies: BTreeMap::new(),
            csrf: String::new(),
        };
        let invitation = haven.of(who).token().expect("a token").to_owned();
        browser.get("/join", &[]);
        let (_, page) = browser.post("/join", &[("invitation", &invitation)], &[]);
        let secret = between(&page, "name=\"secret\" value=\"", "\"").to_owned();
        let (status, _) = browser.post(
            "/join/finish",
            &[
                ("invitation", &invitation),
                ("secret", &secret),
                ("name", who),
                ("password", PASSWORD),
                ("again", PASSWORD),
                ("code", &code(&secret)),
            ],
            &[],
        );
        assert_eq!(status, 303, "signed in");
        let (status, _) = browser.get("/account", &[]);
        assert_eq!(status, 200);
        browser
    }

    fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
        self.send("GET", path, "", headers)
    }

    fn post(
        &mut self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> (u16, String) {
        let token = [("csrf", self.csrf.clone())];
        let token = token.iter().map(|(name, value)| (*name, value.as_str()));
        let pairs = form.iter().copied().chain(token);
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={}", escaped(value)))
            .collect();
        self.send("POST", path, &pairs.join("&"), headers)
    }

    fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(120)))
            .unwrap();
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n",
            body.len()
        );
        let cookies: Vec<String> = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect();
        if !cookies.is_empty() {
            head += &format!("cookie: {}\r\n", cookies.join("; "));
        }
        for (name, value) in headers {
            head += &format!("{name}: {value}\r\n");
        }
        stream
            .write_all(format!("{head}\r\n{body}").as_bytes())
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, page) = answer.split_once("\r\n\r\n").expect("an answer");
        for line in head.lines() {
            if let Some(("set-cookie", cookie)) = line.split_once(": ") {
                let pair = cookie.split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a cookie");
                self.cookies.insert(name.into(), value.into());
            }
        }
        if page.contains("name=\"csrf\"") {
            self.csrf = between(page, "name=\"csrf\" value=\"", "\"").to_owned();
        }
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
        (status.expect("a status"), page.to_owned())
    }

    /// Runs a statement in a workspace.
    fn run(&mut self, workspace: &str, sql: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let path = format!("/workspaces/{workspace}");
        self.get(&path, headers);
        self.post(
            &format!("{path}/run"),
            &[("sql", sql), ("part", "")],
            headers,
        )
    }
}

/// Where the pages listen.
fn pages(haven: &Haven) -> String {
    fs::read_to_string(haven.at("research/pages")).expect("where the pages are")
}

fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
    let rest = text.split_once(from).map(|(_, rest)| rest);
    let found = rest.and_then(|rest| rest.split_once(to));
    found
        .map(|(found, _)| found)
        .unwrap_or_else(|| panic!("{from} in {text}"))
}

fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

/// The six digits that an authenticator app shows now (RFC 6238).
fn code(secret: &str) -> String {
    let mut bits = Vec::new();
    for letter in secret.bytes().filter(|b| *b != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'2'..=b'7' => letter - b'2' + 26,
            _ => panic!("base32"),
        };
        bits.extend((0..5).rev().map(|bit| value >> bit & 1));
    }
    let bytes = bits.chunks_exact(8);
    let key: Vec<u8> = bytes
        .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit))
        .collect();
    let now = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap();
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let tag = ring::hmac::sign(&key, &(now.as_secs() / 30).to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 15);
    let four: [u8; 4] = tag.as_ref()[at..at + 4].try_into().unwrap();
    format!(
        "{:06}",
        (u32::from_be_bytes(four) & 0x7fff_ffff) % 1_000_000
    )
}

fn shows_rows(page: &str) -> bool {
    page.contains(">Rows of people</h2>")
}

/// Facts of what the log tells of one action.
fn told(haven: &Haven, action: &str) -> Vec<Value> {
    let mut told = Vec::new();
    let mut after = String::new();
    loop {
        let page = haven.of("auditor").get(&format!("/v1/events{after}")).ok();
        let page = page.as_array().expect("events").clone();
        let Some(last) = page.last() else { return told };
        after = format!("?after={}", last["leaf"]);
        let its = page.iter().filter(|event| event["action"] == action);
        told.extend(its.map(|event| event["facts"].clone()));
    }
}

#[test]
fn rows_are_shown_on_a_locked_desktop_and_nowhere_else() {
    let haven = Haven::start_with(SITE);
    let open = project::open_showing(&haven, "rows");
    let mut browser = Browser::of(&haven, "researcher");
    let (status, page) = browser.run(&open.workspace, ROWS, &[("x-real-ip", INSIDE)]);
    assert_eq!(status, 200, "{page}");
    assert!(shows_rows(&page) && page.contains("5 rows."), "{page}");
    assert!(page.contains("cannot keep anybody from copying"), "{page}");
    from_elsewhere(&open, &mut browser);
    by_the_api(&haven, &open);
    what_went_wrong_is_told_here_alone(&haven, &open, &mut browser);
    the_log_says_how_many(&haven);
    nothing_keeps_a_row(&haven, &page);
}

#[test]
fn pages_of_a_project_that_sees_rows_pass_axe() {
    let haven = Haven::start_with(SITE);
    let open = project::open_showing(&haven, "rows");
    let ask = json!({
        "base": format!("http://{}", pages(&haven)),
        "workspace": open.workspace,
        "invitation": haven.of("researcher").token().expect("a token"),
        "desktop": { "x-real-ip": INSIDE },
        "sql": ROWS,
    });
    let report = browser::run("rows.mjs", &ask);
    let checked = report["checked"].to_string();
    for face in ["with rows", "with the engine's words", "from elsewhere"] {
        assert!(checked.contains(face), "{face}: {checked}");
    }
}

/// Every way to say that one is at a desktop without being at one.
fn from_elsewhere(open: &Open, browser: &mut Browser) {
    let list = format!("{INSIDE}, 203.0.113.9");
    let headers: &[&[(&str, &str)]] = &[
        &[],
        &[("x-real-ip", "203.0.113.9")],
        &[("x-real-ip", &list)],
        &[("x-real-ip", INSIDE), ("x-real-ip", "203.0.113.9")],
        &[("x-real-ip", "203.0.113.9"), ("x-real-ip", INSIDE)],
        &[("x-real-ip", INSIDE), ("X-Real-IP", INSIDE)],
        &[("x-real-ip", "10.20.3.4:443")],
        &[("x-real-ip", "desktop")],
        &[("x-real-ip", "127.0.0.1")],
        &[("x-forwarded-for", INSIDE)],
        &[("forwarded", "for=10.20.3.4")],
        &[("x-client-ip", INSIDE)],
        &[("true-client-ip", INSIDE)],
    ];
    for headers in headers {
        let (_, page) = browser.run(&open.workspace, ROWS, headers);
        assert!(!shows_rows(&page), "{headers:?}");
        let (_, page) = browser.get(&format!("/workspaces/{}", open.workspace), headers);
        assert!(page.contains("you are not at one"), "{headers:?}: {page}");
    }
}

/// A token is no screen: the API gives checked results only.
fn by_the_api(haven: &Haven, open: &Open) {
    let path = format!("/v1/workspaces/{}/queries", open.workspace);
    for ask in [
        json!({ "sql": ROWS, "view": "rows" }),
        json!({ "sql": ROWS, "desktop": INSIDE }),
    ] {
        let status = haven.post("colleague", &path, &ask).status;
        assert!(status == 400 || status == 422, "{status}");
    }
    let answer = haven.yes("colleague", &path, &json!({ "sql": ROWS }));
    assert_eq!(text(&answer, "/verdict"), "fail");
    assert_eq!(answer["report"]["outputs"][0]["rows"], json!([]));
}

fn what_went_wrong_is_told_here_alone(haven: &Haven, open: &Open, browser: &mut Browser) {
    let sql = "select error('seen by its author: ' || min(hospital)) from hospital_episodes";
    let desktop = [("x-real-ip", INSIDE)];
    let (_, page) = browser.run(&open.workspace, sql, &desktop);
    let row = page.contains("seen by its author: ");
    assert!(row && !shows_rows(&page), "{page}");
    assert!(!haven.log().contains("seen by its author"));
    let (_, page) = browser.run(&open.workspace, "select 1; select 2", &desktop);
    assert!(page.contains("one statement at a time"), "{page}");
}

fn the_log_says_how_many(haven: &Haven) {
    let queued = told(haven, "queue_job");
    let rows = queued.iter().filter(|facts| facts["view"] == "rows");
    assert_eq!(
        rows.count(),
        3,
        "one look, one mistake, one with two statements"
    );
    let done = told(haven, "finish_job");
    let shown: Vec<&Value> = done.iter().map(|facts| &facts["rows"]).collect();
    assert_eq!(
        shown.iter().filter(|rows| ***rows == 5).count(),
        1,
        "{shown:?}"
    );
}

/// What a screen showed is in no file of the safe haven.
fn nothing_keeps_a_row(haven: &Haven, page: &str) {
    let table = between(page, ">Rows of people</h2>", "</table>");
    let person = between(table, "<td", "</td>")
        .split('>')
        .nth(1)
        .unwrap_or_default();
    let person = person.trim();
    assert!(person.len() >= 24, "a pseudonym: {person:?}");
    for file in files(&haven.at("")) {
        // Sockets and pipes hold nothing.
        let Ok(bytes) = fs::read(&file) else { continue };
        let found = bytes
            .windows(person.len())
            .any(|part| part == person.as_bytes());
        assert!(!found, "{}", file.display());
    }
}

#[test]
fn a_project_without_the_yes_of_every_controller_shows_no_rows_on_any_desktop() {
    let haven = Haven::start_with(SITE);
    let open = project::open(&haven);
    // One that asks for rows is not approved before the last controller has signed for it, and not over a no.
    for word in [None, Some("declined")] {
        let project = project::start(&haven);
        let mut form = project::form(&haven, &open.sets);
        form["view"] = "rows".into();
        let version = project::submit(&haven, &project, &form);
        let sets = &open.sets;
        let sign = |who: &str, dataset: &str, word: &str| {
            project::sign(&haven, who, &project, dataset, &version, word);
        };
        sign("controller_1", &sets.hospital, "signed");
        if let Some(word) = word {
            sign("controller_2", &sets.prescribing, word);
        }
        project::vote(&haven, &project, &version, "approve");
        let path = format!("/v1/projects/{project}/approve");
        haven.no(409, "chair", &path, &json!({}));
    }
    // Of a project that asked for checked results, not on a locked desktop either.
    let mut browser = Browser::of(&haven, "researcher");
    let (_, page) = browser.run(&open.workspace, ROWS, &[("x-real-ip", INSIDE)]);
    assert!(
        !shows_rows(&page) && !page.contains("locked desktop"),
        "{page}"
    );
}

#[test]
fn where_no_desktop_is_named_nobody_sees_rows() {
    for (config, header) in [("", "x-real-ip"), (UNPROXIED, "x-real-ip")] {
        let haven = Haven::start_with(config);
        let open = project::open_showing(&haven, "rows");
        let mut browser = Browser::of(&haven, "researcher");
        let (_, page) = browser.run(&open.workspace, ROWS, &[(header, INSIDE)]);
        assert!(!shows_rows(&page), "{config}");
        assert!(
            told(&haven, "queue_job")
                .iter()
                .all(|facts| facts["view"].is_null())
        );
    }
}
