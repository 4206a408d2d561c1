//! One request on its way through a component.

use super::body::{self, Encoding, Held};
use super::db::{Outcome, Rate, Row, Statement};
use super::headers::{self, Ids, IfMatch};
use super::settings::{self, settings};
use super::{Request, Route, accept, db};
use crate::domain::{Analysis, IdempotencyKey, Judgement, NoteId, OriginId, WorkspaceId, WorkspaceRules};
use crate::error::Error;
use crate::input::{BatchEntry, Fields, batch_items, text};
use crate::{limits, params};
use bytes::Bytes;
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
    parts: Parts,
    body: Option<IncomingRequestBody>,
    /// The memory that the body takes.
    held: Option<Held>,
    caller: Option<Caller>,
    /// Whether the database has said what the caller may do.
    has_asked: bool,
    has_read_query: bool,
}

struct Caller {
    key_hash: [u8; 32],
    workspace: Option<WorkspaceId>,
}

const ENTER: Statement = Statement::new("checking a caller", "select * from api.caller($1, $2, $3)");

impl Call {
    pub(super) fn new(route: &'static Route, request: Request) -> Self {
        let started = Instant::now();
        let (parts, body) = request.into_parts();
        let ids = Ids::of(&parts.headers);
        let (user_id, rate, note_id, origin, caller) = (None, None, None, None, None);
        let (body, held, has_asked, has_read_query) = (Some(body), None, false, false);
        Self { route, ids, started, user_id, rate, note_id, origin, parts, body, held, caller, has_asked, has_read_query }
    }

    /// Checks what every route checks, before anything is read or asked.
    pub(super) async fn admit(&mut self) -> Result<(), Error> {
        if let Some(allow) = self.route.method
            && self.parts.method.as_str() != allow
        {
            return Err(Error::Method { allow });
        }
        // Several headers are one list.
        let ranges = self.parts.headers.get_all(http::header::ACCEPT);
        if !ranges.iter().all(|range| range.is_empty()) && !ranges.iter().any(|range| range.to_str().is_ok_and(accept::accepts_v1)) {
            return Err(Error::NotAcceptable);
        }
        if !self.route.scopes.is_empty() {
            let key = headers::api_key(&self.parts.headers)?;
            let key_hash = key.hash(&settings().await?.key_pepper);
            let caller = self.caller.insert(Caller { key_hash, workspace: None });
            caller.workspace = headers::workspace(&self.parts.headers)?;
        }
        Ok(())
    }

    /// Asks whether the caller may use this route at all, unless a statement has answered that already.
    pub(super) async fn enter(&mut self) -> Result<(), Error> {
        if self.has_asked || self.caller.is_none() {
            return Ok(());
        }
        let scopes = self.route.scopes;
        let names = || scopes.iter().map(|scope| Some(scope.name().to_owned())).collect();
        let row = self.run(&ENTER, || vec![ParameterValue::ArrayStr(names())]).await?;
        if row.outcome()? == Outcome::Entered { Ok(()) } else { Err(row.refusal()) }
    }

    /// Runs a statement in the caller's name: `$1` is the key's hash, `$2` the workspace, `$3` and on are what is given here.
    /// A route that looked at no query has no parameters, so none may be there.
    pub async fn ask(&mut self, statement: &Statement, params: impl Fn() -> Vec<ParameterValue>) -> Result<Row, Error> {
        if !self.has_read_query {
            self.query()?.finish()?;
        }
        self.run(statement, params).await
    }

