//! `allowed_outbound_hosts`: where a component may connect to. Nothing is allowed unless an entry says so.
//!
//! An entry is `scheme://host[:port]`: a scheme or `*`; a host, `*.domain`, `*`, `self` or a network in CIDR form; a port, `*` or the
//! half-open range `a..b`. Without a port the scheme's well-known one is meant.

use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use std::net::IpAddr;
use std::ops::Range;
use url::{Host, Url};

/// The domain under which a component reaches another one of the same application.
const SERVICE_CHAINING_DOMAIN: &str = "spin.internal";

/// The entries of one component, templates already expanded.
#[derive(Debug, Default)]
pub(crate) struct AllowedHosts(Vec<AllowedHost>);

#[derive(Debug, PartialEq)]
struct AllowedHost {
    /// `None` allows every scheme.
    scheme: Option<String>,
    host: HostPattern,
    port: PortPattern,
}

#[derive(Debug, PartialEq)]
enum HostPattern {
    Any,
    /// The application itself.
    ToSelf,
    /// A domain suffix with its leading dot.
    Subdomains(String),
    Network(IpNet),
    Literal(Host),
}

#[derive(Clone, Debug, PartialEq)]
enum PortPattern {
    Any,
    Range(Range<u16>),
    One(u16),
}

impl AllowedHosts {
    /// Parses a component's entries. An entry that a template left without a host is skipped, so that an endpoint can be optional.
    /// A wildcard for other components stands for `components`, so that a call to none of them is denied.
    pub(crate) fn parse(entries: &[String], components: &[&str]) -> Result<Self> {
        let wanted = entries.iter().filter(|entry| !["", "http://", "https://"].contains(&entry.as_str()));
        let parse = |entry: &String| AllowedHost::parse(entry).with_context(|| format!("allowed_outbound_hosts: {entry:?}"));
        let entries = wanted.map(parse).collect::<Result<Vec<_>>>()?;
        Ok(Self(entries.into_iter().flat_map(|entry| entry.expand(components)).collect()))
    }

    /// Whether `address` may be connected to. `scheme` is taken for an address that has none, such as `host:port` of a database.
    pub(crate) fn allows(&self, address: &str, scheme: &str) -> bool {
        let Some(url) = parse_address(address, scheme) else {
            return false;
        };
        let Some(host) = url.host_str().and_then(|host| Host::parse(host).ok()) else {
            return false;
        };
        let port = url.port().or_else(|| well_known_port(url.scheme()));
        self.0.iter().any(|entry| entry.allows(url.scheme(), &host, port))
    }

    /// Whether the component may call the application it belongs to by a relative URL.
    pub(crate) fn allows_self(&self) -> bool {
        let allows = |entry: &AllowedHost| {
            let scheme = entry.scheme.as_deref().is_none_or(|scheme| ["http", "https"].contains(&scheme));
            scheme && matches!(entry.host, HostPattern::Any | HostPattern::ToSelf)
        };
        self.0.iter().any(allows)
    }
}

impl AllowedHost {
    fn parse(entry: &str) -> Result<Self> {
        let (scheme, rest) = entry
            .trim()
            .split_once("://")
            .context("must have the form scheme://host[:port], for example https://example.com or *://*:*")?;
        ensure!(
            scheme == "*" || (!scheme.is_empty() && scheme.chars().all(char::is_alphabetic)),
            "the scheme {scheme:?} must be alphabetic or *"
        );
        let (host, port) = split_port(rest);
        ensure!(!host.trim_end_matches('/').contains('/') || host.parse::<IpNet>().is_ok(), "must not have a path");
        Ok(Self {
            scheme: (scheme != "*").then(|| scheme.to_owned()),
            host: HostPattern::parse(host)?,
            port: PortPattern::parse(port, scheme)?,
        })
    }

    fn expand(self, components: &[&str]) -> Vec<Self> {
        let chaining = matches!(&self.host, HostPattern::Subdomains(suffix) if suffix.strip_prefix('.') == Some(SERVICE_CHAINING_DOMAIN));
        if !chaining {
            return vec![self];
        }
        let named = |component: &&str| HostPattern::Literal(Host::Domain(format!("{component}.{SERVICE_CHAINING_DOMAIN}")));
        let hosts = components.iter().map(named);
        hosts.map(|host| Self { host, scheme: self.scheme.clone(), port: self.port.clone() }).collect()
    }

    fn allows(&self, scheme: &str, host: &Host, port: Option<u16>) -> bool {
        self.scheme.as_deref().is_none_or(|allowed| allowed == scheme) && self.host.allows(host) && self.port.allows(port)
    }
}

