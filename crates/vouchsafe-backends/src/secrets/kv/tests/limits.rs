//! Limits, at the limit and one past it; and that no error repeats a secret.

use super::super::limit::{
    CUSTOM_METADATA_KEY_BYTES_MAX, CUSTOM_METADATA_PAIRS_MAX, CUSTOM_METADATA_VALUE_BYTES_MAX,
    PATH_BYTES_MAX, SECRET_BYTES_MAX, VERSIONS_MAX,
};
use super::*;

/// A secret of so many bytes as JSON.
fn secret_of(bytes: usize) -> Value {
    let around = json!({"k": ""}).to_string().len();
    json!({"k": "s".repeat(bytes - around)})
}

#[track_caller]
fn too_large(outcome: Result<Answer, Error>) {
    let error = outcome.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let bytes = SECRET_BYTES_MAX + 1;
    let message =
        format!("the secret has {bytes} bytes as JSON; at most {SECRET_BYTES_MAX} are kept");
    assert_eq!(error.messages(), [message]);
}

#[test]
fn size_of_a_secret() {
    let mount = Mount::unversioned();
    done(mount.write("a", secret_of(SECRET_BYTES_MAX)));
    too_large(mount.write("a", secret_of(SECRET_BYTES_MAX + 1)));
    let mount = Mount::versioned();
    assert_eq!(mount.put("a", secret_of(SECRET_BYTES_MAX)), 1);
    let larger = json!({"data": secret_of(SECRET_BYTES_MAX + 1)});
    too_large(mount.write("data/a", larger.clone()));
    mount.put("b", json!({}));
    too_large(mount.patch("data/b", larger));
    assert_eq!(mount.kept("a"), [1]);
    assert_eq!(mount.kept("b"), [1]);
}

#[test]
fn length_of_a_path() {
    let longest = "p".repeat(PATH_BYTES_MAX);
    let longer = "p".repeat(PATH_BYTES_MAX + 1);
    let message = format!(
        "the path of the secret has {} bytes; at most {PATH_BYTES_MAX} are allowed",
        PATH_BYTES_MAX + 1
    );
    let mount = Mount::unversioned();
    done(mount.write(&longest, json!({"k": "v"})));
    refused(mount.write(&longer, json!({"k": "v"})), &message);
    refused(mount.read(&longer), &message);
    refused(mount.send(Operation::List, &longer, Value::Null), &message);
    let mount = Mount::versioned();
    assert_eq!(mount.put(&longest, json!({"k": "v"})), 1);
    assert_eq!(mount.latest(&longest), json!({"k": "v"}));
    let body = json!({"data": {}});
    refused(mount.write(&format!("data/{longer}"), body), &message);
    refused(mount.read(&format!("metadata/{longer}")), &message);
}

#[test]
fn versions_of_a_key() {
    let mount = Mount::versioned();
    for path in ["metadata/a", "config"] {
        done(mount.write(path, json!({"max_versions": VERSIONS_MAX})));
        for sent in [i64::try_from(VERSIONS_MAX).unwrap() + 1, -1] {
            refused(
                mount.write(path, json!({"max_versions": sent})),
                &format!("max_versions is {sent}; expected 0 (for the default) to {VERSIONS_MAX}"),
            );
        }
        assert_eq!(mount.read(path).unwrap().data["max_versions"], VERSIONS_MAX);
    }
}

#[test]
fn custom_metadata() {
    let mount = Mount::versioned();
    let write = |custom: Value| mount.write("metadata/a", json!({ "custom_metadata": custom }));
    let pairs = |count: usize| {
        let pairs = (0..count).map(|n| (format!("k{n}"), json!("v")));
        Value::Object(pairs.collect())
    };
    let failed = |fault: &str| format!("custom_metadata validation failed: {fault}");
    done(write(pairs(CUSTOM_METADATA_PAIRS_MAX)));
    let too_many = failed("there are 65 pairs; at most 64 are allowed");
    refused(write(pairs(CUSTOM_METADATA_PAIRS_MAX + 1)), &too_many);
    let one_more = json!({"custom_metadata": {"one": "more"}});
    refused(mount.patch("metadata/a", one_more), &too_many);

    let longest = "k".repeat(CUSTOM_METADATA_KEY_BYTES_MAX);
    done(write(json!({ &longest: "v" })));
    let longer = "k".repeat(CUSTOM_METADATA_KEY_BYTES_MAX + 1);
    let fault = format!("length of key {longest:?} is 129 but must be 0 < len(key) <= 128");
    refused(write(json!({ longer: "v" })), &failed(&fault));
    let fault = "length of key \"\" is 0 but must be 0 < len(key) <= 128";
    refused(write(json!({"": "v"})), &failed(fault));

    done(write(
        json!({"k": "v".repeat(CUSTOM_METADATA_VALUE_BYTES_MAX)}),
    ));
    let fault = "length of value for key \"k\" is 513 but must be 0 < len(value) <= 512";
    let longer = "v".repeat(CUSTOM_METADATA_VALUE_BYTES_MAX + 1);
    refused(write(json!({ "k": longer })), &failed(fault));
    let fault = "length of value for key \"k\" is 0 but must be 0 < len(value) <= 512";
    refused(write(json!({"k": ""})), &failed(fault));

    let fault = "key \"k\\n\" contains unprintable characters";
    refused(write(json!({"k\n": "v"})), &failed(fault));
    let fault = "value for key \"k\" contains unprintable characters";
    refused(write(json!({"k": "v\n"})), &failed(fault));
    for other in [json!("text"), json!({"k": {"deep": 1}}), json!({"k": null})] {
        let error = write(other).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    }
}

#[test]
fn no_error_repeats_a_secret() {
    let mount = Mount::versioned();
    mount.put("a", json!({"k": "hunter2"}));
    let secret = json!({"k": "hunter2".repeat(SECRET_BYTES_MAX / 7 + 1)});
    for body in [
        json!({"data": "hunter2"}),
        json!({"data": ["hunter2"]}),
        json!({"data": {"k": "hunter2"}, "options": {"cas": "hunter2"}}),
        json!({"data": {"k": "hunter2"}, "options": "hunter2"}),
        json!({"data": {"k": "hunter2"}, "options": {"cas": 7}}),
        json!({"hunter2": "hunter2"}),
        json!({"data": secret}),
    ] {
        for operation in [Operation::Update, Operation::Patch] {
            let error = mount.send(operation, "data/a", body.clone()).unwrap_err();
            let detail = error.detail().map_or("", |detail| detail.for_operator());
            let said = format!("{error} {error:?} {detail}");
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    assert_eq!(mount.kept("a"), [1]);
}
