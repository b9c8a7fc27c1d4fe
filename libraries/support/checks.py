"""Checks that end the program when one fails."""

passed = 0


def check(is_so: bool, about: str) -> None:
    global passed
    if not is_so:
        raise SystemExit(f"failed: {about}")
    passed += 1


def report() -> None:
    print(f"{passed} checks passed")
