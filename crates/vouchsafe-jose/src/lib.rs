//! JWS, JWK and JWT for Vouchsafe. Pure: no I/O, no clock.
