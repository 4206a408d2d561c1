//! What the kernel says about processes: CPU time, which does not depend on how busy the rest of the machine is, and memory.

use std::fs;

use anyhow::{Context, Result};
use procfs_core::FromRead;
use procfs_core::process::{Stat, Status};

/// CPU time of a process and its threads so far, in microseconds. The kernel counts in steps of 10 ms.
pub(crate) fn cpu_us(process_id: u32) -> Result<u64> {
    Ok(in_us(own_ticks(&stat(process_id)?)))
}

/// CPU time of this process.
pub(crate) fn own_cpu_us() -> Result<u64> {
    cpu_us(std::process::id())
}

/// CPU time of a PostgreSQL server: its first process, the sessions that run and those that have ended.
pub(crate) fn cluster_cpu_us(first_process_id: u32) -> Result<u64> {
    let first = stat(first_process_id)?;
    let ended = u64::try_from(first.cutime + first.cstime).unwrap_or(0);
    // A session that ends while it is looked for is counted by the first process.
    let processes = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let running = processes.filter_map(|process_id| stat(process_id).ok()).filter(|stat| stat.ppid == first.pid);
    Ok(in_us(own_ticks(&first) + ended + running.map(|stat| own_ticks(&stat)).sum::<u64>()))
}

/// Memory that a process has in use, in bytes.
pub(crate) fn resident_bytes(process_id: u32) -> Result<u64> {
    let status: Status = of_kernel(process_id, "status")?;
    Ok(status.vmrss.context("the kernel does not tell the process's memory")? * 1024)
}

fn own_ticks(stat: &Stat) -> u64 {
    stat.utime + stat.stime
}

/// The kernel counts for programs in hundredths of a second, whatever its own clock does.
fn in_us(ticks: u64) -> u64 {
    ticks * 10_000
}

fn stat(process_id: u32) -> Result<Stat> {
    of_kernel(process_id, "stat")
}

fn of_kernel<T: FromRead>(process_id: u32, file: &str) -> Result<T> {
    T::from_file(format!("/proc/{process_id}/{file}")).with_context(|| format!("process {process_id} is gone"))
}
