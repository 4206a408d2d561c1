//! A compiler that can build components: rustup's target where its server answers, otherwise one unpacked from Debian's packages.
//!
//! The second way needs neither root nor an installed package: it downloads `rustc` and the `wasm32-wasip2` standard library with a
//! private package list, unpacks them into the user's cache and starts that compiler through its own dynamic loader. Names and versions
//! come from the package index, the mirror from the machine's own configuration; nothing of either is written into the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::progress::Step;

const WASM_TARGET: &str = "wasm32-wasip2";
/// rustup gives up on an unreachable server only after several minutes of retries; two are enough for a download of 25 MB.
const RUSTUP_PATIENCE: Duration = Duration::from_secs(120);
/// Debian's release whose compiler has the target; older ones lack it.
const DEBIAN_SUITE: &str = "testing";

/// How cargo has to be called so that `--target wasm32-wasip2` works.
pub(crate) enum WasmToolchain {
    /// The compiler on PATH has the target.
    OnPath,
    /// The compiler unpacked from Debian's packages into this folder.
    Debian(PathBuf),
}

impl WasmToolchain {
    /// Finds a toolchain or installs one, in the order: already there, rustup, Debian.
    pub(crate) fn ensure() -> Result<Self> {
        if target_is_installed("rustc".as_ref()) {
            return Ok(Self::OnPath);
        }
        let folder = cache_folder()?.join("wasm-toolchain");
        if target_is_installed(&folder.join("rustc")) {
            return Ok(Self::Debian(folder));
        }
        let from_rustup = add_with_rustup();
        if from_rustup.is_ok() && target_is_installed("rustc".as_ref()) {
            return Ok(Self::OnPath);
        }
        let rustup_cause =
            from_rustup.err().map_or_else(|| "it reported success but the target is missing".to_owned(), |e| format!("{e:#}"));
        unpack_from_debian(&folder).with_context(|| {
            format!(
                "no compiler for {WASM_TARGET}.\n  rustup: {rustup_cause}\n  Debian packages: see below.\n  \
                 Install the target yourself (`rustup target add {WASM_TARGET}`) and run this again"
            )
        })?;
        Ok(Self::Debian(folder))
    }

    /// Sets the environment of a cargo call.
    pub(crate) fn apply(&self, cargo: &mut Command) {
        let Self::Debian(folder) = self else { return };
        // The unpacked compiler has no linker for components; the native toolchain ships one.
        let linkers = native_linkers();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = linkers.iter().cloned().chain(std::env::split_paths(&path));
        cargo.env("RUSTC", folder.join("rustc"));
        if let Some(linkers) = &linkers {
            cargo.env("CARGO_TARGET_WASM32_WASIP2_LINKER", linkers.join("wasm-component-ld"));
        }
        if let Ok(joined) = std::env::join_paths(paths) {
            cargo.env("PATH", joined);
        }
    }
}

/// True when `rustc` runs and has the target's standard library.
fn target_is_installed(rustc: &Path) -> bool {
    let Ok(output) = Command::new(rustc).args(["--print", "target-libdir", "--target", WASM_TARGET]).output() else { return false };
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

#[expect(clippy::disallowed_methods, reason = "the standard library cannot wait for a process with a time limit")]
fn add_with_rustup() -> Result<()> {
    let step = Step::start(format!("rustup target add {WASM_TARGET}"));
    let mut rustup = Command::new("rustup")
        .args(["target", "add", WASM_TARGET])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("rustup is not installed")?;
    let deadline = Instant::now() + RUSTUP_PATIENCE;
    let status = loop {
        match rustup.try_wait()? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                rustup.kill()?;
                rustup.wait()?;
                bail!("its server did not answer within {} s", RUSTUP_PATIENCE.as_secs());
            }
            None => std::thread::sleep(Duration::from_millis(100)),
        }
    };
    if !status.success() {
        let output = rustup.wait_with_output()?;
        let message = String::from_utf8_lossy(&output.stderr);
        bail!("{}", message.lines().rfind(|line| line.contains("error") || line.contains("Caused")).unwrap_or("it failed").trim());
    }
    step.done("installed");
    Ok(())
}

/// A private view of Debian's packages: own source list, own state, no root.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    fn new(folder: PathBuf) -> Result<Self> {
        std::fs::create_dir_all(folder.join("lists/partial"))?;
        std::fs::create_dir_all(folder.join("cache/archives/partial"))?;
        std::fs::write(folder.join("sources.list"), source_line()?)?;
        Ok(Self { folder })
    }

    fn run(&self, program: &str, arguments: &[&str], directory: &Path) -> Result<String> {
        let path = |name: &str| self.folder.join(name).display().to_string();
        let mut command = Command::new(program);
        command
            .arg("-q")
            .arg(format!("-oDir::Etc::sourcelist={}", path("sources.list")))
            .arg("-oDir::Etc::sourceparts=-")
            .arg(format!("-oDir::State::Lists={}", path("lists")))
            .arg(format!("-oDir::Cache={}", path("cache")))
            .arg("-oAPT::Sandbox::User=root")
            .args(arguments)
            .current_dir(directory);
        output_of(command)
    }

    /// The first dependency of `package` whose name starts with `prefix`, as the index has it today.
    fn dependency(&self, package: &str, prefix: &str) -> Result<Option<String>> {
        let text = self.run("apt-cache", &["show", package], &self.folder)?;
        Ok(find_dependency(&text, prefix))
    }

    fn required(&self, package: &str, prefix: &str) -> Result<String> {
        self.dependency(package, prefix)?.with_context(|| format!("Debian's {package} names no {prefix}*"))
    }
}

