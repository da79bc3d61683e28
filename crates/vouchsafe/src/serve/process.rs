//! Keeps the process's memory to itself: no core dumps, no swap. Best effort: a machine that refuses
//! is told about in the log, and the server runs.

/// Has the kernel write no core dump of this process, and let no other process of the same user
/// trace it.
pub(super) fn forbid_core_dumps() {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, none) {
        tracing::warn!(%error, "core dumps can't be limited");
    }
    // The limit does not bind dumps that go to a program; this does.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        if let Err(error) = set_dumpable_behavior(DumpableBehavior::NotDumpable) {
            tracing::warn!(%error, "core dumps can't be switched off");
        }
    }
}

/// Keeps all memory out of the swap.
///
/// Only where the amount that may be locked is not limited: otherwise the lock succeeds now and
/// allocations fail later.
pub(super) fn lock_memory() {
    #[cfg(target_os = "linux")]
    {
        use rustix::mm::{MlockAllFlags, mlockall};
        use rustix::process::{Resource, getrlimit};
        const REMEDY: &str = "allow it (`LimitMEMLOCK=infinity`), or set `disable_mlock = true` where there is no swap";
        if let Some(bytes) = getrlimit(Resource::Memlock).current {
            tracing::warn!(limit_bytes = bytes, remedy = REMEDY, "memory is not locked");
            return;
        }
        // What is touched is locked; what is only reserved, such as the stacks of threads, is not
        // filled for it.
        let all = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
        if let Err(error) = mlockall(all) {
            tracing::warn!(%error, remedy = REMEDY, "memory is not locked");
        }
    }
    #[cfg(not(target_os = "linux"))]
    tracing::warn!("memory can't be locked on this system");
}
