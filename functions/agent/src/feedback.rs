//! `POST /v1/agent/feedback`: a person's thumb for an agent's note.
//!
//! One statement does the work, `api.agent_feedback`. Sent twice it is the same as sent once. Outcomes: 200, 400, 401, 403 (also for agents), 404,
//! 413, 415, 422 (also where a person wrote the note), 429, 503.

use noted_shared::domain::Invalid;
use noted_shared::edge::{Call, Outcome, Reply, Statement};
use noted_shared::error::Error;
use noted_shared::params;
use noted_shared::wire::{Feedback, FeedbackReply, Rating};

const FEEDBACK: Statement = Statement::new("keeping feedback", "select * from api.agent_feedback($1, $2, $3, $4, $5)");

pub(crate) async fn feedback(call: &mut Call) -> Result<Reply, Error> {
    let feedback = Feedback::parse(call.fields().await?)?;
    call.is_about(feedback.note_id);
    let reasons: Vec<&str> = feedback.reasons.iter().map(|reason| reason.name()).collect();
    let row = call.ask(&FEEDBACK, || params![feedback.note_id, feedback.rating == Rating::Up, reasons.as_slice()]).await?;
    match row.outcome()? {
        Outcome::Stored => Reply::ok(&FeedbackReply { success: true }),
        Outcome::NotAgents => Err(Error::field("note_id", Invalid::refused("is of a note whose text no agent wrote"))),
        Outcome::WrongKind => Err(Error::WrongKind { kinds: "user or ide" }),
        _ => Err(row.note_refusal(Some(feedback.note_id), None)),
    }
}
