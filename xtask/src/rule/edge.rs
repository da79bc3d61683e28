//! Which of our crates may use which.

use super::Fault;
use crate::tidy::Edge;
use crate::tree::{Member, When};

/// Faults: an edge that the table does not have, a crate without a row, a row without a crate.
pub(crate) fn check(table: &[Edge], members: &[Member]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for member in members {
        let Some(row) = table.iter().find(|row| row.package == member.name) else {
            faults.push(Fault::new(
                &member.name,
                "has no row in the table of allowed edges",
            ));
            continue;
        };
        let is_ours = |name: &str| members.iter().any(|member| member.name == name);
        for (used, when) in member.dependencies.iter().filter(|(name, _)| is_ours(name)) {
            let used = used.as_str();
            let shipped = row.may_use.contains(&used);
            let allowed = match when {
                When::Shipped => shipped,
                When::Tests => shipped || row.tests_may_use.contains(&used),
            };
            if !allowed {
                let among = if *when == When::Tests {
                    "in its tests"
                } else {
                    "in shipped code"
                };
                faults.push(Fault::new(
                    &member.name,
                    format!("may not use `{used}` {among}"),
                ));
            }
        }
    }
    for row in table {
        if !members.iter().any(|member| member.name == row.package) {
            faults.push(Fault::new(
                row.package,
                "has a row in the table but no crate",
            ));
        }
    }
    faults
}
