//! The memory of instances: how much one may have, and how much all of them together.
//!
//! One instance is bounded by what its component may need; all of them are bounded by what the machine has. A guest that asks for more gets
//! none, as from any allocator. Before it comes to that, requests are refused for which an instance could lack room.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use wasmtime::{ResourceLimiter, Result};

/// The memory of all instances.
#[derive(Debug)]
pub(crate) struct Budget {
    bytes_max: usize,
    used_bytes: AtomicUsize,
}

/// The memory of one instance, given back when it ends.
#[derive(Debug)]
pub(crate) struct Memory {
    bytes_max: usize,
    held_bytes: usize,
    budget: Arc<Budget>,
}

impl Budget {
    pub(crate) fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, used_bytes: AtomicUsize::new(0) })
    }

    /// Whether this many bytes are free now.
    pub(crate) fn has_room(&self, bytes: usize) -> bool {
        self.used_bytes.load(Ordering::Relaxed).saturating_add(bytes) <= self.bytes_max
    }

    fn take(&self, bytes: usize) -> bool {
        let within = |used: usize| used.checked_add(bytes).filter(|&sum| sum <= self.bytes_max);
        self.used_bytes.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok()
    }

    fn give_back(&self, bytes: usize) {
        self.used_bytes.fetch_sub(bytes, Ordering::Relaxed);
    }
}

impl Memory {
    /// The memory of an instance to come, of which each memory may have so many bytes.
    pub(crate) fn new(bytes_max: usize, budget: Arc<Budget>) -> Self {
        Self { bytes_max, held_bytes: 0, budget }
    }
}

impl ResourceLimiter for Memory {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        let more = desired.saturating_sub(current);
        let allowed = desired <= self.bytes_max && maximum.is_none_or(|maximum| desired <= maximum) && self.budget.take(more);
        self.held_bytes += if allowed { more } else { 0 };
        Ok(allowed)
    }

    /// Tables are bounded by the pool of instances.
    fn table_growing(&mut self, _: usize, desired: usize, maximum: Option<usize>) -> Result<bool> {
        Ok(maximum.is_none_or(|maximum| desired <= maximum))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.budget.give_back(self.held_bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_instance_is_bounded_and_so_are_all() {
        let budget = Budget::new(100);
        let mut first = Memory::new(60, Arc::clone(&budget));
        let mut second = Memory::new(60, Arc::clone(&budget));
        assert!(first.memory_growing(0, 60, None).unwrap());
        assert!(!first.memory_growing(60, 61, None).unwrap(), "more than one instance may have");
        assert!(!second.memory_growing(0, 41, None).unwrap(), "more than is left");
        assert!(second.memory_growing(0, 40, None).unwrap());
        assert!(!budget.has_room(1));
        drop(first);
        assert!(budget.has_room(60) && !budget.has_room(61));
        drop(second);
        assert!(budget.has_room(100));
    }

    #[test]
    fn a_memory_never_grows_beyond_its_own_maximum() {
        let budget = Budget::new(100);
        let mut memory = Memory::new(60, Arc::clone(&budget));
        assert!(!memory.memory_growing(0, 20, Some(10)).unwrap());
        assert!(budget.has_room(100), "what was refused is not held");
    }
}
