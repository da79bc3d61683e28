//! The paths that answer before the pipeline, declared as routes are.
//!
//! `status.rs` and `seal/` serve them, sealed or not, without a token. This table is the only way to
//! them: a path that is not in it goes through the pipeline, so whoever reads it has read all that
//! can be asked while nobody is authenticated.

use vouchsafe_logical::backend::{Access, Form, MethodInfo, RouteInfo};
use vouchsafe_logical::field::{Field, Kind};
use vouchsafe_logical::{Operation, Reply, Request};

use crate::help;

/// One of these paths: what is known of it, and its operations.
pub struct Door {
    /// The path below `sys/`, who may call it and what it is for.
    pub info: RouteInfo,
    /// What can be done there.
    pub methods: &'static [MethodInfo],
}

/// All of them.
pub const DOORS: &[Door] = &[
    public(
        "health",
        &[read(HEALTH)],
        "Tell load balancers the state of the server.",
    ),
    public("seal-status", &[read(&[])], "Show the state of the seal."),
    public("leader", &[read(&[])], "Show which node is active."),
    proof(
        "init",
        &[read(&[]), write(INITIALIZE)],
        "Show whether the server is initialised, or initialise it.",
    ),
    proof(
        "unseal",
        &[write(UNSEAL)],
        "Bring a share of the unseal key.",
    ),
    REKEY,
    REKEY_UPDATE,
    REKEY_RECOVERY,
    REKEY_RECOVERY_UPDATE,
    GENERATE_ROOT,
    Door {
        info: info("generate-root", Access::Proof, GENERATE_ROOT.info.help),
        methods: GENERATE_ROOT.methods,
    },
    GENERATE_ROOT_UPDATE,
    enveloped("rotate/root/init", &REKEY),
    enveloped("rotate/root/update", &REKEY_UPDATE),
    enveloped("rotate/recovery/init", &REKEY_RECOVERY),
    enveloped("rotate/recovery/update", &REKEY_RECOVERY_UPDATE),
    enveloped("generate-root-token/attempt", &GENERATE_ROOT),
    enveloped("generate-root-token/update", &GENERATE_ROOT_UPDATE),
];

const REKEY: Door = proof(
    "rekey/init",
    &[read(&[]), write(BEGIN_REKEY), delete(NONCE)],
    "Show, begin or cancel a change of the keepers' shares.",
);
const REKEY_UPDATE: Door = proof(
    "rekey/update",
    &[write(SHARE)],
    "Bring a share to the change of shares that is under way.",
);
const REKEY_RECOVERY: Door = proof(
    "rekey-recovery-key/init",
    &[read(&[]), write(BEGIN_REKEY), delete(NONCE)],
    "Show, begin or cancel a change of the shares of the recovery key of an automatic seal.",
);
const REKEY_RECOVERY_UPDATE: Door = proof(
    "rekey-recovery-key/update",
    &[write(SHARE)],
    "Bring a share to the change of the recovery key's shares that is under way.",
);
const GENERATE_ROOT: Door = proof(
    "generate-root/attempt",
    &[read(&[]), write(BEGIN_GENERATE_ROOT), delete(NONCE)],
    "Show, begin or cancel the making of a root token.",
);
const GENERATE_ROOT_UPDATE: Door = proof(
    "generate-root/update",
    &[write(SHARE)],
    "Bring a share to the making of a root token that is under way.",
);

const HEALTH: &[&[Field]] = &[&[
    field(
        "activecode",
        Kind::Integer,
        "The status of an active server.",
    ),
    field("standbycode", Kind::Integer, "The status of a standby."),
    field(
        "sealedcode",
        Kind::Integer,
        "The status of a sealed server.",
    ),
    field(
        "uninitcode",
        Kind::Integer,
        "The status of a server that is not initialised.",
    ),
    field(
        "standbyok",
        Kind::Boolean,
        "Whether a standby answers as an active server does.",
    ),
]];
const INITIALIZE: &[&[Field]] = &[&[
    field(
        "secret_shares",
        Kind::Integer,
        "Into how many shares the unseal key is split.",
    ),
    field("secret_threshold", Kind::Integer, "How many shares unseal."),
    field(
        "recovery_shares",
        Kind::Integer,
        "Into how many shares the recovery key of an automatic seal is split.",
    ),
    field(
        "recovery_threshold",
        Kind::Integer,
        "How many shares make the recovery key.",
    ),
]];
const UNSEAL: &[&[Field]] = &[&[
    field("key", Kind::Text, "A share, in hexadecimal or base64."),
    field(
        "reset",
        Kind::Boolean,
        "Forget the shares that were brought so far.",
    ),
]];
const BEGIN_REKEY: &[&[Field]] = &[&[
    field(
        "secret_shares",
        Kind::Integer,
        "Into how many shares the unseal key is split.",
    ),
    field("secret_threshold", Kind::Integer, "How many shares unseal."),
]];
const BEGIN_GENERATE_ROOT: &[&[Field]] = &[&[field(
    "otp",
    Kind::Text,
    "What the token is combined with, so that only who began can read it; made where none is given.",
)]];
const SHARE: &[&[Field]] = &[&[
    field("key", Kind::Text, "A share, in hexadecimal or base64."),
    field(
        "nonce",
        Kind::Text,
        "The nonce that was shown when the operation began.",
    ),
]];
const NONCE: &[&[Field]] = &[&[field(
    "nonce",
    Kind::Text,
    "The nonce that was shown when the operation began.",
)]];

const fn field(name: &'static str, kind: Kind, help: &'static str) -> Field {
    Field {
        name,
        kind,
        required: false,
        help,
    }
}

const fn info(pattern: &'static str, access: Access, help: &'static str) -> RouteInfo {
    RouteInfo {
        pattern,
        access,
        help,
        has_existence_check: false,
    }
}

const fn public(pattern: &'static str, methods: &'static [MethodInfo], help: &'static str) -> Door {
    Door {
        info: info(pattern, Access::Public, help),
        methods,
    }
}

const fn proof(pattern: &'static str, methods: &'static [MethodInfo], help: &'static str) -> Door {
    Door {
        info: info(pattern, Access::Proof, help),
        methods,
    }
}

/// The same door under OpenBao's newer name.
const fn enveloped(pattern: &'static str, door: &Door) -> Door {
    Door {
        info: info(pattern, Access::Proof, door.info.help),
        methods: door.methods,
    }
}

const fn read(fields: &'static [&'static [Field]]) -> MethodInfo {
    method(Operation::Read, fields)
}

const fn write(fields: &'static [&'static [Field]]) -> MethodInfo {
    method(Operation::Update, fields)
}

const fn delete(fields: &'static [&'static [Field]]) -> MethodInfo {
    method(Operation::Delete, fields)
}

const fn method(operation: Operation, fields: &'static [&'static [Field]]) -> MethodInfo {
    MethodInfo {
        operation,
        fields,
        form: Form::Document,
    }
}

/// The door that a request is for.
pub(crate) fn of(request: &Request) -> Option<&'static Door> {
    let path = request.path.as_str().strip_prefix("sys/")?;
    let path = path.strip_suffix('/').unwrap_or(path);
    DOORS.iter().find(|door| door.info.pattern == path)
}

/// The help of a door, which is the same for everybody.
pub(crate) fn help(door: &Door, request: &Request) -> Option<Reply> {
    let wants = request.operation == Operation::Help;
    wants.then(|| help::of_route("sys/", "system", &door.info, door.methods))
}
