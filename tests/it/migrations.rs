//! The schema goes up and down without losing what people keep, on a database with rows in it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use noted::database;
use noted_tests::world::{checkout, shared};
use serde_json::Value;
use sqlx::migrate::{MigrationType, Migrator};
use sqlx::{AssertSqlSafe, ConnectOptions, PgConnection};
use url::Url;
use uuid::Uuid;

/// An empty database of the owner's.
struct Fresh {
    name: String,
    url: Url,
}

impl Fresh {
    async fn new() -> Self {
        let name = format!("fresh_{}", Uuid::new_v4().simple());
        let mut superuser = shared().superuser().await;
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name} owner noted"))).execute(&mut superuser).await.unwrap();
        let mut url = shared().database.owner_url.clone();
        url.set_path(&name);
        let fresh = Self { name, url };
        // As for every database of ours: an extension may need a superuser.
        sqlx::raw_sql("create extension vector").execute(&mut fresh.superuser().await).await.unwrap();
        fresh
    }

    async fn owner(&self) -> PgConnection {
        database::connect(&self.url).await.unwrap()
    }

    async fn superuser(&self) -> PgConnection {
        shared().cluster().superuser(&self.name).connect().await.unwrap()
    }

    /// Every migration, each followed by its sample rows.
    async fn filled() -> Self {
        let fresh = Self::new().await;
        let migrator = Migrator::new(checkout().join("migrations")).await.unwrap();
        let mut owner = fresh.owner().await;
        for version in versions(&migrator) {
            migrator.run_to(version, &mut owner).await.unwrap_or_else(|error| panic!("migration {version}: {error}"));
            fill(&mut owner, version).await;
        }
        database::up(&mut owner).await.unwrap();
        fresh
    }

    /// The rows of every table, as text.
    async fn rows(&self) -> BTreeMap<String, Vec<Value>> {
        let mut superuser = self.superuser().await;
        let tables = "select relname::text from pg_class where relnamespace = to_regnamespace('noted') and relkind in ('r', 'p')";
        let tables: Vec<String> = sqlx::query_scalar(tables).fetch_all(&mut superuser).await.unwrap();
        let mut rows = BTreeMap::new();
        for table in tables {
            let select = format!("select to_jsonb(row) from noted.{table} as row order by to_jsonb(row)::text");
            let found = sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(&mut superuser).await.unwrap();
            rows.insert(table, found);
        }
        rows
    }

    /// Everything that the migrations define, in words.
    async fn schema(&self) -> Vec<String> {
        const OURS: &str = "in ('noted', 'auth', 'sync', 'search', 'api')";
        let parts = [
            "select format('column %s.%s.%s %s %s %s', table_schema, table_name, column_name, data_type, is_nullable, column_default)
             from information_schema.columns where table_schema OURS",
            "select format('constraint %s %s', conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace::regnamespace::text OURS",
            "select format('index %s', indexdef) from pg_indexes where schemaname OURS",
            "select format('policy %s %s %s %s', tablename, policyname, cmd, qual) from pg_policies where schemaname OURS",
            "select format('row security %s %s %s', relname, relrowsecurity, relforcerowsecurity) from pg_class where relnamespace::regnamespace::text OURS",
            "select format('function %s %s %s %s', oid::regprocedure, md5(pg_get_functiondef(oid)), proowner::regrole, proacl) from pg_proc
             where pronamespace::regnamespace::text OURS and prokind = 'f'",
            "select format('grant %s %s', relname, relacl) from pg_class where relnamespace::regnamespace::text OURS and relkind in ('r', 'p')",
            "select format('schema %s %s', nspname, nspacl) from pg_namespace where nspname OURS",
            "select format('default %s %s %s', defaclrole::regrole, defaclnamespace::regnamespace, defaclacl) from pg_default_acl",
        ];
        let mut superuser = self.superuser().await;
        let mut schema: Vec<String> = Vec::new();
        for part in parts {
            let select = part.replace("OURS", OURS);
            let found: Vec<String> = sqlx::query_scalar(AssertSqlSafe(select)).fetch_all(&mut superuser).await.unwrap();
            schema.extend(found);
        }
        schema.sort();
        schema
    }
}

