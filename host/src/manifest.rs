//! `spin.toml`, manifest version 2: parsed whole, refused when it says something that this host would not do.
//!
//! Unknown fields are errors that name the field, as in Spin, so that a typing mistake cannot silently drop a permission. Fields that
//! Spin knows and this host does not provide are errors too when they are used; fields that only concern `spin build` are read and ignored.

use crate::problem::ProblemFormat;
use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;

/// A manifest whose components all exist and whose triggers all point at one of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Manifest {
    spin_manifest_version: u32,
    pub(crate) application: Application,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, Variable>,
    #[serde(default)]
    pub(crate) trigger: Triggers,
    #[serde(default)]
    pub(crate) component: BTreeMap<String, Component>,
}

/// `[application]`: the name and version are told in `/.well-known/spin/info`; Spin leaves `tool` to the tools.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Application {
    pub(crate) name: String,
    pub(crate) version: Option<String>,
    #[serde(rename = "description")]
    _description: Option<String>,
    #[serde(rename = "authors")]
    _authors: Option<toml::Value>,
    #[serde(rename = "targets")]
    _targets: Option<toml::Value>,
    #[serde(rename = "trigger")]
    _trigger: Option<toml::Value>,
    #[serde(default)]
    tool: Tools,
}

/// `[application.tool]`: other tools' settings are their own business.
#[derive(Debug, Default, Deserialize)]
struct Tools {
    #[serde(rename = "noted-host")]
    noted_host: Option<HostSettings>,
}

/// `[application.tool.noted-host]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct HostSettings {
    problem: Option<ProblemFormat>,
}

impl Application {
    /// What the host's own answers look like.
    pub(crate) fn problems(&self) -> Option<&ProblemFormat> {
        self.tool.noted_host.as_ref()?.problem.as_ref()
    }
}

/// One application variable: it has a default, or it is required.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Variable {
    pub(crate) default: Option<String>,
    #[serde(default)]
    pub(crate) required: bool,
    #[serde(default, rename = "secret")]
    _secret: bool,
    #[serde(rename = "description")]
    _description: Option<String>,
}

/// The triggers by type. Only `http` can be served here.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Triggers {
    #[serde(default)]
    pub(crate) http: Vec<HttpTrigger>,
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, toml::Value>,
}

/// One `[[trigger.http]]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HttpTrigger {
    #[serde(rename = "id")]
    _id: Option<String>,
    pub(crate) route: Route,
    pub(crate) component: Option<String>,
    pub(crate) static_response: Option<StaticResponse>,
    executor: Option<Executor>,
}

/// A pattern, or `{ private = true }` for a component that only others may call.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "a route must be a string or { private = true }")]
pub(crate) enum Route {
    /// Reachable from outside at this pattern.
    Pattern(String),
    /// Reachable through `http://<id>.spin.internal` only.
    Private(Private),
}

/// The table form of a route.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Private {
    private: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Executor {
    #[serde(rename = "type")]
    kind: String,
}

/// An answer that needs no component.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StaticResponse {
    #[serde(default = "ok")]
    pub(crate) status_code: u16,
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: Option<String>,
}

fn ok() -> u16 {
    200
}

/// One `[component.<id>]`: what it is and what it may touch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Component {
    pub(crate) source: Source,
    #[serde(default)]
    pub(crate) description: String,
    #[serde(default)]
    pub(crate) allowed_outbound_hosts: Vec<String>,
    #[serde(default)]
    pub(crate) key_value_stores: Vec<String>,
    #[serde(default)]
    pub(crate) variables: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) files: Vec<FileMount>,
    #[serde(default)]
    pub(crate) exclude_files: Vec<String>,
    #[serde(default)]
    sqlite_databases: Vec<String>,
    #[serde(default)]
    ai_models: Vec<String>,
    #[serde(default)]
    dependencies: toml::Table,
    #[serde(default, rename = "dependencies_inherit_configuration")]
    _dependencies_inherit_configuration: bool,
    #[serde(rename = "targets")]
    _targets: Option<toml::Value>,
    #[serde(rename = "build")]
    _build: Option<toml::Value>,
    #[serde(rename = "tool")]
    _tool: Option<toml::Value>,
    #[serde(rename = "profile")]
    _profile: Option<toml::Value>,
}

/// Where a component's Wasm comes from. Only files are loaded here: nothing is fetched.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Source {
    /// A path relative to the manifest.
    Path(String),
    /// A URL or a registry package.
    Remote(toml::Table),
}

/// One entry of `files`: a pattern that keeps its place, or a file or folder that is put somewhere else.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum FileMount {
    /// A glob pattern relative to the manifest; matches appear at the same path in the guest.
    Pattern(String),
    /// A file or folder and its place in the guest.
    Placement {
        /// Relative to the manifest.
        source: String,
        /// Absolute, in the guest.
        destination: String,
    },
}

