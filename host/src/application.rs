//! From a manifest and options to an application that can be served.

use crate::component::{Component, Shared};
use crate::engine::{EngineOptions, Platform};
use crate::files;
use crate::handler::{Handler, InstanceLimits};
use crate::key_value::Stores;
use crate::logs::Logs;
use crate::manifest::{self, Manifest, Route, Source};
use crate::memory::Budget;
use crate::options::Options;
use crate::outbound_http::Client;
use crate::postgres::PoolsConfig;
use crate::routes::Routes;
use crate::runtime_config::RuntimeConfig;
use crate::server::{Application, Target};
use crate::variables::{self, Values};
use anyhow::{Context, Result, anyhow};
use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use tempfile::TempDir;

const DEFAULT_MEMORY_BYTES: usize = 128 * 1024 * 1024;

/// A loaded application. The folder with the components' files is deleted with it.
pub(crate) struct Loaded {
    pub(crate) application: Arc<Application>,
    _files: TempDir,
}

/// Folders that the options, the operator's file and the defaults agree on.
struct Folders {
    manifest: PathBuf,
    /// `None` keeps state in memory.
    state: Option<PathBuf>,
    /// `None` writes no log files.
    logs: Option<PathBuf>,
}

/// What every component is loaded with.
struct Loader {
    manifest: Manifest,
    folders: Folders,
    shared: Shared,
    platform: Platform,
    limits: InstanceLimits,
    echo: bool,
    files: TempDir,
}

/// Loads everything that `options` name. Any error here stops the host before it serves.
pub(crate) fn load(options: &Options) -> Result<Loaded> {
    let manifest = Manifest::load(&options.manifest)?;
    let config = RuntimeConfig::load(options.runtime_config_file.as_deref())?;
    let folders = Folders::resolve(options, &config)?;
    let memory_bytes_max = options.max_instance_memory.or(config.max_instance_memory).unwrap_or(DEFAULT_MEMORY_BYTES);
    let loader = Loader {
        shared: shared(options, &manifest, &config, &folders)?,
        platform: Platform::new(&EngineOptions {
            cache_dir: options.cache_dir.clone(),
            pooling: !options.disable_pooling,
            memory_bytes_max,
        })?,
        limits: InstanceLimits {
            reuse_count: options.max_instance_reuse_count,
            concurrent_count: options.max_instance_concurrent_reuse_count,
            request_timeout: options.request_timeout,
            idle_timeout: options.idle_instance_timeout,
            memory_bytes_max,
            budget: Budget::new(options.max_total_instance_memory),
        },
        echo: !options.quiet,
        files: tempfile::tempdir().context("making a folder for the components' files")?,
        manifest,
        folders,
    };
    let handlers = loader.handlers()?;
    let routes = loader.routes(&handlers)?;
    let application = Application::new(routes, handlers, loader.info(), loader.manifest.application.problems().cloned());
    Ok(Loaded { application, _files: loader.files })
}

fn shared(options: &Options, manifest: &Manifest, config: &RuntimeConfig, folders: &Folders) -> Result<Shared> {
    let given = variables::from_command_line(&options.variables, manifest)?;
    let values = Values::resolve(&manifest.variables, &given, variables::environment())?;
    let default = folders.state.as_ref().map(|folder| folder.join("sqlite_key_value.db"));
    let mut stores = BTreeMap::from([("default".to_owned(), default)]);
    stores.extend(config.key_value_store.iter().map(|(label, store)| (label.clone(), store.path.clone())));
    Ok(Shared {
        values,
        stores: Arc::new(Stores::new(stores)),
        postgres: PoolsConfig::new(config.outbound_pg.max_connections),
        http: Client::new(config.outbound_http.as_ref().unwrap_or(&Default::default()))?,
        components: manifest.component.keys().cloned().collect(),
    })
}

impl Folders {
    fn resolve(options: &Options, config: &RuntimeConfig) -> Result<Self> {
        let manifest = fs::canonicalize(&options.manifest)?;
        let manifest = manifest.parent().context("the manifest has no folder")?.to_owned();
        let unless_empty = |path: PathBuf| (!path.as_os_str().is_empty()).then_some(path);
        let state = options.state_dir.clone().or_else(|| config.state_dir.clone());
        let logs = options.log_dir.clone().or_else(|| config.log_dir.clone());
        Ok(Self {
            state: unless_empty(state.unwrap_or_else(|| manifest.join(".spin"))),
            logs: unless_empty(logs.unwrap_or_else(|| manifest.join(".spin/logs"))),
            manifest,
        })
    }
}

impl Loader {
    /// Every component that has a trigger, loaded at the same time: compiling one leaves most cores waiting.
    fn handlers(&self) -> Result<HashMap<String, Arc<Handler>>> {
        if let Some(folder) = &self.folders.logs {
            fs::create_dir_all(folder).with_context(|| format!("creating the log folder {}", folder.display()))?;
        }
        let triggered = |id: &&String| self.manifest.trigger.http.iter().any(|trigger| trigger.component.as_ref() == Some(*id));
        let wanted = self.manifest.component.iter().filter(|(id, _)| triggered(id));
        thread::scope(|scope| {
            let loading: Vec<_> = wanted.map(|(id, section)| (id, scope.spawn(move || self.handler(id, section)))).collect();
            let finish = |(id, thread): (&String, thread::ScopedJoinHandle<'_, Result<Handler>>)| {
                let handler = thread.join().map_err(|_| anyhow!("loading the component {id:?} panicked"))?;
                Ok((id.clone(), Arc::new(handler?)))
            };
            loading.into_iter().map(finish).collect()
        })
    }

    fn handler(&self, id: &str, section: &manifest::Component) -> Result<Handler> {
        let Source::Path(source) = &section.source else {
            return Err(anyhow!("component {id:?}: `source` is not a path"));
        };
        let files = self.stage_files(id, section).with_context(|| format!("component {id:?}: its files"))?;
        let logs = Logs::open(self.folders.logs.as_deref(), id, self.echo)?;
        let component = Component::new(id, section, files, logs, &self.shared)?;
        let code = self.platform.load(&self.folders.manifest.join(source)).with_context(|| format!("component {id:?}"))?;
        Handler::new(code, Arc::new(component), self.limits.clone())
    }

    fn stage_files(&self, id: &str, section: &manifest::Component) -> Result<Option<PathBuf>> {
        if section.files.is_empty() {
            return Ok(None);
        }
        let target = self.files.path().join(id);
        fs::create_dir_all(&target)?;
        files::stage(&section.files, &section.exclude_files, &self.folders.manifest, &target)?;
        Ok(Some(target))
    }

    fn routes(&self, handlers: &HashMap<String, Arc<Handler>>) -> Result<Routes<Target>> {
        for kind in self.manifest.trigger.others.keys() {
            tracing::warn!("[[trigger.{kind}]] is not served by this host");
        }
        let mut patterns = Vec::new();
        for trigger in &self.manifest.trigger.http {
            let Route::Pattern(pattern) = &trigger.route else {
                continue;
            };
            let component = trigger.component.as_ref().and_then(|id| handlers.get(id)).cloned();
            let answer = trigger.static_response.clone().map(Target::Static);
            let target = component.map(Target::Component).or(answer).context("a trigger leads nowhere")?;
            patterns.push((pattern.clone(), target));
        }
        Routes::build(patterns)
    }

    /// What Spin tells about an application: its name and version.
    fn info(&self) -> String {
        let application = &self.manifest.application;
        let mut info = serde_json::json!({ "name": application.name });
        if let Some(version) = &application.version {
            info["version"] = version.as_str().into();
        }
        format!("{info:#}")
    }
}
