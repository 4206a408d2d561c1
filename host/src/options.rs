//! The command line.

use crate::connections::ConnectionLimits;
use crate::handler::Drawn;
use clap::{Parser, ValueEnum};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Serves the HTTP components of a Spin manifest.
///
/// For local runs, tests and small self-hosting. The flags that Spin has are named as in `spin up`.
#[derive(Debug, Parser)]
#[command(name = "noted-host", version)]
pub(crate) struct Options {
    /// The manifest.
    #[arg(short = 'f', long = "from", visible_alias = "file", default_value = "spin.toml", value_name = "FILE")]
    pub(crate) manifest: PathBuf,
    /// Where to listen. Port 0 takes a free one; `--format json` tells which.
    #[arg(long, default_value = "127.0.0.1:3000", env = "SPIN_HTTP_LISTEN_ADDR", value_name = "ADDRESS")]
    pub(crate) listen: SocketAddr,
    /// Sets an application variable: `name=value`, `name=@file`, or `@file.json` or `@file.toml` for several.
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub(crate) variables: Vec<String>,
    /// The operator's settings, a `runtime-config.toml`.
    #[arg(long, env = "RUNTIME_CONFIG_FILE", value_name = "FILE")]
    pub(crate) runtime_config_file: Option<PathBuf>,
    /// Where key-value stores are kept; `.spin` beside the manifest by default. Empty keeps them in memory.
    #[arg(long, value_parser = parse_folder, value_name = "FOLDER")]
    pub(crate) state_dir: Option<PathBuf>,
    /// Where the components' output is logged; `.spin/logs` beside the manifest by default. Empty turns the files off.
    #[arg(long, value_parser = parse_folder, value_name = "FOLDER")]
    pub(crate) log_dir: Option<PathBuf>,
    /// Where compiled components are kept; the user's cache folder by default.
    #[arg(long, value_name = "FOLDER")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Requests that one instance serves in its life: a number, or `a..b` to draw one for each instance.
    #[arg(long, default_value = "128", value_parser = parse_count, value_name = "COUNT")]
    pub(crate) max_instance_reuse_count: Drawn<usize>,
    /// Requests that one instance serves at once: a number, or `a..b`.
    #[arg(long, default_value = "16", value_parser = parse_count, value_name = "COUNT")]
    pub(crate) max_instance_concurrent_reuse_count: Drawn<usize>,
    /// How long a request may wait for its answer to begin before it is told to try again, such as `30s`.
    #[arg(long, default_value = "60s", value_parser = parse_duration, value_name = "DURATION")]
    pub(crate) request_timeout: Drawn<Duration>,
    /// How long an instance without requests is kept, such as `1s` or `1s..5s`.
    #[arg(long, default_value = "1s", value_parser = parse_duration, value_name = "DURATION")]
    pub(crate) idle_instance_timeout: Drawn<Duration>,
    /// The memory of one instance, in bytes; 128 MiB by default.
    #[arg(long, env = "SPIN_MAX_INSTANCE_MEMORY", value_name = "BYTES")]
    pub(crate) max_instance_memory: Option<usize>,
    /// The memory of all instances together, in bytes; 2 GiB by default. Requests are refused when it is nearly used up.
    #[arg(long, default_value_t = 2 * 1024 * 1024 * 1024, value_name = "BYTES")]
    pub(crate) max_total_instance_memory: usize,
    /// Connections at once, though never more than half of the files that the process may have open.
    #[arg(long, default_value_t = 4096, value_name = "COUNT")]
    pub(crate) max_connections: usize,
    /// Connections of one address at once. A proxy is one address: raise it behind one.
    #[arg(long, default_value_t = 512, value_name = "COUNT")]
    pub(crate) max_connections_per_address: usize,
    /// How long a connection may be silent: without the whole head of its first request, or of its next one.
    #[arg(long, default_value = "30s", value_parser = humantime::parse_duration, value_name = "DURATION")]
    pub(crate) idle_connection_timeout: Duration,
    /// Makes instances one by one, which needs less address space.
    #[arg(long)]
    pub(crate) disable_pooling: bool,
    /// Does not repeat the components' output on standard error.
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// How the address and the routes are printed once the host serves.
    #[arg(long, default_value = "plain", value_name = "FORMAT")]
    pub(crate) format: Format,
}

