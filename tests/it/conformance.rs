//! The host does what the components rely on: the whole list, against the host of this checkout.

use noted_tests::conformance::{self, Options};
use noted_tests::world::World;

#[tokio::test]
async fn the_host_passes_every_case_of_the_list() {
    let world = World::of_probe().await.unwrap();
    let options = Options {
        url: world.base_url().clone(),
        database_url: world.database.app_url.clone(),
        runtime: "noted-host".to_owned(),
        filter: None,
    };
    let report = conformance::run(&options).await.unwrap();
    assert!(report.passed() >= 60, "{report}");
    let failed: Vec<_> = report.outcomes.iter().filter(|outcome| !outcome.problems.is_empty()).collect();
    let names: Vec<_> =
        failed.iter().map(|outcome| format!("{}: {}\n    {}", outcome.group, outcome.name, outcome.problems.join("\n    "))).collect();
    assert!(names.is_empty(), "{} cases failed\n{}", names.len(), names.join("\n"));
}
