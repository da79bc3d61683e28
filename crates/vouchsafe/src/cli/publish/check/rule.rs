//! What verifiers ask of an issuer, as a table: who asks it, why, and what helps.
//!
//! A rule looks at one [`Observation`] and says what it found, or nothing. What a rule can't judge,
//! because an earlier step failed, it leaves to the rule of that step.

use serde_json::Value;
use vouchsafe_backends::publish::private_member;
use vouchsafe_logical::FetchError;

use super::observation::{Observation, member, modulus_bits, name};

/// The shortest RSA modulus, in bits (RFC 7518 §3.3).
pub(super) const RSA_BITS_MIN: usize = 2_048;
/// The most RSA keys, and the most EC keys, of an issuer at AWS.
pub(super) const AWS_KEYS_MAX: usize = 100;
/// The largest document that our own publishing engine takes by default, in bytes.
pub(super) const DOCUMENT_BYTES_MAX: usize = 256 * 1024;
/// The longest time that keys should be kept: longer than a day outlives most rotations.
pub(super) const CACHE_SECONDS_MAX: u64 = 86_400;

/// Members that a document must have beside `issuer` and `jwks_uri` (OpenID Connect Discovery §3).
const REQUIRED_MEMBERS: [&str; 3] = [
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
];

const ALL: &[&str] = &["AWS", "GCP", "Azure", "Vault", "Kubernetes"];

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Severity {
    /// Somebody refuses the issuer.
    Error,
    /// It works, and may fail some day or for some tokens.
    Warning,
}

impl Severity {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// One rule.
pub(super) struct Rule {
    pub(super) code: &'static str,
    pub(super) severity: Severity,
    /// Who asks it.
    pub(super) verifiers: &'static [&'static str],
    pub(super) reason: &'static str,
    pub(super) hint: &'static str,
    pub(super) fault: fn(&Observation) -> Option<String>,
}

/// A rule that is broken, and how.
pub(super) struct Finding {
    pub(super) rule: &'static Rule,
    pub(super) text: String,
}

/// Every rule that is broken, in the order of the table.
pub(super) fn apply(observation: &Observation) -> Vec<Finding> {
    let broken = |rule: &'static Rule| {
        let text = (rule.fault)(observation)?;
        Some(Finding { rule, text })
    };
    RULES.iter().filter_map(broken).collect()
}

use Severity::{Error, Warning};

