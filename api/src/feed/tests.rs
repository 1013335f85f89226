//! Feeds row by row: both formats, bad rows among good ones, and bounds.

use std::io::{self, Read, Write};

use flate2::{Compression, write::GzEncoder};
use oms_domain::placed::PlacedOrder;
use proptest::prelude::*;

use super::*;
use crate::{facility::FacilityBody, stock::StockRow};

fn rows<T: FeedRecord>(input: impl Into<Vec<u8>>) -> Vec<Row<T>> {
    let rows = Rows::open(io::Cursor::new(input.into())).unwrap();
    rows.map(|row| row.unwrap()).collect()
}

/// Number and outcome of each row: the SKU, or the reason.
fn stock(input: impl Into<Vec<u8>>) -> Vec<(u64, Result<String, String>)> {
    rows::<StockRow>(input).into_iter().map(|row| (row.number, row.content.map(|stock| stock.sku.to_string()))).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn columns_are_found_by_name_and_empty_cells_are_absent() {
    let csv = "sku,on_hand,facility_id,safety_stock\nA,3,F,\n\"B\",0,F,2\n";
    let found = rows::<StockRow>(csv);
    let counts: Vec<_> = found.iter().map(|row| row.content.as_ref().unwrap().count).collect();
    assert_eq!(counts.iter().map(|count| (count.on_hand, count.safety_stock)).collect::<Vec<_>>(), [(3, None), (0, Some(2))]);
    assert_eq!(found[1].number, 2);
}

#[test]
fn a_bad_row_keeps_its_number_and_reason_and_stops_no_other() {
    let csv = "facility_id,sku,on_hand\nF,A,1\nF,B,-1\nF,..,x\nF,E\nF,G,7\n";
    let found = stock(csv);
    assert_eq!(found[0], (1, Ok("A".into())));
    assert_eq!(found[1].1, Err("validation_failed: /on_hand must be between 0 and 1000000000".into()));
    let reason = found[2].1.clone().unwrap_err();
    assert!(reason.contains("/sku sku must be") && reason.contains("/on_hand must be a whole number"), "{reason}");
    assert_eq!(found[3], (4, Err("validation_failed: the row has 2 cells, the header has 3".into())));
    assert_eq!(found[4], (5, Ok("G".into())));
}

#[test]
fn json_lines_are_told_apart_and_blank_lines_keep_the_count() {
    let lines =
        "\u{feff}{\"facility_id\":\"F\",\"sku\":\"A\",\"on_hand\":1}\n\n{\"sku\":\n{\"facility_id\":\"F\",\"sku\":\"B\",\"on_hand\":2}";
    let found = stock(lines);
    assert_eq!((found[0].clone(), found[2].clone()), ((1, Ok("A".into())), (4, Ok("B".into()))));
    assert_eq!(found[1].0, 3);
    assert!(found[1].1.as_ref().unwrap_err().starts_with("malformed_body: "));
}

#[test]
fn gzip_is_told_by_its_first_bytes_also_in_several_members() {
    let mut members = gzip(b"facility_id,sku,on_hand\nF,A,1\n");
    members.extend(gzip(b"F,B,2\n"));
    assert_eq!(stock(members), [(1, Ok("A".into())), (2, Ok("B".into()))]);
}

#[test]
fn a_cut_file_ends_with_an_error_after_its_whole_rows() {
    let many: String = (0..5_000).map(|i| format!("F,S{i},{i}\n")).collect();
    let whole = gzip(format!("facility_id,sku,on_hand\n{many}").as_bytes());
    let cut = whole[..whole.len() - 100].to_vec();
    let results: Vec<_> = Rows::<StockRow>::open(io::Cursor::new(cut)).unwrap().take(5_001).collect();
    assert!(results.last().unwrap().is_err());
    assert!(results[..results.len() - 1].iter().all(|row| row.as_ref().unwrap().content.is_ok()));
}

#[test]
fn an_input_that_breaks_at_once_gives_the_rows_before_it() {
    struct Breaks(&'static [u8]);
    impl Read for Breaks {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if self.0.is_empty() { Err(io::ErrorKind::ConnectionReset.into()) } else { self.0.read(buffer) }
        }
    }
    let input = Breaks(b"facility_id,sku,on_hand\nF,A,1\nF,B");
    let results: Vec<_> = Rows::<StockRow>::open(input).unwrap().collect();
    assert!(results[0].as_ref().is_ok_and(|row| row.content.is_ok()));
    assert!(results.len() == 2 && results[1].is_err());
}

#[test]
fn a_header_that_does_not_fit_is_refused_once_and_not_row_by_row() {
    let Err(OpenError::Columns(errors)) = Rows::<StockRow>::open(&b"facility_id,sku,sku,colour\n1,2,3,4\n"[..]) else { panic!() };
    let found: Vec<_> = errors.iter().map(|error| (error.pointer.as_str(), error.message.as_str())).collect();
    let expected = [("/on_hand", "is a required column"), ("/sku", "is a column twice"), ("/colour", "is not a known column")];
    assert_eq!(found, expected);
    assert!(matches!(Rows::<StockRow>::open(&b""[..]), Err(OpenError::Columns(_))));
    assert!(matches!(Rows::<PlacedOrder>::open(&b"order_id\n1\n"[..]), Err(OpenError::NotJsonLines)));
}

#[test]
fn rows_beyond_every_bound_are_skipped_whole() {
    let long = format!("facility_id,sku,on_hand\nF,{},1\nF,B,2\n", "x".repeat(CSV_ROW_MAX_BYTES + 10));
    let found = stock(long);
    assert!(found[0].1.as_ref().unwrap_err().contains("longer than"));
    assert_eq!(found[1], (2, Ok("B".into())));

    let wide = format!("facility_id,sku,on_hand\n{}\nF,B,2\n", ",".repeat(1_000));
    assert_eq!(stock(wide)[1], (2, Ok("B".into())));

    let mut line = vec![b' '; JSON_LINE_MAX_BYTES + 1];
    line.splice(..0, *b"{");
    line.extend(b"\n{\"facility_id\":\"F\",\"sku\":\"B\",\"on_hand\":2}\n");
    let found = stock(line);
    assert!(found[0].1.as_ref().unwrap_err().contains("longer than"));
    assert_eq!(found[1], (2, Ok("B".into())));
}

/// What a file says before it breaks off, and why it does.
fn until_broken(csv: impl Into<Vec<u8>>) -> (usize, String) {
    let rows: Vec<_> = Rows::<StockRow>::open(io::Cursor::new(csv.into())).unwrap().collect();
    let whole = rows.iter().filter(|row| row.is_ok()).count();
    (whole, rows.into_iter().find_map(Result::err).expect("an error").to_string())
}

#[test]
fn an_unclosed_quote_ends_the_file_and_is_named_by_its_row() {
    let header = "facility_id,sku,on_hand\nF,A,1\nF,\"27 inch,1\n";
    for after in [10, 100_000] {
        let (whole, error) = until_broken(format!("{header}{}", "F,B,2\n".repeat(after)));
        assert_eq!(whole, 1);
        assert!(error.contains("a quote that opens in row 2"), "{error}");
    }
    let quoted = stock("facility_id,sku,on_hand\nF,\"A\",\"1\"\nF,B,2\n");
    assert_eq!(quoted, [(1, Ok("A".into())), (2, Ok("B".into()))]);
}

#[test]
fn a_file_with_other_separators_is_told_so() {
    for (csv, called) in [("facility_id;sku;on_hand\nF;A;1\n", "semicolons"), ("facility_id\tsku\ton_hand\nF\tA\t1\n", "tabs")] {
        let Err(OpenError::Columns(errors)) = Rows::<StockRow>::open(io::Cursor::new(csv)) else { panic!("{called} were taken") };
        assert!(errors[0].message.contains(called), "{errors:?}");
    }
}

#[test]
fn a_cell_that_is_not_utf8_is_a_reason() {
    assert_eq!(stock(&b"facility_id,sku,on_hand\nF,\xff,1\n"[..])[0].1, Err("malformed_body: cell 2 is not UTF-8".into()));
    assert!(stock(&b"{\"sku\":\"\xff\"}\n"[..])[0].1.as_ref().unwrap_err().starts_with("malformed_body"));
}

#[test]
fn a_reader_that_trickles_gives_the_same_rows() {
    struct Trickle(io::Cursor<Vec<u8>>);
    impl Read for Trickle {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.0.read(&mut buffer[..1])
        }
    }
    let csv = b"\xef\xbb\xbffacility_id,sku,on_hand\r\nF,\"A\",1\r\n".to_vec();
    let found: Vec<_> = Rows::<StockRow>::open(Trickle(io::Cursor::new(csv))).unwrap().map(|row| row.unwrap()).collect();
    assert!(found.len() == 1 && found[0].content.is_ok(), "{found:?}");
}

