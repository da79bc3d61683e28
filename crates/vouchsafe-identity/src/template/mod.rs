//! Claim templates: what a role adds to the tokens that it issues (Vault `identity/oidc/role`).
//!
//! Two syntaxes, told apart by how their actions begin. Vault's own has directives,
//! `{"name": {{identity.entity.name}}}`, which bring their own quotes ([`Selector`]). The other is
//! Go's `text/template`, `{"name": {{.entity.name | toJSON}}}`, with `.entity.id`, `.name`,
//! `.metadata`, `.aliases`, `.groups`, `.policies`, `.time.now`, and `.token.claims` of the login that made
//! the caller's token.
//!
//! This module reads no storage and no clock: subject and time are arguments. It does not set the
//! issuer's own claims, and does not let a template do so ([`RESERVED_CLAIMS`]).
//!
//! Invariants:
//! - A subject's values never change the structure of the JSON around them: they are escaped, or
//!   are complete JSON values, or rendering fails.
//! - What renders is a JSON object without repeated keys and without reserved ones.
//! - Length, nesting, work and output are bounded, whatever the template.
//! - A template that parses has rendered for subjects with nothing and with everything.

mod claims;
mod directive;
mod error;
mod go;
mod output;
mod sample;
mod scan;
mod selector;
mod subject;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

pub use claims::{CLAIM_DEPTH_MAX, RESERVED_CLAIMS};
pub use error::{Position, RenderError, TemplateError};
pub use sample::Sample;
pub use selector::{Selector, SelectorError, resolve_selector};
pub use subject::{Metadata, TemplateAlias, TemplateGroup, TemplateSubject};

use directive::Directives;
use error::Fault;
use go::GoTemplate;
use output::Output;
use sample::Words;
use scan::Segment;

/// The longest template, in bytes after base64 decoding.
pub const TEMPLATE_BYTES_MAX: usize = 8 * 1024;
/// The most that a template may print for one subject, in bytes. Tokens travel in HTTP headers,
/// which servers commonly cut at 8 to 16 KiB.
pub const RENDERED_BYTES_MAX: usize = 16 * 1024;
/// How deep blocks and parentheses may nest.
pub const NESTING_MAX: usize = 32;
/// How many nodes, operands and calls one rendering may evaluate. A range over a hundred groups
/// with a condition and two claims for each takes some 2,000.
pub const STEPS_MAX: u32 = 20_000;
/// How many bytes of text, copied or made, count as one more step.
const STEP_BYTES: usize = 64;

/// A template that was parsed, checked and tried, ready to render.
#[derive(Clone, Debug)]
pub struct ClaimTemplate {
    source: String,
    syntax: Syntax,
}

#[derive(Clone, Debug)]
enum Syntax {
    Directives(Directives),
    Go(GoTemplate),
}

/// The template that a role's `template` parameter holds: standard padded base64 of it if it
/// decodes to text as such, else the parameter itself. A JSON text never decodes, since it has
/// braces.
#[must_use]
pub fn decode_template(parameter: &str) -> Cow<'_, str> {
    // Line breaks are what `base64` adds to its output; Go's decoder skips them too.
    let unwrapped = parameter.replace(['\r', '\n'], "");
    match STANDARD.decode(unwrapped).map(String::from_utf8) {
        Ok(Ok(decoded)) => Cow::Owned(decoded),
        Ok(Err(_)) | Err(_) => Cow::Borrowed(parameter),
    }
}

impl ClaimTemplate {
    /// Parses a decoded template, checks it, and tries it with sample subjects.
    ///
    /// An empty text is refused, since it is no JSON object; a role without a template has none to
    /// parse.
    ///
    /// # Errors
    /// The text is too long, is no template of either syntax, mixes both, or fails for a subject
    /// that may exist: an action that cannot be carried out, a result that is no JSON object, a
    /// reserved claim.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        if source.len() > TEMPLATE_BYTES_MAX {
            return Err(TemplateError::TooLong {
                bytes: source.len(),
            });
        }
        let (syntax, words) = compile(source).map_err(|fault| fault.into_syntax_error(source))?;
        let template = Self {
            source: source.to_owned(),
            syntax,
        };
        words
            .try_each(|subject| template.render(subject, sample::NOW_SECONDS).map(|_| ()))
            .map_err(|(sample, error)| TemplateError::Trial { sample, error })?;
        Ok(template)
    }

    /// The text that was parsed.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The claims for one subject; `now_seconds` is Unix time.
    ///
    /// # Errors
    /// An action fails for this subject, the result is not a JSON object, or it sets a reserved
    /// claim. No part of the result is usable then.
    pub fn render(
        &self,
        subject: &TemplateSubject<'_>,
        now_seconds: i64,
    ) -> Result<Map<String, Value>, RenderError> {
        let mut out = Output::new();
        self.print(subject, now_seconds, &mut out)
            .map_err(|fault| fault.into_render_error(&self.source))?;
        let claims = claims::parse(out.as_str())
            .map_err(|fault| self.locate(subject, now_seconds, fault))?;
        match claims::reserved_key(&claims) {
            Some(key) => Err(RenderError::ReservedKey { key }),
            None => Ok(claims),
        }
    }

    fn print(
        &self,
        subject: &TemplateSubject<'_>,
        now_seconds: i64,
        out: &mut Output,
    ) -> Result<(), Fault> {
        match &self.syntax {
            Syntax::Directives(directives) => directives.render(subject, now_seconds, out),
            Syntax::Go(template) => template.render(subject, now_seconds, out),
        }
    }

    /// Finds the place of the template that printed faulty JSON, by printing once more.
    fn locate(
        &self,
        subject: &TemplateSubject<'_>,
        now_seconds: i64,
        fault: claims::JsonFault,
    ) -> RenderError {
        let mut out = Output::with_origins();
        match self.print(subject, now_seconds, &mut out) {
            Ok(()) => Fault::json(out.origin_of(fault.at), fault.text),
            Err(fault) => fault,
        }
        .into_render_error(&self.source)
    }
}

fn compile(source: &str) -> Result<(Syntax, Words), Fault> {
    let segments = scan::segments(source)?;
    reject_mixture(source, &segments)?;
    let words = Words::of(&segments);
    let has_directives = segments
        .iter()
        .any(|segment| matches!(segment, Segment::Directive { .. }));
    let syntax = if has_directives {
        Syntax::Directives(Directives::compile(segments)?)
    } else {
        Syntax::Go(GoTemplate::compile(segments)?)
    };
    Ok((syntax, words))
}

/// A template is of one syntax: a reader should not have to know which rules hold in which braces.
fn reject_mixture(source: &str, segments: &[Segment<'_>]) -> Result<(), Fault> {
    let directive = segments.iter().find_map(|segment| match segment {
        Segment::Directive { at, .. } => Some(*at),
        Segment::Text { .. } | Segment::Comment { .. } | Segment::Action { .. } => None,
    });
    let action = segments.iter().find_map(|segment| match segment {
        Segment::Action { at, .. } | Segment::Comment { at } => Some(*at),
        Segment::Text { .. } | Segment::Directive { .. } => None,
    });
    let (Some(directive), Some(action)) = (directive, action) else {
        return Ok(());
    };
    Err(Fault::action(
        directive.max(action),
        format!(
            "the template mixes a Vault directive ({}) with a Go template action ({}); use one \
             syntax",
            Position::of(source, directive),
            Position::of(source, action)
        ),
    ))
}