impl Options {
    /// The limits of connections, for a process that may have so many files open.
    pub(crate) fn connection_limits(&self, files_max: usize) -> ConnectionLimits {
        // The other half is for databases, key-value stores and logs.
        let all = self.max_connections.min(files_max / 2).max(1);
        // However few there are, another address finds a place.
        let of_address = self.max_connections_per_address.min(all.div_ceil(2));
        ConnectionLimits { all, of_address, silence: self.idle_connection_timeout }
    }
}

/// What standard output is written for.
#[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
pub(crate) enum Format {
    /// People.
    Plain,
    /// Programs: one line of JSON.
    Json,
}

/// Unlike the usual parser of paths this one takes an empty text.
fn parse_folder(text: &str) -> Result<PathBuf, Infallible> {
    Ok(text.into())
}

fn parse_count(text: &str) -> Result<Drawn<usize>, String> {
    let drawn = parse_drawn(text, |number| number.parse().map_err(|_| format!("{number:?} is not a number")))?;
    if drawn.from == 0 {
        return Err("must be at least 1".into());
    }
    Ok(drawn)
}

/// A number without a unit means seconds, and the unit of a range's end holds for its start as well.
fn parse_duration(text: &str) -> Result<Drawn<Duration>, String> {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let unit = if unit.is_empty() { "s" } else { unit };
    parse_drawn(text, |part| {
        let bare = part.bytes().all(|byte| byte.is_ascii_digit());
        let part = if bare { format!("{part}{unit}") } else { part.to_owned() };
        humantime::parse_duration(&part).map_err(|error| error.to_string())
    })
}

/// `a` or `a..b`, of which the end is excluded, as on Spin.
fn parse_drawn<T: Copy + PartialOrd>(text: &str, parse: impl Fn(&str) -> Result<T, String>) -> Result<Drawn<T>, String> {
    let Some((from, to)) = text.split_once("..") else {
        let value = parse(text)?;
        return Ok(Drawn { from: value, to: value });
    };
    let (from, to) = (parse(from)?, parse(to)?);
    if to <= from {
        return Err("the range is empty".into());
    }
    Ok(Drawn { from, to })
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Options::command().debug_assert();
    }

    #[test]
    fn connections_leave_files_for_the_rest_and_places_for_others() {
        let options = Options::parse_from(["noted-host"]);
        let limits = |files_max| {
            let ConnectionLimits { all, of_address, .. } = options.connection_limits(files_max);
            (all, of_address)
        };
        assert_eq!(limits(1_000_000), (4096, 512));
        assert_eq!(limits(300), (150, 75));
        assert_eq!(limits(0), (1, 1));
    }

    #[test]
    fn an_empty_folder_is_a_folder_that_is_not_wanted() {
        let options = Options::try_parse_from(["noted-host", "--state-dir", "", "--log-dir", ""]).unwrap();
        assert_eq!((options.state_dir, options.log_dir), (Some(PathBuf::new()), Some(PathBuf::new())));
    }

    #[test]
    fn counts_and_durations_may_be_ranges() {
        assert_eq!(parse_count("7"), Ok(Drawn { from: 7, to: 7 }));
        assert_eq!(parse_count("1..3"), Ok(Drawn { from: 1, to: 3 }));
        let (half, two) = (Duration::from_millis(500), Duration::from_secs(2));
        assert_eq!(parse_duration("500ms..2s"), Ok(Drawn { from: half, to: two }));
        assert_eq!(parse_duration("500..2000ms"), Ok(Drawn { from: half, to: two }));
        assert_eq!(parse_duration("2"), Ok(Drawn { from: two, to: two }));
        for bad in ["0", "", "3..1", "1..1", "a", "1..", "-1"] {
            assert!(parse_count(bad).is_err(), "{bad}");
        }
    }
}