    async fn run(&mut self, statement: &Statement, params: impl Fn() -> Vec<ParameterValue>) -> Result<Row, Error> {
        let Some(caller) = &self.caller else {
            return Err(Error::internal("asking the database", "this route has no caller"));
        };
        let all = || {
            let mut all = params![caller.key_hash.to_vec(), caller.workspace];
            all.extend(params());
            all
        };
        let mut row = db::one(statement, all).await?;
        self.has_asked = true;
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

    /// The path, as the client sent it.
    pub fn path(&self) -> &str {
        self.parts.uri.path()
    }

    /// The query as the client sent it, if there is one.
    pub fn raw_query(&self) -> Option<&str> {
        self.parts.uri.query()
    }

    /// A segment of the path, counted from 0 after the first slash; empty where there is none. Spin's own header for what a route leaves open
    /// could be the client's, so the path is read.
    pub fn segment(&self, index: usize) -> &str {
        self.path().split('/').nth(index + 1).unwrap_or_default()
    }

    /// The note that a segment of the path names.
    pub fn note_id(&mut self, segment: usize) -> Result<NoteId, Error> {
        let id = NoteId::parse(self.segment(segment)).map_err(|wrong| Error::field("id", wrong))?;
        self.note_id = Some(id);
        Ok(id)
    }

    /// Remembers for the log which note the request turned out to be about.
    pub fn is_about(&mut self, note_id: NoteId) {
        self.note_id = Some(note_id);
    }

    /// Remembers for the log who wrote.
    pub fn is_from(&mut self, origin: &OriginId) {
        self.origin = Some(origin.clone());
    }

    /// The parameters of the query.
    pub fn query(&mut self) -> Result<Fields, Error> {
        self.has_read_query = true;
        Fields::from_pairs(form_urlencoded::parse(self.raw_query().unwrap_or_default().as_bytes()).into_owned())
    }

    /// As [`Call::change`], for what may be done twice: the idempotency key may be absent.
    pub async fn repeatable_change<T>(
        &mut self,
        parse: impl FnOnce(Fields) -> Result<T, Error>,
    ) -> Result<(Option<IdempotencyKey>, T), Error> {
        let mut fields = Fields::from_json(&self.json().await?)?;
        self.add_headers(&mut fields);
        let key = fields.optional("idempotency_key", text(IdempotencyKey::parse));
        Ok((key, parse(fields)?))
    }

    /// Reads the body of a change and its idempotency key, from the header or the body. Faults in both are told together.
    pub async fn change<T>(&mut self, parse: impl FnOnce(Fields) -> Result<T, Error>) -> Result<(IdempotencyKey, T), Error> {
        let mut fields = Fields::from_json(&self.json().await?)?;
        self.add_headers(&mut fields);
        // A fault here is remembered in the fields, so the parser tells it together with its own.
        let key = fields.required("idempotency_key", text(IdempotencyKey::parse));
        let change = parse(fields)?;
        key.map(|key| (key, change)).ok_or_else(|| Error::internal("reading a change", "a remembered fault was lost"))
    }

    /// Adds the fields that travel in headers.
    pub fn add_headers(&self, fields: &mut Fields) {
        fields.with_header("idempotency_key", self.header("idempotency-key"));
        fields.with_header("sync_origin_id", self.origin_header());
    }

    /// The writer, where a header names it.
    pub fn origin_header(&self) -> Option<&str> {
        self.header("x-sync-origin")
    }

    /// Reads a body that changes nothing.
    pub async fn fields(&mut self) -> Result<Fields, Error> {
        Fields::from_json(&self.json().await?)
    }

    /// Reads the body of a batch, which may be larger than that of one note.
    pub async fn batch(&mut self) -> Result<Vec<Result<BatchEntry, Error>>, Error> {
        let body = self.json_up_to(limits::BATCH_BYTES_MAX, Error::BatchTooLarge).await?;
        batch_items(&body, self.origin_header())
    }

    /// The version of a note that the request demands, if it demands one.
    pub fn if_match(&self, note_id: NoteId) -> Result<Option<IfMatch>, Error> {
        headers::if_match(&self.parts.headers, note_id)
    }

    /// The version that a change of a note must demand, so that nobody replaces what they have not seen.
    pub fn must_match(&self, note_id: NoteId) -> Result<IfMatch, Error> {
        self.if_match(note_id)?.ok_or(Error::PreconditionRequired)
    }

    /// Whether the request asks and changes nothing.
    pub(super) fn is_read(&self) -> bool {
        self.parts.method == http::Method::GET
    }

    /// Lets nobody in but who brings the secret of the workers: what they do, no user does.
    pub async fn must_be_worker(&self) -> Result<(), Error> {
        let secret = settings::variable("jobs_secret").await?;
        // Without a secret nobody is a worker.
        let is_worker = !secret.is_empty()
            && self.header("authorization").and_then(headers::bearer).is_some_and(|sent| is_same(sent.as_bytes(), secret.as_bytes()));
        if is_worker { Ok(()) } else { Err(Error::Unauthorized) }
    }

    /// The entity tags of the answers that the client has already.
    pub fn known_tags(&self) -> Vec<&str> {
        headers::if_none_match(&self.parts.headers)
    }

    /// The states of a note that the client has already: versions, with what its entity tags say besides.
    pub fn known_states(&self, note_id: NoteId) -> Vec<&str> {
        self.known_tags().into_iter().filter_map(|tag| headers::state_of(tag, note_id)).collect()
    }

    fn header(&self, name: &str) -> Option<&str> {
        headers::one(&self.parts.headers, name)
    }

    async fn json(&mut self) -> Result<Bytes, Error> {
        self.json_up_to(limits::BODY_BYTES_MAX, Error::TooLarge).await
    }

    async fn json_up_to(&mut self, bytes_max: usize, too_large: Error) -> Result<Bytes, Error> {
        if !self.header("content-type").is_some_and(accept::is_json) {
            return Err(Error::MediaType);
        }
        let encoding = match self.parts.headers.contains_key("content-encoding") {
            true => Encoding::parse(self.header("content-encoding").ok_or(Error::Encoding)?)?,
            false => Encoding::Plain,
        };
        // A length can be larger than an address here, and is then as large as can be.
        let announced = self.header("content-length").and_then(|length| length.parse::<u64>().ok());
        let announced = announced.map_or(0, |length| usize::try_from(length).unwrap_or(usize::MAX));
        let Some(body) = self.body.take() else { return Ok(Bytes::new()) };
        let (body, held) = body::read(body, encoding, announced, bytes_max, too_large).await?;
        self.held = Some(held);
        Ok(body)
    }
}

/// Compares without telling by the time it takes how much was right.
fn is_same(sent: &[u8], expected: &[u8]) -> bool {
    Sha256::digest(sent) == Sha256::digest(expected)
}
