//! Answers as gzip, for whoever asks for that.
//!
//! A packed answer is another representation with an entity tag of its own: the plain one's, with a mark before its closing quote. Requests may
//! send either back; both name the same state.

use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// What the entity tag of a packed answer ends in.
const MARK: &str = ".gzip\"";

/// Whether an `Accept-Encoding` prefers gzip to a plain answer.
pub(super) fn prefers_gzip(header: &str) -> bool {
    let (mut gzip, mut plain, mut any) = (None, None, None);
    for coding in header.split(',') {
        let (name, parameters) = coding.split_once(';').unwrap_or((coding, ""));
        let weight = weight(parameters);
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => gzip = weight,
            "identity" => plain = weight,
            "*" => any = weight,
            _ => {}
        }
    }
    gzip.or(any).is_some_and(|gzip| gzip > 0 && gzip >= plain.unwrap_or(0))
}

/// The weight that a coding's parameters give it, in thousandths; none where they cannot be read.
fn weight(parameters: &str) -> Option<u32> {
    let Some((name, weight)) = parameters.split_once('=') else { return parameters.trim().is_empty().then_some(1000) };
    let (whole, fraction) = weight.trim().split_once('.').unwrap_or((weight.trim(), ""));
    let is_weight = name.trim().eq_ignore_ascii_case("q") && matches!(whole, "0" | "1") && fraction.len() <= 3;
    let thousandths: u32 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (is_weight && thousandths <= 1000).then_some(thousandths)
}

/// The body as gzip, packed fast: the network is what is waited for.
pub(super) fn gzip(body: &[u8]) -> Option<Vec<u8>> {
    let mut packed = GzEncoder::new(Vec::with_capacity(body.len() / 2), Compression::fast());
    packed.write_all(body).ok()?;
    packed.finish().ok()
}

/// The entity tag of the packed form of what has this tag.
pub(super) fn packed_tag(tag: &str) -> String {
    tag.strip_suffix('"').map_or_else(|| tag.to_owned(), |open| format!("{open}{MARK}"))
}

/// The entity tag of the state that a tag names, packed or not.
pub(super) fn plain_tag(tag: &str) -> String {
    tag.strip_suffix(MARK).map_or_else(|| tag.to_owned(), |open| format!("{open}\""))
}

#[cfg(test)]
mod tests {
    use super::{gzip, packed_tag, plain_tag, prefers_gzip};
    use flate2::read::GzDecoder;
    use std::io::Read;

    #[test]
    fn gzip_is_given_to_whoever_prefers_it() {
        let check = |header: &str, expected: bool| assert_eq!(prefers_gzip(header), expected, "{header:?}");
        check("gzip", true);
        check("deflate, GZIP;q=0.5, br", true);
        check("*", true);
        check("gzip;q=0", false);
        check("gzip;q=0, *", false);
        check("*;q=0", false);
        check("identity, gzip;q=0.5", false);
        check("identity;q=0.5, gzip;q=0.8", true);
        check("gzip;q=x", false);
        check("gzip;q=1.5", false);
        check("gzip;q=0.001", true);
        check("gzip;q=0.0001", false);
        check("gzip;level=9", false);
        check("br, deflate", false);
        check("", false);
    }

    #[test]
    fn what_is_packed_is_what_was_there() {
        let body = "marmot ".repeat(1000);
        let mut unpacked = String::new();
        GzDecoder::new(gzip(body.as_bytes()).unwrap().as_slice()).read_to_string(&mut unpacked).unwrap();
        assert_eq!(unpacked, body);
    }

    #[test]
    fn both_tags_name_the_same_state() {
        for tag in ["\"a-3.completed\"", "\"3\""] {
            assert_ne!(packed_tag(tag), tag);
            assert_eq!(plain_tag(&packed_tag(tag)), tag);
            assert_eq!(plain_tag(tag), tag);
        }
    }
}
