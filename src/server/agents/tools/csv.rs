//! Reads CSV as people and programs write it: commas, semicolons, tabs or bars between the cells, quotes around
//! a cell that holds one of them, a quote or a line's end (RFC 4180). Whatever the text, it comes back with cells.

/// All records, their cells without the space around them; lines with nothing in them are none.
pub fn records(text: &str, delimiter: char) -> Vec<Vec<String>> {
    let mut reader = Reader { delimiter, ..Reader::default() };
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let doubled = c == '"' && reader.quoted && chars.next_if_eq(&'"').is_some();
        reader.take(c, doubled);
    }
    reader.end_record();
    reader.records
}

#[derive(Default)]
struct Reader {
    delimiter: char,
    records: Vec<Vec<String>>,
    record: Vec<String>,
    cell: String,
    /// Inside quotes.
    quoted: bool,
    /// This cell had quotes: it is kept as it is, space and all.
    was_quoted: bool,
}

impl Reader {
    fn take(&mut self, c: char, doubled: bool) {
        match c {
            '"' if doubled => self.cell.push('"'),
            '"' if self.quoted => self.quoted = false,
            '"' if self.cell.trim().is_empty() && !self.was_quoted => {
                self.cell.clear();
                (self.quoted, self.was_quoted) = (true, true);
            }
            c if self.quoted => self.cell.push(c),
            c if c == self.delimiter => self.end_cell(),
            '\n' | '\r' => self.end_record(),
            c => self.cell.push(c),
        }
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        self.record.push(if self.was_quoted { cell.trim_end().to_owned() } else { cell.trim().to_owned() });
        (self.quoted, self.was_quoted) = (false, false);
    }

    fn end_record(&mut self) {
        self.end_cell();
        let record = std::mem::take(&mut self.record);
        if record.len() > 1 || !record[0].is_empty() {
            self.records.push(record);
        }
    }
}

/// What stands between the cells: in every one of the first lines, the same number of times if possible.
pub fn delimiter(text: &str) -> Option<char> {
    /// Lines that are looked at.
    const FEW: usize = 20;
    let counts = |delimiter: char| -> Vec<usize> {
        let first: String =
            text.lines().filter(|line| !line.trim().is_empty()).take(FEW).collect::<Vec<_>>().join("\n");
        records(&first, delimiter).iter().map(|record| record.len() - 1).collect()
    };
    let everywhere = ['\t', ';', '|', ','].into_iter().map(|delimiter| (delimiter, counts(delimiter)));
    let everywhere: Vec<_> = everywhere.filter(|(_, counts)| counts.iter().all(|count| *count > 0)).collect();
    let even = everywhere.iter().find(|(_, counts)| counts.windows(2).all(|pair| pair[0] == pair[1]));
    even.or(everywhere.first()).filter(|(_, counts)| !counts.is_empty()).map(|(delimiter, _)| *delimiter)
}

/// The CSV in a message: what stands between lines of three backticks, else the longest run of lines that have
/// the same number of cells.
pub fn in_message(text: &str) -> Option<&str> {
    fenced(text).or_else(|| longest_run(text)).map(str::trim).filter(|found| found.lines().count() > 1)
}

fn fenced(text: &str) -> Option<&str> {
    let (_, body) = text.split_once("```")?;
    let (_, body) = body.split_once('\n')?;
    Some(body.split_once("```").map_or(body, |(block, _)| block))
}

fn longest_run(text: &str) -> Option<&str> {
    let mut best: Option<(usize, usize, usize)> = None;
    for delimiter in ['\t', ';', '|', ','] {
        let (mut run, mut cells, mut at) = (None, 0, 0);
        for line in text.split_inclusive('\n') {
            // A line that leads to what follows is none of it.
            let is_talk = line.trim_end().ends_with([':', '?', '!']);
            let count = if is_talk { 0 } else { records(line, delimiter).first().map_or(0, Vec::len) };
            let from = match run {
                Some(from) if count == cells => from,
                _ => at,
            };
            at += line.len();
            run = (count > 1).then_some(from);
            cells = count;
            let lines = text[from..at].lines().count();
            if run.is_some() && lines > 1 && best.is_none_or(|(most, _, _)| lines > most) {
                best = Some((lines, from, at));
            }
        }
    }
    best.map(|(_, from, to)| without_talk(&text[from..to]))
}

