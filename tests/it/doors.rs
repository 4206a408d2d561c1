//! Ten seconds at every door at once; `cargo xtask prove` stays a minute.
#![expect(clippy::print_stdout, reason = "the seed and the numbers of a run are its result")]

use std::time::Duration;

use noted_tests::doors::{deadlocks, knock};
use noted_tests::histories::proof::seed;
use noted_tests::world::shared;
use sqlx::{AssertSqlSafe, PgConnection};

const LENGTH: Duration = Duration::from_secs(10);

#[tokio::test]
async fn nobody_waits_for_one_another_in_a_circle() {
    let world = shared();
    let (mut one, mut other) = (world.superuser().await, world.superuser().await);
    let before = deadlocks(&mut one).await.unwrap();
    wait_in_a_circle(&mut one, &mut other).await;
    assert_eq!(deadlocks(&mut one).await.unwrap(), before + 1, "a circle is counted");

    let seed = seed();
    match knock(world, seed, LENGTH, || {}).await {
        Ok(knocked) if knocked.deadlocks == 0 => println!("{knocked}; NOTED_SEED={seed} repeats who went where"),
        Ok(knocked) => panic!("NOTED_SEED={seed}, {knocked}"),
        Err(wrong) => panic!("NOTED_SEED={seed}, {wrong:#}"),
    }
}

/// Two sessions that each hold what the other wants; PostgreSQL ends one of them.
async fn wait_in_a_circle(one: &mut PgConnection, other: &mut PgConnection) {
    let lock = async |session: &mut PgConnection, number: u8| {
        sqlx::raw_sql(AssertSqlSafe(format!("select pg_advisory_xact_lock(710, {number})"))).execute(session).await.map(drop)
    };
    for (session, number) in [(&mut *one, 1), (&mut *other, 2)] {
        sqlx::raw_sql("begin").execute(&mut *session).await.unwrap();
        lock(session, number).await.unwrap();
    }
    let (first, second) = tokio::join!(lock(one, 2), lock(other, 1));
    assert!(first.is_err() != second.is_err(), "{first:?}, {second:?}");
    for session in [one, other] {
        sqlx::raw_sql("rollback").execute(session).await.unwrap();
    }
}
