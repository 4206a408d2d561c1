-- Deleted notes are found by their ids only.

drop index noted.notes_trash;
