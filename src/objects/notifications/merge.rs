//! Customers added to those of a tracking.

use connector_sdk::{
    Error,
    json::{Malformed, Member, Reader, Value, Writer},
    text::join,
};

/// AfterShip keeps so many of a tracking (AfterShip API 2026-07, PUT /trackings/{id}).
const MOST: usize = 3;

/// The first of these that both have decides whether two customers are one person.
const MARKS: [&str; 3] = ["id", "email", "phone_number"];

type Customer<'a> = Vec<Member<'a>>;

/// The whole list as it shall be, or `None` when nothing changes. Each of `given` joins the
/// customer that it is, else it comes last. Those of `there` keep their place and all members,
/// token for token; but a null is left out, since AfterShip answers some that it does not take
/// (`role` and `name` are texts), and without its member a customer is the same.
///
/// # Errors
/// `invalid-input` for the first one given that is one too many.
pub(super) fn merged(there: &[&str], given: &[&str]) -> Result<Option<String>, Error> {
    let mut customers = read(there).map_err(|_| {
        Error::internal("The tracking's customers are not what AfterShip documents. Report it.")
    })?;
    for customer in &mut customers {
        customer.retain(|member| member.value != "null");
    }
    let before = written(&customers);
    let given = read(given).map_err(|_| {
        Error::invalid_member("/customers", "`customers` must be an array of customers.")
    })?;
    for (place, one) in given.into_iter().enumerate() {
        let known = same(&customers, &one);
        if let Some(customer) = known.and_then(|at| customers.get_mut(at)) {
            take_over(customer, one);
        } else if customers.len() < MOST {
            customers.push(one);
        } else {
            return Err(too_many(place));
        }
    }
    let after = written(&customers);
    Ok((Value::parse(&before) != Value::parse(&after)).then_some(after))
}

fn read<'a>(customers: &[&'a str]) -> Result<Vec<Customer<'a>>, Malformed> {
    customers.iter().map(|customer| Reader::new(customer).members()).collect()
}

fn written(customers: &[Customer<'_>]) -> String {
    let one = |customer: &Customer<'_>| {
        let mut one = Writer::new();
        customer.iter().for_each(|member| one.member(member.raw));
        one.finish()
    };
    format!("[{}]", join(&customers.iter().map(one).collect::<Vec<_>>(), ","))
}

/// The customer that `one` is: who says all of it already, else whom the strongest mark names.
fn same(customers: &[Customer<'_>], one: &Customer<'_>) -> Option<usize> {
    let says_all = |customer: &Customer<'_>| {
        one.iter().all(|new| match namesake(customer, new).and_then(|at| customer.get(at)) {
            Some(old) => is_equal(old, new),
            None => new.value == "null",
        })
    };
    let marked = || {
        let marks = customers.iter().map(|customer| shared_mark(customer, one)).zip(0..);
        marks.filter_map(|(mark, at)| Some((mark?, at))).min().map(|(_, at)| at)
    };
    customers.iter().position(says_all).or_else(marked)
}

/// Which of [`MARKS`] shows that both are one person.
fn shared_mark(one: &Customer<'_>, other: &Customer<'_>) -> Option<usize> {
    let both = |mark| {
        let text = |customer| Member::named(customer, mark).and_then(Member::text);
        Some((text(one)?, text(other)?))
    };
    let (index, mark, (one, other)) =
        MARKS.iter().enumerate().find_map(|(index, mark)| Some((index, *mark, both(mark)?)))?;
    let is_one = match mark {
        "email" => one.eq_ignore_ascii_case(&other),
        _ => one == other,
    };
    is_one.then_some(index)
}

/// What is said already keeps its tokens. A null clears: it is sent, which is right whether
/// AfterShip merges or replaces.
fn take_over<'a>(customer: &mut Customer<'a>, one: Customer<'a>) {
    for new in one {
        let known = namesake(customer, &new);
        if let Some(old) = known.and_then(|at| customer.get_mut(at)) {
            if !is_equal(old, &new) {
                *old = new;
            }
        } else if new.value != "null" {
            customer.push(new);
        }
    }
}

/// Where the customer says something of the same name.
fn namesake(customer: &Customer<'_>, member: &Member<'_>) -> Option<usize> {
    let name = member.name.decode()?;
    customer.iter().rposition(|known| known.name.is(&name))
}

/// Whether two members of one name say the same: of an address its case says nothing.
fn is_equal(one: &Member<'_>, other: &Member<'_>) -> bool {
    if one.name.is("email")
        && let (Some(one), Some(other)) = (one.text(), other.text())
    {
        return one.eq_ignore_ascii_case(&other);
    }
    Value::parse(one.value) == Value::parse(other.value)
}

fn too_many(place: usize) -> Error {
    let text = format!(
        "AfterShip tells at most {MOST} customers of a tracking, and this one would be one too \
         many. Nothing was changed; use `update` to replace those that are there."
    );
    Error::invalid_member(&format!("/customers/{place}"), text)
}
