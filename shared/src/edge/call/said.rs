//! What a request says: in its path, its query, its headers and its body.

use super::{Call, KNOW};
use crate::domain::{IdempotencyKey, NoteId};
use crate::edge::body::{self, Announced, Encoding};
use crate::edge::headers::{self, IfMatch};
use crate::edge::held::Held;
use crate::edge::{accept, packing};
use crate::error::Error;
use crate::input::{BatchEntry, Fields, batch_items, text};
use crate::limits;
use bytes::Bytes;

impl Call {
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

    /// Reads a body that need not be there: then neither a type nor a length announces it.
    pub async fn fields_if_any(&mut self) -> Result<Fields, Error> {
        if !self.parts.headers.contains_key("content-type") && self.body_bytes().is_none_or(|bytes| bytes == 0) {
            return Ok(Fields::default());
        }
        let body = self.json().await?;
        if body.is_empty() { Ok(Fields::default()) } else { Fields::from_json(&body) }
    }

    /// Reads the body of a batch, which may be larger than that of one note.
    pub async fn batch(&mut self) -> Result<Vec<Result<BatchEntry, Error>>, Error> {
        let body = self.json_up_to(limits::BATCH_BYTES_MAX, Error::BatchTooLarge).await?;
        batch_items(&body, self.origin_header())
    }

    /// The version of a note that the request demands, if it demands one.
    pub fn if_match(&mut self, note_id: NoteId) -> Result<Option<IfMatch>, Error> {
        self.has_read_if_match = true;
        headers::if_match(&self.parts.headers, note_id)
    }

    /// The version that a change of a note must demand, so that nobody replaces what they have not seen.
    pub fn must_match(&mut self, note_id: NoteId) -> Result<IfMatch, Error> {
        self.if_match(note_id)?.ok_or(Error::PreconditionRequired(None))
    }

    /// Whether the request asks and changes nothing.
    pub(in crate::edge) fn is_read(&self) -> bool {
        self.parts.method == http::Method::GET || self.is_head()
    }

    /// Whether the request wants the headers of a GET alone.
    pub(super) fn is_head(&self) -> bool {
        self.parts.method == http::Method::HEAD
    }

    /// Whether the request asks what it could ask for.
    pub(in crate::edge) fn is_options(&self) -> bool {
        self.parts.method == http::Method::OPTIONS
    }

    /// Whether the client prefers an answer as gzip.
    pub(in crate::edge) fn prefers_gzip(&self) -> bool {
        // Several headers are one list.
        let codings: Vec<_> = self.parts.headers.get_all("accept-encoding").iter().filter_map(|value| value.to_str().ok()).collect();
        packing::prefers_gzip(&codings.join(","))
    }

    /// The entity tags of the answers that the client has already.
    pub fn known_tags(&self) -> Vec<String> {
        headers::if_none_match(&self.parts.headers).map(packing::plain_tag).collect()
    }

    /// Whether the client has this state as gzip, and so is told of it by that form's tag.
    pub(in crate::edge) fn knows_packed(&self, tag: &str) -> bool {
        let packed = packing::packed_tag(tag);
        headers::if_none_match(&self.parts.headers).any(|known| known == packed)
    }

    /// The states of a note that the client has already: versions, with what its entity tags say besides.
    pub fn known_states(&self, note_id: NoteId) -> Vec<String> {
        self.known_tags().iter().filter_map(|tag| headers::state_of(tag, note_id)).map(str::to_owned).collect()
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        headers::one(&self.parts.headers, name)
    }

    /// The length of the body as it travels, where the sender says it; one that is larger than an address here is as large as can be.
    pub(super) fn body_bytes(&self) -> Option<usize> {
        let bytes = self.header("content-length")?.parse::<u64>().ok()?;
        Some(usize::try_from(bytes).unwrap_or(usize::MAX))
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
        let announced = Announced { encoding, bytes: self.body_bytes(), bytes_max, too_large };
        if announced.is_too_large() {
            return Err(announced.too_large);
        }
        // Whatever a stranger sends, it is not worth reading. Nothing is remembered of the answer, so a key that was revoked is unknown at once.
        if !announced.is_small() {
            self.check(&KNOW).await?;
        }
        let Some(body) = self.body.take() else { return Ok(Bytes::new()) };
        let holder = self.caller.as_ref().map_or([0; 32], |caller| caller.key_hash);
        let held = self.held.insert(Held::by(holder));
        let read = body::read(body, announced, held).await;
        if read.is_err() {
            // The request may wait for a statement before it is answered.
            self.held = None;
        }
        read
    }
}
