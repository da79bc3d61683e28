//! What a verified token must be to log in with a role: one list of checks, in their order.
//!
//! The login takes the first that fails; `explain` shows all of them. There is no other list, so
//! the two can't disagree. Everything here is a function of claims, role, issuer and time.

use serde_json::{Map, Value, json};
use vouchsafe_jose::{Claims, NumericDate};
use vouchsafe_trust::times;

use super::role::{ANY_ISSUER, OWN_ISSUER, Role};
use super::trusted::Trusted;
use super::{claim, identity};

/// What is judged.
pub(super) struct Subject<'s> {
    /// The claims that the issuer signed.
    pub(super) claims: &'s Claims,
    /// All that is known of who logs in: those claims, and what the userinfo endpoint adds to them
    /// where a person logs in.
    pub(super) facts: &'s Map<String, Value>,
    /// The client that the token is for, where a person logs in.
    pub(super) client_id: Option<&'s str>,
    pub(super) role: &'s Role,
    pub(super) role_name: &'s str,
    pub(super) trusted: &'s Trusted,
    pub(super) now: NumericDate,
}

/// Why a check fails. The message names claims and never repeats their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// A fault that Vault finds while it validates the token.
    fn validating(reason: &'static str, message: impl std::fmt::Display) -> Self {
        Self::new(reason, format!("error validating token: {message}"))
    }
}

/// How a check went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Pass,
    /// Neither role nor issuer asks for it.
    Skipped,
    Fail(Failure),
}

impl From<Result<(), Failure>> for Outcome {
    fn from(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::Pass,
            Err(failure) => Self::Fail(failure),
        }
    }
}

