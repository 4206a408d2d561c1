//! Losses that users of other sync tools have reported, one history each, tried against the model and against PostgreSQL.
//!
//! Each history ends with everybody deciding and syncing, and with all the checks that every history gets: nobody replaces what they have not
//! seen, no acknowledged text is gone, nothing comes back, all agree.

use noted_shared::domain::NotePath;
use noted_tests::histories::Operation::{
    self, BackUp, Collect, Delete, Edit, Empty, LoseCursor, LoseState, Rename, Resolve, Restore, Sync,
};
use noted_tests::histories::proof::{Servers, in_database, in_memory};
use noted_tests::histories::{Fault, Keep, run};
use noted_tests::world::shared_database;

/// The desk, the phone and the laptop of one person.
const DESK: usize = 0;
const PHONE: usize = 1;
const LAPTOP: usize = 2;
/// The note that it is about.
const NOTE: usize = 0;

fn sync(who: usize) -> Operation {
    Sync(who, Fault::None)
}

/// The model and PostgreSQL; the model alone where a test asks for nothing else, as for the deliberate bugs of the engine.
fn servers() -> Vec<Servers> {
    let mut servers = vec![in_memory()];
    if std::env::var_os("NOTED_MEMORY_ONLY").is_none() {
        servers.push(in_database(&shared_database().database).unwrap());
    }
    servers
}

/// A note that all three have.
fn everybody_has_the_note() -> Vec<Operation> {
    vec![Edit(DESK, NOTE), sync(DESK), sync(PHONE), sync(LAPTOP)]
}

/// Runs the history on both servers; so many conflicts must be noticed on the way.
fn assert_noticed(then: &[Operation], conflicts: usize) {
    let history = [everybody_has_the_note(), then.to_vec()].concat();
    for servers in servers() {
        let outcome = run(servers().unwrap(), 3, &history).unwrap_or_else(|wrong| panic!("{wrong}\n{history:?}"));
        assert_eq!(outcome.conflicts, conflicts, "{history:?}");
    }
}

#[test]
fn livesync_122_an_edit_of_an_old_version_does_not_replace_a_newer_text() {
    let phone_wakes_up_with_an_old_version = [Edit(DESK, NOTE), sync(DESK), Edit(DESK, NOTE), sync(DESK), Edit(PHONE, NOTE), sync(PHONE)];
    assert_noticed(&phone_wakes_up_with_an_old_version, 1);
}

#[test]
fn livesync_539_a_new_empty_file_does_not_wipe_a_full_note() {
    let daily_note = 3;
    let phone_makes_it_anew = [Edit(DESK, daily_note), sync(DESK), Empty(PHONE, daily_note), sync(PHONE)];
    assert_noticed(&phone_makes_it_anew, 1);
}

#[test]
fn livesync_822_an_emptied_folder_that_remembers_nothing_deletes_nothing() {
    let laptop_is_set_up_again = [LoseState(LAPTOP), Delete(LAPTOP, NOTE), sync(LAPTOP), sync(DESK), sync(PHONE)];
    assert_noticed(&laptop_is_set_up_again, 0);
}

#[test]
fn livesync_822_a_deletion_does_not_spread_over_an_edit() {
    let edited_and_deleted = [Edit(PHONE, NOTE), sync(PHONE), Delete(DESK, NOTE), sync(DESK), sync(LAPTOP)];
    assert_noticed(&edited_and_deleted, 1);
}

#[test]
fn livesync_822_a_deletion_that_is_long_forgotten_does_not_take_an_edit_along() {
    let laptop_comes_back = [Delete(DESK, NOTE), sync(DESK), sync(PHONE), Collect, Edit(LAPTOP, NOTE), sync(LAPTOP)];
    assert_noticed(&laptop_comes_back, 0);
}

#[test]
fn joplin_13531_an_edit_during_an_upload_is_sent_after_it() {
    for step in 0..8 {
        assert_noticed(&[Edit(DESK, NOTE), Sync(DESK, Fault::EditBefore(step, NOTE)), sync(DESK), sync(PHONE)], 0);
    }
}

#[test]
fn joplin_13531_an_edit_during_an_upload_that_conflicts_is_part_of_the_conflict() {
    for step in 0..8 {
        let during = [Edit(DESK, NOTE), sync(DESK), Edit(PHONE, NOTE), Sync(PHONE, Fault::EditBefore(step, NOTE)), sync(PHONE)];
        assert_noticed(&during, 1);
    }
}

#[test]
fn remotely_save_697_no_text_is_dropped_by_bringing_two_together() {
    for keep in [Keep::Merged, Keep::Mine, Keep::Theirs, Keep::Both] {
        let side_by_side =
            [Edit(DESK, NOTE), sync(DESK), Edit(PHONE, NOTE), sync(PHONE), Resolve(PHONE, 0, keep), sync(DESK), sync(LAPTOP)];
        assert_noticed(&side_by_side, 1);
    }
}

#[test]
fn notesnook_9763_a_conflict_is_noticed_whoever_syncs_first() {
    for (first, second) in [(DESK, PHONE), (PHONE, DESK)] {
        assert_noticed(&[Edit(DESK, NOTE), Edit(PHONE, NOTE), sync(first), sync(second)], 1);
    }
}

