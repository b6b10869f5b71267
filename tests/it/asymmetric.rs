//! Asymmetric signatures, checked with p256 and rsa as the platform's own cryptography does in the Worker.

use p256::ecdsa::signature::Verifier as _;
use p256::pkcs8::DecodePublicKey as _;
use wend::signing::asymmetric::{Algorithm, Asymmetric};

/// What `crypto.subtle.verify` would say.
pub fn holds(signed: &Asymmetric) -> bool {
    signed.keys.iter().any(|key| match signed.algorithm {
        Algorithm::EcdsaP256Sha256 => {
            let key = p256::ecdsa::VerifyingKey::from_public_key_der(key).unwrap();
            p256::ecdsa::Signature::from_slice(&signed.signature)
                .is_ok_and(|signature| key.verify(&signed.message, &signature).is_ok())
        }
        Algorithm::RsaSha1 => rsa_holds::<sha1::Sha1>(key, signed),
        Algorithm::RsaSha256 => rsa_holds::<rsa::sha2::Sha256>(key, signed),
    })
}

fn rsa_holds<D>(key: &[u8], signed: &Asymmetric) -> bool
where
    D: rsa::sha2::Digest + rsa::pkcs8::AssociatedOid,
{
    use rsa::pkcs8::DecodePublicKey as _;
    let key = rsa::RsaPublicKey::from_public_key_der(key).unwrap();
    key.verify(
        rsa::Pkcs1v15Sign::new::<D>(),
        &D::digest(&signed.message),
        &signed.signature,
    )
    .is_ok()
}