#[test]
fn a_facility_comes_back_as_it_was_read() {
    let csv = "facility_id,name,type,country,city,latitude,longitude,timezone,handling_cost_minor,daily_order_capacity,cutoff_local_time,\
        working_days,ship_enabled,pickup_enabled\nWH-1,Warehouse,warehouse,GB,Leeds,53.8,-1.5,Europe/London,90,400,17:00,Mon-Fri,true,false\n";
    let first = rows::<FacilityBody>(csv).remove(0).content.unwrap();
    let written = serde_json::to_value(&first).unwrap();
    assert_eq!(written["cutoff_local_time"].as_str().map(str::len), Some(5));
    assert_eq!(serde_json::from_value::<FacilityBody>(written.clone()).unwrap(), first);
    assert_eq!(crate::reader::read_value(&written, crate::reader::Form::Json, FacilityBody::read), Ok(first));
}

#[test]
fn facilities_with_impossible_hours_are_refused() {
    let base = serde_json::json!({"facility_id": "F", "name": "F", "type": "store", "country": "GB", "city": "Leeds", "latitude": 1,
        "longitude": 2, "timezone": "Europe/London", "cutoff_local_time": "17:00", "working_days": "Mon-Fri"});
    let read = |body: &serde_json::Value| crate::reader::read_value(body, crate::reader::Form::Json, FacilityBody::read);
    assert!(read(&base).is_ok());
    for (field, value) in [
        ("timezone", "Europe/Leeds"),
        ("timezone", "posixrules"),
        ("timezone", "Etc/Unknown"),
        ("timezone", "localtime"),
        ("cutoff_local_time", "25:00"),
        ("cutoff_local_time", "5pm"),
        ("working_days", "Fri-"),
        ("working_days", "Monday"),
        ("type", "shed"),
    ] {
        let mut body = base.clone();
        body[field] = value.into();
        assert_eq!(read(&body).unwrap_err()[0].pointer, format!("/{field}"), "{value}");
    }
}

