//! Values that a template computes with: the subject's data, constants, and what functions return.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::ast::Field;
use crate::template::RENDERED_BYTES_MAX;
use crate::template::error::Fault;
use crate::template::output::push_json_string;
use crate::template::selector::push_json_metadata;
use crate::template::subject::{Metadata, TemplateAlias, TemplateGroup, TemplateSubject};

pub(super) const ROOT_FIELDS: [&str; 3] = ["entity", "time", "token"];
pub(super) const ENTITY_FIELDS: [&str; 6] =
    ["id", "name", "metadata", "aliases", "groups", "policies"];
pub(super) const TIME_FIELDS: [&str; 1] = ["now"];
pub(super) const TOKEN_FIELDS: [&str; 1] = ["claims"];
const GROUP_FIELDS: [&str; 3] = ["id", "name", "metadata"];
const ALIAS_FIELDS: [&str; 6] = [
    "id",
    "name",
    "mount_accessor",
    "mount_type",
    "metadata",
    "custom_metadata",
];

/// The template's data, which is the first dot and `$`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Root<'v> {
    pub(super) subject: &'v TemplateSubject<'v>,
    pub(super) now_seconds: i64,
}

#[derive(Clone, Debug)]
pub(super) enum Value<'v> {
    Alias(&'v TemplateAlias<'v>),
    Aliases(&'v [TemplateAlias<'v>]),
    Bool(bool),
    /// A claim that is absent, a list, or has members.
    Claim(&'v serde_json::Value),
    /// All claims of the login.
    Claims(Option<&'v serde_json::Map<String, serde_json::Value>>),
    Entity(&'v TemplateSubject<'v>),
    Float(f64),
    Group(&'v TemplateGroup<'v>),
    Groups(&'v [TemplateGroup<'v>]),
    Int(i64),
    /// What `toJSON` returned: a complete JSON value.
    Json(Cow<'v, str>),
    /// Text in which every byte comes from the template's author.
    Literal(Cow<'v, str>),
    Metadata(&'v Metadata),
    Nil,
    Policies(&'v [String]),
    Root(Root<'v>),
    /// Text that holds somebody else's bytes.
    Text(Cow<'v, str>),
    /// Unix seconds.
    Time(i64),
    /// The caller's token.
    Token(&'v TemplateSubject<'v>),
}

/// More than [`RENDERED_BYTES_MAX`] bytes were to be made.
#[derive(Debug)]
pub(super) struct TooLong;

impl<'v> Value<'v> {
    /// What the value is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Alias(_) => "an alias",
            Self::Aliases(_) => "the list of aliases",
            Self::Bool(_) => "a boolean",
            Self::Claim(_) => "a claim",
            Self::Claims(_) => "the claims of the login",
            Self::Entity(_) => "the entity",
            Self::Float(_) | Self::Int(_) => "a number",
            Self::Group(_) => "a group",
            Self::Groups(_) => "the list of groups",
            Self::Json(_) => "the result of toJSON",
            Self::Literal(_) | Self::Text(_) => "text",
            Self::Metadata(_) => "metadata",
            Self::Nil => "nil",
            Self::Policies(_) => "the list of policies",
            Self::Root(_) => "the template's data",
            Self::Time(_) => "the time",
            Self::Token(_) => "the token",
        }
    }

    /// Go's truth: empty text, empty lists, zero, false and nil are false.
    pub(super) fn is_true(&self) -> bool {
        match self {
            Self::Aliases(aliases) => !aliases.is_empty(),
            Self::Bool(value) => *value,
            Self::Claim(serde_json::Value::Array(items)) => !items.is_empty(),
            Self::Claim(serde_json::Value::Object(members)) => !members.is_empty(),
            Self::Claim(_) => false,
            Self::Claims(claims) => claims.is_some_and(|claims| !claims.is_empty()),
            Self::Float(value) => *value != 0.0,
            Self::Groups(groups) => !groups.is_empty(),
            Self::Int(value) => *value != 0,
            Self::Json(text) | Self::Literal(text) | Self::Text(text) => !text.is_empty(),
            Self::Metadata(metadata) => !metadata.is_empty(),
            Self::Nil => false,
            Self::Policies(policies) => !policies.is_empty(),
            Self::Alias(_)
            | Self::Entity(_)
            | Self::Group(_)
            | Self::Root(_)
            | Self::Time(_)
            | Self::Token(_) => true,
        }
    }

    /// The text, if the value is text.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Json(text) | Self::Literal(text) | Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether no byte of what it prints comes from the subject's data. Numbers and booleans count:
    /// their digits cannot end a JSON value.
    pub(super) fn is_author_text(&self) -> bool {
        matches!(
            self,
            Self::Literal(_) | Self::Bool(_) | Self::Float(_) | Self::Int(_)
        )
    }

    /// The value of `.name` on this value. Metadata that is not there is empty text.
    pub(super) fn field(&self, field: &'v Field) -> Result<Self, Fault> {
        let text = |text: &'v str| Ok(Self::Text(Cow::Borrowed(text)));
        let known: &[&str] = match (self, field.name.as_str()) {
            (Self::Root(root), "entity") => return Ok(Self::Entity(root.subject)),
            (Self::Root(root), "time") => return Ok(Self::Time(root.now_seconds)),
            (Self::Root(root), "token") => return Ok(Self::Token(root.subject)),
            (Self::Root(_), _) => &ROOT_FIELDS,
            (Self::Token(token), "claims") => return Ok(Self::Claims(token.token_claims)),
            (Self::Token(_), _) => &TOKEN_FIELDS,
            (Self::Claims(claims), key) => {
                return Ok(Self::of_claim(claims.and_then(|claims| claims.get(key))));
            }
            (Self::Claim(claim), key) => return Ok(Self::of_claim(claim.get(key))),
            (Self::Entity(entity), "id") => return text(entity.id),
            (Self::Entity(entity), "name") => return text(entity.name),
            (Self::Entity(entity), "metadata") => return Ok(Self::Metadata(entity.metadata)),
            (Self::Entity(entity), "aliases") => return Ok(Self::Aliases(&entity.aliases)),
            (Self::Entity(entity), "groups") => return Ok(Self::Groups(&entity.groups)),
            (Self::Entity(entity), "policies") => return Ok(Self::Policies(entity.policies)),
            (Self::Entity(_), _) => &ENTITY_FIELDS,
            (Self::Time(now_seconds), "now") => return Ok(Self::Int(*now_seconds)),
            (Self::Time(_), _) => &TIME_FIELDS,
            (Self::Group(group), "id") => return text(group.id),
            (Self::Group(group), "name") => return text(group.name),
            (Self::Group(group), "metadata") => return Ok(Self::Metadata(group.metadata)),
            (Self::Group(_), _) => &GROUP_FIELDS,
            (Self::Alias(alias), "id") => return text(alias.id),
            (Self::Alias(alias), "name") => return text(alias.name),
            (Self::Alias(alias), "mount_accessor") => return text(alias.mount_accessor),
            (Self::Alias(alias), "mount_type") => return text(alias.mount_type),
            (Self::Alias(alias), "metadata") => return Ok(Self::Metadata(alias.metadata)),
            (Self::Alias(alias), "custom_metadata") => {
                return Ok(Self::Metadata(alias.custom_metadata));
            }
            (Self::Alias(_), _) => &ALIAS_FIELDS,
            (Self::Metadata(metadata), key) => return text(metadata_value(metadata, key)),
            _ => &[],
        };
        Err(unknown_field(field, self.kind(), known))
    }

    /// A claim, as what it is; one that is absent is null, whatever it was to be a member of.
    pub(super) fn of_claim(claim: Option<&'v serde_json::Value>) -> Self {
        match claim.unwrap_or(&serde_json::Value::Null) {
            serde_json::Value::Bool(flag) => Self::Bool(*flag),
            serde_json::Value::String(text) => Self::Text(Cow::Borrowed(text)),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
                (Some(whole), _) => Self::Int(whole),
                (None, Some(other)) => Self::Float(other),
                (None, None) => Self::Nil,
            },
            other => Self::Claim(other),
        }
    }

    /// Appends the value as `toJSON` prints it: a group as its name, no groups as `[]`.
    pub(super) fn push_json(&self, out: &mut String) -> Result<(), TooLong> {
        match self {
            Self::Alias(alias) => push_json_alias(out, alias),
            Self::Aliases(aliases) => push_json_array(out, aliases.iter(), push_json_alias)?,
            Self::Bool(_) | Self::Float(_) | Self::Int(_) => {
                self.push_text(out)?;
            }
            Self::Claim(claim) => push_formatted(out, format_args!("{claim}")),
            Self::Claims(claims) => {
                let claims = claims.cloned().unwrap_or_default();
                push_formatted(out, format_args!("{}", serde_json::Value::Object(claims)));
            }
            Self::Token(token) => {
                out.push_str("{\"claims\":");
                Self::Claims(token.token_claims).push_json(out)?;
                out.push('}');
            }
            Self::Entity(entity) => push_json_entity(out, entity)?,
            Self::Group(group) => push_json_string(out, group.name),
            Self::Groups(groups) => {
                push_json_array(out, groups.iter(), |out, group| {
                    push_json_string(out, group.name)
                })?;
            }
            Self::Json(text) | Self::Literal(text) | Self::Text(text) => {
                push_json_string(out, text)
            }
            Self::Metadata(metadata) => push_json_metadata(out, metadata),
            Self::Nil => out.push_str("null"),
            Self::Policies(policies) => {
                push_json_array(out, policies.iter(), |out, name| {
                    push_json_string(out, name)
                })?;
            }
            Self::Root(root) => {
                out.push_str("{\"entity\":");
                push_json_entity(out, root.subject)?;
                out.push_str(",\"time\":");
                Self::Time(root.now_seconds).push_json(out)?;
                out.push('}');
            }
            Self::Time(now_seconds) => {
                push_formatted(out, format_args!("{{\"now\":{now_seconds}}}"));
            }
        }
        if out.len() > RENDERED_BYTES_MAX {
            Err(TooLong)
        } else {
            Ok(())
        }
    }

    /// Appends the value as Go prints it. `Ok(false)` if it has no plain text.
    pub(super) fn push_text(&self, out: &mut String) -> Result<bool, TooLong> {
        match self {
            Self::Bool(value) => push_formatted(out, format_args!("{value}")),
            Self::Float(value) => push_formatted(out, format_args!("{value}")),
            Self::Group(group) => out.push_str(group.name),
            Self::Groups(groups) => push_words(out, groups.iter().map(|group| group.name))?,
            Self::Int(value) => push_formatted(out, format_args!("{value}")),
            Self::Json(text) | Self::Literal(text) | Self::Text(text) => out.push_str(text),
            Self::Policies(policies) => push_words(out, policies.iter().map(String::as_str))?,
            Self::Alias(_)
            | Self::Aliases(_)
            | Self::Claim(_)
            | Self::Claims(_)
            | Self::Entity(_)
            | Self::Metadata(_)
            | Self::Nil
            | Self::Root(_)
            | Self::Time(_)
            | Self::Token(_) => return Ok(false),
        }
        if out.len() > RENDERED_BYTES_MAX {
            Err(TooLong)
        } else {
            Ok(true)
        }
    }
}

/// The value of a metadata key; empty if it is not there, as in Vault's own templates.
pub(super) fn metadata_value<'v>(metadata: &'v Metadata, key: &str) -> &'v str {
    metadata.get(key).map_or("", String::as_str)
}

/// The fault of `.name` on something that has no such field.
pub(super) fn unknown_field(field: &Field, owner: &str, known: &[&str]) -> Fault {
    let name = &field.name;
    let text = if known.is_empty() {
        format!("{owner} has no fields; found `.{name}`")
    } else {
        let known: Vec<String> = known.iter().map(|field| format!("`.{field}`")).collect();
        format!(
            "{owner} has no field `.{name}`; it has {}",
            known.join(", ")
        )
    };
    Fault::action(field.at, text)
}

fn push_formatted(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a `String` cannot fail.
    let _infallible = out.write_fmt(arguments);
}

/// `[a b c]`, which is how Go prints a list.
fn push_words<'v>(out: &mut String, words: impl Iterator<Item = &'v str>) -> Result<(), TooLong> {
    out.push('[');
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
        if out.len() > RENDERED_BYTES_MAX {
            return Err(TooLong);
        }
    }
    out.push(']');
    Ok(())
}

