//! The host's side of `spin:key-value@3.0.0`.

use super::store::Store;
use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::state::{HOST_BUFFER_BYTES_MAX, Spin, State};
use wasmtime::Result;
use wasmtime::component::{Accessor, FutureReader, Resource, StreamReader};

impl State {
    /// The store of a label that the component lists in its manifest.
    pub(super) fn permitted_store(&self, label: &str) -> Result<Store, Error> {
        if !self.component.key_value_labels.iter().any(|allowed| allowed == label) {
            return Err(Error::AccessDenied);
        }
        self.component.stores.get(label).ok_or(Error::NoSuchStore)
    }
}

/// An operation that failed in SQLite, with the whole chain of causes.
pub(super) fn other(error: &anyhow::Error) -> Error {
    Error::Other(format!("{error:#}"))
}

fn store_of<T>(accessor: &Accessor<T, Spin>, store: &Resource<Store>) -> Result<Store> {
    accessor.with(|mut access| Ok(access.get().table.get(store)?.clone()))
}

impl<T> HostStoreWithStore<T> for Spin {
    async fn open(accessor: &Accessor<T, Self>, label: String) -> Result<Result<Resource<Store>, Error>> {
        let store = match accessor.with(|mut access| access.get().permitted_store(&label)) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error)),
        };
        if let Err(error) = store.open().await {
            return Ok(Err(other(&error)));
        }
        let pushed = accessor.with(|mut access| access.get().table.push(store));
        Ok(pushed.map_err(|_| Error::StoreTableFull))
    }

    async fn get(accessor: &Accessor<T, Self>, store: Resource<Store>, key: String) -> Result<Result<Option<Vec<u8>>, Error>> {
        let value = store_of(accessor, &store)?.get(key).await;
        Ok(match value {
            Ok(Some(value)) if value.len() > HOST_BUFFER_BYTES_MAX => {
                Err(Error::Other(format!("query result exceeds limit of {HOST_BUFFER_BYTES_MAX} bytes")))
            }
            value => value.map_err(|error| other(&error)),
        })
    }

    async fn set(accessor: &Accessor<T, Self>, store: Resource<Store>, key: String, value: Vec<u8>) -> Result<Result<(), Error>> {
        Ok(store_of(accessor, &store)?.set(key, value).await.map_err(|error| other(&error)))
    }

    async fn delete(accessor: &Accessor<T, Self>, store: Resource<Store>, key: String) -> Result<Result<(), Error>> {
        Ok(store_of(accessor, &store)?.delete(key).await.map_err(|error| other(&error)))
    }

    async fn exists(accessor: &Accessor<T, Self>, store: Resource<Store>, key: String) -> Result<Result<bool, Error>> {
        Ok(store_of(accessor, &store)?.exists(key).await.map_err(|error| other(&error)))
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        store: Resource<Store>,
    ) -> Result<(StreamReader<String>, FutureReader<Result<(), Error>>)> {
        let (keys, outcome) = match store_of(accessor, &store)?.keys().await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(other(&error))),
        };
        accessor.with(|mut access| {
            let stream = StreamReader::new(&mut access, keys)?;
            let outcome = FutureReader::new(&mut access, async { wasmtime::error::Ok(outcome) })?;
            Ok((stream, outcome))
        })
    }
}

impl Host for State {}

impl HostStore for State {
    async fn drop(&mut self, store: Resource<Store>) -> Result<()> {
        self.table.delete(store)?;
        Ok(())
    }
}
