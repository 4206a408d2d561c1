//! The running bundle as the server of a history, asked by the client's own code over a wire that goes wrong all the time.
//!
//! What the server has is looked up in its database and not over the wire, so that a check never fails for the wire's sake.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;
use std::time::Duration;

use noted::keys::{KeyKind, KeyRequest};
use noted_client::api::{Api, Retry};
use noted_client::engine::{Answer, Page, PageRequest, Pending};
use noted_client::failure::{Failure, Kind};
use noted_shared::domain::{Content, ContentHash, NoteId, NotePath, OriginId};
use noted_shared::wire::ResyncReason;
use url::Url;
use uuid::Uuid;

use super::postgres::LIARS_SCOPES;
use super::postgres::Station;
use super::server::{Sender, Server, Stored};
use crate::proxy::FaultyWire;
use crate::world::World;

/// As the client does it, but nobody wants to wait for seconds here.
const RETRY: Retry = Retry { attempts: 6, first_delay: Duration::from_millis(2), delay_max: Duration::from_millis(20) };

const HAS_TEXT: &str = "select exists (select from noted.notes where content_sha256 = $1)
    or exists (select from noted.note_revisions where content_sha256 = $1)
    or exists (select from noted.sync_conflict_events where ide_content_sha256 = $1 or noted_content_sha256 = $1)";
const DELETED: &str = "select content_sha256 from noted.notes where deleted_at is not null
    union select old.content_sha256 from noted.note_revisions as old join noted.notes as note on note.id = old.note_id
      where note.deleted_at is not null";
/// Faults of what is stored: versions out of order, places beyond the last, counters that are off.
const FAULTS: &str = "select
    (select count(*) from noted.note_revisions as old join noted.notes as note on note.id = old.note_id where old.version_number >= note.version)
    + (select count(*) from noted.notes as note, noted.workspaces as workspace where workspace.id = $1 and note.seq > workspace.seq)
    + (select abs(workspace.live_notes - (select count(*) from noted.notes where deleted_at is null)) from noted.workspaces as workspace
        where workspace.id = $1)
    + (select abs(workspace.stored_bytes - (select coalesce(sum(octet_length(content)), 0) from noted.notes)
          - (select coalesce(sum(octet_length(content)), 0) from noted.note_revisions)
          - (select coalesce(sum(octet_length(content)), 0) from noted.conflict_texts)) from noted.workspaces as workspace
        where workspace.id = $1)";

/// One workspace behind a wire of its own.
#[derive(Debug)]
pub struct Http {
    station: Rc<RefCell<Station>>,
    api: Api,
    liars: Api,
    wire: FaultyWire,
    workspace: Uuid,
    /// Texts that went with a tombstone when it was collected.
    collected: HashSet<ContentHash>,
}

impl Http {
    /// A workspace of its own, and a wire whose faults follow from `seed`.
    ///
    /// # Errors
    /// When the stack refuses.
    pub fn server(world: &World, station: &Rc<RefCell<Station>>, seed: u64) -> Result<Server, String> {
        let mut connections = station.borrow_mut();
        let email = format!("{}@example.com", Uuid::new_v4());
        let key = world.make_key(|request| KeyRequest { email: email.clone(), ..request });
        let key = connections.runtime.block_on(key).map_err(told)?;
        let scopes = LIARS_SCOPES.map(str::to_owned).to_vec();
        let (workspace, kind) = (Some(key.workspace_id), KeyKind::Integration);
        let liars = world.make_key(|request| KeyRequest { workspace, new_workspace: None, email, kind, scopes, ..request });
        let liars = connections.runtime.block_on(liars).map_err(told)?;
        connections.enter(key.workspace_id)?;
        let target = world.base_url().socket_addrs(|| None).map_err(told)?.first().copied().ok_or("the host has no address")?;
        let wire = connections.runtime.block_on(FaultyWire::start(target, seed)).map_err(told)?;
        let base: Url = format!("http://{}", wire.address()).parse().map_err(told)?;
        let api = Api::new(&base, &key.api_key, RETRY).map_err(told)?;
        let liars = Api::new(&base, &liars.api_key, RETRY).map_err(told)?;
        drop(connections);
        let (station, workspace) = (Rc::clone(station), key.workspace_id);
        Ok(Server::Http(Box::new(Self { station, api, liars, wire, workspace, collected: HashSet::new() })))
    }

