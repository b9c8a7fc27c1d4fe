//! What can be wrong with a key set, a JWT and its signature: one enum for each step.

use primitives::faults;

faults! {
    /// Why a JWK Set is not accepted.
    KeySetError {
        NotAKeySet: "it is not an object with a list of keys",
        TooManyKeys: "it has more than 20 keys",
        PrivateKey: "it contains a private or shared key; create a new key and publish only its public part",
        NoUsableKey: "it has no RSA key of 2048 to 4096 bits with the exponent 3 or 65537, no P-256 key and no Ed25519 key for signatures",
    }
}

faults! {
    /// Why a text is not read as a JWT.
    JwtError {
        TooLong: "it is longer than 16 KiB",
        Malformed: "it is not a JWT in compact form",
        Critical: "its header has crit, but no extensions are supported",
        Type: "its typ is not accepted",
        Algorithm: "its alg is not RS256, ES256 or EdDSA",
    }
}

faults! {
    /// Why a JWT is not signed by one of the keys of a set.
    SignatureError {
        UnknownKey: "it is signed by a key that is not in the key set",
        Mismatch: "its signature does not match the key that it names",
        TooManyKeys: "more than three keys could have signed it; give each key a kid and name it in the header",
    }
}
