//! Whatever arrives from outside: nothing panics, and what is accepted keeps its promises.

use oauth::{
    Parameters, ProtocolError as _,
    authorize::{self, AuthorizationRequest},
    client::{ClientId, ClientProfile},
    error::ParameterError,
    redirect::{PrivateSchemes, RedirectUri, ValidatedRedirectUri},
    token::TokenRequest,
};
use proptest::{collection::vec, prelude::*};
use url::form_urlencoded;

use crate::strategies::{CHALLENGE, form, is_plain, more_often};

/// A request that would be admitted, with a few pairs more.
fn nearly_good() -> impl Strategy<Value = String> {
    form().prop_map(|more| {
        format!(
            "client_id=vc_client&redirect_uri=http%3A%2F%2F127.0.0.1%3A5000%2Fcb&response_type=code&code_challenge={CHALLENGE}&code_challenge_method=S256&{more}"
        )
    })
}

fn authorize(parameters: &Parameters) -> Result<AuthorizationRequest, String> {
    let redirect_uris = [
        RedirectUri::register("http://127.0.0.1/cb", &PrivateSchemes::default())
            .expect("a safe redirect URI"),
    ];
    let client = ClientProfile {
        id: &ClientId::of("vc_client"),
        redirect_uris: &redirect_uris,
        may_refresh: true,
    };
    authorize::client_id(parameters).map_err(|error| error.description())?;
    let destination =
        authorize::destination(parameters, client).map_err(|error| error.description())?;
    authorize::validate(
        parameters,
        client,
        &destination,
        &[crate::resource(&["read", "write"])],
        None,
    )
    .map_err(|error| error.description())
}

proptest! {
    #![proptest_config(more_often(2))]

    #[test]
    fn parameters_are_read_from_any_bytes(bytes in vec(any::<u8>(), 0..200)) {
        let parameters = Parameters::parse(&bytes);
        let _ = (authorize(&parameters), TokenRequest::read(&parameters).is_ok(), authorize::state(&parameters));
        let _ = format!("{parameters:?}");
    }

    /// R-O5.
    #[test]
    fn a_parameter_has_one_value_or_none(form in form()) {
        let parameters = Parameters::parse(form.as_bytes());
        for name in ["client_id", "state", "code", "other", "absent"] {
            let values: Vec<String> = form_urlencoded::parse(form.as_bytes()).filter(|(own, _)| own == name).map(|(_, value)| value.into_owned()).collect();
            match values.as_slice() {
                [] => prop_assert_eq!(parameters.one(name), Ok(None)),
                [value] if value.is_empty() => prop_assert_eq!(parameters.one(name), Ok(None)),
                [value] => prop_assert_eq!(parameters.one(name), Ok(Some(value.as_str()))),
                _ => prop_assert_eq!(parameters.one(name), Err(ParameterError::Repeated(name))),
            }
        }
    }

    #[test]
    fn what_is_admitted_is_what_was_asked(form in prop_oneof![form(), nearly_good()]) {
        let parameters = Parameters::parse(form.as_bytes());
        match authorize(&parameters) {
            Err(reason) => prop_assert!(is_plain(&reason)),
            Ok(request) => {
                prop_assert_eq!(Ok(Some(request.client_id.as_str())), parameters.one("client_id"));
                prop_assert_eq!(Ok(Some(request.redirect_uri.as_str())), parameters.one("redirect_uri"));
                prop_assert_eq!(Ok(request.state.as_deref()), parameters.one("state"));
                prop_assert_eq!(parameters.one("code_challenge_method"), Ok(Some("S256")));
                prop_assert_eq!(parameters.one("response_type"), Ok(Some("code")));
                prop_assert!(request.scopes.iter().all(|word| ["read", "write", "offline_access"].contains(&word)));
            }
        }
    }

    #[test]
    fn nothing_unregistered_is_a_destination(text in any::<String>()) {
        let uris = [RedirectUri::register("https://a.example/cb", &PrivateSchemes::default()).expect("a safe redirect URI")];
        prop_assert_eq!(ValidatedRedirectUri::validate(&uris, &text).is_ok(), text == "https://a.example/cb");
        prop_assert!(ValidatedRedirectUri::validate(&[], &text).is_err());
    }
}
