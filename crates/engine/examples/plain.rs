//! A plain DuckDB without a wall or a lock, to compare with: attacks must work here, ordinary statements
//! must be answered alike, and benchmarks measure against it.
//!
//! `plain [threads=N] [memory=MIB] memory [NAME=FILE…]` keeps tables in memory; `plain … DATABASE
//! [NAME=FILE…]` puts them into a database file, if there are any, and attaches it read-only as the
//! worker does. Each line of standard input is one session, a JSON list of statements; each is answered
//! by one JSON line: `{"ok", "rows" | "error", "ms"}`, with every value in the engine's own text.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test program: what it prints is the result, and a panic a failed test"
)]

use std::io::Write;
use std::time::Instant;

use duckdb::Connection;
use serde_json::{Value, json};

fn main() {
    let mut settings = Vec::new();
    let mut place = None;
    let mut files = Vec::new();
    for word in std::env::args().skip(1) {
        match word.split_once('=') {
            Some(("threads", n)) => settings.push(format!("set threads = {n}")),
            Some(("memory", mib)) => settings.push(format!("set memory_limit = '{mib}MiB'")),
            Some((name, file)) => files.push((name.to_owned(), file.to_owned())),
            None => place = Some(word),
        }
    }
    let place = place.expect("a database file, or the word memory");
    let connection = Connection::open_in_memory().unwrap();
    // No program of ours reaches for the network by itself, with walls or without.
    settings.push("set autoinstall_known_extensions = false".into());
    for setting in settings {
        connection.execute_batch(&setting).unwrap();
    }
    furnish(&connection, &place, &files);
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lines() {
        let session: Vec<String> = serde_json::from_str(&line.unwrap()).unwrap();
        for sql in session {
            let answer = run(&connection, &sql);
            writeln!(out, "{answer}").unwrap();
            out.flush().unwrap();
        }
    }
}

fn furnish(connection: &Connection, place: &str, files: &[(String, String)]) {
    let run = |sql: String| connection.execute_batch(&sql).unwrap();
    if place != "memory" && !files.is_empty() {
        run(format!("attach '{place}' as extract; use extract"));
    }
    for (name, file) in files {
        let reader = if file.ends_with(".csv") {
            format!("read_csv('{file}', header = true, delim = ',', sample_size = -1)")
        } else {
            format!("read_parquet('{file}')")
        };
        run(format!("create table {name} as from {reader}"));
    }
    if place != "memory" {
        if !files.is_empty() {
            run("use memory; detach extract".into());
        }
        run(format!(
            "attach '{place}' as extract (read_only); set search_path = 'memory.main,extract.main'"
        ));
    }
}

fn run(connection: &Connection, sql: &str) -> Value {
    let begun = Instant::now();
    let ms = |begun: Instant| begun.elapsed().as_secs_f64() * 1000.0;
    let as_text = format!("select cast(columns(*) as varchar) from ({sql}\n)");
    let answer = match rows(connection, &as_text) {
        Ok(rows) => Ok(Some(rows)),
        // No table: what it does is all that can be known of it.
        Err(duckdb::Error::DuckDBFailure(_, Some(text))) if text.starts_with("Parser Error") => {
            connection.execute_batch(sql).map(|()| None)
        }
        Err(error) => Err(error),
    };
    match answer {
        Ok(rows) => json!({"ok": true, "rows": rows, "ms": ms(begun)}),
        Err(error) => json!({"ok": false, "error": error.to_string(), "ms": ms(begun)}),
    }
}

fn rows(connection: &Connection, sql: &str) -> duckdb::Result<Vec<Vec<Option<String>>>> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let width = rows
        .as_ref()
        .map_or(0, |statement| statement.column_count());
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push((0..width).map(|at| row.get(at)).collect::<Result<_, _>>()?);
    }
    Ok(all)
}