fn versions(migrator: &Migrator) -> Vec<i64> {
    migrator.iter().filter(|migration| migration.migration_type == MigrationType::ReversibleUp).map(|migration| migration.version).collect()
}

/// The sample rows of one migration.
fn sample(version: i64) -> PathBuf {
    let prefix = format!("{version:04}_");
    let samples = std::fs::read_dir(checkout().join("migrations/samples")).unwrap().flatten().map(|entry| entry.path());
    let mut found = samples.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix)));
    found.next().unwrap_or_else(|| panic!("migration {version} has no sample rows"))
}

async fn fill(owner: &mut PgConnection, version: i64) {
    let file = sample(version);
    let sql = std::fs::read_to_string(&file).unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(owner).await.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
}

#[tokio::test]
async fn each_migration_runs_on_the_rows_of_those_before_it() {
    let fresh = Fresh::filled().await;
    for (table, rows) in fresh.rows().await {
        assert!(!rows.is_empty(), "{table} has no sample rows, so no later migration is tried on any");
    }
}

#[tokio::test]
async fn going_down_one_and_up_again_loses_no_row_of_the_earlier_tables() {
    let fresh = Fresh::filled().await;
    let mut owner = fresh.owner().await;
    let all = versions(&Migrator::new(checkout().join("migrations")).await.unwrap());
    for (place, version) in all.iter().enumerate().skip(1).rev() {
        let (before, schema) = (fresh.rows().await, fresh.schema().await);
        let target = all[place - 1];
        database::down(&mut owner, target).await.unwrap();
        let lower = fresh.rows().await;
        assert_ne!(fresh.schema().await, schema, "going down from {version} changed nothing");
        assert_kept(&before, &lower, &format!("down from {version}"));

        database::up(&mut owner).await.unwrap();
        assert_kept(&lower, &fresh.rows().await, &format!("up from {target}"));
        // The next round goes one further down, over rows that are there again.
        for version in &all[place..] {
            fill(&mut owner, *version).await;
        }
    }
}

/// What `after` still has, it has with every row that `before` had, and in each row with all that both have columns for; counters of what went may
/// change.
#[track_caller]
fn assert_kept(before: &BTreeMap<String, Vec<Value>>, after: &BTreeMap<String, Vec<Value>>, case: &str) {
    for (table, rows) in after {
        let Some(earlier) = before.get(table) else { continue };
        if table == "workspaces" {
            assert_eq!(rows.len(), earlier.len(), "{case}: {table}");
        } else {
            assert_eq!(common(rows, earlier), common(earlier, rows), "{case}: {table}");
        }
    }
}

/// Some rows, without the columns that others do not have.
fn common(rows: &[Value], others: &[Value]) -> Vec<String> {
    let is_there = |column: &String| others.first().is_none_or(|other| other.get(column).is_some());
    let shared = |row: &Value| {
        row.as_object()
            .into_iter()
            .flatten()
            .filter(|(column, _)| is_there(column))
            .map(|(column, value)| format!("{column}={value} "))
            .collect()
    };
    let mut shared: Vec<String> = rows.iter().map(shared).collect();
    shared.sort();
    shared
}

