//! Every number that bounds something: its unit in its name, its reason beside it.

use std::time::Duration;

/// A note's text. One megabyte is what the contract promises; larger texts would have to be sent in pieces.
pub const CONTENT_BYTES_MAX: usize = 1 << 20;

/// A whole request. JSON may need three bytes for each byte of a text that is escaped to ASCII, and metadata comes on top; reading stops
/// there. Only texts made of control characters grow more (`\u001f`). Sixteen such requests must fit one instance's memory.
pub const BODY_BYTES_MAX: usize = 3 * CONTENT_BYTES_MAX + 256 * 1024;

/// Values in a body, or in one item of a batch: every number, text, list and object. The largest that anybody needs is a version vector. Each takes
/// up to a hundred bytes beside its text, so that a megabyte bounds them all.
pub const JSON_VALUES_MAX: usize = 10_000;

/// Notes in a batch.
pub const BATCH_NOTES_MAX: usize = 100;

/// A whole batch, once unpacked.
pub const BATCH_BYTES_MAX: usize = 10 << 20;

/// A body that is read before its key is known. Reading and parsing so little costs less than the statement that tells strangers apart, which is
/// asked first for everything larger, packed or of unknown length.
pub const STRANGERS_BODY_BYTES_MAX: usize = 8 << 10;

/// The bodies of all requests that are under way in one instance, which may have 128 MiB. Reading a body takes at most twice its bytes beside itself and
/// [`JSON_VALUES_MAX`] values, one body at a time; while a batch is written, its texts, what search needs to know of them, and both once more as
/// parameters take seven times its bytes (`shared/tests/memory.rs`).
pub const INSTANCE_BODY_BYTES_MAX: usize = 16 << 20;

/// The bodies of one key that are under way in one instance: a whole batch, and room is left for others.
pub const KEY_BODY_BYTES_MAX: usize = BATCH_BYTES_MAX + (1 << 20);

/// The time in which a sender must bring the next [`BODY_WINDOW_BYTES_MIN`] of a body, or its end. A body that stalls gives its place back then.
pub const BODY_WINDOW: Duration = Duration::from_secs(5);

/// What must arrive of a body in each [`BODY_WINDOW`]: 6.5 kB a second, which the slowest mobile networks do.
pub const BODY_WINDOW_BYTES_MIN: usize = 32 << 10;

/// A whole body: the largest batch at 87 kB a second.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(120);

/// Answers from this size on are packed for whoever asks for it; smaller ones fit a packet anyway.
pub const PACKED_BYTES_MIN: usize = 1 << 10;

/// A title, in characters as a person counts code points.
pub const TITLE_CHARS_MAX: usize = 200;

/// A path. Far below what an index entry may hold (2,704 bytes), so that a unique index on it can never fail.
pub const PATH_BYTES_MAX: usize = 1024;

/// One segment of a path: the limit of the file systems in use.
pub const PATH_SEGMENT_BYTES_MAX: usize = 255;

/// Folders in a path, the file included; deeper trees are mistakes or attacks.
pub const PATH_SEGMENTS_MAX: usize = 64;

/// The name of an origin, in visible ASCII.
pub const ORIGIN_BYTES_MAX: usize = 128;

/// Writers in one version vector that is read. The database stores 66 names at most; earlier releases stored up to 1,025, and what they stored is
/// still read.
pub const VECTOR_ORIGINS_MAX: usize = 2048;

/// Days for which a workspace may keep conflicts: at least as long as they are listed, at most ten years.
pub const CONFLICT_DAYS: (i32, i32) = (30, 3650);

/// A counter: the largest whole number that every JSON reader keeps exact.
pub const COUNTER_MAX: u64 = (1 << 53) - 1;

/// One text in a note's metadata, in bytes; room for a prompt, not for a second note.
pub const METADATA_TEXT_BYTES_MAX: usize = 4096;

/// An idempotency key, in visible ASCII.
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;

/// Notes on a page when the client names no limit.
pub const PAGE_NOTES_DEFAULT: u32 = 100;

/// Notes on a page at most.
pub const PAGE_NOTES_MAX: u32 = 500;

/// The offset of a page at most: past it a cursor is the way, because the database walks over everything it skips.
pub const OFFSET_MAX: u32 = 100_000;

/// Note text on one page. A page ends early rather than grow past this, so that it fits the memory of an instance several times.
pub const PAGE_BYTES_MAX: u32 = 8 << 20;

/// How much earlier than asked the changes since a time begin. A change carries the time at which its statement began, and is seen when it
/// is committed: what began before a client's last look can come after it. Far longer than a statement may run, so that none is missed.
pub const SINCE_OVERLAP: Duration = Duration::from_secs(60);

/// A request id or correlation id that a client may choose, in visible ASCII.
pub const TRACE_ID_BYTES_MAX: usize = 128;

/// Problems reported for one request; more would help nobody.
pub const PROBLEMS_MAX: usize = 20;

