//! JSON into values that are bounded while they are read.
//!
//! A value takes many times the bytes of its text (`0,` becomes 24 bytes and more), so what bounds a body does not bound what is made of it. Values
//! are counted here as they come, and the items of a list are handed over one by one: whatever is sent, reading it takes the memory of its
//! strings and of [`limits::JSON_VALUES_MAX`] values.

use crate::domain::Invalid;
use crate::domain::invalid::printable;
use crate::error::Error;
use crate::limits;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::cell::{Cell, RefCell};
use std::fmt;

/// Reads an object.
pub(super) fn object(text: &str) -> Result<Map<String, Value>, Error> {
    let reader = Reader::new();
    reader.read(text, Object { reader: &reader, list: None::<List<fn(Value)>> })
}

/// Reads an object whose `field` is a list: each of its items is handed to `each`, and not kept. A list with another number of items than
/// `1..=items_max` is refused, where it is too long without looking at the rest.
pub(super) fn object_with_list(
    text: &str,
    field: &'static str,
    items_max: usize,
    each: impl FnMut(Value),
) -> Result<Map<String, Value>, Error> {
    let reader = Reader::new();
    reader.read(text, Object { reader: &reader, list: Some(List { reader: &reader, field, items_max, each }) })
}

/// Reads any value.
pub(super) fn value(text: &str) -> Result<Value, Error> {
    let reader = Reader::new();
    reader.read(text, Any(&reader))
}

/// What reading one text shares.
struct Reader {
    values_left: Cell<usize>,
    /// What the client is told if reading stops though the JSON is well-formed.
    refusal: RefCell<Error>,
}

impl Reader {
    fn new() -> Self {
        let refusal = RefCell::new(Error::NotJson("an object is expected".to_owned()));
        Self { values_left: Cell::new(limits::JSON_VALUES_MAX), refusal }
    }

    fn read<'de, S: DeserializeSeed<'de>>(&self, text: &'de str, seed: S) -> Result<S::Value, Error> {
        let mut json = serde_json::Deserializer::from_str(text);
        let read = seed.deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        read.map_err(|wrong| if wrong.is_data() { self.refusal.borrow().clone() } else { Error::NotJson(wrong.to_string()) })
    }

    /// Ends reading, for a reason of ours.
    fn refuse<E: serde::de::Error>(&self, field: &'static str, wrong: Invalid) -> E {
        self.refusal.replace(Error::field(field, wrong));
        E::custom("refused")
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let Some(left) = self.values_left.get().checked_sub(1) else {
            return Err(self.refuse("body", Invalid::refused(format!("holds more than {} values", limits::JSON_VALUES_MAX))));
        };
        self.values_left.set(left);
        Ok(())
    }

    /// The next name of an object, which must not have had it: two readers could take different ones.
    fn name<'de, A: MapAccess<'de>>(&self, access: &mut A, before: &Map<String, Value>) -> Result<Option<String>, A::Error> {
        match access.next_key::<String>()? {
            Some(name) if before.contains_key(&name) => {
                Err(self.refuse("body", Invalid::malformed(format!("names \"{}\" twice", printable(&name)))))
            }
            name => Ok(name),
        }
    }
}

/// Any value.
struct Any<'a>(&'a Reader);

impl<'de> DeserializeSeed<'de> for Any<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        self.0.count()?;
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(Any(self.0))? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = self.0.name(&mut access, &fields)? {
            let value = access.next_value_seed(Any(self.0))?;
            fields.insert(name, value);
        }
        Ok(Value::Object(fields))
    }
}

/// An object, one of whose fields may be a list that is read item by item.
struct Object<'a, F> {
    reader: &'a Reader,
    list: Option<List<'a, F>>,
}

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for Object<'_, F> {
    type Value = Map<String, Value>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for Object<'_, F> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut access: A) -> Result<Self::Value, A::Error> {
        let mut fields = Map::new();
        while let Some(name) = self.reader.name(&mut access, &fields)? {
            let value = match &mut self.list {
                Some(list) if list.field == name => access.next_value_seed(list)?,
                _ => access.next_value_seed(Any(self.reader))?,
            };
            fields.insert(name, value);
        }
        Ok(fields)
    }
}