#[tokio::test]
async fn texts_of_conflicts_and_counts_of_bytes_survive_the_way_down_and_up() {
    let fresh = Fresh::filled().await;
    let mut owner = fresh.owner().await;
    let texts = "select (select json_agg(text order by note_id, content_sha256) from noted.conflict_texts as text)::text
        || (select json_agg(conflict order by id) from noted.sync_conflicts as conflict)::text
        || (select json_agg(stored_bytes order by id) from noted.workspaces)::text";
    let read = async || -> String { sqlx::query_scalar(texts).fetch_one(&mut fresh.superuser().await).await.unwrap() };
    // What no sample counts is counted on the way.
    database::down(&mut owner, 15).await.unwrap();
    database::up(&mut owner).await.unwrap();
    let before = read().await;
    assert!(before.contains("mine"), "{before}");
    database::down(&mut owner, 15).await.unwrap();
    database::up(&mut owner).await.unwrap();
    assert_eq!(read().await, before);
}

#[tokio::test]
async fn rows_that_this_release_could_not_read_are_mended_and_their_clients_are_told() {
    let fresh = Fresh::filled().await;
    let mut owner = fresh.owner().await;
    database::down(&mut owner, 15).await.unwrap();
    let mut superuser = fresh.superuser().await;
    // What earlier releases stored for whoever asked: a counter of 2^53 - 1, a thousand writers, a path that no client reads.
    let bad = "update noted.notes set version_vector = '{\"victim\": 9007199254740991}' where title = 'Summary';
        update noted.notes set version_vector = (select jsonb_object_agg('o' || n, 1) from generate_series(1, 1025) as n) where title = 'Written';
        update noted.notes set ide_file_path = 'x/ (Noted).env' where title = 'Changed'";
    sqlx::raw_sql(bad).execute(&mut superuser).await.unwrap();
    let epoch = "select epoch::text from noted.workspaces where id = '00000000-0000-7000-8000-000000000001'";
    let before: String = sqlx::query_scalar(epoch).fetch_one(&mut superuser).await.unwrap();
    database::up(&mut owner).await.unwrap();
    let mended = "select title, version_vector::text, ide_file_path, version from noted.notes
        where title in ('Summary', 'Written', 'Changed') order by title";
    let mended: Vec<(String, String, Option<String>, i64)> = sqlx::query_as(mended).fetch_all(&mut superuser).await.unwrap();
    let expected = [("Changed", "{\"sample\": 1}"), ("Summary", "{\"~\": 2}"), ("Written", "{\"~\": 2}")];
    assert_eq!(mended, expected.map(|(title, vector)| (title.to_owned(), vector.to_owned(), None, 2)));
    let after: String = sqlx::query_scalar(epoch).fetch_one(&mut superuser).await.unwrap();
    assert_ne!(after, before, "every client compares its texts again");
    let places = "select count(*) = count(distinct seq) and max(seq) <= (select seq from noted.workspaces where id = workspace_id)
        from noted.notes group by workspace_id";
    assert!(sqlx::query_scalar::<_, bool>(places).fetch_one(&mut superuser).await.unwrap());
}

#[tokio::test]
async fn going_all_the_way_down_leaves_nothing_and_up_again_builds_the_same() {
    let fresh = Fresh::filled().await;
    let mut owner = fresh.owner().await;
    let before = fresh.schema().await;
    assert!(before.len() > 100, "{before:?}");
    database::down(&mut owner, 0).await.unwrap();
    assert_eq!(fresh.schema().await, Vec::<String>::new());
    database::up(&mut owner).await.unwrap();
    assert_eq!(fresh.schema().await, before);
    let count = versions(&Migrator::new(checkout().join("migrations")).await.unwrap());
    for version in count {
        fill(&mut owner, version).await;
    }
}

#[tokio::test]
async fn running_the_migrations_again_changes_nothing_but_puts_missing_functions_back() {
    let fresh = Fresh::filled().await;
    let mut owner = fresh.owner().await;
    let (schema, rows) = (fresh.schema().await, fresh.rows().await);
    sqlx::raw_sql("drop function api.ide_sync_create").execute(&mut fresh.superuser().await).await.unwrap();
    assert_ne!(fresh.schema().await, schema);
    assert_eq!(database::up(&mut owner).await.unwrap(), 0);
    assert_eq!((fresh.schema().await, fresh.rows().await), (schema, rows));
    let status = database::status(&mut owner).await.unwrap();
    assert!(!status.is_empty() && status.iter().all(|migration| migration.applied), "{status:?}");
}

