//! Enums of faults, as other crates declare them.

primitives::faults! {
    /// Two faults.
    Fault {
        Long: "it is too long",
        Short: "it is too short",
    }
}

#[test]
fn a_fault_is_displayed_as_its_words() {
    assert_eq!(Fault::ALL, [Fault::Long, Fault::Short]);
    for (fault, words) in [
        (Fault::Long, "it is too long"),
        (Fault::Short, "it is too short"),
    ] {
        assert_eq!((fault.words(), fault.to_string().as_str()), (words, words));
    }
}
