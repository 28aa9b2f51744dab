//! Generated types and the plain ones of the contract, into each other. Texts and bytes are moved,
//! not copied.

use connector_contract as plain;

/// Makes a value of the other kind out of this one.
pub trait Convert<T> {
    /// The same, of the other kind.
    fn convert(self) -> T;
}

macro_rules! same {
    ($($type:ty),*) => { $( impl Convert<$type> for $type {
        fn convert(self) -> $type {
            self
        }
    } )* };
}

same!((), bool, u16, u32, u64, String, Vec<u8>);

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(Convert::convert)
    }
}

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(Convert::convert).collect()
    }
}

impl<A: Convert<C>, B: Convert<D>, C, D> Convert<(C, D)> for (A, B) {
    fn convert(self) -> (C, D) {
        (self.0.convert(), self.1.convert())
    }
}

impl<A: Convert<C>, B: Convert<D>, C, D> Convert<Result<C, D>> for Result<A, B> {
    fn convert(self) -> Result<C, D> {
        self.map(Convert::convert).map_err(Convert::convert)
    }
}

macro_rules! records {
    ($($interface:ident::$name:ident { $($field:ident),* })*) => { $(
        impl Convert<plain::$interface::$name> for super::$interface::$name {
            fn convert(self) -> plain::$interface::$name {
                plain::$interface::$name { $($field: self.$field.convert()),* }
            }
        }

        impl Convert<super::$interface::$name> for plain::$interface::$name {
            fn convert(self) -> super::$interface::$name {
                super::$interface::$name { $($field: self.$field.convert()),* }
            }
        }
    )* };
}

macro_rules! variants {
    ($($interface:ident::$name:ident { $($case:ident $(($it:ident))?),* })*) => { $(
        impl Convert<plain::$interface::$name> for super::$interface::$name {
            fn convert(self) -> plain::$interface::$name {
                match self {
                    $(Self::$case $(($it))? => plain::$interface::$name::$case $(($it.convert()))?),*
                }
            }
        }

        impl Convert<super::$interface::$name> for plain::$interface::$name {
            fn convert(self) -> super::$interface::$name {
                match self {
                    $(Self::$case $(($it))? => super::$interface::$name::$case $(($it.convert()))?),*
                }
            }
        }
    )* };
}

records! {
    types::DataRecord { id, updated_at, created_at, version, data }
    types::ObjectRecord { object, item }
    types::Written { item, also }
    types::Attempt { key, again }
    types::Violation { pointer, message }
    types::Error { kind, message, http_status, provider_code, request_id }
    permissions::Endpoint { name, method, origin, path, writes, limits, secret_uses, captures }
    permissions::Rate { amount, window_ms }
    permissions::Limit { name, measure, shared_by }
    permissions::HeaderPlace { name, prefix }
    permissions::SecretUse { name, secret, place }
    permissions::Capture { secret, place }
    permissions::KeyUse { secret, algorithm, role }
    setup::Setting { name, title, default, setter, form, required_by }
    setup::SecretField { name, title, required, setter }
    setup::Scheme { name, title, secrets, interactive }
    objects::ObjectSummary { name, title, operations }
    catalog::Manifest { name, title, version, provider_api_version, schemes, settings, endpoints, limits, secret_uses, delivery_secrets, key_uses, objects, more }
    objects::Action { name, title, on_record, writes, input_schema, output_schema }
    objects::Descriptor { summary, doc_url, derived_from, retention_days, record_schema, create_schema, update_schema, filter_schema, options_schema, actions, events, more }
    auth::BeginRequest { scheme, callback_url, scopes, state, code_challenge }
    auth::Account { id, title }
    auth::Grant { expires_at, scopes, settings, account }
    auth::Redirect { url, session }
    records::View { fields, options }
    records::ListRequest { object, start, page_size, filter, view }
    records::Unreadable { id, raw, reason }
    records::Page { records, deleted, unreadable, next, not_before_ms, bookmark, total, more }
    actions::Invocation { object, action, id, input, attempt }
    actions::Outcome { output, written }
    batches::Patch { id, patch, expected }
    batches::Removal { id, expected }
    batches::Item { operation, attempt }
    subscriptions::SubscriptionRequest { object, events, target_url, renews, attempt }
    subscriptions::Subscription { id, target_url, expires_at }
    subscriptions::ManualSteps { steps, secrets }
    subscriptions::Delivery { subscription, method, url, headers, body, received_at }
    subscriptions::Event { id, object, name, occurred_at, effect }
    subscriptions::Answer { status, headers, body }
    subscriptions::Reception { events, answer }
    http::Request { endpoint, path_with_query, headers, body, secret_uses, cost }
    http::Response { status, headers, body, captured }
}

variants! {
    types::WrittenRecord { Whole(it), Id(it) }
    types::ErrorKind { Unauthenticated, Forbidden, NotFound, Conflict(it), InvalidInput(it), RateLimited(it), QuotaExhausted(it), Unavailable, OutcomeUnknown, CursorExpired, Unsupported, Internal }
    permissions::Measure { Requests(it), Points(it), AtOnce(it) }
    permissions::Sharing { Connection, Account, App }
    permissions::Place { Header(it), FormField(it), BasicPassword(it), BasicUser(it), Query(it), Json(it), Path(it), Other(it) }
    permissions::KeyRole { Sign, Verify }
    setup::Setter { Operator, Customer, Connector }
    setup::Form { Text, Label, Choice(it), Url(it), IdOf(it) }
    auth::Step { Redirect(it), Ready(it) }
    records::Start { Beginning, Since(it), At(it) }
    batches::Operation { Create(it), Update(it), Delete(it) }
    subscriptions::SubscriptionOutcome { Subscribed(it), Manual(it) }
    subscriptions::Effect { Upserted(it), Deleted(it), Changed(it), Disconnected, Nothing }
    subscriptions::Refusal { Unverified, Unreadable(it), TryAgain(it) }
    http::SendError { NotSent(it), Limited(it), NoSecret(it), Unanswered(it), Refused(it) }
    secrets::SecretError { NotFound, Denied, Unavailable, Unsupported }
    secrets::Part { Bytes(it), Secret(it) }
}