#[test]
fn a_database_that_is_set_back_replaces_no_newer_file() {
    let all_follow_an_edit = [BackUp, Edit(DESK, NOTE), sync(DESK), sync(PHONE), sync(LAPTOP), Restore];
    let nobody_edits = [sync(PHONE), sync(DESK), sync(LAPTOP)];
    assert_noticed(&[&all_follow_an_edit[..], &nobody_edits].concat(), 0);
    // The desk writes on after the restore, and the phone and the laptop have a text that the database has lost. That the desk's edit grew from it, nobody
    // can tell any more.
    let both_edit = [Edit(DESK, NOTE), sync(DESK), Edit(PHONE, NOTE), sync(PHONE)];
    assert_noticed(&[&all_follow_an_edit[..], &both_edit].concat(), 2);
    let desk_edits = [Edit(DESK, NOTE), sync(DESK), Edit(DESK, NOTE), sync(DESK), sync(PHONE)];
    assert_noticed(&[&all_follow_an_edit[..], &desk_edits].concat(), 2);
    let nobody_can_tell_where_it_was = [LoseCursor(PHONE), sync(PHONE), sync(DESK)];
    assert_noticed(&[&all_follow_an_edit[..], &nobody_can_tell_where_it_was].concat(), 0);
}

#[test]
fn a_move_that_the_database_has_lost_is_made_again() {
    assert_noticed(&[BackUp, Rename(DESK, NOTE, 3), sync(DESK), sync(PHONE), Restore, sync(PHONE), sync(DESK), sync(LAPTOP)], 0);
}

/// What a crash had left unsaid was told of the database as it was before the restore, and hid that the note was deleted after it.
#[test]
fn a_deletion_after_a_restore_counts_for_whoever_had_crashed_before_it() {
    let crashed_before_the_restore = [BackUp, Edit(0, 3), Edit(0, 0), sync(0), Edit(0, 1), Sync(2, Fault::Crash(6)), Restore];
    assert_agreed(&[&crashed_before_the_restore[..], &[sync(0), Delete(0, 0), Sync(2, Fault::Crash(7)), sync(0), Edit(2, 3)]].concat());
}

/// Another file had taken the path to which the note was moved, and the server had lost the text of the one that was left behind.
#[test]
fn a_file_that_a_restored_server_has_moved_is_kept_before_it_goes() {
    let written_after_the_backup =
        [Edit(DESK, NOTE), sync(DESK), sync(PHONE), BackUp, Edit(PHONE, NOTE), Sync(PHONE, Fault::Crash(5)), sync(DESK)];
    let moved_after_the_restore = [Edit(DESK, NOTE), Restore, sync(DESK), Rename(DESK, NOTE, 4), Edit(PHONE, 4), sync(DESK)];
    assert_agreed(&[&written_after_the_backup[..], &moved_after_the_restore].concat());
}

/// A new file has the path that the note had at the time of the backup. That moves nothing: the note's file stays where its owner put it.
#[test]
fn a_file_stays_where_it_was_moved_when_the_database_has_lost_the_move() {
    let moved_after_the_backup = [BackUp, Rename(DESK, NOTE, 1), sync(DESK), Edit(DESK, NOTE), Restore, sync(DESK)];
    let history = [everybody_has_the_note(), moved_after_the_backup.to_vec()].concat();
    for servers in servers() {
        let outcome = run(servers().unwrap(), 3, &history).unwrap_or_else(|wrong| panic!("{wrong}\n{history:?}"));
        assert_eq!(outcome.files.keys().map(NotePath::as_str).collect::<Vec<_>>(), ["a.md", "b.md"]);
    }
}

/// Histories of ours that failed once must not fail again.
fn assert_agreed(history: &[Operation]) {
    for servers in servers() {
        run(servers().unwrap(), 3, history).unwrap_or_else(|wrong| panic!("{wrong}\n{history:?}"));
    }
}

/// Whoever asked for both gave the server's note a name that another note had taken, and then knew neither.
#[test]
fn a_note_whose_move_was_refused_is_not_forgotten() {
    assert_agreed(&[
        Edit(0, 0),
        Edit(2, 3),
        Edit(0, 3),
        sync(0),
        Sync(1, Fault::EditBefore(6, 3)),
        Rename(0, 3, 2),
        sync(0),
        Sync(2, Fault::Crash(8)),
        Edit(1, 2),
        Edit(2, 2),
    ]);
    assert_agreed(&[
        Edit(4, 2),
        Edit(2, 4),
        Sync(4, Fault::CrashInside(0)),
        sync(0),
        Rename(4, 2, 4),
        Sync(1, Fault::CrashInside(0)),
        Edit(0, 2),
        sync(3),
        sync(2),
        Resolve(0, 0, Keep::Both),
        Edit(3, 2),
        Edit(2, 2),
    ]);
}

/// A crash came between the move of a file and its new text, and the note had gone on when the client came back.
#[test]
fn a_move_that_was_cut_short_is_taken_up_where_it_ended() {
    let cut_short = Sync(1, Fault::CrashInside(10));
    let history = [
        vec![
            Edit(4, 4),
            Sync(4, Fault::Crash(6)),
            sync(1),
            Edit(2, 0),
            sync(2),
            Edit(0, 4),
            Edit(2, 4),
            Edit(2, 1),
            Edit(1, 2),
            Edit(4, 4),
        ],
        vec![sync(2), sync(4), Sync(0, Fault::CrashInside(0)), Resolve(4, 0, Keep::Both), cut_short],
    ];
    for servers in servers() {
        run(servers().unwrap(), 5, &history.concat()).unwrap_or_else(|wrong| panic!("{wrong}"));
    }
    let edited_since = [Edit(1, 2), sync(1), sync(2), Edit(0, 2), sync(0), Rename(0, 2, 0), Sync(0, Fault::LostAnswer(0))];
    assert_agreed(&[&edited_since[..], &[Edit(2, 3), Sync(2, Fault::CrashInside(8)), Edit(2, 2)]].concat());
    let over_another = [Edit(0, 1), Edit(0, 4), sync(0), sync(1), sync(2), Delete(1, 1), sync(1), Collect, Rename(1, 4, 1), sync(1)];
    assert_agreed(&[&over_another[..], &[Sync(2, Fault::Crash(5))]].concat());
}
