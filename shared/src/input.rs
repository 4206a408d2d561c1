//! A JSON object or a query string, read field by field.
//!
//! Every fault is remembered instead of returned, so that a client learns of all of them at once; nothing is answered with a value
//! until [`Fields::finish`] has said that there was none.

mod agent;
mod batch;
pub mod changes;
mod note;
mod notes;
pub mod page;
mod resolution;
mod search;

pub use batch::{BatchChange, BatchEntry, batch_items};
pub use changes::Changes;
pub use notes::NoteQuery;
pub use page::{Page, number};
pub use search::NoteSearch;

use crate::domain::Invalid;
use crate::error::{Error, FieldProblem};
use serde_json::{Map, Value};

/// The fields of one request.
#[derive(Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    problems: Vec<FieldProblem>,
}

impl Fields {
    /// Reads a body: UTF-8, JSON, an object. Depth is bounded by the JSON reader (128).
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(body).map_err(|_| Error::field("body", Invalid::refused("is not valid UTF-8")))?;
        Self::from_value(serde_json::from_str(text).map_err(|wrong| Error::NotJson(wrong.to_string()))?)
    }

    /// Takes a part of a body that was read already: an object.
    pub fn from_value(value: Value) -> Result<Self, Error> {
        match value {
            Value::Object(values) => Ok(Self { values, problems: Vec::new() }),
            _ => Err(Error::NotJson("an object is expected".to_owned())),
        }
    }

    /// Takes decoded pairs of a query string. A name that comes twice is a fault, because two readers could take different ones.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut values = Map::new();
        for (name, value) in pairs {
            if values.insert(name, Value::String(value)).is_some() {
                return Err(Error::field("query", Invalid::malformed("names a parameter twice")));
            }
        }
        Ok(Self { values, problems: Vec::new() })
    }

    /// Takes a field away, as if it had not been sent.
    pub fn forget(&mut self, field: &str) {
        self.values.remove(field);
    }

    /// Adds what a header says about a field. Said in both places, it must be the same.
    pub fn with_header(&mut self, field: &'static str, header: Option<&str>) {
        let Some(said) = header else { return };
        match self.values.get(field) {
            None | Some(Value::Null) => {
                self.values.insert(field.to_owned(), Value::String(said.to_owned()));
            }
            Some(Value::String(also)) if also == said => {}
            Some(_) => self.problem(field, Invalid::malformed("differs from the header that says the same")),
        }
    }

    /// A field that must be there. `None` means that a problem was remembered.
    pub fn required<T>(&mut self, field: &'static str, read: impl FnOnce(Value) -> Result<T, Invalid>) -> Option<T> {
        match self.values.remove(field) {
            None | Some(Value::Null) => {
                self.problems.push(FieldProblem { field, wrong: None });
                None
            }
            Some(value) => self.kept(field, read(value)),
        }
    }

    /// A field that may be absent or null.
    pub fn optional<T>(&mut self, field: &'static str, read: impl FnOnce(Value) -> Result<T, Invalid>) -> Option<T> {
        match self.values.remove(field) {
            None | Some(Value::Null) => None,
            Some(value) => self.kept(field, read(value)),
        }
    }

    /// A field for which absent and null are different: absent is `None`, null is `Some(None)`.
    pub fn nullable<T>(&mut self, field: &'static str, read: impl FnOnce(Value) -> Result<T, Invalid>) -> Option<Option<T>> {
        match self.values.remove(field)? {
            Value::Null => Some(None),
            value => self.kept(field, read(value)).map(Some),
        }
    }

    /// Whether a field says anything.
    #[must_use]
    pub fn has(&self, field: &str) -> bool {
        self.values.get(field).is_some_and(|value| !value.is_null())
    }

    /// Remembers a fault that no single reader can see.
    pub fn problem(&mut self, field: &'static str, wrong: Invalid) {
        self.problems.push(FieldProblem { field, wrong: Some(wrong) });
    }

    /// All faults together, if there was any.
    pub fn finish(self) -> Result<(), Error> {
        if self.problems.is_empty() { Ok(()) } else { Err(self.into_error()) }
    }

    /// The faults, for a caller who lacks a required field and so knows that there is one.
    pub fn into_error(self) -> Error {
        Error::Invalid(self.problems)
    }

    fn kept<T>(&mut self, field: &'static str, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|wrong| self.problem(field, wrong)).ok()
    }
}

