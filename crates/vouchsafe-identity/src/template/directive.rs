//! Claim templates in Vault's own syntax: JSON text with `{{selector}}` directives.
//!
//! A directive brings its own quotes, so it stands where a JSON value stands. There is nothing
//! else: no pipes, conditions, loops or comments.

use super::error::Fault;
use super::output::Output;
use super::scan::Segment;
use super::selector::Selector;
use super::subject::TemplateSubject;

/// A compiled template.
#[derive(Clone, Debug)]
pub(super) struct Directives(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text { at: usize, text: String },
    Directive { at: usize, selector: Selector },
}

impl Directives {
    pub(super) fn compile(segments: Vec<Segment<'_>>) -> Result<Self, Fault> {
        let mut parts = Vec::with_capacity(segments.len());
        let mut seen_directive = false;
        for segment in segments {
            match segment {
                Segment::Text { at, text } => {
                    // Vault's rule, which catches a directive that was closed twice. The price is
                    // that two closing braces of JSON need a space between them.
                    if let Some(offset) = text.find("}}").filter(|_| seen_directive) {
                        return Err(Fault::action(
                            at + offset,
                            "unbalanced templating characters: `}}` closes no directive; write `} \
                             }` to close two JSON objects",
                        ));
                    }
                    parts.push(Part::Text {
                        at,
                        text: text.to_owned(),
                    });
                }
                Segment::Directive { at, text } => {
                    seen_directive = true;
                    parts.push(Part::Directive {
                        at,
                        selector: parse_directive(at, text)?,
                    });
                }
                Segment::Action { .. } | Segment::Comment { .. } => {}
            }
        }
        Ok(Self(parts))
    }

    pub(super) fn render(
        &self,
        subject: &TemplateSubject<'_>,
        now_seconds: i64,
        out: &mut Output,
    ) -> Result<(), Fault> {
        let mut json = String::new();
        for part in &self.0 {
            match part {
                Part::Text { at, text } => out.author(*at, text, true)?,
                Part::Directive { at, selector } => {
                    if out.in_string() {
                        return Err(Fault::json(
                            *at,
                            "invalid character '\"' after object key:value pair: the directive \
                             brings its own quotes",
                        ));
                    }
                    json.clear();
                    selector.push_json(subject, now_seconds, &mut json);
                    out.json(*at, &json)?;
                }
            }
        }
        Ok(())
    }
}

fn parse_directive(at: usize, text: &str) -> Result<Selector, Fault> {
    if text.contains("{{") {
        return Err(Fault::action(
            at,
            "unbalanced templating characters: a directive is not closed",
        ));
    }
    // A metadata key may hold `|`, but who writes one here means a pipe, and would get a claim that
    // is always empty.
    if text.contains('|') {
        return Err(Fault::action(
            at,
            format!(
                "`{text}` mixes a Vault directive with a Go template pipe; a directive prints \
                 JSON already"
            ),
        ));
    }
    let selector = Selector::parse(text).map_err(|error| Fault::action(at, error.to_string()))?;
    if selector.is_of_one_group() {
        return Err(Fault::action(
            at,
            "string contains groups template directives but no groups were provided: a claim \
             template reads groups as `identity.entity.groups.names` and `.ids`",
        ));
    }
    Ok(selector)
}
