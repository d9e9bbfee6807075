//! The signature of a delivery: `t=UNIX,v1=HEX`, HMAC-SHA256 over `t.body` under the webhook's secret. The time is
//! signed, so that what was caught once cannot be sent again later.

use std::fmt::Write;

use hmac::{Hmac, Mac};
use sha2::Sha256;

/// The value of `Magpie-Signature`. `seconds`: since 1970.
///
/// # Panics
/// Never: HMAC takes a key of any length.
pub fn signature(secret: &[u8], seconds: i64, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
    mac.update(format!("{seconds}.").as_bytes());
    mac.update(body);
    let mut signature = format!("t={seconds},v1=");
    for byte in mac.finalize().into_bytes() {
        // Writing to a String cannot fail.
        let _ = write!(signature, "{byte:02x}");
    }
    signature
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_openssl_says() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac whsec_test
        let expected = "t=1700000000,v1=38877139021993b830af32feea6e18a8da83eb2f6e49ee50bd9e4cf4ca4d3789";
        assert_eq!(signature(b"whsec_test", 1_700_000_000, br#"{"a":1}"#), expected);
    }
}
