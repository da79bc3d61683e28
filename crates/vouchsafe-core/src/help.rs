//! `?help=1`: what a path is for, from its route's declaration.

use vouchsafe_logical::Data;

use crate::mount::Target;

/// The help of a route.
#[must_use]
pub(crate) fn of(target: &Target<'_>) -> Data {
    let mut text = format!("{}\n", target.info().help);
    let routes = target.mount().routes();
    let methods = routes
        .into_iter()
        .find(|(info, _)| info.pattern == target.info().pattern)
        .map(|(_, methods)| methods)
        .unwrap_or_default();
    for method in methods {
        text.push_str(&format!("\n{}\n", method.operation));
        for field in method.fields.iter().flat_map(|part| part.iter()) {
            text.push_str(&format!(
                "    {} ({:?})\n       {}\n",
                field.name,
                field.kind,
                field.help.trim()
            ));
        }
    }
    let mut data = Data::new();
    data.insert("help".to_owned(), text.into());
    data.insert("see_also".to_owned(), serde_json::Value::Null);
    data.insert("openapi".to_owned(), serde_json::Value::Null);
    data
}