#[tokio::test]
async fn a_database_that_was_migrated_step_by_step_is_the_same_as_a_fresh_one() {
    let (stepped, fresh) = (Fresh::filled().await, Fresh::new().await);
    database::up(&mut fresh.owner().await).await.unwrap();
    assert_eq!(stepped.schema().await, fresh.schema().await);
}

#[tokio::test]
async fn no_function_stays_whose_file_is_gone_or_whose_signature_was_another() {
    let fresh = Fresh::new().await;
    let mut owner = fresh.owner().await;
    database::up(&mut owner).await.unwrap();
    let schema = fresh.schema().await;
    let older = "create function sync.forgotten() returns integer language sql return 1;
        drop function sync.instant cascade; create function sync.instant(p_at timestamp) returns text language sql return p_at::text;
        set role noted_search; create function search.forgotten() returns integer language sql return 1; reset role";
    sqlx::raw_sql(older).execute(&mut owner).await.unwrap();
    assert_ne!(fresh.schema().await, schema);
    database::up(&mut owner).await.unwrap();
    assert_eq!(fresh.schema().await, schema);
}

#[tokio::test]
async fn a_database_of_the_release_whose_migrations_held_functions_is_taken_over() {
    let fresh = Fresh::filled().await;
    let mut owner = fresh.owner().await;
    let schema = fresh.schema().await;
    // What that release noted down: other files under the same numbers, and four that held nothing but functions.
    database::down(&mut owner, 14).await.unwrap();
    let rows = fresh.rows().await;
    let older = format!(
        "update _sqlx_migrations set checksum = sha384(version::text::bytea);
         update _sqlx_migrations set checksum = decode('{}', 'hex') where version = 1;
         insert into _sqlx_migrations (version, description, success, checksum, execution_time)
           select number, 'functions', true, sha384(number::text::bytea), 0 from generate_series(15, 18) as number",
        database::WITH_FUNCTIONS
    );
    sqlx::raw_sql(AssertSqlSafe(older)).execute(&mut owner).await.unwrap();
    database::up(&mut owner).await.unwrap();
    assert_eq!(fresh.schema().await, schema);
    assert_kept(&rows, &fresh.rows().await, "taken over");
}

#[tokio::test]
async fn whoever_migrates_needs_no_superuser() {
    let fresh = Fresh::new().await;
    let mut owner = fresh.owner().await;
    let powers = "select rolsuper or rolbypassrls or rolreplication from pg_roles where rolname = current_user";
    assert!(!sqlx::query_scalar::<_, bool>(powers).fetch_one(&mut owner).await.unwrap());
    let applied = database::up(&mut owner).await.unwrap();
    assert_eq!(applied, versions(&Migrator::new(checkout().join("migrations")).await.unwrap()).len());
}

#[tokio::test]
async fn every_migration_has_sample_rows_and_a_way_back() {
    let migrator = Migrator::new(checkout().join("migrations")).await.unwrap();
    let numbers = versions(&migrator);
    assert_eq!(numbers, (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(), "numbered without gaps");
    for version in numbers {
        assert!(sample(version).is_file());
        let downs =
            migrator.iter().filter(|migration| migration.version == version && migration.migration_type == MigrationType::ReversibleDown);
        assert_eq!(downs.count(), 1, "migration {version} has no way back");
    }
}

#[tokio::test]
async fn a_target_that_was_never_applied_is_refused_and_changes_nothing() {
    let fresh = Fresh::filled().await;
    let schema = fresh.schema().await;
    let refused = database::down(&mut fresh.owner().await, 99).await.unwrap_err();
    assert!(refused.to_string().contains("migration 99 is not applied"), "{refused}");
    assert_eq!(fresh.schema().await, schema);
}
