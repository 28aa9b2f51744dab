//! A key is handed over, everything is tried that could bring it back, and everything that
//! anybody can see is searched for it. It may stand in one place only: on the wire, in the
//! declared header to the declared origin.

pub mod canary;
mod guests;
pub mod memory;
mod operations;
mod program;

/// Lines of a request's head that hold the key, and how often the whole request does.
fn on_the_wire(request: &str) -> (Vec<&str>, usize) {
    let lines = request.lines().filter(|line| line.contains(canary::CANARY)).collect();
    let times = canary::forms().iter().map(|form| request.matches(form.as_str()).count()).sum();
    (lines, times)
}

/// The key stands in this request once, as the whole value of the header `name`.
#[track_caller]
fn assert_only_in(request: &str, name: &str) {
    let (lines, times) = on_the_wire(request);
    assert_eq!(lines, [format!("{name}: {}", canary::CANARY)], "{request}");
    assert_eq!(times, 1, "{request}");
}
