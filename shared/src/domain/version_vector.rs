//! Which changes of which writers a copy of a note contains.
//!
//! Two copies of a note are ordered by what they have seen, never by a clock: one has seen everything that the other has, or they
//! were changed side by side.

use super::OriginId;
use super::invalid::Invalid;
use crate::limits;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::collections::BTreeMap;

/// A counter for each writer, and one for all writers that are not named: those who have not written for so long that the server names them no
/// more, and those who never wrote. No writer is named whose counter is that one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub struct VersionVector {
    counters: BTreeMap<OriginId, u64>,
    baseline: u64,
}

/// The name of the counter of all who are not named; no writer may have it.
pub const BASELINE: &str = "~";

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
        let mut vector = Self::default();
        for (origin, counter) in fields {
            let counter = counter
                .as_u64()
                .filter(|counter| *counter <= limits::COUNTER_MAX)
                .ok_or_else(|| Invalid::malformed(format!("must hold whole numbers from 0 to {}", limits::COUNTER_MAX)))?;
            if origin == BASELINE {
                vector.baseline = counter;
            } else {
                let origin =
                    OriginId::parse(&origin).map_err(|wrong| Invalid::malformed(format!("has an origin that {}", wrong.reason)))?;
                vector.counters.insert(origin, counter);
            }
        }
        Ok(vector.normalised())
    }

    /// The counter of one writer.
    pub fn get(&self, origin: &str) -> u64 {
        self.counters.get(origin).copied().unwrap_or(self.baseline)
    }

    /// Counts one more change by a writer.
    #[must_use]
    pub fn incremented(mut self, origin: &OriginId) -> Self {
        let counter = self.get(origin.as_str()).saturating_add(1).min(limits::COUNTER_MAX);
        self.counters.insert(origin.clone(), counter);
        self
    }

    /// What both have seen together: the larger counter of each writer.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let named = self.counters.keys().chain(other.counters.keys());
        let counters = named.map(|origin| (origin.clone(), self.get(origin.as_str()).max(other.get(origin.as_str())))).collect();
        Self { counters, baseline: self.baseline.max(other.baseline) }.normalised()
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

    /// Whether a copy with this vector has seen every change in the other.
    #[must_use]
    pub fn has_seen(&self, other: &Self) -> bool {
        let mut named = self.counters.keys().chain(other.counters.keys());
        self.baseline >= other.baseline && named.all(|origin| self.get(origin.as_str()) >= other.get(origin.as_str()))
    }

    fn normalised(mut self) -> Self {
        self.counters.retain(|_, counter| *counter != self.baseline);
        self
    }
}

impl Serialize for VersionVector {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let baseline = (self.baseline > 0).then_some((BASELINE, &self.baseline));
        serializer.collect_map(self.counters.iter().map(|(origin, counter)| (origin.as_str(), counter)).chain(baseline))
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
    use super::{BASELINE, Causality, OriginId, VersionVector};
    use crate::limits;
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
    fn who_is_not_named_stands_at_the_baseline() {
        let check = |mine, theirs, expected| assert_eq!(vector(mine).compare(&vector(theirs)), expected);
        check(json!({"~": 3}), json!({"~": 3, "a": 3}), Causality::Equal);
        check(json!({"~": 3}), json!({"a": 2, "b": 3}), Causality::Dominates);
        check(json!({"~": 3}), json!({"a": 4}), Causality::Concurrent);
        check(json!({"a": 9}), json!({"~": 1}), Causality::Concurrent);
        check(json!({"~": 3, "a": 1}), json!({"~": 3}), Causality::Dominated);
        let next = vector(json!({"~": 3})).incremented(&OriginId::parse("a").unwrap());
        assert_eq!(serde_json::to_value(&next).unwrap(), json!({"a": 4, BASELINE: 3}));
    }

    #[test]
    fn refuses_what_is_not_a_vector() {
        for bad in
            [json!(null), json!([]), json!("x"), json!({"a": -1}), json!({"a": 1.5}), json!({"a": "1"}), json!({"": 1}), json!({"a b": 1})]
        {
            assert!(VersionVector::parse(bad.clone()).is_err(), "{bad}");
        }
        assert!(VersionVector::parse(json!({"a": 9_007_199_254_740_992_u64})).is_err());
        let crowd: serde_json::Map<_, _> = (0..=limits::VECTOR_ORIGINS_MAX).map(|n| (format!("o{n}"), json!(1))).collect();
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
        prop::collection::btree_map("[a-e~]", 0_u64..4, 0..5).prop_map(|counters| vector(json!(counters)))
    }

    proptest! {
        #[test]
        fn merging_does_not_depend_on_order(a in any_vector(), b in any_vector(), c in any_vector()) {
            prop_assert_eq!(a.merged(&b), b.merged(&a));
            prop_assert_eq!(a.merged(&b).merged(&c), a.merged(&b.merged(&c)));
            prop_assert_eq!(a.merged(&a), a.clone());
            prop_assert!(matches!(a.merged(&b).compare(&a), Causality::Equal | Causality::Dominates));
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
