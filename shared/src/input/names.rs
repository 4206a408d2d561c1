//! Names that nobody knows, told with the one that was probably meant.

use crate::domain::Invalid;

/// Letters that a mistyped name may differ in.
const TYPOS_MAX: usize = 2;

/// What is wrong with a name that is not among the known ones.
pub(super) fn unknown(name: &str, known: &[&str]) -> Invalid {
    let nearest = known.iter().map(|known| (strsim::osa_distance(name, known), known)).min();
    Invalid::malformed(match nearest {
        Some((typos, nearest)) if typos <= TYPOS_MAX => format!("is unknown; did you mean \"{nearest}\"?"),
        Some(_) => format!("is unknown; known are {}", known.join(", ")),
        None => "is unknown; nothing can be named here".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn the_nearest_name_is_told_where_one_is_near() {
        let known = ["limit", "cursor", "updated_since"];
        let check = |name, expected| assert_eq!(unknown(name, &known).reason, expected);
        check("udpated_since", "is unknown; did you mean \"updated_since\"?");
        check("updatedSince", "is unknown; did you mean \"updated_since\"?");
        check("limits", "is unknown; did you mean \"limit\"?");
        check("colour", "is unknown; known are limit, cursor, updated_since");
        assert_eq!(unknown("limit", &[]).reason, "is unknown; nothing can be named here");
    }
}
