//! Which trigger answers a path, and the headers that tell the component how it was matched.
//!
//! Patterns are exact, `:name` for one segment and a trailing `/...` (or `/*`) for the rest; the most specific one wins, whatever the order
//! in the manifest. The matching is that of the `routefinder` crate, which Spin uses as well, so both agree in the corners too.

use anyhow::{Context, Result, anyhow, ensure};
use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};
use routefinder::{Captures, RouteSpec, Router};
use std::net::SocketAddr;
use std::str;

/// Paths below this are answered by the host itself.
pub(crate) const WELL_KNOWN_PREFIX: &str = "/.well-known/spin/";

/// The public routes of an application, each leading to a `T`.
pub(crate) struct Routes<T: 'static> {
    router: Router<Target<T>>,
}

struct Target<T> {
    pattern: String,
    handler: T,
}

/// A matched request: how it matched decides the headers that the guest sees.
pub(crate) struct RouteMatch<'a, T> {
    target: Option<(&'a Target<T>, Captures<'a, 'a>)>,
    path: &'a str,
}

impl<T> Routes<T> {
    /// Builds the table. Of two equal patterns the later one wins and the earlier one is reported.
    pub(crate) fn build(patterns: impl IntoIterator<Item = (String, T)>) -> Result<Self> {
        let mut targets: Vec<Target<T>> = Vec::new();
        for (pattern, handler) in patterns {
            if let Some(duplicate) = targets.iter().position(|target| target.pattern == pattern) {
                tracing::error!("the route {pattern:?} occurs twice; the earlier one will never be used");
                targets.remove(duplicate);
            }
            if pattern.starts_with(WELL_KNOWN_PREFIX) {
                tracing::error!("the route {pattern:?} will never be reached: the host answers below {WELL_KNOWN_PREFIX}");
            }
            targets.push(Target { pattern, handler });
        }
        let mut router = Router::new();
        for target in targets {
            let spec = parse(&target.pattern)?;
            router.add(spec, target).map_err(|error| anyhow!("{error}"))?;
        }
        Ok(Self { router })
    }

    /// The target of a path, with what a match of it says.
    pub(crate) fn find<'a>(&'a self, path: &'a str) -> Option<(&'a T, RouteMatch<'a, T>)> {
        let best = self.router.best_match(path)?;
        let target = best.handler();
        let captures = best.captures();
        Some((&target.handler, RouteMatch { target: Some((target, captures)), path }))
    }

    /// Every pattern with its target.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.router.iter().map(|(_, target)| (target.pattern.as_str(), &target.handler))
    }
}

fn parse(pattern: &str) -> Result<RouteSpec> {
    let absolute = format!("/{}", pattern.trim_start_matches('/'));
    let spelled = match absolute.strip_suffix("/...") {
        Some(prefix) => format!("{prefix}/*"),
        None => absolute,
    };
    // A wildcard elsewhere would panic while a request is matched.
    let inner = spelled.strip_suffix("/*").unwrap_or(&spelled);
    ensure!(!inner.contains('*'), "the route {pattern:?} has a wildcard that is not its end");
    ensure!(!inner.split('/').any(|segment| segment == "..."), "the route {pattern:?} has `...` that is not its end");
    spelled.as_str().try_into().map_err(|error| anyhow!("the route {pattern:?}: {error}"))
}

impl<'a, T> RouteMatch<'a, T> {
    /// The match of a call from another component, which no pattern was asked about: as if `/...` had matched.
    pub(crate) fn chained(path: &'a str) -> Self {
        Self { target: None, path }
    }

    fn pattern(&self) -> &str {
        self.target.as_ref().map_or("/...", |(target, _)| target.pattern.as_str())
    }

    /// What the trailing wildcard matched, with its leading slash and with a trailing one if the path has it.
    fn path_info(&self) -> String {
        let Some((_, captures)) = &self.target else {
            return self.path.to_owned();
        };
        let Some(rest) = captures.wildcard() else {
            return String::new();
        };
        match (rest.is_empty(), self.path.ends_with('/')) {
            (true, false) => String::new(),
            (true, true) => "/".to_owned(),
            (false, false) => format!("/{rest}"),
            (false, true) => format!("/{rest}/"),
        }
    }

