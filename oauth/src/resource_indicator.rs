//! Which resource a request is about (RFC 8707 section 2).

use crate::{
    error::ResourceError,
    parameters::Parameters,
    resource::{Resource, ResourceIdentifier},
    scope::Scopes,
};

/// The resource that a request names. RFC 8707 lets the parameter repeat, while a token here is for
/// exactly one resource: the same one named again counts once.
///
/// # Errors
/// [`ResourceError::Several`] when it names different ones.
pub(crate) fn requested(parameters: &Parameters) -> Result<Option<&str>, ResourceError> {
    let mut named = parameters.all("resource");
    let Some(first) = named.next() else {
        return Ok(None);
    };
    let is_same = |other: &str| {
        let parsed = ResourceIdentifier::parse;
        other == first || parsed(first).is_some_and(|first| parsed(other) == Some(first))
    };
    if named.all(is_same) {
        Ok(Some(first))
    } else {
        Err(ResourceError::Several)
    }
}

/// Chooses the resource of an authorization request: the one that is named, or the only one there
/// is. Of several, a scope that only one of them has decides, and else the `default` of the
/// settings.
///
/// # Errors
/// [`ResourceError::Unknown`] for a name that is none of `resources`; [`ResourceError::Missing`]
/// when none is named and nothing decides.
pub(crate) fn select<'a>(
    resources: &'a [Resource],
    default: Option<&ResourceIdentifier>,
    requested: Option<&str>,
    scope: Option<&str>,
) -> Result<&'a Resource, ResourceError> {
    let of = |identifier: &ResourceIdentifier| {
        resources
            .iter()
            .find(|resource| resource.identifier == *identifier)
    };
    match (requested, resources) {
        (Some(text), _) => ResourceIdentifier::parse(text)
            .as_ref()
            .and_then(of)
            .ok_or(ResourceError::Unknown),
        (None, [only]) => Ok(only),
        (None, _) => by_scope(resources, scope)
            .or_else(|| of(default?))
            .ok_or(ResourceError::Missing),
    }
}

/// The one resource that scopes of no other are asked for at; `None` when there are two of that
/// kind, or none.
fn by_scope<'a>(resources: &'a [Resource], scope: Option<&str>) -> Option<&'a Resource> {
    let asked = Scopes::parse(scope.unwrap_or_default());
    let only_holder = |word: &str| {
        let mut holders = resources.iter().filter(|resource| resource.describes(word));
        holders.next().filter(|_| holders.next().is_none())
    };
    let mut meant = asked.iter().filter_map(only_holder);
    let first = meant.next()?;
    meant
        .all(|other| other.identifier == first.identifier)
        .then_some(first)
}

/// Validates the `resource` of a token request against the one consented to; absent means that one
/// (R-K6).
///
/// # Errors
/// [`ResourceError::NotGranted`].
pub(crate) fn check_granted(
    granted: &ResourceIdentifier,
    requested: Option<&str>,
) -> Result<(), ResourceError> {
    match requested {
        None => Ok(()),
        // The canonical spelling, which nearly all clients use, needs no parsing.
        Some(text)
            if text == granted.as_str()
                || ResourceIdentifier::parse(text).as_ref() == Some(granted) =>
        {
            Ok(())
        }
        Some(_) => Err(ResourceError::NotGranted),
    }
}

#[cfg(test)]
mod tests;
