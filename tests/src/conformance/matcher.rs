//! Compares an answer with what was expected, and says in words where they part.
//!
//! JSON is compared exactly, except where the expected side holds one of these objects: `{"$any": true}`, `{"$matches": regex}`
//! (against text, or a number as written), `{"$one_of": [...]}`, `{"$subset": {...}}` (members that are not named may be anything),
//! `{"$length": n}` (of a text in bytes), and inside of a subset `{"$absent": true}`.

use super::case::Expect;
use super::client::{self, Answer};
use http::HeaderMap;
use regex_lite::Regex;
use serde_json::{Map, Value};
use std::time::Duration;

/// Longer texts are cut in the report.
const SHOWN_MAX: usize = 600;

/// Everything that is wrong with the answer; empty when nothing is.
pub(super) fn check(expect: &Expect, answer: &Answer) -> Vec<String> {
    let mut problems = Vec::new();
    if answer.status != expect.status {
        let body = shorten(&String::from_utf8_lossy(&answer.body));
        problems.push(format!("status: expected {}, got {} with body {body:?}", expect.status, answer.status));
        return problems;
    }
    for (name, expected) in &expect.headers {
        problems.extend(compare(&format!("header {name}"), expected, &header(&answer.headers, name, expected)));
    }
    if expect.broken != answer.broken {
        problems.push(format!("body: expected it to {} its end", if expect.broken { "break before" } else { "reach" }));
    }
    problems.extend(body(expect, &answer.body));
    problems.extend(times(expect, answer));
    problems
}

fn body(expect: &Expect, got: &[u8]) -> Vec<String> {
    if let Some(expected) = &expect.json {
        return match serde_json::from_slice(got) {
            Ok(got) => compare("body", expected, &got),
            Err(_) => vec![format!("body: expected JSON, got {:?}", shorten(&String::from_utf8_lossy(got)))],
        };
    }
    if let Some(expected) = &expect.text
        && expected.as_bytes() != got
    {
        return vec![format!("body: expected {:?}, got {:?}", shorten(expected), shorten(&String::from_utf8_lossy(got)))];
    }
    match expect.pattern {
        Some(bytes) if client::pattern(0, bytes) != got => {
            vec![format!("body: expected {bytes} bytes of the pattern, got {} bytes", got.len())]
        }
        _ => Vec::new(),
    }
}

fn times(expect: &Expect, answer: &Answer) -> Vec<String> {
    let late = |what: &str, limit: Option<u64>, took: Duration| {
        let limit = Duration::from_millis(limit?);
        (took > limit).then(|| format!("{what}: expected within {limit:?}, took {took:?}"))
    };
    let early = expect.not_before_ms.map(Duration::from_millis).filter(|limit| answer.total < *limit);
    [
        late("first byte", expect.first_byte_within_ms, answer.first_byte),
        late("end", expect.within_ms, answer.total),
        early.map(|limit| format!("end: expected not before {limit:?}, took {:?}", answer.total)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The header as JSON: `null` when absent, all values when the list asks for a list, otherwise the values joined.
fn header(headers: &HeaderMap, name: &str, expected: &Value) -> Value {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect();
    match (expected, values.is_empty()) {
        (Value::Array(_), _) => Value::from(values),
        (_, true) => Value::Null,
        (_, false) => Value::from(values.join(", ")),
    }
}

/// The differences between two values, each with the place where it is.
fn compare(place: &str, expected: &Value, got: &Value) -> Vec<String> {
    let differ = || vec![format!("{place}: expected {}, got {}", shorten(&expected.to_string()), shorten(&got.to_string()))];
    match (expected, got) {
        (Value::Object(members), _) if members.keys().any(|name| name.starts_with('$')) => {
            if matches(members, place, got).is_empty() {
                Vec::new()
            } else {
                matches(members, place, got)
            }
        }
        (Value::Object(members), Value::Object(others)) => {
            let unexpected = others.keys().filter(|name| !members.contains_key(*name));
            let unexpected = unexpected.map(|name| format!("{place}.{name}: unexpected, got {}", shorten(&others[name].to_string())));
            let mut problems: Vec<_> = unexpected.collect();
            problems.extend(all_members(place, members, others));
            problems
        }
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
            let pairs = items.iter().zip(others).enumerate();
            pairs.flat_map(|(at, (item, other))| compare(&format!("{place}[{at}]"), item, other)).collect()
        }
        _ if expected == got => Vec::new(),
        _ => differ(),
    }
}

fn all_members(place: &str, members: &Map<String, Value>, others: &Map<String, Value>) -> Vec<String> {
    members
        .iter()
        .flat_map(|(name, expected)| compare(&format!("{place}.{name}"), expected, others.get(name).unwrap_or(&Value::Null)))
        .collect()
}

fn matches(matcher: &Map<String, Value>, place: &str, got: &Value) -> Vec<String> {
    let shown = shorten(&got.to_string());
    let unless = |right: bool, wanted: String| if right { Vec::new() } else { vec![format!("{place}: expected {wanted}, got {shown}")] };
    match matcher.iter().next().map(|(name, argument)| (name.as_str(), argument)) {
        Some(("$any", _)) => unless(!got.is_null(), "something".to_owned()),
        Some(("$absent", _)) => unless(got.is_null(), "nothing".to_owned()),
        Some(("$matches", Value::String(pattern))) => match Regex::new(pattern) {
            Ok(regex) => {
                unless(regex.is_match(&got.as_str().map_or_else(|| got.to_string(), str::to_owned)), format!("a match of {pattern}"))
            }
            Err(error) => vec![format!("{place}: the list has a bad pattern: {error}")],
        },
        Some(("$length", length)) => {
            unless(got.as_str().map(str::len).map(Value::from).as_ref() == Some(length), format!("a text of {length} bytes"))
        }
        Some(("$one_of", Value::Array(choices))) => unless(
            choices.iter().any(|choice| compare(place, choice, got).is_empty()),
            format!("one of {}", shorten(&matcher["$one_of"].to_string())),
        ),
        Some(("$subset", Value::Object(members))) => match got {
            Value::Object(others) => all_members(place, members, others),
            _ => unless(false, "an object".to_owned()),
        },
        _ => vec![format!("{place}: the list has an unknown matcher")],
    }
}

fn shorten(text: &str) -> String {
    if text.len() <= SHOWN_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(SHOWN_MAX).collect();
    format!("{kept}... ({} bytes)", text.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check_value(expected: &Value, got: &Value, problems: usize) {
        assert_eq!(compare("body", expected, got).len(), problems, "{expected} against {got}");
    }

    #[test]
    fn values_are_compared_exactly_unless_a_matcher_says_otherwise() {
        check_value(&json!({ "a": [1, null] }), &json!({ "a": [1, null] }), 0);
        check_value(&json!({ "a": 1 }), &json!({ "a": 1, "b": 2 }), 1);
        check_value(&json!({ "a": 1, "b": 2 }), &json!({ "a": 1 }), 1);
        check_value(&json!([1, 2]), &json!([1]), 1);
        check_value(&json!({ "$subset": { "a": 1, "c": { "$absent": true } } }), &json!({ "a": 1, "b": 2 }), 0);
        check_value(&json!({ "$subset": { "b": { "$absent": true } } }), &json!({ "a": 1, "b": 2 }), 1);
        check_value(&json!({ "$matches": "^4" }), &json!(42), 0);
        check_value(&json!({ "$one_of": [1, { "$matches": "x" }] }), &json!("axe"), 0);
        check_value(&json!({ "$any": true }), &json!(null), 1);
        check_value(&json!({ "$unheard_of": true }), &json!(1), 1);
    }
}
