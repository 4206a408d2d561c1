//! Holds the architecture: what ARCHITECTURE.md states as invariants, a program checks on every run.
//!
//! Every rule is a function that returns sentences; no rule is a matter of taste.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::progress::Step;
use crate::workspace::{Workspace, read_toml};

/// Longest source file, in lines. A longer one holds more than one thing.
const FILE_LINES_MAX: usize = 500;
/// What a component may depend on besides `noted-shared`: few and known, because every crate is paid for in each `.wasm`.
const COMPONENT_DEPENDENCIES: [&str; 12] =
    ["noted-shared", "spin-sdk", "wit-bindgen", "serde", "serde_json", "sha2", "hmac", "http", "anyhow", "url", "base64", "futures"];
/// What would give `shared/src/domain` a way to the outside world.
const IO_NAMES: [&str; 8] = ["spin_sdk", "std::fs", "std::env", "std::net", "std::process", "SystemTime::now", "Instant::now", "tokio"];

/// Runs every rule and reports all violations at once.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let step = Step::start("tidy");
    let root = workspace.root();
    let sources = source_files(root);
    let mut violations = Vec::new();
    violations.extend(crates_inherit(root, &sources));
    violations.extend(folders_are_components(workspace)?);
    violations.extend(components_depend_on_shared_only(root)?);
    violations.extend(domain_does_no_io(root, &sources)?);
    violations.extend(sql_has_header_and_caller(root)?);
    violations.extend(functions_are_files(root)?);
    violations.extend(migrations_are_complete(root)?);
    violations.extend(files_are_short_and_explained(root, &sources)?);
    if !violations.is_empty() {
        drop(step);
        bail!("tidy found {} violations\n  {}", violations.len(), violations.join("\n  "));
    }
    step.done(&format!("{} files", sources.len()));
    Ok(())
}

/// Source and manifest files of the checkout, without build output and hidden folders.
fn source_files(root: &Path) -> Vec<PathBuf> {
    let hidden_or_built = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_string_lossy();
        entry.depth() > 0 && (name.starts_with('.') || name == "target" || name == "node_modules")
    };
    walkdir::WalkDir::new(root)
        .sort_by_file_name()
        .into_iter()
        .filter_entry(|entry| !hidden_or_built(entry))
        .flatten()
        .filter(|entry| entry.file_type().is_file())
        .map(walkdir::DirEntry::into_path)
        .filter(|path| matches!(path.extension().and_then(|e| e.to_str()), Some("rs" | "sql" | "toml")))
        .collect()
}

fn relative<'a>(root: &Path, path: &'a Path) -> std::path::Display<'a> {
    path.strip_prefix(root).unwrap_or(path).display()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|e| e == extension)
}

/// Every crate takes lints, version and edition from the workspace.
fn crates_inherit(root: &Path, sources: &[PathBuf]) -> Vec<String> {
    let manifests = sources.iter().filter(|path| path.ends_with("Cargo.toml") && path.parent() != Some(root));
    manifests
        .filter_map(|path| {
            let manifest = read_toml(path).ok()?;
            let inherits = |table: &str, key: &str| manifest.get(table)?.get(key)?.get("workspace")?.as_bool();
            let lints = manifest.get("lints").and_then(|lints| lints.get("workspace")).and_then(toml::Value::as_bool) == Some(true);
            let package = inherits("package", "version") == Some(true) && inherits("package", "edition") == Some(true);
            (!(lints && package)).then(|| format!("{}: inherit lints, version and edition from the workspace", relative(root, path)))
        })
        .collect()
}

/// Folder = crate = component id.
fn folders_are_components(workspace: &Workspace) -> Result<Vec<String>> {
    let components: BTreeSet<String> = workspace.components()?.into_iter().collect();
    let folders = folder_names(&workspace.root().join("functions"))?;
    let mut violations: Vec<String> = folders
        .symmetric_difference(&components)
        .map(|name| format!("functions/{name} and [component.{name}] of spin.toml must both exist"))
        .collect();
    for name in &folders {
        let manifest = read_toml(&workspace.root().join("functions").join(name).join("Cargo.toml"))?;
        let crate_name = manifest.get("package").and_then(|package| package.get("name")).and_then(toml::Value::as_str);
        if crate_name != Some(name) {
            violations.push(format!("functions/{name}: the crate must be named {name}"));
        }
    }
    Ok(violations)
}

fn folder_names(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    Ok(names)
}

/// A function never depends on a function, and versions come from the workspace.
fn components_depend_on_shared_only(root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for name in folder_names(&root.join("functions"))? {
        let manifest = read_toml(&root.join("functions").join(&name).join("Cargo.toml"))?;
        let Some(dependencies) = manifest.get("dependencies").and_then(toml::Value::as_table) else { continue };
        for (dependency, requirement) in dependencies {
            if !COMPONENT_DEPENDENCIES.contains(&dependency.as_str()) {
                violations
                    .push(format!("functions/{name}: {dependency} is not a component's dependency; shared code belongs to noted-shared"));
            }
            if requirement.get("workspace").and_then(toml::Value::as_bool) != Some(true) {
                violations.push(format!("functions/{name}: take {dependency} from the workspace"));
            }
        }
    }
    Ok(violations)
}

