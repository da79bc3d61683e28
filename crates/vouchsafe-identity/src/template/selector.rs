//! Vault's template selectors: `identity.entity.name`, `time.now.plus.1h` and their like.
//!
//! One grammar, two ways to print. In claim templates a selector prints JSON and what is missing
//! prints as empty; in policy paths it prints plain text and what is missing is an error, because a
//! path with a hole in it would be another path.
//!
//! A selector's text for a policy path is a value chosen by somebody else. Whoever puts it into a
//! path must take it literally: `*`, `+` and `/` in it are no pattern and no separator.

use std::borrow::Cow;
use std::fmt;

use vouchsafe_logical::duration::{DurationError, parse_duration};

use super::output::push_json_string;
use super::subject::{Metadata, TemplateAlias, TemplateGroup, TemplateSubject};

/// A parsed selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    EntityId,
    EntityName,
    Metadata,
    MetadataKey(String),
    GroupIds,
    GroupNames,
    Alias {
        mount_accessor: String,
        field: AliasField,
    },
    Group {
        key: GroupKey,
        field: GroupField,
    },
    /// Seconds to add to the current time.
    Time {
        offset_seconds: i64,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum AliasField {
    Id,
    Name,
    Metadata,
    MetadataKey(String),
    CustomMetadata,
    CustomMetadataKey(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum GroupKey {
    Id(String),
    Name(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum GroupField {
    Id,
    Name,
    MetadataKey(String),
}

/// Why a text is not a selector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SelectorError {
    /// None of the selectors that exist.
    Unknown {
        /// The text.
        selector: String,
    },
    /// `identity.entity.aliases.` without accessor and field.
    InvalidAliasSelector,
    /// `identity.groups.` without `ids.` or `names.`.
    InvalidGroupsSelector,
    /// `identity.groups.ids.` without group and field.
    InvalidGroupsAccessor,
    /// `time.` with something other than `now`.
    InvalidTimeSelector {
        /// What stands there.
        selector: String,
    },
    /// `time.now.plus` without a duration.
    MissingTimeOperand,
    /// Neither `plus` nor `minus`.
    InvalidTimeOperator {
        /// What stands there.
        operator: String,
    },
    /// The operand is not a duration.
    InvalidDuration(DurationError),
}

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { selector } => {
                write!(
                    f,
                    "no value could be found for one of the template directives: `{selector}`"
                )
            }
            Self::InvalidAliasSelector => f.write_str("invalid alias selector"),
            Self::InvalidGroupsSelector => f.write_str("invalid groups selector"),
            Self::InvalidGroupsAccessor => f.write_str("invalid groups accessor"),
            Self::InvalidTimeSelector { selector } => {
                write!(f, "invalid time selector {selector:?}")
            }
            Self::MissingTimeOperand => f.write_str("missing time operand"),
            Self::InvalidTimeOperator { operator } => {
                write!(f, "invalid time operator {operator:?}")
            }
            Self::InvalidDuration(error) => write!(f, "invalid duration: {error}"),
        }
    }
}

impl std::error::Error for SelectorError {}

/// Resolves one selector of a policy path to plain text.
///
/// `None` when the text is not a selector or has no value for this subject; an empty value counts
/// as none. `now_seconds` is Unix time.
///
/// # Security
/// The text is to be taken literally; see the module's documentation.
#[must_use]
pub fn resolve_selector(
    subject: &TemplateSubject<'_>,
    now_seconds: i64,
    selector: &str,
) -> Option<String> {
    let selector = Selector::parse(selector).ok()?;
    selector.text(subject, now_seconds).map(Cow::into_owned)
}

impl Selector {
    /// Parses the text between `{{` and `}}`; white space around it is dropped.
    ///
    /// # Errors
    /// The text is none of the selectors.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        let text = text.trim();
        let unknown = || SelectorError::Unknown {
            selector: text.to_owned(),
        };
        let kind = if let Some(rest) = text.strip_prefix("identity.entity.") {
            parse_entity(rest)?.ok_or_else(unknown)?
        } else if let Some(rest) = text.strip_prefix("identity.groups.") {
            parse_group(rest)?.ok_or_else(unknown)?
        } else if let Some(rest) = text.strip_prefix("time.") {
            parse_time(rest)?
        } else {
            return Err(unknown());
        };
        Ok(Self(kind))
    }

    /// Whether the selector names one group, which claim templates do not offer.
    pub(super) fn is_of_one_group(&self) -> bool {
        matches!(self.0, Kind::Group { .. })
    }

    /// The value as plain text, for a policy path: `None` if there is none or it is empty.
    #[must_use]
    pub fn text<'v>(
        &self,
        subject: &TemplateSubject<'v>,
        now_seconds: i64,
    ) -> Option<Cow<'v, str>> {
        let text = match &self.0 {
            Kind::EntityId => subject.id,
            Kind::EntityName => subject.name,
            Kind::MetadataKey(key) => subject.metadata.get(key)?,
            Kind::Alias {
                mount_accessor,
                field,
            } => find_alias(subject, mount_accessor)?.text_of(field)?,
            Kind::Group { key, field } => find_group(subject, key)?.text_of(field)?,
            Kind::Time { offset_seconds } => {
                return Some(
                    now_seconds
                        .saturating_add(*offset_seconds)
                        .to_string()
                        .into(),
                );
            }
            Kind::Metadata | Kind::GroupIds | Kind::GroupNames => return None,
        };
        (!text.is_empty()).then_some(Cow::Borrowed(text))
    }

    /// Appends the value as JSON: what is missing is `""`, `{}`, or `null` for groups.
    pub(super) fn push_json(
        &self,
        subject: &TemplateSubject<'_>,
        now_seconds: i64,
        out: &mut String,
    ) {
        match &self.0 {
            Kind::Metadata => push_json_metadata(out, subject.metadata),
            Kind::GroupIds => push_json_list(out, subject.groups.iter().map(|group| group.id)),
            Kind::GroupNames => push_json_list(out, subject.groups.iter().map(|group| group.name)),
            Kind::Alias {
                mount_accessor,
                field,
            } => {
                let alias = find_alias(subject, mount_accessor)
                    .copied()
                    .unwrap_or_default();
                match field {
                    AliasField::Metadata => push_json_metadata(out, alias.metadata),
                    AliasField::CustomMetadata => push_json_metadata(out, alias.custom_metadata),
                    field => push_json_string(out, alias.text_of(field).unwrap_or_default()),
                }
            }
            Kind::Time { offset_seconds } => {
                out.push_str(&now_seconds.saturating_add(*offset_seconds).to_string());
            }
            Kind::EntityId | Kind::EntityName | Kind::MetadataKey(_) | Kind::Group { .. } => {
                push_json_string(out, &self.text(subject, now_seconds).unwrap_or_default());
            }
        }
    }
}

