//! The proof that nobody who follows the changes misses one: followers poll with small pages while eight writers race.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::future::join_all;
use noted_tests::client::{Client, id_of, note_in, note_update};
use noted_tests::world::shared;
use serde_json::Value;

use super::{cursor_of, with};

const WRITERS: usize = 8;
const CHANGES_OF_EACH: usize = 30;

/// What a follower knows: each note by its id, tombstones too.
type Folded = BTreeMap<String, Value>;

/// One writer's share: new notes, edits, renames and deletes of its own notes, and attempts at what all the others want too.
async fn write(client: &Client, writer: usize) {
    let mut own: Vec<Value> = Vec::new();
    for step in 0..CHANGES_OF_EACH {
        let choice = (writer * 7 + step * 5) % 10;
        let origin = format!("writer-{writer}");
        match own.pop() {
            Some(note) if choice < 4 => own.insert(0, client.edited(&note, &format!("{writer} at {step}")).await),
            Some(note) if choice < 6 => {
                let renamed = with(note_update(&note, "renamed"), "ide_file_path", format!("{writer}/renamed-{step}.md"));
                let renamed = with(renamed, "sync_origin_id", origin);
                own.insert(0, client.update(id_of(&note), &renamed).await.data(200)["note"].clone());
            }
            Some(note) if choice < 8 => _ = client.delete(id_of(&note)).await.data(200),
            kept => {
                own.extend(kept);
                own.push(client.note(&format!("{writer}/{step}.md"), "new").await);
                // One of them wins, the others are refused and take no place.
                client.create(&with(note_in(&format!("contested-{step}.md"), &origin), "sync_origin_id", origin.clone())).await;
            }
        }
    }
}

/// Polls until the writers are done and nothing more follows. Answers everything that it was given, in order.
async fn follow(client: &Client, start: String, limit: usize, writers_are_done: &AtomicBool) -> Vec<Value> {
    let mut query = start;
    let mut given = Vec::new();
    loop {
        // Asked before the page, so that a page after the last write is seen.
        let is_last = writers_are_done.load(Ordering::SeqCst);
        let page = client.changes(&format!("{query}&limit={limit}")).await.data(200);
        let changes = page["changes"].as_array().unwrap();
        assert!(changes.len() <= limit, "{} on a page of {limit}", changes.len());
        given.extend(changes.iter().cloned());
        query = format!("cursor={}", cursor_of(&page));
        if is_last && page["has_more"] == false {
            return given;
        }
    }
}

fn fold(mut known: Folded, changes: &[Value]) -> Folded {
    known.extend(changes.iter().map(|change| (id_of(change).to_owned(), change.clone())));
    known
}

/// The notes that live, as the list shows them.
fn living(known: &Folded) -> BTreeMap<String, (i64, Value)> {
    let live = known.iter().filter(|(_, note)| note["deleted_at"].is_null());
    live.map(|(id, note)| (id.clone(), (note["seq"].as_i64().unwrap(), note["content"].clone()))).collect()
}

async fn listed(client: &Client) -> Folded {
    let mut known = Folded::new();
    let mut query = "limit=500".to_owned();
    loop {
        let page = client.get(&format!("/v1/ide-sync/list?{query}")).await.data(200);
        known = fold(known, page["notes"].as_array().unwrap());
        let Some(cursor) = page["next_cursor"].as_str() else { return known };
        query = format!("limit=500&cursor={cursor}");
    }
}

/// Every note of the workspace with the place of its latest change, from the table itself.
async fn places(client: &Client) -> BTreeMap<String, i64> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select id::text, seq from noted.notes").fetch_all(&mut shared().inside(client).await).await.unwrap();
    rows.into_iter().collect()
}

#[tokio::test]
async fn no_follower_misses_a_change_while_eight_writers_race() {
    let client = shared().tenant().await;
    join_all((0..20).map(async |number| client.note(&format!("before/{number}.md"), "before").await)).await;
    let before = listed(&client).await;
    let middle = client.changes("limit=500").await.data(200);
    let after = middle["changes"].as_array().unwrap().last().unwrap()["seq"].as_i64().unwrap();
    let done = AtomicBool::new(false);

    let writers = async {
        join_all((0..WRITERS).map(|writer| write(&client, writer))).await;
        done.store(true, Ordering::SeqCst);
    };
    let from_the_middle = format!("cursor={}", cursor_of(&middle));
    let (whole, late, short, ()) = tokio::join!(
        follow(&client, String::new(), 1, &done),
        follow(&client, from_the_middle.clone(), 3, &done),
        follow(&client, from_the_middle, 50, &done),
        writers,
    );

    let (list, places) = (living(&listed(&client).await), places(&client).await);
    assert!(list.len() > 20 && places.len() > list.len(), "{} live of {}", list.len(), places.len());
    for (name, start, known, given) in [
        ("from the beginning", 0, Folded::new(), whole),
        ("three a page", after, before.clone(), late),
        ("fifty a page", after, before, short),
    ] {
        let seqs: Vec<i64> = given.iter().map(|change| change["seq"].as_i64().unwrap()).collect();
        assert!(seqs.is_sorted_by(|one, next| one < next), "{name}: not in order, or twice: {seqs:?}");
        assert!(seqs.first().is_none_or(|&first| first > start), "{name}: something from before the cursor");
        let missed: Vec<_> = places.values().filter(|&&place| place > start && seqs.binary_search(&place).is_err()).collect();
        assert_eq!(missed, Vec::<&i64>::new(), "{name}: places of latest changes that were never given");
        let folded = fold(known, &given);
        assert_eq!(living(&folded), list, "{name}");
        let known: BTreeMap<_, _> = folded.iter().map(|(id, note)| (id.clone(), note["seq"].as_i64().unwrap())).collect();
        assert_eq!(known, places, "{name}: tombstones included, each at its latest place");
    }
}

#[tokio::test]
async fn a_time_taken_while_others_write_misses_none_of_what_they_write_later() {
    let client = shared().tenant().await;
    client.note("before.md", "before").await;
    let done = AtomicBool::new(false);
    let writers = async {
        join_all((0..WRITERS).map(|writer| write(&client, writer))).await;
        done.store(true, Ordering::SeqCst);
    };
    let follower = async {
        let known = listed(&client).await;
        // The server's own time after the list was read: whatever the list does not show was or will be committed about then or later.
        let time = client.get("/v1/ide-sync/status").await.json()["meta"]["timestamp"].as_str().unwrap().to_owned();
        (known, follow(&client, format!("since={time}"), 5, &done).await)
    };
    let ((known, given), ()) = tokio::join!(follower, writers);
    let folded = fold(known, &given);
    assert_eq!(living(&folded), living(&listed(&client).await));
}
