//! Ranges between their WIT form, a pair of optional bounds, and the driver's.

use crate::bindings::spin::postgres::postgres::RangeBoundKind;
use anyhow::{Context, Result};
use postgres_range::{BoundSided, BoundType, Normalizable, Range, RangeBound};
use rust_decimal::Decimal;
use std::error::Error;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A range as WIT has it: lower and upper bound, each absent when unbounded.
pub(crate) type WitRange<T> = (Option<(T, RangeBoundKind)>, Option<(T, RangeBoundKind)>);

/// A decimal that can be the bound of a range, which the range crate knows only for integers and times.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub(crate) struct RangeDecimal(pub(crate) Decimal);

impl Normalizable for RangeDecimal {
    fn normalize<S: BoundSided>(bound: RangeBound<S, Self>) -> RangeBound<S, Self> {
        bound
    }
}

impl ToSql for RangeDecimal {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.0.to_sql(ty, out)
    }

    fn accepts(ty: &Type) -> bool {
        <Decimal as ToSql>::accepts(ty)
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for RangeDecimal {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Decimal::from_sql(ty, raw).map(Self)
    }

    fn accepts(ty: &Type) -> bool {
        <Decimal as FromSql>::accepts(ty)
    }
}

/// An integer whose ranges PostgreSQL keeps in the form `[a, b)`.
pub(crate) trait Discrete: Copy {
    /// The next value, unless there is none.
    fn successor(self) -> Option<Self>;
}

impl Discrete for i32 {
    fn successor(self) -> Option<Self> {
        self.checked_add(1)
    }
}

impl Discrete for i64 {
    fn successor(self) -> Option<Self> {
        self.checked_add(1)
    }
}

/// A range of integers for the driver, in canonical form. The driver's own normalisation overflows at the largest value.
pub(crate) fn discrete_to_pg<T: Discrete + Normalizable + PartialOrd>((lower, upper): WitRange<T>) -> Result<Range<T>> {
    let after = |value: T| value.successor().context("the range's bound is out of range");
    let lower = match lower {
        Some((value, RangeBoundKind::Exclusive)) => Some(after(value)?),
        Some((value, RangeBoundKind::Inclusive)) => Some(value),
        None => None,
    };
    let upper = match upper {
        Some((value, RangeBoundKind::Inclusive)) => Some(after(value)?),
        Some((value, RangeBoundKind::Exclusive)) => Some(value),
        None => None,
    };
    Ok(Range::new(
        lower.map(|value| RangeBound::new(value, BoundType::Inclusive)),
        upper.map(|value| RangeBound::new(value, BoundType::Exclusive)),
    ))
}

/// A range of decimals for the driver.
pub(crate) fn decimal_to_pg((lower, upper): WitRange<String>) -> Result<Range<RangeDecimal>> {
    Ok(Range::new(lower.map(decimal_bound).transpose()?, upper.map(decimal_bound).transpose()?))
}

fn decimal_bound<S: BoundSided>((value, kind): (String, RangeBoundKind)) -> Result<RangeBound<S, RangeDecimal>> {
    let value = Decimal::from_str_exact(&value).with_context(|| format!("invalid decimal {value}"))?;
    let kind = match kind {
        RangeBoundKind::Inclusive => BoundType::Inclusive,
        RangeBoundKind::Exclusive => BoundType::Exclusive,
    };
    Ok(RangeBound::new(RangeDecimal(value), kind))
}

/// The driver's range in WIT form. An empty one has no bounds, as on Spin.
pub(crate) fn to_wit<T: Normalizable + PartialOrd, U>(range: &Range<T>, convert: impl Fn(&T) -> U) -> WitRange<U> {
    let kind = |kind| match kind {
        BoundType::Inclusive => RangeBoundKind::Inclusive,
        BoundType::Exclusive => RangeBoundKind::Exclusive,
    };
    let lower = range.lower().map(|bound| (convert(&bound.value), kind(bound.type_)));
    let upper = range.upper().map(|bound| (convert(&bound.value), kind(bound.type_)));
    (lower, upper)
}

#[cfg(test)]
mod tests {
    use super::*;
    use RangeBoundKind::{Exclusive, Inclusive};

    #[test]
    fn integer_ranges_become_canonical() {
        let range = discrete_to_pg((Some((1, Exclusive)), Some((5, Inclusive)))).unwrap();
        let back = to_wit(&range, |value| *value);
        assert!(matches!(back, (Some((2, Inclusive)), Some((6, Exclusive)))));
        assert!(matches!(to_wit(&discrete_to_pg::<i64>((None, None)).unwrap(), |v| *v), (None, None)));
    }

    #[test]
    fn a_bound_past_the_largest_integer_is_an_error() {
        assert!(discrete_to_pg((None, Some((i32::MAX, Inclusive)))).is_err());
        assert!(discrete_to_pg((Some((i64::MAX, Exclusive)), None)).is_err());
    }

    #[test]
    fn decimal_ranges_keep_their_bounds() {
        let range = decimal_to_pg((Some(("1.5".into(), Exclusive)), Some(("2.50".into(), Inclusive)))).unwrap();
        let back = to_wit(&range, |value| value.0.to_string());
        assert!(matches!(back, (Some((lower, Exclusive)), Some((upper, Inclusive))) if lower == "1.5" && upper == "2.50"));
        assert!(decimal_to_pg((Some(("one".into(), Exclusive)), None)).is_err());
    }
}
