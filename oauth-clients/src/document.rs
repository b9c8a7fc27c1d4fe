//! Client ID metadata documents (R-C1 to R-C13, draft-ietf-oauth-client-id-metadata-document-02): a
//! client's identifier is the URL of a document that describes the client. The owner of the URL
//! owns the identity.

mod address;
mod caching;
mod policy;

pub use address::DocumentUrl;
pub use caching::fresh_for;
pub use policy::DocumentPolicy;

use crate::{
    client::{Authentication, Client, ClientSource},
    error::{DocumentError, MemberFault},
    metadata_object::{ClientMetadataObject, LONGEST_TEXT},
};
use jose::KeySetError;
use oauth::{client::ClientId, redirect::PrivateSchemes};
use primitives::Timestamp;

/// What a document could only hold by a mistake: everybody can read it (draft -02 section 4.1).
const SECRETS: [&str; 2] = ["client_secret", "client_secret_expires_at"];

/// Reads the document that `url` gave at `now`, and that need not be asked for again until
/// `fresh_until`.
///
/// Null members, empty strings and empty lists count as absent, unknown members and links are
/// ignored. A document without grant types may refresh (requirement 5.4.8). Unsafe redirect URIs
/// beside safe ones are dropped.
///
/// # Errors
/// The reason of the first member that cannot be accepted, in words about a document.
pub fn read(
    url: &DocumentUrl,
    body: &[u8],
    schemes: &PrivateSchemes,
    now: Timestamp,
    fresh_until: Timestamp,
) -> Result<Client, DocumentError> {
    accept(url, body, schemes, now, fresh_until).map(|(client, _)| client)
}

/// The same, with the reason for each part that was dropped.
///
/// # Errors
/// As [`read`].
pub fn accept(
    url: &DocumentUrl,
    body: &[u8],
    schemes: &PrivateSchemes,
    now: Timestamp,
    fresh_until: Timestamp,
) -> Result<(Client, Vec<DocumentError>), DocumentError> {
    let mut members = ClientMetadataObject::read_from(body)?;
    let client = client(url, &mut members, schemes, now, fresh_until)?;
    Ok((
        client,
        members
            .into_dropped()
            .into_iter()
            .map(DocumentError::from)
            .collect(),
    ))
}

fn client(
    url: &DocumentUrl,
    members: &mut ClientMetadataObject,
    schemes: &PrivateSchemes,
    now: Timestamp,
    fresh_until: Timestamp,
) -> Result<Client, DocumentError> {
    // Byte for byte: neither case nor port nor slash is forgiven (R-C3, RFC 3986 section 6.2.1).
    if members
        .read::<String>("client_id", MemberFault::NotAString)?
        .as_deref()
        != Some(url.as_str())
    {
        return Err(unacceptable("client_id", MemberFault::OtherAddress));
    }
    let name = members.name()?.filter(|name| !name.trim().is_empty());
    let name = name.ok_or(unacceptable("client_name", MemberFault::Missing))?;
    let redirect_uris = members.redirect_uris(schemes)?;
    if let Some(secret) = SECRETS.into_iter().find(|secret| members.has(secret)) {
        return Err(unacceptable(secret, MemberFault::PublicSecret));
    }
    let grants = members.supported(
        "grant_types",
        &["authorization_code", "refresh_token"],
        "authorization_code",
    )?;
    members.supported("response_types", &["code"], "code")?;
    Ok(Client {
        id: ClientId::of(url.as_str()),
        name: Some(name),
        redirect_uris,
        authentication: authentication(members)?,
        may_refresh: grants.iter().any(|grant| grant == "refresh_token"),
        source: ClientSource::Document {
            fresh_until,
            allowed: false,
        },
        created_at: now,
        used_at: None,
    })
}

/// What both sides can do (SEP-3149): the list wins over the preferred method, and with neither
/// there is no authentication, since the default of RFC 7591 is a shared secret, which cannot be
/// shared by way of a document.
///
/// A client that lists both `none` and `private_key_jwt` may do either, as that of `ChatGPT` does.
/// Where only keys are left, they are demanded (draft -02 section 8.2).
fn authentication(members: &ClientMetadataObject) -> Result<Authentication, DocumentError> {
    let preferred = members.text("token_endpoint_auth_method", LONGEST_TEXT)?;
    if preferred
        .as_deref()
        .is_some_and(|method| method.starts_with("client_secret_"))
    {
        return Err(unacceptable(
            "token_endpoint_auth_method",
            MemberFault::SharedSecret,
        ));
    }
    if members.contains_private_key() {
        return Err(KeySetError::PrivateKey.into());
    }
    let listed: Option<Vec<String>> = members.read(
        "token_endpoint_auth_methods_supported",
        MemberFault::NotAList,
    )?;
    let methods = listed.or(preferred.map(|method| vec![method]));
    let (none, keys) = match &methods {
        None => (true, false),
        Some(methods) => (
            methods.iter().any(|method| method == "none"),
            methods.iter().any(|method| method == "private_key_jwt"),
        ),
    };
    // Faulty keys are no fault of a client that can do without them.
    match (none, keys, members.keys()) {
        (false, false, _) => Err(DocumentError::NoCommonAuthentication),
        (true, true, Ok(Some(source))) => Ok(Authentication::KeysOrNone(source)),
        (true, ..) => Ok(Authentication::None),
        (false, true, Ok(Some(source))) => Ok(Authentication::Keys(source)),
        (false, true, Ok(None)) => {
            Err(unacceptable("jwks_uri", MemberFault::KeysMissingInDocument))
        }
        (false, true, Err(error)) => Err(error.into()),
    }
}

const fn unacceptable(member: &'static str, fault: MemberFault) -> DocumentError {
    DocumentError::Unacceptable { member, fault }
}

#[cfg(test)]
mod tests;
