//! The machine, as `sys/host-info` shows it: from what Linux shows in `/proc`. On other systems most
//! parts are missing, and the answer says so.
//!
//! What would tell machines apart beyond their name (the machine's id, serial numbers) is left out.

use std::fs;
use std::io;

use serde_json::{Map, Value, json};
use vouchsafe_core::host::{Machine, MachineFacts};

/// The machine of this process.
pub(super) struct ThisMachine;

/// How often a second the kernel counts for `/proc/stat`: what it shows to programs is in hundredths
/// on every architecture that we run on.
const TICKS_PER_SECOND: f64 = 100.0;

/// A part of the answer.
type Part = (&'static str, fn() -> io::Result<Value>);

const PARTS: &[Part] = &[
    ("cpu", || Ok(processors(&text("/proc/cpuinfo")?))),
    ("cpu_times", || Ok(times(&text("/proc/stat")?))),
    ("disk", || Ok(disks(&text("/proc/self/mounts")?))),
    ("host", host),
    ("memory", || Ok(memory(&text("/proc/meminfo")?))),
];

impl Machine for ThisMachine {
    fn facts(&self) -> MachineFacts {
        let mut facts = MachineFacts::default();
        for (name, read) in PARTS {
            match read() {
                Ok(part) => drop(facts.parts.insert((*name).to_owned(), part)),
                Err(error) => facts
                    .faults
                    .push(format!("`{name}` can't be read: {error}")),
            }
        }
        facts
    }
}

fn text(path: &str) -> io::Result<String> {
    fs::read_to_string(path)
        .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
}

/// The value of a line `name: value` or `name=value`.
fn value_of<'t>(text: &'t str, separator: char, name: &str) -> Option<&'t str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(separator)?;
        (found.trim() == name).then(|| value.trim().trim_matches('"'))
    })
}

fn host() -> io::Result<Value> {
    let stat = text("/proc/stat")?;
    let release = text("/etc/os-release").unwrap_or_default();
    let of_release = |name| value_of(&release, '=', name).unwrap_or_default().to_owned();
    let uptime = text("/proc/uptime")?;
    let uptime: f64 = uptime
        .split(' ')
        .next()
        .unwrap_or_default()
        .parse()
        .unwrap_or_default();
    let booted = stat.lines().find_map(|line| line.strip_prefix("btime "));
    let processes = fs::read_dir("/proc")?.flatten().filter(|entry| {
        let name = entry.file_name();
        name.as_encoded_bytes().iter().all(u8::is_ascii_digit)
    });
    Ok(json!({
        "hostname": text("/proc/sys/kernel/hostname")?.trim(),
        "uptime": uptime.floor(),
        "bootTime": number(booted.unwrap_or_default()),
        "procs": processes.count(),
        "os": std::env::consts::OS,
        "platform": of_release("ID"),
        "platformFamily": match of_release("ID_LIKE") {
            family if family.is_empty() => of_release("ID"),
            family => family,
        },
        "platformVersion": of_release("VERSION_ID"),
        "kernelVersion": text("/proc/sys/kernel/osrelease")?.trim(),
        "kernelArch": std::env::consts::ARCH,
    }))
}

fn number(text: &str) -> u64 {
    text.trim().parse().unwrap_or_default()
}

fn processors(cpuinfo: &str) -> Value {
    let blocks = cpuinfo
        .split("\n\n")
        .filter(|block| block.contains("processor"));
    let one = |block: &str| {
        let of = |name| value_of(block, ':', name).unwrap_or_default();
        let decimal = |text: &str| text.parse::<f64>().unwrap_or_default();
        json!({
            "cpu": number(of("processor")),
            "vendorId": of("vendor_id"),
            "family": of("cpu family"),
            "model": of("model"),
            "modelName": of("model name"),
            "stepping": number(of("stepping")),
            "physicalId": of("physical id"),
            "coreId": of("core id"),
            "cores": 1,
            "mhz": decimal(of("cpu MHz")),
            "cacheSize": number(of("cache size").trim_end_matches(" KB")),
            "microcode": of("microcode"),
            "flags": of("flags").split_whitespace().collect::<Vec<_>>(),
        })
    };
    blocks.map(one).collect()
}

fn times(stat: &str) -> Value {
    const NAMES: [&str; 10] = [
        "user",
        "nice",
        "system",
        "idle",
        "iowait",
        "irq",
        "softirq",
        "steal",
        "guest",
        "guestNice",
    ];
    let one = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next().filter(|name| {
            let number = name.strip_prefix("cpu").unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        })?;
        let mut times = Map::new();
        times.insert("cpu".to_owned(), name.into());
        for name in NAMES {
            let ticks: f64 = words.next().unwrap_or_default().parse().unwrap_or_default();
            times.insert(name.to_owned(), (ticks / TICKS_PER_SECOND).into());
        }
        Some(Value::Object(times))
    };
    stat.lines().filter_map(one).collect()
}

