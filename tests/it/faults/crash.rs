//! `kill -9` under load: what was acknowledged is there once, and what was not is there once after a retry.
//!
//! Killing processes does not test a power failure: what they had written stays in the system's cache, so a missing flush to the disk would
//! not be noticed here. Nor does it test a disk that lies or tears pages.

mod writer;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant, SystemTime};

use fastrand::Rng;
use futures::future::join_all;
use noted_tests::client::id_of;
use noted_tests::world::{World, eventually};
use reqwest::Method;
use sqlx::types::Uuid;
use sqlx::{PgConnection, Row};

use super::{PROMISED, alone, assert_no_transaction_is_left};
use writer::{Change, Writer};

const KILLS_OF_EACH_KIND: usize = 20;
/// Workspaces, whose changes are committed side by side; and writers in each, who wait for one another.
const WORKSPACES: usize = 2;
const WRITERS_IN_EACH: usize = 4;
/// So many changes are acknowledged before the blow, so that it falls while others are under way.
const ACKNOWLEDGED_BEFORE: usize = 8;
/// Up to so long after them it falls: anywhere in a request.
const PAUSE_MS_MAX: u64 = 40;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Victim {
    Host,
    Database,
    Both,
}

impl Victim {
    /// How long it may take until a request is served again.
    const fn recovery_max(self) -> Duration {
        match self {
            Self::Host => Duration::from_secs(5),
            Self::Database | Self::Both => Duration::from_secs(15),
        }
    }

    fn kill(self, world: &mut World) {
        if self != Self::Host {
            world.kill_database();
        }
        if self != Self::Database {
            world.kill_host();
        }
    }

    async fn bring_back(self, world: &mut World) {
        if self != Self::Host {
            world.cluster_mut().start_again().await.unwrap();
        }
        if self != Self::Database {
            world.start_host().unwrap();
        }
    }
}

/// What the kills came to.
#[derive(Debug, Default)]
struct Tally {
    recoveries: BTreeMap<Victim, Vec<Duration>>,
    /// Changes without an answer that turned out to be done, and those that were not.
    done_unanswered: usize,
    not_done: usize,
}

#[tokio::test]
async fn sixty_kills_of_host_database_and_both_under_load_lose_and_double_nothing() {
    let seed = std::env::var("NOTED_SEED").map_or_else(|_| Rng::new().u64(..), |seed| seed.parse().unwrap());
    eprintln!("NOTED_SEED={seed} has the same writers and the same kills; where in a request they fall is the machine's choice");
    let mut random = Rng::with_seed(seed);
    let (_turn, mut world) = alone().await;
    let mut writers = Vec::new();
    for workspace in 0..WORKSPACES {
        let client = world.tenant().await;
        writers.extend((0..WRITERS_IN_EACH).map(|number| Writer::new(format!("{workspace}-{number}"), client.clone(), random.fork())));
    }
    let mut victims = [Victim::Host, Victim::Database, Victim::Both].repeat(KILLS_OF_EACH_KIND);
    random.shuffle(&mut victims);

    let mut tally = Tally::default();
    for victim in victims {
        kill_once(&mut world, &mut writers, victim, random.u64(..PAUSE_MS_MAX), &mut tally).await;
    }
    for (victim, recoveries) in &mut tally.recoveries {
        recoveries.sort();
        let (median, longest) = (recoveries[recoveries.len() / 2], recoveries[recoveries.len() - 1]);
        eprintln!("{victim:?}: {} kills, served again after {median:.1?}, at most {longest:.1?}", recoveries.len());
    }
    let Tally { done_unanswered, not_done, .. } = tally;
    let changes: usize = writers.iter().map(|writer| writer.done.len()).sum();
    eprintln!(
        "{changes} changes; without an answer {} of them: {done_unanswered} were done, {not_done} were not",
        done_unanswered + not_done
    );
    assert!(done_unanswered > 0 && not_done > 0, "the kills fell before and after commits");

    for workspace in writers.chunks(WRITERS_IN_EACH) {
        assert_all_is_there_once(&world, workspace).await;
    }
    assert_no_transaction_is_left(&world).await;
}