/// One check.
pub(super) struct Check {
    /// Its stable name.
    pub(super) name: &'static str,
    /// Judges.
    pub(super) judge: fn(&Subject<'_>) -> Outcome,
    /// What is expected and what is there, for those who may see the token's values.
    pub(super) show: fn(&Subject<'_>) -> (Value, Value),
    /// What to do where it fails.
    pub(super) hint: &'static str,
}

/// Every check of a verified token, in the order in which a login makes them.
pub(super) const CHECKS: &[Check] = &[
    Check {
        name: "claim_names",
        judge: claim_names,
        show: |_| {
            (
                json!("no claim whose name is a registered one in other letters"),
                Value::Null,
            )
        },
        hint: "have the issuer drop the claim whose name differs from a registered one in case only",
    },
    Check {
        name: "issuer",
        judge: issuer,
        show: |subject| {
            let bound = subject.trusted.bound_issuer();
            (json!(bound), json!(subject.claims.issuer()))
        },
        hint: "set `bound_issuer` to the exact `iss`, the slash at its end included",
    },
    Check {
        name: "bound_issuers",
        judge: bound_issuers,
        show: |subject| {
            let name = match subject.trusted {
                Trusted::Mount(_) => Value::Null,
                Trusted::Further(name, _) => json!(**name),
            };
            (json!(subject.role.bound_issuers), name)
        },
        hint: "add the issuer's name to the role's `bound_issuers`",
    },
    Check {
        name: "bound_subject",
        judge: bound_subject,
        show: |subject| {
            (
                json!(subject.role.bound_subject),
                json!(subject.claims.subject()),
            )
        },
        hint: "set the role's `bound_subject` to the exact `sub`",
    },
    Check {
        name: "bound_audiences",
        judge: bound_audiences,
        show: |subject| {
            let expected = match (subject.role.audiences(), subject.trusted.audiences()) {
                ([], of_issuer) => json!(of_issuer),
                (of_role, []) => json!(of_role),
                (of_role, of_issuer) => json!({"role": of_role, "issuer": of_issuer}),
            };
            (expected, json!(subject.claims.audience()))
        },
        hint: "ask the platform for a token with one of these audiences, or add the token's to the \
               role's `bound_audiences`",
    },
    Check {
        name: "time",
        judge: time,
        show: |subject| {
            let leeways = subject.trusted.leeways(subject.role);
            let get = |name| subject.claims.get(name);
            (
                json!({
                    "clock_skew_leeway": leeways.clock_skew,
                    "expiration_leeway": leeways.expiration,
                    "not_before_leeway": leeways.not_before,
                    "now": subject.now.seconds(),
                }),
                json!({"exp": get("exp"), "iat": get("iat"), "nbf": get("nbf")}),
            )
        },
        hint: "get a fresh token, and compare the clocks of issuer and server",
    },
    Check {
        name: "audience_expected",
        judge: audience_expected,
        show: |subject| {
            let bound = subject.role.audiences().len() + subject.trusted.audiences().len();
            let expected = if bound == 0 {
                "no `aud`"
            } else {
                "an `aud` or none"
            };
            (json!(expected), json!(subject.claims.audience()))
        },
        hint: "set the role's `bound_audiences`: a token for somebody else must not log in here",
    },
    Check {
        name: "user_claim",
        judge: |subject| identity::alias(subject).map(|_| ()).into(),
        show: |subject| {
            (
                json!(subject.role.user_claim),
                json!(identity::user(subject).ok()),
            )
        },
        hint: "set the role's `user_claim` to a claim that every token has, e.g. `sub`",
    },
    Check {
        name: "claim_mappings",
        judge: |subject| match subject.role.claim_mappings.iter().flatten().next() {
            None => Outcome::Skipped,
            Some(_) => identity::metadata(subject).map(|_| ()).into(),
        },
        show: |subject| {
            let mappings = subject.role.claim_mappings.iter().flatten();
            let names: Vec<&str> = mappings.map(|(name, _)| &**name).collect();
            (json!(names), present(subject, names.iter().copied()))
        },
        hint: "map only claims that are strings",
    },
    Check {
        name: "groups_claim",
        judge: |subject| match subject.role.groups_claim.is_empty() {
            true => Outcome::Skipped,
            false => identity::groups(subject).map(|_| ()).into(),
        },
        show: |subject| {
            let name = &*subject.role.groups_claim;
            (json!(name), json!(claim::find(subject.facts, name)))
        },
        hint: "set the role's `groups_claim` to a claim that is a list of names",
    },
    Check {
        name: "bound_claims",
        judge: bound_claims,
        show: |subject| {
            let bound = subject
                .role
                .bound_claims
                .iter()
                .flat_map(|claims| &claims.0);
            let names = bound.map(|(name, _)| &**name);
            let bound = subject.role.bound_claims.as_ref();
            (
                json!(bound.map(|claims| &claims.0)),
                present(subject, names),
            )
        },
        hint: "compare the role's `bound_claims` with what the token has; kinds must agree, and \
               globs need `bound_claims_type=glob`",
    },
];

/// Those of the named claims that are there, with their values.
fn present<'n>(subject: &Subject<'_>, names: impl Iterator<Item = &'n str>) -> Value {
    let found = names.filter_map(|name| {
        let value = claim::find(subject.facts, name)?;
        Some((name.to_owned(), value.clone()))
    });
    Value::Object(found.collect())
}

/// Registered claims of RFC 7519, which other verifiers may find under any case.
const REGISTERED: [&str; 7] = ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"];

/// A verifier that folds case would read another issuer, subject or expiry out of the same token.
fn claim_names(subject: &Subject<'_>) -> Outcome {
    for name in subject.claims.all().keys() {
        let twin = REGISTERED
            .iter()
            .find(|registered| name != *registered && folds_to(name, registered));
        if let Some(registered) = twin {
            return Outcome::Fail(Failure::validating(
                "claim_ambiguous",
                format_args!(
                    "ambiguous claim: key {name:?} collides with registered claim \
                     {registered:?} under case folding"
                ),
            ));
        }
    }
    Outcome::Pass
}

/// Unicode's simple folding knows two characters outside ASCII that become ASCII letters.
fn folds_to(name: &str, registered: &str) -> bool {
    let folded = name.chars().map(|c| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        other => other.to_ascii_lowercase(),
    });
    folded.eq(registered.chars())
}

