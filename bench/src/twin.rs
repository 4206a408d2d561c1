//! The native twin: the same routes as the bundle's, by axum and tokio-postgres instead of a component and its host.
//!
//! It does what the components do and no less: the same parsing and checks (`noted_shared`), the key's hash, the same SQL functions in
//! the same number of statements, the same envelope and headers, a log line for each request. It lacks what the bench never asks for:
//! other methods and media types, other outcomes than success.

mod answer;
mod call;
mod changes;
mod database;

use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::{get, post};
use clap::Args;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use noted_shared::domain::{Analysis, ContentHash, Cursor, IdempotencyKey, NoteId, Timestamp};
use noted_shared::error::Error;
use noted_shared::input::{Fields, NoteQuery, text};
use noted_shared::limits;
use noted_shared::wire::{NoteIn, NoteOut, NoteReply, SyncStatus};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio_postgres::types::Json;

use crate::peer;
use answer::Reply;
use call::Call;
use database::Database;

/// The environment variables that a twin is given its secrets in, so that no process list shows them.
pub(crate) const DATABASE_URL: &str = "NOTED_BENCH_DATABASE_URL";
pub(crate) const KEY_PEPPER: &str = "NOTED_BENCH_KEY_PEPPER";

/// How a twin is run.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Prepare each statement each time, as Spin does, instead of once for each connection
    #[arg(long)]
    prepare_each_time: bool,
    #[arg(long, env = DATABASE_URL, hide_env_values = true)]
    database_url: String,
    #[arg(long, env = KEY_PEPPER, hide_env_values = true)]
    key_pepper: String,
}

/// What every request needs.
struct Twin {
    database: Database,
    key_pepper: String,
}

const CREATE: &str =
    "select * from api.ide_sync_create($1, $2, $3, $4, $5, $6, $7, $8, $9, $10::text::timestamptz, $11, $12, $13, $14, $15)";
const LIST: &str = "select * from api.ide_sync_list($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
const STATUS: &str = "select * from api.ide_sync_status($1, $2)";

/// Serves until the bench is gone.
pub(crate) async fn serve(options: &Options) -> Result<()> {
    let database = Database::new(&options.database_url, options.prepare_each_time)?;
    let twin = Arc::new(Twin { database, key_pepper: options.key_pepper.clone() });
    let router = Router::new()
        .route("/v1/ide-sync/create", post(create))
        .route("/v1/ide-sync/list", get(list))
        .route("/v1/ide-sync/changes", get(changes::changes))
        .route("/v1/ide-sync/status", get(status))
        .route("/probe/pg", post(query))
        .layer(DefaultBodyLimit::max(limits::BODY_BYTES_MAX))
        .with_state(twin);
    let listener = peer::listen().await?;
    peer::serve_until_alone(accept(listener, router)).await
}

/// As `axum::serve` does it.
async fn accept(listener: TcpListener, router: Router) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await.context("the twin failed")?;
        let router = TowerToHyperService::new(router.clone());
        tokio::spawn(async move {
            let served = match stream.set_nodelay(true) {
                Ok(()) => auto::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), router).await,
                Err(gone) => Err(gone.into()),
            };
            if let Err(error) = served {
                eprintln!("a connection failed: {error}");
            }
        });
    }
}

async fn create(State(twin): State<Arc<Twin>>, headers: HeaderMap, body: Bytes) -> Response {
    let mut call = Call::new("ide_sync_create", headers);
    let result = create_note(&twin, &mut call, &body).await;
    answer::respond(&call, result)
}

async fn create_note(twin: &Twin, call: &mut Call, body: &[u8]) -> Result<Reply, Error> {
    let key_hash = call.key()?.hash(&twin.key_pepper);
    call.expect_json()?;
    let mut fields = Fields::from_json(body)?;
    fields.with_header("idempotency_key", call.header("idempotency-key"));
    fields.with_header("sync_origin_id", call.header("x-sync-origin"));
    let idempotency_key = fields.required("idempotency_key", text(IdempotencyKey::parse));
    let mut note = NoteIn::parse(fields)?;
    let idempotency_key = idempotency_key.ok_or_else(|| Error::internal("reading a change", "a fault was lost"))?;
    let content = note.take_content();
    call.origin = Some(note.sync_origin_id.clone());
    let analysis =
        Analysis::default().with_text(&content, note.content_sha256).with_title(Some(&note.title)).with_path(note.ide_file_path.as_ref());

    let row = twin
        .database
        .reply(
            CREATE,
            &[
                &&key_hash[..],
                &call.workspace()?,
                &idempotency_key.as_str(),
                &ContentHash::of_json(&note).to_string(),
                &note.sync_origin_id.as_str(),
                &note.title.as_str(),
                &content,
                &note.content_sha256.to_string(),
                &note.ide_file_path.as_ref().map(|path| path.as_str()),
                &note.ide_last_modified.to_string(),
                &note.folder_id.map(|id| id.uuid()),
                &note.kind().name(),
                &Json(&note.source_metadata),
                &Json(&note.file_metadata),
                &Json(&analysis),
            ],
        )
        .await?;
    call.user_id.clone_from(&row.user_id);
    row.expect("created")?;
    let note = NoteOut { content: Some(content), ..row.body()? };
    call.note_id = Some(note.id);
    Reply::of(201, &NoteReply { success: true, note }).map(|reply| reply.with_version(1))
}

