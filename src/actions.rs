//! Verbs that are not create, read, update or delete: checks the call, then hands it over to the
//! object.

use crate::api::Api;
use crate::error::Error;
use crate::host::Host;
use crate::objects::{self, ActionCall};
use crate::schema::{self, Unknown};
use crate::types::{Invocation, Outcome};

/// Does an action.
///
/// # Errors
/// [`Error::NotFound`] for an unknown object or action, [`Error::InvalidInput`] for an id too many
/// or too few and for an input that is not valid; else as AfterShip's answer says.
pub fn invoke(host: &dyn Host, invocation: &Invocation) -> Result<Outcome, Error> {
    let object = objects::named(&invocation.object)?;
    let actions = object.descriptor().actions;
    let action = actions.iter().find(|action| action.name == invocation.action);
    let action = action.ok_or_else(|| {
        let names: Vec<_> = actions.iter().map(|action| action.name).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        Error::not_found(format!(
            "`{}` has no action `{}`. Its actions: {names}.",
            invocation.object, invocation.action
        ))
    })?;
    let id = match (&invocation.id, action.on_record) {
        (Some(id), true) => id,
        (None, false) => "",
        (None, true) => return Err(refused(action.name, "works on one record: give its id")),
        (Some(_), false) => return Err(refused(action.name, "works on no record: give no id")),
    };
    schema::accept("input", action.input_schema, &invocation.input, Unknown::of(host)?)?;
    let call = ActionCall { action, id, input: &invocation.input, again: invocation.again };
    object.invoke(&Api::new(host)?, &call)
}

fn refused(action: &str, why: &str) -> Error {
    Error::invalid(format!("`{action}` {why}."), Vec::new())
}
