//! The stores themselves: labels, SQLite files and the statements on them.

use anyhow::{Context, Result, anyhow, bail};
use rusqlite::{Connection, OptionalExtension, params};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

const CREATE: &str = "create table if not exists spin_key_value (
    store text not null, key text not null, value blob not null, primary key (store, key))";
const GET: &str = "select value from spin_key_value where store = ?1 and key = ?2";
const SET: &str = "insert into spin_key_value (store, key, value) values (?1, ?2, ?3)
    on conflict (store, key) do update set value = excluded.value";
const DELETE: &str = "delete from spin_key_value where store = ?1 and key = ?2";
const KEYS: &str = "select key from spin_key_value where store = ?1";
const UPDATE_IF: &str = "update spin_key_value set value = ?3 where store = ?1 and key = ?2 and value = ?4";

/// The application's stores by label, each opened when it is first used.
pub(crate) struct Stores(BTreeMap<String, Arc<Database>>);

/// One SQLite database. Its connection is used by one call at a time.
pub(crate) struct Database {
    /// `None` keeps it in memory.
    path: Option<PathBuf>,
    connection: Mutex<Option<Connection>>,
}

/// An open store: a label in a database.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "the generated module exports it again")]
pub struct Store {
    label: Arc<str>,
    database: Arc<Database>,
}

/// A value that is replaced only if nobody else has replaced it.
#[expect(unreachable_pub, reason = "the generated module exports it again")]
pub struct CompareAndSwap {
    store: Store,
    key: String,
    /// The value that was last read; nothing if none was read or found.
    seen: Arc<Mutex<Option<Vec<u8>>>>,
}

impl Stores {
    /// Defines the stores by label. Labels that mean the same file share it.
    pub(crate) fn new(paths: BTreeMap<String, Option<PathBuf>>) -> Self {
        let mut by_path: BTreeMap<Option<PathBuf>, Arc<Database>> = BTreeMap::new();
        let define = |(label, path): (String, Option<PathBuf>)| {
            let database = || Arc::new(Database { path: path.clone(), connection: Mutex::default() });
            // Two stores in memory are two stores.
            let shared = path.clone().map(|path| Arc::clone(by_path.entry(Some(path)).or_insert_with(database)));
            (label, shared.unwrap_or_else(database))
        };
        Self(paths.into_iter().map(define).collect())
    }

    /// Whether a label is defined at all.
    pub(crate) fn is_defined(&self, label: &str) -> bool {
        self.0.contains_key(label)
    }

    /// The store of a label.
    pub(crate) fn get(&self, label: &str) -> Option<Store> {
        let database = Arc::clone(self.0.get(label)?);
        Some(Store { label: label.into(), database })
    }
}

impl Store {
    /// Opens the database now, so that an unusable file shows when the store is opened.
    pub(crate) async fn open(&self) -> Result<()> {
        self.run(|_, _| Ok(())).await
    }

    pub(crate) async fn get(&self, key: String) -> Result<Option<Vec<u8>>> {
        self.run(move |connection, label| read(connection, label, &key)).await
    }

    pub(crate) async fn set(&self, key: String, value: Vec<u8>) -> Result<()> {
        self.set_many(vec![(key, value)]).await
    }

    pub(crate) async fn delete(&self, key: String) -> Result<()> {
        self.delete_many(vec![key]).await
    }

    pub(crate) async fn exists(&self, key: String) -> Result<bool> {
        self.run(move |connection, label| Ok(connection.prepare_cached(GET)?.exists(params![label, key])?)).await
    }

