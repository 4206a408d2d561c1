//! What the clients of a history talk to: the model, or a real server.

use std::collections::{BTreeMap, BTreeSet};

use noted_client::engine::{Answer, Page, PageRequest, Pending};
use noted_shared::domain::{ContentHash, NoteId, NotePath, OriginId};
use noted_shared::wire::ResyncReason;
use uuid::Uuid;

use super::http::Http;
use super::postgres::Postgres;
use crate::model::{Model, Note};

/// Whose key a request brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// That of the clients, which is a person's.
    Client,
    /// That of somebody else in the workspace, who is none.
    Liar,
}

/// A server with one workspace.
#[derive(Debug)]
pub enum Server {
    /// The specification, in memory.
    Model(Box<Model>),
    /// The functions of the database, each answer compared with the specification's.
    Postgres(Box<Postgres>),
    /// The running bundle, over a wire that goes wrong all the time.
    Http(Box<Http>),
}

/// A note as the server has it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stored {
    pub(super) hash: ContentHash,
    pub(super) version: i64,
    pub(super) is_deleted: bool,
}

impl Server {
    /// A specification without notes.
    #[must_use]
    pub fn model() -> Self {
        Self::Model(Box::default())
    }

    /// Answers a request; nothing when the connection was lost.
    pub(super) fn send(
        &mut self,
        sender: Sender,
        origin: &OriginId,
        pending: &Pending,
        text: Option<&str>,
    ) -> Result<Option<Answer>, String> {
        match self {
            Self::Model(model) => Ok(Some(model.send(sender, origin, pending, text))),
            Self::Postgres(postgres) => postgres.send(sender, origin, pending, text).map(Some),
            Self::Http(http) => http.send(sender, origin, pending, text),
        }
    }

    /// Answers a page of changes, or why there is none; nothing when the connection was lost.
    pub(super) fn page(&mut self, request: &PageRequest) -> Result<Option<Result<Page, ResyncReason>>, String> {
        match self {
            Self::Model(model) => Ok(Some(model.page(request))),
            Self::Postgres(postgres) => postgres.page(request).map(Some),
            Self::Http(http) => http.page(request),
        }
    }

    /// Forgets what was deleted, as if thirty days had gone by.
    pub(super) fn collect(&mut self) -> Result<(), String> {
        match self {
            Self::Model(model) => {
                model.collect();
                Ok(())
            }
            Self::Postgres(postgres) => postgres.collect(),
            Self::Http(http) => http.collect(),
        }
    }

    /// Makes a backup. The running bundle has none: its database is shared by all that is tried there.
    pub(super) fn back_up(&mut self) -> Result<(), String> {
        match self {
            Self::Model(model) => {
                model.back_up();
                Ok(())
            }
            Self::Postgres(postgres) => postgres.back_up(),
            Self::Http(_) => Ok(()),
        }
    }

    /// Is set back to its backup. Answers whether it has one.
    pub(super) fn restore(&mut self) -> Result<bool, String> {
        match self {
            Self::Model(model) => {
                model.restore(Uuid::from_u128(model.epoch().uuid().as_u128() + 1).into());
                Ok(model.has_backup())
            }
            Self::Postgres(postgres) => postgres.restore(),
            Self::Http(_) => Ok(false),
        }
    }

    /// A note, tombstones too.
    pub(super) fn note(&mut self, id: NoteId) -> Result<Option<Stored>, String> {
        let stored = match self {
            Self::Model(model) => model.notes().get(&id),
            Self::Postgres(postgres) => postgres.specification().notes().get(&id),
            Self::Http(http) => return http.note(id),
        };
        Ok(stored.map(|note| Stored { hash: note.hash, version: note.version, is_deleted: note.is_deleted }))
    }

    /// A note as the specification has it.
    pub(super) fn specified(&self, id: NoteId) -> Option<&Note> {
        match self {
            Self::Model(model) => model.notes().get(&id),
            Self::Postgres(postgres) => postgres.specification().notes().get(&id),
            Self::Http(_) => None,
        }
    }

    /// The live notes by path.
    pub(super) fn live(&mut self) -> Result<BTreeMap<NotePath, ContentHash>, String> {
        match self {
            Self::Model(model) => Ok(model.live()),
            Self::Postgres(postgres) => Ok(postgres.specification().live()),
            Self::Http(http) => http.live(),
        }
    }

    /// How many changes there were.
    pub(super) fn seq(&mut self) -> Result<i64, String> {
        match self {
            Self::Model(model) => Ok(model.seq()),
            Self::Postgres(postgres) => Ok(postgres.specification().seq()),
            Self::Http(http) => http.seq(),
        }
    }

    /// Whether a text can still be had from the server.
    pub(super) fn has_text(&mut self, hash: ContentHash) -> Result<bool, String> {
        match self {
            Self::Model(model) => Ok(model.has_text(hash)),
            Self::Postgres(postgres) => Ok(postgres.specification().has_text(hash)),
            Self::Http(http) => http.has_text(hash),
        }
    }

    /// Versions of a note count up, and two live notes never share a path. A database holds that by its indexes, and is compared in the end.
    pub(super) fn check(&mut self) -> Result<(), String> {
        let Self::Model(model) = self else { return Ok(()) };
        let mut paths = BTreeSet::new();
        for note in model.notes().values() {
            if !note.is_deleted && !paths.insert(&note.path) {
                return Err(format!("two notes at {}", note.path));
            }
            let is_in_order = note.revisions.windows(2).all(|pair| pair[0].version < pair[1].version);
            if !is_in_order || note.revisions.last().is_some_and(|last| last.version >= note.version) {
                return Err(format!("the versions of {} are out of order", note.path));
            }
        }
        Ok(())
    }

    /// What is stored in the end is as it must be.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        match self {
            Self::Model(_) => Ok(()),
            Self::Postgres(postgres) => postgres.compare(),
            Self::Http(http) => http.finish(),
        }
    }
}
