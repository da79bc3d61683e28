//! The OIDC issuer: keys, roles, tokens, discovery.
