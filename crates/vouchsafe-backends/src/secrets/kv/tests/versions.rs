//! Which version a mount is of.

use std::collections::BTreeMap;

use vouchsafe_logical::MountClass;

use super::super::version::{self, Version};
use super::super::{ENGINE, ENGINE_V2};
use super::*;

#[test]
fn the_option_says_which() {
    let of = |value: Option<&str>| {
        let options: BTreeMap<String, String> = value
            .map(|value| ("version".to_owned(), value.to_owned()))
            .into_iter()
            .collect();
        version::of(&options)
    };
    assert_eq!(of(None), Ok(Version::One));
    assert_eq!(of(Some("")), Ok(Version::One));
    assert_eq!(of(Some("1")), Ok(Version::One));
    assert_eq!(of(Some("2")), Ok(Version::Two));
    let fault = "the mount's option version is \"3\"; expected \"1\" or \"2\"";
    assert_eq!(of(Some("3")), Err(fault.to_owned()));
}

#[test]
fn a_mount_of_another_version_says_so_on_every_request() {
    let system = TestSystem::new();
    let settings = system.settings();
    let mount = Mount::open(system, settings, "3");
    let fault = "the mount's option version is \"3\"; expected \"1\" or \"2\"";
    for operation in [
        Operation::Read,
        Operation::Update,
        Operation::Patch,
        Operation::Delete,
        Operation::List,
    ] {
        refused(mount.send(operation, "data/a", Value::Null), fault);
    }
    assert_eq!(mount.keys(), [] as [&str; 0]);
}

#[test]
fn the_second_name_is_version_two_whatever_the_option_says() {
    assert_eq!((ENGINE.name, ENGINE_V2.name), ("kv", "kv-v2"));
    assert_eq!(ENGINE_V2.class, MountClass::Secret);
    for version in ["", "1", "2"] {
        let system = TestSystem::new();
        let settings = system.settings();
        let mut mount = Mount::open(system, settings, version);
        mount.backend = (ENGINE_V2.open)(mount.settings.clone());
        assert_eq!(mount.put("a", json!({"k": "v"})), 1);
        assert_eq!(mount.latest("a"), json!({"k": "v"}));
    }
}
