//! Tests of the token store: trees, ends, uses, and batch tokens that somebody tampered with.

mod batch;
mod sweep;
mod tree;
mod uses;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use vouchsafe_logical::{PolicyNames, Timestamp, View};
use vouchsafe_testing::{CountingStore, MemoryStore, SeededEntropy};

use super::{TokenEntry, TokenHash, TokenStore, TokenType};
use crate::cubbyhole::Cubbyholes;

/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(NOW + seconds).unwrap()
}

/// A token store over a fresh store, with all of it in view.
struct Shop {
    root: View,
    tokens: Arc<TokenStore>,
    entropy: SeededEntropy,
}

impl Shop {
    async fn open() -> Self {
        Self::over(View::new(Arc::new(MemoryStore::default()), ""), 1).await
    }

    async fn over(root: View, seed: u64) -> Self {
        let entropy = SeededEntropy::new(seed);
        let cubbyholes = Cubbyholes::new(root.sub("logical/cubbyhole/"));
        let tokens = TokenStore::open(&root, cubbyholes, &entropy).await.unwrap();
        Self {
            root,
            tokens: Arc::new(tokens),
            entropy,
        }
    }

    async fn issue(&self, entry: &TokenEntry) -> String {
        let mut transaction = self.root.begin();
        let token = self
            .tokens
            .issue(&mut transaction, entry, None, &self.entropy);
        let token = token.await.unwrap();
        transaction.commit().await.unwrap();
        token
    }

    /// A token that lives so long, made by another or by nobody.
    async fn make(&self, parent: Option<&str>, ttl_seconds: Option<i64>) -> String {
        let entry = TokenEntry {
            parent: parent.map(|parent| self.tokens.hash(parent).to_string()),
            expire_at: ttl_seconds.map(at),
            ..self.entry()
        };
        self.issue(&entry).await
    }

    fn entry(&self) -> TokenEntry {
        TokenEntry {
            accessor: TokenStore::new_accessor(&self.entropy),
            display_name: "token".to_owned(),
            path: "auth/token/create".to_owned(),
            policies: PolicyNames::parse(&["default"]).unwrap(),
            meta: None,
            token_type: TokenType::Service,
            entity_id: None,
            login: None,
            parent: None,
            role: None,
            created_at: at(0),
            creation_ttl: Duration::from_secs(3_600),
            expire_at: Some(at(3_600)),
            last_renewed_at: None,
            explicit_max_ttl: Duration::ZERO,
            max_ttl: Duration::ZERO,
            period: Duration::ZERO,
            renewable: true,
            num_uses: 0,
            spent: false,
            bound_cidrs: Vec::new(),
            claims: None,
            internal: Value::Null,
            mount_accessor: None,
            initial_root: false,
        }
    }

    fn hash(&self, token: &str) -> TokenHash {
        self.tokens.hash(token)
    }

    async fn works(&self, token: &str, seconds: i64) -> bool {
        self.tokens
            .find(token, at(seconds))
            .await
            .unwrap()
            .is_some()
    }

    /// What is stored of tokens, besides the store's own keys.
    async fn stored(&self) -> Vec<String> {
        let all = self.root.list_all("sys/token/").await.unwrap();
        let own = ["salt", "batch-key"];
        all.into_iter()
            .filter(|key| !own.contains(&key.as_str()))
            .collect()
    }
}
