//! The list of cases as types. `tests/conformance/README.md` describes the format for people.

use anyhow::Context as _;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// The files of the list, in the order in which they run.
const FILES: [(&str, &str); 9] = [
    ("postgres-types.json", include_str!("../../conformance/cases/postgres-types.json")),
    ("postgres-errors.json", include_str!("../../conformance/cases/postgres-errors.json")),
    ("postgres-sessions.json", include_str!("../../conformance/cases/postgres-sessions.json")),
    ("key-value.json", include_str!("../../conformance/cases/key-value.json")),
    ("routing.json", include_str!("../../conformance/cases/routing.json")),
    ("bodies.json", include_str!("../../conformance/cases/bodies.json")),
    ("outbound.json", include_str!("../../conformance/cases/outbound.json")),
    ("platform.json", include_str!("../../conformance/cases/platform.json")),
    ("instances.json", include_str!("../../conformance/cases/instances.json")),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    group: String,
    cases: Vec<Case>,
}

/// One thing that a host must do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Case {
    /// Filled in from the file.
    #[serde(skip)]
    pub(super) group: String,
    /// A sentence that is true when the case passes.
    pub(super) name: String,
    pub(super) steps: Vec<Step>,
    /// Send all steps at once, each after its own delay.
    #[serde(default)]
    pub(super) parallel: bool,
    /// Wait until no instance is left from the case before.
    #[serde(default)]
    pub(super) fresh_instances: bool,
    /// How often to try: which instance gets a request is up to the host, and some cases need two requests to meet.
    #[serde(default = "one")]
    pub(super) attempts: usize,
}

/// A request, and what must come back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Step {
    #[serde(default)]
    pub(super) delay_ms: u64,
    #[serde(default = "one")]
    pub(super) times: usize,
    pub(super) send: Send,
    #[serde(default)]
    expect: Expect,
    /// Where a host answers otherwise, and why that is right.
    differs: Option<Differs>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Differs {
    on: String,
    #[expect(dead_code, reason = "for the reader of the list")]
    because: String,
    expect: Expect,
}

/// What to send.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Send {
    /// POST when there is a body, otherwise GET.
    pub(super) method: Option<String>,
    /// With query, sent as it is.
    pub(super) path: String,
    /// Each character of a value is sent as one byte. `host` replaces the usual one.
    #[serde(default)]
    pub(super) headers: Vec<(String, String)>,
    /// Adds a header `x-long` of so many bytes.
    #[serde(default)]
    pub(super) long_header: usize,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
    /// So many bytes of the pattern, their number announced.
    pub(super) pattern: Option<usize>,
    /// So many bytes of the pattern, chunked.
    pub(super) chunked: Option<Chunked>,
    /// Pieces, each sent after the one before came back.
    pub(super) duplex: Option<Vec<String>>,
    /// Rest so long after each piece of the answer.
    #[serde(default)]
    pub(super) read_pause_ms: u64,
    /// Hang up after so many bytes of the answer.
    pub(super) hang_up_after: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Chunked {
    pub(super) bytes: usize,
    pub(super) piece: usize,
    #[serde(default)]
    pub(super) pause_ms: u64,
}

/// What must come back. A body is checked only where one of the four says how.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Expect {
    pub(super) status: u16,
    /// By name: the one value, a list of all values, or a matcher.
    pub(super) headers: BTreeMap<String, Value>,
    pub(super) json: Option<Value>,
    pub(super) text: Option<String>,
    pub(super) pattern: Option<usize>,
    /// The connection broke before the body's end; `text` is what came before.
    pub(super) broken: bool,
    pub(super) first_byte_within_ms: Option<u64>,
    pub(super) within_ms: Option<u64>,
    pub(super) not_before_ms: Option<u64>,
}

impl Default for Expect {
    fn default() -> Self {
        Self {
            status: 200,
            headers: BTreeMap::new(),
            json: None,
            text: None,
            pattern: None,
            broken: false,
            first_byte_within_ms: None,
            within_ms: None,
            not_before_ms: None,
        }
    }
}

impl Case {
    /// Whether the filter asks for this case; without a filter every case is wanted.
    pub(super) fn is_wanted(&self, filter: Option<&str>) -> bool {
        filter.is_none_or(|word| self.group.contains(word) || self.name.contains(word))
    }
}

impl Step {
    /// What this host must answer.
    pub(super) fn expected_on(&self, runtime: &str) -> &Expect {
        self.differs.as_ref().filter(|differs| differs.on == runtime).map_or(&self.expect, |differs| &differs.expect)
    }
}

/// All cases, with what the placeholders stand for filled in.
pub(super) fn load(placeholders: &HashMap<&'static str, String>) -> anyhow::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (name, text) in FILES {
        let mut value: Value = serde_json::from_str(text).with_context(|| format!("{name} is not JSON"))?;
        fill_in(&mut value, placeholders);
        let file: File = serde_json::from_value(value).with_context(|| format!("{name} is not a list of cases"))?;
        cases.extend(file.cases.into_iter().map(|case| Case { group: file.group.clone(), ..case }));
    }
    Ok(cases)
}

fn fill_in(value: &mut Value, placeholders: &HashMap<&'static str, String>) {
    match value {
        Value::String(text) if text.contains("{{") => {
            for (name, meaning) in placeholders {
                *text = text.replace(&format!("{{{{{name}}}}}"), meaning);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, placeholders)),
        Value::Object(members) => members.values_mut().for_each(|member| fill_in(member, placeholders)),
        _ => (),
    }
}

fn one() -> usize {
    1
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_list_parses_and_every_name_is_used_once() {
        let cases = load(&HashMap::new()).unwrap();
        let names: BTreeSet<_> = cases.iter().map(|case| &case.name).collect();
        assert_eq!(names.len(), cases.len(), "two cases share a name");
        assert!(cases.iter().all(|case| !case.steps.is_empty()));
    }
}
