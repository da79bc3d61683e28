//! Bounds of the API: each is taken at the number that is documented, and refused one past it.

use serde_json::{Map, Value, json};
use vouchsafe_logical::{ErrorKind, Operation};

use crate::harness::{TestCore, TestServer};

/// A path whose fields have bounds.
pub(crate) struct Bound<'a> {
    core: &'a TestCore,
    path: &'a str,
    /// What every write has besides.
    other: Map<String, Value>,
}

impl<'a> Bound<'a> {
    pub(crate) fn of(core: &'a TestCore, path: &'a str) -> Self {
        Self {
            core,
            path,
            other: Map::new(),
        }
    }

    pub(crate) fn with(self, other: Map<String, Value>) -> Self {
        Self { other, ..self }
    }

    async fn write(&self, field: &str, value: Value) -> Result<(), (ErrorKind, String)> {
        let mut body = self.other.clone();
        body.insert(field.to_owned(), value);
        let root = Some(self.core.root_token.as_str());
        let outcome = self
            .core
            .handle(Operation::Update, self.path, root, body.into());
        let refused = |error: vouchsafe_logical::Error| (error.kind(), error.to_string());
        outcome.await.result.map(drop).map_err(refused)
    }

    /// It is taken.
    pub(crate) async fn at(&self, field: &str, value: Value) {
        let written = self.write(field, value).await;
        assert!(written.is_ok(), "{} {field}: {written:?}", self.path);
    }

    /// It is the caller's fault.
    pub(crate) async fn past(&self, field: &str, value: Value) {
        let written = self.write(field, value).await;
        let refused = matches!(written, Err((ErrorKind::InvalidRequest, _)));
        assert!(refused, "{} {field}: {written:?}", self.path);
    }

    /// A number, or seconds.
    pub(crate) async fn between(&self, field: &str, min: u64, max: u64) {
        self.at(field, json!(min)).await;
        self.past(field, json!(max + 1)).await;
        self.at(field, json!(max)).await;
    }

    /// A text of so many bytes.
    pub(crate) async fn text(&self, field: &str, bytes_max: usize) {
        self.past(field, json!("x".repeat(bytes_max + 1))).await;
        self.at(field, json!("x".repeat(bytes_max))).await;
    }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("n{number}")).collect()
}

#[tokio::test]
async fn quotas() {
    const DAY: u64 = 24 * 3_600;
    let core = TestServer::builder().start_core().await;
    // Paths of their own, so that no quota limits this test.
    let at = |path: &str| {
        let members = [
            ("rate", json!(1)),
            ("path", json!(format!("cubbyhole/{path}"))),
        ];
        Map::from_iter(members.map(|(name, value)| (name.to_owned(), value)))
    };
    let bound = Bound::of(&core, "sys/quotas/rate-limit/q").with(at("q"));
    bound.between("rate", 1, 1_000_000_000).await;
    bound.past("rate", json!(0)).await;
    bound.between("interval", 1, DAY).await;
    bound.between("block_interval", 0, DAY).await;
    let config = Bound::of(&core, "sys/quotas/config");
    config
        .at("rate_limit_exempt_paths", json!(names(128)))
        .await;
    config
        .past("rate_limit_exempt_paths", json!(names(129)))
        .await;

    let named = |bytes: usize| format!("sys/quotas/rate-limit/{}", "n".repeat(bytes));
    let (longest, longer) = (named(256), named(257));
    let longest = Bound::of(&core, &longest).with(at("n"));
    longest.at("rate", json!(9)).await;
    let longer = Bound::of(&core, &longer).with(at("m"));
    longer.past("rate", json!(9)).await;
    for number in 2..256 {
        let name = number.to_string();
        let path = format!("sys/quotas/rate-limit/{name}");
        core.write(&path, at(&name).into()).await;
    }
    let one_more = Bound::of(&core, "sys/quotas/rate-limit/more").with(at("more"));
    one_more.past("rate", json!(1)).await;
    // One that is there can be changed all the same.
    longest.at("rate", json!(8)).await;
}

#[tokio::test]
async fn questions_about_capabilities_and_names_of_policies() {
    let core = TestServer::builder().start_core().await;
    let bound = Bound::of(&core, "sys/capabilities-self");
    bound.at("paths", json!(names(1_000))).await;
    bound.past("paths", json!(names(1_001))).await;
    let named = |bytes: usize| format!("sys/policies/acl/{}", "p".repeat(bytes));
    let rule = json!("path \"a\" {}");
    Bound::of(&core, &named(512))
        .at("policy", rule.clone())
        .await;
    Bound::of(&core, &named(513)).past("policy", rule).await;
    let document = Bound::of(&core, "sys/internal/specs/openapi");
    document.text("context", 64).await;
}
