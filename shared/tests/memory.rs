//! What reading a body costs in memory, whatever it holds. One test alone in its program: nobody else allocates meanwhile.
#![cfg(test)]

use noted_shared::domain::{Analysis, ContentHash};
use noted_shared::input::{BatchChange, BatchEntry, Fields, batch_items};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// Beside what is counted for each byte: the values of one item.
const VALUES_BYTES_MAX: usize = 2 << 20;

/// The most memory that `work` takes at once, beyond what was there before.
fn peak<T>(work: impl FnOnce() -> T) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    drop(work());
    MEMORY.peak_usage().saturating_sub(before)
}

/// Bodies of some megabytes that are made to take many times as much.
fn bombs() -> Vec<(&'static str, String)> {
    const VALUES: usize = 2_000_000;
    let names = |count: usize| (0..count).map(|number| format!("\"{number}\":0,")).collect::<String>();
    let crowd = format!("{{{}\"x\":0}}", names(500_000));
    vec![
        ("numbers", format!("{{\"notes\":[{}0]}}", "0,".repeat(VALUES))),
        ("objects", format!("{{\"notes\":[{}0]}}", "{},".repeat(VALUES))),
        ("lists in a note", format!("{{\"notes\":[{{\"title\":[{}0]}}]}}", "[],".repeat(VALUES))),
        ("unknown names", crowd.clone()),
        ("unknown names in a note", format!("{{\"notes\":[{crowd}]}}")),
        ("a vector", format!("{{\"notes\":[{{\"version_vector\":{crowd}}}]}}")),
        ("one name", format!("{{{}\"a\":0}}", "\"a\":0,".repeat(VALUES))),
        ("lists in lists", "[".repeat(4 * VALUES)),
        ("objects in objects", "{\"a\":".repeat(VALUES)),
        ("a number", format!("{{\"notes\":[{}]}}", "9".repeat(4 * VALUES))),
        ("white space", " ".repeat(4 * VALUES)),
        ("a text", format!("{{\"notes\":[\"{}\"]}}", "\\u0061".repeat(VALUES))),
        ("a name", format!("{{\"{}\":0}}", "\\u0061".repeat(VALUES))),
    ]
}

fn prose(note: usize) -> Value {
    let content: String = (0..90_000).map(|word| format!("word{:x} ", word * 7919 % 30_011 + note)).collect();
    json!({
        "title": "Prose", "content": content, "content_sha256": ContentHash::of(&content), "ide_file_path": format!("{note}.md"),
        "ide_last_modified": "2026-01-31T09:30:00Z", "sync_origin_id": "test", "idempotency_key": format!("key-{note}"),
    })
}

/// What a batch takes until its statement is sent: its texts, what search needs to know of them, and both once more as parameters.
fn as_the_component_does(body: Vec<u8>) -> (Vec<String>, Vec<String>) {
    let entries: Vec<BatchEntry> = batch_items(&body, None).unwrap().into_iter().map(Result::unwrap).collect();
    drop(body);
    let (mut contents, mut analyses) = (Vec::new(), Vec::new());
    for mut entry in entries {
        let content = entry.change.take_content();
        let BatchChange::Create(note) = &entry.change else { panic!("a create") };
        analyses.push(serde_json::to_string(&Analysis::default().with_text(&content, note.content_sha256)).unwrap());
        contents.push(content);
    }
    drop((contents.clone(), analyses.clone()));
    (contents, analyses)
}

#[test]
fn what_a_body_takes_is_bounded_by_its_bytes_whatever_it_holds() {
    for (name, body) in bombs() {
        let of_batch = peak(|| batch_items(body.as_bytes(), None));
        let of_note = peak(|| Fields::from_json(body.as_bytes()));
        let bound = 2 * body.len() + VALUES_BYTES_MAX;
        eprintln!("{name}: {:.2} and {:.2} times its bytes beside itself", ratio(of_batch, body.len()), ratio(of_note, body.len()));
        assert!(of_batch <= bound && of_note <= bound, "{name}: {of_batch} and {of_note} for {} bytes", body.len());
    }
    let body = json!({ "notes": (0..9).map(prose).collect::<Vec<_>>() }).to_string().into_bytes();
    let bytes = body.len();
    let whole = bytes + peak(|| as_the_component_does(body));
    eprintln!("a batch of prose: {:.2} times its bytes in all", ratio(whole, bytes));
    assert!(2 * whole <= 15 * bytes, "{whole} for {bytes} bytes");
}

#[expect(clippy::cast_precision_loss, reason = "to be read")]
fn ratio(memory: usize, bytes: usize) -> f64 {
    memory as f64 / bytes as f64
}
