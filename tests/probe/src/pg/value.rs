//! PostgreSQL values, columns and errors as JSON, the same way in both directions.
//!
//! A value is `{"int32": 5}`: the name of its case in `spin:postgres`, so that a wrong case never passes for the right one.
//! NULL is `null`. Floating point and decimal numbers are text, because JSON knows neither NaN nor trailing zeros; bytes are hex.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};
use spin_sdk::pg::{Column, DbDataType, DbValue, Error, Interval, ParameterValue, PgError, QueryError, RangeBoundKind, Row};

/// A value that a statement takes or gives.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PgValue {
    Boolean(bool),
    Int8(i8),
    Int16(i16),
    Int32(i32),
    Int64(i64),
    Floating32(String),
    Floating64(String),
    Str(String),
    Binary(Hex),
    Date(i32, u8, u8),
    Time(u8, u8, u8, u32),
    Datetime(i32, u8, u8, u8, u8, u8, u32),
    Timestamp(i64),
    Uuid(String),
    Jsonb(Value),
    /// As a parameter only: bytes that need not be JSON at all.
    JsonbText(String),
    Decimal(String),
    RangeInt32(Bound<i32>, Bound<i32>),
    RangeInt64(Bound<i64>, Bound<i64>),
    RangeDecimal(Bound<String>, Bound<String>),
    ArrayInt32(Vec<Option<i32>>),
    ArrayInt64(Vec<Option<i64>>),
    ArrayDecimal(Vec<Option<String>>),
    ArrayStr(Vec<Option<String>>),
    Interval {
        micros: i64,
        days: i32,
        months: i32,
    },
    /// As a result only: the bytes of a type that the interface does not know.
    Unsupported(Hex),
}

/// One end of a range, or `null` where it is open.
type Bound<T> = Option<(T, BoundKind)>;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum BoundKind {
    Inclusive,
    Exclusive,
}

/// Bytes, shown as hexadecimal text.
pub(crate) struct Hex(Vec<u8>);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let pairs = text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16));
        pairs.collect::<Result<_, _>>().map(Hex).map_err(de::Error::custom)
    }
}

impl PgValue {
    /// The parameter that this describes; `None` is NULL.
    pub(crate) fn into_parameter(value: Option<Self>) -> ParameterValue {
        match value {
            None => ParameterValue::DbNull,
            Some(Self::Boolean(value)) => ParameterValue::Boolean(value),
            Some(Self::Int8(value)) => ParameterValue::Int8(value),
            Some(Self::Int16(value)) => ParameterValue::Int16(value),
            Some(Self::Int32(value)) => ParameterValue::Int32(value),
            Some(Self::Int64(value)) => ParameterValue::Int64(value),
            Some(Self::Floating32(text)) => ParameterValue::Floating32(text.parse().unwrap_or(f32::NAN)),
            Some(Self::Floating64(text)) => ParameterValue::Floating64(text.parse().unwrap_or(f64::NAN)),
            Some(Self::Str(text)) => ParameterValue::Str(text),
            Some(Self::Binary(bytes) | Self::Unsupported(bytes)) => ParameterValue::Binary(bytes.0),
            Some(Self::Date(year, month, day)) => ParameterValue::Date((year, month, day)),
            Some(Self::Time(hour, minute, second, nanosecond)) => ParameterValue::Time((hour, minute, second, nanosecond)),
            Some(Self::Datetime(year, month, day, hour, minute, second, nanosecond)) => {
                ParameterValue::Datetime((year, month, day, hour, minute, second, nanosecond))
            }
            Some(Self::Timestamp(seconds)) => ParameterValue::Timestamp(seconds),
            Some(Self::Uuid(text)) => ParameterValue::Uuid(text),
            Some(Self::Jsonb(value)) => ParameterValue::Jsonb(value.to_string().into_bytes()),
            Some(Self::JsonbText(text)) => ParameterValue::Jsonb(text.into_bytes()),
            Some(Self::Decimal(text)) => ParameterValue::Decimal(text),
            Some(Self::RangeInt32(lower, upper)) => ParameterValue::RangeInt32((bound_in(lower), bound_in(upper))),
            Some(Self::RangeInt64(lower, upper)) => ParameterValue::RangeInt64((bound_in(lower), bound_in(upper))),
            Some(Self::RangeDecimal(lower, upper)) => ParameterValue::RangeDecimal((bound_in(lower), bound_in(upper))),
            Some(Self::ArrayInt32(items)) => ParameterValue::ArrayInt32(items),
            Some(Self::ArrayInt64(items)) => ParameterValue::ArrayInt64(items),
            Some(Self::ArrayDecimal(items)) => ParameterValue::ArrayDecimal(items),
            Some(Self::ArrayStr(items)) => ParameterValue::ArrayStr(items),
            Some(Self::Interval { micros, days, months }) => ParameterValue::Interval(Interval { micros, days, months }),
        }
    }

