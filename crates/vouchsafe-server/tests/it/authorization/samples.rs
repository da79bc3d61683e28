//! One good request for each row of the matrix, and the world in which it is good.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use vouchsafe_jose::{Algorithm, JwsSigner, KeyId, SigningKey};
use vouchsafe_logical::{MountClass, Operation};

use super::Row;
use crate::harness::provider::{self, Provider};
use crate::harness::{T0, TEST_CATALOG, TestCore};

/// The routes that work without a token.
pub(super) const OPEN_ROUTES: &[&str] = &[
    "auth/approle/login update (login)",
    "auth/jwt/login update (login)",
    "auth/jwt/oidc/auth_url update (login)",
    "auth/jwt/oidc/callback read (login)",
    "auth/kubernetes/login update (login)",
    "auth/oidc/login update (login)",
    "auth/oidc/oidc/auth_url update (login)",
    "auth/oidc/oidc/callback read (login)",
    "auth/userpass/login/{username} update (login)",
    "identity/oidc/.well-known/openid-configuration read (public)",
    "identity/oidc/.well-known/keys read (public)",
    "identity/oidc/.well-known/jwks.json read (public)",
    "sys/internal/ui/mounts read (public)",
    "sys/internal/ui/mounts/{path...} read (public)",
    "sys/internal/specs/openapi read (public)",
    "sys/internal/specs/openapi update (public)",
    "sys/replication/status read (public)",
    "sys/wrapping/lookup update (public)",
    "sys/wrapping/lookup read (public)",
    "sys/wrapping/unwrap update (proof)",
    "sys/pvlt/ctl/info/health read (public)",
    "sys/pvlt/data/info/health read (public)",
    "sys/pvlt/{path?...} read (public)",
    "sys/pvlt/{path?...} update (public)",
    "sys/pvlt/{path?...} delete (public)",
    "sys/pvlt/{path?...} list (public)",
    "sys/pvlt/{path?...} patch (public)",
];

/// What answers before the pipeline, sealed or not.
pub(super) const OPEN_DOORS: &[&str] = &[
    "sys/health read (public)",
    "sys/seal-status read (public)",
    "sys/leader read (public)",
    "sys/init read (proof)",
    "sys/init update (proof)",
    "sys/unseal update (proof)",
    "sys/rekey/init read (proof)",
    "sys/rekey/init update (proof)",
    "sys/rekey/init delete (proof)",
    "sys/rekey/update update (proof)",
    "sys/rekey-recovery-key/init read (proof)",
    "sys/rekey-recovery-key/init update (proof)",
    "sys/rekey-recovery-key/init delete (proof)",
    "sys/rekey-recovery-key/update update (proof)",
    "sys/generate-root/attempt read (proof)",
    "sys/generate-root/attempt update (proof)",
    "sys/generate-root/attempt delete (proof)",
    "sys/generate-root read (proof)",
    "sys/generate-root update (proof)",
    "sys/generate-root delete (proof)",
    "sys/generate-root/update update (proof)",
    "sys/rotate/root/init read (proof)",
    "sys/rotate/root/init update (proof)",
    "sys/rotate/root/init delete (proof)",
    "sys/rotate/root/update update (proof)",
    "sys/rotate/recovery/init read (proof)",
    "sys/rotate/recovery/init update (proof)",
    "sys/rotate/recovery/init delete (proof)",
    "sys/rotate/recovery/update update (proof)",
    "sys/generate-root-token/attempt read (proof)",
    "sys/generate-root-token/attempt update (proof)",
    "sys/generate-root-token/attempt delete (proof)",
    "sys/generate-root-token/update update (proof)",
];

/// A server with one object of each sort, and a token for each column.
pub(super) struct World {
    pub(super) core: TestCore,
    provider: Provider,
    tokens: BTreeMap<&'static str, String>,
    known: BTreeMap<&'static str, String>,
}

/// A request of the matrix.
pub(super) struct Sample {
    pub(super) path: String,
    pub(super) data: Value,
    pub(super) wrap_ttl: Option<Duration>,
}

