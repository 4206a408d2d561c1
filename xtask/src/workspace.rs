//! Where things are in a checkout: the root, the components of `spin.toml`, the folders that builds write to.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// A checkout of this repository.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The checkout this program was compiled in.
    pub(crate) fn locate() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the xtask crate lies in the checkout's root")?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Cargo in the root, as if called by hand.
    ///
    /// `cargo xtask` says of which package it runs a program. Build scripts that look at that would run again at each change from one
    /// way of calling to the other, and with them half of all crates.
    pub(crate) fn cargo(&self) -> Command {
        let mut cargo = Command::new("cargo");
        cargo.current_dir(&self.root);
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")) {
                cargo.env_remove(name);
            }
        }
        cargo
    }

    /// A program built by `cargo build --release`.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.root.join("target/release").join(name)
    }

    /// The components' own target directory: another compiler than the native one may write to it.
    pub(crate) fn component_target(&self) -> PathBuf {
        self.root.join("target/components")
    }

    /// The component ids of `spin.toml`, in its order.
    pub(crate) fn components(&self) -> Result<Vec<String>> {
        let manifest = read_toml(&self.root.join("spin.toml"))?;
        let table = manifest.get("component").and_then(toml::Value::as_table).context("spin.toml has no [component.*] table")?;
        Ok(table.keys().cloned().collect())
    }
}

/// Reads a TOML file, naming it in the error.
pub(crate) fn read_toml(path: &Path) -> Result<toml::Table> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    text.parse().with_context(|| format!("{} is not valid TOML", path.display()))
}
