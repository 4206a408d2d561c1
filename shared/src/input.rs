//! A JSON object or a query string, read field by field.
//!
//! Every fault is remembered instead of returned, so that a client learns of all of them at once; nothing is answered with a value
//! until [`Fields::finish`] has said that there was none. What is left unread by then is a fault too: a name that is ignored is a promise
//! that is broken.

pub mod account;
mod agent;
mod batch;
pub mod changes;
mod filter;
mod folders;
mod json;
mod list;
mod names;
mod note;
mod notes;
pub mod page;
mod resolution;
mod search;
mod trash;

pub use batch::{BatchChange, BatchEntry, batch_items};
pub use changes::Changes;
pub use list::NoteQuery;
pub use page::{instant, number, within};
pub use search::NoteSearch;

use crate::domain::Invalid;
use crate::domain::invalid::printable;
use crate::error::{Error, FieldProblem};
use crate::limits;
use names::unknown;
use serde_json::{Map, Value};

/// The fields of one request, or of a part of one.
#[derive(Debug, Default)]
pub struct Fields {
    values: Map<String, Value>,
    /// The names that were asked for: those that are known.
    known: Vec<&'static str>,
    problems: Vec<FieldProblem>,
}

impl Fields {
    /// Reads a body: UTF-8, JSON, an object, bounded in depth (128) and in the number of its values.
    pub fn from_json(body: &[u8]) -> Result<Self, Error> {
        Ok(Self::of(json::object(utf8(body)?)?))
    }

    /// As [`Fields::from_json`], for a body with a list in `field`, whose items are handed over one by one.
    pub fn from_json_with_list(body: &[u8], field: &'static str, items_max: usize, each: impl FnMut(Value)) -> Result<Self, Error> {
        Ok(Self::of(json::object_with_list(utf8(body)?, field, items_max, each)?))
    }

    /// Takes a part of a body that was read already: an object.
    pub fn from_value(value: Value) -> Result<Self, Error> {
        object(value).map(Self::of).map_err(|_| Error::NotJson("an object is expected".to_owned()))
    }

    /// Takes decoded pairs of a query string. A name that comes twice is a fault, because two readers could take different ones.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut values = Map::new();
        for (name, value) in pairs {
            if values.contains_key(&name) {
                return Err(Error::field("query", Invalid::malformed(format!("names \"{}\" twice", printable(&name)))));
            }
            values.insert(name, Value::String(value));
        }
        Ok(Self::of(values))
    }

    fn of(values: Map<String, Value>) -> Self {
        Self { values, ..Self::default() }
    }

    /// Takes a field away, as if it had not been sent.
    pub fn forget(&mut self, field: &'static str) {
        self.take(field);
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
        match self.take(field) {
            None | Some(Value::Null) => {
                self.problems.push(FieldProblem { field: field.into(), wrong: None });
                None
            }
            Some(value) => self.kept(field, read(value)),
        }
    }

    /// A field that may be absent or null.
    pub fn optional<T>(&mut self, field: &'static str, read: impl FnOnce(Value) -> Result<T, Invalid>) -> Option<T> {
        match self.take(field) {
            None | Some(Value::Null) => None,
            Some(value) => self.kept(field, read(value)),
        }
    }

    /// A field for which absent and null are different: absent is `None`, null is `Some(None)`.
    pub fn nullable<T>(&mut self, field: &'static str, read: impl FnOnce(Value) -> Result<T, Invalid>) -> Option<Option<T>> {
        match self.take(field)? {
            Value::Null => Some(None),
            value => self.kept(field, read(value)).map(Some),
        }
    }

    /// A part, which is read as these fields are; its faults are told with theirs.
    pub fn part<T>(&mut self, values: Map<String, Value>, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut part = Self::of(values);
        let read = read(&mut part);
        part.refuse_the_rest();
        self.problems.append(&mut part.problems);
        read
    }

    /// Whether a field says anything.
    pub fn has(&mut self, field: &'static str) -> bool {
        self.known.push(field);
        self.values.get(field).is_some_and(|value| !value.is_null())
    }

    /// Remembers a fault that no single reader can see.
    pub fn problem(&mut self, field: &'static str, wrong: Invalid) {
        self.problems.push(FieldProblem { field: field.into(), wrong: Some(wrong) });
    }

    /// All faults together, if there was any.
    pub fn finish(mut self) -> Result<(), Error> {
        self.refuse_the_rest();
        if self.problems.is_empty() { Ok(()) } else { Err(Error::Invalid(self.problems)) }
    }

    /// The faults, for a caller who lacks a required field and so knows that there is one.
    pub fn into_error(mut self) -> Error {
        self.refuse_the_rest();
        Error::Invalid(self.problems)
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.known.push(field);
        self.values.remove(field)
    }

    /// What nobody has asked for, nobody knows.
    fn refuse_the_rest(&mut self) {
        let Self { values, known, problems } = self;
        let rest = values.keys().filter(|name| !known.contains(&name.as_str())).take(limits::PROBLEMS_MAX);
        problems.extend(rest.map(|name| FieldProblem { field: printable(name).into(), wrong: Some(unknown(name, known)) }));
    }

    fn kept<T>(&mut self, field: &'static str, read: Result<T, Invalid>) -> Option<T> {
        read.map_err(|wrong| self.problem(field, wrong)).ok()
    }
}

fn utf8(body: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(body).map_err(|_| Error::field("body", Invalid::malformed("is not valid UTF-8")))
}

/// Reads a string and gives it on by reference.
pub fn text<T>(read: impl FnOnce(&str) -> Result<T, Invalid>) -> impl FnOnce(Value) -> Result<T, Invalid> {
    move |value| read(&string(value)?)
}

/// Reads a string that holds JSON, as a query has to carry what is not a string.
pub fn json<T>(read: impl FnOnce(Value) -> Result<T, Invalid>) -> impl FnOnce(Value) -> Result<T, Invalid> {
    move |value| read(json::value(&string(value)?).map_err(|_| Invalid::malformed("is not valid JSON"))?)
}

/// Reads a string.
pub fn string(value: Value) -> Result<String, Invalid> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Invalid::malformed("must be a string")),
    }
}

/// Reads a list of some strings at most.
pub fn texts(value: Value, count_max: usize) -> Result<Vec<String>, Invalid> {
    let Value::Array(items) = value else { return Err(Invalid::malformed("must be a list of strings")) };
    if items.len() > count_max {
        return Err(Invalid::refused(format!("must be at most {count_max} strings")));
    }
    items.into_iter().map(|item| string(item).map_err(|_| Invalid::malformed("must be a list of strings"))).collect()
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
    use super::{Fields, object, string};
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
    fn what_nobody_asks_for_is_refused_wherever_it_stands() {
        let mut fields = Fields::from_json(br#"{"a": {"one": 1, "on": 2}, "title": null, "titel": 3}"#).unwrap();
        let values = fields.optional("a", object).unwrap();
        fields.part(values, |part| part.optional("one", Ok));
        let known = fields.has("title");
        let told: Vec<_> = fields.finish().unwrap_err().problems().into_iter().map(|problem| problem.message).collect();
        assert_eq!(
            (known, told.as_slice()),
            (false, ["on is unknown; did you mean \"one\"?", "titel is unknown; did you mean \"title\"?"].map(str::to_owned).as_slice())
        );
        let pairs = [("limit", "1"), ("limit", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(Fields::from_pairs(pairs).unwrap_err().message(), "query names \"limit\" twice");
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
        check(b"{\"a\":\"\xff\"}", 400);
        check(b"{\"a\":\"\xc0\xaf\"}", 400);
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
