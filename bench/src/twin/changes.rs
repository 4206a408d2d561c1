//! The twin's change feed: the same page by the same statement, passed on unread.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use noted_shared::domain::{ChangeCursor, EpochId, WorkspaceId};
use noted_shared::error::Error;
use noted_shared::input::{Changes, Fields};
use noted_shared::limits;
use serde::{Deserialize, Serialize};

use super::Twin;
use super::answer::{self, Reply};
use super::call::Call;

const CHANGES: &str = "select * from api.ide_sync_changes($1, $2, $3, $4, $5, $6, $7::text::timestamptz, $8, $9, $10)";

/// What the statement says about a page besides its changes.
#[derive(Deserialize)]
struct Found {
    workspace_id: WorkspaceId,
    epoch: EpochId,
    seq: i64,
    floor: i64,
    has_more: bool,
}

#[derive(Serialize)]
struct Rest {
    next_cursor: ChangeCursor,
    has_more: bool,
}

pub(super) async fn changes(State(twin): State<Arc<Twin>>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let mut call = Call::new("ide_sync_changes", headers);
    let result = read(&twin, &mut call, query.as_deref()).await;
    answer::respond(&call, result)
}

async fn read(twin: &Twin, call: &mut Call, query: Option<&str>) -> Result<Reply, Error> {
    let key_hash = call.key()?.hash(&twin.key_pepper);
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let asked = Changes::parse(Fields::from_pairs(pairs.into_owned())?)?;
    let cursor = asked.cursor;
    let row = twin
        .database
        .reply(
            CHANGES,
            &[
                &&key_hash[..],
                &call.workspace()?,
                &cursor.map(|cursor| cursor.workspace.uuid()),
                &cursor.map(|cursor| cursor.epoch.uuid()),
                &cursor.map(|cursor| cursor.seq),
                &cursor.map(|cursor| cursor.floor),
                &asked.since.map(|since| since.earlier_by(limits::SINCE_OVERLAP).to_string()),
                &asked.limit.cast_signed(),
                &limits::PAGE_BYTES_MAX.cast_signed(),
                &asked.include_content,
            ],
        )
        .await?;
    call.user_id.clone_from(&row.user_id);
    row.expect("changed")?;
    let Found { workspace_id: workspace, epoch, seq, floor, has_more } = row.body()?;
    let next_cursor = ChangeCursor { workspace, epoch, seq, floor };
    Reply::with_bulk("changes", row.bulk.as_deref().unwrap_or_default(), &Rest { next_cursor, has_more })
}
