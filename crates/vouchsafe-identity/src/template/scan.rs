//! Splits a template into text, comments, Go actions and Vault directives.
//!
//! An action whose first word is `identity.` or `time.` is a Vault directive; anything else is Go.
//! Trim markers are applied here: `{{- ` eats white space before it, ` -}}` white space after it.

use super::error::Fault;
use super::go::lex::{self, Token};

const LEFT: &str = "{{";
const RIGHT: &str = "}}";
const COMMENT_START: &str = "/*";
const COMMENT_END: &str = "*/";
/// What Go's templates trim and skip.
const WHITE_SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// A piece of a template; `at` is the byte where it starts.
#[derive(Debug)]
pub(super) enum Segment<'s> {
    Text { at: usize, text: &'s str },
    Comment { at: usize },
    Action { at: usize, tokens: Vec<Token<'s>> },
    Directive { at: usize, text: &'s str },
}

/// Splits the whole template. Empty texts are left out.
pub(super) fn segments(source: &str) -> Result<Vec<Segment<'_>>, Fault> {
    let mut segments = Vec::new();
    let mut position = 0;
    let mut trim_next = false;
    loop {
        let open = source[position..]
            .find(LEFT)
            .map(|offset| position + offset);
        let (start, mut text) = (position, &source[position..open.unwrap_or(source.len())]);
        let inner = open.map(|open| open + LEFT.len());
        let trimmed = inner.filter(|inner| has_left_trim_marker(&source[*inner..]));
        if trimmed.is_some() {
            text = text.trim_end_matches(WHITE_SPACE);
        }
        let mut at = start;
        if trim_next {
            let kept = text.trim_start_matches(WHITE_SPACE);
            at += text.len() - kept.len();
            text = kept;
        }
        if !text.is_empty() {
            segments.push(Segment::Text { at, text });
        }
        let (Some(open), Some(inner)) = (open, inner) else {
            return Ok(segments);
        };
        let (segment, closed) = match trimmed {
            Some(inner) => braced(source, open, inner + 1, false)?,
            None => braced(source, open, inner, true)?,
        };
        segments.push(segment);
        position = closed.end;
        trim_next = closed.trims;
    }
}

/// Where an action ends, past its delimiter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    pub(super) end: usize,
    /// Whether it was closed by ` -}}`.
    pub(super) trims: bool,
}

/// The closing delimiter at byte `at`, if one stands there.
pub(super) fn closing(source: &str, at: usize) -> Option<Closed> {
    let rest = &source[at..];
    if rest.starts_with(RIGHT) {
        return Some(Closed {
            end: at + RIGHT.len(),
            trims: false,
        });
    }
    let marked = rest.strip_prefix(WHITE_SPACE)?.strip_prefix('-')?;
    marked.starts_with(RIGHT).then(|| Closed {
        end: at + 2 + RIGHT.len(),
        trims: true,
    })
}

/// The segment between braces that opened at `open`; its inside begins at `inner`.
fn braced(
    source: &str,
    open: usize,
    inner: usize,
    may_be_directive: bool,
) -> Result<(Segment<'_>, Closed), Fault> {
    let rest = &source[inner..];
    let content = rest.trim_start_matches(WHITE_SPACE);
    if may_be_directive && is_directive(content) {
        let end = rest.find(RIGHT).ok_or_else(|| {
            Fault::action(
                open,
                "unbalanced templating characters: a directive is not closed",
            )
        })?;
        let segment = Segment::Directive {
            at: open,
            text: rest[..end].trim(),
        };
        return Ok((
            segment,
            Closed {
                end: inner + end + RIGHT.len(),
                trims: false,
            },
        ));
    }
    // A trim marker is followed by white space, which belongs to the marker.
    let comment_at = if may_be_directive { inner } else { inner + 1 };
    if source[comment_at..].starts_with(COMMENT_START) {
        let after = comment_at + COMMENT_START.len();
        let end = source[after..]
            .find(COMMENT_END)
            .ok_or_else(|| Fault::action(open, "the comment is not closed"))?;
        let closed = closing(source, after + end + COMMENT_END.len()).ok_or_else(|| {
            Fault::action(
                after + end + COMMENT_END.len(),
                "a comment must fill its action: expected `}}` or ` -}}` after `*/`",
            )
        })?;
        return Ok((Segment::Comment { at: open }, closed));
    }
    let (tokens, closed) = lex::action(source, open, inner)?;
    Ok((Segment::Action { at: open, tokens }, closed))
}

fn is_directive(content: &str) -> bool {
    content.starts_with("identity.") || content.starts_with("time.")
}

fn has_left_trim_marker(inner: &str) -> bool {
    inner
        .strip_prefix('-')
        .is_some_and(|rest| rest.starts_with(WHITE_SPACE))
}
