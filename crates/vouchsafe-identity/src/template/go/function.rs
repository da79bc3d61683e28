//! The functions of Go templates that claims need, and `toJSON`.

use std::borrow::Cow;
use std::cmp::Ordering;

use super::printf;
use super::value::{TooLong, Value, metadata_value};

/// A function, known by name when the template is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    And,
    Eq,
    Ge,
    Gt,
    Index,
    Le,
    Len,
    Lt,
    Ne,
    Not,
    Or,
    Print,
    Printf,
    Println,
    ToJson,
}

/// Name, function, and how many arguments it takes.
const FUNCTIONS: [(&str, Function, std::ops::RangeInclusive<usize>); 15] = [
    ("and", Function::And, 1..=ARGUMENTS_MAX),
    ("eq", Function::Eq, 2..=ARGUMENTS_MAX),
    ("ge", Function::Ge, 2..=2),
    ("gt", Function::Gt, 2..=2),
    ("index", Function::Index, 1..=ARGUMENTS_MAX),
    ("le", Function::Le, 2..=2),
    ("len", Function::Len, 1..=1),
    ("lt", Function::Lt, 2..=2),
    ("ne", Function::Ne, 2..=2),
    ("not", Function::Not, 1..=1),
    ("or", Function::Or, 1..=ARGUMENTS_MAX),
    ("print", Function::Print, 0..=ARGUMENTS_MAX),
    ("printf", Function::Printf, 1..=ARGUMENTS_MAX),
    ("println", Function::Println, 0..=ARGUMENTS_MAX),
    ("toJSON", Function::ToJson, 1..=1),
];

/// The most arguments of one call.
const ARGUMENTS_MAX: usize = 64;

/// Why a call fails; the caller knows where it stands.
#[derive(Debug)]
pub(super) enum CallError {
    TooLong,
    Wrong(String),
}

impl From<TooLong> for CallError {
    fn from(TooLong: TooLong) -> Self {
        Self::TooLong
    }
}

impl Function {
    /// Finds a function by its name.
    ///
    /// # Errors
    /// There is none of that name; the text lists those that exist.
    pub(super) fn find(name: &str) -> Result<Self, String> {
        if let Some((_, function, _)) = FUNCTIONS.iter().find(|(known, ..)| *known == name) {
            return Ok(*function);
        }
        if matches!(name, "identity" | "time") {
            return Err(format!(
                "`{name}` begins a Vault directive, written `{{{{identity.entity.name}}}}` and \
                 without trim markers or parentheses; in a Go template write `.entity.name`"
            ));
        }
        let known: Vec<&str> = FUNCTIONS.iter().map(|(known, ..)| *known).collect();
        Err(format!(
            "function `{name}` not defined; there are {}",
            known.join(", ")
        ))
    }

    pub(super) fn name(self) -> &'static str {
        FUNCTIONS
            .iter()
            .find(|(_, function, _)| *function == self)
            .map_or("", |(name, ..)| name)
    }

    /// Refuses a wrong number of arguments, which counts a piped one.
    pub(super) fn check_arity(self, count: usize) -> Result<(), String> {
        let Some((name, _, arity)) = FUNCTIONS.iter().find(|(_, function, _)| *function == self)
        else {
            return Ok(());
        };
        if arity.contains(&count) {
            return Ok(());
        }
        let (least, most) = (arity.start(), arity.end());
        let wanted = match (least == most, count < *least) {
            (true, _) => format!("{least}"),
            (false, true) => format!("at least {least}"),
            (false, false) => format!("at most {most}"),
        };
        Err(format!(
            "wrong number of arguments for `{name}`: wants {wanted}, found {count}"
        ))
    }

    /// Calls the function. `and` and `or`, which do not evaluate all arguments, are not called here
    /// but by the evaluator.
    pub(super) fn call<'v>(self, arguments: &[Value<'v>]) -> Result<Value<'v>, CallError> {
        let [first, rest @ ..] = arguments else {
            return Ok(Value::Literal(Cow::Borrowed(if self == Self::Println {
                "\n"
            } else {
                ""
            })));
        };
        match self {
            Self::And | Self::Or => Ok(arguments.last().unwrap_or(first).clone()),
            Self::Eq => {
                for other in rest {
                    if compare(self, first, other)? == Ordering::Equal {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            Self::Ge | Self::Gt | Self::Le | Self::Lt | Self::Ne => {
                let ordering = compare(self, first, rest.first().unwrap_or(&Value::Nil))?;
                Ok(Value::Bool(match self {
                    Self::Ge => ordering.is_ge(),
                    Self::Gt => ordering.is_gt(),
                    Self::Le => ordering.is_le(),
                    Self::Lt => ordering.is_lt(),
                    _ => ordering.is_ne(),
                }))
            }
            Self::Index => rest
                .iter()
                .try_fold(first.clone(), |value, key| index(&value, key)),
            Self::Len => length(first),
            Self::Not => Ok(Value::Bool(!first.is_true())),
            Self::Print => print(arguments, false),
            Self::Printf => printf::printf(first, rest),
            Self::Println => print(arguments, true),
            Self::ToJson => {
                let mut json = String::new();
                first.push_json(&mut json)?;
                Ok(Value::Json(Cow::Owned(json)))
            }
        }
    }
}

/// Text made from `parts` is the author's only if all of them are.
pub(super) fn text_of<'v>(parts: &[Value<'v>], text: String) -> Value<'v> {
    if parts.iter().all(Value::is_author_text) {
        Value::Literal(Cow::Owned(text))
    } else {
        Value::Text(Cow::Owned(text))
    }
}

