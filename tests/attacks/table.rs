//! The tables of statements in `attacks/statements/` and `attacks/ordinary/`: one file a subject, one
//! block a case, so that anybody who can write SQL can add one.
//!
//! ```text
//! # Words about the file. `# each alone`: every case gets a worker of its own.
//! # `# limits: time_s = 4, …`: limits in the place of those in `policies/sandbox/sql.toml`.
//!
//! -- what it tries
//! -- open: what it does to a plain DuckDB without walls: shows (the secret), writes (a file, or over the
//!          data), rows, done, error; or: untried WHY
//! -- held: every acceptable end behind the walls, with commas: error [CLASS], killed RESOURCE, rows,
//!          truncated; or: harmless WHY. Without the line: error
//! -- alone: a worker of its own, and nothing after it
//! statements, each but the last ended by a semicolon and a line end; the last one is judged
//! -- after: what sets the session right again
//! ```
//!
//! In the text, `{dir}` is a folder of the host with secrets, `{db}` the file that holds the data.

use std::fs;

use crate::support::root;

/// What a statement does to an engine without walls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Open {
    Shows,
    Writes,
    Rows,
    Done,
    Error,
    Untried,
}

/// An end that is as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    Error(String),
    Killed(String),
    Rows,
    Truncated,
    Harmless,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) open: Open,
    pub(super) held: Vec<Held>,
    pub(super) alone: bool,
    pub(super) sql: String,
    pub(super) after: String,
    /// The words after `open` and `held`, for people.
    pub(super) stated: [String; 2],
}

/// One file.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) each_alone: bool,
    /// Keys and values that replace those of the shipped profile.
    pub(super) limits: Vec<(String, String)>,
    pub(super) cases: Vec<Case>,
}

/// Reads one file below `tests/attacks`.
pub(super) fn read(path: &str) -> Table {
    let file = root().join("tests/attacks").join(path);
    let text = fs::read_to_string(&file).unwrap_or_else(|why| panic!("{path}: {why}"));
    let table = parse(&text);
    assert!(!table.cases.is_empty(), "{path} has no case");
    table
}

fn parse(text: &str) -> Table {
    let mut table = Table {
        each_alone: false,
        limits: Vec::new(),
        cases: Vec::new(),
    };
    for block in text.split("\n\n") {
        if block.trim_start().starts_with('#') {
            head(block, &mut table);
        } else if !block.trim().is_empty() {
            table.cases.push(case(block.trim_matches('\n')));
        }
    }
    table
}

fn head(block: &str, table: &mut Table) {
    for line in block.lines().filter_map(|line| line.strip_prefix("# ")) {
        table.each_alone |= line == "each alone";
        for pair in line
            .strip_prefix("limits: ")
            .into_iter()
            .flat_map(|l| l.split(", "))
        {
            let (key, value) = pair.split_once(" = ").expect("key = value");
            table.limits.push((key.to_owned(), value.to_owned()));
        }
    }
}

fn case(block: &str) -> Case {
    let mut lines = block.lines();
    let name = lines.next().and_then(|line| line.strip_prefix("-- "));
    let mut case = Case {
        name: name
            .unwrap_or_else(|| panic!("no name: {block}"))
            .to_owned(),
        open: Open::Untried,
        held: vec![Held::Error(String::new())],
        alone: false,
        sql: String::new(),
        after: String::new(),
        stated: ["untried".into(), "error".into()],
    };
    let mut after = false;
    for line in lines {
        match line
            .strip_prefix("-- ")
            .map(|mark| mark.split_once(": ").unwrap_or((mark, "")))
        {
            Some(("open", words)) => {
                case.open = open(words);
                case.stated[0] = words.to_owned();
            }
            Some(("held", words)) => {
                case.held = held(words);
                case.stated[1] = words.to_owned();
            }
            Some(("alone", _)) => case.alone = true,
            Some(("after", _)) => after = true,
            _ if after => case.after += &format!("{line}\n"),
            _ => case.sql += &format!("{line}\n"),
        }
    }
    assert!(!case.sql.is_empty(), "no statement: {block}");
    case
}

fn open(words: &str) -> Open {
    match words.split_once(' ').unwrap_or((words, "")) {
        ("shows", "") => Open::Shows,
        ("writes", "") => Open::Writes,
        ("rows", "") => Open::Rows,
        ("done", "") => Open::Done,
        ("error", "") => Open::Error,
        ("untried", why) if !why.is_empty() => Open::Untried,
        _ => panic!("open: {words}"),
    }
}

fn held(words: &str) -> Vec<Held> {
    if let Some(why) = words.strip_prefix("harmless ") {
        assert!(!why.is_empty());
        return vec![Held::Harmless];
    }
    let one = |end: &str| match end.trim().split_once(' ').unwrap_or((end.trim(), "")) {
        ("error", class) => Held::Error(class.to_owned()),
        ("killed", resource) if !resource.is_empty() => Held::Killed(resource.to_owned()),
        ("rows", "") => Held::Rows,
        ("truncated", "") => Held::Truncated,
        _ => panic!("held: {words}"),
    };
    words.split(',').map(one).collect()
}

impl Case {
    /// The statements of the case. A semicolon ends one only at the end of its line.
    pub(super) fn statements(&self) -> Vec<&str> {
        let text = self.sql.trim_end();
        if self.alone {
            return vec![text];
        }
        text.split(";\n").collect()
    }
}

#[test]
fn a_block_is_read_with_its_marks() {
    let table = parse(
        "# limits: time_s = 4, rows = 7\n# each alone\n\n-- a name\n-- open: shows\n-- held: error Permission Error, killed time\n\
         create x;\nselect ';', y\n-- after\nrollback\n\n-- b\n-- alone\n-- open: untried no\n-- held: harmless so it is\nselect 1\n",
    );
    assert!(table.each_alone);
    assert_eq!(table.limits[1], ("rows".into(), "7".into()));
    let [a, b] = table.cases.as_slice() else {
        panic!("{table:?}")
    };
    assert_eq!((a.name.as_str(), &a.open), ("a name", &Open::Shows));
    assert_eq!(
        a.held,
        [
            Held::Error("Permission Error".into()),
            Held::Killed("time".into())
        ]
    );
    assert_eq!(a.statements(), ["create x", "select ';', y"]);
    assert_eq!(a.after, "rollback\n");
    assert!(b.alone && b.open == Open::Untried);
    assert_eq!(b.held, [Held::Harmless]);
}

#[test]
#[should_panic(expected = "held: kiled time")]
fn a_mark_that_is_misspelt_is_found() {
    parse("-- a\n-- held: kiled time\nselect 1\n");
}