/// Splits at the last colon, unless the whole is a host by itself, as an IPv6 address is.
fn split_port(rest: &str) -> (&str, &str) {
    match rest.rsplit_once(':') {
        Some((host, port)) if HostPattern::parse(rest).is_err() => (host, port.trim_end_matches('/')),
        _ => (rest.trim_end_matches(':'), ""),
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self> {
        match host {
            "*" => return Ok(Self::Any),
            "self" | "self.alt" => return Ok(Self::ToSelf),
            _ => {}
        }
        if let Ok(network) = host.parse::<IpNet>() {
            return Ok(Self::Network(network.trunc()));
        }
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(Self::Network(address.into()));
        }
        let host = host.trim_end_matches('/');
        if let Some(domain) = host.strip_prefix("*.") {
            return match Host::parse(domain)? {
                Host::Domain(domain) if !domain.contains('*') => Ok(Self::Subdomains(format!(".{domain}"))),
                _ => bail!("the host {host:?} must be *.domain"),
            };
        }
        ensure!(!host.contains('*'), "the host {host:?} may have a wildcard only as its first label");
        Ok(Self::Literal(Host::parse(host).with_context(|| format!("the host {host:?} is not valid"))?))
    }

    fn allows(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (Self::Subdomains(suffix), Host::Domain(domain)) => domain.ends_with(suffix),
            (Self::Literal(literal), host) => literal == host,
            (Self::Network(network), Host::Ipv4(address)) => network.contains(&IpAddr::V4(*address)),
            (Self::Network(network), Host::Ipv6(address)) => network.contains(&IpAddr::V6(*address)),
            (Self::Subdomains(_) | Self::Network(_) | Self::ToSelf, _) => false,
        }
    }
}

impl PortPattern {
    fn parse(port: &str, scheme: &str) -> Result<Self> {
        let number = |text: &str| text.parse().with_context(|| format!("the port {text:?} is not a number"));
        match (port, port.split_once("..")) {
            ("", _) => {
                let known = well_known_port(scheme);
                Ok(Self::One(known.with_context(|| format!("the scheme {scheme:?} has no well-known port: add one, or :*"))?))
            }
            ("*", _) => Ok(Self::Any),
            (_, Some((start, end))) => Ok(Self::Range(number(start)?..number(end)?)),
            _ => Ok(Self::One(number(port)?)),
        }
    }

    fn allows(&self, port: Option<u16>) -> bool {
        match (self, port) {
            (Self::Any, _) => true,
            (Self::Range(range), Some(port)) => range.contains(&port),
            (Self::One(one), Some(port)) => *one == port,
            (_, None) => false,
        }
    }
}

fn parse_address(address: &str, scheme: &str) -> Option<Url> {
    let with_host = Url::parse(address).ok().filter(Url::has_host);
    with_host.or_else(|| Url::parse(&format!("{scheme}://{address}")).ok())
}

fn well_known_port(scheme: &str) -> Option<u16> {
    match scheme {
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        "redis" => Some(6379),
        "mqtt" => Some(1883),
        "http" => Some(80),
        "https" => Some(443),
        _ => None,
    }
}

/// The component that a host name such as `cart.spin.internal` means, if it means one.
pub(crate) fn service_chaining_target(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name).trim();
    let (component, domain) = name.split_once('.')?;
    (domain == SERVICE_CHAINING_DOMAIN).then_some(component)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(entry: &str, address: &str) -> bool {
        AllowedHosts::parse(&[entry.to_owned()], &["cart"]).unwrap().allows(address, "postgres")
    }

    #[test]
    fn an_entry_allows_what_it_says() {
        let cases = [
            ("https://example.com", "https://example.com/a?b", true),
            ("https://example.com", "http://example.com", false),
            ("https://example.com", "https://example.com:8443", false),
            ("https://example.com:*", "https://example.com:8443", true),
            ("http://127.0.0.1:8000..8002", "http://127.0.0.1:8001", true),
            ("http://127.0.0.1:8000..8002", "http://127.0.0.1:8002", false),
            ("https://*.example.com", "https://a.b.example.com", true),
            ("https://*.example.com", "https://example.com", false),
            ("*://10.0.0.0/8:*", "http://10.1.2.3:5", true),
            ("*://10.0.0.0/8:*", "http://host.example:5", false),
            ("*://*:*", "redis://anything:1", true),
            ("postgres://*:*", "127.0.0.1:5433", true),
            ("postgres://127.0.0.1", "127.0.0.1", true),
            ("postgres://127.0.0.1:5432", "127.0.0.1:5433", false),
            ("postgres://localhost:5433", "localhost:5433", true),
            ("http://self", "http://self", false),
            ("http://cart.spin.internal", "http://cart.spin.internal/x", true),
            ("http://*.spin.internal", "http://cart.spin.internal/x", true),
            ("http://*.spin.internal", "http://stranger.spin.internal/x", false),
            ("http://[::1]:80", "http://[::1]/", true),
        ];
        for (entry, address, expected) in cases {
            assert_eq!(allows(entry, address), expected, "{entry} {address}");
        }
    }

    #[test]
    fn malformed_entries_are_refused() {
        for entry in ["*", "example.com", "https://example.com/path", "ht tp://a", "*://a", "http://a:b", "http://a*b", "http://a.*.b"] {
            assert!(AllowedHosts::parse(&[entry.to_owned()], &["cart"]).is_err(), "{entry}");
        }
        assert!(AllowedHosts::parse(&[String::new(), "https://".into()], &[]).is_ok());
    }

    #[test]
    fn the_application_itself_needs_its_own_permission() {
        let parse = |entry: &str| AllowedHosts::parse(&[entry.to_owned()], &["cart"]).unwrap().allows_self();
        assert!(parse("http://self"));
        assert!(parse("*://*:*"));
        assert!(!parse("postgres://*:*"));
        assert!(!parse("http://example.com"));
    }

    #[test]
    fn internal_hosts_name_their_component() {
        assert_eq!(service_chaining_target("cart.spin.internal"), Some("cart"));
        assert_eq!(service_chaining_target("cart.spin.internal:80"), Some("cart"));
        assert_eq!(service_chaining_target("a.b.spin.internal"), None);
        assert_eq!(service_chaining_target("spin.internal"), None);
    }
}