    /// Adds Spin's headers behind the client's: a client that sends one of these names is seen first, as on Spin.
    pub(crate) fn append_headers(&self, headers: &mut HeaderMap, uri: &Uri, client: SocketAddr) -> Result<()> {
        headers.values().try_for_each(|value| str::from_utf8(value.as_bytes()).map(drop))?;
        let host = headers.get(header::HOST).map_or(Ok("localhost"), |host| str::from_utf8(host.as_bytes()))?;
        let path_and_query = uri.path_and_query().context("the request has no path")?;
        let full_url = format!("{}://{host}{path_and_query}", uri.scheme_str().unwrap_or("http"));
        let pattern = self.pattern();
        let without_slash = if pattern.starts_with('/') { "" } else { "/" };
        let based = format!("{without_slash}{}", pattern.trim_end_matches('/'));
        let component_route = pattern.strip_suffix("/...").unwrap_or(pattern);

        let mut append = |name: &'static str, value: &str| -> Result<()> {
            headers.append(HeaderName::from_static(name), HeaderValue::from_str(value)?);
            Ok(())
        };
        append("spin-path-info", &self.path_info())?;
        append("spin-full-url", &full_url)?;
        append("spin-matched-route", &based)?;
        append("spin-base-path", "/")?;
        append("spin-raw-component-route", pattern)?;
        append("spin-component-route", component_route)?;
        append("spin-client-addr", &client.to_string())?;
        let named = self.target.iter().flat_map(|(_, captures)| captures.iter());
        for (name, value) in named {
            let name = format!("spin-path-match-{}", name.replace('_', "-").to_ascii_lowercase());
            headers.append(HeaderName::try_from(name)?, HeaderValue::from_str(value)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routes(patterns: &[&'static str]) -> Routes<&'static str> {
        Routes::build(patterns.iter().map(|pattern| ((*pattern).to_owned(), *pattern))).unwrap()
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let routes = routes(&["/...", "/v1/notes/:id", "/v1/notes/new", "/v1/...", "/static/*", "/v1/notes/:id/tags/..."]);
        let cases = [
            ("/", "/..."),
            ("/v1/notes/7", "/v1/notes/:id"),
            ("/v1/notes/7/", "/v1/notes/:id"),
            ("/v1/notes/new", "/v1/notes/new"),
            ("//v1/notes/new", "/v1/notes/new"),
            ("/v1/notes", "/v1/..."),
            ("/V1/notes", "/..."),
            ("/v1/notes/7/tags", "/v1/notes/:id/tags/..."),
            ("/v1/notes/7/tags/a/b", "/v1/notes/:id/tags/..."),
            ("/static/a.css", "/static/*"),
        ];
        for (path, expected) in cases {
            assert_eq!(routes.find(path).map(|(target, _)| *target), Some(expected), "{path}");
        }
    }

    #[test]
    fn no_pattern_means_no_match() {
        let routes = routes(&["/a/:b", "/c"]);
        for path in ["/", "/a", "/a/b/c", "/c/d", "/C"] {
            assert!(routes.find(path).is_none(), "{path}");
        }
    }

    #[test]
    fn wildcards_in_the_middle_are_refused() {
        for pattern in ["/a/*/b", "/*/b", "/a/.../b", "/a*"] {
            assert!(Routes::build([(pattern.to_owned(), ())]).is_err(), "{pattern}");
        }
    }

    fn headers_for(pattern: &'static str, path: &str) -> HeaderMap {
        let routes = routes(&[pattern]);
        let mut headers = HeaderMap::new();
        headers.append("host", HeaderValue::from_static("example.com"));
        headers.append("spin-path-match-user-id", HeaderValue::from_static("forged"));
        let uri: Uri = format!("http://example.com{path}?q=1").parse().unwrap();
        let (_, found) = routes.find(path).unwrap();
        found.append_headers(&mut headers, &uri, ([127, 0, 0, 1], 9).into()).unwrap();
        headers
    }

    #[test]
    fn spins_headers_follow_the_clients() {
        let headers = headers_for("/users/:user_id/...", "/users/4%202/posts/");
        let expected = [
            ("spin-path-info", "/posts/"),
            ("spin-full-url", "http://example.com/users/4%202/posts/?q=1"),
            ("spin-matched-route", "/users/:user_id/..."),
            ("spin-base-path", "/"),
            ("spin-raw-component-route", "/users/:user_id/..."),
            ("spin-component-route", "/users/:user_id"),
            ("spin-client-addr", "127.0.0.1:9"),
        ];
        for (name, value) in expected {
            assert_eq!(headers[name], value, "{name}");
        }
        let matches: Vec<_> = headers.get_all("spin-path-match-user-id").iter().collect();
        assert_eq!(matches, ["forged", "4%202"]);
    }

    #[test]
    fn the_rest_of_the_path_keeps_its_slashes() {
        let cases = [("/a/...", "/a", ""), ("/a/...", "/a/", "/"), ("/a/...", "/a/b", "/b"), ("/a", "/a", "")];
        for (pattern, path, expected) in cases {
            assert_eq!(headers_for(pattern, path)["spin-path-info"], expected, "{pattern} {path}");
        }
    }

    #[test]
    fn a_chained_call_sees_its_whole_path() {
        let mut headers = HeaderMap::new();
        let uri: Uri = "http://cart.spin.internal/a/b".parse().unwrap();
        let found = RouteMatch::<()>::chained("/a/b");
        found.append_headers(&mut headers, &uri, ([0, 0, 0, 0], 0).into()).unwrap();
        assert_eq!(headers["spin-path-info"], "/a/b");
        assert_eq!(headers["spin-matched-route"], "/...");
        assert_eq!(headers["spin-full-url"], "http://localhost/a/b");
    }
}
