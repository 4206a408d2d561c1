//! What is measured: for each scenario the requests of a round, and who answers them.

use std::sync::Arc;

use anyhow::Result;

use crate::load::{Numbers, Script, Target};
use crate::notes;
use crate::options::Part;
use crate::tenants::Tenants;

/// Workspaces that creates are spread over. Writes to one workspace wait for each other, because its counter puts them in order.
const WORKSPACES: usize = 16;
/// The fixed rate at which the latency of creates is measured.
pub(crate) const CREATES_PER_SECOND: u32 = 50;

/// One kind of request under one kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Work {
    Noop,
    Query,
    Status,
    CreateSpread,
    CreateSingle,
    CreateAtRate,
    List,
    Changes,
}

/// A server that takes part.
#[derive(Debug, Clone)]
pub(crate) struct Contender {
    pub(crate) name: &'static str,
    pub(crate) target: Target,
    /// Its process, if it is known.
    pub(crate) process_id: Option<u32>,
}

/// A kind of work, and who does it. The first is what the others are compared with.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) work: Work,
    pub(crate) contenders: Vec<Contender>,
}

impl Work {
    /// Every kind, in the order in which they are measured.
    pub(crate) const ALL: [Self; 8] =
        [Self::Noop, Self::Query, Self::Status, Self::CreateSpread, Self::CreateSingle, Self::CreateAtRate, Self::List, Self::Changes];

    /// The name in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Noop => "no-op",
            Self::Query => "select 1",
            Self::Status => "status",
            Self::CreateSpread => "create, 16 workspaces",
            Self::CreateSingle => "create, 1 workspace",
            Self::CreateAtRate => "create, 50/s",
            Self::List => "list 100 notes",
            Self::Changes => "100 changes",
        }
    }

    /// The part of a run that it belongs to.
    pub(crate) const fn part(self) -> Part {
        match self {
            Self::Noop => Part::Noop,
            Self::Query => Part::Query,
            Self::Status => Part::Status,
            Self::CreateSpread | Self::CreateSingle | Self::CreateAtRate => Part::Create,
            Self::List => Part::List,
            Self::Changes => Part::Changes,
        }
    }

    /// Requests a second, where the load does not wait for answers.
    pub(crate) const fn rate(self) -> Option<u32> {
        match self {
            Self::CreateAtRate => Some(CREATES_PER_SECOND),
            _ => None,
        }
    }

    /// The requests of one round, in workspaces of their own.
    pub(crate) async fn script(self, target: &Target, tenants: &mut Tenants, numbers: &Arc<Numbers>) -> Result<Arc<Script>> {
        let requests = match self {
            Self::Noop => vec![notes::noop(target)],
            Self::Query => vec![notes::query(target)],
            Self::Status => vec![notes::status(target, &tenants.key().await?)],
            Self::CreateSpread | Self::CreateAtRate => {
                let keys = tenants.keys(WORKSPACES).await?;
                keys.iter().map(|key| notes::create(target, key)).collect::<Result<_>>()?
            }
            Self::CreateSingle => vec![notes::create(target, &tenants.key().await?)?],
            Self::List => {
                let key = tenants.key().await?;
                notes::fill(target, &key, notes::NOTES_LISTED, numbers).await?;
                vec![notes::list(target, &key)]
            }
            Self::Changes => {
                let key = tenants.key().await?;
                notes::fill(target, &key, notes::NOTES_LISTED, numbers).await?;
                vec![notes::changes(target, &key)]
            }
        };
        Ok(Arc::new(Script::new(requests, Arc::clone(numbers))))
    }
}
