//! The configuration as `sys/config/state/sanitized` shows it: in Vault's members, as far as there is
//! something to say, and without the insides of storage, seals and audit devices.

use serde_json::{Value, json};
use vouchsafe_core::metric::PrometheusFormat;
use vouchsafe_logical::Data;
use vouchsafe_server::{MetricsAccess, Purpose};

use super::{Config, ListenerConfig, LogFormat, SealStanza};

/// What may be shown.
pub(crate) fn sanitized(config: &Config) -> Data {
    let seal = match &config.seal {
        SealStanza::Shamir => "shamir",
        SealStanza::Static { .. } => "static",
        SealStanza::Transit(_) => "transit",
    };
    let audit: Vec<Value> = config
        .audit_devices
        .iter()
        .map(|device| json!({ "type": device.kind, "path": device.path }))
        .collect();
    let shown = json!({
        "api_addr": config.api_addr.as_deref().unwrap_or_default(),
        "audit": audit,
        "default_lease_ttl": config.lease_ttl.default.as_secs(),
        "disable_mlock": config.disable_mlock,
        "listeners": config.listeners.iter().map(listener).collect::<Vec<_>>(),
        "log_format": match config.log_format {
            LogFormat::Standard => "standard",
            LogFormat::Json => "json",
        },
        "log_level": config.log_level.name(),
        "max_lease_ttl": config.lease_ttl.max.as_secs(),
        "seals": [{ "type": seal, "disabled": false }],
        "storage": { "type": config.storage.name() },
        "telemetry": { "prometheus": config.prometheus == PrometheusFormat::Served },
    });
    match shown {
        Value::Object(shown) => shown,
        _ => Data::new(),
    }
}

fn listener(listener: &ListenerConfig) -> Value {
    let mut config = json!({
        "address": listener.address.to_string(),
        "tls_disable": listener.tls.is_none(),
        "max_request_size": listener.max_request_size,
        "max_request_duration": listener.max_request_duration.as_secs(),
        "purpose": match listener.purpose {
            Purpose::Api => "api",
            Purpose::Publish => "publish",
        },
        "unauthenticated_metrics_access": listener.metrics == MetricsAccess::Everybody,
    });
    if let Some(tls) = &listener.tls {
        config["tls_cert_file"] = tls.cert_file.display().to_string().into();
        config["tls_key_file"] = tls.key_file.display().to_string().into();
    }
    json!({ "type": "tcp", "config": config })
}

#[cfg(test)]
mod tests {
    use super::super::tests::good;
    use super::*;

    #[test]
    fn what_is_shown_has_no_secret_and_no_way_to_one() {
        let config = good(
            "storage \"file\" { path = \"/hidden/store\" }\n\
             listener \"tcp\" {\n  address = \"127.0.0.1:8300\"\n  tls_disable = true\n}\n\
             seal \"transit\" {\n  address = \"https://hidden.example\"\n  token = \"hvs.hidden\"\n  \
             key_name = \"hidden\"\n  mount_path = \"hidden/\"\n}\n\
             audit \"file\" \"log\" {\n  options { file_path = \"/hidden/audit.log\" }\n}\n\
             log_level = \"warn\"\n",
        );
        let shown = Value::Object(sanitized(&config));
        assert_eq!(shown["storage"], json!({ "type": "file" }));
        assert_eq!(shown["seals"][0]["type"], "transit");
        assert_eq!(shown["log_level"], "warn");
        assert_eq!(shown["listeners"][0]["config"]["address"], "127.0.0.1:8300");
        assert_eq!(shown["audit"][0]["path"], "log");
        assert!(!shown.to_string().contains("hidden"), "{shown}");
    }
}
