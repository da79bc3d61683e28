//! Audit devices that the configuration declares, over the API.

use serde_json::json;
use vouchsafe_core::Settings;
use vouchsafe_core::audit::DeclaredDevice;

use crate::harness::TestServer;

#[tokio::test]
async fn a_declared_device_is_there_and_the_api_can_not_take_it_away() {
    let device = DeclaredDevice {
        path: "log".to_owned(),
        kind: "file".to_owned(),
        options: [("file_path".to_owned(), "discard".to_owned())].into(),
        ..DeclaredDevice::default()
    };
    let settings = Settings {
        audit_devices: vec![device],
        ..Settings::default()
    };
    let server = TestServer::builder()
        .with_settings(settings)
        .with(
            "sys/audit/other",
            json!({ "type": "file", "options": { "file_path": "discard" } }),
        )
        .start()
        .await;
    let expected = "audit device `log/` is declared in the server's configuration; remove it there";
    for path in ["sys/audit/log", "sys/audit/log/"] {
        let answer = server
            .ask("DELETE", path)
            .token(&server.root_token)
            .send()
            .await;
        assert_eq!(answer.expect(400).error(), expected);
    }
    server
        .ask("DELETE", "sys/audit/other")
        .token(&server.root_token)
        .send()
        .await
        .expect(204);
    let devices: Vec<String> = server
        .read("sys/audit")
        .await
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(devices, ["log/"]);
}
