//! Paths: what leads out of the folder or means different files on different systems never gets in, by any door.

use noted_tests::client::{id_of, note_in, note_update};
use noted_tests::world::shared;

use super::{assert_refused, with};

/// Every path that must be refused, with the reason that is told.
fn refused() -> Vec<(String, &'static str)> {
    const LEAVES: &str = "must not leave or repeat a folder with '.' or '..'";
    const ABSOLUTE: &str = "must be relative to the synced folder";
    const ENCODED: &str = "must not contain percent-encoded dots or separators";
    const EMPTY_SEGMENT: &str = "must not have empty segments";
    const EDGES: &str = "must not have segments that start with a space or end with a dot or a space";
    const DEVICE: &str = "must not use a name that Windows reserves for a device";
    const HIDDEN: &str = "must not contain control or invisible characters";
    const COLON: &str = "must not contain ':' (a drive or a stream on some systems)";
    const GIT: &str = "must not lie inside .git";
    const LONG: &str = "must be at most 1024 bytes";
    let short = [
        ("../x", LEAVES),
        ("..\\x", LEAVES),
        ("a/../../b", LEAVES),
        ("./a", LEAVES),
        ("a/.", LEAVES),
        ("a/..", LEAVES),
        (".", LEAVES),
        ("..", LEAVES),
        ("/abs", ABSOLUTE),
        ("\\\\srv\\x", ABSOLUTE),
        ("\\abs", ABSOLUTE),
        ("C:\\x", COLON),
        ("c:x", COLON),
        ("a:stream", COLON),
        ("file:///etc/passwd", COLON),
        ("%2e%2e%2f", ENCODED),
        ("%252e", ENCODED),
        ("..%c0%af", ENCODED),
        ("a%00b", ENCODED),
        ("a%5Cb", ENCODED),
        ("....//", EDGES),
        ("a//b", EMPTY_SEGMENT),
        ("a/", EMPTY_SEGMENT),
        ("a.", EDGES),
        ("a ", EDGES),
        (" a", EDGES),
        ("a./b", EDGES),
        ("...", EDGES),
        ("CON", DEVICE),
        ("NUL.md", DEVICE),
        ("aux.txt", DEVICE),
        ("docs/com1.md", DEVICE),
        ("lpt9", DEVICE),
        ("a\0b", HIDDEN),
        ("a\nb", HIDDEN),
        ("a\tb", HIDDEN),
        ("a\u{85}b", HIDDEN),
        ("\u{202e}gnp.md", HIDDEN),
        ("\u{feff}a.md", HIDDEN),
        ("a\u{200b}b", HIDDEN),
        (".git/config", GIT),
        ("a/.GIT/x", GIT),
        ("git~1/x", GIT),
        ("", "must not be empty"),
    ];
    let mut all: Vec<_> = short.map(|(path, reason)| (path.to_owned(), reason)).into();
    all.push(("x".repeat(256), "must have segments of at most 255 bytes"));
    all.push((format!("{}a", "\u{e9}".repeat(128)), "must have segments of at most 255 bytes"));
    all.push((vec!["x".repeat(204); 5].join("/") + "x", LONG));
    all.push((vec!["x".repeat(250); 11].join("/"), LONG));
    all.push(("x/".repeat(2048), LONG));
    all.push((vec!["x"; 200].join("/"), "must have at most 63 folders"));
    all
}

