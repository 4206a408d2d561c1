//! How the database does what is asked: pages touched, and scans by table, of everything that a function runs.
//!
//! The function itself is called, in a transaction that is rolled back: its statements are never repeated here, where they could differ.

use anyhow::{Context, Result};
use noted_shared::domain::ContentHash;
use serde_json::Value;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, Postgres, Row};

use super::Filled;

const CREATE: &str =
    "explain (analyze, buffers, timing off, format json) select reply.* from (select gen_random_uuid() || '.md' as path) as new,
    lateral api.ide_sync_create($1, null, gen_random_uuid()::text, $2, 'noted-bench', 'A note', 'text', $2, new.path, now(), null, 'ide_synced',
    '{}', '{}', jsonb_build_object(
      'texts', jsonb_build_object($2, jsonb_build_array(jsonb_build_object(
        'index', 0, 'heading_path', '[]'::jsonb, 'byte_start', 0, 'byte_end', 4, 'words_count', 1, 'words', e'''\x01text'':1'))),
      'names', jsonb_build_object(
        'A note', '{\"words_count\": 1, \"words\": \"note\"}'::jsonb, new.path, '{\"words_count\": 1, \"words\": \"md\"}'::jsonb))) as reply";
const UPDATE: &str =
    "explain (analyze, buffers, timing off, format json) select * from api.ide_sync_update($1, null, gen_random_uuid()::text, $2,
    'noted-bench', $3, $4::text::jsonb, null, null, 'text', $2, now(), null, null, false, null, null, false, null, null)";
const LIST: &str =
    "explain (analyze, buffers, timing off, format json) select * from api.ide_sync_list($1, null, null, $2, 0, 100, 1000000, false,
    null, '', '{}')";
const CHANGES: &str =
    "explain (analyze, buffers, timing off, format json) select * from api.ide_sync_changes($1, null, $2, $3, $4, $4, null, 100,
    1000000, false)";
/// What this transaction has read so far, in the tables that grow with a workspace's notes; the others hold a row for each workspace. What fits in
/// eight pages is read whole because that is faster.
const SCANS: &str = "select relname::text, case when pg_relation_size(relid) > 65536 then seq_scan else 0 end, idx_scan
    from pg_stat_xact_user_tables
    where schemaname = 'noted' and relname in ('notes', 'note_revisions', 'idempotent_requests', 'sync_conflict_events') order by 1";

/// What one call did.
pub(super) struct Plan {
    pub(super) pages: i64,
    pub(super) sequential_scans: Vec<String>,
    pub(super) index_scans: Vec<String>,
}

/// Calls the function of an operation once to warm up, and once to look.
pub(super) async fn of(operation: &str, filled: &Filled, key_hash: &[u8], superuser: &mut PgConnection) -> Result<Plan> {
    call(operation, filled, key_hash, superuser).await?;
    call(operation, filled, key_hash, superuser).await
}

async fn call(operation: &str, filled: &Filled, key_hash: &[u8], superuser: &mut PgConnection) -> Result<Plan> {
    let mut transaction = superuser.begin().await?;
    let before: Vec<(String, i64, Option<i64>)> = sqlx::query_as(SCANS).fetch_all(&mut *transaction).await?;
    // Its type is JSON, whose text is taken as it is.
    let explained: String = query(operation, filled, key_hash).fetch_one(&mut *transaction).await?.try_get_unchecked(0)?;
    let explained: Value = serde_json::from_str(&explained)?;
    let after: Vec<(String, i64, Option<i64>)> = sqlx::query_as(SCANS).fetch_all(&mut *transaction).await?;
    transaction.rollback().await?;
    let plan = explained.get(0).and_then(|explained| explained.get("Plan")).context("no plan")?;
    let blocks = |name: &str| plan.get(name).and_then(Value::as_i64).unwrap_or_default();
    let more = |of: fn(&(String, i64, Option<i64>)) -> i64| {
        let counted = after.iter().zip(&before).map(move |(after, before)| (&after.0, of(after) - of(before)));
        counted.filter(|(_, scans)| *scans > 0).map(|(table, scans)| format!("{table} {scans}")).collect()
    };
    Ok(Plan {
        pages: blocks("Shared Hit Blocks") + blocks("Shared Read Blocks"),
        sequential_scans: more(|counts| counts.1),
        index_scans: more(|counts| counts.2.unwrap_or_default()),
    })
}

fn query<'a>(operation: &str, filled: &'a Filled, key_hash: &'a [u8]) -> Query<'a, Postgres, PgArguments> {
    let hash = ContentHash::of("text").to_string();
    match operation {
        "create" => sqlx::query(CREATE).bind(key_hash).bind(hash),
        "update" => sqlx::query(UPDATE).bind(key_hash).bind(hash).bind(filled.middle).bind(filled.vector.to_string()),
        "list page" => sqlx::query(LIST).bind(key_hash).bind(filled.middle),
        _ => sqlx::query(CHANGES).bind(key_hash).bind(filled.workspace).bind(filled.epoch).bind(filled.half_way().seq),
    }
}
