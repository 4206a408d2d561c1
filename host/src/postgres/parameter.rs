//! Parameters: what a guest passes, in the Rust type that the driver checks against the server's.
//!
//! The server infers a parameter's type and the driver refuses any other one, without widening: that is Spin's behaviour, and the types
//! here are the ones that Spin uses, so that the same values are accepted and the same messages come back.

use super::range::{self, RangeDecimal};
use crate::bindings::spin::postgres::postgres::{Interval, ParameterValue};
use anyhow::{Context, Result};
use bytes::BufMut;
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use postgres_range::Range;
use rust_decimal::Decimal;
use std::error::Error;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// One parameter, ready to be written.
#[derive(Debug)]
pub(crate) enum Parameter {
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Floating32(f32),
    Floating64(f64),
    Str(String),
    Binary(Vec<u8>),
    Date(NaiveDate),
    Time(NaiveTime),
    Datetime(NaiveDateTime),
    Timestamp(DateTime<Utc>),
    Uuid(Uuid),
    Json(serde_json::Value),
    Decimal(Decimal),
    RangeInt32(Range<i32>),
    RangeInt64(Range<i64>),
    RangeDecimal(Range<RangeDecimal>),
    ArrayInt32(Vec<Option<i32>>),
    ArrayInt64(Vec<Option<i64>>),
    ArrayDecimal(Vec<Option<Decimal>>),
    ArrayStr(Vec<Option<String>>),
    Interval(PgInterval),
    Null(Null),
}

/// An interval in the three parts that PostgreSQL keeps it in.
#[derive(Debug)]
pub(crate) struct PgInterval(Interval);

/// NULL for a parameter of any type. `Option::None` of a Rust type would be refused for the other ones.
#[derive(Debug)]
pub(crate) struct Null;

/// Runs `$body` with the variant's content bound to `$value`: they all are `ToSql`.
macro_rules! with_value {
    ($parameter:expr, $value:ident => $body:expr) => {
        match $parameter {
            Parameter::Boolean($value) => $body,
            Parameter::Int8($value) => $body,
            Parameter::Int16($value) => $body,
            Parameter::Int32($value) => $body,
            Parameter::Int64($value) => $body,
            Parameter::Floating32($value) => $body,
            Parameter::Floating64($value) => $body,
            Parameter::Str($value) => $body,
            Parameter::Binary($value) => $body,
            Parameter::Date($value) => $body,
            Parameter::Time($value) => $body,
            Parameter::Datetime($value) => $body,
            Parameter::Timestamp($value) => $body,
            Parameter::Uuid($value) => $body,
            Parameter::Json($value) => $body,
            Parameter::Decimal($value) => $body,
            Parameter::RangeInt32($value) => $body,
            Parameter::RangeInt64($value) => $body,
            Parameter::RangeDecimal($value) => $body,
            Parameter::ArrayInt32($value) => $body,
            Parameter::ArrayInt64($value) => $body,
            Parameter::ArrayDecimal($value) => $body,
            Parameter::ArrayStr($value) => $body,
            Parameter::Interval($value) => $body,
            Parameter::Null($value) => $body,
        }
    };
}

impl Parameter {
    /// Checks all of a statement's parameters before anything is sent.
    pub(crate) fn convert_all(values: Vec<ParameterValue>) -> Result<Vec<Self>> {
        values.into_iter().map(Self::try_from).collect()
    }
}

impl TryFrom<ParameterValue> for Parameter {
    type Error = anyhow::Error;

    fn try_from(value: ParameterValue) -> Result<Self> {
        Ok(match value {
            ParameterValue::Boolean(value) => Self::Boolean(value),
            ParameterValue::Int8(value) => Self::Int8(value),
            ParameterValue::Int16(value) => Self::Int16(value),
            ParameterValue::Int32(value) => Self::Int32(value),
            ParameterValue::Int64(value) => Self::Int64(value),
            ParameterValue::Floating32(value) => Self::Floating32(value),
            ParameterValue::Floating64(value) => Self::Floating64(value),
            ParameterValue::Str(value) => Self::Str(value),
            ParameterValue::Binary(value) => Self::Binary(value),
            ParameterValue::Date((year, month, day)) => Self::Date(date(year, month, day)?),
            ParameterValue::Time((hour, minute, second, nanosecond)) => Self::Time(time(hour, minute, second, nanosecond)?),
            ParameterValue::Datetime((year, month, day, hour, minute, second, nanosecond)) => {
                Self::Datetime(date(year, month, day)?.and_time(time(hour, minute, second, nanosecond)?))
            }
            ParameterValue::Timestamp(seconds) => {
                Self::Timestamp(DateTime::from_timestamp(seconds, 0).with_context(|| format!("invalid epoch timestamp {seconds}"))?)
            }
            ParameterValue::Uuid(value) => Self::Uuid(Uuid::parse_str(&value).with_context(|| format!("invalid UUID {value}"))?),
            ParameterValue::Jsonb(value) => Self::Json(json(&value)?),
            ParameterValue::Decimal(value) => Self::Decimal(decimal(&value)?),
            ParameterValue::RangeInt32(value) => Self::RangeInt32(range::discrete_to_pg(value)?),
            ParameterValue::RangeInt64(value) => Self::RangeInt64(range::discrete_to_pg(value)?),
            ParameterValue::RangeDecimal(value) => Self::RangeDecimal(range::decimal_to_pg(value)?),
            ParameterValue::ArrayInt32(values) => Self::ArrayInt32(values),
            ParameterValue::ArrayInt64(values) => Self::ArrayInt64(values),
            ParameterValue::ArrayDecimal(values) => Self::ArrayDecimal(decimals(values)?),
            ParameterValue::ArrayStr(values) => Self::ArrayStr(values),
            ParameterValue::Interval(value) => Self::Interval(PgInterval(value)),
            ParameterValue::DbNull => Self::Null(Null),
        })
    }
}