/// `shared/src/domain` holds values and rules: no host, no clock, no environment.
fn domain_does_no_io(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let domain = root.join("shared/src/domain");
    let mut violations = Vec::new();
    for path in sources.iter().filter(|path| path.starts_with(&domain) && has_extension(path, "rs")) {
        let text = fs::read_to_string(path)?;
        for name in IO_NAMES {
            if text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(name)) {
                violations.push(format!("{}: the domain is pure, it may not use {name}", relative(root, path)));
            }
        }
    }
    Ok(violations)
}

/// `functions/<name>/<name>.sql`, or one `<name>-<verb>.sql` for each verb: it says what it does and is called by the Rust beside it.
fn sql_has_header_and_caller(root: &Path) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for name in folder_names(&root.join("functions"))? {
        let folder = root.join("functions").join(&name);
        let rust =
            source_files(&folder).iter().filter(|path| has_extension(path, "rs")).map(fs::read_to_string).collect::<Result<String, _>>()?;
        for sql in fs::read_dir(&folder)?.flatten().map(|entry| entry.path()).filter(|path| has_extension(path, "sql")) {
            let stem = sql.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let function = format!("api.{}", stem.replace('-', "_"));
            let text = fs::read_to_string(&sql)?;
            let place = relative(root, &sql);
            if stem != name && !stem.starts_with(&format!("{name}-")) {
                violations.push(format!("{place}: name it {name}.sql or {name}-<verb>.sql, after its component"));
            }
            if !text.starts_with("-- ") {
                violations.push(format!("{place}: open with a comment that says what it does"));
            }
            if !text.contains(&format!("function {function}(")) || !rust.contains(&format!("{function}(")) {
                violations.push(format!("{place}: it must create {function}, and the Rust beside it must call it"));
            }
        }
    }
    Ok(violations)
}

/// A function stands in one file, in the folder of its schema; migrations make none but those that tables need.
fn functions_are_files(root: &Path) -> Result<Vec<String>> {
    // What defaults, constraints, triggers and policies of tables are made of.
    const OF_TABLES: [&str; 2] = ["noted.", "auth.workspace_id("];
    let mut violations = Vec::new();
    for path in source_files(&root.join("migrations")).iter().filter(|path| has_extension(path, "sql")) {
        let place = relative(root, path).to_string();
        let schema = place.strip_prefix("migrations/functions/").and_then(|rest| rest.split('/').next()).map(|schema| format!("{schema}."));
        for line in fs::read_to_string(path)?.lines() {
            let made = line.strip_prefix("create or replace function ").or_else(|| line.strip_prefix("create function "));
            let Some(made) = made else { continue };
            let fits =
                schema.as_ref().map_or_else(|| OF_TABLES.iter().any(|name| made.starts_with(name)), |schema| made.starts_with(schema));
            if !fits {
                violations.push(format!("{place}: `{made}` belongs into migrations/functions/<schema>/"));
            }
        }
    }
    Ok(violations)
}

/// Every migration goes up, down, and brings rows for the next one to run on; numbers have no gap.
fn migrations_are_complete(root: &Path) -> Result<Vec<String>> {
    let folder = root.join("migrations");
    let mut ups: Vec<String> = fs::read_dir(&folder)?
        .flatten()
        .filter_map(|entry| entry.file_name().to_string_lossy().strip_suffix(".up.sql").map(str::to_owned))
        .collect();
    ups.sort();
    let mut violations = Vec::new();
    for (index, migration) in ups.iter().enumerate() {
        if !migration.starts_with(&format!("{:04}_", index + 1)) {
            violations.push(format!("migrations/{migration}: expected number {:04}", index + 1));
        }
        for companion in [format!("{migration}.down.sql"), format!("samples/{migration}.sql")] {
            if !folder.join(&companion).exists() {
                violations.push(format!("migrations/{migration}: migrations/{companion} is missing"));
            }
        }
    }
    Ok(violations)
}

/// A file opens with what it is for, and ends before it holds two things.
fn files_are_short_and_explained(root: &Path, sources: &[PathBuf]) -> Result<Vec<String>> {
    let mut violations = Vec::new();
    for path in sources.iter().filter(|path| has_extension(path, "rs") || has_extension(path, "sql")) {
        let text = fs::read_to_string(path)?;
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            violations.push(format!("{}: {lines} lines, at most {FILE_LINES_MAX}", relative(root, path)));
        }
        let opening = if has_extension(path, "rs") { "//!" } else { "--" };
        if !text.starts_with(opening) {
            violations.push(format!("{}: open with `{opening}` and say what the file is for", relative(root, path)));
        }
    }
    Ok(violations)
}
