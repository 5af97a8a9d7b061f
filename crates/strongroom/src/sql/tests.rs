use std::cell::RefCell;
use std::collections::VecDeque;

use protocol::limits::Killed;
use serde_json::json;

use super::*;

/// A worker that says what it was told to.
struct Said(VecDeque<Result<Up, SandboxError>>);

impl Speaker for Said {
    fn hear(&mut self) -> Result<Option<Up>, SandboxError> {
        self.0.pop_front().transpose()
    }
}

/// No two values are the same, so that a line with another one is found.
fn limits() -> Limits {
    Limits {
        memory_mib: 1,
        threads: 2,
        time_s: 3,
        cpu_s: 4,
        scratch_mib: 5,
        rows: 6,
        columns: 7,
        cell_bytes: 8,
        result_bytes: 9,
        statement_bytes: 10,
        file_mib: 11,
    }
}

/// A statement that met a limit, as it is printed.
fn stopped(killed: &str, limit: Limit, value: u32) -> serde_json::Value {
    json!({"ok": false, "killed": killed, "limit": limit.name(), "value": value, "remedy": limit.remedy()})
}

fn answer(statement: u32) -> StatementResult {
    StatementResult {
        statement,
        result: None,
        error: None,
        killed: None,
        ms: 7,
    }
}

fn rows(statement: u32) -> Result<Up, SandboxError> {
    Ok(Up::Statement(StatementResult {
        result: Some(Rows {
            columns: vec!["n".into()],
            types: vec!["BIGINT".into()],
            rows: vec![vec![json!(3)]],
            truncated: false,
        }),
        ..answer(statement)
    }))
}

fn done() -> Result<Up, SandboxError> {
    Ok(Up::Report(Report::Query { statements: 0 }))
}

fn failed(code: FailureCode, message: &str) -> Result<Up, SandboxError> {
    Ok(Up::Failed(Failure {
        code,
        message: message.into(),
        row: None,
        column: None,
    }))
}

type Script = Vec<(u32, Vec<Result<Up, SandboxError>>)>;

/// Plays workers in order, each with the `skip` that it must be started with.
fn play(script: Script) -> (Result<Ended, Problem>, Vec<serde_json::Value>) {
    let script = RefCell::new(VecDeque::from(script));
    let mut lines = Vec::new();
    let answer = every(
        &mut |skip| {
            let (wanted, said) = script
                .borrow_mut()
                .pop_front()
                .expect("one worker too many");
            assert_eq!(skip, wanted);
            Ok(Said(said.into()))
        },
        &mut |line| {
            lines.push(serde_json::from_str(&line.text(&limits())?).unwrap());
            Ok(())
        },
    );
    assert!(script.borrow().is_empty(), "a worker was not started");
    (answer, lines)
}

#[test]
fn a_result_an_error_and_a_limit_are_one_line_each() {
    let error = StatementResult {
        error: Some("Binder Error: no such column".into()),
        ..answer(1)
    };
    let killed = StatementResult {
        killed: Some(Limit::ScratchMib),
        ..answer(2)
    };
    let said = vec![
        rows(0),
        Ok(Up::Statement(error)),
        Ok(Up::Statement(killed)),
        done(),
    ];
    let (ended, lines) = play(vec![(0, said)]);
    assert_eq!(ended, Ok(Ended::SomeDidNot));
    assert_eq!(
        lines,
        [
            json!({"ok": true, "columns": ["n"], "types": ["BIGINT"], "rows": [[3]], "truncated": false, "ms": 7}),
            json!({"ok": false, "error": "Binder Error: no such column"}),
            stopped("disk", Limit::ScratchMib, 5),
        ]
    );
    assert_eq!(play(vec![(0, vec![rows(0), done()])]).0, Ok(Ended::AllRan));
}

#[test]
fn the_keys_stand_in_the_documented_order() {
    let Ok(Up::Statement(result)) = rows(0) else {
        panic!("no statement")
    };
    assert_eq!(
        Line::of(result).unwrap().text(&limits()).unwrap(),
        r#"{"ok":true,"columns":["n"],"types":["BIGINT"],"rows":[[3]],"truncated":false,"ms":7}"#
    );
}

#[test]
fn every_limit_is_printed_with_its_resource_its_value_and_what_to_do() {
    for limit in Limit::ALL {
        let line = Line::stopped(limit).text(&limits()).unwrap();
        let line: serde_json::Value = serde_json::from_str(&line).unwrap();
        let resource = match limit {
            Limit::MemoryMib => "memory",
            Limit::TimeS => "time",
            Limit::CpuS => "cpu",
            Limit::ScratchMib => "disk",
            Limit::Columns | Limit::CellBytes | Limit::ResultBytes => "output",
        };
        assert_eq!(line, stopped(resource, limit, limit.value(&limits())));
        assert!(!limit.remedy().is_empty());
    }
}

#[test]
fn after_a_kill_a_fresh_worker_goes_on_behind_it() {
    let (ended, lines) = play(vec![
        (0, vec![rows(0), Err(SandboxError::Killed(Killed::Memory))]),
        (
            2,
            vec![
                rows(2),
                failed(FailureCode::Limit, "the limit result_bytes is exceeded"),
            ],
        ),
        (
            4,
            vec![rows(4), Err(SandboxError::Crashed("signal 11".into()))],
        ),
        (6, vec![done()]),
    ]);
    assert_eq!(ended, Ok(Ended::SomeDidNot));
    assert_eq!(lines.len(), 6);
    assert_eq!(lines[1], stopped("memory", Limit::MemoryMib, 1));
    assert_eq!(lines[3], stopped("output", Limit::ResultBytes, 9));
    assert_eq!(
        lines[5],
        json!({"ok": false, "error": "the worker ended without an answer (signal 11)"})
    );
}

#[test]
fn the_first_statement_is_blamed_only_if_the_files_load() {
    let (ended, lines) = play(vec![
        (0, vec![Err(SandboxError::Killed(Killed::Time))]),
        (u32::MAX, vec![done()]),
        (1, vec![rows(1), done()]),
    ]);
    assert_eq!(ended, Ok(Ended::SomeDidNot));
    assert_eq!(lines[0], stopped("time", Limit::TimeS, 3));
    assert_eq!(lines.len(), 2);
    let (ended, lines) = play(vec![
        (0, vec![Err(SandboxError::Killed(Killed::Memory))]),
        (u32::MAX, vec![Err(SandboxError::Killed(Killed::Memory))]),
    ]);
    assert_eq!(
        ended,
        Err(Problem::could_not(
            "the files could not be loaded: the worker was stopped by its memory limit"
        ))
    );
    assert_eq!(lines, Vec::<serde_json::Value>::new());
}

#[test]
fn a_broken_file_or_a_worker_that_makes_things_up_ends_the_command() {
    let (ended, _) = play(vec![(
        0,
        vec![failed(FailureCode::BadInput, "table a: it is empty")],
    )]);
    assert_eq!(ended, Err(Problem::could_not("table a: it is empty")));
    let (ended, _) = play(vec![(0, vec![rows(1)])]);
    assert_eq!(ended, Err(out_of_turn()));
    let (ended, _) = play(vec![(0, vec![Ok(Up::Statement(answer(0)))])]);
    assert_eq!(ended, Err(out_of_turn()));
    let (ended, _) = play(vec![(0, vec![rows(0)])]);
    assert_eq!(ended, Err(out_of_turn()));
}
