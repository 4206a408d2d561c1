//! What can be learned from agents' attempts and people's corrections: a report for people, and examples for models.

use crate::compare::compare;
use noted_shared::edge::{Call, Outcome, Reply, Statement};
use noted_shared::error::Error;
use noted_shared::input::{instant, text};
use noted_shared::wire::AgentReport;
use noted_shared::{limits, params};

const REPORT: Statement = Statement::new("reporting on agents", "select * from api.agent_report($1, $2, $3::text::timestamptz)");
const EXPORT: Statement = Statement::new("exporting corrections", "select * from api.agent_export($1, $2, $3, $4, $5)");

/// `GET /v1/agent/report?since=`: the last seven days where no time is named, at most a year. Outcomes: 200, 400, 401, 403, 429, 503.
pub(crate) async fn report(call: &mut Call) -> Result<Reply, Error> {
    let mut fields = call.query()?;
    let since = fields.optional("since", text(instant));
    fields.finish()?;
    compare(call).await?;
    let row = call.ask(&REPORT, || params![since]).await?;
    match row.outcome()? {
        Outcome::Read => Reply::ok(&row.body::<AgentReport>()?),
        _ => Err(row.refusal()),
    }
}

/// `GET /v1/agent/corrections/export`: a line of JSON for each correction that teaches something, the newest first. Outcomes: 200, 401, 403, 409
/// (the workspace lets no text go to a model), 429, 503.
pub(crate) async fn export(call: &mut Call) -> Result<Reply, Error> {
    compare(call).await?;
    let params = || params![limits::EXAMPLES_MAX, limits::EXAMPLE_DISTANCE_MIN, limits::CORRECTIONS_BYTES_MAX];
    let mut row = call.ask(&EXPORT, params).await?;
    match row.outcome()? {
        Outcome::Read => Ok(Reply::lines(row.bulk())),
        Outcome::NoConsent => Err(Error::NoTraining),
        _ => Err(row.refusal()),
    }
}
