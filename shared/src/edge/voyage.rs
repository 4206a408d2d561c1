//! The one request that goes out: texts to a provider of embeddings in the form of Voyage AI, vectors back.
//!
//! Nothing but the texts and the model's name is sent, the answer comes in time or not at all, and what comes is checked before anybody uses it.

use super::settings::variable;
use crate::domain::embedding::{self, Embedded, InputType, ProviderFault};
use crate::error::Error;
use crate::limits::EMBEDDINGS_BYTES_MAX;
use bytes::Bytes;
use futures::StreamExt;
use futures::future::{Either, select};
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{self as spin_http, FullBody};
use std::pin::pin;
use std::time::Duration;

/// A provider of embeddings, as the operator has set it.
#[derive(Clone, Debug)]
pub struct Provider {
    base_url: String,
    key: String,
    /// The model that new vectors are made with.
    pub model: String,
}

impl Provider {
    /// Reads the component's variables.
    pub async fn configured() -> Result<Self, Error> {
        Ok(Self {
            base_url: variable("voyage_base_url").await?.trim_end_matches('/').to_owned(),
            key: variable("voyage_api_key").await?,
            model: variable("voyage_model").await?,
        })
    }

    /// The vectors of some texts, within `limit`.
    pub async fn embed(&self, texts: &[&str], model: &str, input_type: InputType, limit: Duration) -> Result<Embedded, ProviderFault> {
        match select(pin!(self.ask(texts, model, input_type)), pin!(spin_sdk::time::sleep(limit))).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(ProviderFault::Unavailable(format!("no answer within {} ms", limit.as_millis()))),
        }
    }

    async fn ask(&self, texts: &[&str], model: &str, input_type: InputType) -> Result<Embedded, ProviderFault> {
        let unavailable = |why: &str| ProviderFault::Unavailable(why.to_owned());
        let body = Bytes::from(embedding::request_body(texts, model, input_type));
        let request = http::Request::post(format!("{}/embeddings", self.base_url))
            .header(http::header::AUTHORIZATION, format!("Bearer {}", self.key))
            .header(http::header::CONTENT_TYPE, "application/json")
            .header(http::header::CONTENT_LENGTH, body.len())
            .body(FullBody::new(body))
            .map_err(|_| unavailable("voyage_base_url is no address"))?;
        let response = spin_http::send(request).await.map_err(|_| unavailable("cannot be reached"))?;
        let (parts, body) = response.into_parts();
        let mut pieces = body.stream();
        let mut answer = Vec::new();
        while let Some(piece) = pieces.next().await {
            answer.extend_from_slice(&piece.map_err(|_| unavailable("the answer broke off"))?);
            if answer.len() > EMBEDDINGS_BYTES_MAX {
                return Err(ProviderFault::Nonsense("the answer is too long".to_owned()));
            }
        }
        let retry_after = parts.headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        embedding::read_answer(parts.status.as_u16(), retry_after, &answer, texts.len())
    }
}
