//! From patterns of routes to the path templates of the document.

use serde_json::{Value, json};
use vouchsafe_logical::Operation;
use vouchsafe_logical::backend::{MethodInfo, RouteInfo};
use vouchsafe_logical::pattern::{Extent, Segment, segments};

/// Where a backend's routes are in the document.
pub(crate) struct Place {
    /// The mount's path, with a slash at its end; empty for none.
    mount: String,
    /// The kind of the mount, which names schemas.
    pub(super) kind: String,
    /// The group that the document sorts the operations into.
    pub(super) tag: &'static str,
    /// The parameter that stands for the mount's path, and what it stands for.
    stand_in: Option<(String, String)>,
}

impl Place {
    /// A mount at its own path.
    pub(crate) fn at(mount: &str, kind: &str) -> Self {
        let tag = match kind {
            "system" => "system",
            "identity" => "identity",
            _ if mount.starts_with("auth/") => "auth",
            _ => "secrets",
        };
        Self {
            mount: mount.to_owned(),
            kind: kind.to_owned(),
            tag,
            stand_in: None,
        }
    }

    /// The same with a parameter in the place of the mount's path, for clients that are made for
    /// any server. What is mounted everywhere at one path keeps it.
    pub(crate) fn generic(mut self) -> Self {
        if matches!(
            self.kind.as_str(),
            "system" | "token" | "identity" | "cubbyhole"
        ) {
            return self;
        }
        let path = self.mount.strip_prefix("auth/").unwrap_or(&self.mount);
        let path = path.trim_end_matches('/').to_owned();
        let name = format!("{}_mount_path", path.replace(['/', '-'], "_"));
        self.stand_in = Some((name, path));
        self
    }

    /// The beginning of the templates.
    fn prefix(&self) -> String {
        match &self.stand_in {
            Some((name, _)) if self.mount.starts_with("auth/") => format!("/auth/{{{name}}}/"),
            Some((name, _)) => format!("/{{{name}}}/"),
            None => format!("/{}", encoded(&self.mount)),
        }
    }

    /// The mount's path in an operation's id.
    pub(super) fn slug(&self) -> String {
        slug(&self.mount)
    }
}

/// One path of the document.
pub(super) struct Template {
    /// The path, with its parameters in braces.
    pub(super) path: String,
    /// The part below the mount.
    below: String,
    parameters: Vec<Parameter>,
    lists: bool,
}

struct Parameter {
    name: String,
    extent: Extent,
    default: Option<String>,
}

impl Template {
    /// Whether a method is described here and not at the path's other form.
    pub(super) fn serves(&self, method: &MethodInfo) -> bool {
        (method.operation == Operation::List) == self.lists
    }

    /// Whether the path gives this field.
    pub(super) fn captures(&self, name: &str) -> bool {
        self.parameters.iter().any(|p| p.name == name)
    }

    /// The part below the mount in an operation's id.
    pub(super) fn slug(&self) -> String {
        slug(&self.below)
    }
}

/// The path templates of a route. One with an optional rest has two, as far as that makes sense:
/// all folders can be listed, the topmost too, and a value may come with the body instead.
pub(super) fn templates(
    place: &Place,
    pattern: &'static str,
    methods: &[MethodInfo],
) -> Vec<Template> {
    let lists = methods.iter().any(|m| m.operation == Operation::List);
    let others = methods.iter().any(|m| m.operation != Operation::List);
    let whole: Vec<Segment> = segments(pattern).collect();
    let optional = match whole.last() {
        Some(Segment::Capture(name, Extent::OptionalRest)) => Some(*name),
        _ => None,
    };
    let in_body = |name: &str| {
        let mut fields = methods
            .iter()
            .flat_map(|m| m.fields.iter().copied().flatten());
        fields.any(|field| field.name == name)
    };
    let mut forms = vec![(&whole[..], others, lists)];
    if let Some(name) = optional {
        let short = &whole[..whole.len() - 1];
        forms.push((short, others && in_body(name), lists));
    }
    let mut templates = Vec::new();
    for (segments, others, lists) in forms {
        if others {
            templates.push(template(place, segments, false));
        }
        if lists {
            templates.push(template(place, segments, true));
        }
    }
    templates
}

fn template(place: &Place, segments: &[Segment], lists: bool) -> Template {
    let mut parameters: Vec<Parameter> = Vec::new();
    if let Some((name, path)) = &place.stand_in {
        parameters.push(Parameter {
            name: name.clone(),
            extent: Extent::Rest,
            default: Some(path.clone()),
        });
    }
    let mut words = Vec::new();
    for segment in segments {
        match segment {
            Segment::Literal(text) => words.push((*text).to_owned()),
            Segment::Capture(name, extent) => {
                words.push(format!("{{{name}}}"));
                parameters.push(Parameter {
                    name: (*name).to_owned(),
                    extent: *extent,
                    default: None,
                });
            }
        }
    }
    let below = words.join("/");
    let mut path = format!("{}{below}", place.prefix());
    if lists && !path.ends_with('/') {
        path.push('/');
    }
    Template {
        path,
        below,
        parameters,
        lists,
    }
}

/// What all operations of a path share.
pub(super) fn item(route: &RouteInfo, template: &Template) -> Value {
    let mut item = json!({ "description": route.help });
    let parameters: Vec<Value> = template.parameters.iter().map(parameter).collect();
    if let Some(item) = item.as_object_mut() {
        if !parameters.is_empty() {
            item.insert("parameters".to_owned(), parameters.into());
        }
        if route.has_existence_check {
            item.insert("x-vault-createSupported".to_owned(), true.into());
        }
        if !route.access.needs_token() {
            item.insert("x-vault-unauthenticated".to_owned(), true.into());
        }
        if matches!(route.access, vouchsafe_logical::Access::Sudo) {
            item.insert("x-vault-sudo".to_owned(), true.into());
        }
    }
    item
}

fn parameter(parameter: &Parameter) -> Value {
    let mut schema = json!({ "type": "string", "minLength": 1 });
    let takes = match parameter.extent {
        Extent::Name => {
            schema["pattern"] = json!("^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$");
            "A name: letters, digits, `_`, and `-` or `.` in between."
        }
        Extent::Segment => "One segment of the path.",
        Extent::Rest | Extent::OptionalRest => "A path; it may have slashes.",
    };
    let takes = match &parameter.default {
        Some(default) => {
            schema["default"] = json!(default);
            "The path that the backend is mounted at."
        }
        None => takes,
    };
    json!({
        "name": parameter.name,
        "in": "path",
        "required": true,
        "description": takes,
        "schema": schema,
    })
}

/// A mount's path as it stands in a URL, with braces that are no parameters.
fn encoded(path: &str) -> String {
    let mut text = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/:@!$&'()*+,;=".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// Letters, digits and `_` of a path, its parts joined by `-`.
fn slug(path: &str) -> String {
    path.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join("-")
}
