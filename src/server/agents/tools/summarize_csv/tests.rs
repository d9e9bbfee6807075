use proptest::prelude::*;

use super::*;

const SALES: &str = "date,region,units,price,note\n2026-01-02,North,3,1.5,\n2026-01-03,South,5,2.5,late\n\
2026-01-01,North,4,n/a,late\n";

#[test]
fn a_table_is_told_by_its_columns() {
    assert_eq!(
        summary(SALES, None).unwrap(),
        "3 rows, 5 columns.\n\n\
         | column | type | count | missing | min | max | mean | median | sum |\n\
         |---|---|---|---|---|---|---|---|---|\n\
         | date | date | 3 | 0 | 2026-01-01 | 2026-01-03 |  |  |  |\n\
         | region | text | 3 | 0 | 2 different | mostly North (2) |  |  |  |\n\
         | units | integer | 3 | 0 | 3 | 5 | 4 | 4 | 12 |\n\
         | price | number | 2 | 1 | 1.5 | 2.5 | 2 | 2 | 4 |\n\
         | note | text | 2 | 1 | 1 different | mostly late (2) |  |  |  |"
    );
}

#[test]
fn rows_are_summed_up_by_group() {
    let text = summary(SALES, Some("Region")).unwrap();
    let expected = "By region: 2 groups.\n\n\
        | region | rows | sum of units | mean of units | sum of price | mean of price |\n\
        |---|---|---|---|---|---|\n\
        | North | 2 | 7 | 3.5 | 1.5 | 1.5 |\n\
        | South | 1 | 5 | 5 | 2.5 | 2.5 |";
    assert!(text.ends_with(expected), "{text}");
    assert!(summary(SALES, Some("city")).unwrap_err().contains("there are date, region, units"));
}

#[test]
fn numbers_are_read_as_the_table_writes_them() {
    for (table, row) in [
        ("a;b\nx;1,5\ny;2,25", "| b | number | 2 | 0 | 1.5 | 2.25 | 1.875 | 1.875 | 3.75 |"),
        ("a,b\nx,\"1,500\"\ny,500", "| b | integer | 2 | 0 | 500 | 1500 | 1000 | 1000 | 2000 |"),
        ("a,b\nx,$3\ny,$4", "| b | integer | 2 | 0 | 3 | 4 | 3.5 | 3.5 | 7 |"),
        ("1,2\n3,4", "| column 2 | integer | 2 | 0 | 2 | 4 | 3 | 3 | 6 |"),
        ("ok\nyes\nno\nyes", "| ok | boolean | 3 | 0 | 2 different | mostly yes (2) |  |  |  |"),
        ("a,b\nx,\ny,NA", "| b | empty | 0 | 2 |  |  |  |  |  |"),
    ] {
        let text = summary(table, None).unwrap();
        assert!(text.lines().any(|line| line == row), "{table:?}: {text}");
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let wide = vec!["c"; limits::CSV_COLUMNS + 1].join(",");
    let long = format!("a,b\n{}", "1,2\n".repeat(limits::CSV_BYTES / 4));
    for (table, why) in [("", "no CSV"), ("a,b", "no rows"), (&wide, "columns"), (&long, "longer")] {
        assert!(summary(table, None).unwrap_err().contains(why), "{why}");
    }
    let uneven = summary("a,b,c\n1,2\n1,2,3,4", None).unwrap();
    assert!(uneven.starts_with("2 rows, 3 columns. 2 rows with more or fewer cells"), "{uneven}");
    let many: String = (0..limits::CSV_GROUPS + 5).map(|at| format!("g{at},1\n")).collect();
    let text = summary(&format!("group,n\n{many}"), Some("group")).unwrap();
    assert_eq!(text.matches("\n| g").count(), limits::CSV_GROUPS + 2);
}

proptest! {
    #[test]
    fn no_text_brings_it_down(text in any::<String>(), table in "[-0-9a-c,;|\"\t\r\n .]{0,300}", group in any::<bool>()) {
        for text in [text, table] {
            let _ = summary(&text, group.then_some("a"));
        }
    }
}
