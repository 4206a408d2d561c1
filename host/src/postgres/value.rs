//! Results: columns and values in the WIT types, and the raw bytes of every type that WIT has no word for.

use super::range::{self, RangeDecimal};
use crate::bindings::spin::postgres::postgres::{Column, DbDataType, DbValue, Interval};
use anyhow::{Result, ensure};
use bytes::Buf;
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Timelike};
use postgres_range::Range;
use rust_decimal::Decimal;
use std::error::Error;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};
use uuid::Uuid;

/// The columns of a row.
pub(crate) fn columns(row: &Row) -> Vec<Column> {
    let column = |column: &tokio_postgres::Column| Column { name: column.name().to_owned(), data_type: data_type(column.type_()) };
    row.columns().iter().map(column).collect()
}

/// Every value of a row. One that cannot be expressed fails the row.
pub(crate) fn values(row: &Row) -> Result<Vec<DbValue>> {
    (0..row.len()).map(|index| value(row, index)).collect()
}

/// About how much memory a row takes, for the limit on what the host buffers.
pub(crate) fn memory_size(row: &[DbValue]) -> usize {
    let content = |value: &DbValue| match value {
        DbValue::Str(text) | DbValue::Uuid(text) | DbValue::Decimal(text) => text.len(),
        DbValue::Binary(bytes) | DbValue::Jsonb(bytes) | DbValue::Unsupported(bytes) => bytes.len(),
        DbValue::ArrayInt32(items) => size_of_val(items.as_slice()),
        DbValue::ArrayInt64(items) => size_of_val(items.as_slice()),
        DbValue::ArrayDecimal(items) | DbValue::ArrayStr(items) => {
            size_of_val(items.as_slice()) + items.iter().flatten().map(String::len).sum::<usize>()
        }
        _ => 0,
    };
    size_of_val(row) + row.iter().map(content).sum::<usize>()
}

fn data_type(ty: &Type) -> DbDataType {
    match *ty {
        Type::BOOL => DbDataType::Boolean,
        Type::BYTEA => DbDataType::Binary,
        Type::FLOAT4 => DbDataType::Floating32,
        Type::FLOAT8 => DbDataType::Floating64,
        Type::INT2 => DbDataType::Int16,
        Type::INT4 => DbDataType::Int32,
        Type::INT8 => DbDataType::Int64,
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => DbDataType::Str,
        Type::TIMESTAMP | Type::TIMESTAMPTZ => DbDataType::Datetime,
        Type::DATE => DbDataType::Date,
        Type::TIME => DbDataType::Time,
        Type::UUID => DbDataType::Uuid,
        Type::JSONB => DbDataType::Jsonb,
        Type::NUMERIC => DbDataType::Decimal,
        Type::INT4_RANGE => DbDataType::RangeInt32,
        Type::INT8_RANGE => DbDataType::RangeInt64,
        Type::NUM_RANGE => DbDataType::RangeDecimal,
        Type::INT4_ARRAY => DbDataType::ArrayInt32,
        Type::INT8_ARRAY => DbDataType::ArrayInt64,
        Type::NUMERIC_ARRAY => DbDataType::ArrayDecimal,
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => DbDataType::ArrayStr,
        Type::INTERVAL => DbDataType::Interval,
        _ => DbDataType::Other(ty.name().to_owned()),
    }
}

