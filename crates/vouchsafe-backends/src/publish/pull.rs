//! Asking the sources: fetch what an issuer says of itself, and publish it.
//!
//! Whichever node finds a source due first says so in the store and asks; the others see that. One that
//! does not answer leaves what is published as it is, is asked again after a pause that grows and
//! is never quite the same, and shows in a metric, in the log and when the source is read.

use std::collections::HashSet;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use vouchsafe_logical::fetch::Plaintext;
use vouchsafe_logical::metric::Gauge;
use vouchsafe_logical::{CommitError, Entropy, Error, Pool, Secret, Timestamp, run_on};

use super::Publish;
use super::private_issuer::PrivateIssuer;
use super::record;
use super::source::{Pulled, SourceState, TEXT_BYTES_MAX};
use super::upload::Upload;

static AGE: Gauge<1> = Gauge::new(
    "vouchsafe_publish_source_age_seconds",
    "How long ago the source of a published service last gave its documents, or was set if it never did.",
    ["service"],
);

/// Sources that are asked at the same time.
const AT_ONCE: usize = 16;
/// The pause after a first failure; it doubles with each.
const BACK_OFF: Duration = Duration::from_secs(15);
/// The longest pause, where the interval is not longer.
const BACK_OFF_MAX: Duration = Duration::from_secs(600);
/// What a source's state may say of a failure, in characters.
const ERROR_CHARS_MAX: usize = 300;

impl Publish {
    /// Asks the sources that are due.
    pub(super) async fn pull_due(&self) -> Result<(), Error> {
        let sources = self.sources().await;
        let subdomains: HashSet<&str> = sources.iter().map(|(name, _)| &**name).collect();
        let metrics = self.system.metrics();
        metrics.retain(&AGE, |[subdomain]| subdomains.contains(subdomain));
        for batch in sources.chunks(AT_ONCE) {
            let asked = batch.iter().map(|(subdomain, source)| {
                let asking: Pin<Box<dyn Future<Output = ()> + Send + '_>> =
                    Box::pin(self.pull_if_due(subdomain, source));
                asking
            });
            all(asked.collect()).await;
        }
        Ok(())
    }

    async fn pull_if_due(&self, subdomain: &str, source: &Pulled) {
        if let Err(error) = self.pull(subdomain, source).await {
            tracing::warn!(subdomain, %error, "a source's state can't be kept");
        }
    }