/// The first name in a `Depends:` line of `text` that starts with `prefix` and goes on with a version.
fn find_dependency(text: &str, prefix: &str) -> Option<String> {
    let depends = text.lines().find_map(|line| line.strip_prefix("Depends: "))?;
    depends
        .split([',', '|'])
        .filter_map(|item| item.split_whitespace().next())
        .find(|name| {
            name.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit() || c == '-') || rest.is_empty())
        })
        .map(str::to_owned)
}

fn source_line() -> Result<String> {
    let mut targets = Command::new("apt-get");
    targets.args(["indextargets", "--format", "$(REPO_URI)"]);
    let repositories = output_of(targets).context("apt-get is not usable here")?;
    let mirror = repositories
        .lines()
        .find(|line| line.trim_end_matches('/').ends_with("/debian"))
        .context("the machine's package configuration names no Debian mirror")?;
    let keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
    Ok(format!("deb [signed-by={keyring}] {mirror} {DEBIAN_SUITE} main\n"))
}

fn unpack_from_debian(folder: &Path) -> Result<()> {
    let step = Step::of(format!("{WASM_TARGET} compiler from Debian's packages"), 4);
    // Built beside its final place and renamed, so that an interrupted run leaves nothing that looks complete.
    let staging = folder.with_extension("partial");
    if staging.exists() {
        std::fs::remove_dir_all(&staging)?;
    }
    let debs = staging.join("debs");
    std::fs::create_dir_all(&debs)?;
    let apt = Apt::new(staging.join("apt"))?;
    apt.run("apt-get", &["update"], &staging).context("the package index cannot be fetched")?;
    step.advance("package index");

    let packages = needed_packages(&apt)?;
    let mut arguments = vec!["download"];
    arguments.extend(packages.iter().map(String::as_str));
    apt.run("apt-get", &arguments, &debs).context("the packages cannot be downloaded")?;
    step.advance("packages");

    for entry in std::fs::read_dir(&debs)? {
        let mut dpkg = Command::new("dpkg");
        dpkg.arg("-x").arg(entry?.path()).arg(staging.join("root"));
        output_of(dpkg)?;
    }
    std::fs::remove_dir_all(&debs)?;
    step.advance("unpacked");

    write_wrapper(&staging, folder)?;
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::rename(&staging, folder)?;
    if !target_is_installed(&folder.join("rustc")) {
        bail!("the unpacked compiler in {} does not run", folder.display());
    }
    step.advance("checked");
    step.done("unpacked into the user's cache");
    Ok(())
}

fn needed_packages(apt: &Apt) -> Result<Vec<String>> {
    let std = apt.required("libstd-rust-dev", "libstd-rust-")?;
    let llvm = apt.required(&std, "libllvm")?;
    let xml = apt.dependency(&llvm, "libxml2")?;
    let fixed = ["rustc", "libstd-rust-dev", "libstd-rust-dev-wasm32", "libc6", "libgcc-s1", "libstdc++6", "zlib1g", "libzstd1"];
    let of_llvm = ["libedit2", "libffi8", "libtinfo6", "libbsd0", "libmd0"];
    Ok(fixed.into_iter().chain(of_llvm).map(str::to_owned).chain([std, llvm]).chain(xml).collect())
}

/// The wrapper starts the unpacked compiler with the unpacked libraries, whatever the machine's own C library is.
fn write_wrapper(staging: &Path, folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let libraries = format!("root/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let loader = std::fs::read_dir(staging.join(&libraries))?
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .find(|name| name.starts_with("ld-linux"))
        .context("the unpacked C library has no dynamic loader")?;
    let folder = folder.display();
    let script = format!(
        "#!/bin/sh\nexec '{folder}/{libraries}/{loader}' --library-path '{folder}/{libraries}' '{folder}/root/usr/bin/rustc' --sysroot '{folder}/root/usr' \"$@\"\n"
    );
    let wrapper = staging.join("rustc");
    std::fs::write(&wrapper, script)?;
    std::fs::set_permissions(&wrapper, std::fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// The folder of the native toolchain that holds `wasm-component-ld` and `rust-lld`.
fn native_linkers() -> Option<PathBuf> {
    let mut print = Command::new("rustc");
    print.args(["--print", "target-libdir"]);
    let libraries = PathBuf::from(output_of(print).ok()?.trim());
    Some(libraries.parent()?.join("bin"))
}

fn cache_folder() -> Result<PathBuf> {
    let base = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")));
    Ok(base.context("neither XDG_CACHE_HOME nor HOME is set")?.join("noted"))
}

fn output_of(mut command: Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("cannot run {name}"))?;
    if !output.status.success() {
        bail!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::find_dependency;

    #[test]
    fn versions_come_from_the_package_index() {
        let text = "Package: libstd-rust-dev\nDepends: libstd-rust-1.97 (= 1.97.1), libc6 (>= 2.17), libllvm21 (>= 1:21) | libllvm20\n";
        let check = |prefix: &str, expected: Option<&str>| assert_eq!(find_dependency(text, prefix).as_deref(), expected);
        check("libstd-rust-", Some("libstd-rust-1.97"));
        check("libllvm", Some("libllvm21"));
        check("libxml2", None);
    }
}
