use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Line {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    sql: SqlTextArgs,
}

fn parse(words: &[&str]) -> Result<Line, clap::Error> {
    Line::try_parse_from([&["x"], words].concat())
}

/// Files of these names in a folder, and what `files` makes of `arguments` (`{}` is the folder).
fn find(names: &[&str], arguments: &[&str]) -> Result<DataFiles, Problem> {
    let folder = tempfile::tempdir().unwrap();
    for name in names {
        fs::write(folder.path().join(name), "a\n1\n").unwrap();
    }
    let data = arguments
        .iter()
        .map(|argument| {
            argument
                .replace("{}", folder.path().to_str().unwrap())
                .into()
        })
        .collect();
    DataArgs { data }.files()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, Problem>, words: &str) {
    let problem = answer.unwrap_err();
    assert_eq!(problem.code, 2);
    assert!(problem.text.contains(words), "{problem}");
    assert!(!problem.text.contains('\n'), "{problem}");
}

#[test]
fn data_may_be_repeated_or_listed_and_one_text_is_needed() {
    let line = parse(&[
        "--data",
        "a.csv",
        "b=c.csv",
        "--data",
        "d.parquet",
        "--sql",
        "select 1",
    ]);
    assert_eq!(line.unwrap().data.data.len(), 3);
    // A text may begin with a comment.
    let comment = parse(&["--data", "a.csv", "--sql", "-- all\nselect 1"]).unwrap();
    assert_eq!(comment.sql.text(100).unwrap(), "-- all\nselect 1");
    assert!(parse(&["--data", "a.csv"]).is_err());
    assert!(parse(&["--sql", "select 1"]).is_err());
    assert!(parse(&["--data", "a.csv", "--sql", "x", "--sql-file", "y"]).is_err());
}

#[test]
fn files_become_tables_and_mounts_in_order() {
    let files = find(
        &["a.csv", "B-2.PARQUET"],
        &["{}/a.csv", "b=/{}/B-2.PARQUET"],
    )
    .unwrap();
    let Source::Files { tables } = files.source() else {
        panic!("not files");
    };
    let seen: Vec<_> = tables
        .iter()
        .map(|table| (table.name.as_str(), table.file.as_str(), table.format))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", "0.csv", Format::Csv),
            ("b", "1.parquet", Format::Parquet)
        ]
    );
    let inputs = files.inputs();
    let names: Vec<_> = inputs.iter().map(Input::name).collect();
    assert_eq!(names, ["0.csv", "1.parquet"]);
    assert!(matches!(&inputs[1], Input::HostFile { path, .. } if path.ends_with("B-2.PARQUET")));
}

#[test]
fn what_cannot_become_a_table_is_refused_in_one_sentence() {
    refused(find(&[], &["{}/a.csv"]), "a.csv cannot be read");
    refused(
        find(&["a.txt"], &["{}/a.txt"]),
        "neither a .csv nor a .parquet",
    );
    refused(find(&["a"], &["{}/a"]), "neither a .csv nor a .parquet");
    refused(
        find(&["A.csv"], &["{}/A.csv"]),
        "the table name \"A\" cannot be used",
    );
    refused(
        find(&["a.csv"], &["9x={}/a.csv"]),
        "the table name \"9x\" cannot be used",
    );
    refused(
        find(&["a.csv"], &["={}/a.csv"]),
        "the table name \"\" cannot be used",
    );
    refused(
        find(&["a.csv"], &["{}/a.csv", "a={}/a.csv"]),
        "two files would become the table a",
    );
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("d.csv");
    fs::create_dir(&inner).unwrap();
    let data = vec![inner.into_os_string()];
    refused(DataArgs { data }.files(), "is not a regular file");
}

#[test]
fn a_sign_in_a_folder_name_is_no_table_name() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("year=2020");
    fs::create_dir(&inner).unwrap();
    fs::write(inner.join("a.csv"), "a\n1\n").unwrap();
    let data = vec![inner.join("a.csv").into_os_string()];
    assert_eq!(DataArgs { data }.files().unwrap().0[0].name, "a");
}

#[test]
fn the_text_is_read_whole_or_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("q.sql");
    let from = |path: &Path| SqlTextArgs {
        sql: None,
        sql_file: Some(path.to_owned()),
    };
    refused(from(&path).text(100), "q.sql cannot be read");
    fs::write(&path, "select 1;\n").unwrap();
    assert_eq!(from(&path).text(100).unwrap(), "select 1;\n");
    refused(
        from(&path).text(5),
        "longer than the limit statement_bytes of 5",
    );
    fs::write(&path, " \n\t").unwrap();
    refused(from(&path).text(100), "there is no statement");
    fs::write(&path, [0x73, 0xff]).unwrap();
    refused(from(&path).text(100), "not UTF-8");
    fs::write(&path, vec![b' '; (TEXT_MAX + 1) as usize]).unwrap();
    refused(from(&path).text(100), "longer than");
}

#[test]
fn the_workers_lie_beside_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("strongroom");
    for name in [WORKER, QUERY_WORKER, JUDGE_WORKER] {
        refused(beside(&program, name), &format!("{name} is not beside"));
        fs::write(folder.path().join(name), "").unwrap();
        assert_eq!(beside(&program, name).unwrap(), folder.path().join(name));
    }
}

#[test]
fn a_policies_folder_that_is_not_there_is_named() {
    let policies = Some(PathBuf::from("/nowhere/policies"));
    refused(
        PoliciesArgs { policies }.load(),
        "the policies folder /nowhere/policies is not there",
    );
    let empty = tempfile::tempdir().unwrap();
    let policies = Some(empty.path().to_owned());
    refused(
        PoliciesArgs { policies }.load(),
        "access/schema.cedarschema cannot be read",
    );
}
