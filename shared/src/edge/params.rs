//! Values on their way into a statement.
//!
//! Spin matches types exactly. What it cannot carry goes as text, and the statement casts it: an instant is `$n::text::timestamptz`.

use crate::domain::{
    Analysis, ConflictId, ContentHash, EpochId, FileMetadata, FolderId, FolderName, IdempotencyKey, NoteId, NotePath, NoteType, OriginId,
    Timestamp, Title, VersionVector, WorkspaceId,
};
use serde_json::{Map, Value};
use spin_sdk::pg::ParameterValue;

/// A value that a statement can take.
pub trait Param {
    /// The value as Spin carries it.
    fn into_param(self) -> ParameterValue;
}

/// The parameters of one statement, in order.
#[macro_export]
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$($crate::edge::params::Param::into_param($value)),*] };
}

macro_rules! param {
    ($($type:ty => |$value:ident| $param:expr;)*) => {
        $(impl Param for $type {
            fn into_param(self) -> ParameterValue {
                let $value = self;
                $param
            }
        })*
    };
}

param! {
    bool => |value| ParameterValue::Boolean(value);
    i32 => |value| ParameterValue::Int32(value);
    f64 => |value| ParameterValue::Floating64(value);
    i64 => |value| ParameterValue::Int64(value);
    String => |value| ParameterValue::Str(value);
    &str => |value| ParameterValue::Str(value.to_owned());
    Vec<u8> => |value| ParameterValue::Binary(value);
    &[i64] => |value| ParameterValue::ArrayInt64(value.iter().copied().map(Some).collect());
    &[&str] => |value| ParameterValue::ArrayStr(value.iter().map(|&text| Some(text.to_owned())).collect());
    &[String] => |value| ParameterValue::ArrayStr(value.iter().cloned().map(Some).collect());
    &Value => |value| json(value);
    WorkspaceId => |value| ParameterValue::Uuid(value.to_string());
    EpochId => |value| ParameterValue::Uuid(value.to_string());
    NoteId => |value| ParameterValue::Uuid(value.to_string());
    ConflictId => |value| ParameterValue::Uuid(value.to_string());
    FolderId => |value| ParameterValue::Uuid(value.to_string());
    Timestamp => |value| ParameterValue::Str(value.to_string());
    NoteType => |value| ParameterValue::Str(value.name().to_owned());
    ContentHash => |value| ParameterValue::Str(value.to_string());
    &OriginId => |value| ParameterValue::Str(value.to_string());
    &FolderName => |value| ParameterValue::Str(value.to_string());
    &NotePath => |value| ParameterValue::Str(value.to_string());
    &Title => |value| ParameterValue::Str(value.to_string());
    &IdempotencyKey => |value| ParameterValue::Str(value.to_string());
    &VersionVector => |value| json(value);
    &FileMetadata => |value| json(value);
    &Analysis => |value| json(value);
    &Map<String, Value> => |value| json(value);
}

impl<T: Param> Param for Option<T> {
    fn into_param(self) -> ParameterValue {
        self.map_or(ParameterValue::DbNull, Param::into_param)
    }
}

fn json(value: &impl serde::Serialize) -> ParameterValue {
    // These types have string keys and no failing parts; null would be refused by the table, never stored.
    ParameterValue::Jsonb(serde_json::to_vec(value).unwrap_or_else(|_| b"null".to_vec()))
}
