//! Writes the `bindgen!` call for Spin's interfaces, with the path of the WIT files that the published `spin-sdk` crate carries.
//!
//! The files are read where cargo unpacked the crate, so that the host implements exactly the interfaces that the components were built
//! against, and no copy of them can go stale here. `bindgen!` takes its path as a literal, hence a generated file.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, error::Error, fs};

const WORLD: &str = "
    package noted:host;
    world spin {
        import spin:postgres/postgres@4.2.0;
        import spin:key-value/key-value@3.0.0;
        import spin:variables/variables@3.0.0;
        import wasi:config/store@0.2.0-draft-2024-09-27;
        import wasi:keyvalue/store@0.2.0-draft2;
        import wasi:keyvalue/atomics@0.2.0-draft2;
        import wasi:keyvalue/batch@0.2.0-draft2;
    }
";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=../Cargo.lock");
    let wit = spin_sdk_folder()?.join("wit");
    let out = PathBuf::from(env::var("OUT_DIR")?).join("bindings.rs");
    fs::write(out, bindgen_call(&wit))?;
    Ok(())
}

fn bindgen_call(wit: &Path) -> String {
    format!(
        "wasmtime::component::bindgen!({{
            path: {wit:?},
            inline: {WORLD:?},
            world: \"noted:host/spin\",
            imports: {{
                \"wasi:keyvalue\": async | trappable,
                default: async | trappable,
            }},
            with: {{
                \"spin:postgres/postgres.connection\": crate::postgres::host::Connection,
                \"spin:postgres/postgres.connection-builder\": crate::postgres::host::ConnectionBuilder,
                \"spin:key-value/key-value.store\": crate::key_value::store::Store,
                \"wasi:keyvalue/store.bucket\": crate::key_value::store::Store,
                \"wasi:keyvalue/atomics.cas\": crate::key_value::store::CompareAndSwap,
            }},
        }});",
    )
}

/// Asks cargo where the `spin-sdk` of the lock file lies. The filter keeps packages of other platforms from being downloaded for this.
fn spin_sdk_folder() -> Result<PathBuf, Box<dyn Error>> {
    let attempt = |offline: Option<&str>| {
        Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked", "--filter-platform", "wasm32-wasip2"])
            .args(offline)
            .current_dir(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
            .output()
    };
    let mut answer = attempt(Some("--offline"))?;
    if !answer.status.success() {
        answer = attempt(None)?;
    }
    if !answer.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&answer.stderr)).into());
    }
    let metadata: Value = serde_json::from_slice(&answer.stdout)?;
    let manifest = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|package| package["name"] == "spin-sdk")
        .and_then(|package| package["manifest_path"].as_str())
        .ok_or("the workspace does not depend on spin-sdk, whose WIT files are needed")?;
    Ok(Path::new(manifest).parent().ok_or("spin-sdk has no folder")?.to_owned())
}