/// Without a first line that is a sentence with a comma in it, above rows that are none.
fn without_talk(run: &str) -> &str {
    let is_sentence = |line: &str| line.split([',', ';', '|', '\t']).any(|cell| cell.split_whitespace().count() > 3);
    match run.split_once('\n') {
        Some((first, rest)) if is_sentence(first) && !rest.lines().any(is_sentence) => rest,
        _ => run,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn cells_are_read_as_programs_write_them() {
        for (text, delimiter, expected) in [
            ("a,b\n1,2\n", ',', vec![vec!["a", "b"], vec!["1", "2"]]),
            ("a;b\r\n1;2\r\n", ';', vec![vec!["a", "b"], vec!["1", "2"]]),
            ("\u{feff}a, b \n\n , \n", ',', vec![vec!["a", "b"], vec!["", ""]]),
            ("\"a,b\",\"say \"\"hi\"\"\"\n", ',', vec![vec!["a,b", "say \"hi\""]]),
            ("\"two\nlines\",x", ',', vec![vec!["two\nlines", "x"]]),
            ("5\" pipe,3", ',', vec![vec!["5\" pipe", "3"]]),
            ("\"never closed,1\n2", ',', vec![vec!["never closed,1\n2"]]),
            ("a\tb", '\t', vec![vec!["a", "b"]]),
            ("", ',', vec![]),
        ] {
            assert_eq!(records(text, delimiter), expected, "{text:?}");
        }
    }

    #[test]
    fn the_delimiter_is_the_one_that_every_line_has() {
        for (text, expected) in [
            ("a,b\n1,2", Some(',')),
            ("name;price\nx;1,5\ny;2,5", Some(';')),
            ("a\tb\n1,5\t2", Some('\t')),
            ("a|b\n1|2", Some('|')),
            ("\"x;y\",1\nz,2", Some(',')),
            ("one\ntwo", None),
            ("", None),
        ] {
            assert_eq!(delimiter(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_message_holds_its_csv() {
        for (text, expected) in [
            ("Summarize this:\n```csv\na,b\n1,2\n```\nplease, now", "a,b\n1,2"),
            ("Summarize this, please:\na,b\n1,2\n3,4\nThanks, all, of you", "a,b\n1,2\n3,4"),
            ("a;b\n1;2", "a;b\n1;2"),
            ("the totals by region, please\na,b\n1,2", "a,b\n1,2"),
        ] {
            assert_eq!(in_message(text), Some(expected), "{text:?}");
        }
        for text in ["no csv here, really", "", "```\none line\n```"] {
            assert_eq!(in_message(text), None, "{text:?}");
        }
    }

    fn written(rows: &[Vec<String>]) -> String {
        let cell = |cell: &String| format!("\"{}\"", cell.replace('"', "\"\""));
        rows.iter().map(|row| row.iter().map(cell).collect::<Vec<_>>().join(",") + "\r\n").collect()
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[ -~\n\té漢]{0,8}x", 2..5), 0..8)
        ) {
            let rows: Vec<Vec<String>> = rows.into_iter().map(|row: Vec<String>| row.iter().map(|cell| cell.trim_end().to_owned()).collect()).collect();
            prop_assert_eq!(records(&written(&rows), ','), rows);
        }

        #[test]
        fn no_text_brings_it_down(text in any::<String>(), table in "[-0-9a-c,;|\"\t\r\n ]{0,200}") {
            for text in [text, table] {
                if let Some(found) = in_message(&text) {
                    prop_assert!(text.contains(found));
                }
                if let Some(delimiter) = delimiter(&text) {
                    prop_assert!(!records(&text, delimiter).is_empty());
                }
            }
        }
    }
}