fn date(year: i32, month: u8, day: u8) -> Result<NaiveDate> {
    NaiveDate::from_ymd_opt(year, month.into(), day.into()).with_context(|| format!("invalid date y={year}, m={month}, d={day}"))
}

fn time(hour: u8, minute: u8, second: u8, nanosecond: u32) -> Result<NaiveTime> {
    NaiveTime::from_hms_nano_opt(hour.into(), minute.into(), second.into(), nanosecond)
        .with_context(|| format!("invalid time {hour}:{minute}:{second}:{nanosecond}"))
}

fn json(text: &[u8]) -> Result<serde_json::Value> {
    serde_json::from_slice(text).with_context(|| format!("invalid JSON {}", String::from_utf8_lossy(text)))
}

fn decimal(text: &str) -> Result<Decimal> {
    Decimal::from_str_exact(text).with_context(|| format!("invalid decimal {text}"))
}

fn decimals(texts: Vec<Option<String>>) -> Result<Vec<Option<Decimal>>> {
    texts.into_iter().map(|text| text.as_deref().map(decimal).transpose()).collect()
}

impl ToSql for Parameter {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        with_value!(self, value => value.to_sql(ty, out))
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    /// The type is checked by the content, whose name the error then carries.
    fn to_sql_checked(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        with_value!(self, value => value.to_sql_checked(ty, out))
    }
}

impl ToSql for PgInterval {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.0.micros);
        out.put_i32(self.0.days);
        out.put_i32(self.0.months);
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::INTERVAL
    }

    to_sql_checked!();
}

impl ToSql for Null {
    fn to_sql(&self, _: &Type, _: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(IsNull::Yes)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: ParameterValue, ty: &Type) -> Result<Vec<u8>, String> {
        let parameter = Parameter::try_from(value).map_err(|error| error.to_string())?;
        let mut out = BytesMut::new();
        parameter.to_sql_checked(ty, &mut out).map_err(|error| error.to_string())?;
        Ok(out.to_vec())
    }

    #[test]
    fn a_parameter_must_have_the_servers_type_exactly() {
        let cases = [
            (ParameterValue::Int32(1), Type::INT4, true),
            (ParameterValue::Int32(1), Type::INT8, false),
            (ParameterValue::Int8(1), Type::CHAR, true),
            (ParameterValue::Str("a".into()), Type::TEXT, true),
            (ParameterValue::Str("a".into()), Type::UUID, false),
            (ParameterValue::Datetime((2024, 1, 2, 3, 4, 5, 6)), Type::TIMESTAMP, true),
            (ParameterValue::Datetime((2024, 1, 2, 3, 4, 5, 6)), Type::TIMESTAMPTZ, false),
            (ParameterValue::Timestamp(0), Type::TIMESTAMPTZ, true),
            (ParameterValue::Jsonb(b"{}".into()), Type::JSON, true),
            (ParameterValue::ArrayStr(vec![None]), Type::TEXT_ARRAY, true),
            (ParameterValue::DbNull, Type::POINT, true),
        ];
        for (value, ty, accepted) in cases {
            let label = format!("{value:?} {ty}");
            assert_eq!(written(value, &ty).is_ok(), accepted, "{label}");
        }
    }

    #[test]
    fn impossible_values_are_refused_before_anything_is_sent() {
        let cases = [
            ParameterValue::Date((2023, 2, 29)),
            ParameterValue::Time((24, 0, 0, 0)),
            ParameterValue::Uuid("not-a-uuid".into()),
            ParameterValue::Jsonb(b"{".into()),
            ParameterValue::Decimal("1e".into()),
            ParameterValue::ArrayDecimal(vec![Some("x".into())]),
            ParameterValue::Timestamp(i64::MAX),
        ];
        for value in cases {
            let label = format!("{value:?}");
            assert!(Parameter::try_from(value).is_err(), "{label}");
        }
    }

    #[test]
    fn an_interval_is_written_in_its_three_parts() {
        let interval = Interval { micros: 1, days: 2, months: 3 };
        let bytes = written(ParameterValue::Interval(interval), &Type::INTERVAL).unwrap();
        assert_eq!(bytes, [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);
    }
}
