//! The keepers of the seal: initialise, unseal, seal, rekey, make a root token.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Value, json};

use crate::harness::TestServer;

/// An initialised, sealed server with the shares of its key and its first token.
struct Kept {
    server: TestServer,
    shares: Vec<String>,
    root: String,
}

impl Kept {
    async fn new(shares: u8, threshold: u8) -> Self {
        let server = TestServer::uninitialized().await;
        let body = json!({ "secret_shares": shares, "secret_threshold": threshold });
        let made = server
            .ask("PUT", "sys/init")
            .json(body)
            .send()
            .await
            .expect(200)
            .json();
        Self {
            shares: texts(&made["keys"]),
            root: made["root_token"].as_str().expect("a token").to_owned(),
            server,
        }
    }

    async fn unsealed(shares: u8, threshold: u8) -> Self {
        let kept = Self::new(shares, threshold).await;
        for share in kept.shares.iter().take(usize::from(threshold)) {
            kept.bring(share).await;
        }
        kept
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        let answer = self.server.ask("PUT", path).json(body).send().await;
        (
            answer.status.as_u16(),
            serde_json::from_str(&answer.text).unwrap_or(Value::Null),
        )
    }

    async fn bring(&self, share: &str) -> Value {
        let (status, body) = self.put("sys/unseal", json!({ "key": share })).await;
        assert_eq!(status, 200, "{body}");
        body
    }

    async fn status_of(&self, method: &str, path: &str, token: &str) -> u16 {
        self.server
            .ask(method, path)
            .token(token)
            .send()
            .await
            .status
            .as_u16()
    }
}

fn texts(list: &Value) -> Vec<String> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|item| item.as_str().expect("a string").to_owned())
        .collect()
}

/// A share with its first byte changed.
fn spoiled(share: &str) -> String {
    let first = u8::from_str_radix(&share[..2], 16).expect("hexadecimal");
    format!("{:02x}{}", first ^ 1, &share[2..])
}