fn compare(function: Function, left: &Value<'_>, right: &Value<'_>) -> Result<Ordering, CallError> {
    let equality = matches!(function, Function::Eq | Function::Ne);
    let ordering = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) if equality => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Float(left), Value::Float(right)) => left.partial_cmp(right),
        _ => match (left.as_text(), right.as_text()) {
            (Some(left), Some(right)) => Some(left.cmp(right)),
            _ => None,
        },
    };
    ordering.ok_or_else(|| {
        let hint = if matches!((left, right), (Value::Group(_), _) | (_, Value::Group(_))) {
            "; compare the group's `.name`"
        } else {
            ""
        };
        CallError::Wrong(format!(
            "`{}` cannot compare {} with {}{hint}",
            function.name(),
            left.kind(),
            right.kind()
        ))
    })
}

fn length<'v>(value: &Value<'_>) -> Result<Value<'v>, CallError> {
    let length = match value {
        Value::Aliases(aliases) => aliases.len(),
        Value::Claim(serde_json::Value::Array(items)) => items.len(),
        Value::Claim(serde_json::Value::Object(members)) => members.len(),
        Value::Claim(_) => 0,
        Value::Claims(claims) => claims.map_or(0, serde_json::Map::len),
        Value::Groups(groups) => groups.len(),
        Value::Json(text) | Value::Literal(text) | Value::Text(text) => text.len(),
        Value::Metadata(metadata) => metadata.len(),
        Value::Policies(policies) => policies.len(),
        other => return Err(CallError::Wrong(format!("{} has no length", other.kind()))),
    };
    Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX)))
}

fn index<'v>(value: &Value<'v>, key: &Value<'v>) -> Result<Value<'v>, CallError> {
    match (value, key) {
        (Value::Metadata(metadata), key) => match key.as_text() {
            Some(key) => Ok(Value::Text(Cow::Borrowed(metadata_value(metadata, key)))),
            None => Err(CallError::Wrong(format!(
                "a metadata key is text; found {}",
                key.kind()
            ))),
        },
        (Value::Claims(claims), key) if key.as_text().is_some() => {
            let name = key.as_text().unwrap_or_default();
            Ok(Value::of_claim(claims.and_then(|claims| claims.get(name))))
        }
        (Value::Claim(claim), Value::Int(at)) => {
            let place = usize::try_from(*at).unwrap_or(usize::MAX);
            Ok(Value::of_claim(claim.get(place)))
        }
        (Value::Claim(claim), key) if key.as_text().is_some() => {
            let name = key.as_text().unwrap_or_default();
            Ok(Value::of_claim(claim.get(name)))
        }
        (Value::Aliases(aliases), Value::Int(at)) => element(aliases, *at).map(Value::Alias),
        (Value::Groups(groups), Value::Int(at)) => element(groups, *at).map(Value::Group),
        (Value::Policies(policies), Value::Int(at)) => {
            element(policies, *at).map(|name| Value::Text(Cow::Borrowed(name)))
        }
        (list, key) => Err(CallError::Wrong(format!(
            "`index` cannot look up {} in {}",
            key.kind(),
            list.kind()
        ))),
    }
}

fn element<T>(list: &[T], at: i64) -> Result<&T, CallError> {
    usize::try_from(at)
        .ok()
        .and_then(|at| list.get(at))
        .ok_or_else(|| {
            CallError::Wrong(format!(
                "index {at} is out of range of a list of {}; test the list with `if` first",
                list.len()
            ))
        })
}

/// Go's `Sprint` puts a space between two operands if neither is text; `Sprintln` always does.
fn print<'v>(arguments: &[Value<'v>], line: bool) -> Result<Value<'v>, CallError> {
    let mut text = String::new();
    let mut previous_is_text = true;
    for (position, argument) in arguments.iter().enumerate() {
        let is_text = argument.as_text().is_some();
        if position > 0 && (line || !(is_text || previous_is_text)) {
            text.push(' ');
        }
        if !argument.push_text(&mut text)? {
            return Err(unprintable(argument));
        }
        previous_is_text = is_text;
    }
    if line {
        text.push('\n');
    }
    Ok(text_of(arguments, text))
}

/// The fault of printing a value that has no plain text.
pub(super) fn unprintable(value: &Value<'_>) -> CallError {
    CallError::Wrong(format!(
        "{} cannot be printed as text; pipe it to toJSON",
        value.kind()
    ))
}
