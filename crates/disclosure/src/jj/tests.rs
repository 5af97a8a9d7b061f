use super::*;

const SMALL: &str = "0\n3\n0 10 2.5 s 0 20 0 0 0\n1 4 1 u 0 8 1 2 0\n2 6 1 z 0 inf 0 0 0\n\
    1\n0 3 : 0 (-1) 1 (1) 2 (1)\n";

#[test]
fn a_table_is_read_and_written_back_the_same() {
    let table = read(SMALL).unwrap();
    assert_eq!(table.cells().len(), 3);
    assert_eq!(table.cells()[0].cost, 2.5);
    assert_eq!(table.cells()[1].status, CellStatus::Primary);
    assert_eq!(
        (table.cells()[1].levels.lower, table.cells()[1].levels.upper),
        (1.0, 2.0)
    );
    assert_eq!(table.cells()[2].bounds.upper, f64::INFINITY);
    assert_eq!(table.rows(), [[(0, -1.0), (1, 1.0), (2, 1.0)]]);
    assert_eq!(write(&table), SMALL);
}

/// sdcTable writes spaces inside brackets and constants as 0.0; Windows programs write \r\n; an
/// equation may be broken over lines; the last line may lack its end.
#[test]
fn what_real_programs_write_is_read() {
    let forms = [
        "0\r\n3\r\n0 10 2.5 s 0 20 0 0 0\r\n1 4 1 u 0 8 1 2 0\r\n2 6 1 z 0 1e20 0 0 0\r\n1\r\n0.0 3 : 0 ( -1 ) 1 ( 1 ) 2 ( 1 )",
        "0 \n3\n0 10.000 2.5 S 0 20 0 0 0\n1\t4 1 U 0 8 1 2 0\n2 6 1 z 0 1E20 0 0 0\n\n1\n0 3:0(-1.0) 1(+1)\n 2(1)\n\n",
        "\u{feff}0\n3\n7 10 2.5 s 0 20 0 0 0\n8 4 1 u 0 8 1 2 0\n9 6 1 z 0 1e20 0 0 0\n1\n0 3 : 7 (-1) 8 (1) 9 (1)\n",
    ];
    for form in forms {
        let table = read(form).unwrap();
        assert_eq!(table.rows(), [[(0, -1.0), (1, 1.0), (2, 1.0)]], "{form}");
        assert_eq!(table.cells()[0].value, 10.0);
    }
}

#[track_caller]
fn refused(text: &str, expected: &str) {
    assert_eq!(read(text).unwrap_err().to_string(), expected);
}

#[test]
fn a_bad_file_is_refused_in_one_sentence_that_names_the_place_and_no_value() {
    refused("", "the file ends before the zero that begins it");
    refused("1\n", "line 1: a JJ file begins with 0");
    refused(
        "0\nmany\n",
        "line 2: the number of cells is not a whole number",
    );
    refused("0\n0\n0\n", "the table has no cells");
    refused(
        "0\n999999999\n",
        "line 2: the number of cells is more than 200000",
    );
    refused(
        &SMALL.replace("4 1 u", "four 1 u"),
        "line 4: a cell's value is not a number",
    );
    refused(
        &SMALL.replace("4 1 u", "NaN 1 u"),
        "line 4: a cell's value is not a number",
    );
    refused(
        &SMALL.replace("4 1 u", "4 1 q"),
        "line 4: the status of cell 1 is none of s, u, z, m",
    );
    refused(
        &SMALL.replace("4 1 u", "4 -1 u"),
        "cell 1: its cost is negative or not a finite number",
    );
    refused(
        &SMALL.replace("0 8 1 2 0", "5 8 1 2 0"),
        "cell 1: its value lies outside its bounds",
    );
    refused(
        &SMALL.replace("0 8 1 2 0", "0 8 -1 2 0"),
        "cell 1: a protection level is negative or not a finite number",
    );
    refused(
        &SMALL.replace("\n1 4", "\n0 4"),
        "line 4: cell 0 is there twice",
    );
    refused(
        &SMALL.replace("2 (1)\n", "5 (1)\n"),
        "line 7: cell 5 is not in the table",
    );
    refused(
        &SMALL.replace("2 (1)\n", "2 1\n"),
        "line 7: an equation lacks a \"(\"",
    );
    refused(
        &SMALL.replace(" 2 (1)\n", "\n"),
        "the file ends before a term's cell",
    );
    refused(
        &SMALL.replace("0 10 2.5", "0 11 2.5"),
        "equation 1 does not hold: the table is not additive",
    );
    refused(
        &format!("{SMALL}0 1 : 0 (1)\n"),
        "line 8: the file goes on after its last equation",
    );
}

mod hostile {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a-z :()\\-.\n]{0,200}") {
            let _ = super::read(&text);
        }

        #[test]
        fn no_cut_or_changed_file_panics(at in 0_usize..120, byte in any::<char>()) {
            let mut text: String = super::SMALL.chars().take(at).collect();
            text.push(byte);
            text.extend(super::SMALL.chars().skip(at + 1));
            let _ = super::read(&text);
        }
    }
}