/// Writers at work, a blow, a recovery, and what is then found and repeated.
async fn kill_once(world: &mut World, writers: &mut [Writer], victim: Victim, pause_ms: u64, tally: &mut Tally) {
    let (acknowledged, over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let witness = writers[0].client.clone();
    let writing = join_all(writers.iter_mut().map(|writer| writer.write(&acknowledged, &over)));
    let blow = async {
        let enough = async || (acknowledged.load(Ordering::Relaxed) >= ACKNOWLEDGED_BEFORE).then_some(());
        eventually("some changes", Duration::from_secs(30), enough).await;
        // Nothing waits for this: it only spreads the blows.
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        victim.kill(world);
        let (struck, struck_at) = (Instant::now(), SystemTime::now());
        victim.bring_back(world).await;
        let witness = witness.at(world.base_url());
        let served = async || {
            let asked = witness.request(Method::GET, "/v1/ide-sync/status").send().await.ok()?;
            (asked.status() == 200).then_some(())
        };
        eventually("a 200", victim.recovery_max(), served).await;
        over.store(true, Ordering::Relaxed);
        (struck.elapsed(), struck_at)
    };
    let (_, (recovery, struck_at)) = tokio::join!(writing, blow);
    assert!(recovery <= victim.recovery_max(), "{victim:?}: served again after {recovery:?} only");
    tally.recoveries.entry(victim).or_default().push(recovery);

    let mut superuser = world.superuser().await;
    assert_nobody_works_on(&mut superuser, struck_at).await;
    let done = keys_done(&mut superuser, writers).await;
    for writer in writers {
        writer.client = writer.client.at(world.base_url());
        if let Some(change) = writer.pending.take() {
            let was_done = done.contains(&change.key);
            *(if was_done { &mut tally.done_unanswered } else { &mut tally.not_done }) += 1;
            repeat(writer, change, was_done).await;
        }
    }
}

/// Waits for the sessions that a killed host left in the middle of a statement: what they commit is committed after that.
async fn assert_nobody_works_on(superuser: &mut PgConnection, struck_at: SystemTime) {
    let struck_at = struck_at.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs_f64();
    let working =
        "select count(*) from pg_stat_activity where usename = 'noted_app' and (state <> 'idle' or backend_start < to_timestamp($1))";
    let ended = async || (sqlx::query_scalar::<_, i64>(working).bind(struck_at).fetch_one(&mut *superuser).await.ok()? == 0).then_some(());
    eventually("the end of the old sessions", PROMISED, ended).await;
}

/// Which of the unanswered changes were done all the same.
async fn keys_done(superuser: &mut PgConnection, writers: &[Writer]) -> BTreeSet<String> {
    let pending: Vec<&str> = writers.iter().filter_map(|writer| Some(writer.pending.as_ref()?.key.as_str())).collect();
    let done = "select idempotency_key from noted.idempotent_requests where idempotency_key = any ($1)";
    sqlx::query_scalar(done).bind(pending).fetch_all(superuser).await.unwrap().into_iter().collect()
}

/// Sends a change again, twice: it is done exactly if it was not before, and both are given the same answer.
async fn repeat(writer: &mut Writer, change: Change, was_done: bool) {
    let again = async || eventually("an answer", PROMISED, async || writer.send(&change).await).await;
    let (first, second) = (again().await, again().await);
    let replayed = [&first, &second].map(|answer| answer.header("idempotent-replayed") == "true");
    assert_eq!(replayed, [was_done, true], "{}: {}", change.key, first.body);
    assert_eq!((first.status, first.json()["data"].clone()), (second.status, second.json()["data"].clone()));
    writer.accept(change, &first);
}

/// A few places where two maps differ.
fn difference<'a>(
    one: &'a BTreeMap<(Uuid, i64), (String, String)>,
    other: &'a BTreeMap<(Uuid, i64), (String, String)>,
) -> Vec<&'a (Uuid, i64)> {
    let keys: BTreeSet<_> = one.keys().chain(other.keys()).collect();
    keys.into_iter().filter(|key| one.get(key) != other.get(key)).take(5).collect()
}

/// Compares a workspace with what its writers were answered: every text of every note, every key, and all that is counted.
async fn assert_all_is_there_once(world: &World, writers: &[Writer]) {
    let client = &writers[0].client;
    let workspace = client.key.workspace_id;
    let mut superuser = world.superuser().await;
    let mut texts = BTreeMap::new();
    for written in writers.iter().flat_map(|writer| &writer.notes) {
        let id: Uuid = id_of(&written.note).parse().unwrap();
        for (version, text) in (1_i64..).zip(&written.texts) {
            assert!(texts.insert((id, version), (written.path.clone(), text.clone())).is_none(), "{id} is answered for two notes");
        }
    }
    let stored = "select note.id, version.number, note.ide_file_path, version.text
        from noted.notes as note
        cross join lateral (
          select note.version as number, note.content as text
          union all select revision.version_number, revision.content from noted.note_revisions as revision
            where revision.workspace_id = note.workspace_id and revision.note_id = note.id
        ) as version
        where note.workspace_id = $1 and note.deleted_at is null";
    let stored = sqlx::query(stored).bind(workspace).fetch_all(&mut superuser).await.unwrap();
    let by_version: BTreeMap<(Uuid, i64), (String, String)> =
        stored.iter().map(|row| ((row.get(0), row.get(1)), (row.get(2), row.get(3)))).collect();
    assert_eq!(stored.len(), texts.len());
    assert!(by_version == texts, "not the texts that were acknowledged: {:?}", difference(&by_version, &texts));

    let done: BTreeMap<String, String> = writers.iter().flat_map(|writer| writer.done.iter().cloned()).collect();
    let keys = "select idempotency_key, response_body::json ->> 'id' from noted.idempotent_requests where workspace_id = $1";
    let keys: Vec<(String, String)> = sqlx::query_as(keys).bind(workspace).fetch_all(&mut superuser).await.unwrap();
    assert_eq!((keys.len(), keys.into_iter().collect()), (done.len(), done.clone()));

    let notes = writers.iter().map(|writer| writer.notes.len()).sum::<usize>();
    let counted = "select seq, live_notes, synced_notes from noted.workspaces where id = $1";
    let counted: (i64, i64, i64) = sqlx::query_as(counted).bind(workspace).fetch_one(&mut superuser).await.unwrap();
    let (changes, notes) = (i64::try_from(done.len()).unwrap(), i64::try_from(notes).unwrap());
    assert_eq!(counted, (changes, notes, notes));
    let fed = client.all_changes("include_content=false", "limit=500").await;
    let fed: BTreeMap<i64, String> = fed
        .iter()
        .flat_map(|page| page["changes"].as_array().unwrap())
        .map(|change| (change["seq"].as_i64().unwrap(), id_of(change).to_owned()))
        .collect();
    assert_eq!((fed.len(), fed.last_key_value().map(|(&seq, _)| seq)), (usize::try_from(notes).unwrap(), Some(changes)));
    assert_eq!(fed.values().collect::<BTreeSet<_>>().len(), fed.len(), "the feed tells of each note once");
}