    pub(super) fn send(
        &mut self,
        sender: Sender,
        origin: &OriginId,
        pending: &Pending,
        text: Option<&str>,
    ) -> Result<Option<Answer>, String> {
        let text = text.map(|text| Content::parse(text.to_owned())).transpose().map_err(|error| format!("{error:?}"))?;
        let api = if sender == Sender::Liar { &self.liars } else { &self.api };
        answered(self.station.borrow().runtime.block_on(api.deliver(origin, pending, text)))
    }

    pub(super) fn page(&mut self, request: &PageRequest) -> Result<Option<Result<Page, ResyncReason>>, String> {
        answered(self.station.borrow().runtime.block_on(self.api.changes(request)))
    }

    pub(super) fn collect(&mut self) -> Result<(), String> {
        self.quiet();
        let mut station = self.station.borrow_mut();
        let Station { runtime, owner, .. } = &mut *station;
        let going: Vec<String> = runtime.block_on(sqlx::query_scalar(DELETED).fetch_all(owner)).map_err(told)?;
        for hash in going {
            self.collected.insert(hash_of(&hash)?);
        }
        station.age_tombstones()?;
        station.collect(self.workspace).map(drop)
    }

    pub(super) fn note(&mut self, id: NoteId) -> Result<Option<Stored>, String> {
        let id = Uuid::parse_str(&id.to_string()).map_err(told)?;
        let mut station = self.station.borrow_mut();
        let Station { runtime, owner, .. } = &mut *station;
        let note = sqlx::query_as("select content_sha256, version, deleted_at is not null from noted.notes where id = $1").bind(id);
        let note: Option<(String, i64, bool)> = runtime.block_on(note.fetch_optional(owner)).map_err(told)?;
        note.map(|(hash, version, is_deleted)| Ok(Stored { hash: hash_of(&hash)?, version, is_deleted })).transpose()
    }

    pub(super) fn live(&mut self) -> Result<BTreeMap<NotePath, ContentHash>, String> {
        self.quiet();
        let mut station = self.station.borrow_mut();
        let Station { runtime, owner, .. } = &mut *station;
        let live = sqlx::query_as("select ide_file_path, content_sha256 from noted.notes where deleted_at is null");
        let live: Vec<(String, String)> = runtime.block_on(live.fetch_all(owner)).map_err(told)?;
        let entry = |(path, hash): (String, String)| Ok((NotePath::parse(&path).map_err(|error| format!("{error:?}"))?, hash_of(&hash)?));
        live.into_iter().map(entry).collect()
    }

    pub(super) fn seq(&mut self) -> Result<i64, String> {
        self.quiet();
        let mut station = self.station.borrow_mut();
        let Station { runtime, owner, .. } = &mut *station;
        let seq = sqlx::query_scalar("select seq from noted.workspaces where id = $1").bind(self.workspace);
        runtime.block_on(seq.fetch_one(owner)).map_err(told)
    }

    pub(super) fn has_text(&mut self, hash: ContentHash) -> Result<bool, String> {
        let mut station = self.station.borrow_mut();
        let Station { runtime, owner, .. } = &mut *station;
        let found = sqlx::query_scalar(HAS_TEXT).bind(hash.to_string()).fetch_one(owner);
        Ok(self.collected.contains(&hash) || runtime.block_on(found).map_err(told)?)
    }

    pub(super) fn finish(&mut self) -> Result<(), String> {
        let mut station = self.station.borrow_mut();
        let Station { runtime, owner, .. } = &mut *station;
        let faults: i64 = runtime.block_on(sqlx::query_scalar(FAULTS).bind(self.workspace).fetch_one(owner)).map_err(told)?;
        if faults == 0 { Ok(()) } else { Err(format!("{faults} versions, places or counters in the tables are off")) }
    }

    /// What was sent twice has arrived.
    fn quiet(&self) {
        self.station.borrow().runtime.block_on(self.wire.quiet());
    }
}

/// An answer, or nothing when every attempt was in vain.
fn answered<T>(outcome: anyhow::Result<T>) -> Result<Option<T>, String> {
    match outcome {
        Ok(answer) => Ok(Some(answer)),
        Err(error) if error.downcast_ref::<Failure>().is_some_and(|failure| failure.kind == Kind::Unreachable) => Ok(None),
        Err(error) => Err(told(format!("{error:#}"))),
    }
}

fn hash_of(text: &str) -> Result<ContentHash, String> {
    ContentHash::parse(text).map_err(|error| format!("{text} is stored: {error:?}"))
}

fn told(error: impl std::fmt::Display) -> String {
    format!("the running bundle: {error}")
}
