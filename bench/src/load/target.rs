//! Where a load may go: to this machine, and nowhere else.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result, ensure};
use url::Url;

/// A server on this machine.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// As the `Host` header has it.
    pub(crate) authority: String,
}

impl Target {
    /// The server at this address, which must lie on the loopback interface: a load on somebody else's machine is an attack.
    pub(crate) fn new(url: &Url) -> Result<Self> {
        ensure!(url.scheme() == "http", "{url}: only http:// is measured");
        let host = url.host_str().context("the server's address has no host")?;
        let port = url.port_or_known_default().context("the server's address has no port")?;
        let addresses: Vec<SocketAddr> = (host.trim_matches(['[', ']']), port).to_socket_addrs()?.collect();
        ensure!(addresses.iter().all(|address| address.ip().is_loopback()), "{url} is not on this machine; a load may only go to loopback");
        let address = *addresses.first().with_context(|| format!("{url} has no address"))?;
        Ok(Self { address, authority: format!("{host}:{port}") })
    }
}

#[cfg(test)]
mod tests {
    use super::Target;

    #[test]
    fn only_this_machine_is_a_target() {
        for (url, accepted) in [
            ("http://127.0.0.1:3000/", true),
            ("http://127.9.9.9:3000/", true),
            ("http://[::1]:3000/", true),
            ("http://localhost:3000/", true),
            ("https://127.0.0.1:3000/", false),
            ("http://192.0.2.1:3000/", false),
            ("http://0.0.0.0:3000/", false),
            ("http://[2001:db8::1]/", false),
        ] {
            assert_eq!(Target::new(&url.parse().unwrap()).is_ok(), accepted, "{url}");
        }
    }
}
