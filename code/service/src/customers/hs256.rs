//! The signatures of tokens: HMAC with SHA-256, which JWT calls HS256.
//!
//! jsonwebtoken comes with two implementations of its algorithms, and each is a
//! Cargo feature. Without a feature, or with both, the program compiles, and panics
//! at the first token: to have both, it's enough that two crates of one workspace
//! choose a different one. This implementation needs no feature. It's small, too:
//! it has the one algorithm that is used, and two crates that the program needs
//! anyway.

// ANCHOR: use
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use sha2::Sha256;
// ANCHOR_END: use

/// Makes jsonwebtoken use this implementation. It may be called several times.
// ANCHOR: install
pub(super) fn install() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: signer,
        verifier_factory: verifier,
        // `key_utils` is for keys in JSON (JWK), which the service doesn't use.
        key_utils: KeyUtils::new_unimplemented(),
    };
    // A second call returns an error, because this provider is installed already.
    // That error can be ignored.
    let _ = PROVIDER.install_default();
}
// ANCHOR_END: install

// ANCHOR: factories
fn signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Ok(Box::new(Hs256::new(algorithm, key.as_bytes())?))
}

fn verifier(
    algorithm: &Algorithm,
    key: &DecodingKey,
) -> Result<Box<dyn JwtVerifier>> {
    Ok(Box::new(Hs256::new(algorithm, key.try_get_as_bytes()?)?))
}
// ANCHOR_END: factories

// ANCHOR: hs256
/// The unfinished computation of an HMAC: it has the key, but no message yet.
struct Hs256(Hmac<Sha256>);

impl Hs256 {
    fn new(algorithm: &Algorithm, key: &[u8]) -> Result<Self> {
        if *algorithm != Algorithm::HS256 {
            return Err(new_error(ErrorKind::UnsupportedAlgorithm));
        }
        let hmac = Hmac::new_from_slice(key);
        hmac.map(Self)
            .map_err(|_| new_error(ErrorKind::InvalidKeyFormat))
    }
}
// ANCHOR_END: hs256

// ANCHOR: signer
impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> std::result::Result<Vec<u8>, Error> {
        let hmac = self.0.clone().chain_update(message);
        Ok(hmac.finalize().into_bytes().to_vec())
    }
}
// ANCHOR_END: signer

// ANCHOR: verifier
impl Verifier<Vec<u8>> for Hs256 {
    fn verify(
        &self,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> std::result::Result<(), Error> {
        let hmac = self.0.clone().chain_update(message);
        // `verify_slice` compares in constant time. `==` doesn't.
        hmac.verify_slice(signature).map_err(Error::from_source)
    }
}
// ANCHOR_END: verifier

// ANCHOR: algorithm
impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}
// ANCHOR_END: algorithm

#[cfg(test)]
mod tests {
    use jsonwebtoken::{Header, encode};

    use super::*;

    #[test]
    fn a_token_with_another_algorithm_is_not_signed() {
        install();
        let key = EncodingKey::from_secret(&[0; 64]).unwrap();
        let error = encode(&Header::new(Algorithm::HS512), &(), &key).unwrap_err();
        let kind = error.kind();
        assert!(matches!(kind, ErrorKind::UnsupportedAlgorithm), "{kind:?}");
    }
}