fn everywhere(capabilities: &[&str]) -> Value {
    json!({ "policy": json!({ "path": { "*": { "capabilities": capabilities } } }).to_string() })
}

/// An IAM file with one user.
const IAM_FILE: &str = "[users.sample]\nrole = 'sample'\n[roles.sample]\n[policies]\n";

fn audit_device() -> Value {
    json!({ "type": "file", "options": { "file_path": "discard" } })
}

/// Where the cluster's API server is.
const CLUSTER: &str = "https://cluster.example";

/// A role of `auth/jwt` and `auth/oidc`.
fn jwt_role() -> Value {
    json!({ "role_type": "jwt", "user_claim": "sub", "bound_subject": "sample" })
}

fn cluster_config() -> Value {
    json!({
        "kubernetes_host": CLUSTER,
        "kubernetes_ca_cert": "-----BEGIN CERTIFICATE-----",
        "disable_local_ca_jwt": true,
    })
}

fn cluster_role() -> Value {
    json!({
        "bound_service_account_names": "sample",
        "bound_service_account_namespaces": "sample",
    })
}

fn publication() -> Value {
    crate::publish::upload("https://sample.example", &["a"])
}

impl World {
    pub(super) async fn build() -> Self {
        let core = TestCore::at(T0).await;
        core.mount_probes().await;
        let mut world = Self {
            provider: Provider::new(&core.fetcher),
            core,
            tokens: BTreeMap::new(),
            known: BTreeMap::new(),
        };
        world.mount_everything().await;
        world.add_objects().await;
        world.add_callers().await;
        world
    }

    /// The token of a column.
    pub(super) fn token(&self, who: &str) -> Option<&str> {
        self.tokens.get(who).map(String::as_str)
    }

    /// Where a row ends a login through the provider: begins one in this very core, which keeps it in
    /// memory, and has the sample end it.
    pub(super) async fn begin(&self, core: &TestCore, row: &Row, sample: &mut Sample) {
        if row.pattern != "oidc/callback" {
            return;
        }
        let path = format!("{}oidc/auth_url", row.mount);
        let begun = core.write(&path, provider::beginning()).await;
        let url = begun["auth_url"].as_str().expect("text");
        sample.data = self.provider.agree(&core.fetcher, url);
    }

    async fn mount_everything(&self) {
        for kind in TEST_CATALOG
            .iter()
            .filter(|kind| !matches!(kind.name, "identity" | "publish"))
        {
            let place = match kind.class {
                MountClass::Auth => "sys/auth",
                MountClass::Secret => "sys/mounts",
            };
            if kind.name != "probe" {
                self.core
                    .write(
                        &format!("{place}/{}", kind.name),
                        json!({ "type": kind.name }),
                    )
                    .await;
            }
        }
        self.core
            .write("sys/auth/spare", json!({ "type": "probe" }))
            .await;
        self.core
            .write("sys/mounts/spare", json!({ "type": "probe" }))
            .await;
    }

    fn learn(&mut self, name: &'static str, value: &Value) {
        self.known
            .insert(name, value.as_str().expect("text").to_owned());
    }

