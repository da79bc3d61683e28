//! Metrics: what the server counts, for an operator's graphs and alarms (docs/telemetry.md).
//!
//! A metric is a `static` of the module that counts, with its name, its help and the names of its
//! labels; [`Metrics`] holds the numbers. A series begins with its first use, so that nothing has to
//! be registered. How the numbers are written down is left to who serves them.
//!
//! Invariants:
//! - A metric has at most [`SERIES_MAX`] series, whatever is asked of it. What comes after counts
//!   into one whose labels are all [`OVERFLOW`].
//! - Labels are of the operator's making (mounts, reason codes): no input of a client becomes one.
//! - Counting an existing series takes a lock that readers share and allocates nothing.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// The most series of one metric. At some two hundred bytes each this is under a megabyte; a server
/// of five hundred mounts stays below it.
pub const SERIES_MAX: usize = 4_096;
/// The most bytes of a label's value; what is longer is cut at a character.
pub const LABEL_BYTES_MAX: usize = 256;
/// The labels of the series that counts what has no place any more.
pub const OVERFLOW: &str = "overflow";

/// A number that only grows. Its name ends in `_total`.
#[derive(Debug)]
pub struct Counter<const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
}

impl<const LABELS: usize> Counter<LABELS> {
    /// A counter for a `static`. `help` is one sentence.
    #[must_use]
    pub const fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; LABELS],
    ) -> Self {
        Self { name, help, labels }
    }
}

/// A number that is set: a size, an age, a time. Never negative.
#[derive(Debug)]
pub struct Gauge<const LABELS: usize> {
    name: &'static str,
    help: &'static str,
    labels: [&'static str; LABELS],
}

impl<const LABELS: usize> Gauge<LABELS> {
    /// A gauge for a `static`. `help` is one sentence.
    #[must_use]
    pub const fn new(
        name: &'static str,
        help: &'static str,
        labels: [&'static str; LABELS],
    ) -> Self {
        Self { name, help, labels }
    }
}

/// What kind of number a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// See [`Counter`].
    Counter,
    /// See [`Gauge`].
    Gauge,
}

/// A metric with its numbers at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Its name.
    pub name: &'static str,
    /// What it tells.
    pub help: &'static str,
    /// Whether it only grows.
    pub kind: MetricKind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// The values of the labels with the number, in the order of the values.
    pub series: Vec<(Vec<String>, u64)>,
}

/// All numbers of one server.
#[derive(Debug, Default)]
pub struct Metrics {
    families: RwLock<BTreeMap<&'static str, Family>>,
}

#[derive(Debug)]
struct Family {
    help: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    /// In the order of the labels' values.
    series: Vec<Series>,
}

#[derive(Debug)]
struct Series {
    values: Box<[Box<str>]>,
    number: AtomicU64,
}

impl Metrics {
    /// Counts one more.
    pub fn increment<const LABELS: usize>(
        &self,
        counter: &'static Counter<LABELS>,
        labels: [&str; LABELS],
    ) {
        self.add(counter, labels, 1);
    }

    /// Counts several more; zero begins a series, so that its absence is not taken for it.
    pub fn add<const LABELS: usize>(
        &self,
        counter: &'static Counter<LABELS>,
        labels: [&str; LABELS],
        more: u64,
    ) {
        let Counter {
            name,
            help,
            labels: names,
        } = counter;
        let family = || Family::new(help, MetricKind::Counter, names);
        self.with(name, family, labels, |number| {
            number.fetch_add(more, Ordering::Relaxed);
        });
    }

    /// Sets a gauge.
    pub fn set<const LABELS: usize>(
        &self,
        gauge: &'static Gauge<LABELS>,
        labels: [&str; LABELS],
        value: u64,
    ) {
        let Gauge {
            name,
            help,
            labels: names,
        } = gauge;
        let family = || Family::new(help, MetricKind::Gauge, names);
        self.with(name, family, labels, |number| {
            number.store(value, Ordering::Relaxed);
        });
    }

