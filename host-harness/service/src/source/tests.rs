use std::io::Cursor;

use proptest::prelude::*;

use super::*;

fn open(source: impl AsRef<[u8]>, options: &ReadOptions) -> io::Result<Items> {
    Items::new(Box::new(Cursor::new(source.as_ref().to_vec())), options)
}

fn all(items: &mut Items) -> Vec<SourceItem> {
    std::iter::from_fn(|| items.next_item().unwrap()).collect()
}

fn csv(source: impl AsRef<[u8]>) -> (Vec<SourceItem>, Items) {
    let mut items = open(source, &ReadOptions::of(SourceForm::Csv)).unwrap();
    (all(&mut items), items)
}

/// Each item as its line and a word: its first cell, or `!` and why it failed.
fn told(items: &[SourceItem]) -> Vec<(u64, String)> {
    let word = |item: &SourceItem| match &item.content {
        Ok(content) => {
            let cells: serde_json::Map<String, serde_json::Value> =
                serde_json::from_str(content).unwrap();
            cells.values().map(|cell| cell.as_str().unwrap()).collect::<Vec<_>>().join("|")
        }
        Err(why) => format!("!{why}"),
    };
    items.iter().map(|item| (item.line, word(item))).collect()
}

/// Rows after a header of three names, as [`told`]; reasons are cut to these words.
#[track_caller]
fn rows(rows: &str, expected: &[(u64, &str)]) {
    let (items, _) = csv(format!("number,slug,title\n{rows}"));
    let told = told(&items);
    assert_eq!(told.len(), expected.len(), "{told:?}");
    for ((line, word), (number, words)) in told.iter().zip(expected) {
        assert_eq!(line, number, "{told:?}");
        let fits = match (word.strip_prefix('!'), words.strip_prefix('!')) {
            (Some(why), Some(words)) => why.contains(words),
            (why, wanted) => why == wanted && word == words,
        };
        assert!(fits, "{words}: {told:?}");
    }
}