    pub(crate) async fn keys(&self) -> Result<Vec<String>> {
        self.run(|connection, label| {
            let mut statement = connection.prepare_cached(KEYS)?;
            let keys = statement.query_map([label], |row| row.get(0))?;
            Ok(keys.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The pairs that exist, as Spin answers: a missing key is left out.
    pub(crate) async fn get_many(&self, keys: Vec<String>) -> Result<Vec<(String, Option<Vec<u8>>)>> {
        self.run(move |connection, label| {
            let mut found = Vec::with_capacity(keys.len());
            for key in keys {
                if let Some(value) = read(connection, label, &key)? {
                    found.push((key, Some(value)));
                }
            }
            Ok(found)
        })
        .await
    }

    pub(crate) async fn set_many(&self, pairs: Vec<(String, Vec<u8>)>) -> Result<()> {
        self.run(move |connection, label| {
            let transaction = connection.transaction()?;
            for (key, value) in pairs {
                transaction.prepare_cached(SET)?.execute(params![label, key, value])?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    pub(crate) async fn delete_many(&self, keys: Vec<String>) -> Result<()> {
        self.run(move |connection, label| {
            let transaction = connection.transaction()?;
            for key in keys {
                transaction.prepare_cached(DELETE)?.execute(params![label, key])?;
            }
            Ok(transaction.commit()?)
        })
        .await
    }

    /// Adds to a counter that is kept as eight bytes, least significant first.
    pub(crate) async fn increment(&self, key: String, delta: i64) -> Result<i64> {
        self.run(move |connection, label| {
            let transaction = connection.transaction()?;
            let before = match read(&transaction, label, &key)? {
                Some(value) => <[u8; 8]>::try_from(value).map(i64::from_le_bytes).map_err(|value| not_a_counter(&value))?,
                None => 0,
            };
            let after = before.checked_add(delta).context("the counter would overflow")?;
            transaction.prepare_cached(SET)?.execute(params![label, key, after.to_le_bytes()])?;
            transaction.commit()?;
            Ok(after)
        })
        .await
    }

    /// Starts a comparison; nothing is read yet.
    pub(crate) fn compare_and_swap(&self, key: String) -> CompareAndSwap {
        CompareAndSwap { store: self.clone(), key, seen: Arc::default() }
    }

    /// Runs blocking work away from the threads that serve requests: a write waits for the disk.
    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&mut Connection, &str) -> Result<T> + Send + 'static) -> Result<T> {
        let store = self.clone();
        let task = tokio::task::spawn_blocking(move || store.database.with(|connection| work(connection, &store.label)));
        task.await.map_err(|error| anyhow!("the key-value operation failed: {error}"))?
    }
}

fn not_a_counter(value: &[u8]) -> anyhow::Error {
    anyhow!("the value is not a counter: it has {} bytes instead of 8", value.len())
}

fn read(connection: &Connection, label: &str, key: &str) -> Result<Option<Vec<u8>>> {
    Ok(connection.prepare_cached(GET)?.query_row([label, key], |row| row.get(0)).optional()?)
}

impl CompareAndSwap {
    /// Reads the value and remembers it.
    pub(crate) async fn current(&self) -> Result<Option<Vec<u8>>> {
        let value = self.store.get(self.key.clone()).await?;
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&value);
        Ok(value)
    }

    /// Replaces the value that was seen; `false` means that another one was faster. Without a value to compare with, the new one is set
    /// whatever is there: so does Spin, and a guest that relies on more would lose there.
    pub(crate) async fn swap(&self, value: Vec<u8>) -> Result<bool> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let key = self.key.clone();
        let changed = self.store.run(move |connection, label| {
            Ok(match seen {
                Some(seen) => connection.prepare_cached(UPDATE_IF)?.execute(params![label, key, value, seen])?,
                None => connection.prepare_cached(SET)?.execute(params![label, key, value])?,
            })
        });
        Ok(changed.await? == 1)
    }

    /// The same comparison with the value that is there now, for another attempt.
    pub(crate) async fn again(&self) -> Result<Self> {
        let fresh = self.store.compare_and_swap(self.key.clone());
        fresh.current().await?;
        Ok(fresh)
    }
}

impl Database {
    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T>) -> Result<T> {
        // A transaction that a panic interrupted was rolled back when it was dropped, so the connection is sound.
        let mut guard = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        match guard.as_mut() {
            Some(connection) => work(connection),
            None => work(guard.insert(self.connect()?)),
        }
    }

    fn connect(&self) -> Result<Connection> {
        let connection = match &self.path {
            Some(path) => {
                let folder = path.parent().context("the key-value store has no folder")?;
                std::fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
                Connection::open(path).with_context(|| format!("opening {}", path.display()))?
            }
            None => Connection::open_in_memory()?,
        };
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.execute(CREATE, [])?;
        Ok(connection)
    }
}

/// Refuses labels that no store is defined for.
pub(crate) fn check_labels(component: &str, labels: &[String], stores: &Stores) -> Result<()> {
    match labels.iter().find(|label| !stores.is_defined(label)) {
        Some(label) => bail!("component {component:?}: the key-value store {label:?} is not defined"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> Store {
        Stores::new([("default".to_owned(), None)].into()).get("default").unwrap()
    }

    #[tokio::test]
    async fn what_is_set_can_be_read_listed_and_deleted() {
        let store = store();
        store.set("a".into(), b"1".into()).await.unwrap();
        store.set_many(vec![("b".into(), b"2".into()), ("a".into(), b"3".into())]).await.unwrap();
        assert_eq!(store.get("a".into()).await.unwrap().as_deref(), Some(b"3".as_slice()));
        assert!(store.exists("b".into()).await.unwrap());
        let mut keys = store.keys().await.unwrap();
        keys.sort();
        assert_eq!(keys, ["a", "b"]);
        assert_eq!(store.get_many(vec!["a".into(), "none".into()]).await.unwrap(), [("a".into(), Some(b"3".into()))]);
        store.delete_many(vec!["a".into(), "b".into(), "none".into()]).await.unwrap();
        assert_eq!(store.get("a".into()).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_value_that_is_no_counter_is_an_error_and_harms_nothing() {
        let store = store();
        assert_eq!(store.increment("n".into(), 5).await.unwrap(), 5);
        assert_eq!(store.increment("n".into(), -7).await.unwrap(), -2);
        assert_eq!(store.get("n".into()).await.unwrap().as_deref(), Some((-2_i64).to_le_bytes().as_slice()));
        store.set("text".into(), b"abc".into()).await.unwrap();
        assert!(store.increment("text".into(), 1).await.is_err());
        store.set("full".into(), i64::MAX.to_le_bytes().into()).await.unwrap();
        assert!(store.increment("full".into(), 1).await.is_err());
        assert_eq!(store.increment("n".into(), 1).await.unwrap(), -1);
    }

    #[tokio::test]
    async fn only_the_first_of_two_swaps_succeeds() {
        let store = store();
        store.set("k".into(), b"old".into()).await.unwrap();
        let (one, other) = (store.compare_and_swap("k".into()), store.compare_and_swap("k".into()));
        assert_eq!(one.current().await.unwrap(), other.current().await.unwrap());
        assert!(one.swap(b"one".into()).await.unwrap());
        assert!(!other.swap(b"other".into()).await.unwrap());
        assert!(other.again().await.unwrap().swap(b"other".into()).await.unwrap());
        assert_eq!(store.get("k".into()).await.unwrap().as_deref(), Some(b"other".as_slice()));
    }
}
