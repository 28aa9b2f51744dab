//! A connector: constants and objects, from which each function of the contract follows.

use crate::contract::{
    self, BeginRequest, DataRecord, Delivery, Descriptor, Error, Grant, Invocation, Item,
    ListRequest, Manifest, ObjectSummary, Outcome, Page, Reception, Refusal, Start, Step,
    Subscription, SubscriptionOutcome, SubscriptionRequest, View, Written,
};
use crate::declare::{self, KeyUse, NO_MEMBERS, SecretUse, Setting};
use crate::host::Host;
use crate::json::Malformed;
use crate::object::{ActionCall, Object, Parent};
use crate::packed::Packed;
use crate::schema::{self, Unknown};
use crate::scheme::{self, Scheme};
use crate::text::join;
use crate::{Attempt, fault};

/// Inputs of one `find`: more would be more requests than one call is meant to make.
const MOST_INPUTS: usize = 200;

/// A connector. Only the constants and [`Connector::client`] must be given; what the contract asks
/// for follows from them, and an optional function that stays at its default says that it is not
/// offered. [`crate::export!`] makes a component of it.
///
/// Inputs are checked against the schemas of the descriptors before an object sees them.
pub trait Connector: Sized + 'static {
    /// What objects are given to reach the provider: often a struct around the host.
    type Client<'h>;

    /// Stable machine name.
    const NAME: &'static str;
    /// What people read.
    const TITLE: &'static str;
    /// Version of the component.
    const VERSION: &'static str;
    /// Version of the provider's API that it speaks.
    const PROVIDER_API_VERSION: &'static str;
    /// Every way to connect; the first is meant when the host names none.
    const SCHEMES: &'static [&'static dyn Scheme];
    /// Every object.
    const OBJECTS: &'static [&'static dyn Object<Self>];
    /// Settings that belong to no scheme.
    const SETTINGS: &'static [Setting] = &[];
    /// The keys that deliveries are verified with.
    const KEY_USES: &'static [KeyUse] = &[];
    /// The secrets by which a delivery may prove itself.
    const DELIVERY_SECRETS: &'static [SecretUse] = &[];
    /// Whether it calls [`Host::report_limit`].
    const REPORTS_LIMITS: bool = false;
    /// What several schemas share, by name: see [`schema::whole`].
    const SCHEMA_PARTS: &'static [(&'static str, Packed)] = &[];
    /// How records are shown and counted: its view file (`wit/VIEWS.md`), if it has one.
    const VIEWS: Option<Packed> = None;

    /// What objects are given.
    ///
    /// # Errors
    /// A setting that cannot be used.
    fn client(host: &dyn Host) -> Result<Self::Client<'_>, Error>;

    /// Every setting.
    fn declared_settings() -> impl Iterator<Item = &'static Setting> {
        Self::SETTINGS.iter().chain(Self::SCHEMES.iter().flat_map(|scheme| scheme.settings()))
    }

    /// What this connector is and needs. Pure. What several endpoints share is declared once.
    #[must_use]
    fn manifest() -> Manifest {
        let (mut limits, mut secret_uses) = (Vec::new(), Vec::new());
        let mut add_use = |secret_use: &SecretUse| {
            let is_known = |known: &contract::SecretUse| known.name == secret_use.name;
            if !secret_uses.iter().any(is_known) {
                secret_uses.push(secret_use.into());
            }
        };
        let endpoints = declared_endpoints::<Self>();
        for endpoint in &endpoints {
            endpoint.secret_uses.iter().for_each(&mut add_use);
            for limit in endpoint.limits {
                let is_known = |known: &contract::Limit| known.name == limit.name;
                if !limits.iter().any(is_known) {
                    limits.push(limit.into());
                }
            }
        }
        Self::DELIVERY_SECRETS.iter().for_each(&mut add_use);
        let mut key_uses: Vec<&KeyUse> = Vec::new();
        for scheme in Self::SCHEMES {
            key_uses.extend(scheme.key_uses());
        }
        key_uses.extend(Self::KEY_USES);
        Manifest {
            name: Self::NAME.to_owned(),
            title: Self::TITLE.to_owned(),
            version: Self::VERSION.to_owned(),
            provider_api_version: Self::PROVIDER_API_VERSION.to_owned(),
            schemes: Self::SCHEMES.iter().map(|scheme| (&scheme.description()).into()).collect(),
            settings: Self::declared_settings().map(Into::into).collect(),
            limits,
            secret_uses,
            endpoints: endpoints.into_iter().map(Into::into).collect(),
            delivery_secrets: Self::DELIVERY_SECRETS.iter().map(|it| it.name.to_owned()).collect(),
            key_uses: key_uses.into_iter().map(Into::into).collect(),
            objects: Self::OBJECTS.iter().map(|object| object.descriptor().summary()).collect(),
            more: Self::VIEWS.map(|file| ("views".to_owned(), file.unpack())).into_iter().collect(),
        }
    }

    /// What is wrong with the constants: for a test of each connector, `assert_eq!(faults(), [])`.
    /// Names that come twice and mean different things, page sizes the wrong way round, and schemas
    /// of inputs that say more than is checked ([`schema::faults`]).
    #[must_use]
    fn faults() -> Vec<String> {
        let mut faults = Vec::new();
        let endpoints = declared_endpoints::<Self>();
        let limits = endpoints.iter().flat_map(|endpoint| endpoint.limits);
        let uses = endpoints.iter().flat_map(|endpoint| endpoint.secret_uses);
        let uses = uses.chain(Self::DELIVERY_SECRETS);
        find_doubles("endpoint", endpoints.iter().map(|it| (it.name, *it)), false, &mut faults);
        find_doubles("limit", limits.map(|it| (it.name, it)), true, &mut faults);
        find_doubles("secret use", uses.map(|it| (it.name, it)), true, &mut faults);
        find_doubles(
            "setting",
            Self::declared_settings().map(|it| (it.name, it)),
            false,
            &mut faults,
        );
        for descriptor in Self::OBJECTS.iter().map(|object| object.descriptor()) {
            let name = descriptor.name;
            if descriptor.page_sizes.0 > descriptor.page_sizes.1 {
                faults.push(format!("`{name}`: the least page size is above the most"));
            }
            let optional =
                [descriptor.create_schema, descriptor.update_schema, descriptor.find_schema];
            let schemas = optional.into_iter().chain([descriptor.options_schema]).flatten();
            let schemas = schemas.chain([descriptor.filter_schema]);
            for schema in schemas.chain(descriptor.actions.iter().map(|it| it.input_schema)) {
                let whole = schema::whole(schema, Self::SCHEMA_PARTS);
                let found = schema::faults(&whole).into_iter();
                faults.extend(found.map(|fault| format!("`{name}`: {fault}")));
            }
        }
        faults
    }

    /// What an object is and offers. Pure.
    ///
    /// # Errors
    /// Not-found for an unknown name.
    fn describe(object: &str) -> Result<Descriptor, Error> {
        let whole = |schema| schema::whole(schema, Self::SCHEMA_PARTS);
        Ok(find_object::<Self>(object)?.descriptor().describe(&whole))
    }

    /// Begins to connect with the scheme that `request` names.
    ///
    /// # Errors
    /// Invalid-input for an unknown scheme; else as the scheme says.
    fn begin(host: &dyn Host, request: &BeginRequest) -> Result<Step, Error> {
        let found = scheme::find_named(Self::SCHEMES, &request.scheme);
        found.map_err(|text| Error::invalid(text, Vec::new()))?.begin(host, request)
    }

    /// Turns the provider's callback into a grant. `query` is its raw query string.
    ///
    /// # Errors
    /// As the connection's scheme says.
    fn complete(host: &dyn Host, session: &str, query: &str) -> Result<Grant, Error> {
        scheme::current(Self::SCHEMES, host)?.complete(host, session, query)
    }

    /// Renews the grant.
    ///
    /// # Errors
    /// As the connection's scheme says.
    fn refresh(host: &dyn Host) -> Result<Grant, Error> {
        scheme::current(Self::SCHEMES, host)?.refresh(host)
    }

    /// Gives the grant back, so that its tokens end.
    ///
    /// # Errors
    /// As the connection's scheme says.
    fn revoke(host: &dyn Host) -> Result<(), Error> {
        scheme::current(Self::SCHEMES, host)?.revoke(host)
    }

    /// Whether the connection may use this object, by one cheap request.
    ///
    /// # Errors
    /// Why not; unsupported when it cannot be tried without effect.
    fn check(host: &dyn Host, object: &str) -> Result<(), Error> {
        find_object::<Self>(object)?.check(&Self::client(host)?)
    }

    /// One page of a scan. A filter, a view and a page size are checked and held in bounds first.
    ///
    /// # Errors
    /// Not-found for an unknown object, invalid-input for a filter or a view that is not valid,
    /// cursor-expired for a cursor or bookmark no longer accepted; else as the object says.
    fn list(host: &dyn Host, mut request: ListRequest) -> Result<Page, Error> {
        let object = find_object::<Self>(&request.object)?;
        let descriptor = object.descriptor();
        let (least, most) = descriptor.page_sizes;
        request.page_size = request.page_size.map(|size| size.max(least).min(most));
        if !matches!(request.start, Start::At(_)) {
            if let Some(filter) = &request.filter {
                let schema = Some(descriptor.filter_schema);
                accept::<Self>("filter", schema, filter, Unknown::Refuse)?;
            }
            // Options are of `get`.
            accept_options::<Self>(NO_MEMBERS, &request.view)?;
        }
        object.list(&Self::client(host)?, &request)
    }

    /// One record, or the part of it that `view` asks for.
    ///
    /// # Errors
    /// Not-found for an unknown object or record, invalid-input for options that it has not; else as
    /// the object says.
    fn get(host: &dyn Host, object: &str, id: &str, view: &View) -> Result<DataRecord, Error> {
        let object = find_object::<Self>(object)?;
        accept_options::<Self>(object.descriptor().options_schema.unwrap_or(NO_MEMBERS), view)?;
        object.get(&Self::client(host)?, id, view)
    }

    /// The records that `create` of each input would collide with, in the inputs' order.
    ///
    /// # Errors
    /// Invalid-input when an input does not identify any; else as the object says.
    fn find(
        host: &dyn Host,
        object: &str,
        inputs: &[String],
    ) -> Result<Vec<Vec<DataRecord>>, Error> {
        let object = find_object::<Self>(object)?;
        if inputs.len() > MOST_INPUTS {
            let text =
                format!("At most {MOST_INPUTS} inputs are looked for at a time. Give fewer.");
            return Err(Error::invalid(text, Vec::new()));
        }
        for input in inputs {
            let schema = object.descriptor().find_schema;
            accept::<Self>("input", schema, input, Unknown::Refuse)?;
        }
        object.find(&Self::client(host)?, inputs)
    }

    /// Creates one record; with `attempt.again`, an earlier attempt ended in outcome-unknown, and it
    /// is looked for first.
    ///
    /// # Errors
    /// Invalid-input before anything is sent; else as the object says.
    fn create(
        host: &dyn Host,
        object: &str,
        input: &str,
        attempt: &Attempt,
    ) -> Result<Written, Error> {
        let object = find_object::<Self>(object)?;
        let schema = object.descriptor().create_schema;
        accept::<Self>("input", schema, input, Unknown::of(host)?)?;
        object.create(&Self::client(host)?, input, attempt)
    }

    /// Changes one record by a JSON Merge Patch (RFC 7396).
    ///
    /// # Errors
    /// As [`Connector::create`].
    fn update(
        host: &dyn Host,
        object: &str,
        id: &str,
        patch: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<Written, Error> {
        let object = find_object::<Self>(object)?;
        refuse_expected(object.descriptor(), expected)?;
        let schema = object.descriptor().update_schema;
        accept::<Self>("patch", schema, patch, Unknown::of(host)?)?;
        object.update(&Self::client(host)?, id, patch, attempt, expected)
    }

    /// Deletes one record.
    ///
    /// # Errors
    /// Not-found when it is not there, perhaps because of an earlier attempt; else as the object
    /// says.
    fn delete(
        host: &dyn Host,
        object: &str,
        id: &str,
        attempt: &Attempt,
        expected: Option<&str>,
    ) -> Result<(), Error> {
        let object = find_object::<Self>(object)?;
        refuse_expected(object.descriptor(), expected)?;
        object.delete(&Self::client(host)?, id, attempt, expected)
    }

    /// The records of each object that each parent holds: a list for each object and each parent, in
    /// their order. Every parent is read once. Makes no request.
    ///
    /// # Errors
    /// Not-found for an unknown object, unsupported for one that is not derived, internal for a
    /// parent that cannot be read.
    fn derive(
        objects: &[String],
        parents: &[DataRecord],
    ) -> Result<Vec<Vec<Vec<DataRecord>>>, Error> {
        let derived = |name: &String| {
            let object = find_object::<Self>(name)?;
            match object.descriptor().derived_from {
                Some(_) => Ok(object),
                None => Err(object.unsupported("be derived from other records", object.offered())),
            }
        };
        let objects = objects.iter().map(derived).collect::<Result<Vec<_>, _>>()?;
        let mut lists = vec![Vec::with_capacity(parents.len()); objects.len()];
        for record in parents {
            let unreadable = |malformed| unreadable(record, malformed);
            let parent = Parent::read(record).map_err(unreadable)?;
            for (object, lists) in objects.iter().zip(&mut lists) {
                lists.push(object.derive(&parent).map_err(unreadable)?);
            }
        }
        Ok(lists)
    }

    /// Does an action.
    ///
    /// # Errors
    /// Not-found for an unknown object or action, invalid-input for an id too many or too few and for
    /// an input that is not valid; else as the object says.
    fn invoke(host: &dyn Host, invocation: &Invocation) -> Result<Outcome, Error> {
        let object = find_object::<Self>(&invocation.object)?;
        let actions = object.descriptor().actions;
        let action = actions.iter().find(|action| action.name == invocation.action);
        let action = action.ok_or_else(|| {
            let names: Vec<_> = actions.iter().map(|action| action.name).collect();
            let names = if names.is_empty() { "none".to_owned() } else { join(&names, ", ") };
            Error::not_found(format!(
                "`{}` has no action `{}`. Its actions: {names}.",
                invocation.object, invocation.action
            ))
        })?;
        let refuse = |why| Err(Error::invalid(format!("`{}` {why}.", action.name), Vec::new()));
        let id = match (&invocation.id, action.on_record) {
            (Some(id), true) => id,
            (None, false) => "",
            (None, true) => return refuse("works on one record: give its id"),
            (Some(_), false) => return refuse("works on no record: give no id"),
        };
        let schema = Some(action.input_schema);
        accept::<Self>("input", schema, &invocation.input, Unknown::of(host)?)?;
        let attempt = &invocation.attempt;
        let call = ActionCall { action, id, input: &invocation.input, attempt };
        object.invoke(&Self::client(host)?, &call)
    }

    /// Has events sent to a URL, or says how a person does so.
    ///
    /// # Errors
    /// Not-found for an unknown object; else as the object says.
    fn subscribe(
        host: &dyn Host,
        request: &SubscriptionRequest,
    ) -> Result<SubscriptionOutcome, Error> {
        find_object::<Self>(&request.object)?.subscribe(&Self::client(host)?, request)
    }

    /// The subscriptions of this connection that the provider has.
    ///
    /// # Errors
    /// Unsupported when nothing tells them; else as the provider's answer says.
    fn existing(host: &dyn Host) -> Result<Vec<Subscription>, Error> {
        let _ = host;
        Err(Error::unsupported("The provider has no API that lists subscriptions."))
    }

    /// Ends a subscription.
    ///
    /// # Errors
    /// Unsupported when a person has to; else as the provider's answer says.
    fn unsubscribe(host: &dyn Host, id: &str) -> Result<(), Error> {
        let _ = (host, id);
        Err(Error::unsupported("The provider has no API that ends a subscription."))
    }

    /// The events that a delivery tells, once it is verified. Makes no request.
    ///
    /// # Errors
    /// Why it cannot be used.
    fn receive(host: &dyn Host, delivery: &Delivery) -> Result<Reception, Refusal> {
        let _ = (host, delivery);
        Err(Refusal::Unverified)
    }

    /// Writes several records of an object: an outcome for each item, `None` for one that was not
    /// sent.
    ///
    /// # Errors
    /// When none was sent.
    fn write(
        host: &dyn Host,
        object: &str,
        items: &[Item],
    ) -> Result<Vec<Result<Option<Written>, Error>>, Error> {
        let _ = (host, items);
        Err(find_object::<Self>(object)?.unsupported("be written in batches", "Write one by one"))
    }

    /// Objects of this connection that the manifest does not list.
    ///
    /// # Errors
    /// As the provider's answer says.
    fn discover(host: &dyn Host) -> Result<Vec<ObjectSummary>, Error> {
        let _ = host;
        Ok(Vec::new())
    }

    /// As [`Connector::describe`], as this connection has it.
    ///
    /// # Errors
    /// Not-found for an unknown name.
    fn discover_object(host: &dyn Host, object: &str) -> Result<Descriptor, Error> {
        let _ = host;
        Self::describe(object)
    }
}

