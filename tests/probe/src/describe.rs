//! What a component is told about a request: the default answer of every path that is no endpoint.

use crate::reply::{self, Reply};
use serde::Serialize;
use spin_sdk::http::Request;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct Described<'a> {
    method: &'a str,
    uri: String,
    path: &'a str,
    query: Option<&'a str>,
    /// For each name the values in the order in which the host handed them over.
    headers: BTreeMap<&'a str, Vec<String>>,
    /// `COMPONENT` of the environment, which the manifest sets to the component's id.
    component: Option<String>,
}

/// Answers with the request as the component sees it.
pub(crate) fn describe(request: &Request) -> Reply {
    let mut headers: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (name, value) in request.headers() {
        headers.entry(name.as_str()).or_default().push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    reply::json(&Described {
        method: request.method().as_str(),
        uri: request.uri().to_string(),
        path: request.uri().path(),
        query: request.uri().query(),
        headers,
        component: std::env::var("COMPONENT").ok(),
    })
}
