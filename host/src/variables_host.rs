//! The host's side of `spin:variables@3.0.0` and `wasi:config/store`: reads of what was resolved at startup.

use crate::bindings::spin::variables::variables::{Error, Host, HostWithStore};
use crate::bindings::wasi::config::store as config;
use crate::state::{Spin, State};
use crate::variables::{LookupError, lookup};
use wasmtime::Result;
use wasmtime::component::Accessor;

impl State {
    fn variable(&self, name: &str) -> Result<String, LookupError> {
        lookup(&self.component.variables, &self.component.id, name).map(str::to_owned)
    }
}

impl<T> HostWithStore<T> for Spin {
    async fn get(accessor: &Accessor<T, Self>, name: String) -> Result<Result<String, Error>> {
        let value = accessor.with(|mut access| access.get().variable(&name));
        Ok(value.map_err(|error| match error {
            LookupError::InvalidName(text) => Error::InvalidName(text),
            LookupError::Undefined(text) => Error::Undefined(text),
        }))
    }
}

impl Host for State {}

impl config::Host for State {
    /// An undefined and an invalid name are both a key without a value here.
    async fn get(&mut self, key: String) -> Result<Result<Option<String>, config::Error>> {
        Ok(Ok(self.variable(&key).ok()))
    }

    async fn get_all(&mut self) -> Result<Result<Vec<(String, String)>, config::Error>> {
        let all = self.component.variables.iter();
        Ok(Ok(all.map(|(name, value)| (name.clone(), value.clone())).collect()))
    }
}
