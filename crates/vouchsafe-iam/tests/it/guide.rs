//! The public guide's provider and its printed token (valid until 2029-12-31), as they stand there.

use vouchsafe_iam::{Lookup, ProviderKeys};
use vouchsafe_jose::{AlgorithmSet, ClaimRules, NumericDate, UnverifiedJwt};

use crate::fixtures::parse;

const TABLE: &str = include_str!("guide.toml");
const TOKEN: &str = include_str!("guide.jwt");

#[test]
fn the_printed_token_gets_its_role_from_the_printed_table() {
    let config = parse(&format!(
        "[users]\n[policies]\n[roles.VaultAdminRole]\ncapabilities = ['*']\n{TABLE}"
    ));
    let token = UnverifiedJwt::parse(TOKEN.trim()).unwrap();
    let Lookup::Found(provider) = config.provider(token.issuer(), token.audience()) else {
        panic!("no provider");
    };
    assert_eq!(provider.name, "app1");
    let ProviderKeys::Public(keys) = &provider.keys else {
        panic!("no public keys");
    };
    let verified = token.verify(keys, AlgorithmSet::ALL).unwrap();
    let rules = ClaimRules::new()
        .issuer("https://jwt.io/")
        .audiences(["vault1"]);
    let now = NumericDate::from_seconds(1_767_225_600).unwrap();
    rules.verify(verified.claims(), now).unwrap();
    let decision = provider.decide(&config, verified.claims().all()).unwrap();
    assert_eq!(decision.subject, "VaultAdmin");
    assert_eq!(decision.role.name, "VaultAdminRole");
}