fn issuer(subject: &Subject<'_>) -> Outcome {
    let Some(bound) = subject.trusted.bound_issuer() else {
        return Outcome::Skipped;
    };
    let found = subject.claims.issuer();
    if found == Some(bound) {
        return Outcome::Pass;
    }
    let slash_apart = |found: &str| {
        found.strip_suffix('/') == Some(bound) || bound.strip_suffix('/') == Some(found)
    };
    let message = match found {
        None => "invalid issuer (iss) claim: the token has none".to_owned(),
        // The one difference that nobody sees; both are names of one public server.
        Some(found) if slash_apart(found) => format!(
            "invalid issuer (iss) claim: the token says {found:?} and the bound issuer is \
             {bound:?}; the slash at the end counts"
        ),
        Some(_) => "invalid issuer (iss) claim: it is not the bound issuer".to_owned(),
    };
    Outcome::Fail(Failure::validating("issuer_mismatch", message))
}

fn bound_issuers(subject: &Subject<'_>) -> Outcome {
    let bound = &subject.role.bound_issuers;
    let (name, path) = match &subject.trusted {
        // A role of a mount with one issuer names none.
        Trusted::Mount(..) if bound.is_empty() => return Outcome::Skipped,
        Trusted::Mount(..) => (OWN_ISSUER, OWN_ISSUER.to_owned()),
        Trusted::Further(name, _) => (name.as_str(), format!("issuer/{name}")),
    };
    if bound
        .iter()
        .any(|bound| bound == ANY_ISSUER || bound == name)
    {
        return Outcome::Pass;
    }
    Outcome::Fail(Failure::validating(
        "issuer_not_allowed",
        format_args!("the role does not name `{path}` in `bound_issuers`"),
    ))
}

fn bound_subject(subject: &Subject<'_>) -> Outcome {
    let bound = &*subject.role.bound_subject;
    if bound.is_empty() {
        return Outcome::Skipped;
    }
    if subject.claims.subject() == Some(bound) {
        return Outcome::Pass;
    }
    Outcome::Fail(Failure::validating(
        "subject_mismatch",
        "invalid subject (sub) claim: it is not the bound subject",
    ))
}

fn bound_audiences(subject: &Subject<'_>) -> Outcome {
    let asked = [subject.trusted.audiences(), subject.role.audiences()];
    if asked.iter().all(|bound| bound.is_empty()) {
        return Outcome::Skipped;
    }
    let found = subject.claims.audience().unwrap_or_default();
    let names_one = |bound: &&[String]| {
        bound.is_empty() || found.iter().any(|audience| bound.contains(audience))
    };
    if asked.iter().all(names_one) {
        return Outcome::Pass;
    }
    Outcome::Fail(Failure::validating(
        "audience_mismatch",
        "invalid audience (aud) claim: audience claim does not match any expected audience",
    ))
}

fn time(subject: &Subject<'_>) -> Outcome {
    let leeways = subject.trusted.leeways(subject.role);
    let fault = |fault: times::TimeFault| Failure::validating(fault.reason(), fault);
    times::check(subject.claims, leeways, subject.now)
        .map_err(fault)
        .into()
}

/// The rule of Vault 1.17: a token that names an audience needs a role that asks for one.
fn audience_expected(subject: &Subject<'_>) -> Outcome {
    let is_bound = !subject.role.audiences().is_empty()
        || !subject.trusted.audiences().is_empty()
        || subject.client_id.is_some();
    if is_bound || subject.claims.audience().unwrap_or_default().is_empty() {
        return Outcome::Pass;
    }
    Outcome::Fail(Failure::new(
        "audience_mismatch",
        "audience claim found in JWT but no audiences bound to the role",
    ))
}

fn bound_claims(subject: &Subject<'_>) -> Outcome {
    let Some(bound) = &subject.role.bound_claims else {
        return Outcome::Skipped;
    };
    let verdict = bound.judge(subject.role.bound_claims_type, subject.facts);
    verdict
        .map_err(|mismatch| {
            let message = format!("error validating claims: {mismatch}");
            Failure::new(mismatch.reason(), message)
        })
        .into()
}