/// Reads a string and gives it on by reference.
pub fn text<T>(read: impl FnOnce(&str) -> Result<T, Invalid>) -> impl FnOnce(Value) -> Result<T, Invalid> {
    move |value| read(&string(value)?)
}

/// Reads a string that holds JSON, as a query has to carry what is not a string.
pub fn json<T>(read: impl FnOnce(Value) -> Result<T, Invalid>) -> impl FnOnce(Value) -> Result<T, Invalid> {
    move |value| read(serde_json::from_str(&string(value)?).map_err(|_| Invalid::malformed("is not valid JSON"))?)
}

/// Reads a string.
pub fn string(value: Value) -> Result<String, Invalid> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Invalid::malformed("must be a string")),
    }
}

/// Reads a truth value.
pub fn boolean(value: Value) -> Result<bool, Invalid> {
    value.as_bool().ok_or_else(|| Invalid::malformed("must be true or false"))
}

/// Reads an object.
pub fn object(value: Value) -> Result<Map<String, Value>, Invalid> {
    match value {
        Value::Object(fields) => Ok(fields),
        _ => Err(Invalid::malformed("must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Fields, string};
    use crate::error::Error;
    use proptest::prelude::*;

    #[test]
    fn tells_every_fault_at_once() {
        let mut fields = Fields::from_json(br#"{"a": 1, "c": null}"#).unwrap();
        assert_eq!((fields.required("a", string), fields.required("b", string), fields.required("c", string)), (None, None, None));
        let messages: Vec<_> = fields.into_error().problems().into_iter().map(|problem| problem.message).collect();
        assert_eq!(messages, ["a must be a string", "Missing required field: b", "Missing required field: c"]);
    }

    #[test]
    fn absent_and_null_differ_where_it_matters() {
        let mut fields = Fields::from_json(br#"{"a": null, "b": "x"}"#).unwrap();
        assert_eq!(fields.nullable("a", string), Some(None));
        assert_eq!(fields.nullable("b", string), Some(Some("x".to_owned())));
        assert_eq!(fields.nullable("c", string), None);
        assert!(fields.finish().is_ok());
    }

    #[test]
    fn a_header_fills_a_field_but_does_not_contradict_it() {
        let mut fields = Fields::from_json(br#"{"a": "x"}"#).unwrap();
        fields.with_header("a", Some("x"));
        fields.with_header("b", Some("y"));
        assert_eq!(fields.required("b", string).as_deref(), Some("y"));
        fields.with_header("a", Some("z"));
        assert_eq!(fields.into_error().status(), 400);
    }

    #[test]
    fn what_is_not_an_object_is_not_read() {
        let check =
            |body: &[u8], status| assert_eq!(Fields::from_json(body).map_err(|wrong| wrong.status()).err(), Some(status), "{body:?}");
        for body in [&b""[..], b"null", b"[]", b"\"x\"", b"{", b"{\"a\":\"\\ud800\"}", b"{\"a\":1e400}", b"\xef\xbb\xbf{}"] {
            check(body, 400);
        }
        check(b"{\"a\":\"\xff\"}", 422);
        check(b"{\"a\":\"\xc0\xaf\"}", 422);
        check("[".repeat(20_000).as_bytes(), 400);
        check(format!("{{\"a\":{}{}}}", "[".repeat(128), "]".repeat(128)).as_bytes(), 400);
    }

    proptest! {
        #[test]
        fn never_panics(body: Vec<u8>) {
            if let Err(error) = Fields::from_json(&body) {
                let told = matches!(error, Error::NotJson(_) | Error::Invalid(_));
                prop_assert!(told);
            }
        }
    }
}
