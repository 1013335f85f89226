//! Foreign CSV files: a table of columns says what of them each of ours is made of. What comes out is a feed of our own form, row for row, so that
//! whatever is wrong is told by the number of the row in the foreign file.

mod cell;
mod table;

use std::io::{self, Read, Write};

pub use self::{
    cell::WrongCell,
    table::{InvalidMapping, MappedKind, Mapping},
};

/// A row as it comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MappedRow {
    /// Counted from 1, as feeds count them: after the header.
    pub number: u64,
    /// By our columns, in their order. A cell that cannot be read stands as it came, and the feed refuses it.
    pub cells: Vec<String>,
    pub wrong: Vec<WrongCell>,
}

/// Why a file cannot be read by a mapping at all.
#[derive(Debug, thiserror::Error)]
pub enum UnmappedFile {
    #[error("the file cannot be read: {0}")]
    Io(#[from] io::Error),
    #[error("the file cannot be read as CSV: {0}")]
    Csv(#[from] csv::Error),
    #[error("the file has no column {missing}; it has {has}")]
    Columns { missing: String, has: String },
}

/// The rows of a foreign file, in order.
pub struct MappedRows<'a, R: Read> {
    mapping: &'a Mapping,
    /// Where each of the mapping's columns stands in the file; None: it comes from nowhere there.
    places: Vec<Option<usize>>,
    records: csv::ByteRecordsIntoIter<R>,
    number: u64,
}

impl Mapping {
    /// Looks at the header.
    ///
    /// # Errors
    /// When a column that the mapping names is not there.
    pub fn rows<R: Read>(&self, mut input: R) -> Result<MappedRows<'_, R>, UnmappedFile> {
        skip_lines(&mut input, self.skip_lines())?;
        let mut reader = csv::ReaderBuilder::new().delimiter(self.delimiter()).flexible(true).from_reader(input);
        let header: Vec<String> =
            reader.byte_headers()?.iter().map(|name| self.text(name).trim().trim_start_matches('\u{feff}').to_owned()).collect();
        let place = |name: Option<&str>| match name {
            None => Ok(None),
            Some(name) => header
                .iter()
                .position(|known| known == name)
                .map(Some)
                .ok_or_else(|| UnmappedFile::Columns { missing: name.to_owned(), has: header.join(", ") }),
        };
        let places = self.sources().map(place).collect::<Result<_, _>>()?;
        Ok(MappedRows { mapping: self, places, records: reader.into_byte_records(), number: 0 })
    }

    /// Writes a foreign file as a feed of ours; how many rows it had.
    ///
    /// # Errors
    /// When it cannot be read to its end, or what comes out cannot be written.
    pub fn transform(&self, input: impl Read, output: impl Write) -> Result<u64, UnmappedFile> {
        let mut output = csv::Writer::from_writer(output);
        output.write_record(self.columns())?;
        let mut rows = 0;
        for row in self.rows(input)? {
            output.write_record(&row?.cells)?;
            rows += 1;
        }
        output.flush()?;
        Ok(rows)
    }
}

/// Lines before the header, which some systems write.
fn skip_lines(input: &mut impl Read, lines: u32) -> io::Result<()> {
    let mut byte = [0];
    for _ in 0..lines {
        while input.read(&mut byte)? == 1 && byte[0] != b'\n' {}
    }
    Ok(())
}

