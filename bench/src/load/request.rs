//! Requests as bytes, made once and sent many times.

use super::Target;

/// Stands for a number of the same length in a request's path, headers and body.
pub(crate) const NUMBER: &str = "0123456789abcdef";

/// A request whose bytes are ready, but for the number of the sending.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    bytes: Vec<u8>,
    /// Where the number goes.
    places: Vec<usize>,
}

impl Request {
    pub(crate) fn new(target: &Target, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Self {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", target.authority);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("content-type: application/json\r\ncontent-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let bytes = [head.as_bytes(), body].concat();
        let places = bytes.windows(NUMBER.len()).enumerate().filter(|(_, window)| *window == NUMBER.as_bytes()).map(|(place, _)| place);
        Self { places: places.collect(), bytes }
    }

    /// The bytes of one sending.
    pub(crate) fn numbered(&mut self, number: u64) -> &[u8] {
        let mut digits = [b'0'; NUMBER.len()];
        let mut rest = number;
        for digit in digits.iter_mut().rev() {
            *digit = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        for &place in &self.places {
            self.bytes[place..place + NUMBER.len()].copy_from_slice(&digits);
        }
        &self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{NUMBER, Request, Target};

    #[test]
    fn every_sending_has_its_number_everywhere() {
        let target = Target::new(&"http://127.0.0.1:80/".parse().unwrap()).unwrap();
        let body = format!("{{\"path\":\"{NUMBER}.md\"}}");
        let mut request = Request::new(&target, "POST", "/a", &[("idempotency-key", NUMBER)], body.as_bytes());
        for number in [42, 9_999_999_999_999_999] {
            let bytes = String::from_utf8(request.numbered(number).to_vec()).unwrap();
            let digits = format!("{number:016}");
            assert_eq!(bytes.matches(&digits).count(), 2, "{bytes}");
            assert!(bytes.starts_with("POST /a HTTP/1.1\r\nhost: 127.0.0.1:80\r\n"), "{bytes}");
            assert!(bytes.ends_with(&format!("content-length: 30\r\n\r\n{{\"path\":\"{digits}.md\"}}")), "{bytes}");
        }
    }
}
