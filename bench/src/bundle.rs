//! A whole run: what is started, who takes part in which scenario, and what else is read off the running bundle.

use std::fs;
use std::io::IsTerminal;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use noted::local::host::Host;
use noted::output;
use sqlx::ConnectOptions;
use url::Url;

use crate::batch;
use crate::check;
use crate::growth;
use crate::large;
use crate::load::{Numbers, Target};
use crate::merging;
use crate::options::{Options, OtherServer, Part};
use crate::peer::Peer;
use crate::process;
use crate::report::{Component, Memory, Report};
use crate::rounds::{self, Setting};
use crate::scenario::{Contender, Scenario, Work};
use crate::search;
use crate::startup::{Ground, Stack, raise_limit};
use crate::sync;
use crate::tenants::Tenants;
use crate::twin::{DATABASE_URL, KEY_PEPPER};

/// The probe's module; it is no part of the bundle, so it may not have been built.
const PROBE_MODULE: &str = "target/components/wasm32-wasip2/component/probe.wasm";
const PROBE_MANIFEST: &str = "tests/probe/spin.toml";

/// Everything that runs during the rounds.
struct Stage {
    noop: Peer,
    cached: Peer,
    preparing: Peer,
    server: Contender,
    server_url: Url,
    /// Who serves the probe.
    probe: Option<Contender>,
    tenants: Tenants,
    /// The database server's first process, if it is ours.
    database: Option<u32>,
    _probe_host: Option<Host>,
    /// Last, because the others use it.
    stack: Option<Stack>,
}

/// Measures what is asked for.
pub(crate) async fn measure(options: &Options) -> Result<Report> {
    let ground = Ground::new(!options.quick)?;
    let mut report = Report::new(options)?;
    let mut stage = match &options.other.url {
        Some(url) => Stage::of_other(&ground, url, &options.other, &mut report)?,
        None => Stage::of_our_own(&ground, &mut report).await?,
    };
    report.components = component_sizes(ground.project.root())?;
    let numbers = Arc::new(Numbers::from_clock()?);
    check::answers_are_equal(&stage.twin_cached()?, &stage.server, &mut stage.tenants, &numbers).await?;
    said(&format!("twin and {} give equal answers", stage.server.name));
    run_scenarios(options, &mut stage, &numbers, &mut report).await?;
    run_sync(options, &mut stage, &mut report).await;
    run_alone(options, &mut stage, &numbers, &ground.project.root().join("target"), &mut report).await;
    stage.read_memory_after(&mut report)?;
    report.conclude();
    Ok(report)
}

fn said(line: &str) {
    eprintln!("  {line}");
}

impl Stage {
    /// The host and a database of our own, started twice: the second start is the one that a person sees every day, and compiles
    /// nothing, so that its memory is that of a host at rest.
    async fn of_our_own(ground: &Ground, report: &mut Report) -> Result<Self> {
        said("starting PostgreSQL and the host, twice");
        let (stack, start) = ground.start().await?;
        report.first_start = Some(start);
        drop(stack);
        let (stack, start) = ground.start().await?;
        report.second_start = Some(start);
        raise_limit(&stack.database).await?;
        let process_id = stack.host.process_id();
        report.memory.push(Memory { server: "noted-host", when: "idle", bytes: process::resident_bytes(process_id)? });
        let server_url = stack.host.base_url().clone();
        let server = Contender { name: "noted-host", target: Target::new(&server_url)?, process_id: Some(process_id) };
        let probe_host = if ground.project.root().join(PROBE_MODULE).is_file() {
            Some(ground.host(&stack.database, ground.project.root().join(PROBE_MANIFEST), "probe")?)
        } else {
            None
        };
        let probe = probe_host.as_ref().map(contender_of).transpose()?;
        let (database_url, key_pepper) = (stack.database.app_url.as_str(), &ground.secrets.key_pepper);
        let tenants = Tenants::in_database(&stack.database.owner_url, key_pepper).await?;
        let [noop, cached, preparing] = peers(ground.path(), database_url, key_pepper)?;
        let database = stack.database.cluster.as_ref().map(|cluster| cluster.process_id());
        Ok(Self { noop, cached, preparing, server, server_url, probe, tenants, database, _probe_host: probe_host, stack: Some(stack) })
    }

