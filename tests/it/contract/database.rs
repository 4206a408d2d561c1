//! What the components' own role could do, if somebody took it over: call `api.*`, and nothing else.

use noted_shared::domain::ApiKey;
use noted_tests::client::id_of;
use noted_tests::world::shared;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};

async fn app() -> PgConnection {
    shared().database.app_url.as_str().parse::<PgConnectOptions>().unwrap().connect().await.unwrap()
}

/// The SQLSTATE that the statement is refused with; `None` when it is not.
async fn refusal(connection: &mut PgConnection, sql: String) -> Option<String> {
    match sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await {
        Ok(_) => None,
        Err(error) => Some(error.as_database_error().and_then(|error| error.code()).unwrap_or_default().into_owned()),
    }
}

async fn names(sql: &'static str) -> Vec<String> {
    sqlx::query_scalar(sql).fetch_all(&mut shared().superuser().await).await.unwrap()
}

const DENIED: Option<&str> = Some("42501");

#[tokio::test]
async fn the_components_role_can_read_and_write_no_table() {
    let tables =
        names("select relname::text from pg_class where relnamespace = 'noted'::regnamespace and relkind in ('r', 'p', 'v', 'm')").await;
    assert!(tables.len() >= 8, "{tables:?}");
    let mut app = app().await;
    for table in tables {
        for statement in ["select from noted.TABLE", "delete from noted.TABLE", "truncate noted.TABLE", "drop table noted.TABLE"] {
            let refused = refusal(&mut app, statement.replace("TABLE", &table)).await;
            assert_eq!(refused.as_deref(), DENIED, "{statement} of {table}");
        }
    }
}

#[tokio::test]
async fn the_components_role_can_change_nothing_about_the_database() {
    let mut app = app().await;
    let statements = [
        "create table api.mine (id int)",
        "create function api.mine() returns int language sql as 'select 1'",
        "create schema mine",
        "alter function api.health(text) owner to noted_app",
        "set role noted_api",
        "set role noted",
        "select auth.workspace_id()",
        "select noted.new_id()",
        "create role mine",
        "select pg_read_file('/etc/passwd')",
        "copy (select 1) to program 'true'",
    ];
    for statement in statements {
        assert_eq!(refusal(&mut app, statement.to_owned()).await.as_deref(), DENIED, "{statement}");
    }
}

/// The functions of ours that a role may call.
async fn callable(role: &str) -> Vec<String> {
    let callable = sqlx::query_scalar(
        "select p.pronamespace::regnamespace || '.' || p.proname from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname in ('noted', 'auth', 'sync', 'search', 'api')
           and has_schema_privilege($1, n.oid, 'usage') and has_function_privilege($1, p.oid, 'execute')
         order by 1",
    );
    callable.bind(role).fetch_all(&mut shared().superuser().await).await.unwrap()
}

#[tokio::test]
async fn the_components_role_may_call_the_api_and_no_other_function_of_ours() {
    let expected = [
        "api.account_change",
        "api.account_me",
        "api.account_settings",
        "api.agent_compared",
        "api.agent_export",
        "api.agent_feedback",
        "api.agent_report",
        "api.agent_uncompared",
        "api.agent_write_note",
        "api.caller",
        "api.conflicts_list",
        "api.conflicts_read",
        "api.conflicts_resolve",
        "api.conflicts_restore",
        "api.embeddings_backfill",
        "api.embeddings_status",
        "api.folders_create",
        "api.folders_delete",
        "api.folders_edit",
        "api.folders_list",
        "api.health",
        "api.ide_sync_batch",
        "api.ide_sync_changes",
        "api.ide_sync_create",
        "api.ide_sync_delete",
        "api.ide_sync_list",
        "api.ide_sync_status",
        "api.ide_sync_update",
        "api.known_key",
        "api.notes_create",
        "api.notes_delete",
        "api.notes_edit",
        "api.notes_list",
        "api.notes_read",
        "api.notes_restore",
        "api.notes_revisions",
        "api.notes_search",
        "api.notes_trash",
        "api.notes_versions",
        "api.rag_query_begin",
        "api.rag_query_find",
    ];
    assert_eq!(callable("noted_app").await, expected);
}

#[tokio::test]
async fn the_workers_role_may_do_the_workers_jobs_and_nothing_else() {
    let expected = [
        "api.jobs_analysed",
        "api.jobs_begin",
        "api.jobs_claim",
        "api.jobs_collect",
        "api.jobs_collect_begin",
        "api.jobs_embedded",
        "api.jobs_failed",
        "api.jobs_slice",
        "api.jobs_stale",
        "api.jobs_take",
    ];
    assert_eq!(callable("noted_worker").await, expected);
}

#[tokio::test]
async fn the_roles_have_no_powers_of_their_own() {
    let powerful = names(
        "select rolname::text from pg_roles where rolname in ('noted_app', 'noted_api', 'noted_worker', 'noted_search')
         and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)",
    )
    .await;
    assert_eq!(powerful, Vec::<String>::new());
    assert_eq!(
        names("select rolname::text from pg_roles where rolname in ('noted_api', 'noted_search') and rolcanlogin").await,
        Vec::<String>::new()
    );
    let superusers = names("select rolname::text from pg_roles where rolname = 'noted' and (rolsuper or rolbypassrls)").await;
    assert_eq!(superusers, Vec::<String>::new(), "the owner is under row security too");
    let owned = names(
        "select relname::text from pg_class where relowner in ('noted_app'::regrole, 'noted_worker'::regrole)
         union select proname from pg_proc where proowner in ('noted_app'::regrole, 'noted_worker'::regrole)",
    )
    .await;
    assert_eq!(owned, Vec::<String>::new());
}

