//! Every bound of the IAM file in one place. Each is tested at the limit and one past it.

/// The largest file, in bytes. It is one record of storage, in which it takes up to twice as much.
pub const IAM_FILE_BYTES_MAX: usize = 500 * 1024;
/// The longest name of a user, role, policy or identity provider, in bytes.
pub const NAME_BYTES_MAX: usize = 128;
/// The most entries of one table (`users`, `roles`, …) and the most elements of one list.
pub const ENTRIES_MAX: usize = 4_096;
/// How many faults are reported; a file that has more is told how many more.
pub const FAULTS_SHOWN_MAX: usize = 100;
/// The longest subject (`sub`), in bytes: OpenID Connect Core §2 has 255 characters of ASCII.
pub const SUBJECT_BYTES_MAX: usize = 255;
