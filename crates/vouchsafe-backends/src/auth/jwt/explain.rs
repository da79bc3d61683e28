//! `explain`: every check of a login with its verdict, and no login.
//!
//! Shows values of the token, so it needs a token of its own with `update` here. It writes nothing;
//! keys may be fetched, as a login would.

use serde_json::{Value, json};
use vouchsafe_logical::{Access, Answer, Call, Data, Method, Reply, Route};

use super::Jwt;
use super::check::{CHECKS, Outcome};
use super::login::{Examined, LoginInput, Step, Stopped};

pub(super) const ROUTE: Route<Jwt> = Route {
    pattern: "explain",
    access: Access::Token,
    methods: &[Method::update::<LoginInput>(explain)],
    exists: None,
    help: "Show how a login with a JWT would go, check by check, without logging in.",
};

/// The steps before there are verified claims: name, and what to do where one fails.
const STEPS: [(Step, &str, &str); 7] = [
    (
        Step::Configuration,
        "configuration",
        "write `config`, or an issuer at `issuer/NAME`",
    ),
    (
        Step::Role,
        "role",
        "list the roles of the mount; `default_role` is used where none is named",
    ),
    (
        Step::RoleType,
        "role_type",
        "write the role with `role_type=jwt`",
    ),
    (
        Step::Address,
        "token_bound_cidrs",
        "the role's `token_bound_cidrs` leave out the address of this request",
    ),
    (
        Step::Token,
        "token_format",
        "pass the JWT whole: three parts with dots, signed, with a header that brings no key",
    ),
    (
        Step::Route,
        "issuer_known",
        "write the token's exact `iss` to `issuer/NAME`, or its keys to `config`",
    ),
    (
        Step::Signature,
        "signature",
        "the token must be signed by a key that the issuer publishes now, with an algorithm of \
         `jwt_supported_algs`",
    ),
];

fn explain<'a>(jwt: &'a Jwt, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: LoginInput = call.input()?;
        let (checks, reason) = match jwt.examine(&call, &input).await {
            Ok(examined) => of_verified(&examined),
            Err(stopped) => of_stopped(&stopped),
        };
        let verdict = if reason.is_none() { "pass" } else { "fail" };
        Ok(Reply::data(Data::from_iter([
            ("checks".to_owned(), checks.into()),
            ("reason".to_owned(), reason.into()),
            ("verdict".to_owned(), verdict.into()),
        ])))
    })
}

/// One row of the answer.
fn row(
    check: &str,
    verdict: &str,
    shown: (Value, Value),
    failed: Option<(&str, &str, &str)>,
) -> Value {
    let (expected, present) = shown;
    let (reason, message, hint) = failed.unwrap_or_default();
    json!({
        "check": check,
        "verdict": verdict,
        "expected": expected,
        "present": present,
        "reason": reason,
        "message": message,
        "hint": hint,
    })
}

const NOTHING: (Value, Value) = (Value::Null, Value::Null);

fn of_stopped(stopped: &Stopped) -> (Vec<Value>, Option<&'static str>) {
    let error = &stopped.error;
    let mut message = error.messages().join("; ");
    // The operator asks, so the operator is told.
    if let Some(detail) = error.detail() {
        message = format!("{message}: {}", detail.for_operator());
    }
    let steps = STEPS.iter().map(|(step, name, hint)| {
        if *step == stopped.step {
            row(
                name,
                "fail",
                NOTHING,
                Some((error.reason(), &message, hint)),
            )
        } else if *step < stopped.step {
            row(name, "pass", NOTHING, None)
        } else {
            row(name, "skipped", NOTHING, None)
        }
    });
    let rest = CHECKS
        .iter()
        .map(|check| row(check.name, "skipped", NOTHING, None));
    (steps.chain(rest).collect(), Some(error.reason()))
}

fn of_verified(examined: &Examined) -> (Vec<Value>, Option<&'static str>) {
    let subject = examined.subject();
    let mut reason = None;
    let mut rows: Vec<Value> = Vec::with_capacity(STEPS.len() + CHECKS.len());
    for (step, name, _) in &STEPS {
        let shown = match step {
            Step::Role => (json!(subject.role_name), json!(subject.role_name)),
            Step::Signature => signature(examined),
            _ => NOTHING,
        };
        rows.push(row(name, "pass", shown, None));
    }
    for check in CHECKS {
        let shown = (check.show)(&subject);
        rows.push(match (check.judge)(&subject) {
            Outcome::Pass => row(check.name, "pass", shown, None),
            Outcome::Skipped => row(check.name, "skipped", shown, None),
            Outcome::Fail(failure) => {
                reason = reason.or(Some(failure.reason));
                let failed = (failure.reason, &*failure.message, check.hint);
                row(check.name, "fail", shown, Some(failed))
            }
        });
    }
    (rows, reason)
}

fn signature(examined: &Examined) -> (Value, Value) {
    let allowed = examined.trusted.algorithms();
    let allowed: Vec<&str> = allowed
        .iter()
        .flat_map(|allowed| allowed.iter())
        .map(vouchsafe_jose::Algorithm::as_str)
        .collect();
    let header = examined.token.header();
    let key_id = header.key_id().map(vouchsafe_jose::KeyId::as_str);
    let present = json!({"alg": header.algorithm().as_str(), "kid": key_id});
    (json!({ "alg": allowed }), present)
}
