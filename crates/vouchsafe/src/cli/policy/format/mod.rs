//! The layout of policy files: two blanks per level, one setting per line, `=` aligned.
//!
//! This works on the file's text alone, comments included; what the settings mean is the server's
//! to judge. The syntax is HCL 1: settings `name = value`, blocks `name "label" { … }`, lists and
//! maps, comments `#`, `//` and `/* … */`.

mod lex;
mod parse;
mod print;

/// How deep blocks, lists and maps may nest. Policies need three levels.
const DEPTH_MAX: usize = 16;

/// A file's text in the usual layout.
///
/// # Errors
///
/// Where and how the text is no HCL.
pub(crate) fn format(source: &str) -> Result<String, String> {
    let tokens = lex::tokens(source)?;
    let body = parse::file(&tokens)?;
    Ok(print::file(&body))
}

#[cfg(test)]
mod tests;
