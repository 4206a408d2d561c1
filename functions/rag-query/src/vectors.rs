//! The question's vector, for every model that the workspace has vectors of: while one replaces another, notes have some of the one and some of
//! the other, and a vector can only be compared with its own kind.

use futures::future::join_all;
use noted_shared::domain::embedding::{InputType, ProviderFault, vector_threshold, vector_weight};
use noted_shared::edge::voyage::Provider;
use noted_shared::limits::QUESTION_EMBEDDING_TIMEOUT;
use serde::Deserialize;

/// A model that the workspace has vectors of.
#[derive(Debug, Deserialize)]
pub(crate) struct Model {
    model: String,
    /// The question's vector, if it was asked a moment ago.
    embedding: Option<String>,
    /// Whether the provider failed so often that it is left alone.
    is_open: bool,
}

/// The question's vectors, in columns of the same length, and what came of fetching them.
#[derive(Debug, Default)]
pub(crate) struct Vectors {
    pub(crate) models: Vec<String>,
    pub(crate) embeddings: Vec<String>,
    pub(crate) weights: Vec<String>,
    pub(crate) thresholds: Vec<String>,
    /// Models whose vector was just fetched.
    pub(crate) fresh: Vec<String>,
    /// The model that the provider should have given a vector of, and did not.
    pub(crate) failed: Option<String>,
    /// Whether a vector is missing, whoever is to blame.
    pub(crate) is_failed: bool,
}

impl Vectors {
    /// Fetches what is not known, all models at once. Where no threshold was asked for, each has its own.
    pub(crate) async fn fetch(provider: &Provider, question: &str, threshold: Option<f64>, models: Vec<Model>) -> Self {
        let fetched = join_all(models.into_iter().map(|model| vector(provider, question, model))).await;
        let mut vectors = Self::default();
        for (model, vector) in fetched {
            match vector {
                Ok((embedding, is_fresh)) => {
                    if is_fresh {
                        vectors.fresh.push(model.clone());
                    }
                    vectors.weights.push(vector_weight(&model).to_string());
                    vectors.thresholds.push(threshold.unwrap_or_else(|| vector_threshold(&model)).to_string());
                    vectors.embeddings.push(embedding);
                    vectors.models.push(model);
                }
                // A model that the provider no longer has is no failure of the provider.
                Err(fault) => {
                    vectors.is_failed = true;
                    if fault.is_some_and(|fault| !fault.is_about_the_input()) {
                        vectors.failed = Some(model);
                    }
                }
            }
        }
        vectors
    }
}

/// One vector and whether it was fetched just now; no fault is known where the provider was left alone.
async fn vector(provider: &Provider, question: &str, model: Model) -> (String, Result<(String, bool), Option<ProviderFault>>) {
    let vector = match model.embedding {
        Some(known) => Ok((known, false)),
        None if model.is_open => Err(None),
        None => match provider.embed(&[question], &model.model, InputType::Query, QUESTION_EMBEDDING_TIMEOUT).await {
            Ok(mut embedded) => embedded.vectors.pop().map(|vector| (vector, true)).ok_or(None),
            Err(fault) => Err(Some(fault)),
        },
    };
    (model.model, vector)
}
