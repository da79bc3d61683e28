//! What a rule grants on a path.

use std::fmt;

use vouchsafe_logical::Operation;

/// A capability of a policy rule, in alphabetical order: the order in which `sys/capabilities`
/// shows them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// Writing what does not exist.
    Create,
    /// `DELETE`.
    Delete,
    /// Nothing, and it overrides every other capability of the rule.
    Deny,
    /// `LIST`.
    List,
    /// `PATCH`.
    Patch,
    /// `GET`.
    Read,
    /// Recovery from snapshots. Accepted and shown; no operation of ours needs it.
    Recover,
    /// Everything. Not a word of the policy language: [`crate::Acl::root`] alone has it.
    Root,
    /// `SCAN`. Accepted and shown; no operation of ours needs it.
    Scan,
    /// Event subscription. Accepted and shown; no operation of ours needs it.
    Subscribe,
    /// The additional right that paths with root protection need.
    Sudo,
    /// Writing what exists, or what has no existence check.
    Update,
}

impl Capability {
    /// Every capability, in order.
    pub const ALL: [Self; 12] = [
        Self::Create,
        Self::Delete,
        Self::Deny,
        Self::List,
        Self::Patch,
        Self::Read,
        Self::Recover,
        Self::Root,
        Self::Scan,
        Self::Subscribe,
        Self::Sudo,
        Self::Update,
    ];

    /// The word of the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Sudo => "sudo",
            Self::Read => "read",
            Self::List => "list",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Create => "create",
            Self::Patch => "patch",
            Self::Scan => "scan",
            Self::Subscribe => "subscribe",
            Self::Recover => "recover",
            Self::Deny => "deny",
        }
    }

    /// The capability of a word in a policy; `None` for `root` and unknown words. Case counts.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|found| *found != Self::Root && found.as_str() == word)
    }

    /// What an operation needs; `None` for help, which everybody may ask for.
    #[must_use]
    pub const fn of(operation: Operation) -> Option<Self> {
        match operation {
            Operation::Create => Some(Self::Create),
            Operation::Delete => Some(Self::Delete),
            Operation::Help => None,
            Operation::List => Some(Self::List),
            Operation::Patch => Some(Self::Patch),
            Operation::Read => Some(Self::Read),
            Operation::Update => Some(Self::Update),
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of capabilities. A set with [`Capability::Deny`] holds nothing else.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct CapabilitySet(u16);

impl CapabilitySet {
    /// The empty set: a rule without capabilities, which grants nothing and is not a deny.
    pub const EMPTY: Self = Self(0);
    /// The set of an explicit deny.
    pub const DENY: Self = Self(Self::bit(Capability::Deny));

    const fn bit(capability: Capability) -> u16 {
        1 << (capability as u16)
    }

    /// Whether the set has `capability`.
    #[must_use]
    pub const fn contains(self, capability: Capability) -> bool {
        self.0 & Self::bit(capability) != 0
    }

    /// Whether the set is an explicit deny.
    #[must_use]
    pub const fn is_deny(self) -> bool {
        self.contains(Capability::Deny)
    }

    /// Whether the set grants anything at all.
    #[must_use]
    pub const fn grants_anything(self) -> bool {
        self.0 != 0 && !self.is_deny()
    }

    /// Both sets together; deny wins.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        let united = Self(self.0 | other.0);
        if united.is_deny() { Self::DENY } else { united }
    }

    /// The set with `capability` added; deny wins.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        self.union(Self(Self::bit(capability)))
    }

    /// The capabilities in alphabetical order; an empty set gives none.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.contains(*capability))
    }
}

impl FromIterator<Capability> for CapabilitySet {
    fn from_iter<I: IntoIterator<Item = Capability>>(capabilities: I) -> Self {
        capabilities.into_iter().fold(Self::EMPTY, Self::with)
    }
}

impl fmt::Debug for CapabilitySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.iter().map(Capability::as_str))
            .finish()
    }
}
