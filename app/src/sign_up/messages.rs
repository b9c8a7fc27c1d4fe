//! The page on which users create their own accounts.

pub(crate) const TITLE: &str = "Create an account";
pub(crate) const SIGN_IN_INSTEAD: &str = "Sign in instead";

/// Who may create an account, where that is limited.
pub(crate) fn for_domains(domains: &[String]) -> String {
    match domains {
        [] => "You can't create an account here.".to_owned(),
        [domain] => format!("Only for email addresses at {domain}."),
        [domains @ .., last] => format!(
            "Only for email addresses at {} and {last}.",
            domains.join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_told_as_a_list() {
        let told = |domains: &[&str]| {
            for_domains(
                &domains
                    .iter()
                    .map(|&domain| domain.to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        assert_eq!(
            told(&["a.example"]),
            "Only for email addresses at a.example."
        );
        assert_eq!(
            told(&["a.example", "b.example", "c.example"]),
            "Only for email addresses at a.example, b.example and c.example."
        );
    }
}
