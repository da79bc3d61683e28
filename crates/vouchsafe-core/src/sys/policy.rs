//! `sys/policies/acl` and the older `sys/policy`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use vouchsafe_logical::{
    Access, Answer, Call, Data, Error, Method, PolicyName, Reply, Route, input,
};

use super::Sys;

input! {
    /// Body of `policies/acl/{name}`.
    pub(crate) struct PolicyInput {
        /// The name of the policy.
        name: String,
        /// The policy, in HCL or JSON, plain or in base64.
        policy: Option<String>,
        /// The older name of `policy`.
        rules: Option<String>,
    }
}

input! {
    /// Only the name.
    pub(crate) struct NameInput {
        /// The name of the policy.
        name: String,
    }
}

pub(crate) const POLICIES: Route<Sys> = Route {
    pattern: "policies/acl",
    access: Access::Token,
    methods: &[Method::list(list)],
    exists: None,
    help: "List the ACL policies.",
};

pub(crate) const POLICY: Route<Sys> = Route {
    pattern: "policies/acl/{name~...}",
    access: Access::Token,
    methods: &[
        Method::with::<NameInput>(vouchsafe_logical::Operation::Read, read),
        Method::update::<PolicyInput>(write),
        Method::with::<NameInput>(vouchsafe_logical::Operation::Delete, delete),
    ],
    exists: None,
    help: "Read, write or delete an ACL policy.",
};

pub(crate) const LEGACY_POLICIES: Route<Sys> = Route {
    pattern: "policy",
    access: Access::Token,
    methods: &[Method::read(list_legacy), Method::list(list_legacy)],
    exists: None,
    help: "List the ACL policies (older form of `policies/acl`).",
};

pub(crate) const LEGACY_POLICY: Route<Sys> = Route {
    pattern: "policy/{name~...}",
    access: Access::Token,
    methods: &[
        Method::with::<NameInput>(vouchsafe_logical::Operation::Read, read_legacy),
        Method::update::<PolicyInput>(write),
        Method::with::<NameInput>(vouchsafe_logical::Operation::Delete, delete),
    ],
    exists: None,
    help: "Read, write or delete an ACL policy (older form of `policies/acl/:name`).",
};

fn name_of(call: &Call<'_>) -> Result<PolicyName, Error> {
    PolicyName::parse(call.captured("name"))?
        .ok_or_else(|| Error::invalid("the name of the policy is empty"))
}

fn list<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Reply::keys(sys.runtime()?.policies.list().await?) })
}

fn list_legacy<'a>(sys: &'a Sys, _call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let names = sys.runtime()?.policies.list().await?;
        let mut data = Data::new();
        data.insert("keys".to_owned(), names.clone().into());
        data.insert("policies".to_owned(), names.into());
        Ok(Reply::data(data).at_top_level())
    })
}

async fn read_as(sys: &Sys, call: &Call<'_>, member: &str) -> Result<Data, Error> {
    let name = name_of(call)?;
    let text = sys
        .runtime()?
        .policies
        .read(&name)
        .await?
        .ok_or_else(Error::not_found)?;
    let mut data = Data::new();
    data.insert("name".to_owned(), name.as_str().into());
    data.insert(member.to_owned(), text.into());
    Ok(data)
}

fn read<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Ok(Reply::data(read_as(sys, &call, "policy").await?)) })
}

fn read_legacy<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move { Ok(Reply::data(read_as(sys, &call, "rules").await?).at_top_level()) })
}

fn write<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let input: PolicyInput = call.input()?;
        let name = name_of(&call)?;
        let is_former = input.policy.is_none() && input.rules.is_some();
        let text = input.policy.or(input.rules).unwrap_or_default();
        if name.is_root() {
            return Err(Error::invalid("cannot update \"root\" policy"));
        }
        if text.is_empty() {
            return Err(Error::invalid("'policy' parameter not supplied or empty"));
        }
        let text = decoded(text);
        let mut warnings = sys.runtime()?.policies.write(&name, &text).await?;
        if is_former {
            warnings.push("'rules' is deprecated, please use 'policy' instead".to_owned());
        }
        Ok(Reply {
            warnings,
            ..Reply::default()
        })
    })
}

/// Base64 of a text is taken as the text. No policy is itself base64: it has a space or a brace.
fn decoded(text: String) -> String {
    match STANDARD.decode(text.trim()).map(String::from_utf8) {
        Ok(Ok(decoded)) => decoded,
        Ok(Err(_)) | Err(_) => text,
    }
}

fn delete<'a>(sys: &'a Sys, call: Call<'a>) -> Answer<'a> {
    Box::pin(async move {
        let name = name_of(&call)?;
        sys.runtime()?.policies.delete(&name).await?;
        Ok(Reply::empty())
    })
}
