//! The host's side of `spin:postgres/postgres`: permission first, then the pool, then the statement.

use super::error::connection_failed;
use super::pool::Loan;
use super::query::{Rows, Streamed};
use super::tls::CaRoot;
use crate::allowed_hosts::AllowedHosts;
use crate::bindings::spin::postgres::postgres::{
    Column, Error, Host, HostConnection, HostConnectionBuilder, HostConnectionBuilderWithStore, HostConnectionWithStore, ParameterValue,
    Row, RowSet,
};
use crate::component::Component;
use crate::state::{Spin, State};
use std::sync::Arc;
use tokio_postgres::Config;
use tokio_postgres::config::Host as Server;
use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

/// Connections that one instance may hold open at once.
const CONNECTIONS_PER_INSTANCE: usize = 1024;

/// A guest's connection. Calls in flight share it, so that it goes back to its pool only after the last one.
#[expect(unreachable_pub, reason = "the generated module exports it again")]
pub struct Connection(Arc<Loan>);

/// A connection that is still being described.
#[expect(unreachable_pub, reason = "the generated module exports it again")]
pub struct ConnectionBuilder {
    address: String,
    ca_root: Option<CaRoot>,
}

/// Spin's checks of an address: every host must be allowed, and sockets in the file system are out.
/// `hostaddr`, which Spin forgets, is what the driver really connects to, so it is checked as well.
fn check_address(address: &str, allowed: &AllowedHosts) -> Result<(), Error> {
    let config: Config = address.parse().map_err(|error: tokio_postgres::Error| connection_failed(error.to_string()))?;
    let named = config.get_hosts().iter().map(|host| match host {
        Server::Tcp(name) => Ok(name.clone()),
        Server::Unix(_) => Err(connection_failed("Unix sockets are not supported on WebAssembly")),
    });
    let numeric = config.get_hostaddrs().iter().map(|address| Ok(address.to_string()));
    for (place, host) in named.enumerate().chain(numeric.enumerate()) {
        let ports = config.get_ports();
        let port = ports.get(place).or(if ports.len() == 1 { ports.first() } else { None });
        let url = match port {
            Some(port) => format!("{}:{port}", host?),
            None => host?,
        };
        if !allowed.allows(&url, "postgres") {
            return Err(connection_failed(format!("address postgres://{url} is not permitted")));
        }
    }
    Ok(())
}

async fn connect(component: &Component, address: &str, ca_root: Option<&CaRoot>) -> Result<Connection, Error> {
    check_address(address, &component.allowed_hosts)?;
    let loan = component.postgres.get(address, ca_root).await;
    loan.map(|loan| Connection(Arc::new(loan))).map_err(|error| connection_failed(format!("{error:#}")))
}

impl State {
    fn push_connection(&mut self, connection: Connection) -> Result<Result<Resource<Connection>, Error>> {
        if self.open_connections >= CONNECTIONS_PER_INSTANCE {
            return Ok(Err(connection_failed("too many connections")));
        }
        let resource = self.table.push(connection)?;
        self.open_connections += 1;
        Ok(Ok(resource))
    }

    fn loan(&self, connection: &Resource<Connection>) -> Result<Arc<Loan>> {
        Ok(Arc::clone(&self.table.get(connection)?.0))
    }

    fn described(&self, builder: &Resource<ConnectionBuilder>) -> Result<(String, Option<CaRoot>)> {
        let builder = self.table.get(builder)?;
        Ok((builder.address.clone(), builder.ca_root.clone()))
    }
}

async fn open_async<T>(
    accessor: &Accessor<T, Spin>,
    address: &str,
    ca_root: Option<&CaRoot>,
) -> Result<Result<Resource<Connection>, Error>> {
    let component = accessor.with(|mut access| Arc::clone(&access.get().component));
    match connect(&component, address, ca_root).await {
        Ok(connection) => accessor.with(|mut access| access.get().push_connection(connection)),
        Err(error) => Ok(Err(error)),
    }
}

impl<T> HostConnectionWithStore<T> for Spin {
    async fn open_async(accessor: &Accessor<T, Self>, address: String) -> Result<Result<Resource<Connection>, Error>> {
        open_async(accessor, &address, None).await
    }