    /// Drops the series of a gauge whose labels `stay` does not know any more: what they tell of is
    /// gone. A metric without series is not read.
    pub fn retain<const LABELS: usize>(
        &self,
        gauge: &'static Gauge<LABELS>,
        stay: impl Fn([&str; LABELS]) -> bool,
    ) {
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(family) = families.get_mut(gauge.name) else {
            return;
        };
        family
            .series
            .retain(|series| stay(std::array::from_fn(|place| &*series.values[place])));
        if family.series.is_empty() {
            families.remove(gauge.name);
        }
    }

    /// All numbers as they are, in the order of the names.
    #[must_use]
    pub fn readings(&self) -> Vec<Reading> {
        let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
        families
            .iter()
            .map(|(name, family)| family.reading(name))
            .collect()
    }

    /// One number; zero where nothing was counted yet. For tests and for decisions about alarms.
    #[must_use]
    pub fn value<const LABELS: usize>(&self, name: &str, labels: [&str; LABELS]) -> u64 {
        let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
        let found = families
            .get(name)
            .and_then(|family| family.find(&cut(labels)));
        found.map_or(0, |number| number.load(Ordering::Relaxed))
    }

    fn with<const LABELS: usize>(
        &self,
        name: &'static str,
        family: impl FnOnce() -> Family,
        labels: [&str; LABELS],
        change: impl FnOnce(&AtomicU64),
    ) {
        let labels = cut(labels);
        {
            let families = self.families.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(number) = families.get(name).and_then(|family| family.find(&labels)) {
                return change(number);
            }
        }
        let mut families = self
            .families
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        let family = families.entry(name).or_insert_with(family);
        change(family.find_or_begin(&labels));
    }
}