/// Every endpoint, those of objects first.
fn declared_endpoints<C: Connector>() -> Vec<&'static declare::Endpoint> {
    let mut endpoints = Vec::new();
    for object in C::OBJECTS {
        endpoints.extend(object.descriptor().endpoints);
    }
    for scheme in C::SCHEMES {
        endpoints.extend(scheme.endpoints());
    }
    endpoints
}

/// The object with this name.
///
/// # Errors
/// Not-found, naming the objects that exist.
pub fn find_object<C: Connector>(name: &str) -> Result<&'static dyn Object<C>, Error> {
    let found = C::OBJECTS.iter().find(|object| object.descriptor().name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<_> = C::OBJECTS.iter().map(|object| object.descriptor().name).collect();
        let names = join(&names, ", ");
        Error::not_found(format!("No object is called `{name}`. Use one of: {names}."))
    })
}

/// A parent that came from this connector and cannot be read is nobody else's fault.
#[must_use]
pub fn unreadable(record: &DataRecord, malformed: Malformed) -> Error {
    let reason = fault::unreadable_reason(record, malformed);
    Error::internal(format!("{reason} Get it again; if that does not help, report it."))
}

/// Names of `kind` that come twice: at all, or with another meaning where `is_shared`.
fn find_doubles<T: PartialEq>(
    kind: &str,
    named: impl Iterator<Item = (&'static str, T)>,
    is_shared: bool,
    faults: &mut Vec<String>,
) {
    let mut seen: Vec<(&str, T)> = Vec::new();
    for (name, item) in named {
        match seen.iter().find(|(other, _)| *other == name) {
            Some((_, other)) if is_shared && *other == item => {}
            Some(_) => faults.push(format!("the {kind} `{name}` comes twice")),
            None => seen.push((name, item)),
        }
    }
}

/// Of records without versions none that is expected can be right.
fn refuse_expected(descriptor: &declare::Descriptor, expected: Option<&str>) -> Result<(), Error> {
    match expected {
        Some(_) if !descriptor.has_versions => Err(Error::unsupported(format!(
            "{} have no versions, so none can be expected. Leave it out.",
            descriptor.title
        ))),
        _ => Ok(()),
    }
}

fn accept_options<C: Connector>(schema: Packed, view: &View) -> Result<(), Error> {
    accept::<C>("view", Some(schema), view.options.as_deref().unwrap_or("{}"), Unknown::Refuse)
}

/// Without a schema the operation is not offered, and the object says so itself.
fn accept<C: Connector>(
    what: &str,
    schema: Option<Packed>,
    input: &str,
    unknown: Unknown,
) -> Result<(), Error> {
    let Some(schema) = schema else { return Ok(()) };
    schema::accept(what, &schema::whole(schema, C::SCHEMA_PARTS), input, unknown).map(drop)
}
