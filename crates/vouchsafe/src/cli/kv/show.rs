//! How secrets and their metadata are printed: sections with headings.

use serde_json::{Map, Value};
use vouchsafe_api::Envelope;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Stop};
use crate::cli::flags::{Format, OutputFlags};
use crate::cli::gotext;
use crate::cli::render;
use crate::cli::table::Table;

/// A heading between equals signs, about as wide as what is below it.
pub(super) fn heading(title: &str, width: usize) -> String {
    // At least two signs at each side.
    let signs = width.saturating_sub(title.len() + 2);
    let signs = "=".repeat(if signs == 0 { 2 } else { signs.div_ceil(2) });
    format!("{signs} {title} {signs}")
}

/// A heading, then names and values in order of name.
pub(super) fn section(title: &str, members: &Map<String, Value>) -> String {
    let longest = members.keys().map(String::len).max().unwrap_or(0);
    // The gap between the columns and the word `Value`.
    let width = longest + "    Value".len();
    format!("{}\n{}", heading(title, width), pairs(members))
}

/// Names and values in order of name.
pub(super) fn pairs(members: &Map<String, Value>) -> String {
    let mut sorted: Vec<_> = members.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    let mut table = Table::of_pairs();
    for (name, value) in sorted {
        table.pair(name, gotext::render(value));
    }
    table.render()
}

/// Prints what a write of a version answered.
pub(super) fn written(
    context: &mut Context,
    path: &str,
    envelope: &Envelope,
    flags: &OutputFlags,
) -> Result<Exit, Stop> {
    let format = flags.format.resolve(&context.environment)?;
    let Some(metadata) = envelope
        .data
        .as_ref()
        .filter(|_| is_table(envelope, format, flags))
    else {
        return context.print(envelope, flags);
    };
    render::warnings(context, envelope);
    context.console.line(&heading("Secret Path", path.len()));
    context.console.line(&format!("{path}\n"));
    context.console.line(&section("Metadata", metadata));
    Ok(Exit::Success)
}

/// Whether an answer is shown in sections: not to programs, and not when it is wrapped.
pub(super) fn is_table(envelope: &Envelope, format: Format, flags: &OutputFlags) -> bool {
    format == Format::Table && flags.field.is_none() && envelope.wrap_info.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_as_wide_as_their_sections() {
        assert_eq!(heading("Metadata", 24), "======= Metadata =======");
        assert_eq!(heading("Secret Path", 9), "== Secret Path ==");
        assert_eq!(heading("Version 1", 22), "====== Version 1 ======");
        assert_eq!(heading("Data", 10), "== Data ==");
        assert_eq!(heading("Data", 7), "= Data =");
        assert_eq!(heading("Data", 6), "== Data ==");
    }
}
