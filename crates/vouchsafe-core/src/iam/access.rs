//! The capabilities of the REST API as ACL policies, so that one `decide` serves every caller.
//!
//! Nobody can write or name these policies: they are added to the ACL of a caller whose role has the
//! capability, beside the ACL policies that the role names.

use vouchsafe_iam::Capabilities;

/// The name under which audit entries show what was granted by capabilities.
pub(crate) const POLICY_NAME: &str = "iam-capabilities";

/// What a caller may do below `sys/pvlt/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IamAccess {
    /// What needs no capability.
    Version,
    /// `CapIAMReader` too.
    Read,
    /// `CapIAMWriter` too.
    Write,
    /// Both.
    ReadWrite,
}

impl IamAccess {
    /// Every kind of access, in the order of [`IamAccess::index`].
    pub(crate) const ALL: [Self; 4] = [Self::Version, Self::Read, Self::Write, Self::ReadWrite];

    /// What capabilities give.
    pub(crate) fn of(capabilities: &Capabilities) -> Self {
        match (capabilities.reads_iam(), capabilities.writes_iam()) {
            (false, false) => Self::Version,
            (true, false) => Self::Read,
            (false, true) => Self::Write,
            (true, true) => Self::ReadWrite,
        }
    }

    /// Its place in [`IamAccess::ALL`].
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Version => 0,
            Self::Read => 1,
            Self::Write => 2,
            Self::ReadWrite => 3,
        }
    }

    /// The policy, in HCL.
    pub(crate) fn policy(self) -> String {
        let version = r#"path "sys/pvlt/system/info/version" { capabilities = ["read"] }"#;
        let on_iam = match self {
            Self::Version => return version.to_owned(),
            Self::Read => r#""read", "sudo""#,
            Self::Write => r#""create", "update", "sudo""#,
            Self::ReadWrite => r#""read", "create", "update", "sudo""#,
        };
        format!("{version}\npath \"sys/pvlt/ctl/iam/*\" {{ capabilities = [{on_iam}] }}")
    }
}
