//! Claim templates: the first line is a subject's every value, the rest is the template.
//!
//! A template that parses must render claims or a clear error for any subject, set no reserved
//! claim, and neither panic nor hang. A selector must resolve to text or to nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vouchsafe_identity::template::{
    ClaimTemplate, Metadata, RENDERED_BYTES_MAX, RESERVED_CLAIMS, TemplateAlias, TemplateGroup,
    TemplateSubject, decode_template, resolve_selector,
};

const NOW_SECONDS: i64 = 1_772_366_400;

fuzz_target!(|input: &str| {
    let (value, parameter) = input.split_once('\n').unwrap_or(("", input));
    let source = decode_template(parameter);
    let metadata: Metadata = [("a", value), ("team", value), (value, value)]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let policies = [value.to_owned()];
    let subject = TemplateSubject {
        id: value,
        name: value,
        metadata: &metadata,
        aliases: vec![TemplateAlias {
            name: value,
            mount_accessor: "a",
            metadata: &metadata,
            custom_metadata: &metadata,
            ..TemplateAlias::default()
        }],
        groups: vec![TemplateGroup {
            id: "a",
            name: value,
            metadata: &metadata,
        }],
        policies: &policies,
    };
    if let Some(text) = resolve_selector(&subject, NOW_SECONDS, &source) {
        assert!(!text.is_empty());
    }
    let Ok(template) = ClaimTemplate::parse(&source) else {
        return;
    };
    template
        .render(&TemplateSubject::default(), NOW_SECONDS)
        .expect("a template is tried with an empty subject when it is parsed");
    match template.render(&subject, NOW_SECONDS) {
        Ok(claims) => {
            assert!(
                RESERVED_CLAIMS
                    .iter()
                    .all(|claim| !claims.contains_key(*claim))
            );
            let printed = claims.keys().map(String::len).sum::<usize>();
            assert!(printed <= RENDERED_BYTES_MAX);
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
