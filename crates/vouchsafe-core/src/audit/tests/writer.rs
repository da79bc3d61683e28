//! Lines stay whole whatever fails.

use super::faulty::Disk;
use crate::audit::writer::{Appended, Writer};

fn append(writer: &mut Writer, lines: &[&str]) -> Appended {
    writer.append(lines.iter().map(|line| line.as_bytes()))
}

#[test]
fn a_batch_is_written_in_order() {
    let disk = Disk::default();
    let mut writer = Writer::new(Box::new(disk.sink()));
    let appended = append(&mut writer, &["one\n", "two\n"]);
    assert_eq!(appended.whole, 2);
    assert!(appended.failure.is_none());
    assert_eq!(disk.text(), "one\ntwo\n");
    assert_eq!(disk.opened(), 1);
}

#[test]
fn each_place_where_a_disk_can_fill_up_leaves_whole_lines() {
    let lines = ["one\n", "two\n", "three\n"];
    let bytes: usize = lines.iter().map(|line| line.len()).sum();
    for room in 0..bytes {
        let disk = Disk::default();
        let mut writer = Writer::new(Box::new(disk.sink()));
        disk.leave_room(room);
        let appended = append(&mut writer, &lines);
        assert!(
            appended.failure.is_some(),
            "room for {room} of {bytes} bytes"
        );
        // What is said to be written is there, and the first line that is not is not whole.
        let written = disk.text();
        let whole = written.matches('\n').count();
        assert_eq!(appended.whole, whole, "room for {room} bytes: {written:?}");

        disk.make_room();
        let appended = append(&mut writer, &["four\n"]);
        assert_eq!(appended.whole, 1);
        let text = disk.text();
        assert!(text.ends_with("\nfour\n") || text == "four\n", "{text:?}");
        assert!(!text.contains("\n\n"), "{text:?}");
    }
}

#[test]
fn a_line_feed_that_does_not_fit_is_not_a_line() {
    let disk = Disk::default();
    let mut writer = Writer::new(Box::new(disk.sink()));
    disk.leave_room(1);
    assert_eq!(append(&mut writer, &["one\n"]).whole, 0);
    // There is room for the line feed that ends the torn line, and for nothing else.
    disk.leave_room(1);
    assert_eq!(append(&mut writer, &["two\n"]).whole, 0);
    disk.make_room();
    assert_eq!(append(&mut writer, &["three\n"]).whole, 1);
    assert_eq!(disk.text(), "o\nthree\n");
}

#[test]
fn a_place_that_failed_is_opened_anew() {
    let disk = Disk::default();
    let mut writer = Writer::new(Box::new(disk.sink()));
    disk.leave_room(4);
    assert_eq!(append(&mut writer, &["one\n", "two\n"]).whole, 1);
    assert_eq!(disk.opened(), 1);
    disk.make_room();
    assert_eq!(append(&mut writer, &["three\n"]).whole, 1);
    assert_eq!(append(&mut writer, &["four\n"]).whole, 1);
    assert_eq!(disk.opened(), 2, "once, and not for each line");
    assert_eq!(disk.text(), "one\nthree\nfour\n");
}

#[test]
fn a_place_that_can_not_be_opened_is_tried_again() {
    let disk = Disk::default();
    disk.set_gone(true);
    let mut writer = Writer::new(Box::new(disk.sink()));
    for _ in 0..2 {
        let appended = append(&mut writer, &["one\n"]);
        assert_eq!(appended.whole, 0);
        assert!(appended.failure.is_some());
    }
    disk.set_gone(false);
    assert_eq!(append(&mut writer, &["two\n"]).whole, 1);
    assert_eq!(disk.text(), "two\n");
}