    async fn add_objects(&mut self) {
        let core = &self.core;
        let key = json!({ "allowed_client_ids": "*", "algorithm": "ES256" });
        core.write(
            "sys/policies/acl/sample",
            json!({ "policy": "path \"a\" {}" }),
        )
        .await;
        core.write("identity/oidc/key/sample", key).await;
        core.write("identity/oidc/role/sample", json!({ "key": "sample" }))
            .await;
        core.write("identity/oidc/key/unused", json!({ "algorithm": "ES256" }))
            .await;
        core.write(
            "auth/token/roles/sample",
            json!({ "allowed_policies_glob": "*" }),
        )
        .await;
        let accessor = core.accessor("auth/spare/").await;
        let entity = core
            .write("identity/entity", json!({ "name": "sample" }))
            .await;
        let other = core
            .write("identity/entity", json!({ "name": "other" }))
            .await;
        let alias = json!({
            "name": "sample", "mount_accessor": accessor, "canonical_id": entity["id"]
        });
        let alias = core.write("identity/entity-alias", alias).await;
        let group = json!({ "name": "sample", "type": "external" });
        let group = core.write("identity/group", group).await;
        let group_alias = json!({
            "name": "sample", "mount_accessor": accessor, "canonical_id": group["id"]
        });
        let group_alias = core.write("identity/group-alias", group_alias).await;
        let moved = core
            .write("sys/remount", json!({ "from": "probe", "to": "probed" }))
            .await;
        let victim = core
            .write("auth/token/create", json!({ "policies": ["sample"] }))
            .await;
        let leases = core.list("sys/leases/lookup/auth/token/create").await;
        let lease = format!("auth/token/create/{}", leases[0].as_str().expect("an id"));
        self.add_publications().await;
        self.add_users().await;
        self.add_cluster().await;
        self.add_issuer().await;
        self.add_secrets().await;
        self.add_audit().await;
        self.learn("lease", &json!(lease));
        self.learn("accessor of auth/spare/", &json!(accessor));
        self.learn("entity", &entity["id"]);
        self.learn("other entity", &other["id"]);
        self.learn("alias", &alias["id"]);
        self.learn("group", &group["id"]);
        self.learn("group alias", &group_alias["id"]);
        self.learn("move", &moved["migration_id"]);
        self.learn("victim", &victim["auth"]["client_token"]);
        self.learn("victim's accessor", &victim["auth"]["accessor"]);
    }

    async fn add_publications(&self) {
        self.core
            .write(
                "publish/services/sample",
                json!({ "issuer": "https://sample.example" }),
            )
            .await;
        self.core
            .write("publish/services/sample/config", publication())
            .await;
        self.core
            .write(
                "publish/services/sample/source",
                json!({ "url": "https://source.example" }),
            )
            .await;
        let policy = json!({ "kind": "static", "services": ["sample"] });
        self.core
            .write(
                "publish/service-accounts",
                json!({ "name": "sample", "policy": policy }),
            )
            .await;
    }

    async fn add_users(&mut self) {
        let core = &self.core;
        core.write(
            "auth/userpass/users/sample",
            json!({ "password": "correct" }),
        )
        .await;
        core.write(
            "auth/approle/role/sample",
            json!({ "token_policies": "sample" }),
        )
        .await;
        let role = core.read("auth/approle/role/sample/role-id").await;
        let secret = core
            .write("auth/approle/role/sample/secret-id", json!({}))
            .await;
        self.learn("role id", &role["role_id"]);
        self.learn("secret id", &secret["secret_id"]);
        self.learn("secret id's accessor", &secret["secret_id_accessor"]);
    }

    /// Somebody else's tokens and people, and mounts that accept them.
    async fn add_issuer(&mut self) {
        let pem = json!(self.provider.pem());
        let claims = json!({ "sub": "sample", "iat": T0, "exp": T0 + 600 });
        let jwt = self.provider.sign(&claims);
        for mount in ["jwt", "oidc"] {
            let further = json!({ "jwt_validation_pubkeys": pem, "issuer": "https://sample" });
            for (path, body) in [
                ("config", provider::client()),
                ("issuer/sample", further),
                ("role/sample", jwt_role()),
                ("role/person", provider::role()),
            ] {
                self.core.write(&format!("auth/{mount}/{path}"), body).await;
            }
        }
        self.learn("issuer's key", &pem);
        self.learn("issuer's token", &json!(jwt));
    }

    /// A Kubernetes cluster that says of one token whose it is.
    async fn add_cluster(&mut self) {
        let account = json!({ "name": "sample", "uid": "sample" });
        let claims = json!({
            "kubernetes.io": { "namespace": "sample", "serviceaccount": account },
        });
        let key = SigningKey::generate(Algorithm::Es256).expect("a key");
        let signer = JwsSigner::new(key, KeyId::new("k").expect("short"), None);
        let jwt = signer.sign_compact(claims.to_string().as_bytes());
        let user = json!({ "username": "system:serviceaccount:sample:sample", "uid": "sample" });
        self.core.fetcher.serve(
            &format!("{CLUSTER}/apis/authentication.k8s.io/v1/tokenreviews"),
            json!({ "status": { "authenticated": true, "user": user } }),
        );
        self.core
            .write("auth/kubernetes/config", cluster_config())
            .await;
        self.core
            .write("auth/kubernetes/role/sample", cluster_role())
            .await;
        self.learn("account's token", &json!(jwt.expect("signed")));
    }