/// What the statement says about a page besides its notes.
#[derive(Deserialize)]
struct Found {
    total: i64,
    has_more: bool,
    last_id: Option<NoteId>,
    tag: String,
}

#[derive(Serialize)]
struct Rest {
    total: i64,
    has_more: bool,
    next_cursor: Option<Cursor>,
}

async fn list(State(twin): State<Arc<Twin>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let mut call = Call::new("ide_sync_list", headers);
    let result = list_notes(&twin, &mut call, query.as_deref()).await;
    answer::respond(&call, result)
}

async fn list_notes(twin: &Twin, call: &mut Call, query: Option<&str>) -> Result<Reply, Error> {
    let key_hash = call.key()?.hash(&twin.key_pepper);
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let page = NoteQuery::parse_of_editors(Fields::from_pairs(pairs.into_owned())?)?;

    let row = twin
        .database
        .reply(
            LIST,
            &[
                &&key_hash[..],
                &call.workspace()?,
                &page.filters.as_json(),
                &page.cursor.map(|cursor| cursor.after.uuid()),
                &page.offset.cast_signed(),
                &page.limit.cast_signed(),
                &limits::PAGE_BYTES_MAX.cast_signed(),
                &page.with_content,
                &page.fields,
                &query.unwrap_or_default(),
                &Vec::<String>::new(),
            ],
        )
        .await?;
    call.user_id.clone_from(&row.user_id);
    row.expect("listed")?;
    let Found { total, has_more, last_id, tag } = row.body()?;
    let next_cursor = last_id.filter(|_| has_more).map(|after| Cursor { after });
    Ok(Reply::with_bulk("notes", row.bulk.as_deref().unwrap_or_default(), &Rest { total, has_more, next_cursor })?.with_list_tag(tag))
}

/// The counters of a workspace as the statement gives them.
#[derive(Deserialize)]
struct Counters {
    total_synced_notes: i64,
    last_sync_at: Option<Timestamp>,
}

async fn status(State(twin): State<Arc<Twin>>, headers: HeaderMap) -> Response {
    let mut call = Call::new("ide_sync_status", headers);
    let result = sync_status(&twin, &mut call).await;
    answer::respond(&call, result)
}

async fn sync_status(twin: &Twin, call: &mut Call) -> Result<Reply, Error> {
    let key_hash = call.key()?.hash(&twin.key_pepper);
    let row = twin.database.reply(STATUS, &[&&key_hash[..], &call.workspace()?]).await?;
    call.user_id.clone_from(&row.user_id);
    row.expect("status")?;
    let Counters { total_synced_notes, last_sync_at } = row.body()?;
    // The bench's workspaces are not counted, so nothing is left or reset.
    let (rate_limit_remaining, rate_limit_reset_at) = (None, None);
    Reply::of(200, &SyncStatus { total_synced_notes, last_sync_at, sync_enabled: true, rate_limit_remaining, rate_limit_reset_at })
}

/// The one statement that the probe is asked to run.
#[derive(Deserialize)]
struct Order {
    steps: [Step; 1],
}

#[derive(Deserialize)]
struct Step {
    statement: String,
}

async fn query(State(twin): State<Arc<Twin>>, body: Bytes) -> Response {
    let call = Call::new("query", HeaderMap::new());
    answer::respond(&call, run_order(&twin, &body).await)
}

async fn run_order(twin: &Twin, body: &[u8]) -> Result<Reply, Error> {
    let Order { steps: [Step { statement }] } = serde_json::from_slice(body).map_err(|wrong| Error::NotJson(wrong.to_string()))?;
    let row = twin.database.row(&statement, &[]).await?;
    let value: i32 = row.try_get(0).map_err(|wrong| Error::internal("reading a value", wrong.to_string()))?;
    Reply::of(200, &value)
}