    /// The description of a value from a row; NULL is `None`.
    fn from_row(value: &DbValue) -> Option<Self> {
        Some(match value.clone() {
            DbValue::DbNull => return None,
            DbValue::Boolean(value) => Self::Boolean(value),
            DbValue::Int8(value) => Self::Int8(value),
            DbValue::Int16(value) => Self::Int16(value),
            DbValue::Int32(value) => Self::Int32(value),
            DbValue::Int64(value) => Self::Int64(value),
            DbValue::Floating32(value) => Self::Floating32(value.to_string()),
            DbValue::Floating64(value) => Self::Floating64(value.to_string()),
            DbValue::Str(text) => Self::Str(text),
            DbValue::Binary(bytes) => Self::Binary(Hex(bytes)),
            DbValue::Date((year, month, day)) => Self::Date(year, month, day),
            DbValue::Time((hour, minute, second, nanosecond)) => Self::Time(hour, minute, second, nanosecond),
            DbValue::Datetime((year, month, day, hour, minute, second, nanosecond)) => {
                Self::Datetime(year, month, day, hour, minute, second, nanosecond)
            }
            DbValue::Timestamp(seconds) => Self::Timestamp(seconds),
            DbValue::Uuid(text) => Self::Uuid(text),
            DbValue::Jsonb(bytes) => serde_json::from_slice(&bytes).map(Self::Jsonb).unwrap_or(Self::Unsupported(Hex(bytes))),
            DbValue::Decimal(text) => Self::Decimal(text),
            DbValue::RangeInt32((lower, upper)) => Self::RangeInt32(bound_out(lower), bound_out(upper)),
            DbValue::RangeInt64((lower, upper)) => Self::RangeInt64(bound_out(lower), bound_out(upper)),
            DbValue::RangeDecimal((lower, upper)) => Self::RangeDecimal(bound_out(lower), bound_out(upper)),
            DbValue::ArrayInt32(items) => Self::ArrayInt32(items),
            DbValue::ArrayInt64(items) => Self::ArrayInt64(items),
            DbValue::ArrayDecimal(items) => Self::ArrayDecimal(items),
            DbValue::ArrayStr(items) => Self::ArrayStr(items),
            DbValue::Interval(Interval { micros, days, months }) => Self::Interval { micros, days, months },
            DbValue::Unsupported(bytes) => Self::Unsupported(Hex(bytes)),
        })
    }
}

fn bound_in<T>(bound: Bound<T>) -> Option<(T, RangeBoundKind)> {
    bound.map(|(value, kind)| match kind {
        BoundKind::Inclusive => (value, RangeBoundKind::Inclusive),
        BoundKind::Exclusive => (value, RangeBoundKind::Exclusive),
    })
}

fn bound_out<T>(bound: Option<(T, RangeBoundKind)>) -> Bound<T> {
    bound.map(|(value, kind)| match kind {
        RangeBoundKind::Inclusive => (value, BoundKind::Inclusive),
        RangeBoundKind::Exclusive => (value, BoundKind::Exclusive),
    })
}

/// A row's values in order. The width comes from the columns, because a row does not tell it.
pub(crate) fn row_json(row: &Row, width: usize) -> Value {
    (0..width).map(|at| json!(PgValue::from_row(&row[at]))).collect()
}

/// How many bytes of text the row holds.
pub(crate) fn text_bytes(row: &Row, width: usize) -> usize {
    (0..width).map(|at| if let DbValue::Str(text) = &row[at] { text.len() } else { 0 }).sum()
}

/// `[name, type]`; a type that the interface does not know is `other(its name in PostgreSQL)`.
pub(crate) fn column_json(column: &Column) -> Value {
    let data_type = match &column.data_type {
        DbDataType::Other(name) => format!("other({name})"),
        known => snake_case(&crate::reply::variant_name(known)),
    };
    json!([column.name, data_type])
}

fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 2);
    for (at, letter) in name.chars().enumerate() {
        if letter.is_ascii_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// `{"kind", "text"}` or, when the server itself spoke, `{"kind", "severity", "code", "message", "detail", "extras"}`.
pub(crate) fn error_json(error: Error) -> Value {
    match error {
        Error::Decode(text) => json!({ "kind": "decode", "text": text }),
        Error::PgError(PgError::ConnectionFailed(text)) => json!({ "kind": "connection_failed", "text": text }),
        Error::PgError(PgError::BadParameter(text)) => json!({ "kind": "bad_parameter", "text": text }),
        Error::PgError(PgError::ValueConversionFailed(text)) => json!({ "kind": "value_conversion_failed", "text": text }),
        Error::PgError(PgError::Other(text)) => json!({ "kind": "other", "text": text }),
        Error::PgError(PgError::QueryFailed(QueryError::Text(text))) => json!({ "kind": "query_failed", "text": text }),
        Error::PgError(PgError::QueryFailed(QueryError::DbError(server))) => json!({
            "kind": "query_failed",
            "severity": server.severity,
            "code": server.code,
            "message": server.message,
            "detail": server.detail,
            "extras": server.extras.into_iter().map(|(name, value)| (name, json!(value))).collect::<Map<_, _>>(),
            "as_text": server.as_text,
        }),
    }
}
