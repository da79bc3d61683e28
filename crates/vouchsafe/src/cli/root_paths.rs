//! The paths that need the capability `sudo` besides the operation's own (vault-core.md §4).

/// The paths; `*` at the end stands for anything that follows.
const ROOT_PATHS: [&str; 22] = [
    "auth/token/accessors",
    "sys/audit",
    "sys/audit/*",
    "sys/auth/*",
    "sys/config/auditing/*",
    "sys/config/cors",
    "sys/config/ui/headers/*",
    "sys/host-info",
    "sys/in-flight-req",
    "sys/internal/inspect/*",
    "sys/leases",
    "sys/leases/lookup/*",
    "sys/leases/revoke-force/*",
    "sys/leases/revoke-prefix/*",
    "sys/plugins/catalog/*",
    "sys/raw*",
    "sys/remount",
    "sys/revoke-force/*",
    "sys/revoke-prefix/*",
    "sys/rotate*",
    "sys/seal",
    "sys/step-down",
];

/// Whether a path, without slashes around it, needs `sudo`.
pub(crate) fn contains(path: &str) -> bool {
    ROOT_PATHS.iter().any(|root| match root.strip_suffix('*') {
        Some(prefix) => path.starts_with(prefix),
        None => path == *root,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_and_whole_paths_match() {
        assert!(contains("sys/auth/jwt") && contains("sys/audit") && contains("sys/rotate/config"));
        assert!(!contains("sys/auth") && !contains("sys/mounts/kv") && !contains("sys/audits"));
    }
}
