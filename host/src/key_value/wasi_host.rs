//! The host's side of `wasi:keyvalue@0.2.0-draft2`: buckets, atomic operations and batches on the same stores.
//!
//! These calls are synchronous to the guest, so a whole instance waits for each of them, as on Spin.

use super::spin_host::other;
use super::store::{CompareAndSwap, Store};
use crate::bindings::spin::key_value::key_value::Error as SpinError;
use crate::bindings::wasi::keyvalue::store::{Error, KeyResponse};
use crate::bindings::wasi::keyvalue::{atomics, batch, store};
use crate::state::State;
use atomics::CasError;
use wasmtime::Result;
use wasmtime::component::Resource;

impl From<SpinError> for Error {
    fn from(error: SpinError) -> Self {
        match error {
            SpinError::NoSuchStore => Self::NoSuchStore,
            SpinError::AccessDenied => Self::AccessDenied,
            SpinError::StoreTableFull => Self::Other("store table full".into()),
            SpinError::Other(text) => Self::Other(text),
        }
    }
}

fn failed(error: anyhow::Error) -> Error {
    other(&error).into()
}

impl State {
    fn bucket(&self, bucket: &Resource<Store>) -> Result<Store> {
        Ok(self.table.get(bucket)?.clone())
    }
}

impl store::Host for State {
    async fn open(&mut self, identifier: String) -> Result<Result<Resource<Store>, Error>> {
        let store = match self.permitted_store(&identifier) {
            Ok(store) => store,
            Err(error) => return Ok(Err(error.into())),
        };
        if let Err(error) = store.open().await {
            return Ok(Err(failed(error)));
        }
        Ok(self.table.push(store).map_err(|_| SpinError::StoreTableFull.into()))
    }
}

impl store::HostBucket for State {
    async fn get(&mut self, bucket: Resource<Store>, key: String) -> Result<Result<Option<Vec<u8>>, Error>> {
        Ok(self.bucket(&bucket)?.get(key).await.map_err(failed))
    }

    async fn set(&mut self, bucket: Resource<Store>, key: String, value: Vec<u8>) -> Result<Result<(), Error>> {
        Ok(self.bucket(&bucket)?.set(key, value).await.map_err(failed))
    }

    async fn delete(&mut self, bucket: Resource<Store>, key: String) -> Result<Result<(), Error>> {
        Ok(self.bucket(&bucket)?.delete(key).await.map_err(failed))
    }

    async fn exists(&mut self, bucket: Resource<Store>, key: String) -> Result<Result<bool, Error>> {
        Ok(self.bucket(&bucket)?.exists(key).await.map_err(failed))
    }

    async fn list_keys(&mut self, bucket: Resource<Store>, cursor: Option<String>) -> Result<Result<KeyResponse, Error>> {
        if cursor.is_some() {
            return Ok(Err(Error::Other("list_keys: cursor not supported".into())));
        }
        let keys = self.bucket(&bucket)?.keys().await;
        Ok(keys.map(|keys| KeyResponse { keys, cursor: None }).map_err(failed))
    }

    async fn drop(&mut self, bucket: Resource<Store>) -> Result<()> {
        self.table.delete(bucket)?;
        Ok(())
    }
}

impl batch::Host for State {
    async fn get_many(&mut self, bucket: Resource<Store>, keys: Vec<String>) -> Result<Result<Vec<(String, Option<Vec<u8>>)>, Error>> {
        Ok(self.bucket(&bucket)?.get_many(keys).await.map_err(failed))
    }

    async fn set_many(&mut self, bucket: Resource<Store>, pairs: Vec<(String, Vec<u8>)>) -> Result<Result<(), Error>> {
        Ok(self.bucket(&bucket)?.set_many(pairs).await.map_err(failed))
    }

    async fn delete_many(&mut self, bucket: Resource<Store>, keys: Vec<String>) -> Result<Result<(), Error>> {
        Ok(self.bucket(&bucket)?.delete_many(keys).await.map_err(failed))
    }
}

impl atomics::HostCas for State {
    async fn new(&mut self, bucket: Resource<Store>, key: String) -> Result<Result<Resource<CompareAndSwap>, Error>> {
        let comparison = self.bucket(&bucket)?.compare_and_swap(key);
        Ok(self.table.push(comparison).map_err(|_| Error::Other("too many compare_and_swaps opened".into())))
    }

    async fn current(&mut self, comparison: Resource<CompareAndSwap>) -> Result<Result<Option<Vec<u8>>, Error>> {
        Ok(self.table.get(&comparison)?.current().await.map_err(failed))
    }

    async fn drop(&mut self, comparison: Resource<CompareAndSwap>) -> Result<()> {
        self.table.delete(comparison)?;
        Ok(())
    }
}

impl atomics::Host for State {
    async fn increment(&mut self, bucket: Resource<Store>, key: String, delta: i64) -> Result<Result<i64, Error>> {
        Ok(self.bucket(&bucket)?.increment(key, delta).await.map_err(failed))
    }

    /// A lost comparison is given back fresh, so that the guest can read and try again.
    async fn swap(&mut self, comparison: Resource<CompareAndSwap>, value: Vec<u8>) -> Result<Result<(), CasError>> {
        let comparison = self.table.delete(comparison)?;
        Ok(match comparison.swap(value).await {
            Ok(true) => Ok(()),
            Ok(false) => match comparison.again().await {
                Ok(again) => Err(CasError::CasFailed(self.table.push(again)?)),
                Err(error) => Err(CasError::StoreError(failed(error))),
            },
            Err(error) => Err(CasError::StoreError(failed(error))),
        })
    }
}
