//! Sends what is pending: many files in batches, the smallest first, everything else one by one.
//!
//! The engine does not care which: an answer is an answer. A batch that the server refuses as a whole is halved until what fails stands alone,
//! because only its own route tells why.

use std::collections::VecDeque;

use anyhow::{Context, Result};
use futures::StreamExt;
use futures::stream::FuturesUnordered;
use noted_shared::domain::{Content, OriginId};
use noted_shared::limits::BATCH_NOTES_MAX;

use super::{Progress, Report, Session};
use crate::api::{Api, Batched};
use crate::engine::{Answer, Pending, Request};

/// Single requests in flight. More do not help: the workspace's counter puts its writes in a row.
const CONCURRENCY: usize = 16;
/// Batches in flight: one is made while the other is written.
const BATCHES: usize = 2;
/// As many files are quicker alone.
const ALONE_MAX: usize = 5;
/// Texts in a batch: with what JSON adds to them, they stay below what the server takes.
const TEXT_BYTES_MAX: u64 = 8 << 20;

/// Requests that travel together, with their texts.
type Parcel = Vec<(Pending, Option<Content>)>;

/// What came back: answers, and what is to be sent in smaller parcels.
#[derive(Default)]
struct Carried {
    answers: Vec<(Pending, Answer)>,
    again: Vec<Vec<Pending>>,
}

impl Session {
    /// Sends everything that is pending. A request without an answer stays pending, and so do all others that had not left by then.
    pub(super) async fn send(&mut self, pending: Vec<Pending>, report: Report<'_>) -> Result<()> {
        let total = pending.len();
        let mut done = 0;
        let mut waiting = self.parcels(pending);
        let mut in_flight = FuturesUnordered::new();
        loop {
            while waiting.front().is_some_and(|next| in_flight.len() < if next.len() > 1 { BATCHES } else { CONCURRENCY }) {
                let parcel = self.with_texts(waiting.pop_front().unwrap_or_default());
                in_flight.push(carry(self.api.clone(), self.engine.state().origin.clone(), parcel));
            }
            let Some(carried) = in_flight.next().await else { return Ok(()) };
            let carried = carried.with_context(|| format!("stopped after {done} of {total} changes; run it again to go on"))?;
            for (pending, answer) in carried.answers {
                for effect in &self.engine.answered(&pending.key, &answer) {
                    // A file that has changed meanwhile stays, and is looked at the next time.
                    self.folder.apply(effect)?;
                }
                done += 1;
                report(Progress::Sending(done, total));
            }
            waiting.extend(carried.again);
        }
    }

    /// What travels together: up to a hundred files, the smallest first, so that much is safe soon.
    fn parcels(&mut self, pending: Vec<Pending>) -> VecDeque<Vec<Pending>> {
        let (mut files, alone): (Vec<_>, Vec<_>) = pending.into_iter().partition(|pending| can_be_batched(&pending.request));
        let mut parcels: VecDeque<Vec<Pending>> = alone.into_iter().map(|pending| vec![pending]).collect();
        let texts = self.folder.texts();
        let bytes = |pending: &Pending| pending.request.text().map_or(0, |hash| texts.bytes(hash));
        files.sort_by_cached_key(|pending| bytes(pending));
        if files.len() <= ALONE_MAX {
            parcels.extend(files.into_iter().map(|pending| vec![pending]));
            return parcels;
        }
        let (mut parcel, mut filled) = (Vec::new(), 0);
        for pending in files {
            let size = bytes(&pending);
            if !parcel.is_empty() && (parcel.len() == BATCH_NOTES_MAX || filled + size > TEXT_BYTES_MAX) {
                parcels.push_back(std::mem::take(&mut parcel));
                filled = 0;
            }
            filled += size;
            parcel.push(pending);
        }
        parcels.push_back(parcel);
        parcels
    }

    /// The requests with their texts, as they are about to leave.
    fn with_texts(&mut self, pending: Vec<Pending>) -> Parcel {
        let mut parcel = Vec::with_capacity(pending.len());
        for pending in pending {
            let text = pending.request.text().map(|hash| self.folder.texts().get(hash));
            match text {
                // A power failure took it; the file, if it is still there, will be sent anew.
                Some(None) => drop(self.engine.answered(&pending.key, &Answer::KeyReused)),
                text => parcel.push((pending, text.flatten())),
            }
        }
        parcel
    }
}

/// Whether it says in a batch what it says alone. Merging is the single route's, and what somebody has decided deserves an answer of its own.
fn can_be_batched(request: &Request) -> bool {
    matches!(request, Request::Create { .. } | Request::Update { decided: false, merge: false, .. })
}

async fn carry(api: Api, origin: OriginId, mut parcel: Parcel) -> Result<Carried> {
    let mut carried = Carried::default();
    if parcel.len() <= 1 {
        if let Some((pending, text)) = parcel.pop() {
            let answer = api.deliver(&origin, &pending, text).await?;
            carried.answers.push((pending, answer));
        }
        return Ok(carried);
    }
    let requests: Vec<Pending> = parcel.iter().map(|(pending, _)| pending.clone()).collect();
    let parcel = parcel.into_iter().map(|(pending, text)| (pending, text.unwrap_or_default())).collect();
    match api.deliver_batch(&origin, parcel).await? {
        Batched::Each(answers) => {
            for (pending, answer) in requests.into_iter().zip(answers) {
                match answer {
                    Some(answer) => carried.answers.push((pending, answer)),
                    None => carried.again.push(vec![pending]),
                }
            }
        }
        Batched::Nothing if requests.len() <= ALONE_MAX => carried.again.extend(requests.into_iter().map(|pending| vec![pending])),
        Batched::Nothing => {
            let (first, second) = requests.split_at(requests.len() / 2);
            carried.again.extend([first.to_vec(), second.to_vec()]);
        }
    }
    Ok(carried)
}