impl Manifest {
    /// Reads and checks the manifest at `path`.
    pub(crate) fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("reading the manifest {}", path.display()))?;
        Self::parse(&text).with_context(|| format!("in the manifest {}", path.display()))
    }

    /// Parses and checks a manifest's text.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        ensure!(
            manifest.spin_manifest_version == 2,
            "spin_manifest_version is {}, and only 2 is understood",
            manifest.spin_manifest_version
        );
        for (name, variable) in &manifest.variables {
            variable.check(name)?;
        }
        for trigger in &manifest.trigger.http {
            manifest.check_trigger(trigger)?;
        }
        for (id, component) in &manifest.component {
            component.check(id)?;
        }
        Ok(manifest)
    }

    fn check_trigger(&self, trigger: &HttpTrigger) -> Result<()> {
        match (&trigger.component, &trigger.static_response) {
            (Some(id), None) => ensure!(self.component.contains_key(id), "a trigger names the component {id:?}, which does not exist"),
            (None, Some(_)) => {}
            _ => bail!("a trigger must have either `component` or `static_response`: {:?}", trigger.route),
        }
        if let Route::Private(Private { private: false }) = trigger.route {
            bail!("a route must be a string or {{ private = true }}");
        }
        match trigger.executor.as_ref().map(|executor| executor.kind.as_str()) {
            None | Some("http") => Ok(()),
            Some(kind) => bail!("the executor {kind:?} is not provided by this host"),
        }
    }
}

impl Variable {
    #[cfg(test)]
    pub(crate) fn new(default: Option<&str>) -> Self {
        Self { default: default.map(str::to_owned), required: default.is_none(), ..Self::default() }
    }

    fn check(&self, name: &str) -> Result<()> {
        match (self.required, &self.default) {
            (true, Some(_)) => bail!("the variable {name:?} has a default and is required: choose one"),
            (false, None) => bail!("the variable {name:?} must either be required or have a default"),
            _ => Ok(()),
        }
    }
}

impl Component {
    fn check(&self, id: &str) -> Result<()> {
        let valid = id.split('-').all(|word| {
            word.starts_with(|first: char| first.is_ascii_alphabetic()) && word.chars().all(|letter| letter.is_ascii_alphanumeric())
        });
        ensure!(valid, "the component id {id:?} is not in kebab-case");
        let unsupported = [
            ("sqlite_databases", self.sqlite_databases.is_empty()),
            ("ai_models", self.ai_models.is_empty()),
            ("dependencies", self.dependencies.is_empty()),
        ];
        for (field, unused) in unsupported {
            ensure!(unused, "component {id:?}: `{field}` is not provided by this host");
        }
        if let Source::Remote(place) = &self.source {
            let keys: Vec<_> = place.keys().map(String::as_str).collect();
            bail!("component {id:?}: `source` must be a path, not {}; this host fetches nothing", keys.join(" and "));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALID: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "shop"
        [variables]
        token = { required = true, secret = true }
        [[trigger.http]]
        route = "/v1/..."
        component = "front-door"
        [[trigger.http]]
        route = { private = true }
        component = "back"
        [[trigger.http]]
        route = "/moved"
        static_response = { status_code = 308, headers = { location = "/v1" } }
        [component.front-door]
        source = "front.wasm"
        files = ["*.txt", { source = "assets", destination = "/" }]
        [component.front-door.build]
        command = "cargo build"
        [component.back]
        source = "back.wasm"
    "#;

    #[test]
    fn a_manifest_of_version_two_is_read() {
        let manifest = Manifest::parse(VALID).unwrap();
        assert_eq!(manifest.trigger.http.len(), 3);
        assert_eq!(manifest.component["front-door"].files.len(), 2);
    }

    #[test]
    fn what_the_host_would_not_do_is_refused_by_name() {
        let cases = [
            ("source = \"back.wasm\"", "source = \"back.wasm\"\nalowed_outbound_hosts = []", "alowed_outbound_hosts"),
            ("spin_manifest_version = 2", "spin_manifest_version = 3", "3"),
            ("component = \"back\"", "component = \"bakc\"", "bakc"),
            ("required = true, ", "", "token"),
            ("required = true", "required = true, default = \"a\"", "token"),
            ("private = true", "private = false", "private = true"),
            ("source = \"back.wasm\"", "source = \"back.wasm\"\nai_models = [\"x\"]", "ai_models"),
            ("source = \"back.wasm\"", "source = { url = \"https://a\", digest = \"b\" }", "fetches nothing"),
            ("route = \"/moved\"", "route = \"/moved\"\nroutes = 1", "routes"),
            ("[component.back]", "[component.back_end]", "back"),
            ("name = \"shop\"", "name = \"shop\"\nnmae = \"x\"", "nmae"),
            ("static_response = { status_code = 308", "static_response = { status = 308", "status"),
        ];
        for (from, to, expected) in cases {
            let error = format!("{:#}", Manifest::parse(&VALID.replace(from, to)).unwrap_err());
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