impl Family {
    const fn new(help: &'static str, kind: MetricKind, labels: &'static [&'static str]) -> Self {
        Self {
            help,
            kind,
            labels,
            series: Vec::new(),
        }
    }

    fn place(&self, labels: &[&str]) -> Result<usize, usize> {
        self.series.binary_search_by(|series| {
            let values = series.values.iter().map(|value| &**value);
            values.cmp(labels.iter().copied())
        })
    }

    fn find(&self, labels: &[&str]) -> Option<&AtomicU64> {
        let place = self.place(labels).ok()?;
        self.series.get(place).map(|series| &series.number)
    }

    fn find_or_begin(&mut self, labels: &[&str]) -> &AtomicU64 {
        let is_new = self.place(labels).is_err();
        // One place is kept for the overflow.
        if is_new && self.series.len() >= SERIES_MAX - 1 {
            let overflow = vec![OVERFLOW; labels.len()];
            return self.begin(&overflow);
        }
        self.begin(labels)
    }

    fn begin(&mut self, labels: &[&str]) -> &AtomicU64 {
        let place = match self.place(labels) {
            Ok(place) => place,
            Err(place) => {
                let values = labels.iter().map(|value| Box::from(*value)).collect();
                let number = AtomicU64::new(0);
                self.series.insert(place, Series { values, number });
                place
            }
        };
        &self.series[place].number
    }

    fn reading(&self, name: &'static str) -> Reading {
        let series = self.series.iter().map(|series| {
            let values = series
                .values
                .iter()
                .map(|value| value.clone().into_string())
                .collect();
            (values, series.number.load(Ordering::Relaxed))
        });
        Reading {
            name,
            help: self.help,
            kind: self.kind,
            labels: self.labels,
            series: series.collect(),
        }
    }
}

/// The labels with their values cut to size.
fn cut<const LABELS: usize>(labels: [&str; LABELS]) -> [&str; LABELS] {
    labels.map(|value| {
        let end = value.floor_char_boundary(LABEL_BYTES_MAX);
        value.get(..end).unwrap_or(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    static SEEN: Counter<2> = Counter::new("seen_total", "What was seen.", ["mount", "reason"]);
    static SIZE: Gauge<0> = Gauge::new("size", "How large it is.", []);

    #[test]
    fn each_set_of_labels_counts_on_its_own() {
        let metrics = Metrics::default();
        metrics.increment(&SEEN, ["auth/jwt/", "expired"]);
        metrics.add(&SEEN, ["auth/jwt/", "expired"], 2);
        metrics.increment(&SEEN, ["auth/a/", "expired"]);
        metrics.set(&SIZE, [], 7);
        metrics.set(&SIZE, [], 5);
        assert_eq!(metrics.value("seen_total", ["auth/jwt/", "expired"]), 3);
        assert_eq!(metrics.value("seen_total", ["auth/jwt/", "other"]), 0);
        assert_eq!(metrics.value("unknown", []), 0);
        let readings = metrics.readings();
        let seen = Reading {
            name: "seen_total",
            help: "What was seen.",
            kind: MetricKind::Counter,
            labels: &["mount", "reason"],
            series: vec![
                (vec!["auth/a/".to_owned(), "expired".to_owned()], 1),
                (vec!["auth/jwt/".to_owned(), "expired".to_owned()], 3),
            ],
        };
        assert_eq!(readings[0], seen);
        assert_eq!(readings[1].series, [(vec![], 5)]);
        assert_eq!(readings.len(), 2);
    }

    #[test]
    fn a_metric_has_a_bounded_number_of_series() {
        let metrics = Metrics::default();
        let count = |number: usize| metrics.increment(&SEEN, ["m", &number.to_string()]);
        let series = || metrics.readings()[0].series.len();
        (0..SERIES_MAX - 1).for_each(count);
        assert_eq!(series(), SERIES_MAX - 1);
        assert_eq!(metrics.value("seen_total", [OVERFLOW, OVERFLOW]), 0);
        (SERIES_MAX - 1..SERIES_MAX + 9).for_each(count);
        assert_eq!(series(), SERIES_MAX);
        assert_eq!(metrics.value("seen_total", [OVERFLOW, OVERFLOW]), 10);
        count(0);
        assert_eq!(
            metrics.value("seen_total", ["m", "0"]),
            2,
            "known ones still count"
        );
    }

    #[test]
    fn what_a_gauge_told_of_can_be_gone() {
        static AGE: Gauge<1> = Gauge::new("age", "How old it is.", ["of"]);
        let metrics = Metrics::default();
        metrics.retain(&AGE, |_| false);
        for of in ["a", "b", "c"] {
            metrics.set(&AGE, [of], 7);
        }
        metrics.retain(&AGE, |[of]| of != "b");
        let left = [(vec!["a".to_owned()], 7), (vec!["c".to_owned()], 7)];
        assert_eq!(metrics.readings()[0].series, left);
        metrics.set(&AGE, ["b"], 1);
        assert_eq!(metrics.value("age", ["b"]), 1);
        metrics.retain(&AGE, |_| false);
        assert_eq!(metrics.readings(), []);
    }

    #[test]
    fn a_label_is_cut_at_a_character() {
        let metrics = Metrics::default();
        let longest = "a".repeat(LABEL_BYTES_MAX);
        metrics.increment(&SEEN, [&longest, "r"]);
        metrics.increment(&SEEN, [&format!("{longest}b"), "r"]);
        assert_eq!(metrics.value("seen_total", [&longest, "r"]), 2);
        let split = format!("{}é", "a".repeat(LABEL_BYTES_MAX - 1));
        metrics.increment(&SEEN, [&split, "r"]);
        assert_eq!(metrics.value("seen_total", [&longest[1..], "r"]), 1);
    }

    #[test]
    fn threads_lose_no_count() {
        let metrics = Metrics::default();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let metrics = &metrics;
                scope.spawn(move || {
                    for number in 0..1_000 {
                        let label = (number % 7 + thread).to_string();
                        metrics.increment(&SEEN, ["m", &label]);
                    }
                });
            }
        });
        let readings = metrics.readings();
        assert_eq!(
            readings[0]
                .series
                .iter()
                .map(|(_, count)| count)
                .sum::<u64>(),
            4_000
        );
    }
}
