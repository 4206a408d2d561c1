//! One component of the application: its permissions, its values and what its instances share.

use crate::allowed_hosts::AllowedHosts;
use crate::key_value::{Stores, store::check_labels};
use crate::logs::Logs;
use crate::manifest;
use crate::outbound_http::Client;
use crate::postgres::{Pools, PoolsConfig};
use crate::variables::Values;
use anyhow::{Context, Result};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

/// Everything about a component but its code.
pub(crate) struct Component {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) key_value_labels: Vec<String>,
    pub(crate) variables: HashMap<String, String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// The folder that the guest sees as `/`, if it has files.
    pub(crate) files: Option<PathBuf>,
    pub(crate) stores: Arc<Stores>,
    pub(crate) postgres: Pools,
    pub(crate) http: Client,
    pub(crate) logs: Logs,
}

/// What all components of an application share.
pub(crate) struct Shared {
    pub(crate) values: Values,
    pub(crate) stores: Arc<Stores>,
    pub(crate) postgres: PoolsConfig,
    pub(crate) http: Client,
    /// The ids of all components.
    pub(crate) components: Vec<String>,
}

impl Shared {
    fn component_ids(&self) -> Vec<&str> {
        self.components.iter().map(String::as_str).collect()
    }
}

impl Component {
    /// Resolves a component's section of the manifest.
    pub(crate) fn new(id: &str, section: &manifest::Component, files: Option<PathBuf>, logs: Logs, shared: &Shared) -> Result<Self> {
        check_labels(id, &section.key_value_stores, &shared.stores)?;
        let hosts: Result<Vec<_>> = section.allowed_outbound_hosts.iter().map(|entry| shared.values.expand(entry)).collect();
        let allowed = hosts.and_then(|hosts| AllowedHosts::parse(&hosts, &shared.component_ids()));
        let variables = shared.values.of_component(&section.variables);
        Ok(Self {
            id: id.to_owned(),
            description: section.description.clone(),
            allowed_hosts: allowed.with_context(|| format!("component {id:?}"))?,
            key_value_labels: section.key_value_stores.clone(),
            variables: variables.with_context(|| format!("component {id:?}"))?,
            environment: section.environment.clone(),
            files,
            stores: Arc::clone(&shared.stores),
            postgres: Pools::new(shared.postgres.clone()),
            http: shared.http.clone(),
            logs,
        })
    }
}
