//! The memory of an instance, shared out among the requests that are under way in it.
//!
//! It is counted in bytes of their bodies. Nobody gets all of it: what one key holds leaves room for the others, whatever it sends and however
//! slowly.

use crate::error::{Error, Fault};
use crate::limits;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Whose bytes are counted together: a key, by its hash.
pub(super) type Holder = [u8; 32];

thread_local! {
    /// Bytes of the bodies of all requests that are under way in this instance.
    static SHARES: RefCell<BTreeMap<Holder, usize>> = const { RefCell::new(BTreeMap::new()) };
}

/// A place in the instance's memory, given back when its request ends.
#[derive(Debug)]
pub(super) struct Held {
    holder: Holder,
    bytes: usize,
}

impl Held {
    /// Nothing yet, in the name of a holder.
    pub(super) const fn by(holder: Holder) -> Self {
        Self { holder, bytes: 0 }
    }

    /// Grows to a number of bytes, unless it is that large already.
    pub(super) fn cover(&mut self, bytes: usize) -> Result<(), Error> {
        let more = bytes.saturating_sub(self.bytes);
        SHARES.with_borrow_mut(|shares| {
            let all: usize = shares.values().sum();
            let own = shares.entry(self.holder).or_default();
            if all + more > limits::INSTANCE_BODY_BYTES_MAX || *own + more > limits::KEY_BODY_BYTES_MAX {
                return Err(Error::Unavailable(Fault::new("reading a body", "the instance holds as much as it can")));
            }
            *own += more;
            self.bytes += more;
            Ok(())
        })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        SHARES.with_borrow_mut(|shares| {
            let left = shares.get(&self.holder).map_or(0, |own| own.saturating_sub(self.bytes));
            match left {
                0 => shares.remove(&self.holder),
                left => shares.insert(self.holder, left),
            };
        });
    }
}

#[cfg(test)]
mod tests {
    use super::Held;
    use crate::limits::{BATCH_BYTES_MAX, INSTANCE_BODY_BYTES_MAX};

    #[test]
    fn no_key_takes_the_room_of_all_and_what_ends_gives_its_place_back() {
        let (greedy, other) = ([1; 32], [2; 32]);
        let mut first = Held::by(greedy);
        assert!(first.cover(BATCH_BYTES_MAX).is_ok() && first.cover(1).is_ok(), "a whole batch, and it does not shrink");
        assert!(Held::by(greedy).cover(BATCH_BYTES_MAX).is_err(), "two whole batches of one key");
        let mut second = Held::by(other);
        assert!(second.cover(INSTANCE_BODY_BYTES_MAX - BATCH_BYTES_MAX).is_ok(), "the rest is left to others");
        assert!(Held::by([3; 32]).cover(1).is_err(), "the instance is full");
        drop(first);
        assert!(Held::by([3; 32]).cover(BATCH_BYTES_MAX).is_ok());
    }
}
