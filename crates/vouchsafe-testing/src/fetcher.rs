//! Servers of others that are not there: answers that a test lists, and a count of who was asked.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use vouchsafe_logical::{BoxFuture, Fetch, FetchError, FetchRequest, Fetched};

/// What a server of others does with a request.
type Respond = Arc<dyn Fn(&FetchRequest) -> Result<Fetched, FetchError> + Send + Sync>;

/// A [`Fetch`] that answers from a table. A URL that is not in it can't be connected to.
#[derive(Default)]
pub struct FakeFetcher {
    answers: Mutex<BTreeMap<String, Respond>>,
    requests: Mutex<Vec<FetchRequest>>,
}

impl FakeFetcher {
    /// Answers `url` with a JSON document and status 200 from now on.
    pub fn serve(&self, url: &str, document: impl ToString) {
        let answer = Fetched {
            status: 200,
            media_type: "application/json".to_owned(),
            max_age: None,
            body: document.to_string().into_bytes().into(),
        };
        self.answer(url, Ok(answer));
    }

    /// Answers `url` with this from now on.
    pub fn answer(&self, url: &str, answer: Result<Fetched, FetchError>) {
        self.respond(url, move |_| answer.clone());
    }

    /// Answers each request for `url` by what is in it, from now on.
    pub fn respond(
        &self,
        url: &str,
        respond: impl Fn(&FetchRequest) -> Result<Fetched, FetchError> + Send + Sync + 'static,
    ) {
        let mut answers = self.answers.lock().expect("not poisoned");
        answers.insert(url.to_owned(), Arc::new(respond));
    }

    /// Lets `url` be unreachable from now on.
    pub fn take_down(&self, url: &str) {
        self.answers.lock().expect("not poisoned").remove(url);
    }

    /// Every request so far, in order.
    #[must_use]
    pub fn requests(&self) -> Vec<FetchRequest> {
        self.requests.lock().expect("not poisoned").clone()
    }

    /// How many requests there were for `url`.
    #[must_use]
    pub fn count(&self, url: &str) -> usize {
        let requests = self.requests.lock().expect("not poisoned");
        requests.iter().filter(|request| request.url == url).count()
    }
}

impl Fetch for FakeFetcher {
    fn fetch(&self, request: FetchRequest) -> BoxFuture<'_, Result<Fetched, FetchError>> {
        let respond = {
            let answers = self.answers.lock().expect("not poisoned");
            answers.get(&request.url).cloned()
        };
        let answer = match respond {
            Some(respond) => respond(&request),
            None => Err(FetchError::Connect(format!(
                "{}: connection refused",
                request.url
            ))),
        };
        self.requests.lock().expect("not poisoned").push(request);
        Box::pin(async move { answer })
    }
}
