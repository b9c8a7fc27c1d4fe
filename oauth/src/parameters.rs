//! Request parameters of the authorization and token endpoints (OAuth 2.1 section 3, R-O5).

use url::form_urlencoded;

use crate::error::ParameterError;

/// Parameters as they arrived, repeats included.
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Reads `application/x-www-form-urlencoded` bytes. Never fails: bytes that are not UTF-8
    /// become replacement characters, which no valid value contains.
    pub fn parse(bytes: &[u8]) -> Self {
        Self(form_urlencoded::parse(bytes).into_owned().collect())
    }

    /// All of them, in order, as a query: form encoding throughout, so it fits into a URL whatever
    /// came in.
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&self.0)
            .finish()
    }

    /// The value of a parameter; an empty value counts as omitted.
    ///
    /// # Errors
    /// [`ParameterError::Repeated`] when the parameter came more than once.
    pub fn one(&self, name: &'static str) -> Result<Option<&str>, ParameterError> {
        let mut values = self
            .0
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, value)| value.as_str());
        let first = values.next();
        match values.next() {
            Some(_) => Err(ParameterError::Repeated(name)),
            None => Ok(first.filter(|value| !value.is_empty())),
        }
    }

    /// The value of a parameter that has to be there.
    ///
    /// # Errors
    /// [`ParameterError::Missing`] also when it is empty, or [`ParameterError::Repeated`].
    pub fn required(&self, name: &'static str) -> Result<&str, ParameterError> {
        self.one(name)?.ok_or(ParameterError::Missing(name))
    }

    /// Every value of a parameter that may come more than once; empty values count as omitted.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(key, value)| key == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

impl std::fmt::Debug for Parameters {
    /// Names only: values may be codes, tokens and secrets.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_list()
            .entries(self.0.iter().map(|(name, _)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_omitted_and_repeated_is_refused() {
        let parameters = Parameters::parse(b"a=1&b=&c=1&c=2&d=&d=");
        assert_eq!(parameters.one("a"), Ok(Some("1")));
        assert_eq!(parameters.one("b"), Ok(None));
        assert_eq!(parameters.one("c"), Err(ParameterError::Repeated("c")));
        assert_eq!(parameters.one("d"), Err(ParameterError::Repeated("d")));
        assert_eq!(parameters.one("missing"), Ok(None));
        assert_eq!(parameters.all("c").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(
            (
                parameters.all("d").count(),
                parameters.all("missing").count()
            ),
            (0, 0)
        );
        assert_eq!(
            format!("{parameters:?}"),
            r#"["a", "b", "c", "c", "d", "d"]"#,
            "names, never values"
        );
    }

    #[test]
    fn a_query_says_what_the_form_said() {
        for (form, query) in [
            ("", ""),
            ("a=1&b=&a=2", "a=1&b=&a=2"),
            ("state=x%20y+z%26%3D%23%25", "state=x+y+z%26%3D%23%25"),
            (
                "a=%0d%0aLocation:%20x&\u{e9}",
                "a=%0D%0ALocation%3A+x&%C3%A9=",
            ),
        ] {
            let parameters = Parameters::parse(form.as_bytes());
            assert_eq!(parameters.to_query(), query, "{form}");
            assert_eq!(
                Parameters::parse(query.as_bytes()).0,
                parameters.0,
                "{form}"
            );
        }
    }
}
