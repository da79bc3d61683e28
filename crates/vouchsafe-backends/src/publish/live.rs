//! What this node serves, kept as the records say.
//!
//! A write marks the service that it changed, on this node by itself and on others through the change
//! feed; whoever marks then brings up to date. One task at a time reads and publishes, so that what was
//! read last is served last. What fails stays marked, and is served on as it was.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use vouchsafe_logical::publication::Site;
use vouchsafe_logical::{Error, Timestamp};

use super::Publish;
use super::config::Config;
use super::issuer::PublicIssuer;
use super::record::{self, CONFIG, Published, SERVICES, Service};
use super::render;
use super::source::{Pulled, Source};

/// What this node has to do, and what it has done.
#[derive(Default)]
pub(super) struct Live {
    pending: Mutex<Pending>,
    served: tokio::sync::Mutex<Served>,
}

/// Services whose records may have changed since they were read.
#[derive(Debug)]
enum Pending {
    All,
    Some(BTreeSet<String>),
}

impl Default for Pending {
    /// A fresh mount has read nothing.
    fn default() -> Self {
        Self::All
    }
}

impl Pending {
    fn add(&mut self, subdomain: &str) {
        if let Self::Some(services) = self {
            services.insert(subdomain.to_owned());
        }
    }
}

/// What is served of which service.
#[derive(Default)]
struct Served {
    services: BTreeMap<String, Entry>,
    owners: HashMap<Site, String>,
    /// Servers that are asked for documents.
    sources: BTreeMap<String, Pulled>,
}

struct Entry {
    site: Site,
    changes_at: Option<Timestamp>,
}

/// What is served of a service.
enum Shown<'a> {
    /// The keys of this server's own issuer, whatever they are.
    Own,
    Published(&'a Published),
}

impl<'a> Shown<'a> {
    fn of(service: &'a Service) -> Option<Self> {
        match service.source {
            Some(Source::Own) => Some(Self::Own),
            Some(Source::Pulled(_)) | None => service.published.as_ref().map(Self::Published),
        }
    }
}

impl Live {
    /// Some node wrote `key`.
    pub(super) fn invalidate(&self, key: &str) {
        match key.strip_prefix(SERVICES) {
            Some(subdomain) => self.pending().add(subdomain),
            None if key.is_empty() || key == CONFIG => *self.pending() = Pending::All,
            None => {}
        }
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Pending> {
        // What a panic left is a set of names, which is as good as before.
        self.pending
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn take(&self) -> Pending {
        std::mem::replace(&mut *self.pending(), Pending::Some(BTreeSet::new()))
    }

    fn put_back(&self, taken: Pending) {
        let mut pending = self.pending();
        match taken {
            Pending::All => *pending = Pending::All,
            Pending::Some(services) => services.iter().for_each(|service| pending.add(service)),
        }
    }
}

impl Publish {
    /// Serves what this service's record says, after a write of this node. The write is done, whatever
    /// becomes of this.
    pub(super) async fn show(&self, subdomain: &str) {
        self.live.pending().add(subdomain);
        if let Err(error) = self.bring_up_to_date().await {
            tracing::warn!(%error, "what was published is not served yet; it will be tried again");
        }
    }

    /// Reads what is marked, and what has come to its time, and serves it.
    pub(super) async fn bring_up_to_date(&self) -> Result<(), Error> {
        let mut served = self.live.served.lock().await;
        let now = self.now();
        let mut pending = self.live.take();
        let due = served.services.iter().filter(|(_, entry)| {
            let at = entry.changes_at;
            at.is_some_and(|at| at <= now)
        });
        for (subdomain, _) in due {
            pending.add(subdomain);
        }
        let done = self.serve(&mut served, &pending, now).await;
        if done.is_err() {
            self.live.put_back(pending);
        }
        done
    }

    async fn serve(
        &self,
        served: &mut Served,
        pending: &Pending,
        now: Timestamp,
    ) -> Result<(), Error> {
        let listed;
        let services = match pending {
            Pending::All => {
                listed = self.view.list_all(SERVICES).await?.into_iter().collect();
                &listed
            }
            Pending::Some(services) => services,
        };
        if services.is_empty() && matches!(pending, Pending::Some(_)) {
            return Ok(());
        }
        let config = self.config().await?;
        for subdomain in services {
            let key = record::service(subdomain);
            let service: Option<Service> = self.view.read(&key).await?;
            self.serve_one(served, subdomain, service.as_ref(), &config, now);
        }
        if matches!(pending, Pending::All) {
            let gone: Vec<String> = served.services.keys().cloned().collect();
            for subdomain in gone.iter().filter(|known| !services.contains(*known)) {
                self.serve_one(served, subdomain, None, &config, now);
            }
            // What was served before the server was sealed, and is no longer.
            let stay: HashSet<Site> = served.owners.keys().cloned().collect();
            self.system.publications().withdraw_others(&stay);
        }
        Ok(())
    }

    fn serve_one(
        &self,
        served: &mut Served,
        subdomain: &str,
        service: Option<&Service>,
        config: &Config,
        now: Timestamp,
    ) {
        let publications = self.system.publications();
        match service.and_then(|service| service.source.as_ref()) {
            Some(Source::Pulled(pulled)) => {
                served.sources.insert(subdomain.to_owned(), pulled.clone());
            }
            Some(Source::Own) | None => drop(served.sources.remove(subdomain)),
        }
        let shown = service.and_then(|service| {
            let shown = Shown::of(service)?;
            let issuer = PublicIssuer::parse(&service.issuer);
            if let Err(error) = &issuer {
                tracing::error!(subdomain, %error, "a stored issuer can't be published");
            }
            Some((issuer.ok()?, shown))
        });
        let site = shown.as_ref().map(|(issuer, _)| issuer.site().clone());
        if let Some(before) = served.services.remove(subdomain)
            && site.as_ref() != Some(&before.site)
            && served.owners.get(&before.site).map(String::as_str) == Some(subdomain)
        {
            served.owners.remove(&before.site);
            publications.withdraw(&before.site);
        }
        let Some((issuer, shown)) = shown else {
            return;
        };
        let site = issuer.site().clone();
        let (rendered, changes_at) = match shown {
            Shown::Own => (render::own(&issuer, publications.own(), config), None),
            Shown::Published(published) => (
                render::issuer(&issuer, published, config, now),
                render::changes_at(published, now),
            ),
        };
        publications.publish(&site, rendered);
        served.owners.insert(site.clone(), subdomain.to_owned());
        let entry = Entry { site, changes_at };
        served.services.insert(subdomain.to_owned(), entry);
    }
}

impl Publish {
    /// The services that another server is to be asked about.
    pub(super) async fn sources(&self) -> Vec<(String, Pulled)> {
        let served = self.live.served.lock().await;
        let sources = served.sources.iter();
        sources
            .map(|(subdomain, source)| (subdomain.clone(), source.clone()))
            .collect()
    }
}
