//! A Parquet file, page by page: each is a row group, compressed by zstd.

use std::{fs::File, io, path::PathBuf, sync::Arc};

use anyhow::{Context, Result};
use jiff::{Timestamp, civil::Date};
use oms_store::{ExportKind, ExportRow, ExportTable};
use parquet::{
    basic::{Compression, ZstdLevel},
    column::writer::ColumnWriter,
    data_type::ByteArray,
    file::{properties::WriterProperties, writer::SerializedFileWriter},
    schema::parser::parse_message_type,
};
use serde_json::Value;

/// A file that is being written, and what stands in it.
pub struct TableFile {
    pub path: PathBuf,
    columns: &'static [(&'static str, ExportKind)],
    writer: SerializedFileWriter<File>,
    pub rows: u64,
    /// Of whole numbers, each column's.
    pub sums: std::collections::BTreeMap<&'static str, i128>,
}

/// The columns as Parquet words them: any may be null.
fn schema(table: &ExportTable) -> String {
    let column = |(name, kind): &(&str, ExportKind)| match kind {
        ExportKind::Text => format!("OPTIONAL BYTE_ARRAY {name} (STRING);"),
        ExportKind::Number => format!("OPTIONAL INT64 {name};"),
        ExportKind::Time => format!("OPTIONAL INT64 {name} (TIMESTAMP(MICROS,true));"),
        ExportKind::Day => format!("OPTIONAL INT32 {name} (DATE);"),
        ExportKind::Truth => format!("OPTIONAL BOOLEAN {name};"),
    };
    format!("message {} {{ {} }}", table.name, table.columns.iter().map(column).collect::<Vec<_>>().join(" "))
}

impl TableFile {
    /// Begins a file.
    pub fn begin(path: PathBuf, table: &'static ExportTable) -> Result<Self> {
        let schema = Arc::new(parse_message_type(&schema(table)).context("the schema")?);
        let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?)).build();
        let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
        let writer = SerializedFileWriter::new(file, schema, Arc::new(properties))?;
        Ok(Self { path, columns: table.columns, writer, rows: 0, sums: std::collections::BTreeMap::new() })
    }

    /// Adds rows.
    pub fn add(&mut self, rows: &[ExportRow]) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut group = self.writer.next_row_group()?;
        for (name, kind) in self.columns {
            let mut column = group.next_column()?.context("a column more than the schema has")?;
            let values: Vec<Option<&Value>> = rows.iter().map(|row| row.get(*name).filter(|value| !value.is_null())).collect();
            // 1: there is a value; 0: there is none.
            let levels: Vec<i16> = values.iter().map(|value| i16::from(value.is_some())).collect();
            let there = values.into_iter().flatten();
            match column.untyped() {
                ColumnWriter::ByteArrayColumnWriter(writer) => {
                    let texts = there.map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned));
                    let texts: Vec<ByteArray> = texts.map(|text| ByteArray::from(text.into_bytes())).collect();
                    writer.write_batch(&texts, Some(&levels), None)?;
                }
                ColumnWriter::Int64ColumnWriter(writer) => {
                    let numbers = there.map(|value| number(value, *kind)).collect::<Result<Vec<i64>>>()?;
                    if *kind == ExportKind::Number {
                        *self.sums.entry(name).or_default() += numbers.iter().map(|number| i128::from(*number)).sum::<i128>();
                    }
                    writer.write_batch(&numbers, Some(&levels), None)?;
                }
                ColumnWriter::Int32ColumnWriter(writer) => {
                    writer.write_batch(&there.map(day).collect::<Result<Vec<i32>>>()?, Some(&levels), None)?;
                }
                ColumnWriter::BoolColumnWriter(writer) => {
                    let truths: Vec<bool> = there.map(|value| value.as_bool().unwrap_or_default()).collect();
                    writer.write_batch(&truths, Some(&levels), None)?;
                }
                ColumnWriter::Int96ColumnWriter(_)
                | ColumnWriter::FloatColumnWriter(_)
                | ColumnWriter::DoubleColumnWriter(_)
                | ColumnWriter::FixedLenByteArrayColumnWriter(_) => unreachable!("no column of ours has such a type"),
            }
            column.close()?;
        }
        group.close()?;
        self.rows += rows.len() as u64;
        Ok(())
    }

    /// Ends the file: all of it is on the disk then.
    pub fn end(mut self) -> Result<()> {
        self.writer.finish()?;
        self.writer.inner().sync_all().map_err(io::Error::into)
    }
}

/// A whole number, or the microseconds of a time.
fn number(value: &Value, kind: ExportKind) -> Result<i64> {
    if kind == ExportKind::Number {
        return value.as_i64().with_context(|| format!("{value} is no whole number"));
    }
    let time: Timestamp = value.as_str().unwrap_or_default().parse().with_context(|| format!("{value} is no time"))?;
    Ok(time.as_microsecond())
}

/// The days since 1970.
fn day(value: &Value) -> Result<i32> {
    let date: Date = value.as_str().unwrap_or_default().parse().with_context(|| format!("{value} is no day"))?;
    Ok(date.since(Date::constant(1970, 1, 1))?.get_days())
}

#[cfg(test)]
mod tests {
    use oms_store::EXPORT_TABLES;
    use parquet::file::reader::{FileReader, SerializedFileReader};
    use serde_json::json;

    use super::*;

    fn row(value: Value) -> ExportRow {
        let Value::Object(row) = value else { unreachable!() };
        row
    }

    #[test]
    fn what_is_written_is_read_and_what_is_not_there_is_null() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("orders.parquet");
        let mut file = TableFile::begin(path.clone(), &EXPORT_TABLES[0]).unwrap();
        let full = json!({"occurred_at": "2026-11-28T10:00:00.000001+00:00", "order_id": "A-1", "promised_date": "1970-01-11", "units_ordered": 7,
            "one_facility_had_all": true, "key": "A-1"});
        file.add(&[row(full), row(json!({"order_id": "A-2", "units_ordered": -2, "promised_date": null}))]).unwrap();
        file.add(&[]).unwrap();
        file.add(&[row(json!({"order_id": "=A-3"}))]).unwrap();
        assert_eq!((file.rows, file.sums["units_ordered"]), (3, 5));
        file.end().unwrap();
        let reader = SerializedFileReader::new(File::open(path).unwrap()).unwrap();
        assert_eq!((reader.num_row_groups(), reader.metadata().file_metadata().num_rows()), (2, 3));
        let rows: Vec<_> = reader.get_row_iter(None).unwrap().map(Result::unwrap).collect();
        let shown = |n: usize, name: &str| {
            rows[n].get_column_iter().find(|(column, _)| *column == name).map(|(_, field)| field.to_string()).unwrap()
        };
        let first = ["order_id", "units_ordered", "one_facility_had_all", "promised_date"].map(|name| shown(0, name));
        assert_eq!(first, ["\"A-1\"", "7", "true", "1970-01-11"]);
        assert_eq!([shown(1, "units_ordered"), shown(1, "occurred_at"), shown(2, "order_id")], ["-2", "null", "\"=A-3\""]);
        assert_eq!(day(&json!("1970-01-11")).unwrap(), 10);
    }

    #[test]
    fn what_is_no_number_time_or_day_is_refused() {
        assert!(
            number(&json!("x"), ExportKind::Number).is_err()
                && number(&json!("noon"), ExportKind::Time).is_err()
                && day(&json!(7)).is_err()
        );
    }
}
