-- What agents tried and people corrected goes.
drop index noted.notes_text_live;
drop table noted.agent_note_corrections, noted.agent_write_attempts;
