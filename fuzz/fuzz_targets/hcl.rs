//! HCL and JSON configuration: no text panics, and what is read survives being printed and read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vouchsafe_policy::hcl::{self, Object, Value, ValueKind};

fuzz_target!(|text: &str| {
    let Ok(object) = hcl::parse(text) else { return };
    // HCL has no null: only a tree that came from JSON holds one.
    if holds_null(&object) {
        return;
    }
    let printed = object.to_string();
    // The printed form is larger than the text, and may exceed the limits.
    if printed.len() <= hcl::TEXT_BYTES_MAX {
        let again = hcl::parse(&printed).expect("what is printed can be read");
        assert_eq!(again.to_string(), printed);
    }
});

fn holds_null(object: &Object) -> bool {
    object
        .items
        .iter()
        .any(|item| is_or_holds_null(&item.value))
}

fn is_or_holds_null(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Null => true,
        ValueKind::List(values) => values.iter().any(is_or_holds_null),
        ValueKind::Object(object) => holds_null(object),
        _ => false,
    }
}