    async fn pull(&self, subdomain: &str, source: &Pulled) -> Result<(), Error> {
        let now = self.now();
        let key = record::source(subdomain);
        let mut transaction = self.view.begin();
        let state: Option<SourceState> = transaction.read(&self.view, &key).await?;
        let mut state = state.unwrap_or_default();
        let since = *state.since.get_or_insert(now);
        self.show_age(subdomain, &state, now);
        if state.next_at.is_some_and(|at| now < at) {
            return Ok(());
        }
        state.next_at = later(now, source.interval);
        transaction.put_record(&self.view, &key, &state)?;
        match transaction.commit().await {
            Ok(()) => {}
            // Another node is asking.
            Err(CommitError::Conflict) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
        let asked = self.ask(subdomain, source).await;
        let entropy = self.system.entropy();
        match asked {
            Ok(()) => {
                state = SourceState {
                    next_at: later(now, jittered(source.interval, entropy)),
                    succeeded_at: Some(now),
                    since: Some(since),
                    ..SourceState::default()
                };
            }
            Err(error) => {
                tracing::warn!(
                    subdomain,
                    failures = state.failures + 1,
                    error,
                    "a source did not give its documents; what is published stays"
                );
                let pause = back_off(state.failures, source.interval);
                state.failures = state.failures.saturating_add(1);
                state.next_at = later(now, jittered(pause, entropy));
                state.error = Some(error.chars().take(ERROR_CHARS_MAX).collect());
            }
        }
        self.show_age(subdomain, &state, now);
        let mut transaction = self.view.begin();
        transaction.put_record(&self.view, &key, &state)?;
        transaction.commit().await?;
        Ok(())
    }

    fn show_age(&self, subdomain: &str, state: &SourceState, now: Timestamp) {
        if let Some(at) = state.succeeded_at.or(state.since) {
            let age = u64::try_from(now.duration_since(at).as_secs()).unwrap_or(0);
            self.system.metrics().set(&AGE, [subdomain], age);
        }
    }

    /// Fetches both documents, and publishes them. What went wrong is told without what was answered.
    async fn ask(&self, subdomain: &str, source: &Pulled) -> Result<(), String> {
        let service = self.service(subdomain).await.map_err(|e| e.to_string())?;
        let bearer = self.bearer_for(source).await?;
        let issuer = PrivateIssuer {
            url: &source.url,
            bearer: bearer.as_ref(),
            ca_pem: source.ca_pem.as_deref(),
            plaintext: Plaintext::default(),
            public: Some(&service.issuer),
            fetch: self.system.fetcher(),
        };
        let documents = issuer.read().await.map_err(|fault| fault.to_string())?;
        let upload = Upload {
            openid_configuration: documents.openid_configuration,
            jwks: documents.jwks,
            source: Some(source.url.clone()),
            leaving: None,
            by: format!("source {}", source.url),
        };
        let outcome = self.publish(subdomain, &upload).await;
        let outcome = outcome.map_err(|error| error.to_string())?;
        if outcome.changed {
            tracing::info!(
                subdomain,
                "a source gave other documents, which are published now"
            );
        }
        Ok(())
    }

    async fn bearer_for(&self, source: &Pulled) -> Result<Option<Secret<String>>, String> {
        let Some(path) = source.token_file.clone() else {
            return Ok(source.token.clone().map(Secret::new));
        };
        let reading = run_on(self.system.workers(), Pool::Slow, move || token_of(&path));
        match reading.await {
            Ok(read) => read.map(Some),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// A token in a file of its own. What does not look like one is not sent to anybody.
fn token_of(path: &str) -> Result<Secret<String>, String> {
    let fault = |what: &str| format!("the token file `{path}` {what}");
    let about =
        std::fs::metadata(path).map_err(|error| fault(&format!("can't be read: {error}")))?;
    if !about.is_file() || about.len() > TEXT_BYTES_MAX as u64 {
        return Err(fault("is no small file"));
    }
    let text = std::fs::read_to_string(path).map_err(|_| fault("can't be read"))?;
    let token = text.trim();
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    if token.is_empty() || !token.bytes().all(is_token) {
        return Err(fault("does not hold a bearer token alone"));
    }
    Ok(Secret::new(token.to_owned()))
}

fn later(now: Timestamp, pause: Duration) -> Option<Timestamp> {
    now.checked_add(pause).ok()
}

fn back_off(failures: u32, interval: Duration) -> Duration {
    let doubled = BACK_OFF.saturating_mul(1 << failures.min(16));
    doubled.min(BACK_OFF_MAX.max(interval))
}

/// Up to a fifth shorter, so that sources that failed together are not asked together.
fn jittered(pause: Duration, entropy: &dyn Entropy) -> Duration {
    let mut byte = [0];
    entropy.fill(&mut byte);
    pause - pause / 5 * u32::from(byte[0]) / 255
}

/// Waits for all of some futures, which run side by side.
async fn all(mut futures: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>>) {
    std::future::poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use vouchsafe_testing::SeededEntropy;

    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_differ() {
        let seconds =
            |failures, interval| back_off(failures, Duration::from_secs(interval)).as_secs();
        assert_eq!([0, 1, 2, 3].map(|n| seconds(n, 300)), [15, 30, 60, 120]);
        assert_eq!((seconds(9, 300), seconds(u32::MAX, 300)), (600, 600));
        assert_eq!(seconds(40, 3_600), 3_600);
        let entropy = SeededEntropy::new(1);
        let pauses: Vec<Duration> = (0..50)
            .map(|_| jittered(Duration::from_secs(100), &entropy))
            .collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (80..=100).contains(&pause.as_secs()))
        );
        assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_file_that_holds_anything_but_a_token_is_not_sent() {
        let folder = std::env::temp_dir().join(format!("vouchsafe-pull-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let check = |name: &str, text: &str| {
            let path = folder.join(name);
            std::fs::write(&path, text).unwrap();
            token_of(path.to_str().unwrap()).map(|token| token.expose().clone())
        };
        assert_eq!(check("good", "eyJ.a-b_c.d=\n").unwrap(), "eyJ.a-b_c.d=");
        for (name, text) in [
            ("empty", ""),
            ("lines", "a\nb"),
            ("pem", "-----BEGIN PRIVATE KEY-----\nMII=\n"),
            ("config", "password = secret"),
            ("long", &"a".repeat(TEXT_BYTES_MAX + 1)),
        ] {
            let error = check(name, text).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
        assert_eq!(
            check("limit", &"a".repeat(TEXT_BYTES_MAX)).unwrap().len(),
            TEXT_BYTES_MAX
        );
        assert!(token_of(folder.to_str().unwrap()).is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
