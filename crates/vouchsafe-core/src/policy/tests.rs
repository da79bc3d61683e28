//! Tests of the policy store: what is written, and which ACL comes of it, now and afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use vouchsafe_identity::subject::{Directory, Subject};
use vouchsafe_logical::{
    AliasProposal, MountSummary, Operation, PolicyName, PolicyNames, Timestamp, View,
};
use vouchsafe_policy::{Acl, Ask, Policy};
use vouchsafe_testing::{MemoryStore, SeededEntropy};

use super::{
    ACLS_CACHED, AclKey, POLICY_BYTES_MAX, PolicyStore, RULES_CACHED, compiled_cache, effective,
};

fn now() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

fn name(text: &str) -> PolicyName {
    PolicyName::parse(text).unwrap().unwrap()
}

fn names(texts: &[&str]) -> PolicyNames {
    PolicyNames::parse(texts).unwrap()
}

fn root() -> View {
    View::new(Arc::new(MemoryStore::default()), "")
}

fn read(path: &str) -> String {
    format!("path \"{path}\" {{ capabilities = [\"read\"] }}")
}

fn may_read(acl: &Acl, path: &str) -> bool {
    let ask = Ask {
        path,
        operation: Operation::Read,
        parameters: None,
        wrap_ttl: None,
        needs_sudo: false,
    };
    acl.decide(ask).is_ok()
}

#[tokio::test]
async fn a_changed_policy_holds_from_the_next_question_on_every_node() {
    let root = root();
    let (here, there) = (PolicyStore::new(&root), PolicyStore::new(&root));
    let of = names(&["p", "absent"]);
    here.write(&name("p"), &read("a")).await.unwrap();
    for node in [&here, &there] {
        let acl = node.acl(&of, None, now()).await.unwrap();
        assert!(may_read(&acl, "a") && !may_read(&acl, "b"));
    }
    there.write(&name("p"), &read("b")).await.unwrap();
    for node in [&here, &there] {
        let acl = node.acl(&of, None, now()).await.unwrap();
        assert!(!may_read(&acl, "a") && may_read(&acl, "b"));
    }
    here.delete(&name("p")).await.unwrap();
    for node in [&here, &there] {
        assert!(!may_read(&node.acl(&of, None, now()).await.unwrap(), "b"));
    }
    there.write(&name("p"), &read("a")).await.unwrap();
    let acl = here.acl(&of, None, now()).await.unwrap();
    assert!(may_read(&acl, "a"), "a policy may come back");
}

#[tokio::test]
async fn an_acl_is_compiled_once_for_the_same_policies() {
    let store = PolicyStore::new(&root());
    store.write(&name("p"), &read("a")).await.unwrap();
    store.write(&name("q"), &read("b")).await.unwrap();
    let acl = async |of: &[&str]| store.acl(&names(of), None, now()).await.unwrap();
    let first = acl(&["p", "q"]).await;
    assert!(Arc::ptr_eq(&first, &acl(&["Q", "p", "p"]).await));
    assert!(!Arc::ptr_eq(&first, &acl(&["p"]).await));
    assert!(acl(&["p", "root"]).await.is_root());
}

struct People {
    directory: Directory,
    root: View,
    entropy: SeededEntropy,
}

impl People {
    fn new() -> Self {
        let root = root();
        Self {
            directory: Directory::new(root.sub("logical/identity/")),
            root,
            entropy: SeededEntropy::default(),
        }
    }

    fn mount() -> MountSummary {
        MountSummary {
            accessor: "auth_test_1".to_owned(),
            kind: "test".to_owned(),
            path: "auth/test/".to_owned(),
            local: false,
            default_lease_ttl: Duration::ZERO,
            max_lease_ttl: Duration::ZERO,
        }
    }

