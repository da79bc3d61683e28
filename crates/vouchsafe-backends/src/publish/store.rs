//! Reading and changing services.

use vouchsafe_logical::{Attempts, CallerSummary, Error, Transaction};

use super::Publish;
use super::history::HISTORY_MAX;
use super::record::{self, Published, Service};

/// What history and answers call whoever published something.
pub(super) fn author(caller: &CallerSummary) -> String {
    match (&caller.display_name, &caller.entity_id) {
        (name, Some(entity_id)) => format!("{name} (entity {entity_id})"),
        (name, None) => name.clone(),
    }
}

impl Publish {
    /// A service.
    ///
    /// # Errors
    /// There is none; the store's.
    pub(super) async fn service(&self, subdomain: &str) -> Result<Service, Error> {
        let service = self.view.read(&record::service(subdomain)).await?;
        service.ok_or_else(Error::not_found)
    }

    /// Changes a service that there is, and serves what it publishes then. Another publication than
    /// before enters the history.
    ///
    /// # Errors
    /// There is no such service; those of `change`; the store's.
    pub(super) async fn change<T: Send>(
        &self,
        subdomain: &str,
        mut change: impl FnMut(&mut Service) -> Result<T, Error> + Send,
    ) -> Result<(Service, T), Error> {
        let view = &self.view;
        let key = record::service(subdomain);
        let mut attempts = Attempts::default();
        let changed = loop {
            let mut transaction = view.begin();
            let before: Option<Service> = transaction.read(view, &key).await?;
            let before = before.ok_or_else(Error::not_found)?;
            let mut service = before.clone();
            let answer = change(&mut service)?;
            let number = |service: &Service| service.published.as_ref().map(|it| it.number);
            if let Some(published) = &service.published
                && number(&service) != number(&before)
            {
                remember(&mut transaction, self, subdomain, published)?;
            }
            transaction.put_record(view, &key, &service)?;
            if attempts.commit(transaction).await?.is_done() {
                break (service, answer);
            }
        };
        self.show(subdomain).await;
        Ok(changed)
    }
}

/// Adds a publication to the history, and drops the one that is too many.
fn remember(
    transaction: &mut Transaction,
    publish: &Publish,
    subdomain: &str,
    published: &Published,
) -> Result<(), Error> {
    let key = record::history(subdomain, published.number);
    transaction.put_record(&publish.view, &key, published)?;
    if let Some(oldest) = published.number.checked_sub(HISTORY_MAX) {
        transaction.delete(&publish.view, &record::history(subdomain, oldest));
    }
    Ok(())
}
