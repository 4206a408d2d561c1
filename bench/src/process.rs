//! What the kernel says about processes: CPU time, which does not depend on how busy the rest of the machine is, and memory.

use anyhow::{Context, Result};
use procfs::process::{Process, Stat, all_processes};

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
    let running = all_processes()?.flatten().filter_map(|process| process.stat().ok()).filter(|stat| stat.ppid == first.pid);
    Ok(in_us(own_ticks(&first) + ended + running.map(|stat| own_ticks(&stat)).sum::<u64>()))
}

/// Memory that a process has in use, in bytes.
pub(crate) fn resident_bytes(process_id: u32) -> Result<u64> {
    let status = process(process_id)?.status()?;
    Ok(status.vmrss.context("the kernel does not tell the process's memory")? * 1024)
}

fn own_ticks(stat: &Stat) -> u64 {
    stat.utime + stat.stime
}

fn in_us(ticks: u64) -> u64 {
    ticks * 1_000_000 / procfs::ticks_per_second()
}

fn stat(process_id: u32) -> Result<Stat> {
    Ok(process(process_id)?.stat()?)
}

fn process(process_id: u32) -> Result<Process> {
    Process::new(i32::try_from(process_id)?).with_context(|| format!("process {process_id} is gone"))
}
