//! What the server's code logs on a test's thread, every level.

use std::cell::RefCell;
use std::fmt::{Debug, Write as _};
use std::sync::Once;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    /// What has been logged on this thread since a test asked for it. A test and its server have
    /// one thread, and each test has another.
    static LINES: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Everything that the server's own code logs. There is one for all tests: callsites remember
/// whether anybody listens, so a subscriber that comes and goes would miss some.
pub(crate) struct Log;

impl Log {
    /// Begins to listen on this thread, with nothing heard yet.
    pub(crate) fn start() {
        static LISTENING: Once = Once::new();
        LISTENING.call_once(|| tracing::subscriber::set_global_default(Self).expect("the first"));
        LINES.set(Some(String::new()));
    }

    /// What was heard.
    pub(crate) fn text() -> String {
        LINES.with_borrow(|lines| lines.clone().unwrap_or_default())
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").expect("text");
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("vouchsafe")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| {
            if let Some(lines) = lines {
                *lines += &(line.0 + "\n");
            }
        });
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
