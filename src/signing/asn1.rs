//! The little DER that webhooks need: the public key of a certificate or of a JSON Web Key, and the two numbers of an ECDSA
//! signature.
//!
//! Called by the sources and providers that sign with a private key. It checks no certificate: the one of SNS is believed because it was fetched by https from
//! Amazon's own host. Whether a signature holds is said by the platform.

use super::BASE64;
use base64::Engine as _;
use der::asn1::{AnyRef, BitStringRef, UintRef};
use der::{Encode, Reader, SliceReader, Tag, TagNumber};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Bytes of a number of P-256.
const P256_BYTES: usize = 32;

/// `SubjectPublicKeyInfo` of an uncompressed point of P-256 (RFC 5480 §2), before the point's 64 bytes.
const P256_PREFIX: [u8; 27] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
];

/// The algorithm `rsaEncryption` without parameters (RFC 3279 §2.3.1), as `SubjectPublicKeyInfo` names it.
const RSA_ENCRYPTION: [u8; 15] = [
    0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// The `SubjectPublicKeyInfo` of an RSA key of which a JSON Web Key gives modulus and exponent (RFC 7518 §6.3.1).
pub fn rsa_key(modulus: &[u8], exponent: &[u8]) -> Option<Vec<u8>> {
    encoded_rsa_key(modulus, exponent).ok()
}

fn encoded_rsa_key(modulus: &[u8], exponent: &[u8]) -> der::Result<Vec<u8>> {
    let mut numbers = UintRef::new(modulus)?.to_der()?;
    numbers.extend(UintRef::new(exponent)?.to_der()?);
    let key = AnyRef::new(Tag::Sequence, &numbers)?.to_der()?;
    let bits = BitStringRef::from_bytes(&key)?.to_der()?;
    AnyRef::new(Tag::Sequence, &[RSA_ENCRYPTION.as_slice(), &bits].concat())?.to_der()
}

/// Whether this is a public key of P-256 in the form that WebCrypto takes.
pub fn is_p256(key: &[u8]) -> bool {
    key.strip_prefix(&P256_PREFIX)
        .is_some_and(|point| point.len() == 2 * P256_BYTES)
}

/// The `SubjectPublicKeyInfo` of the first certificate in a PEM text, in DER.
pub fn public_key(pem: &[u8]) -> Option<Vec<u8>> {
    let pem = std::str::from_utf8(pem).ok()?;
    let (_, rest) = pem.split_once(BEGIN)?;
    let (base64, _) = rest.split_once(END)?;
    let base64: String = base64.split_ascii_whitespace().collect();
    let certificate = BASE64.decode(base64).ok()?;
    subject_public_key(&certificate).ok().map(<[u8]>::to_vec)
}

/// RFC 5280 §4.1: the seventh part of the first part, or the sixth where the version is left out.
fn subject_public_key(certificate: &[u8]) -> der::Result<&[u8]> {
    let mut reader = SliceReader::new(certificate)?;
    let key = reader.sequence(|certificate| {
        let key = certificate.sequence(|signed| {
            let version = Tag::ContextSpecific {
                constructed: true,
                number: TagNumber(0),
            };
            if Tag::peek(signed)? == version {
                signed.tlv_bytes()?;
            }
            // Serial number, algorithm, issuer, validity, subject.
            for _ in 0..5 {
                signed.tlv_bytes()?;
            }
            let key = signed.tlv_bytes()?;
            signed.drain(signed.remaining_len())?;
            der::Result::Ok(key)
        })?;
        certificate.drain(certificate.remaining_len())?;
        der::Result::Ok(key)
    })?;
    reader.finish()?;
    Ok(key)
}

/// r and s of an ECDSA signature over P-256, each in 32 bytes: the form of WebCrypto, made of that of OpenSSL.
pub fn ecdsa_pair(signature: &[u8]) -> Option<Vec<u8>> {
    let mut reader = SliceReader::new(signature).ok()?;
    let numbers = reader.sequence(|pair| der::Result::Ok([pair.decode::<UintRef<'_>>()?, pair.decode()?]));
    reader.finish().ok()?;
    let mut pair = Vec::with_capacity(2 * P256_BYTES);
    for number in numbers.ok()? {
        let bytes = number.as_bytes();
        let padding = P256_BYTES.checked_sub(bytes.len())?;
        pair.resize(pair.len() + padding, 0);
        pair.extend_from_slice(bytes);
    }
    Some(pair)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn short_numbers_are_padded_and_long_ones_refused() {
        let pair = ecdsa_pair(&[0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x07]).unwrap();
        assert_eq!((pair.len(), pair[31], pair[63]), (64, 5, 7));
        let signed = [0x30, 0x07, 0x02, 0x02, 0x00, 0xff, 0x02, 0x01, 0x07];
        assert_eq!(ecdsa_pair(&signed).unwrap()[31], 0xff);
        let mut long = vec![0x30, 0x26, 0x02, 0x21, 0x01];
        long.extend([0; 32]);
        long.extend([0x02, 0x01, 0x07]);
        for broken in [
            &[] as &[u8],
            &[0x30],
            &[0x30, 0x00],
            &[0x30, 0x03, 0x02, 0x01, 0x05],
            &[0x30, 0x06, 0x02, 0x01, 0x05, 0x02, 0x01, 0x07, 0x00],
            &[0x30, 0x06, 0x02, 0x01, 0x85, 0x02, 0x01, 0x07],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &long,
        ] {
            assert_eq!(ecdsa_pair(broken), None, "{broken:?}");
        }
    }

    #[test]
    fn what_is_no_certificate_has_no_key() {
        for pem in [
            "",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----",
            "<html>Not Found</html>",
        ] {
            assert_eq!(public_key(pem.as_bytes()), None, "{pem}");
        }
        assert_eq!(public_key(&[0xff, 0xfe]), None);
    }

    #[test]
    fn an_rsa_key_is_framed_and_its_numbers_keep_their_sign() {
        let numbers = [0x30, 9, 0x02, 2, 0, 0x80, 0x02, 3, 1, 0, 1];
        let expected = [&[0x30, 29][..], &RSA_ENCRYPTION, &[0x03, 12, 0], &numbers].concat();
        assert_eq!(rsa_key(&[0, 0, 0x80], &[1, 0, 1]), Some(expected));
        let modulus = [0xff; 256];
        assert_eq!(rsa_key(&modulus, &[1, 0, 1]).map(|key| key.len()), Some(294));
    }

    proptest! {
        #[test]
        fn reading_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = subject_public_key(&bytes);
            if let Some(pair) = ecdsa_pair(&bytes) {
                prop_assert_eq!(pair.len(), 64);
            }
            let framed = [&[0x30, 0x50][..], &bytes].concat();
            let _ = (subject_public_key(&framed), ecdsa_pair(&framed), is_p256(&framed));
        }
    }
}
