//! Whether a client can read what we answer.

/// The media types of an answer, from the most general.
const READABLE: [&str; 4] = ["*/*", "application/*", "application/json", "application/vnd.noted.v1+json"];

/// Whether one of the `Accept` header's ranges covers version 1 as JSON. No header, or an empty one, accepts everything.
pub(super) fn accepts_v1(accept: &str) -> bool {
    accept.trim().is_empty() || accept.split(',').any(|range| covers(range) && !is_excluded(range))
}

/// Whether a body of this media type is read as JSON.
pub(super) fn is_json(content_type: &str) -> bool {
    let (media_type, parameters) = content_type.split_once(';').unwrap_or((content_type, ""));
    let is_json = READABLE[2..].iter().any(|readable| media_type.trim().eq_ignore_ascii_case(readable));
    let charset =
        parameters.split(';').find_map(|parameter| parameter.trim().to_ascii_lowercase().strip_prefix("charset=").map(str::to_owned));
    is_json && charset.is_none_or(|charset| charset.trim_matches('"') == "utf-8")
}

fn covers(range: &str) -> bool {
    let media_type = range.split(';').next().unwrap_or(range).trim();
    READABLE.iter().any(|readable| media_type.eq_ignore_ascii_case(readable))
}

fn is_excluded(range: &str) -> bool {
    range.split(';').skip(1).any(|parameter| matches!(parameter.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
}

#[cfg(test)]
mod tests {
    use super::{accepts_v1, is_json};

    #[test]
    fn one_readable_range_is_enough() {
        let check = |accept: &str, accepted: bool| assert_eq!(accepts_v1(accept), accepted, "{accept:?}");
        check("", true);
        check("*/*", true);
        check("application/json", true);
        check("application/vnd.noted.v1+json", true);
        check("text/html, application/xhtml+xml, */*;q=0.8", true);
        check("application/vnd.noted.v2+json", false);
        check("application/vnd.noted.v3+json, text/html", false);
        check("application/json;q=0", false);
        check("text/html", false);
    }

    #[test]
    fn only_json_in_utf_8_is_read() {
        let check = |content_type: &str, accepted: bool| assert_eq!(is_json(content_type), accepted, "{content_type:?}");
        check("application/json", true);
        check("Application/JSON; charset=UTF-8", true);
        check("application/vnd.noted.v1+json", true);
        check("application/json; charset=utf-16", false);
        check("text/plain", false);
        check("*/*", false);
        check("", false);
    }
}