/// What the rows say, and how many there are by the file's own words.
fn said(input: impl Into<Vec<u8>>) -> (Vec<(u64, bool)>, Option<u64>) {
    let mut rows = Rows::<StockRow>::open(io::Cursor::new(input.into())).unwrap();
    let found = rows.by_ref().map(|row| row.unwrap()).map(|row| (row.number, row.content.is_ok())).collect();
    (found, rows.said())
}

#[test]
fn blank_lines_and_the_same_again_may_come_after_the_line_that_says_how_many_rows_there_are() {
    let csv = "facility_id,sku,on_hand\nF,A,1\n#rows,1\n";
    let lines = "{\"facility_id\":\"F\",\"sku\":\"A\",\"on_hand\":1}\n{\"#rows\":1}\n";
    for (file, after) in [(csv, "\n\r\n,,\n , \n#rows,1,\n\n"), (lines, "\n \r\n{\"#rows\":1}\n\n")] {
        for after in ["", after] {
            assert_eq!(said(format!("{file}{after}")), (vec![(1, true)], Some(1)), "{after:?}");
        }
    }
    // As many as anybody likes: each is read where the one before was.
    assert_eq!(said(format!("{csv}{}", "#rows,1\n".repeat(200_000))), (vec![(1, true)], Some(1)));
}

#[test]
fn a_row_after_the_line_that_says_how_many_there_are_is_refused_by_its_number() {
    let csv = "facility_id,sku,on_hand\nF,A,1\n#rows,1\nF,B,2\n#rows,2\n";
    assert_eq!(said(csv), (vec![(1, true), (2, false), (3, false)], Some(1)), "nor is another number believed");
    let lines =
        "{\"facility_id\":\"F\",\"sku\":\"A\",\"on_hand\":1}\n{\"#rows\":1}\n\n{\"facility_id\":\"F\",\"sku\":\"B\",\"on_hand\":2}\n";
    assert_eq!(said(lines), (vec![(1, true), (4, false)], Some(1)));
    let (_, reason) = stock(csv).remove(1);
    assert_eq!(reason, Err("validation_failed: the row comes after the line that says how many rows there are".into()));
}

proptest! {
    #[test]
    fn no_bytes_make_a_feed_panic_or_lose_count(bytes in prop::collection::vec(any::<u8>(), 0..400), json in any::<bool>()) {
        let head: &[u8] = if json { b"{}\n" } else { b"facility_id,sku,on_hand\n" };
        let rows = Rows::<StockRow>::open(io::Cursor::new([head, &bytes].concat())).unwrap();
        // A file may break off, as within a quote that nothing closes.
        let numbers: Vec<u64> = rows.map_while(Result::ok).map(|row| row.number).collect();
        prop_assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