    /// A server that somebody else runs; the twin joins it on its database.
    fn of_other(ground: &Ground, url: &Url, other: &OtherServer, report: &mut Report) -> Result<Self> {
        report.notes.push(format!("the server at {url} was measured, not the host; it was started by somebody else, so its start was not"));
        report.notes.push(format!("it was measured with {} of the 16 workspaces that creates are spread over", other.key.len().min(16)));
        let contender = |url: &Url, process_id| Ok::<_, anyhow::Error>(Contender { name: "server", target: Target::new(url)?, process_id });
        let server = contender(url, other.pid)?;
        let probe = other.probe_url.as_ref().map(|url| contender(url, other.probe_pid)).transpose()?;
        let database_url = other.database_url.as_deref().context("--database-url is missing")?;
        let key_pepper = other.key_pepper.as_deref().context("--key-pepper is missing")?;
        let [noop, cached, preparing] = peers(ground.path(), database_url, key_pepper)?;
        let (tenants, server_url) = (Tenants::Given(other.key.clone()), url.clone());
        Ok(Self { noop, cached, preparing, server, server_url, probe, tenants, database: None, _probe_host: None, stack: None })
    }

    fn twin_cached(&self) -> Result<Contender> {
        contender_of_peer("twin", &self.cached)
    }

    /// Who takes part, the reference first; nobody where the probe is needed and missing.
    fn contenders(&self, work: Work) -> Result<Vec<Contender>> {
        let twin = self.twin_cached()?;
        let preparing = contender_of_peer("twin, preparing each time", &self.preparing)?;
        Ok(match (work, &self.probe) {
            (Work::Noop | Work::Query, None) => Vec::new(),
            (Work::Noop, Some(probe)) => vec![contender_of_peer("bare hyper", &self.noop)?, probe.clone()],
            (Work::Query, Some(probe)) => vec![twin, preparing, probe.clone()],
            (Work::CreateSpread, _) => vec![twin, preparing, self.server.clone()],
            _ => vec![twin, self.server.clone()],
        })
    }

    fn read_memory_after(&self, report: &mut Report) -> Result<()> {
        let known = [(self.server.name, self.server.process_id), ("twin", Some(self.cached.process_id()))];
        for (server, process_id) in known {
            if let Some(process_id) = process_id {
                report.memory.push(Memory { server, when: "after the load", bytes: process::resident_bytes(process_id)? });
            }
        }
        Ok(())
    }
}

fn contender_of(host: &Host) -> Result<Contender> {
    Ok(Contender { name: "noted-host", target: Target::new(host.base_url())?, process_id: Some(host.process_id()) })
}

fn contender_of_peer(name: &'static str, peer: &Peer) -> Result<Contender> {
    Ok(Contender { name, target: Target::new(peer.base_url())?, process_id: Some(peer.process_id()) })
}

/// The floor and the two twins.
fn peers(folder: &Path, database_url: &str, key_pepper: &str) -> Result<[Peer; 3]> {
    let environment = [(DATABASE_URL, database_url), (KEY_PEPPER, key_pepper)];
    Ok([
        Peer::start(&["noop"], &[], &folder.join("noop.log"))?,
        Peer::start(&["twin"], &environment, &folder.join("twin.log"))?,
        Peer::start(&["twin", "--prepare-each-time"], &environment, &folder.join("preparing.log"))?,
    ])
}

async fn run_scenarios(options: &Options, stage: &mut Stage, numbers: &Arc<Numbers>, report: &mut Report) -> Result<()> {
    let bar = output::bar(std::io::stderr().is_terminal());
    for work in Work::ALL.into_iter().filter(|work| options.wants(work.part())) {
        let scenario = Scenario { work, contenders: stage.contenders(work)? };
        if scenario.contenders.is_empty() {
            report.notes.push(format!("{} was left out: nobody serves the probe (cargo xtask build probe)", work.name()));
            continue;
        }
        let mut setting = Setting { options, tenants: &mut stage.tenants, numbers, database: stage.database };
        match rounds::run(&scenario, &mut setting, |doing| bar.set_message(doing)).await {
            Ok(figures) => {
                bar.suspend(|| figures.iter().for_each(|figures| said(&figures.sentence())));
                report.figures.extend(figures);
            }
            // What was measured before is worth something even so.
            Err(error) => report.failures.push(format!("{error:#}")),
        }
    }
    bar.finish_and_clear();
    Ok(())
}