    fn proposal(who: &str, metadata: &[(&str, &str)]) -> AliasProposal {
        let metadata = metadata.iter();
        AliasProposal {
            name: who.to_owned(),
            metadata: metadata
                .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    /// Whom a login would be that stores nothing.
    async fn foresee(&self, who: &str, metadata: &[(&str, &str)]) -> Arc<Subject> {
        let (mount, proposal) = (Self::mount(), Self::proposal(who, metadata));
        self.directory
            .foresee_login(&mount, &proposal, &[], now(), &self.entropy)
            .await
            .unwrap()
    }

    async fn log_in(&self, who: &str, metadata: &[(&str, &str)]) -> Arc<Subject> {
        let (mount, proposal) = (Self::mount(), Self::proposal(who, metadata));
        let mut transaction = self.root.begin();
        let attached = self
            .directory
            .attach_login(
                &mut transaction,
                &mount,
                &proposal,
                &[],
                now(),
                &self.entropy,
            )
            .await
            .unwrap();
        transaction.commit().await.unwrap();
        let id = attached.entity_id.to_string();
        self.directory.subject(&id).await.unwrap().unwrap()
    }
}

/// Whoever brings another proof each time must not fill the cache, nor take others' ACLs out of it.
#[tokio::test]
async fn nothing_is_kept_for_a_subject_that_no_other_request_meets() {
    let people = People::new();
    people.log_in("bob", &[("team", "red")]).await;
    let policies = PolicyStore::new(&people.root);
    let text = r#"path "kv/{{identity.entity.aliases.auth_test_1.metadata.team}}" { capabilities = ["read"] }"#;
    policies.write(&name("p"), text).await.unwrap();
    let names = names(&["p"]);
    let (stranger, another) = ([("team", "blue")], [("team", "green")]);
    for (who, metadata) in [("eve", &stranger), ("bob", &another)] {
        for _ in 0..3 {
            let subject = people.foresee(who, metadata).await;
            let acl = policies.acl(&names, Some(&subject), now()).await.unwrap();
            assert!(may_read(&acl, &format!("kv/{}", metadata[0].1)));
            assert!(!may_read(&acl, "kv/red"));
        }
    }
    assert_eq!(policies.compiled.len(), 0);
    // As it is stored, it is everybody's.
    let held = people.foresee("bob", &[("team", "red")]).await;
    for _ in 0..3 {
        policies.acl(&names, Some(&held), now()).await.unwrap();
    }
    assert_eq!(policies.compiled.len(), 1);
}

/// The bounds on memory: so many ACLs, and so many rules of all of them.
#[test]
fn acls_are_kept_within_both_bounds() {
    let filled = |rules: usize, acls: u64| {
        let rules: String = (0..rules)
            .map(|rule| format!("path \"kv/{rule}\" {{ capabilities = [\"read\"] }}\n"))
            .collect();
        let policy = Arc::new(Policy::parse("p", &rules).unwrap());
        let acl = Arc::new(Acl::compile(&[policy], &vouchsafe_policy::NoSubject));
        let cache = compiled_cache();
        for number in 0..acls {
            let key = AclKey {
                policies: vec![number],
                subject: None,
                second: None,
            };
            cache.insert(key, Arc::clone(&acl));
        }
        cache.len()
    };
    let share = usize::try_from(RULES_CACHED).unwrap() / ACLS_CACHED;
    for rules in [1, share] {
        let kept = filled(rules, 4 * ACLS_CACHED as u64);
        assert!((ACLS_CACHED / 2..=ACLS_CACHED).contains(&kept), "{kept}");
    }
    let many = 1_000;
    let most = usize::try_from(RULES_CACHED).unwrap() / many;
    let kept = filled(many, 4 * most as u64);
    assert!((most / 2..=most).contains(&kept), "{kept} of {most}");
}

#[tokio::test]
async fn a_template_is_filled_for_each_subject() {
    let people = People::new();
    let (ann, bob) = (
        people.log_in("ann", &[]).await,
        people.log_in("bob", &[]).await,
    );
    let store = PolicyStore::new(&people.root);
    store
        .write(&name("own"), &read("own/{{identity.entity.id}}"))
        .await
        .unwrap();
    store.write(&name("all"), &read("all")).await.unwrap();
    let own = |subject: &Subject| format!("own/{}", subject.entity().id);
    let acl = async |of: &[&str], subject: Option<&Subject>| {
        store.acl(&names(of), subject, now()).await.unwrap()
    };
    for (subject, other) in [(&ann, &bob), (&bob, &ann), (&ann, &bob)] {
        let acl = acl(&["own"], Some(subject)).await;
        assert!(may_read(&acl, &own(subject)) && !may_read(&acl, &own(other)));
    }
    let nobody = acl(&["own", "all"], None).await;
    assert!(!may_read(&nobody, "own/") && may_read(&nobody, "all"));
    let (of_ann, of_bob) = (
        acl(&["all"], Some(&ann)).await,
        acl(&["all"], Some(&bob)).await,
    );
    assert!(
        Arc::ptr_eq(&of_ann, &of_bob),
        "what has no template is shared"
    );
}

#[tokio::test]
async fn a_template_is_filled_anew_when_its_subject_changes() {
    const SELECTOR: &str = "team/{{identity.entity.aliases.auth_test_1.metadata.team}}";
    let people = People::new();
    let store = PolicyStore::new(&people.root);
    store.write(&name("team"), &read(SELECTOR)).await.unwrap();
    let of = names(&["team"]);
    for (team, other) in [("red", "blue"), ("blue", "red")] {
        let ann = people.log_in("ann", &[("team", team)]).await;
        let acl = store.acl(&of, Some(&ann), now()).await.unwrap();
        assert!(may_read(&acl, &format!("team/{team}")));
        assert!(!may_read(&acl, &format!("team/{other}")));
    }
}

#[tokio::test]
async fn names_that_are_no_keys_keep_apart() {
    let store = PolicyStore::new(&root());
    let odd = ["a/b", "a%2fb", "a%252fb", "%", "a b", "ä", "..", "a//b/"];
    for text in odd {
        store
            .write(&name(text), &read(&format!("of/{text}")))
            .await
            .unwrap();
    }
    for text in odd {
        let found = store.read(&name(text)).await.unwrap();
        assert_eq!(found, Some(read(&format!("of/{text}"))), "{text:?}");
    }
    let mut expected: Vec<&str> = odd.into_iter().chain(["root"]).collect();
    expected.sort_unstable();
    assert_eq!(store.list().await.unwrap(), expected);
    let longest = "%".repeat(512);
    store.write(&name(&longest), &read("a")).await.unwrap();
    let key = super::key(&name(&longest));
    assert!("core/policy/".len() + key.len() <= vouchsafe_logical::view::KEY_BYTES_MAX);
}

#[tokio::test]
async fn the_servers_own_policies_stay() {
    let store = PolicyStore::new(&root());
    store.ensure_default().await.unwrap();
    for own in ["root", "response-wrapping"] {
        assert!(store.write(&name(own), &read("a")).await.is_err(), "{own}");
        assert!(store.delete(&name(own)).await.is_err(), "{own}");
    }
    assert!(store.delete(&name("default")).await.is_err());
    store.write(&name("default"), &read("mine")).await.unwrap();
    store.ensure_default().await.unwrap();
    let text = store.read(&name("default")).await.unwrap();
    assert_eq!(text, Some(read("mine")), "a start does not undo a change");
}

#[tokio::test]
async fn a_policy_has_a_largest_size() {
    let store = PolicyStore::new(&root());
    let sized = |bytes: usize| {
        let rule = read("a");
        format!("{rule}{}", " ".repeat(bytes - rule.len()))
    };
    store
        .write(&name("p"), &sized(POLICY_BYTES_MAX))
        .await
        .unwrap();
    let refused = store.write(&name("p"), &sized(POLICY_BYTES_MAX + 1)).await;
    assert_eq!(refused.unwrap_err().reason(), "policy_too_large");
    let refused = store.write(&name("p"), "path {").await.unwrap_err();
    assert_eq!(refused.reason(), "policy_invalid");
}

#[test]
fn a_subject_adds_its_policies_to_those_of_the_token() {
    let own = names(&["b", "a"]);
    assert_eq!(effective(&own, None), own);
}
