//! What happens in a history, and how one is made.

use noted_client::engine::Keep;
use noted_shared::limits::COUNTER_MAX;
use proptest::collection::vec;
use proptest::prelude::*;

use super::client::{Client, Fault, name};
use super::liar::{Liar, Lie, Whose};
use super::server::Server;

/// One thing that happens. Numbers are taken modulo what there is.
#[derive(Clone, Debug)]
pub enum Operation {
    /// Somebody writes a file.
    Edit(usize, usize),
    /// Somebody empties a file, or makes an empty one.
    Empty(usize, usize),
    /// Somebody deletes a file.
    Delete(usize, usize),
    /// Somebody moves a file.
    Rename(usize, usize, usize),
    /// A client syncs.
    Sync(usize, Fault),
    /// Somebody settles a conflict.
    Resolve(usize, usize, Keep),
    /// A client forgets how far it has followed the changes.
    LoseCursor(usize),
    /// A client forgets everything but its files.
    LoseState(usize),
    /// The server forgets its tombstones.
    Collect,
    /// The server's operator makes a backup.
    BackUp,
    /// The server's operator sets it back to the backup.
    Restore,
    /// Somebody lies, about a file and a client.
    Lie(Lie, usize, usize),
}

impl Operation {
    pub(super) fn perform(&self, clients: &mut [Client], liar: &mut Liar, server: &mut Server) -> Result<(), String> {
        let count = clients.len();
        match *self {
            Self::Edit(who, which) => clients[who % count].edit(&name(which)),
            Self::Empty(who, which) => clients[who % count].empty(&name(which)),
            Self::Delete(who, which) => clients[who % count].delete(&name(which)),
            Self::Rename(who, from, to) => clients[who % count].rename(&name(from), &name(to)),
            Self::Sync(who, fault) => return clients[who % count].sync(server, fault),
            Self::Resolve(who, which, keep) => {
                let client = &mut clients[who % count];
                let open = client.open_conflicts();
                if !open.is_empty() {
                    return client.resolve(server, &open[which % open.len()], keep);
                }
            }
            Self::LoseCursor(who) => clients[who % count].lose_cursor(),
            Self::LoseState(who) => clients[who % count].lose_state(),
            Self::Collect => return server.collect(),
            Self::BackUp => return server.back_up(),
            Self::Lie(lie, which, whom) => return liar.tell(lie, which, &clients[whom % count], server),
            Self::Restore => {
                if server.restore()? {
                    for client in clients {
                        client.server_was_set_back(server)?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// How long histories are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Three to five clients, and 20 to 60 operations.
    Long,
    /// Three clients, and 15 to 30 operations: for servers that take their time.
    Short,
}

/// The histories of a length; a failing one is made shorter by leaving some operations out.
pub fn operations(length: Length) -> impl Strategy<Value = (usize, Vec<Operation>)> {
    let (clients, operations) = match length {
        Length::Long => (3..=5_usize, 20..=60),
        Length::Short => (3..=3_usize, 15..=30),
    };
    let operations = vec(proptest::option::weighted(0.99, operation()), operations);
    (clients, operations.prop_map(|operations| operations.into_iter().flatten().collect()))
}

fn operation() -> impl Strategy<Value = Operation> {
    let (who, which) = (0..5_usize, 0..5_usize);
    prop_oneof![
        9 => (who.clone(), which.clone()).prop_map(|(who, which)| Operation::Edit(who, which)),
        3 => (who.clone(), which.clone()).prop_map(|(who, which)| Operation::Delete(who, which)),
        3 => (who.clone(), which.clone(), which.clone()).prop_map(|(who, from, to)| Operation::Rename(who, from, to)),
        8 => who.clone().prop_map(|who| Operation::Sync(who, Fault::None)),
        8 => (who.clone(), fault()).prop_map(|(who, fault)| Operation::Sync(who, fault)),
        2 => (who.clone(), which.clone(), keep()).prop_map(|(who, which, keep)| Operation::Resolve(who, which, keep)),
        1 => who.clone().prop_map(Operation::LoseCursor),
        1 => who.clone().prop_map(Operation::LoseState),
        3 => (lie(), which.clone(), who).prop_map(|(lie, which, whom)| Operation::Lie(lie, which, whom)),
        1 => Just(Operation::Collect),
        1 => Just(Operation::BackUp),
        1 => Just(Operation::Restore),
    ]
}

fn keep() -> impl Strategy<Value = Keep> {
    prop_oneof![Just(Keep::Mine), Just(Keep::Theirs), Just(Keep::Both), Just(Keep::Merged), Just(Keep::Later)]
}

fn lie() -> impl Strategy<Value = Lie> {
    let by = prop_oneof![Just(1), Just(2), Just(COUNTER_MAX)];
    let whose = prop_oneof![Just(Whose::Clients), Just(Whose::Nobodys), Just(Whose::AllOthers)];
    prop_oneof![
        3 => (by, whose).prop_map(|(by, whose)| Lie::Ahead(by, whose)),
        2 => Just(Lie::SeenAll),
        1 => Just(Lie::SeenAllAndDelete),
        1 => Just(Lie::SeenNothing),
        2 => Just(Lie::Another),
        1 => Just(Lie::NextOne),
        1 => Just(Lie::Again),
        1 => Just(Lie::AgainWithOtherText),
        1 => Just(Lie::Hash),
        1 => Just(Lie::Id),
        1 => (-3..4_i64).prop_map(Lie::Cursor),
    ]
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        3 => (0..14_usize).prop_map(Fault::Crash),
        3 => (0..14_usize).prop_map(Fault::CrashInside),
        2 => (0..4_usize).prop_map(Fault::LostRequest),
        3 => (0..4_usize).prop_map(Fault::LostAnswer),
        1 => Just(Fault::Twice),
        3 => (0..14_usize, 0..5_usize).prop_map(|(at, which)| Fault::EditBefore(at, which)),
        2 => (0..14_usize, 0..5_usize).prop_map(|(at, which)| Fault::DeleteBefore(at, which)),
    ]
}