fn parse_entity(text: &str) -> Result<Option<Kind>, SelectorError> {
    Ok(Some(match text {
        "id" => Kind::EntityId,
        "name" => Kind::EntityName,
        "metadata" => Kind::Metadata,
        "groups.ids" => Kind::GroupIds,
        "groups.names" => Kind::GroupNames,
        _ => {
            if let Some(key) = text.strip_prefix("metadata.") {
                Kind::MetadataKey(key.to_owned())
            } else if let Some(rest) = text.strip_prefix("aliases.") {
                let (mount_accessor, field) = rest
                    .split_once('.')
                    .ok_or(SelectorError::InvalidAliasSelector)?;
                let Some(field) = parse_alias_field(field) else {
                    return Ok(None);
                };
                Kind::Alias {
                    mount_accessor: mount_accessor.to_owned(),
                    field,
                }
            } else {
                return Ok(None);
            }
        }
    }))
}

fn parse_alias_field(text: &str) -> Option<AliasField> {
    Some(match text {
        "id" => AliasField::Id,
        "name" => AliasField::Name,
        "metadata" => AliasField::Metadata,
        "custom_metadata" => AliasField::CustomMetadata,
        _ => match (
            text.strip_prefix("metadata."),
            text.strip_prefix("custom_metadata."),
        ) {
            (Some(key), _) => AliasField::MetadataKey(key.to_owned()),
            (None, Some(key)) => AliasField::CustomMetadataKey(key.to_owned()),
            (None, None) => return None,
        },
    })
}

