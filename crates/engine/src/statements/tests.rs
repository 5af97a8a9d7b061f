use proptest::prelude::*;

use super::split;

#[track_caller]
fn check(sql: &str, want: &[&str]) {
    assert_eq!(split(sql), want, "{sql}");
}

#[test]
fn statements_end_at_semicolons_that_are_code() {
    check("", &[]);
    check(" ; ;; -- nothing\n/* at all */ ;", &[]);
    check("\u{A0};\u{B}; \u{2003}", &[]);
    check("select 1", &["select 1"]);
    check("select 1; select 2;", &["select 1", "select 2"]);
    check("select ';' ; select 2", &["select ';'", "select 2"]);
    check(
        "select 'it''s;' ; select 2",
        &["select 'it''s;'", "select 2"],
    );
    check("select '\\'; select 2", &["select '\\'", "select 2"]);
    check("select e'\\';' ; select 2", &["select e'\\';'", "select 2"]);
    check(
        "select name'a;' ; select 2",
        &["select name'a;'", "select 2"],
    );
    check(
        "select 1 as \"a;\"\"b\"; select 2",
        &["select 1 as \"a;\"\"b\"", "select 2"],
    );
    check("select $$a;b$$; select 2", &["select $$a;b$$", "select 2"]);
    check(
        "select $t$a;$$;$t$; select 2",
        &["select $t$a;$$;$t$", "select 2"],
    );
    check("select $1; select 2", &["select $1", "select 2"]);
    check("select a$b$; select 2", &["select a$b$", "select 2"]);
    check(
        "select 1 -- a;b\n; select 2",
        &["select 1 -- a;b", "select 2"],
    );
    check(
        "select 1 /* a; /* b; */ ; */; select 2",
        &["select 1 /* a; /* b; */ ; */", "select 2"],
    );
    check("select 'é;' ; select 2", &["select 'é;'", "select 2"]);
    check("select 'open; select 2", &["select 'open; select 2"]);
    check(
        "select 1 /* open; select 2",
        &["select 1 /* open; select 2"],
    );
}

/// The engine runs every statement but the last of a text that it is asked to prepare, so a piece that
/// it would cut again would make a table here.
#[test]
fn the_engine_reads_each_piece_as_one_statement() {
    let db = duckdb::Connection::open_in_memory().unwrap();
    let text = "select ';' as a; select e'\\';' ; select $t$a;$$;$t$; select 1 as \"a;\"\"b\";
        select 1 /* a; /* b; */ ; */ ; select 1 -- a;b
        ; select $$;$$ || 'x''y;' ";
    let pieces = split(text);
    assert_eq!(pieces.len(), 7);
    for piece in pieces {
        let probe = format!("create or replace table probe as {piece}");
        db.execute_batch(&probe)
            .unwrap_or_else(|e| panic!("{piece}: {e}"));
        let rows: i64 = db
            .query_row("select count(*) from probe", [], |r| r.get(0))
            .unwrap();
        assert_eq!(rows, 1);
    }
}

proptest! {
    #[test]
    fn no_text_panics_and_no_piece_is_empty(sql in "[;'\"$a1e\\\\\n/* é\u{A0}\u{B}-]{0,40}") {
        for piece in split(&sql) {
            prop_assert!(!piece.is_empty());
        }
    }
}
