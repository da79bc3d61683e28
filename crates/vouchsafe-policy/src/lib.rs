//! Policy language, compiled ACL and the decision. Pure.