#[test]
fn rows_are_objects_of_texts() {
    let (items, reader) = csv("Order, Note\r\n1,\"two\r\nlines \"\"so\"\"\"\r\n2,\r\n");
    let content: Vec<_> = items.iter().map(|item| item.content.as_deref().unwrap()).collect();
    let first = r#"{"Order":"1","Note":"two\r\nlines \"so\""}"#;
    assert_eq!(content, [first, r#"{"Order":"2"}"#]);
    assert_eq!(items[0].raw, b"1,\"two\r\nlines \"\"so\"\"\"");
    assert_eq!((reader.header().unwrap().as_str(), reader.notes()), ("Order, Note", vec![]));
}

#[test]
fn a_quote_opens_a_cell_only_at_its_beginning() {
    rows(
        "A,ups,Monitor 27\" black\nB,ups,\"27\"\" tv\"\n",
        &[(2, "A|ups|Monitor 27\" black"), (3, "B|ups|27\" tv")],
    );
}

#[test]
fn a_broken_record_fails_alone_with_its_line() {
    // A quote that another row's quote would close.
    rows(
        "A,ups,\"27 monitor\nB,ups,32\" tv\nC,ups,c\n",
        &[
            (2, "!the quote that opens cell 3 is closed on line 3 before the cell ends"),
            (3, "B|ups|32\" tv"),
            (4, "C|ups|c"),
        ],
    );
    rows(
        "A,ups,\"never\nB,ups,b\nC,ups,\"\"\n",
        &[
            (2, "!the quote that opens cell 3 is not closed up to line 4"),
            (3, "B|ups|b"),
            (4, "C|ups"),
        ],
    );
    rows("A,ups,\"Rush\" order\nB,ups,b\n", &[(2, "!is doubled (\"\")"), (3, "B|ups|b")]);
    rows("A,ups,\"say \\\"hi\\\" now\"\nB,ups,b\n", &[(2, "!not written as \\\""), (3, "B|ups|b")]);
    rows(
        "A,ups,a,more\nB,ups,b\n",
        &[(2, "!it has 4 cells where there are 3 names"), (3, "B|ups|b")],
    );
    // What is left of a broken record is no record by itself.
    rows(
        "A,ups,\"one\ntwo\" x,y\nB,ups,b\n",
        &[(2, "!before the cell ends"), (3, "!it has 2 cells"), (4, "B|ups|b")],
    );
    rows("A,ups,\"one\ntwo\",more\nB,ups\n", &[(2, "!has 4 cells"), (3, "!has 2"), (4, "B|ups")]);
}

#[test]
fn a_forgotten_quote_swallows_no_row() {
    let two = "A,ups,\"a\nB,ups,b\"\nC,ups,c\n";
    rows(
        two,
        &[(2, "!lines 2 to 3: a quote opens on line 2 and closes on line 3"), (4, "C|ups|c")],
    );
    rows("A,ups,\"one\ntwo, more\"\n", &[(2, "A|ups|one\ntwo, more")]);
    let options = ReadOptions { multiline: true, ..ReadOptions::of(SourceForm::Csv) };
    let mut items = open(format!("number,slug,title\n{two}"), &options).unwrap();
    assert_eq!(told(&all(&mut items))[0], (2, "A|ups|a\nB,ups,b".to_owned()));
}

#[test]
fn empty_cells_at_a_rows_end_make_no_difference() {
    let (items, reader) = csv("number,slug,title,,\nA,ups,a,,\nB,ups\nC,ups,c,, ,\nD\nE,ups,e,x\n");
    let told = told(&items);
    let good: Vec<_> = told.iter().take(3).map(|(_, word)| word.as_str()).collect();
    assert_eq!(good, ["A|ups|a", "B|ups", "C|ups|c"]);
    assert!(told[3].1.ends_with("it has 1 cell where there are 3 names"), "{told:?}");
    assert!(told[4].1.ends_with("it has 4 cells where there are 3 names"), "{told:?}");
    assert_eq!(reader.columns().unwrap(), ["number", "slug", "title"]);
    rows("A,ups,a\nB,u", &[(2, "A|ups|a"), (3, "!is it cut off?")]);
}

#[test]
fn lines_without_content_are_left_out_and_counted() {
    let (items, reader) = csv("\nnumber,slug\n,\n\nA,ups\n, \n\"\",\nB,dhl\n\n,\n\x1a");
    assert_eq!(told(&items), [(5, "A|ups".to_owned()), (8, "B|dhl".to_owned())]);
    assert_eq!(reader.notes(), ["7 lines without content left out"]);
    let (items, reader) = csv("number,slug\rA,ups\rB,dhl\r");
    assert_eq!(told(&items), [(2, "A|ups".to_owned()), (3, "B|dhl".to_owned())]);
    assert_eq!(reader.notes(), Vec::<String>::new());
    assert_eq!(told(&csv("a,b\r\n1,2\r\n3,4\x1a").0)[1], (3, "3|4".to_owned()));
}

#[test]
fn what_stands_between_cells_is_found_or_given() {
    for (source, shown, header) in [
        ("a;b\n1;2\n", "\";\"", "sep=;\na;b"),
        ("sep=;\na;b\n1;2\n", "\";\"", "sep=;\na;b"),
        ("a\tb\n1\t2\n", "tabs", "sep=\t\na\tb"),
    ] {
        let (items, reader) = csv(source);
        assert_eq!(told(&items)[0].1, "1|2");
        assert!(reader.notes()[0].contains(&format!("separated by {shown};")));
        assert_eq!(reader.header().unwrap(), header);
    }
    let options = ReadOptions { delimiter: Some(b'^'), ..ReadOptions::of(SourceForm::Csv) };
    let mut items = open("a^b,c\n1^2\n", &options).unwrap();
    assert_eq!(told(&all(&mut items))[0].1, "1|2");
}

#[test]
fn the_mark_decides_on_the_encoding_then_what_was_given() {
    let text = "number,title\nA,Straße 京\n";
    let utf16 = |mark: u16, bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        [mark].into_iter().chain(text.encode_utf16()).flat_map(bytes).collect()
    };
    for source in [utf16(0xfeff, u16::to_le_bytes), utf16(0xfeff, u16::to_be_bytes)] {
        // What is given does not count against the mark.
        let encoding = Encoding::for_label(b"windows-1252");
        let mut items =
            open(&source, &ReadOptions { encoding, ..ReadOptions::of(SourceForm::Csv) }).unwrap();
        assert_eq!(told(&all(&mut items)), [(2, "A|Straße 京".to_owned())]);
        assert!(items.header().unwrap().starts_with('\u{feff}'));
        assert!(items.notes()[0].starts_with("the source is read as UTF-16"));
        let bare = open(&source[2..], &ReadOptions::of(SourceForm::Csv)).map(|_| ()).unwrap_err();
        assert!(bare.to_string().contains("encoding: utf-16"), "{bare}");
        // Half of a surrogate pair is no character.
        let odd: Vec<u8> = source.iter().copied().chain([0xd8, 0xd8, 0, 0, b'\n', 0]).collect();
        let mut items = open(&odd, &ReadOptions::of(SourceForm::Csv)).unwrap();
        assert!(all(&mut items).last().unwrap().content.is_err());
    }
    let west = b"number,title\nA,M\xfcller\nB,plain\n";
    let (items, _) = csv(west);
    assert!(told(&items)[0].1.contains("option encoding"), "{items:?}");
    assert_eq!(told(&items)[1].1, "B|plain");
    let encoding = Encoding::for_label(b"windows-1252");
    let mut items =
        open(west, &ReadOptions { encoding, ..ReadOptions::of(SourceForm::Csv) }).unwrap();
    assert_eq!(told(&all(&mut items))[0].1, "A|Müller");
}

#[test]
fn what_is_no_text_or_has_no_names_is_refused_whole() {
    for (source, words) in [
        (&b"PK\x03\x04rest of it"[..], "save it as CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", "save it as CSV"),
        (b"\x1f\x8b\x08\0", "unpack it"),
        (b"\n <!DOCTYPE html>", "HTML"),
        (b"", "it is empty"),
        (b"\n,,\n", "it is empty"),
        (b"a,\"b\"c\n", "line 1: the names of the columns: line 1: the quote that opens cell 2"),
    ] {
        let why =
            open(source, &ReadOptions::of(SourceForm::Csv)).map(|_| ()).unwrap_err().to_string();
        assert!(why.contains(words), "{why}");
    }
}

#[test]
fn lines_are_objects_and_bad_ones_are_named() {
    let source = "\u{feff}{\"a\":1.10}\r\n\n[1]\n{\"a\":\n  {\"b\":2}";
    let items = all(&mut open(source, &ReadOptions::of(SourceForm::Json)).unwrap());
    let told: Vec<_> = items.iter().map(|item| (item.line, item.content.clone())).collect();
    assert_eq!(told[0], (1, Ok("{\"a\":1.10}".to_owned())));
    let not_object = "line 3: it is JSON, and no object; each line holds one object";
    assert_eq!(told[1], (3, Err(not_object.to_owned())));
    assert!(told[2].1.as_ref().unwrap_err().starts_with("line 4: it is no JSON object: EOF"));
    assert_eq!(told[3], (5, Ok("  {\"b\":2}".to_owned())));
    assert_eq!(items[2].raw, b"{\"a\":");
    let items = all(&mut open("number,slug\nA,ups\n", &ReadOptions::of(SourceForm::Json)).unwrap());
    assert!(items[0].content.as_ref().unwrap_err().ends_with("CSV has to be named as such"));
}

#[test]
fn an_array_of_objects_is_a_source() {
    let source = "\n[\n {\"a\": [1.10, \"],{\\\"\"],\n  \"b\":{}},\n 7, {}\n]\n";
    let items = all(&mut open(source, &ReadOptions::of(SourceForm::Json)).unwrap());
    let first = r#"{"a": [1.10, "],{\""],   "b":{}}"#;
    assert_eq!(items[0].content.as_deref(), Ok(first));
    assert_eq!((items[0].raw.as_slice(), items[0].line), (first.as_bytes(), 3));
    let not_object = "line 5: it is JSON, and no object; each element is one object";
    assert_eq!(items[1].content, Err(not_object.to_owned()));
    assert_eq!((items[2].line, items.len()), (5, 3));
    assert!(all(&mut open("[]", &ReadOptions::of(SourceForm::Json)).unwrap()).is_empty());
}

#[test]
fn a_broken_array_is_refused_whole() {
    for (source, words) in [
        ("[{}\n", "line 2: the array is not closed"),
        ("[{},\n", "line 2: the array is not closed"),
        ("[{\"a\":1}\n{\"a\":2}]", "line 1: it is no JSON: trailing characters"),
        ("[{},\n]", "line 2: an element of the array is missing"),
        ("[{}]\n[{}]", "line 2: something follows the array's end"),
        ("[{\"a\":tru}]", "line 1: it is no JSON"),
    ] {
        let mut items = open(source, &ReadOptions::of(SourceForm::Json)).unwrap();
        let why = std::iter::from_fn(|| items.next_item().transpose()).find_map(Result::err);
        let why = why.unwrap();
        assert_eq!(why.kind(), io::ErrorKind::InvalidData);
        assert!(why.to_string().contains(words), "{why}");
    }
}

#[test]
fn an_endless_line_fails_alone() {
    let long = "x".repeat(9 * 1024 * 1024);
    let items =
        all(&mut open(format!("{{\"a\":\"{long}\"}}\n{{}}\n"), &ReadOptions::of(SourceForm::Json))
            .unwrap());
    assert_eq!(items[0].content, Err("line 1: the line is longer than 8 MiB".to_owned()));
    assert_eq!(items[1].content, Ok("{}".to_owned()));
    let items =
        all(&mut open(format!("[{{\"a\":\"{long}\"}},{{}}]"), &ReadOptions::of(SourceForm::Json))
            .unwrap());
    assert_eq!(items[0].content, Err("line 1: the element is longer than 8 MiB".to_owned()));
    assert_eq!(items[1].content, Ok("{}".to_owned()));
    rows(&format!("{long}\nB,ups,b\n"), &[(2, "!longer than 8 MiB"), (3, "B|ups|b")]);
}

/// However quotes are wrong, each byte is looked at a few times at most.
#[test]
fn reading_is_linear() {
    let rows = |row: &str| row.repeat(1024 * 1024 / row.len());
    for body in [
        format!(
            "A,ups,\"stray\n{}",
            rows("1Z999AA10123456784,ups,A row of usual length\n").repeat(8)
        ),
        format!("A,ups,\"stray\n{}", rows("1Z999AA10123456784,ups,\"\"\n")),
        rows("A,ups,\"open\n"),
        rows("b\",\"c\n"),
        rows("x,\"\n"),
        rows("\n"),
    ] {
        let source = format!("number,slug,title\n{body}");
        let (_, reader) = csv(&source);
        let Reader::Csv(reader) = &reader.reader else { panic!("it is CSV") };
        let most = 4 * source.len() as u64;
        assert!(reader.examined <= most, "{} of {most}", reader.examined);
    }
}

proptest! {
    /// Nothing is lost, whatever comes: every line with content is in one item, in order.
    #[test]
    fn every_line_is_in_one_item(body in "[a\",;\n\r\\\\]{0,60}") {
        let source = format!("x,y\n{body}");
        let (items, _) = csv(&source);
        let raw: Vec<u8> = items.iter().flat_map(|item| item.raw.iter().copied()).collect();
        let plain = |text: &[u8]| -> Vec<u8> {
            text.iter().copied().filter(|byte| matches!(byte, b'a' | b'\\' | b';')).collect()
        };
        prop_assert_eq!(plain(&raw), plain(body.as_bytes()));
        prop_assert!(items.is_sorted_by_key(|item| item.line));
    }

    /// What a program quotes by the rules is read as it was.
    #[test]
    fn what_is_written_by_the_rules_is_read_as_it_was(
        rows in prop::collection::vec(("[a-z][a\", ]{0,5}[a-z]", "[a-z][a\"\n,; ]{0,9}[a-z]"), 1..6)
    ) {
        let mut writer = ::csv::Writer::from_writer(vec![]);
        writer.write_record(["x", "y", "z"]).unwrap();
        for (left, right) in &rows {
            writer.write_record([left, right, ""]).unwrap();
        }
        let options = ReadOptions { multiline: true, ..ReadOptions::of(SourceForm::Csv) };
        let mut items = open(writer.into_inner().unwrap(), &options).unwrap();
        let read: Vec<String> = all(&mut items).into_iter().map(|item| item.content.unwrap()).collect();
        let written: Vec<String> =
            rows.iter().map(|(x, y)| serde_json::json!({ "x": x, "y": y }).to_string()).collect();
        prop_assert_eq!(read, written);
    }
}