async fn run_sync(options: &Options, stage: &mut Stage, report: &mut Report) {
    if !options.wants(Part::Sync) {
        return;
    }
    if !options.corpus.is_dir() {
        report.notes.push(format!("the sync was left out: {} is not there (--corpus names another folder)", options.corpus.display()));
        return;
    }
    said("syncing the corpus");
    let measured = async {
        let key = stage.tenants.key().await?;
        sync::measure(&options.corpus, options.documents_max(), &stage.server_url, &key).await
    };
    match measured.await {
        Ok(figures) => report.sync = Some(figures),
        Err(error) => report.failures.push(format!("sync: {error:#}")),
    }
}

/// What is measured one request after the other, with a look into the database.
async fn run_alone(options: &Options, stage: &mut Stage, numbers: &Arc<Numbers>, target_folder: &Path, report: &mut Report) {
    let target = stage.server.target.clone();
    if options.wants(Part::Large) {
        said("updating a large note");
        let measured = async { large::measure(&target, &stage.tenants.key().await?, options.times()).await };
        match measured.await {
            Ok(figures) => report.large_update = Some(figures),
            Err(error) => report.failures.push(format!("large update: {error:#}")),
        }
        said("merging large notes");
        let measured = async { merging::measure(&target, &stage.tenants.key().await?, options.times().div_ceil(4)).await };
        match measured.await {
            Ok(figures) => report.merges = figures,
            Err(error) => report.failures.push(format!("merges: {error:#}")),
        }
    }
    let Some(cluster) = stage.stack.as_ref().and_then(|stack| stack.database.cluster.as_ref()) else {
        report.notes.push("batches and growth were left out: they need a database of our own".to_owned());
        return;
    };
    let mut superuser = match cluster.superuser("noted").connect().await {
        Ok(superuser) => superuser,
        Err(error) => return report.failures.push(format!("no superuser: {error:#}")),
    };
    if options.wants(Part::Batch) && !options.corpus.is_dir() {
        report.notes.push(format!("batches were left out: {} is not there", options.corpus.display()));
    } else if options.wants(Part::Batch) {
        said("sending the corpus in batches");
        let (corpus, documents_max) = (&options.corpus, options.documents_max());
        match batch::measure(corpus, documents_max, options.rounds(), &target, &mut stage.tenants, &mut superuser).await {
            Ok(figures) => report.batch = Some(figures),
            Err(error) => report.failures.push(format!("batch: {error:#}")),
        }
    }
    if options.wants(Part::Growth) {
        said("filling workspaces and asking them in turn");
        match growth::measure(&options.sizes(), options.times(), &target, &mut stage.tenants, &mut superuser, numbers).await {
            Ok(figures) => report.growth = figures,
            Err(error) => report.failures.push(format!("growth: {error:#}")),
        }
    }
    if options.wants(Part::Search) {
        said("filling workspaces with chunks and asking questions");
        match search::measure(&options.questions(), &target, &mut stage.tenants, &mut superuser, numbers, target_folder).await {
            Ok(found) => report.search = Some(found),
            Err(error) => report.failures.push(format!("search: {error:#}")),
        }
    }
}

/// The modules of the bundle's manifest that are built.
fn component_sizes(root: &Path) -> Result<Vec<Component>> {
    let manifest: toml::Table = fs::read_to_string(root.join("spin.toml"))?.parse()?;
    let components = manifest.get("component").and_then(toml::Value::as_table).context("spin.toml names no components")?;
    let mut sizes = Vec::new();
    for (name, component) in components {
        let source = component.get("source").and_then(toml::Value::as_str).with_context(|| format!("{name} has no source"))?;
        if let Ok(metadata) = fs::metadata(root.join(source)) {
            sizes.push(Component { name: name.clone(), bytes: metadata.len() });
        }
    }
    Ok(sizes)
}
