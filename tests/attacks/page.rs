//! The tables of attacks as a page for people, `docs/reference/attacks.md`.

use std::fmt::Write as _;
use std::fs;

use super::sql::FILES;
use super::table;
use crate::support::{reference_page, root};

#[test]
fn reference_page_of_attacks() {
    let mut text = String::from(
        "# Attacks that are tried on every build\n\n\
         Written by `cargo xtask docs` from `tests/attacks/statements/`. *Plain* is what the statements do to a \
         DuckDB without walls: show a secret of the host, write to it or over the data, give rows, run, or fail \
         there too. *Behind the walls* lists every end that passes the test; the next statement must answer, and \
         the data must be as they were.\n",
    );
    let mut count = 0;
    for name in FILES {
        let path = format!("statements/{name}.sql");
        let source = fs::read_to_string(root().join("tests/attacks").join(&path)).unwrap();
        let about: Vec<&str> = source
            .lines()
            .filter_map(|line| line.strip_prefix("# "))
            .filter(|line| *line != "each alone")
            .collect();
        write!(text, "\n## {name}\n\n{}\n\n", about.join(" ")).unwrap();
        text += "| attack | plain | behind the walls |\n|---|---|---|\n";
        for case in table::read(&path).cases {
            let [open, held] = &case.stated;
            writeln!(text, "| {} | {open} | {held} |", case.name).unwrap();
            count += 1;
        }
    }
    write!(text, "\n{count} attacks.\n").unwrap();
    reference_page("attacks.md", &text);
}