/// A list that is read item by item. What stands for it among the fields says only whether it was there.
struct List<'a, F> {
    reader: &'a Reader,
    field: &'static str,
    items_max: usize,
    each: F,
}

impl<'de, F: FnMut(Value)> DeserializeSeed<'de> for &mut List<'_, F> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Value, D::Error> {
        self.reader.refusal.replace(Error::field(self.field, Invalid::malformed("must be an array")));
        json.deserialize_any(self)
    }
}

impl<'de, F: FnMut(Value)> Visitor<'de> for &mut List<'_, F> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut count = 0;
        while let Some(item) = access.next_element_seed(Any(self.reader))? {
            count += 1;
            if count > self.items_max {
                break;
            }
            (self.each)(item);
            // Each item may be as large as a body that holds nothing else.
            self.reader.values_left.set(limits::JSON_VALUES_MAX);
        }
        if (1..=self.items_max).contains(&count) {
            Ok(Value::Bool(true))
        } else {
            Err(self.reader.refuse(self.field, Invalid::refused(format!("must hold 1 to {} {}", self.items_max, self.field))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{object, object_with_list, value};
    use crate::limits::JSON_VALUES_MAX;
    use serde_json::{Value, json};

    #[test]
    fn what_is_read_is_what_was_written() {
        let text = json!({"a": [1, -2, 0.5, true, null, "\u{e9}\n", {"b": {}}], "c": u64::MAX});
        assert_eq!(value(&text.to_string()).unwrap(), text);
        assert_eq!(Value::Object(object(&text.to_string()).unwrap()), text);
    }

    #[test]
    fn values_are_counted_and_names_come_once() {
        let check = |text: String, expected: (u16, &str)| {
            let wrong = object(&text).unwrap_err();
            assert_eq!((wrong.status(), wrong.message().as_ref()), expected, "{:.60}", text);
        };
        let too_many = (422, "body holds more than 10000 values");
        check(format!("{{\"a\":[{}0]}}", "0,".repeat(JSON_VALUES_MAX)), too_many);
        check(format!("{{{}}}", (0..=JSON_VALUES_MAX).map(|n| format!("\"{n}\":0")).collect::<Vec<_>>().join(",")), too_many);
        check(format!("{{\"a\":[{}[]]}}", "{},".repeat(JSON_VALUES_MAX)), too_many);
        check("{\"a\":0,\"a\":0}".to_owned(), (400, "body names \"a\" twice"));
        check("{\"a\":{\"b\":0,\"b\":0}}".to_owned(), (400, "body names \"b\" twice"));
        check("[]".to_owned(), (400, "The body is not valid JSON: an object is expected"));
        check("{} {}".to_owned(), (400, "The body is not valid JSON: trailing characters at line 1 column 4"));
    }

    #[test]
    fn the_items_of_a_list_come_one_by_one_until_there_are_too_many() {
        let read = |text: &str| {
            let mut items = 0;
            let read = object_with_list(text, "notes", 3, |_| items += 1);
            (read.map(|fields| fields.len()).map_err(|wrong| (wrong.status(), wrong.message().into_owned())), items)
        };
        assert_eq!(read("{\"notes\":[1,{},[]],\"more\":0}"), (Ok(2), 3));
        assert_eq!(read("{\"notes\":null}"), (Ok(1), 0));
        // What comes after the fourth is not looked at, well-formed or not.
        assert_eq!(read("{\"notes\":[1,2,3,4,]]]"), (Err((422, "notes must hold 1 to 3 notes".to_owned())), 3));
        assert_eq!(read("{\"notes\":[]}"), (Err((422, "notes must hold 1 to 3 notes".to_owned())), 0));
        assert_eq!(read("{\"notes\":{}}"), (Err((400, "notes must be an array".to_owned())), 0));
        assert_eq!(read("{\"notes\":[1],\"notes\":[1]}").0, Err((400, "body names \"notes\" twice".to_owned())));
        assert!(read("{\"notes\":[1,2").0.is_err_and(|(status, message)| status == 400 && message.contains("EOF")));
    }
}