/// Opening a connection and running the one statement, together. A full pool or a dead server would otherwise be waited for without
/// end; clients are promised an answer within five seconds.
pub const DATABASE_TIMEOUT: Duration = Duration::from_millis(4_000);

/// What a client is told to wait when the database cannot be reached, in seconds.
pub const RETRY_AFTER_SECONDS: u32 = 2;

/// Idle connections one instance keeps at most: as many as requests run in it at once.
pub const IDLE_CONNECTIONS_MAX: usize = 16;

/// How long a kept connection is trusted. The server closes idle ones after 30 seconds (a setting of the role `noted_app`); one that is
/// nearly that old is dropped instead of tried.
pub const IDLE_CONNECTION_AGE_MAX: Duration = Duration::from_secs(20);

/// Connecting for a check of the health route.
pub const HEALTH_CONNECT_TIMEOUT: Duration = Duration::from_millis(1_000);

/// Each check of the health route, once connected.
pub const HEALTH_CHECK_TIMEOUT: Duration = Duration::from_millis(50);

/// How long a health answer is reused.
pub const HEALTH_CACHE: Duration = Duration::from_secs(10);

/// Steps of comparing texts for a merge or a diff, counted before the comparison: about a tenth of a second in a component.
pub const MERGE_STEPS_MAX: u64 = 12_000_000;

/// Steps that one line is worth: it is read, hashed and looked up before anything is compared.
pub const MERGE_STEPS_A_LINE: u64 = 32;

/// A question, in characters.
pub const QUESTION_CHARS_MAX: usize = 500;

/// Ids of notes that an agent says it was given: several questions' results.
pub const RAG_CONTEXT_IDS_MAX: usize = 100;

/// What a client calls something of its own, such as a model, in bytes.
pub const NAME_BYTES_MAX: usize = 200;

/// Corrections whose texts one request compares: about a second in a component if all of them are hard.
pub const CORRECTIONS_COMPARED_MAX: i32 = 50;

/// Text of corrections that one request reads.
pub const CORRECTIONS_BYTES_MAX: i32 = 8 << 20;

/// Corrections in one export.
pub const EXAMPLES_MAX: i32 = 1000;

/// What is closer than this teaches nothing.
pub const EXAMPLE_DISTANCE_MIN: i32 = 50;

/// Results of a question at most.
pub const RAG_RESULTS_MAX: u32 = 20;

/// Results of a question that names no number.
pub const RAG_RESULTS_DEFAULT: u32 = 5;

/// Tokens of all results together at most; a model's window has to hold more than our answer.
pub const RAG_TOKENS_MAX: u32 = 8000;

/// The smallest budget that leaves room for a result.
pub const RAG_TOKENS_MIN: u32 = 100;

/// Notes that a search gives at most, and where it names no number.
pub const SEARCH_RESULTS_MAX: u32 = 50;

/// Tags that a note has, and a filter names, at most.
pub const TAGS_MAX: usize = 20;

/// Characters of a snippet.
pub const SNIPPET_CHARS_MAX: usize = 240;

/// How long the vector of a question is waited for; after that its words have to do. As long for those that an agent's text is compared by; after
/// that only exact copies are found.
pub const QUESTION_EMBEDDING_TIMEOUT: Duration = Duration::from_millis(600);

/// How long the vectors of texts are waited for.
pub const EMBEDDING_TIMEOUT: Duration = Duration::from_secs(15);

/// How long one round of the worker goes on taking more work.
pub const ROUND_TIME_MAX: Duration = Duration::from_secs(20);

/// Texts in one request to the provider. It takes 1,000; fewer cost less when a request is lost.
pub const EMBEDDED_TEXTS_MAX: usize = 128;

/// Bytes of all texts in one request to the provider: about 50,000 tokens of English, where the strictest model takes 120,000.
pub const EMBEDDED_BYTES_MAX: usize = 200_000;

/// An answer of the provider, in bytes: as many vectors as text, with room.
pub const EMBEDDINGS_BYTES_MAX: usize = 8 << 20;

/// The size of an agent's note in bytes unless the workspace says otherwise; people may write ten times as much.
pub const AGENT_NOTE_BYTES_MAX: usize = 100 << 10;

/// The least size that a workspace may hold agents' notes to: a smaller one would refuse nearly everything.
pub const AGENT_NOTE_BYTES_LEAST: usize = 1024;

/// Words that a workspace may refuse its agents: each is looked for in each of their texts.
pub const REFUSED_WORDS_MAX: usize = 1000;

/// Folders that lie in one another: deeper trees are mistakes.
pub const FOLDER_DEPTH_MAX: i32 = 16;

/// Folders of a workspace. All of them are one answer, which this keeps below half a megabyte.
pub const FOLDERS_MAX: i32 = 1000;

/// Notes that move when their folder is deleted: each is a change of its own, and all are one transaction of half a second.
pub const FOLDER_NOTES_MOVED_MAX: i32 = 500;