impl<R: Read> Iterator for MappedRows<'_, R> {
    type Item = Result<MappedRow, UnmappedFile>;

    fn next(&mut self) -> Option<Self::Item> {
        let record = match self.records.next()? {
            Ok(record) => record,
            Err(error) => return Some(Err(error.into())),
        };
        self.number += 1;
        let cell = |place: &Option<usize>| place.and_then(|place| record.get(place)).map(|cell| self.mapping.text(cell));
        let (mut cells, mut wrong) = (Vec::with_capacity(self.places.len()), Vec::new());
        for (column, place) in self.mapping.table().zip(&self.places) {
            match column.read(cell(place).as_deref(), self.mapping) {
                Ok(cell) => cells.push(cell),
                Err((came, mistake)) => {
                    cells.push(came);
                    wrong.push(mistake);
                }
            }
        }
        Some(Ok(MappedRow { number: self.number, cells, wrong }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOCK: &str = r#"
        version = 1
        kind = "stock"
        delimiter = ";"
        decimal = ","
        encoding = "latin1"
        skip_lines = 1

        [columns.sku]
        from = "Artikel-Nr."
        [columns.facility_id]
        from = "Lager"
        values = { "01" = "LEEDS", "Z\u00fcrich" = "ZURICH" }
        [columns.on_hand]
        from = "Bestand (Karton)"
        as = "number"
        factor = 12
        [columns.safety_stock]
        constant = "2"
    "#;

    fn rows(mapping: &str, file: &[u8]) -> Vec<MappedRow> {
        Mapping::parse(mapping).unwrap().rows(file).unwrap().collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn a_file_of_another_country_comes_out_as_a_feed_of_ours() {
        let file = b"Bestandsliste 1.12.\nLager;Artikel-Nr.;Bezeichnung;Bestand (Karton)\n01;85123A;Laterne;1.000,5\nZ\xfcrich;22423;\"Etagere; gro\xdf\";-2\n";
        let found = rows(STOCK, file);
        assert_eq!(found[0].cells, ["LEEDS", "85123A", "12006", "2"]);
        assert_eq!(found[1].cells, ["ZURICH", "22423", "-24", "2"]);
        let mut out = Vec::new();
        assert_eq!(Mapping::parse(STOCK).unwrap().transform(&file[..], &mut out).unwrap(), 2);
        assert_eq!(String::from_utf8(out).unwrap(), "facility_id,sku,on_hand,safety_stock\nLEEDS,85123A,12006,2\nZURICH,22423,-24,2\n");
    }

    #[test]
    fn what_cannot_be_read_is_named_with_its_row_and_column_and_stands_as_it_came() {
        let found = rows(STOCK, b"\nLager;Artikel-Nr.;Bestand (Karton)\n99;A;1\n01;A;zwei\n01;A;0,04\n01;A;\n");
        let told: Vec<(u64, String)> = found.iter().flat_map(|row| row.wrong.iter().map(|wrong| (row.number, wrong.to_string()))).collect();
        let expected = [
            (1, "facility_id: 99 (Lager) has no entry in values"),
            (2, "on_hand: zwei (Bestand (Karton)) is not a number"),
            (3, "on_hand: 0,04 (Bestand (Karton)) times 12 is not a whole number"),
        ];
        assert_eq!(told, expected.map(|(row, why)| (row, why.to_owned())));
        assert_eq!((found[1].cells[2].as_str(), found[3].cells[2].as_str()), ("zwei", ""));
    }

    #[test]
    fn times_are_read_in_their_own_form_and_place_and_money_in_its_own_unit() {
        let mapping = r#"
            version = 1
            kind = "receipts"
            [columns.received_at]
            from = "date"
            as = "time"
            format = "%d.%m.%Y %H:%M"
            timezone = "Europe/Berlin"
            [columns.facility_id]
            from = "place"
            default = "LEEDS"
            [columns.sku]
            from = "sku"
            [columns.quantity]
            from = "price"
            as = "minor"
            digits = 2
        "#;
        let found = rows(mapping, b"date,place,sku,price\n01.07.2026 08:30,,A,3.39\n2026-07-01,X,A,3.391\n");
        assert_eq!(found[0].cells, ["2026-07-01T06:30:00Z", "LEEDS", "A", "339"]);
        let wrong: Vec<String> = found[1].wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            wrong,
            [
                "received_at: 2026-07-01 (date) is not a time of the form %d.%m.%Y %H:%M",
                "quantity: 3.391 (price) times 100 is not a whole number"
            ]
        );
    }

    #[test]
    fn a_table_with_mistakes_names_them_and_a_file_without_its_columns_too() {
        for (table, why) in [
            ("version = 2\nkind = \"stock\"", "version 2 is not known"),
            ("version = 1\nkind = \"orders\"", "unknown variant `orders`"),
            ("version = 1\nkind = \"stock\"\n[columns.sku]\nfrom = \"a\"", "columns: facility_id is missing"),
            ("version = 1\nkind = \"stock\"\n[columns.colour]\nfrom = \"a\"", "columns: colour is not a column of stock"),
            ("version = 1\nkind = \"stock\"\n[columns.sku]\n", "columns.sku: say from, constant or default"),
            ("version = 1\nkind = \"stock\"\ndelimiter = \"||\"", "delimiter: must be one character"),
        ] {
            let refused = Mapping::parse(table).unwrap_err().to_string();
            assert!(refused.contains(why), "{table}: {refused}");
        }
        let missing = Mapping::parse(STOCK).unwrap().rows(&b"\nLager;Menge\n"[..]).err().unwrap();
        assert_eq!(missing.to_string(), "the file has no column Artikel-Nr.; it has Lager, Menge");
    }
}
