//! One request on its way through a component: who sent it, what is asked in its name, and what is remembered of it.

mod said;

use super::cors::Cors;
use super::db::{Outcome, Rate, Row, Statement};
use super::headers::{self, Ids};
use super::held::Held;
use super::settings::{self, settings};
use super::{Request, Route, accept, db};
use crate::domain::{Analysis, Invalid, Judgement, NoteId, OriginId, WorkspaceId, WorkspaceRules};
use crate::error::Error;
use crate::params;
use http::request::Parts;
use sha2::{Digest, Sha256};
use spin_sdk::pg::ParameterValue;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;
use std::time::Instant;

/// A request, what is known of its sender, and what its answer and its log line will say.
pub struct Call {
    pub(super) route: &'static Route,
    pub(super) ids: Ids,
    pub(super) started: Instant,
    pub(super) user_id: Option<String>,
    pub(super) rate: Option<Rate>,
    pub(super) note_id: Option<NoteId>,
    pub(super) origin: Option<OriginId>,
    pub(super) cors: Cors,
    parts: Parts,
    body: Option<IncomingRequestBody>,
    /// The place in the instance's memory that the body takes.
    held: Option<Held>,
    caller: Option<Caller>,
    /// Whether the database has said what the caller may do.
    has_asked: bool,
    has_read_query: bool,
    has_read_if_match: bool,
}

/// Conditions that HTTP knows for changes and no route has.
const UNKNOWN_CONDITIONS: [&str; 2] = ["If-None-Match", "If-Unmodified-Since"];

struct Caller {
    key_hash: [u8; 32],
    workspace: Option<WorkspaceId>,
}

const ENTER: Statement = Statement::new("checking a caller", "select * from api.caller($1, $2, $3)");

/// As [`ENTER`], without counting the request: the statement that does its work will.
const KNOW: Statement = Statement::new("knowing a key", "select * from api.known_key($1, $2, $3)");

impl Call {
    pub(super) async fn new(route: &'static Route, request: Request) -> Self {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let ids = Ids::of(&parts.headers);
        let cors = Cors::of(&parts.headers).await;
        let (user_id, rate, note_id, origin, caller) = (None, None, None, None, None);
        Self {
            route,
            ids,
            started,
            user_id,
            rate,
            note_id,
            origin,
            cors,
            parts,
            body: Some(body),
            held: None,
            caller,
            has_asked: false,
            has_read_query: false,
            has_read_if_match: false,
        }
    }

    /// Checks what every route checks, before anything is read or asked.
    pub(super) async fn admit(&mut self) -> Result<(), Error> {
        headers::must_be_text(&self.parts.headers)?;
        // Routes are found without regard to slashes at the ends, but what a segment says is read by its place.
        if self.path().contains("//") {
            return Err(Error::EmptySegment);
        }
        if let Some(allow) = self.route.method
            && !(self.parts.method.as_str() == allow || allow == "GET" && self.is_head())
        {
            return Err(Error::Method { allow });
        }
        // Several headers are one list.
        let ranges = self.parts.headers.get_all(http::header::ACCEPT);
        if !ranges.iter().all(|range| range.is_empty()) && !ranges.iter().any(|range| range.to_str().is_ok_and(accept::accepts_v1)) {
            return Err(Error::NotAcceptable);
        }
        if self.route.scopes.is_empty() { Ok(()) } else { self.must_have_key().await }
    }

    /// Takes the key that the request brings, whatever it may do. A route that names scopes has that done for it.
    pub async fn must_have_key(&mut self) -> Result<(), Error> {
        let key = headers::api_key(&self.parts.headers)?;
        let key_hash = key.hash(&settings().await?.key_pepper);
        let caller = self.caller.insert(Caller { key_hash, workspace: None });
        caller.workspace = headers::workspace(&self.parts.headers)?;
        Ok(())
    }

    /// Asks whether the caller may use this route at all, unless a statement has answered that already.
    pub(super) async fn enter(&mut self) -> Result<(), Error> {
        if self.has_asked || self.caller.is_none() {
            return Ok(());
        }
        self.has_asked = true;
        self.check(&ENTER).await
    }

    /// Runs one of the statements that only say whether the caller may use this route.
    async fn check(&mut self, statement: &Statement) -> Result<(), Error> {
        let scopes = self.scopes();
        let row = self.run(statement, &|| vec![scopes.clone()]).await?;
        if row.outcome()? == Outcome::Entered { Ok(()) } else { Err(row.refusal()) }
    }