fn value(row: &Row, index: usize) -> Result<DbValue> {
    let Some(column) = row.columns().get(index) else {
        return Ok(DbValue::DbNull);
    };
    match *column.type_() {
        Type::BOOL => read(row, index, |value| Ok(DbValue::Boolean(value))),
        Type::BYTEA => read(row, index, |value| Ok(DbValue::Binary(value))),
        Type::FLOAT4 => read(row, index, |value| Ok(DbValue::Floating32(value))),
        Type::FLOAT8 => read(row, index, |value| Ok(DbValue::Floating64(value))),
        Type::INT2 => read(row, index, |value| Ok(DbValue::Int16(value))),
        Type::INT4 => read(row, index, |value| Ok(DbValue::Int32(value))),
        Type::INT8 => read(row, index, |value| Ok(DbValue::Int64(value))),
        Type::TEXT | Type::VARCHAR | Type::BPCHAR => read(row, index, |value| Ok(DbValue::Str(value))),
        // The driver reads this Rust type from `timestamp` alone, so `timestamptz` fails here. Spin does the same.
        Type::TIMESTAMP | Type::TIMESTAMPTZ => read(row, index, datetime),
        Type::DATE => read(row, index, date),
        Type::TIME => read(row, index, time),
        Type::UUID => read(row, index, |value: Uuid| Ok(DbValue::Uuid(value.to_string()))),
        Type::JSONB => read(row, index, |value: serde_json::Value| Ok(DbValue::Jsonb(serde_json::to_vec(&value)?))),
        Type::NUMERIC => read(row, index, |value: Decimal| Ok(DbValue::Decimal(value.to_string()))),
        Type::INT4_RANGE => read(row, index, |value: Range<i32>| Ok(DbValue::RangeInt32(range::to_wit(&value, |bound| *bound)))),
        Type::INT8_RANGE => read(row, index, |value: Range<i64>| Ok(DbValue::RangeInt64(range::to_wit(&value, |bound| *bound)))),
        Type::NUM_RANGE => {
            read(row, index, |value: Range<RangeDecimal>| Ok(DbValue::RangeDecimal(range::to_wit(&value, |bound| bound.0.to_string()))))
        }
        Type::INT4_ARRAY => read(row, index, |value| Ok(DbValue::ArrayInt32(value))),
        Type::INT8_ARRAY => read(row, index, |value| Ok(DbValue::ArrayInt64(value))),
        Type::NUMERIC_ARRAY => read(row, index, |values: Vec<Option<Decimal>>| {
            let texts = values.iter().map(|value| value.map(|decimal| decimal.to_string()));
            Ok(DbValue::ArrayDecimal(texts.collect()))
        }),
        Type::TEXT_ARRAY | Type::VARCHAR_ARRAY | Type::BPCHAR_ARRAY => read(row, index, |value| Ok(DbValue::ArrayStr(value))),
        Type::INTERVAL => read(row, index, |PgInterval(value)| Ok(DbValue::Interval(value))),
        _ => read(row, index, |Raw(bytes)| Ok(DbValue::Unsupported(bytes))),
    }
}

fn read<'a, T: FromSql<'a>>(row: &'a Row, index: usize, convert: impl Fn(T) -> Result<DbValue>) -> Result<DbValue> {
    let value: Option<T> = row.try_get(index)?;
    value.map_or(Ok(DbValue::DbNull), convert)
}

fn datetime(value: NaiveDateTime) -> Result<DbValue> {
    Ok(DbValue::Datetime((
        value.year(),
        value.month().try_into()?,
        value.day().try_into()?,
        value.hour().try_into()?,
        value.minute().try_into()?,
        value.second().try_into()?,
        value.nanosecond(),
    )))
}

fn date(value: NaiveDate) -> Result<DbValue> {
    Ok(DbValue::Date((value.year(), value.month().try_into()?, value.day().try_into()?)))
}

fn time(value: NaiveTime) -> Result<DbValue> {
    Ok(DbValue::Time((value.hour().try_into()?, value.minute().try_into()?, value.second().try_into()?, value.nanosecond())))
}

struct PgInterval(Interval);

impl<'a> FromSql<'a> for PgInterval {
    fn from_sql(_: &Type, mut raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        ensure_length(raw, 16)?;
        Ok(Self(Interval { micros: raw.get_i64(), days: raw.get_i32(), months: raw.get_i32() }))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }
}

fn ensure_length(raw: &[u8], expected: usize) -> Result<()> {
    ensure!(raw.len() == expected, "expected {expected} bytes and found {}", raw.len());
    Ok(())
}

/// A value as the server sent it, in its binary format.
struct Raw(Vec<u8>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(raw.to_owned()))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_without_a_word_are_named() {
        assert!(matches!(data_type(&Type::POINT), DbDataType::Other(name) if name == "point"));
        assert!(matches!(data_type(&Type::JSON), DbDataType::Other(name) if name == "json"));
        assert!(matches!(data_type(&Type::TIMESTAMPTZ), DbDataType::Datetime));
    }

    #[test]
    fn the_size_of_a_row_counts_its_content() {
        let row = [DbValue::Str("four".into()), DbValue::ArrayStr(vec![Some("ab".into()), None]), DbValue::DbNull];
        assert_eq!(memory_size(&row), size_of_val(&row) + 4 + 2 * size_of::<Option<String>>() + 2);
    }

    #[test]
    fn an_interval_of_another_length_is_an_error() {
        assert!(PgInterval::from_sql(&Type::INTERVAL, &[0; 16]).is_ok());
        assert!(PgInterval::from_sql(&Type::INTERVAL, &[0; 12]).is_err());
    }
}