fn push_json_array<T>(
    out: &mut String,
    items: impl Iterator<Item = T>,
    push: impl Fn(&mut String, T),
) -> Result<(), TooLong> {
    out.push('[');
    for (index, item) in items.enumerate() {
        if index > 0 {
            out.push(',');
        }
        push(out, item);
        if out.len() > RENDERED_BYTES_MAX {
            return Err(TooLong);
        }
    }
    out.push(']');
    Ok(())
}

/// Custom metadata is left out: operators note there what verifiers need not see. A template that
/// wants it names it.
fn push_json_alias(out: &mut String, alias: &TemplateAlias<'_>) {
    let members = [
        ("{\"id\":", alias.id),
        (",\"name\":", alias.name),
        (",\"mount_accessor\":", alias.mount_accessor),
        (",\"mount_type\":", alias.mount_type),
    ];
    for (key, value) in members {
        out.push_str(key);
        push_json_string(out, value);
    }
    out.push_str(",\"metadata\":");
    push_json_metadata(out, alias.metadata);
    out.push('}');
}

fn push_json_entity(out: &mut String, entity: &TemplateSubject<'_>) -> Result<(), TooLong> {
    out.push_str("{\"id\":");
    push_json_string(out, entity.id);
    out.push_str(",\"name\":");
    push_json_string(out, entity.name);
    let members = [
        (",\"metadata\":", Value::Metadata(entity.metadata)),
        (",\"aliases\":", Value::Aliases(&entity.aliases)),
        (",\"groups\":", Value::Groups(&entity.groups)),
        (",\"policies\":", Value::Policies(entity.policies)),
    ];
    for (key, value) in members {
        out.push_str(key);
        value.push_json(out)?;
    }
    out.push('}');
    Ok(())
}