    /// The names of the scopes that the route asks for.
    fn scopes(&self) -> ParameterValue {
        ParameterValue::ArrayStr(self.route.scopes.iter().map(|scope| Some(scope.name().to_owned())).collect())
    }

    /// Runs a statement in the caller's name: `$1` is the key's hash, `$2` the workspace, `$3` and on are what is given here.
    /// What a route has not looked at by then, it would ignore, so none of it may be there.
    pub async fn ask(&mut self, statement: &Statement, params: impl Fn() -> Vec<ParameterValue>) -> Result<Row, Error> {
        if !self.has_read_query {
            self.query()?.finish()?;
        }
        // `{}` and `null` say nothing, and some clients cannot send less.
        if self.body.is_some() && self.body_bytes().is_some_and(|bytes| bytes > "null".len()) {
            return Err(Error::field("body", Invalid::malformed("is not read on this route; leave it out")));
        }
        self.must_have_no_other_condition()?;
        let row = self.run(statement, &params).await?;
        self.has_asked = true;
        Ok(row)
    }

    /// A condition that is not looked at would be taken for one that holds.
    fn must_have_no_other_condition(&self) -> Result<(), Error> {
        let if_match = ["If-Match"].into_iter().filter(|_| !self.has_read_if_match);
        let others = UNKNOWN_CONDITIONS.into_iter().filter(|_| !self.is_read());
        match if_match.chain(others).find(|name| self.parts.headers.contains_key(*name)) {
            Some(name) => Err(Error::field(name, Invalid::malformed("is no condition that this request can have; leave it out"))),
            None => Ok(()),
        }
    }

    async fn run(&mut self, statement: &Statement, params: &dyn Fn() -> Vec<ParameterValue>) -> Result<Row, Error> {
        let Some(caller) = &self.caller else {
            return Err(Error::internal("asking the database", "this route has no caller"));
        };
        let all = || {
            let mut all = params![caller.key_hash.to_vec(), caller.workspace];
            all.extend(params());
            all
        };
        let answered = db::one(statement, &all).await;
        if answered.as_ref().is_err_and(|wrong| wrong.fault().is_some_and(|fault| fault.has_cost)) {
            // What failed has taken its count back with it, and would be free however much it cost. The answer is the fault either way.
            let _ = db::one(&ENTER, &|| [params![caller.key_hash.to_vec(), caller.workspace], vec![self.scopes()]].concat()).await;
        }
        let mut row = answered?;
        self.user_id = row.user_id.take();
        self.rate = row.rate;
        Ok(row)
    }

    /// As [`Call::ask`], for a statement that may write an agent's text. Only the database knows whose key it is, so it says when the rules have
    /// to be asked about the text, and which rules: people do not pay for them.
    pub async fn ask_judged(
        &mut self,
        statement: &Statement,
        analysis: Analysis,
        judge: impl FnOnce(WorkspaceRules) -> Judgement,
        params: impl Fn(&Analysis) -> Vec<ParameterValue>,
    ) -> Result<Row, Error> {
        let row = self.ask(statement, || params(&analysis)).await?;
        if row.outcome()? != Outcome::NotJudged {
            return Ok(row);
        }
        let analysis = analysis.with_judgement(judge(row.body()?));
        self.ask(statement, || params(&analysis)).await
    }

    /// Remembers for the log which note the request turned out to be about.
    pub fn is_about(&mut self, note_id: NoteId) {
        self.note_id = Some(note_id);
    }

    /// Remembers for the log who wrote.
    pub fn is_from(&mut self, origin: &OriginId) {
        self.origin = Some(origin.clone());
    }

    /// Lets nobody in but who brings the secret of the workers: what they do, no user does.
    pub async fn must_be_worker(&self) -> Result<(), Error> {
        let secret = settings::variable("jobs_secret").await?;
        // Without a secret nobody is a worker.
        let is_worker = !secret.is_empty()
            && self.header("authorization").and_then(headers::bearer).is_some_and(|sent| is_same(sent.as_bytes(), secret.as_bytes()));
        if is_worker { Ok(()) } else { Err(Error::Unauthorized) }
    }
}

/// Compares without telling by the time it takes how much was right.
fn is_same(sent: &[u8], expected: &[u8]) -> bool {
    Sha256::digest(sent) == Sha256::digest(expected)
}