    async fn execute_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<Result<u64, Error>> {
        let loan = accessor.with(|mut access| access.get().loan(&connection))?;
        Ok(loan.execute(&statement, params).await)
    }

    async fn query_async(
        accessor: &Accessor<T, Self>,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<Result<(Vec<Column>, StreamReader<Row>, FutureReader<Result<(), Error>>), Error>> {
        let loan = accessor.with(|mut access| access.get().loan(&connection))?;
        let Streamed { columns, rows } = match loan.query_streamed(&statement, params).await {
            Ok(streamed) => streamed,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let (stream, outcome) = match rows {
                Rows::Complete(rows, outcome) => {
                    (StreamReader::new(&mut access, rows)?, FutureReader::new(&mut access, async { wasmtime::error::Ok(outcome) })?)
                }
                Rows::Open(producer, outcome) => (StreamReader::new(&mut access, producer)?, FutureReader::new(&mut access, outcome)?),
            };
            Ok(Ok((columns, stream, outcome)))
        })
    }
}

impl<T> HostConnectionBuilderWithStore<T> for Spin {
    async fn build_async(
        accessor: &Accessor<T, Self>,
        builder: Resource<ConnectionBuilder>,
    ) -> Result<Result<Resource<Connection>, Error>> {
        let (address, ca_root) = accessor.with(|mut access| access.get().described(&builder))?;
        open_async(accessor, &address, ca_root.as_ref()).await
    }
}

impl Host for State {}

impl HostConnection for State {
    async fn open(&mut self, address: String) -> Result<Result<Resource<Connection>, Error>> {
        match connect(&Arc::clone(&self.component), &address, None).await {
            Ok(connection) => self.push_connection(connection),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn query(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<Result<RowSet, Error>> {
        Ok(self.loan(&connection)?.query(&statement, params).await)
    }

    async fn execute(
        &mut self,
        connection: Resource<Connection>,
        statement: String,
        params: Vec<ParameterValue>,
    ) -> Result<Result<u64, Error>> {
        Ok(self.loan(&connection)?.execute(&statement, params).await)
    }

    async fn drop(&mut self, connection: Resource<Connection>) -> Result<()> {
        self.table.delete(connection)?;
        self.open_connections = self.open_connections.saturating_sub(1);
        Ok(())
    }
}

impl HostConnectionBuilder for State {
    async fn new(&mut self, address: String) -> Result<Resource<ConnectionBuilder>> {
        Ok(self.table.push(ConnectionBuilder { address, ca_root: None })?)
    }

    async fn set_ca_root(&mut self, builder: Resource<ConnectionBuilder>, certificate: String) -> Result<Result<(), Error>> {
        Ok(match CaRoot::from_pem(&certificate) {
            Ok(root) => {
                self.table.get_mut(&builder)?.ca_root = Some(root);
                Ok(())
            }
            Err(error) => Err(Error::Other(format!("invalid root certificate: {error}"))),
        })
    }

    async fn build(&mut self, builder: Resource<ConnectionBuilder>) -> Result<Result<Resource<Connection>, Error>> {
        let (address, ca_root) = self.described(&builder)?;
        match connect(&Arc::clone(&self.component), &address, ca_root.as_ref()).await {
            Ok(connection) => self.push_connection(connection),
            Err(error) => Ok(Err(error)),
        }
    }

    async fn drop(&mut self, builder: Resource<ConnectionBuilder>) -> Result<()> {
        self.table.delete(builder)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_dsn_must_be_allowed() {
        let allowed = AllowedHosts::parse(&["postgres://127.0.0.1:5433".into(), "postgres://db.example".into()], &[]).unwrap();
        let cases = [
            ("host=127.0.0.1 port=5433", true),
            ("postgres://u:p@127.0.0.1:5433/d?sslmode=disable", true),
            ("host=127.0.0.1,db.example port=5433,5432", true),
            ("host=127.0.0.1", false),
            ("host=127.0.0.1,other.example port=5433,5432", false),
            ("host=db.example hostaddr=10.0.0.1", false),
            ("host=/run/postgresql", false),
            ("sslmode=verify-full host=db.example", false),
        ];
        for (address, expected) in cases {
            assert_eq!(check_address(address, &allowed).is_ok(), expected, "{address}");
        }
    }
}
