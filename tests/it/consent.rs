//! Whether `noted up` lets texts be embedded: with the stand-in, which keeps them here, and not with a provider that nobody agreed to.

use std::path::Path;
use std::process::Command;

use noted::database;
use noted::keys::NewKey;
use noted::local::consent::settle;
use noted::local::folders::Folders;
use noted::local::secrets::{Development, Secrets};
use noted_tests::world::{World, shared_database};
use sqlx::{Connection, PgConnection};

/// A project on the shared database, with a workspace as `noted up` makes it.
struct Project {
    folder: tempfile::TempDir,
    connection: PgConnection,
    key: NewKey,
}

impl Project {
    async fn new(world: &World) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key = world.make_key(|request| request).await.unwrap();
        let mut secrets = Secrets::generate().unwrap();
        secrets.development = Some(Development {
            api_key: key.api_key.clone(),
            workspace_id: key.workspace_id,
            scopes: key.scopes.clone(),
            embeds_locally: false,
        });
        secrets.save(folder.path()).unwrap();
        let connection = database::connect(&world.database.owner_url).await.unwrap();
        Self { folder, connection, key }
    }

    /// What a start does, with what the start before left behind.
    async fn start(&mut self, is_stand_in: bool) -> bool {
        let folders = Folders { cache: self.folder.path().to_owned(), data: self.folder.path().to_owned() };
        let mut secrets = Secrets::load_or_create(&folders.data).unwrap();
        settle(&mut self.connection, &folders, &mut secrets, is_stand_in).await.unwrap()
    }

    /// What `noted embed consent` does.
    async fn consent(&mut self, is_on: bool) {
        let mut transaction = self.connection.begin().await.unwrap();
        let enter = sqlx::query("select set_config('noted.workspace_id', $1, true)").bind(self.key.workspace_id.to_string());
        enter.execute(&mut *transaction).await.unwrap();
        let changed = sqlx::query("update noted.workspaces set ai_processing = $1 where id = $2").bind(is_on).bind(self.key.workspace_id);
        assert_eq!(changed.execute(&mut *transaction).await.unwrap().rows_affected(), 1);
        transaction.commit().await.unwrap();
    }
}

#[tokio::test]
async fn what_the_stand_in_may_embed_no_provider_gets() {
    let mut project = Project::new(shared_database()).await;
    assert!(!project.start(false).await, "nobody agreed to anything");
    assert!(project.start(true).await, "texts stay here");
    assert!(project.start(true).await);
    assert!(!project.start(false).await, "nobody agreed that they leave");
    assert!(!project.start(false).await);
    assert!(project.start(true).await);
}

#[tokio::test]
async fn what_the_owner_of_a_workspace_says_is_kept() {
    let mut project = Project::new(shared_database()).await;
    project.consent(true).await;
    assert!(project.start(false).await, "the owner agreed");
    assert!(project.start(true).await);
    project.consent(false).await;
    assert!(!project.start(true).await, "the owner wants none, not even here");
}

#[tokio::test]
async fn before_there_is_a_workspace_nothing_is_embedded() {
    let project = Project::new(shared_database()).await;
    let folders = Folders { cache: project.folder.path().to_owned(), data: project.folder.path().to_owned() };
    let mut connection = project.connection;
    let mut secrets = Secrets::generate().unwrap();
    assert!(!settle(&mut connection, &folders, &mut secrets, true).await.unwrap());
    assert!(secrets.development.is_none());
}

#[tokio::test]
async fn the_command_that_the_documents_print_gives_consent_and_takes_it_back() {
    let mut project = Project::new(shared_database()).await;
    for (decision, expected) in [("--on", true), ("--off", false)] {
        let mut command = Command::new(Path::new(env!("CARGO_BIN_EXE_conformance")).with_file_name("noted"));
        command.args(["embed", "consent", decision, "--workspace", &project.key.workspace_id.to_string()]);
        let output =
            command.env("DATABASE_URL", shared_database().database.owner_url.as_str()).current_dir(project.folder.path()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let enter = sqlx::query("select set_config('noted.workspace_id', $1, false)").bind(project.key.workspace_id.to_string());
        enter.execute(&mut project.connection).await.unwrap();
        let consents = sqlx::query_scalar::<_, bool>("select ai_processing from noted.workspaces").fetch_one(&mut project.connection).await;
        assert_eq!(consents.unwrap(), expected, "{decision}");
    }
}