/// The rules, in the order in which a verifier meets them.
pub(super) const RULES: &[Rule] = &[
    Rule {
        code: "issuer_not_https",
        severity: Error,
        verifiers: ALL,
        reason: "an issuer is an https URL (OpenID Connect Discovery §3); without TLS anybody on the way can replace the keys",
        hint: "serve the issuer over https, and set it as `iss` with that scheme",
        fault: |seen| {
            let url = seen.url()?;
            (url.scheme() != "https").then(|| format!("the issuer's scheme is `{}`", url.scheme()))
        },
    },
    Rule {
        code: "issuer_has_query",
        severity: Error,
        verifiers: ALL,
        reason: "an issuer has no query, fragment or user (OpenID Connect Discovery §3)",
        hint: "use host and path alone",
        fault: |seen| {
            let url = seen.url()?;
            let user = !url.username().is_empty() || url.password().is_some();
            let extra = url.query().is_some() || url.fragment().is_some() || user;
            extra.then(|| "the issuer has a query, a fragment or a user".to_owned())
        },
    },
    Rule {
        code: "issuer_has_port",
        severity: Warning,
        verifiers: &["AWS"],
        reason: "AWS wants the URL of a provider without a port number",
        hint: "serve the issuer at port 443",
        fault: |seen| {
            seen.url()?
                .port()
                .map(|port| format!("the issuer has the port {port}"))
        },
    },
    Rule {
        code: "issuer_ends_with_slash",
        severity: Warning,
        verifiers: ALL,
        reason: "`iss` is compared byte for byte, and some configurations add or drop the slash",
        hint: "use an issuer without a slash at its end, in tokens and everywhere",
        fault: |seen| {
            let slash = seen.issuer.ends_with('/');
            slash.then(|| "the issuer ends with `/`".to_owned())
        },
    },
    Rule {
        code: "issuer_has_path",
        severity: Warning,
        verifiers: &["AWS"],
        reason: "the document lies below the path, not at the host's root, and AWS's trust policies name host and path in every condition",
        hint: "nothing to do if the conditions name both, such as `host/path:sub`",
        fault: |seen| {
            let url = seen.url()?;
            let path = url.path().trim_matches('/');
            (!path.is_empty()).then(|| format!("the issuer has the path `/{path}`"))
        },
    },
    Rule {
        code: "discovery_unreachable",
        severity: Error,
        verifiers: ALL,
        reason: "a verifier asks from outside, within about five seconds, and checks the certificate against the public authorities",
        hint: "ask from outside with `curl -v`; look at DNS, firewall, and the certificate's names, chain and end",
        fault: |seen| {
            seen.discovery
                .fetched
                .as_ref()
                .err()
                .map(|fault| unreachable(&seen.discovery.url, fault))
        },
    },
    Rule {
        code: "discovery_redirects",
        severity: Error,
        verifiers: &["Vouchsafe"],
        reason: "a verifier that guards its requests follows no redirect",
        hint: "answer at the address itself, or use the final address as the issuer",
        fault: |seen| {
            let status = seen.discovery.fetched.as_ref().ok()?.status;
            (300..400)
                .contains(&status)
                .then(|| format!("{} answers {status}", seen.discovery.url))
        },
    },
    Rule {
        code: "discovery_status",
        severity: Error,
        verifiers: ALL,
        reason: "the document is answered with 200 (OpenID Connect Discovery §4.2)",
        hint: "publish at exactly this address; with a path in the issuer it is below the path",
        fault: |seen| {
            let status = seen.discovery.fetched.as_ref().ok()?.status;
            let other = status != 200 && !(300..400).contains(&status);
            other.then(|| format!("{} answers {status}", seen.discovery.url))
        },
    },
    Rule {
        code: "discovery_not_json",
        severity: Error,
        verifiers: ALL,
        reason: "the document is a JSON object",
        hint: "look at what the address answers; a login page is a usual surprise",
        fault: |seen| {
            seen.discovery.success()?;
            seen.metadata()
                .is_none()
                .then(|| format!("{} is no JSON object", seen.discovery.url))
        },
    },
    Rule {
        code: "discovery_content_type",
        severity: Warning,
        verifiers: &["strict clients"],
        reason: "the media type is application/json (OpenID Connect Discovery §4.2)",
        hint: "set `Content-Type: application/json`; file servers guess from the name, which has no ending here",
        fault: |seen| {
            let found = &seen.discovery.success()?.media_type;
            (found != "application/json").then(|| format!("the media type is `{found}`"))
        },
    },
    Rule {
        code: "issuer_differs",
        severity: Error,
        verifiers: ALL,
        reason: "the document's `issuer` is the issuer that was asked for, byte for byte (OpenID Connect Discovery §4.3)",
        hint: "set the public issuer at the source, or rewrite it when publishing",
        fault: |seen| {
            seen.metadata()?;
            let found = seen.said("issuer").unwrap_or_default();
            (found != seen.issuer).then(|| {
                format!(
                    "the document says `{found}`, asked for was `{}`",
                    seen.issuer
                )
            })
        },
    },
    Rule {
        code: "jwks_uri_missing",
        severity: Error,
        verifiers: ALL,
        reason: "without `jwks_uri` there are no keys",
        hint: "add `jwks_uri` to the document",
        fault: |seen| {
            seen.metadata()?;
            seen.said("jwks_uri")
                .is_none()
                .then(|| "the document has no `jwks_uri`".to_owned())
        },
    },
    Rule {
        code: "jwks_uri_not_https",
        severity: Error,
        verifiers: ALL,
        reason: "whoever can replace the keys on the way can sign as this issuer",
        hint: "serve the keys over https",
        fault: |seen| {
            let found = seen.said("jwks_uri")?;
            (!found.starts_with("https://")).then(|| format!("`jwks_uri` is `{found}`"))
        },
    },
    Rule {
        code: "members_missing",
        severity: Warning,
        verifiers: &["AWS", "strict clients"],
        reason: "these members are required (OpenID Connect Discovery §3)",
        hint: "add them: [\"id_token\"], [\"public\"], and the algorithms of the keys",
        fault: |seen| {
            let found = seen.metadata()?;
            let missing = REQUIRED_MEMBERS
                .into_iter()
                .filter(|name| !found.contains_key(*name));
            let missing: Vec<&str> = missing.collect();
            (!missing.is_empty()).then(|| format!("the document has no {}", missing.join(", ")))
        },
    },
    Rule {
        code: "keys_unreachable",
        severity: Error,
        verifiers: ALL,
        reason: "the keys are fetched from `jwks_uri`, from outside, without a token",
        hint: "ask from outside with `curl -v`; a `jwks_uri` of the private network is a usual cause",
        fault: |seen| {
            let answer = seen.key_set.as_ref()?;
            match &answer.fetched {
                Err(fault) => Some(unreachable(&answer.url, fault)),
                Ok(fetched) if fetched.status != 200 => {
                    Some(format!("{} answers {}", answer.url, fetched.status))
                }
                Ok(_) => None,
            }
        },
    },
    Rule {
        code: "keys_absent",
        severity: Error,
        verifiers: ALL,
        reason: "a key set is an object with a list `keys` that is not empty (RFC 7517 §5)",
        hint: "publish the issuer's key set as it is",
        fault: |seen| {
            let answer = seen.key_set.as_ref()?;
            answer.success()?;
            seen.keys()
                .is_empty()
                .then(|| format!("{} holds no keys", answer.url))
        },
    },
    Rule {
        code: "key_not_public",
        severity: Error,
        verifiers: ALL,
        reason: "whoever reads a private or symmetric key can sign as this issuer",
        hint: "take the key back at once, and rotate: it is known to the world",
        fault: |seen| {
            first(seen, |key| {
                private_member(key).map(|member| format!("has `{member}`"))
            })
        },
    },
    Rule {
        code: "key_id_missing",
        severity: Warning,
        verifiers: &["AWS", "Azure"],
        reason: "keys are found by `kid`; without one a key is not found, or tried on every token",
        hint: "give each key a `kid`, such as its thumbprint (RFC 7638), and tokens the same",
        fault: |seen| {
            first(seen, |key| {
                member(key, "kid")
                    .unwrap_or_default()
                    .is_empty()
                    .then(|| "has no `kid`".to_owned())
            })
        },
    },
    Rule {
        code: "key_id_twice",
        severity: Warning,
        verifiers: ALL,
        reason: "where two keys share a `kid`, some verifiers try the first alone",
        hint: "give each key a `kid` of its own",
        fault: |seen| {
            let ids: Vec<&str> = seen
                .keys()
                .iter()
                .filter_map(|key| member(key, "kid"))
                .collect();
            let twice = ids
                .iter()
                .enumerate()
                .find(|(place, id)| !id.is_empty() && ids[..*place].contains(id));
            twice.map(|(place, _)| {
                format!(
                    "the `kid` {} is there twice",
                    name(place, &seen.keys()[place])
                )
            })
        },
    },
    Rule {
        code: "rsa_too_short",
        severity: Error,
        verifiers: ALL,
        reason: "an RSA key has 2048 bits or more (RFC 7518 §3.3)",
        hint: "rotate to a key of 2048 bits or more",
        fault: |seen| {
            first(seen, |key| {
                let bits = modulus_bits(key).filter(|bits| *bits < RSA_BITS_MIN)?;
                Some(format!("has {bits} bits"))
            })
        },
    },
    Rule {
        code: "keys_too_many",
        severity: Warning,
        verifiers: &["AWS"],
        reason: "AWS takes at most 100 RSA and 100 EC keys of an issuer",
        hint: "retire keys when the last token that they signed has ended",
        fault: |seen| {
            let count = |kty| {
                seen.keys()
                    .iter()
                    .filter(|key| member(key, "kty") == Some(kty))
                    .count()
            };
            let most = count("RSA").max(count("EC"));
            (most > AWS_KEYS_MAX).then(|| format!("there are {most} keys of one type"))
        },
    },
    Rule {
        code: "algorithm_aws_kubernetes",
        severity: Error,
        verifiers: &["AWS", "Kubernetes"],
        reason: "they verify RSA and ECDSA (P-256, P-384, P-521) signatures",
        hint: "sign with RS256 or ES256",
        fault: |seen| {
            no_key(seen, "RSA or ECDSA", |key| {
                matches!(member(key, "kty"), Some("RSA" | "EC"))
            })
        },
    },
    Rule {
        code: "algorithm_gcp",
        severity: Error,
        verifiers: &["GCP"],
        reason: "workload identity federation verifies RS256 and ES256",
        hint: "sign with RS256 or ES256",
        fault: |seen| {
            no_key(seen, "RS256 or ES256", |key| {
                signs_rs256(key) || member(key, "crv") == Some("P-256")
            })
        },
    },
    Rule {
        code: "algorithm_azure",
        severity: Error,
        verifiers: &["Azure"],
        reason: "workload identity federation verifies RS256 alone",
        hint: "sign with RS256",
        fault: |seen| no_key(seen, "RS256", signs_rs256),
    },
    Rule {
        code: "document_too_large",
        severity: Warning,
        verifiers: &["strict clients"],
        reason: "verifiers bound what they read, each at another size",
        hint: "retire old keys, and leave out certificates (`x5c`)",
        fault: |seen| {
            let answers = std::iter::once(&seen.discovery).chain(&seen.key_set);
            let mut large = answers.filter(|answer| {
                answer
                    .success()
                    .is_some_and(|found| found.body.len() > DOCUMENT_BYTES_MAX)
            });
            large
                .next()
                .map(|answer| format!("{} has more than {DOCUMENT_BYTES_MAX} bytes", answer.url))
        },
    },
    Rule {
        code: "cache_too_long",
        severity: Warning,
        verifiers: ALL,
        reason: "a verifier that keeps the keys for longer than a rotation refuses good tokens",
        hint: "set `Cache-Control: max-age` below the time between publishing a key and signing with it",
        fault: |seen| {
            let age = seen.key_set.as_ref()?.success()?.max_age?.as_secs();
            (age > CACHE_SECONDS_MAX).then(|| format!("the keys may be kept for {age} s"))
        },
    },
    Rule {
        code: "cache_unstated",
        severity: Warning,
        verifiers: ALL,
        reason: "without `Cache-Control: max-age` each verifier chooses how long it keeps the keys",
        hint: "set `Cache-Control: public, max-age=60`, or what the rotation allows",
        fault: |seen| {
            let answer = seen.key_set.as_ref()?;
            let unstated = answer.success()?.max_age.is_none();
            unstated.then(|| format!("{} states no `max-age`", answer.url))
        },
    },
    Rule {
        code: "token_issuer_differs",
        severity: Error,
        verifiers: ALL,
        reason: "`iss` is compared byte for byte",
        hint: "set the issuer at the source: Kubernetes `--service-account-issuer`, GitLab `ci_id_tokens_issuer_url`; Vault adds `/v1/identity/oidc` to its own",
        fault: |seen| {
            let issuer = seen
                .token()?
                .claims
                .get("iss")
                .and_then(Value::as_str)
                .unwrap_or_default();
            (issuer != seen.issuer).then(|| {
                format!(
                    "the token's `iss` is `{issuer}`, the issuer is `{}`",
                    seen.issuer
                )
            })
        },
    },
    Rule {
        code: "token_not_verified",
        severity: Error,
        verifiers: ALL,
        reason: "the token's signature is by one of the published keys",
        hint: "sync the keys; if a key was just rotated in, wait for caches to pass",
        fault: |seen| seen.token()?.verified.as_ref().err().cloned(),
    },
    Rule {
        code: "token_expired",
        severity: Error,
        verifiers: ALL,
        reason: "a token has an end (`exp`) that is not over",
        hint: "try a fresh token",
        fault: |seen| {
            let token = seen.token()?;
            match token.claims.get("exp").and_then(Value::as_f64) {
                None => Some("the token has no `exp`".to_owned()),
                Some(end) if end <= token.now.as_second() as f64 => {
                    Some("the token is expired".to_owned())
                }
                Some(_) => None,
            }
        },
    },
    Rule {
        code: "token_without_audience",
        severity: Error,
        verifiers: ALL,
        reason: "a verifier takes only tokens that name it in `aud`",
        hint: "ask for the token with the verifier's audience, such as `sts.amazonaws.com`",
        fault: |seen| {
            let audience = seen.token()?.claims.get("aud");
            audience
                .is_none()
                .then(|| "the token has no `aud`".to_owned())
        },
    },
];

fn unreachable(url: &str, fault: &FetchError) -> String {
    format!("{url}: {fault}")
}

type Key = serde_json::Map<String, Value>;

/// The first key with a fault.
fn first(seen: &Observation, fault: impl Fn(&Key) -> Option<String>) -> Option<String> {
    let mut keys = seen.keys().iter().enumerate();
    keys.find_map(|(place, key)| {
        let fault = fault(key)?;
        Some(format!("the key {} {fault}", name(place, key)))
    })
}

/// What to say where no key will do. An empty set has a rule of its own.
fn no_key(seen: &Observation, wanted: &str, will_do: impl Fn(&Key) -> bool) -> Option<String> {
    let none = !seen.keys().is_empty() && !seen.keys().iter().any(will_do);
    none.then(|| format!("no key is for {wanted}"))
}

fn signs_rs256(key: &Key) -> bool {
    let is_rsa = member(key, "kty") == Some("RSA");
    is_rsa && member(key, "alg").is_none_or(|alg| alg == "RS256")
}