    async fn add_secrets(&mut self) {
        let core = &self.core;
        let version = json!({ "data": { "a": "b" } });
        core.write("kv/sample", json!({ "a": "b" })).await;
        core.write("kv-v2/data/sample", version).await;
        let wrap = "sys/wrapping/wrap";
        let root = Some(&*core.root_token);
        let mut request = core.request(Operation::Update, wrap, root, json!({ "a": "b" }));
        request.wrap_ttl = Some(Duration::from_secs(60));
        let reply = core.core.handle(&request).await.result.expect("wrapped");
        let wrapping = reply.wrap_info.expect("a wrapping token").token;
        self.learn("wrapping token", &json!(wrapping));
    }

    async fn add_audit(&self) {
        self.core
            .write("sys/pvlt/ctl/iam/conf", json!({ "conf": IAM_FILE }))
            .await;
        let user = json!({ "name": "sample" });
        self.core.write("sys/pvlt/ctl/iam/user/regen", user).await;
        self.core
            .write("sys/config/auditing/request-headers/sample", json!({}))
            .await;
        self.core.write("sys/audit/spare", audit_device()).await;
        let quota = json!({ "path": "spare", "rate": 1_000 });
        self.core.write("sys/quotas/rate-limit/sample", quota).await;
    }

    /// Tokens of logins, so that each caller has an entity.
    async fn add_callers(&mut self) {
        const WRITE: [&str; 4] = ["create", "update", "patch", "delete"];
        const ALL: [&str; 6] = ["create", "update", "patch", "delete", "read", "list"];
        let policies: [(&'static str, Value); 5] = [
            (
                "nothing",
                json!({ "policy": "path \"*\" { capabilities = [] }" }),
            ),
            ("reader", everywhere(&["read", "list"])),
            ("writer", everywhere(&WRITE)),
            ("admin", everywhere(&ALL)),
            ("sudo", everywhere(&[&ALL[..], &["sudo"]].concat())),
        ];
        for (name, policy) in policies {
            self.core
                .write(&format!("sys/policies/acl/{name}"), policy)
                .await;
            let body = json!({ "token_policies": name, "token_no_default_policy": true });
            let token = self.core.login(name, body).await.client_token;
            self.tokens.insert(name, token);
        }
        let token = self.core.login("default", json!({})).await.client_token;
        self.tokens.insert("default", token);
        self.tokens.insert("root", self.core.root_token.clone());
        for token in self.tokens.values() {
            // Each has a cubbyhole of its own, and whoever may not write has an empty one.
            let (path, data) = ("cubbyhole/sample", json!({ "a": "b" }));
            drop(
                self.core
                    .handle(Operation::Update, path, Some(token), data)
                    .await,
            );
        }
    }
}

/// Fills in patterns and bodies.
pub(super) struct Samples<'w> {
    pub(super) world: &'w World,
}