fn parse_group(text: &str) -> Result<Option<Kind>, SelectorError> {
    let (by, rest) = text
        .split_once('.')
        .ok_or(SelectorError::InvalidGroupsSelector)?;
    if by != "ids" && by != "names" {
        return Err(SelectorError::InvalidGroupsSelector);
    }
    let (key, field) = rest
        .split_once('.')
        .ok_or(SelectorError::InvalidGroupsAccessor)?;
    let key = if by == "ids" {
        GroupKey::Id(key.into())
    } else {
        GroupKey::Name(key.into())
    };
    let field = match field {
        "id" => GroupField::Id,
        "name" => GroupField::Name,
        _ => match field.strip_prefix("metadata.") {
            Some(key) => GroupField::MetadataKey(key.to_owned()),
            None => return Ok(None),
        },
    };
    Ok(Some(Kind::Group { key, field }))
}

fn parse_time(text: &str) -> Result<Kind, SelectorError> {
    let mut parts = text.splitn(3, '.');
    let selector = parts.next().unwrap_or_default();
    if selector != "now" {
        return Err(SelectorError::InvalidTimeSelector {
            selector: selector.to_owned(),
        });
    }
    let Some(operator) = parts.next() else {
        return Ok(Kind::Time { offset_seconds: 0 });
    };
    let operand = parts.next().ok_or(SelectorError::MissingTimeOperand)?;
    let duration = parse_duration(operand).map_err(SelectorError::InvalidDuration)?;
    let seconds = i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    // The result is a whole second, rounded down, whichever way the operator points.
    let part_of_second = i64::from(duration.subsec_nanos() > 0);
    let offset_seconds = match operator {
        "plus" => seconds,
        "minus" => seconds.saturating_neg().saturating_sub(part_of_second),
        _ => {
            return Err(SelectorError::InvalidTimeOperator {
                operator: operator.to_owned(),
            });
        }
    };
    Ok(Kind::Time { offset_seconds })
}

/// An entity has at most one alias of a mount, so that the accessor decides, never the order.
fn find_alias<'s, 'v>(
    subject: &'s TemplateSubject<'v>,
    mount_accessor: &str,
) -> Option<&'s TemplateAlias<'v>> {
    subject
        .aliases
        .iter()
        .find(|alias| alias.mount_accessor == mount_accessor)
}

fn find_group<'s, 'v>(
    subject: &'s TemplateSubject<'v>,
    key: &GroupKey,
) -> Option<&'s TemplateGroup<'v>> {
    subject.groups.iter().find(|group| match key {
        GroupKey::Id(id) => group.id == id,
        GroupKey::Name(name) => group.name == name,
    })
}

impl<'v> TemplateAlias<'v> {
    fn text_of(&self, field: &AliasField) -> Option<&'v str> {
        match field {
            AliasField::Id => Some(self.id),
            AliasField::Name => Some(self.name),
            AliasField::MetadataKey(key) => self.metadata.get(key).map(String::as_str),
            AliasField::CustomMetadataKey(key) => self.custom_metadata.get(key).map(String::as_str),
            AliasField::Metadata | AliasField::CustomMetadata => None,
        }
    }
}

impl<'v> TemplateGroup<'v> {
    fn text_of(&self, field: &GroupField) -> Option<&'v str> {
        match field {
            GroupField::Id => Some(self.id),
            GroupField::Name => Some(self.name),
            GroupField::MetadataKey(key) => self.metadata.get(key).map(String::as_str),
        }
    }
}

/// Appends metadata as a JSON object.
pub(super) fn push_json_metadata(out: &mut String, metadata: &Metadata) {
    out.push('{');
    for (index, (key, value)) in metadata.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_json_string(out, key);
        out.push(':');
        push_json_string(out, value);
    }
    out.push('}');
}

/// Appends texts as a JSON array, or Vault's `null` when there are none.
fn push_json_list<'v>(out: &mut String, items: impl Iterator<Item = &'v str>) {
    let start = out.len();
    for item in items {
        out.push(if out.len() == start { '[' } else { ',' });
        push_json_string(out, item);
    }
    out.push_str(if out.len() == start { "null" } else { "]" });
}
