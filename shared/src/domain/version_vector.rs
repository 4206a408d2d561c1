//! Which changes of which writers a copy of a note contains.
//!
//! Two copies of a note are ordered by what they have seen, never by a clock: one has seen everything that the other has, or they
//! were changed side by side.

use super::OriginId;
use super::invalid::Invalid;
use crate::limits;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A counter for each writer; a writer that is not named stands at zero, and zero is never stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct VersionVector(BTreeMap<OriginId, u64>);

/// How one vector stands to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Causality {
    /// Both have seen the same changes.
    Equal,
    /// This one has seen all of the other's changes, and more.
    Dominates,
    /// The other one has seen all of this one's changes, and more.
    Dominated,
    /// Each has seen a change that the other has not: a conflict.
    Concurrent,
}

impl VersionVector {
    /// Reads a JSON object of counters. The size and the counters are bounded.
    pub fn parse(value: Value) -> Result<Self, Invalid> {
        let Value::Object(fields) = value else {
            return Err(Invalid::malformed("must be an object of counters by origin"));
        };
        if fields.len() > limits::VECTOR_ORIGINS_MAX {
            return Err(Invalid::refused(format!("names more than {} origins", limits::VECTOR_ORIGINS_MAX)));
        }
        let mut counters = BTreeMap::new();
        for (origin, counter) in fields {
            let counter = counter
                .as_u64()
                .filter(|counter| *counter <= limits::COUNTER_MAX)
                .ok_or_else(|| Invalid::malformed(format!("must hold whole numbers from 0 to {}", limits::COUNTER_MAX)))?;
            let origin = OriginId::parse(&origin).map_err(|wrong| Invalid::malformed(format!("has an origin that {}", wrong.reason)))?;
            if counter > 0 {
                counters.insert(origin, counter);
            }
        }
        Ok(Self(counters))
    }

    /// The counter of one writer.
    pub fn get(&self, origin: &str) -> u64 {
        self.0.get(origin).copied().unwrap_or(0)
    }

    /// Counts one more change by a writer.
    #[must_use]
    pub fn incremented(mut self, origin: &OriginId) -> Self {
        let counter = self.0.entry(origin.clone()).or_insert(0);
        *counter = counter.saturating_add(1).min(limits::COUNTER_MAX);
        self
    }

    /// What both have seen together: the larger counter of each writer.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for (origin, counter) in &other.0 {
            let mine = self.0.entry(origin.clone()).or_insert(0);
            *mine = (*mine).max(*counter);
        }
        self
    }

    /// How this vector stands to another.
    pub fn compare(&self, other: &Self) -> Causality {
        match (self.has_seen(other), other.has_seen(self)) {
            (true, true) => Causality::Equal,
            (true, false) => Causality::Dominates,
            (false, true) => Causality::Dominated,
            (false, false) => Causality::Concurrent,
        }
    }

    fn has_seen(&self, other: &Self) -> bool {
        other.0.iter().all(|(origin, counter)| self.get(origin.as_str()) >= *counter)
    }
}

impl TryFrom<Value> for VersionVector {
    type Error = Invalid;

    fn try_from(value: Value) -> Result<Self, Invalid> {
        Self::parse(value)
    }
}

#[cfg(test)]
mod tests {
    use super::{Causality, OriginId, VersionVector};
    use proptest::prelude::*;
    use serde_json::json;

    fn vector(value: serde_json::Value) -> VersionVector {
        VersionVector::parse(value).unwrap()
    }

    #[test]
    fn compares_by_what_was_seen() {
        let check = |mine, theirs, expected| assert_eq!(vector(mine).compare(&vector(theirs)), expected);
        check(json!({}), json!({}), Causality::Equal);
        check(json!({"a": 0}), json!({}), Causality::Equal);
        check(json!({"a": 1}), json!({}), Causality::Dominates);
        check(json!({"vscode-abc": 2, "agent-xyz": 1}), json!({"vscode-abc": 3, "agent-xyz": 1}), Causality::Dominated);
        check(json!({"vscode-abc": 3, "agent-xyz": 1}), json!({"vscode-abc": 2, "agent-xyz": 2}), Causality::Concurrent);
    }

    #[test]
    fn refuses_what_is_not_a_vector() {
        for bad in
            [json!(null), json!([]), json!("x"), json!({"a": -1}), json!({"a": 1.5}), json!({"a": "1"}), json!({"": 1}), json!({"a b": 1})]
        {
            assert!(VersionVector::parse(bad.clone()).is_err(), "{bad}");
        }
        assert!(VersionVector::parse(json!({"a": 9_007_199_254_740_992_u64})).is_err());
        let crowd: serde_json::Map<_, _> = (0..1025).map(|n| (format!("o{n}"), json!(1))).collect();
        assert!(VersionVector::parse(crowd.into()).is_err());
    }

    #[test]
    fn counts_each_writer_apart() {
        let ide = OriginId::parse("vscode-abc").unwrap();
        let agent = OriginId::parse("agent-xyz").unwrap();
        let seen = VersionVector::default().incremented(&ide).incremented(&ide).incremented(&agent);
        assert_eq!(serde_json::to_value(&seen).unwrap(), json!({"agent-xyz": 1, "vscode-abc": 2}));
    }

    fn any_vector() -> impl Strategy<Value = VersionVector> {
        prop::collection::btree_map("[a-e]", 0_u64..4, 0..5).prop_map(|counters| vector(json!(counters)))
    }

    proptest! {
        #[test]
        fn merging_does_not_depend_on_order(a in any_vector(), b in any_vector(), c in any_vector()) {
            prop_assert_eq!(a.clone().merged(&b), b.clone().merged(&a));
            prop_assert_eq!(a.clone().merged(&b).merged(&c), a.clone().merged(&b.clone().merged(&c)));
            prop_assert_eq!(a.clone().merged(&a), a.clone());
            prop_assert!(matches!(a.clone().merged(&b).compare(&a), Causality::Equal | Causality::Dominates));
        }

        #[test]
        fn order_is_a_strict_partial_order(a in any_vector(), b in any_vector(), c in any_vector()) {
            prop_assert_eq!(a.compare(&b) == Causality::Dominates, b.compare(&a) == Causality::Dominated);
            prop_assert_eq!(a.compare(&b) == Causality::Equal, a == b);
            if a.compare(&b) == Causality::Dominates && b.compare(&c) == Causality::Dominates {
                prop_assert_eq!(a.compare(&c), Causality::Dominates);
            }
        }

        #[test]
        fn one_more_change_dominates(a in any_vector(), origin in "[a-e]") {
            let next = a.clone().incremented(&OriginId::parse(&origin).unwrap());
            prop_assert_eq!(next.compare(&a), Causality::Dominates);
        }
    }
}
