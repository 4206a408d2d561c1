//! Gives corrections their classes, when somebody asks for what follows from them.
//!
//! A correction is noted down in the transaction of the person's save, which has no time to compare two texts; and the database that has both has
//! no good way to. So whoever reads what was learned has the new ones compared first, a bounded number at a time.

use noted_shared::domain::Correction;
use noted_shared::edge::{Call, Outcome, Statement};
use noted_shared::error::Error;
use noted_shared::{limits, params};
use serde::{Deserialize, Serialize};

const UNCOMPARED: Statement = Statement::new("reading corrections", "select * from api.agent_uncompared($1, $2, $3, $4)");
const COMPARED: Statement = Statement::new("storing what corrections are", "select * from api.agent_compared($1, $2, $3)");

#[derive(Deserialize)]
struct Waiting {
    id: String,
    original: String,
    corrected: String,
}

#[derive(Serialize)]
struct Compared {
    id: String,
    #[serde(flatten)]
    correction: Correction,
}

pub(crate) async fn compare(call: &mut Call) -> Result<(), Error> {
    let mut row = call.ask(&UNCOMPARED, || params![limits::CORRECTIONS_COMPARED_MAX, limits::CORRECTIONS_BYTES_MAX]).await?;
    if row.outcome()? != Outcome::Listed {
        return Err(row.refusal());
    }
    // The error's text could quote a note.
    let unreadable = |_| Error::internal("reading corrections", "not the expected JSON");
    let waiting: Vec<Waiting> = serde_json::from_str(&row.bulk()).map_err(unreadable)?;
    if waiting.is_empty() {
        return Ok(());
    }
    let compared = |one: Waiting| Compared { id: one.id, correction: Correction::between(&one.original, &one.corrected) };
    let compared: Vec<Compared> = waiting.into_iter().map(compared).collect();
    let compared = serde_json::to_value(&compared).map_err(|wrong| Error::internal("writing classes", wrong.to_string()))?;
    let row = call.ask(&COMPARED, || params![&compared]).await?;
    if row.outcome()? == Outcome::Stored { Ok(()) } else { Err(row.refusal()) }
}