impl Samples<'_> {
    /// The sample of a row.
    pub(super) fn request(&self, mount: &str, pattern: &str, operation: Operation) -> Sample {
        let route = format!("{mount}{pattern}");
        let segments: Vec<&str> = route
            .split('/')
            .map(|segment| self.segment(&route, segment, operation))
            .collect();
        let writes = matches!(operation, Operation::Update | Operation::Patch);
        let data = if writes {
            self.body(&route)
        } else {
            self.parameters(&route)
        };
        Sample {
            path: segments.join("/"),
            data,
            wrap_ttl: (route == "sys/wrapping/wrap").then_some(Duration::from_secs(60)),
        }
    }

    fn known(&self, name: &str) -> &str {
        &self.world.known[name]
    }

    fn segment<'a>(&'a self, route: &str, segment: &'a str, operation: Operation) -> &'a str {
        if !segment.starts_with('{') {
            return segment;
        }
        match (route, operation) {
            ("identity/entity/id/{id*}", _) => self.known("entity"),
            ("identity/entity-alias/id/{id*}", _) => self.known("alias"),
            ("identity/group/id/{id*}", _) => self.known("group"),
            ("identity/group-alias/id/{id*}", _) => self.known("group alias"),
            // A key that a role names can't be deleted.
            ("identity/oidc/key/{name}", Operation::Delete) => "unused",
            (
                "sys/mounts/{path...}" | "sys/auth/{path...}" | "sys/audit/{path...}",
                Operation::Update,
            ) => "fresh",
            _ => match segment {
                "{mount_accessor*}" => self.known("accessor of auth/spare/"),
                "{migration_id*}" => self.known("move"),
                "{path?...}" if operation == Operation::List => "",
                "{path...}" if !route.starts_with("kv") => "spare",
                "{type}" => "secret",
                "{name}" if route.starts_with("sys/plugins/") => "kv",
                "{name}" if route.starts_with("sys/loggers/") => "core",
                "{prefix...}" => "auth/token/create",
                "{url_lease_id?...}" => self.known("lease"),
                "{urlalgorithm?...}" => "sha2-256",
                "{urlbytes?...}" => "16",
                _ => "sample",
            },
        }
    }

    fn parameters(&self, route: &str) -> Value {
        match route {
            "auth/token/lookup" | "sys/wrapping/lookup" => self.body(route),
            "sys/leases" | "sys/leases/count" => json!({ "type": "irrevocable" }),
            _ if route.starts_with("auth/approle/role/{role_name^}/secret-id") => self.body(route),
            _ => Value::Null,
        }
    }

    fn body(&self, route: &str) -> Value {
        if let Some(rest) = route.strip_prefix("auth/approle/") {
            return self.approle_body(rest);
        }
        if let Some(rest) = route.strip_prefix("identity/") {
            return self.identity_body(rest);
        }
        if let Some(rest) = route.strip_prefix("sys/") {
            return self.sys_body(rest);
        }
        if let Some(rest) = route.strip_prefix("publish/") {
            return publish_body(rest);
        }
        match route {
            "auth/token/lookup"
            | "auth/token/renew"
            | "auth/token/revoke"
            | "auth/token/revoke-orphan" => json!({ "token": self.known("victim") }),
            _ if route.starts_with("auth/token/") && route.ends_with("-accessor") => {
                json!({ "accessor": self.known("victim's accessor") })
            }
            "auth/jwt/config" | "auth/oidc/config" => {
                json!({ "jwt_validation_pubkeys": self.known("issuer's key") })
            }
            "auth/jwt/issuer/{name^}" | "auth/oidc/issuer/{name^}" => {
                let key = self.known("issuer's key");
                json!({ "jwt_validation_pubkeys": key, "issuer": "https://sample" })
            }
            "auth/jwt/role/{name^}" | "auth/oidc/role/{name^}" => jwt_role(),
            "auth/jwt/login" | "auth/oidc/login" | "auth/jwt/explain" | "auth/oidc/explain" => {
                json!({ "role": "sample", "jwt": self.known("issuer's token") })
            }
            "auth/jwt/oidc/auth_url" | "auth/oidc/oidc/auth_url" => provider::beginning(),
            "auth/kubernetes/config" => cluster_config(),
            "auth/kubernetes/role/{name^}" => cluster_role(),
            "auth/kubernetes/login" => {
                json!({ "role": "sample", "jwt": self.known("account's token") })
            }
            "auth/userpass/users/{username^}/policies" => json!({ "policies": "sample" }),
            _ if route.starts_with("auth/userpass/") => json!({ "password": "correct" }),
            "cubbyhole/{path?...}" | "kv/{path?...}" => json!({ "c": "d" }),
            "kv-v2/data/{path?...}" => json!({ "data": { "c": "d" } }),
            "kv-v2/delete/{path...}" | "kv-v2/undelete/{path...}" | "kv-v2/destroy/{path...}" => {
                json!({ "versions": [1] })
            }
            "kv-v2/metadata/{path?...}" => json!({ "max_versions": 3 }),
            _ => json!({}),
        }
    }

    fn sys_body(&self, route: &str) -> Value {
        match route {
            "audit/{path...}" => audit_device(),
            "audit-hash/{path...}" => json!({ "input": "text" }),
            "capabilities" => json!({ "token": self.known("victim"), "paths": "a" }),
            "capabilities-accessor" => {
                json!({ "accessor": self.known("victim's accessor"), "paths": "a" })
            }
            "capabilities-self" => json!({ "paths": "a" }),
            "config/cors" => json!({ "allowed_origins": "https://ui.example" }),
            "loggers" | "loggers/{name}" => json!({ "level": "info" }),
            "quotas/rate-limit/{name}" => json!({ "rate": 1_000 }),
            "leases/lookup" | "leases/revoke" => json!({ "lease_id": self.known("lease") }),
            "mounts/{path...}" | "auth/{path...}" => json!({ "type": "probe" }),
            "policies/acl/{name~...}" | "policy/{name~...}" => {
                json!({ "policy": "path \"b\" {}" })
            }
            "pvlt/ctl/iam/conf" => json!({ "conf": IAM_FILE }),
            "pvlt/ctl/iam/user/update-expiration" => {
                json!({ "name": "sample", "expiration_secs": 60 })
            }
            "pvlt/ctl/iam/user/regen" => json!({ "name": "sample" }),
            "remount" => json!({ "from": "spare", "to": "moved" }),
            "wrapping/wrap" => json!({ "a": "b" }),
            _ if route.starts_with("tools/") => json!({ "input": "dGV4dA==" }),
            _ if route.starts_with("wrapping/") => {
                json!({ "token": self.known("wrapping token") })
            }
            _ => json!({}),
        }
    }

    fn identity_body(&self, route: &str) -> Value {
        let accessor = self.known("accessor of auth/spare/");
        match route {
            "entity/merge" => json!({
                "from_entity_ids": [self.known("other entity")],
                "to_entity_id": self.known("entity"),
            }),
            "entity/batch-delete" => json!({ "entity_ids": [self.known("entity")] }),
            "entity-alias" => json!({
                "name": "new",
                "mount_accessor": accessor,
                "canonical_id": self.known("other entity"),
            }),
            "group-alias" => json!({ "name": "new", "mount_accessor": accessor }),
            "group-alias/id/{id*}" => json!({ "name": "renamed", "mount_accessor": accessor }),
            "lookup/entity" | "lookup/group" => json!({ "name": "sample" }),
            "oidc/role/{name}" => json!({ "key": "sample" }),
            _ => json!({}),
        }
    }

    fn approle_body(&self, route: &str) -> Value {
        let part = route.strip_prefix("role/{role_name^}/").unwrap_or(route);
        let field = part.replace('-', "_");
        let value = match part {
            "login" => {
                return json!({
                    "role_id": self.known("role id"), "secret_id": self.known("secret id")
                });
            }
            "custom-secret-id" => return json!({ "secret_id": "a custom one" }),
            _ if part.starts_with("secret-id/") => {
                return json!({ "secret_id": self.known("secret id") });
            }
            _ if part.starts_with("secret-id-accessor/") => {
                return json!({ "secret_id_accessor": self.known("secret id's accessor") });
            }
            "policies" | "role-id" => json!("sample"),
            "bind-secret-id" => json!(true),
            _ if field.ends_with("cidrs") || field.ends_with("list") => json!(["127.0.0.0/8"]),
            _ if field.ends_with("num_uses") => json!(7),
            _ if field.ends_with("ttl") || field == "period" => json!("1h"),
            _ => return json!({}),
        };
        json!({ field: value })
    }
}

fn publish_body(route: &str) -> Value {
    match route {
        "services" => json!({ "issuer": "https://another.example" }),
        "services/{subdomain}/config" => publication(),
        "service-accounts" => json!({
            "name": "fresh", "policy": { "kind": "static", "services": ["sample"] },
        }),
        "services/{subdomain}/source" => json!({ "url": "https://source.example" }),
        "services/{subdomain}/rollback" => json!({ "version": 1 }),
        _ => json!({}),
    }
}