#[tokio::test]
async fn every_table_of_a_workspace_has_row_security_enabled_and_forced() {
    let open = names(
        "select c.relname::text from pg_class c
         where c.relnamespace in ('noted'::regnamespace, 'search'::regnamespace) and c.relkind in ('r', 'p')
           and (c.relname = 'workspaces' or exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id'))
           and not (c.relrowsecurity and c.relforcerowsecurity and exists (select from pg_policy p where p.polrelid = c.oid))",
    )
    .await;
    assert_eq!(open, Vec::<String>::new());
    let of_nobody = names(
        "select c.relname::text from pg_class c
         where c.relnamespace in ('noted'::regnamespace, 'search'::regnamespace) and c.relkind in ('r', 'p') and c.relname <> 'workspaces'
           and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id')
         order by 1",
    )
    .await;
    assert_eq!(of_nobody, ["providers", "users"], "a table without a workspace is an exception that somebody decided on");
}

#[tokio::test]
async fn every_key_of_a_table_begins_with_the_workspace() {
    let others = names(
        "select con.conname::text from pg_constraint con join pg_class c on c.oid = con.conrelid
         where c.relnamespace in ('noted'::regnamespace, 'search'::regnamespace) and con.contype = 'p'
           and c.relname not in ('users', 'workspaces', 'providers')
           and not exists (select from pg_attribute a where a.attrelid = c.oid and a.attnum = con.conkey[1] and a.attname = 'workspace_id')",
    )
    .await;
    assert_eq!(others, Vec::<String>::new());
}

#[tokio::test]
async fn every_function_that_runs_as_another_role_has_a_pinned_search_path() {
    let definers = "select p.oid::regprocedure::text from pg_proc p where p.prosecdef
         and p.pronamespace::regnamespace::text in ('noted', 'auth', 'sync', 'search', 'api')";
    let all: Vec<String> = names(definers).await;
    assert!(all.len() >= 7, "{all:?}");
    let loose = names(
        "select p.oid::regprocedure::text from pg_proc p where p.prosecdef and p.pronamespace::regnamespace::text in ('noted', 'auth', 'sync', 'search', 'api')
         and not coalesce(p.proconfig && array['search_path=pg_catalog, pg_temp', 'search_path=pg_catalog, public, pg_temp'], false)",
    )
    .await;
    assert_eq!(loose, Vec::<String>::new());
    // Where the operators of vectors are; nobody of ours may put anything else there.
    let writers =
        names("select rolname::text from pg_roles where rolname like 'noted\\_%' and has_schema_privilege(oid, 'public', 'create')").await;
    assert_eq!(writers, Vec::<String>::new());
}

#[tokio::test]
async fn without_a_workspace_even_the_owner_sees_no_rows() {
    let (one, other) = (shared().tenant().await, shared().tenant().await);
    one.note("a.md", "one").await;
    other.note("a.md", "other").await;
    let count =
        "select (select count(*) from noted.notes) + (select count(*) from noted.workspaces) + (select count(*) from noted.user_api_keys)";
    let mut nobody = noted::database::connect(&shared().database.owner_url).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut nobody).await.unwrap(), 0);
    // What a pooled connection is left with after a transaction that had set it.
    sqlx::query("select set_config('noted.workspace_id', '', false)").execute(&mut nobody).await.unwrap();
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut nobody).await.unwrap(), 0);
    assert_eq!(sqlx::query_scalar::<_, i64>(count).fetch_one(&mut shared().inside(&one).await).await.unwrap(), 3);
}

#[tokio::test]
async fn a_workspace_set_by_hand_opens_nothing_without_a_key() {
    let (owner, stranger) = (shared().tenant().await, shared().tenant().await);
    let note = owner.note("a.md", "secret").await;
    let mut app = app().await;
    sqlx::query("select set_config('noted.workspace_id', $1, false)")
        .bind(owner.key.workspace_id.to_string())
        .execute(&mut app)
        .await
        .unwrap();
    let pepper = &shared().secrets.key_pepper;
    let key = ApiKey::parse(&stranger.key.api_key).unwrap().hash(pepper).to_vec();
    let delete = "select outcome from api.ide_sync_delete($1, null, null, '', null, $2::text::uuid, null, null)";
    for (key, expected) in [(vec![0; 32], "unauthorized"), (vec![], "unauthorized"), (key, "not_found")] {
        let outcome: String = sqlx::query_scalar(delete).bind(key).bind(id_of(&note)).fetch_one(&mut app).await.unwrap();
        assert_eq!(outcome, expected);
    }
    let listed: Option<String> =
        sqlx::query_scalar("select bulk from api.ide_sync_list(sha256('nobody'), null, null, null, 0, 10, 1000, true, null, '', '{}')")
            .fetch_one(&mut app)
            .await
            .unwrap();
    assert_eq!(listed, None);
    assert_eq!(owner.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}
