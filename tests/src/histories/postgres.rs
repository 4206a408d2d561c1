//! PostgreSQL as the server of a history: the functions of `api`, called as the components call them.
//!
//! The model answers every request too. A difference between the two is a failure, so that what a hundred thousand histories show about the
//! model holds for the database as well.

mod backup;
mod calls;
mod station;
mod stored;

pub use calls::Caller;
pub use station::Station;
pub(super) use station::{LIARS_SCOPES, make_liar, make_workspace};

use std::cell::RefCell;
use std::rc::Rc;

use noted_client::engine::{Answer, Page, PageRequest, Pending};
use noted_shared::domain::{NoteId, OriginId};
use noted_shared::wire::ResyncReason;

use super::server::{Sender, Server};
use crate::model::Model;

/// Old texts of a note that are kept whoever wrote them. Of the older ones all stay that a person wrote; which of the others, the specification does
/// not say.
const REVISIONS_KEPT: usize = 10;

/// One workspace, and what the specification says of it.
#[derive(Debug)]
pub struct Postgres {
    station: Rc<RefCell<Station>>,
    caller: Caller,
    /// Another key of the workspace, whose texts are no person's.
    liar: Caller,
    specification: Model,
}

impl Postgres {
    /// A workspace of its own.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn server(station: &Rc<RefCell<Station>>) -> Result<Server, String> {
        let (caller, epoch) = station.borrow_mut().workspace()?;
        let liar = station.borrow_mut().liar(&caller)?;
        let specification = Model::of(caller.workspace.into(), epoch);
        Ok(Server::Postgres(Box::new(Self { station: Rc::clone(station), caller, liar, specification })))
    }

    pub(super) fn specification(&self) -> &Model {
        &self.specification
    }

    pub(super) fn send(&mut self, sender: Sender, origin: &OriginId, pending: &Pending, text: Option<&str>) -> Result<Answer, String> {
        let caller = if sender == Sender::Liar { &self.liar } else { &self.caller };
        let answer = self.station.borrow_mut().send(caller, origin, pending, text)?;
        if let Answer::Written(written) = &answer {
            self.specification.name_next(written.note_id);
        }
        let expected = self.specification.send(sender, origin, pending, text);
        if answer == expected || self.differs_in_an_old_base(&answer, &expected) {
            return Ok(answer);
        }
        Err(format!("PostgreSQL answers {answer:?}\nand the specification {expected:?}\nto {pending:?}"))
    }

    pub(super) fn page(&mut self, request: &PageRequest) -> Result<Result<Page, ResyncReason>, String> {
        let page = self.station.borrow_mut().page(&self.caller, request)?;
        let expected = self.specification.page(request);
        if page == expected {
            return Ok(page);
        }
        Err(format!("PostgreSQL answers {page:?}\nand the specification {expected:?}\nto {request:?}"))
    }

    /// Nothing is collected before its time, and everything when its time has come.
    pub(super) fn collect(&mut self) -> Result<(), String> {
        let mut station = self.station.borrow_mut();
        let early = station.collect(self.caller.workspace)?;
        if early > 0 {
            return Err(format!("{early} tombstones were collected right after their notes were deleted"));
        }
        station.age_tombstones()?;
        let (collected, expected) = (station.collect(self.caller.workspace)?, self.specification.collect());
        if usize::try_from(collected) == Ok(expected) {
            Ok(())
        } else {
            Err(format!("{collected} of {expected} tombstones were collected"))
        }
    }

    /// Makes a backup of both.
    pub(super) fn back_up(&mut self) -> Result<(), String> {
        self.specification.back_up();
        self.station.borrow_mut().back_up()
    }

    /// Sets both back to their backup. Answers whether there is one.
    pub(super) fn restore(&mut self) -> Result<bool, String> {
        if !self.specification.has_backup() {
            return Ok(false);
        }
        let epoch = self.station.borrow_mut().restore()?;
        self.specification.restore(epoch);
        Ok(true)
    }

    /// Compares all that is stored with the specification.
    pub(super) fn compare(&self) -> Result<(), String> {
        let stored = self.station.borrow_mut().stored(&self.caller)?;
        stored.compare(&self.specification)
    }

    /// The specification forgets no text; the database may not have the one that both sides of a conflict grew from any more.
    fn differs_in_an_old_base(&self, answer: &Answer, expected: &Answer) -> bool {
        let (Answer::Conflict(theirs, None), Answer::Conflict(expected, Some(_))) = (answer, expected) else { return false };
        theirs == expected && self.revisions_of(theirs.note_id) > REVISIONS_KEPT
    }

    fn revisions_of(&self, id: NoteId) -> usize {
        self.specification.notes().get(&id).map_or(0, |note| note.revisions.len())
    }
}