#[tokio::test]
async fn a_server_lives_from_its_first_start_to_its_second() {
    let kept = Kept::new(5, 3).await;
    assert_eq!(kept.shares.len(), 5);
    assert!(
        kept.shares.iter().all(|share| share.len() == 66),
        "32 bytes and x, in hexadecimal"
    );
    let health = kept
        .server
        .ask("GET", "sys/health")
        .send()
        .await
        .expect(503)
        .json();
    assert_eq!(
        (&health["initialized"], &health["sealed"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(
        kept.status_of("GET", "auth/token/lookup-self", &kept.root)
            .await,
        503
    );

    let first = kept.bring(&kept.shares[0]).await;
    assert_eq!(
        (&first["progress"], &first["t"], &first["n"]),
        (&json!(1), &json!(3), &json!(5))
    );
    let again = kept.bring(&kept.shares[0]).await;
    assert_eq!(again["progress"], 1, "a share counts once");
    assert_eq!(again["nonce"], first["nonce"]);
    kept.bring(&kept.shares[4]).await;
    let last = kept.bring(&kept.shares[2]).await;
    assert_eq!(
        (&last["sealed"], &last["progress"]),
        (&json!(false), &json!(0))
    );
    assert_eq!(
        kept.status_of("GET", "auth/token/lookup-self", &kept.root)
            .await,
        200
    );

    let policy = json!({ "policy": "path \"a\" { capabilities = [\"read\"] }" });
    let write = kept
        .server
        .ask("PUT", "sys/policies/acl/kept")
        .token(&kept.root)
        .json(policy);
    write.send().await.expect(204);
    assert_eq!(kept.status_of("PUT", "sys/seal", "nobody").await, 403);
    assert_eq!(kept.status_of("PUT", "sys/seal", &kept.root).await, 204);
    assert_eq!(
        kept.status_of("GET", "sys/policies/acl/kept", &kept.root)
            .await,
        503
    );
    for share in &kept.shares[1..4] {
        kept.bring(share).await;
    }
    assert_eq!(
        kept.status_of("GET", "sys/policies/acl/kept", &kept.root)
            .await,
        200
    );
}

#[tokio::test]
async fn a_server_is_initialised_once_and_with_numbers_that_make_sense() {
    let server = TestServer::uninitialized().await;
    let refused = async |body: Value| {
        server
            .ask("PUT", "sys/init")
            .json(body)
            .send()
            .await
            .expect(400)
            .error()
    };
    for (shares, threshold, fault) in [
        (0, 1, "shares must be at least one"),
        (5, 0, "threshold must be at least one"),
        (2, 3, "threshold cannot be larger than shares"),
        (
            3,
            1,
            "threshold must be greater than one for multiple shares",
        ),
        (256, 3, "shares must be less than 256"),
        (-1, 1, "shares must be at least one"),
    ] {
        let text = refused(json!({ "secret_shares": shares, "secret_threshold": threshold })).await;
        assert!(text.contains(fault), "{shares} {threshold}: {text}");
    }
    let status = server
        .ask("GET", "sys/health")
        .send()
        .await
        .expect(501)
        .json();
    assert_eq!(status["initialized"], false);
    let good = json!({ "secret_shares": 255, "secret_threshold": 2 });
    let made = server
        .ask("PUT", "sys/init")
        .json(good.clone())
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(texts(&made["keys_base64"]).len(), 255);
    assert!(refused(good).await.contains("already initialized"));
}

#[tokio::test]
async fn wrong_shares_end_the_attempt_and_open_nothing() {
    let kept = Kept::new(3, 2).await;
    kept.bring(&kept.shares[0]).await;
    let wrong = json!({ "key": spoiled(&kept.shares[1]) });
    let (status, body) = kept.put("sys/unseal", wrong).await;
    assert_eq!(status, 400);
    assert!(
        body.to_string()
            .contains("cipher: message authentication failed"),
        "{body}"
    );
    let after = kept
        .server
        .ask("GET", "sys/seal-status")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(
        (&after["progress"], &after["sealed"]),
        (&json!(0), &json!(true))
    );
    for (body, fault) in [
        (json!({}), "'key' must be specified"),
        (
            json!({ "key": "not hex, not base64!" }),
            "valid hex or base64",
        ),
    ] {
        let (status, answer) = kept.put("sys/unseal", body).await;
        assert_eq!(status, 400);
        assert!(answer.to_string().contains(fault), "{answer}");
    }
    kept.bring(&kept.shares[1]).await;
    let (_, reset) = kept.put("sys/unseal", json!({ "reset": true })).await;
    assert_eq!(reset["progress"], 0);
    let short = json!({ "key": "abcd" });
    kept.put("sys/unseal", short).await;
    let (status, _) = kept
        .put("sys/unseal", json!({ "key": kept.shares[1] }))
        .await;
    assert_eq!(status, 400, "shares of different lengths");
    kept.bring(&kept.shares[1]).await;
    assert_eq!(kept.bring(&kept.shares[2]).await["sealed"], false);
}

#[tokio::test]
async fn one_share_is_the_key_itself() {
    let kept = Kept::new(1, 1).await;
    assert_eq!(kept.shares[0].len(), 64);
    assert_eq!(kept.bring(&kept.shares[0]).await["sealed"], false);
}

#[tokio::test]
async fn new_shares_replace_the_old_ones_and_data_stays() {
    let kept = Kept::unsealed(3, 2).await;
    let wanted = json!({ "secret_shares": 4, "secret_threshold": 3 });
    let (status, begun) = kept.put("sys/rekey/init", wanted.clone()).await;
    assert_eq!(
        (status, &begun["started"], &begun["required"]),
        (200, &json!(true), &json!(2))
    );
    assert_eq!(
        kept.put("sys/rekey/init", wanted).await.0,
        400,
        "one at a time"
    );
    let nonce = begun["nonce"].as_str().expect("a nonce");
    let (status, _) = kept
        .put(
            "sys/rekey/update",
            json!({ "key": kept.shares[0], "nonce": "x" }),
        )
        .await;
    assert_eq!(status, 400, "another attempt's nonce");
    let bring = |share: &str| json!({ "key": share, "nonce": nonce });
    let (_, one) = kept.put("sys/rekey/update", bring(&kept.shares[0])).await;
    assert_eq!(one["progress"], 1);
    let (status, done) = kept.put("sys/rekey/update", bring(&kept.shares[1])).await;
    assert_eq!((status, &done["complete"]), (200, &json!(true)));
    let fresh = texts(&done["keys"]);
    assert_eq!(fresh.len(), 4);

    assert_eq!(kept.status_of("PUT", "sys/seal", &kept.root).await, 204);
    kept.bring(&kept.shares[0]).await;
    kept.bring(&kept.shares[1]).await;
    let (status, _) = kept
        .put("sys/unseal", json!({ "key": kept.shares[2] }))
        .await;
    assert_eq!(status, 400, "the old shares open nothing");
    for share in &fresh[1..] {
        kept.bring(share).await;
    }
    assert_eq!(
        kept.status_of("GET", "auth/token/lookup-self", &kept.root)
            .await,
        200
    );
}

#[tokio::test]
async fn keepers_make_a_root_token_that_only_who_asked_can_read() {
    let kept = Kept::unsealed(3, 2).await;
    let (_, begun) = kept.put("sys/generate-root/attempt", json!({})).await;
    let otp = begun["otp"]
        .as_str()
        .expect("a one-time password")
        .to_owned();
    let nonce = begun["nonce"].as_str().expect("a nonce");
    assert_eq!(begun["otp_length"], otp.len());
    let shown = kept
        .server
        .ask("GET", "sys/generate-root/attempt")
        .send()
        .await
        .expect(200)
        .json();
    assert_eq!(shown["otp"], "", "shown once");
    kept.put(
        "sys/generate-root/update",
        json!({ "key": kept.shares[2], "nonce": nonce }),
    )
    .await;
    let last = json!({ "key": kept.shares[0], "nonce": nonce });
    let (status, done) = kept.put("sys/generate-root/update", last).await;
    assert_eq!((status, &done["complete"]), (200, &json!(true)), "{done}");
    let encoded = done["encoded_token"].as_str().expect("an encoded token");
    let bytes = STANDARD_NO_PAD.decode(encoded).expect("base64");
    let token: Vec<u8> = bytes.iter().zip(otp.bytes()).map(|(a, b)| a ^ b).collect();
    let token = String::from_utf8(token).expect("a token");
    let own = kept
        .server
        .ask("GET", "auth/token/lookup-self")
        .token(&token)
        .send()
        .await;
    assert_eq!(own.expect(200).json()["data"]["policies"], json!(["root"]));
    assert!(!done.to_string().contains(&token));
}

#[tokio::test]
async fn wrong_shares_make_no_root_token() {
    let kept = Kept::unsealed(3, 2).await;
    let (_, begun) = kept.put("sys/generate-root/attempt", json!({})).await;
    let nonce = &begun["nonce"];
    let wrong = json!({ "key": spoiled(&kept.shares[1]), "nonce": nonce });
    kept.put("sys/generate-root/update", wrong).await;
    let last = json!({ "key": kept.shares[0], "nonce": nonce });
    let (status, body) = kept.put("sys/generate-root/update", last).await;
    assert_eq!(status, 400);
    assert!(!body.to_string().contains("encoded_token"));
    let short = json!({ "otp": "too short" });
    assert_eq!(kept.put("sys/generate-root/attempt", short).await.0, 400);
}

/// CVE-2026-5807 and its like: an outsider must not be able to stop the keepers.
#[tokio::test]
async fn an_attempt_is_cancelled_by_its_nonce_or_by_sudo_and_ends_by_itself() {
    let kept = Kept::unsealed(1, 1).await;
    for path in ["sys/rekey/init", "sys/generate-root/attempt"] {
        let body = json!({ "secret_shares": 1, "secret_threshold": 1 });
        let begin = async || {
            kept.put(path, body.clone()).await.1["nonce"]
                .as_str()
                .expect("a nonce")
                .to_owned()
        };
        let nonce = begin().await;
        assert_eq!(kept.status_of("DELETE", path, "").await, 403);
        assert_eq!(
            kept.status_of("DELETE", &format!("{path}?nonce=guess"), "")
                .await,
            403
        );
        assert_eq!(
            kept.status_of("DELETE", &format!("{path}?nonce={nonce}"), "")
                .await,
            204
        );
        begin().await;
        assert_eq!(kept.status_of("DELETE", path, &kept.root).await, 204);
        begin().await;
        assert_eq!(kept.put(path, body.clone()).await.0, 400, "one at a time");
        kept.server.clock.advance(Duration::from_secs(3_600));
        begin().await;
        assert_eq!(kept.status_of("DELETE", path, &kept.root).await, 204);
    }
}

/// Who does not know the nonce can neither cancel an attempt nor bring wrong shares to it.
#[tokio::test]
async fn the_nonce_is_for_who_began_and_for_sudo() {
    let kept = Kept::unsealed(3, 2).await;
    for (path, update) in [
        // The rekey comes last: afterwards the shares are others.
        ("sys/generate-root/attempt", "sys/generate-root/update"),
        ("sys/rekey/init", "sys/rekey/update"),
    ] {
        let body = json!({ "secret_shares": 3, "secret_threshold": 2 });
        let (_, begun) = kept.put(path, body).await;
        let nonce = begun["nonce"].as_str().expect("a nonce").to_owned();
        assert!(!nonce.is_empty());
        let shown = kept.server.ask("GET", path).send().await.expect(200).json();
        assert_eq!(
            (&shown["nonce"], &shown["started"]),
            (&json!(""), &json!(true))
        );
        let known = kept.server.ask("GET", path).token(&kept.root).send().await;
        assert_eq!(known.expect(200).json()["nonce"], nonce.as_str());
        let (status, refused) = kept
            .put(update, json!({ "key": kept.shares[0], "nonce": "guess" }))
            .await;
        assert_eq!(status, 400);
        assert!(!refused.to_string().contains(&nonce), "{refused}");
        // Wrong shares cost the progress, not the attempt.
        for share in [&kept.shares[0], &spoiled(&kept.shares[1])] {
            kept.put(update, json!({ "key": share, "nonce": nonce }))
                .await;
        }
        let shown = kept.server.ask("GET", path).send().await.expect(200).json();
        assert_eq!(
            (&shown["progress"], &shown["started"]),
            (&json!(0), &json!(true))
        );
        for share in &kept.shares[..2] {
            let (status, last) = kept
                .put(update, json!({ "key": share, "nonce": nonce }))
                .await;
            assert_eq!(status, 200, "{last}");
        }
        let shown = kept.server.ask("GET", path).send().await.expect(200).json();
        assert_eq!(shown["started"], false);
    }
}

#[tokio::test]
async fn members_for_pgp_keys_may_be_sent_empty() {
    let server = TestServer::uninitialized().await;
    let mut body = json!({
        "secret_shares": 1, "secret_threshold": 1, "pgp_keys": ["AA=="], "root_token_pgp_key": "",
    });
    let ask = |body: &Value| server.ask("PUT", "sys/init").json(body.clone()).send();
    ask(&body).await.expect(400);
    body["pgp_keys"] = Value::Null;
    body["root_token_pgp_key"] = "AA==".into();
    ask(&body).await.expect(400);
    body["root_token_pgp_key"] = "".into();
    ask(&body).await.expect(200);

    let kept = Kept::unsealed(1, 1).await;
    let begin = |keys: Value| {
        let body = json!({ "secret_shares": 1, "secret_threshold": 1, "pgp_keys": keys });
        kept.put("sys/rekey/init", body)
    };
    assert_eq!(begin(json!(["AA=="])).await.0, 400);
    assert_eq!(begin(json!([])).await.0, 200);
}

#[tokio::test]
async fn the_names_of_openbao_answer_in_the_envelope() {
    let kept = Kept::unsealed(1, 1).await;
    let body = json!({ "secret_shares": 2, "secret_threshold": 2, "pgp_keys": null });
    let (status, begun) = kept.put("sys/rotate/root/init", body).await;
    assert_eq!(status, 200, "{begun}");
    let body = json!({ "key": kept.shares[0], "nonce": begun["data"]["nonce"] });
    let (_, done) = kept.put("sys/rotate/root/update", body).await;
    assert_eq!(done["data"]["complete"], true);
    let shares = texts(&done["data"]["keys"]);
    assert_eq!(shares.len(), 2);

    let (_, begun) = kept.put("sys/generate-root-token/attempt", json!({})).await;
    let nonce = &begun["data"]["nonce"];
    let mut last = Value::Null;
    for share in &shares {
        let body = json!({ "key": share, "nonce": nonce });
        last = kept.put("sys/generate-root-token/update", body).await.1;
    }
    assert_eq!(last["data"]["complete"], true, "{last}");

    let wrong = json!({ "key": shares[0], "nonce": "other" });
    let (status, refused) = kept.put("sys/rotate/root/update", wrong).await;
    assert_eq!((status, refused["data"].clone()), (400, Value::Null));

    let rotate = kept.status_of("POST", "sys/rotate/keyring", &kept.root);
    assert_eq!(rotate.await, 204);
    let rotate = kept.status_of("POST", "sys/rotate/keyring", "hvs.none");
    assert_eq!(rotate.await, 403);
}