fn memory(meminfo: &str) -> Value {
    const NAMES: [(&str, &str); 14] = [
        ("total", "MemTotal"),
        ("available", "MemAvailable"),
        ("free", "MemFree"),
        ("active", "Active"),
        ("inactive", "Inactive"),
        ("buffers", "Buffers"),
        ("cached", "Cached"),
        ("dirty", "Dirty"),
        ("shared", "Shmem"),
        ("slab", "Slab"),
        ("swapcached", "SwapCached"),
        ("swaptotal", "SwapTotal"),
        ("swapfree", "SwapFree"),
        ("mapped", "Mapped"),
    ];
    let bytes = |name| {
        let kibibytes = value_of(meminfo, ':', name).unwrap_or_default();
        number(kibibytes.trim_end_matches("kB")).saturating_mul(1_024)
    };
    let mut memory: Map<_, _> = NAMES
        .iter()
        .map(|(shown, name)| ((*shown).to_owned(), bytes(name).into()))
        .collect();
    let total = bytes("MemTotal");
    let used = total.saturating_sub(bytes("MemAvailable"));
    memory.insert("used".to_owned(), used.into());
    memory.insert("usedPercent".to_owned(), percent(used, total));
    memory.into()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a percentage of what needs 53 bits is as good as exact"
)]
fn percent(part: u64, whole: u64) -> Value {
    match whole {
        0 => 0.0.into(),
        _ => (part as f64 / whole as f64 * 100.0).into(),
    }
}

/// The file systems on disks of this machine. Those on other machines are not asked: a server that is
/// gone would not answer.
fn disks(mounts: &str) -> Value {
    local(mounts)
        .into_iter()
        .filter_map(|(path, kind)| {
            let of = rustix::fs::statvfs(path.as_str()).ok()?;
            let bytes = |blocks: u64| blocks.saturating_mul(of.f_frsize);
            let used = bytes(of.f_blocks.saturating_sub(of.f_bfree));
            let inodes_used = of.f_files.saturating_sub(of.f_ffree);
            Some(json!({
                "path": path,
                "fstype": kind,
                "total": bytes(of.f_blocks),
                "free": bytes(of.f_bavail),
                "used": used,
                "usedPercent": percent(used, used.saturating_add(bytes(of.f_bavail))),
                "inodesTotal": of.f_files,
                "inodesUsed": inodes_used,
                "inodesFree": of.f_ffree,
                "inodesUsedPercent": percent(inodes_used, of.f_files),
            }))
        })
        .collect()
}

/// Path and kind of each mounted device, once.
fn local(mounts: &str) -> Vec<(String, String)> {
    let mut devices = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for line in mounts.lines() {
        let mut words = line.split(' ');
        let (Some(device), Some(path), Some(kind)) = (words.next(), words.next(), words.next())
        else {
            continue;
        };
        if device.starts_with("/dev/") && devices.insert(device) {
            // The kernel writes blanks in octal.
            found.push((path.replace("\\040", " "), kind.to_owned()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_in_bytes_and_what_is_available_is_not_used() {
        let shown = memory("MemTotal:     1000 kB\nMemFree:   100 kB\nMemAvailable:   750 kB\n");
        assert_eq!(shown["total"], 1_024_000);
        assert_eq!(shown["used"], 256_000);
        assert_eq!(shown["usedPercent"], 25.0);
        assert_eq!(shown["swaptotal"], 0);
        assert_eq!(memory("nonsense")["usedPercent"], 0.0);
    }

    #[test]
    fn processors_and_their_times_are_told_apart() {
        let info = "processor\t: 0\nmodel name\t: One\nflags\t\t: aes avx\n\n\
                    processor\t: 1\nmodel name\t: One\ncpu MHz\t\t: 2100.5\n\n";
        let shown = processors(info);
        assert_eq!(shown[0]["flags"], json!(["aes", "avx"]));
        assert_eq!(shown[1]["cpu"], 1);
        assert_eq!(shown[1]["mhz"], 2100.5);
        let stat = "cpu  300 0 0\ncpu0 150 1 2 3 4 5 6 7 8 9\ncpu1 150\nintr 5\n";
        let shown = times(stat);
        assert_eq!(shown.as_array().unwrap().len(), 2);
        assert_eq!(shown[0]["cpu"], "cpu0");
        assert_eq!(shown[0]["user"], 1.5);
        assert_eq!(shown[1]["guestNice"], 0.0);
    }

    #[test]
    fn each_device_is_shown_once_and_other_machines_never() {
        let mounts = "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/vda /mnt\\040a ext4 rw 0 0\n\
                      host:/x /far nfs rw 0 0\n/dev/vdb /a\\040b xfs rw 0 0\nbroken\n";
        let found = local(mounts);
        let paths: Vec<_> = found.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["/", "/a b"]);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn this_machine_tells_all_parts() {
        let facts = ThisMachine.facts();
        assert_eq!(facts.faults, Vec::<String>::new());
        assert!(facts.parts["memory"]["total"].as_u64().unwrap() > 0);
        assert!(!facts.parts["cpu"].as_array().unwrap().is_empty());
        assert_eq!(facts.parts["host"]["os"], "linux");
    }
}