/// Paths that are accepted, and what they are stored as.
fn accepted() -> Vec<(String, String)> {
    let short = [
        ("docs/architecture.md", "docs/architecture.md"),
        ("docs\\windows.md", "docs/windows.md"),
        ("caf\u{65}\u{301}.md", "caf\u{e9}.md"),
        ("-dash.md", "-dash.md"),
        (".obsidian/workspace.json", ".obsidian/workspace.json"),
        (".gitignore", ".gitignore"),
        ("100% sure?.md", "100% sure?.md"),
        ("\u{1f468}\u{200d}\u{1f469}.md", "\u{1f468}\u{200d}\u{1f469}.md"),
        ("console.md", "console.md"),
        ("~/home.md", "~/home.md"),
        ("no extension", "no extension"),
        ("stra\u{df}e.md", "stra\u{df}e.md"),
        ("strasse.md", "strasse.md"),
        ("\u{130}.md", "\u{130}.md"),
        ("\u{131}.md", "\u{131}.md"),
        ("i.md", "i.md"),
        ("folder", "folder"),
        ("folder/a.md", "folder/a.md"),
        ("'; drop table notes; --.md", "'; drop table notes; --.md"),
        ("%_\\like.md", "%_/like.md"),
    ];
    let mut all: Vec<_> = short.map(|(path, stored)| (path.to_owned(), stored.to_owned())).into();
    let long = [
        "x".repeat(255),
        vec!["x"; 64].join("/"),
        // 1,024 bytes.
        [vec!["x".repeat(204); 4].join("/"), "y".repeat(204)].join("/"),
    ];
    all.extend(long.map(|path| (path.clone(), path)));
    all
}

#[tokio::test]
async fn a_path_that_leads_astray_is_refused_on_create() {
    let client = shared().tenant().await;
    for (path, reason) in refused() {
        let message = format!("ide_file_path {reason}");
        let answer = client.create(&note_in(&path, "a")).await;
        assert_refused(&answer, (422, "VALIDATION_ERROR", Some("ide_file_path"), &message), &format!("{path:?}"));
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 0);
}

#[tokio::test]
async fn a_path_that_leads_astray_is_refused_on_rename() {
    let client = shared().tenant().await;
    let note = client.note("a.md", "a").await;
    for (path, reason) in refused() {
        let message = format!("ide_file_path {reason}");
        let answer = client.update(id_of(&note), &with(note_update(&note, "a"), "ide_file_path", path.clone())).await;
        assert_refused(&answer, (422, "VALIDATION_ERROR", Some("ide_file_path"), &message), &format!("{path:?}"));
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["notes"][0], note);
}

#[tokio::test]
async fn a_path_that_is_one_file_everywhere_is_kept_in_one_spelling() {
    let client = shared().tenant().await;
    for (path, stored) in accepted() {
        let answer = client.create(&note_in(&path, "a")).await;
        assert_eq!(answer.status, 201, "{path:?}: {}", answer.body);
        assert_eq!(answer.data(201)["note"]["ide_file_path"], stored, "{path:?}");
    }
    let listed = client.get("/v1/ide-sync/list").await.data(200);
    let paths: Vec<_> = listed["notes"].as_array().unwrap().iter().map(|note| note["ide_file_path"].as_str().unwrap().to_owned()).collect();
    assert_eq!(paths, accepted().into_iter().map(|(_, stored)| stored).collect::<Vec<_>>());
}

#[tokio::test]
async fn two_spellings_of_one_path_are_one_note() {
    let client = shared().tenant().await;
    let pairs = [
        ("caf\u{e9}.md", "cafe\u{301}.md"),
        ("docs/a.md", "docs\\a.md"),
        ("\u{212b}.md", "A\u{30a}.md"),
        ("\u{1e9b}\u{323}.md", "\u{17f}\u{323}\u{307}.md"),
    ];
    for (first, second) in pairs {
        let note = client.note(first, "a").await;
        let answer = client.create(&note_in(second, "b")).await;
        assert_eq!(answer.error(409)["details"]["noted_version"]["id"], note["id"], "{first:?} and {second:?}");
    }
}

#[tokio::test]
async fn paths_that_only_look_alike_are_different_notes() {
    let client = shared().tenant().await;
    for path in ["readme.md", "README.md", "Readme.md", "a/readme.md", "readme", "\u{433}eadme.md"] {
        client.note(path, "a").await;
    }
    assert_eq!(client.get("/v1/ide-sync/list").await.data(200)["total"], 6);
}
