//! The manifest and the descriptors.

use super::super::bindings::connector::api::{permissions, setup};
use super::super::bindings::exports::connector::api::catalog as wit;
use super::convert_all;
use crate::api::client::DEFAULT_API_VERSION;
use crate::auth::Description;
use crate::catalog::{self, Manifest};
use crate::objects::{Action, Descriptor};
use crate::permissions::{Capture, Endpoint, KeyRole, KeyUse, Limit, Place, SecretUse};
use crate::schema::whole;
use crate::setup::{Form, Setting};

pub(super) fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

impl From<Manifest> for wit::Manifest {
    fn from(manifest: Manifest) -> Self {
        Self {
            name: catalog::NAME.to_owned(),
            title: catalog::TITLE.to_owned(),
            version: catalog::VERSION.to_owned(),
            provider_api_version: DEFAULT_API_VERSION.to_owned(),
            schemes: convert_all(manifest.schemes),
            settings: convert_all(manifest.settings),
            endpoints: convert_all(manifest.endpoints),
            limits: convert_all(manifest.limits),
            secret_uses: convert_all(manifest.secret_uses),
            // Deliveries are signed.
            delivery_secrets: Vec::new(),
            key_uses: convert_all(manifest.key_uses),
            objects: manifest.objects.iter().map(|&descriptor| summary(descriptor)).collect(),
            more: Vec::new(),
        }
    }
}

impl From<Description> for setup::Scheme {
    fn from(scheme: Description) -> Self {
        Self {
            name: scheme.name.to_owned(),
            title: scheme.title.to_owned(),
            secrets: scheme.secrets.iter().map(|&field| field.into()).collect(),
            interactive: scheme.interactive,
        }
    }
}

impl From<Setting> for setup::Setting {
    fn from(setting: Setting) -> Self {
        Self {
            name: setting.name.to_owned(),
            title: setting.title.to_owned(),
            default: setting.default.map(str::to_owned),
            setter: setting.setter.into(),
            form: match setting.form {
                Form::Text => setup::Form::Text,
                Form::Choice(words) => setup::Form::Choice(owned(words)),
                Form::Url => setup::Form::Url(owned(&["*"])),
            },
            required_by: owned(setting.required_by),
        }
    }
}

impl From<Endpoint> for permissions::Endpoint {
    fn from(endpoint: Endpoint) -> Self {
        Self {
            name: endpoint.name.to_owned(),
            method: endpoint.method.to_owned(),
            origin: endpoint.origin.to_owned(),
            path: endpoint.path,
            writes: endpoint.writes,
            limits: endpoint.limits.iter().map(|limit| limit.name.to_owned()).collect(),
            secret_uses: endpoint.secret_uses.iter().map(|it| it.name.to_owned()).collect(),
            captures: endpoint.captures.iter().map(|&capture| capture.into()).collect(),
        }
    }
}

impl From<Limit> for permissions::Limit {
    fn from(Limit { name, requests, window_ms }: Limit) -> Self {
        let rate = permissions::Rate { amount: requests, window_ms };
        Self {
            name: name.to_owned(),
            measure: permissions::Measure::Requests(rate),
            shared_by: permissions::Sharing::Account,
        }
    }
}

impl From<Place> for permissions::Place {
    fn from(place: Place) -> Self {
        match place {
            Place::Header { name, prefix } => {
                let (name, prefix) = (name.to_owned(), prefix.to_owned());
                Self::Header(permissions::HeaderPlace { name, prefix })
            }
            Place::FormField(name) => Self::FormField(name.to_owned()),
            Place::BasicPassword(user) => Self::BasicPassword(user.to_owned()),
            Place::Json(pointer) => Self::Json(pointer.to_owned()),
        }
    }
}

impl From<SecretUse> for permissions::SecretUse {
    fn from(SecretUse { name, secret, place }: SecretUse) -> Self {
        Self { name: name.to_owned(), secret: secret.to_owned(), place: place.into() }
    }
}

impl From<Capture> for permissions::Capture {
    fn from(Capture { secret, place }: Capture) -> Self {
        Self { secret: secret.to_owned(), place: place.into() }
    }
}

impl From<KeyUse> for permissions::KeyUse {
    fn from(KeyUse { secret, algorithm, role }: KeyUse) -> Self {
        let role = match role {
            KeyRole::Sign => permissions::KeyRole::Sign,
            KeyRole::Verify => permissions::KeyRole::Verify,
        };
        Self { secret: secret.to_owned(), algorithm: algorithm.to_owned(), role }
    }
}

fn summary(descriptor: &Descriptor) -> wit::ObjectSummary {
    wit::ObjectSummary {
        name: descriptor.name.to_owned(),
        title: descriptor.title.to_owned(),
        operations: owned(descriptor.operations),
    }
}

impl From<&Descriptor> for wit::Descriptor {
    fn from(descriptor: &Descriptor) -> Self {
        Self {
            summary: summary(descriptor),
            doc_url: descriptor.doc_url.to_owned(),
            derived_from: descriptor.derived_from.map(str::to_owned),
            retention_days: descriptor.retention_days,
            record_schema: whole(descriptor.record_schema),
            create_schema: descriptor.create_schema.map(whole),
            update_schema: descriptor.update_schema.map(whole),
            filter_schema: Some(whole(descriptor.filter_schema)),
            options_schema: descriptor.options_schema.map(whole),
            actions: descriptor.actions.iter().map(|&action| action.into()).collect(),
            events: owned(descriptor.events),
            more: Vec::new(),
        }
    }
}

impl From<Action> for wit::Action {
    fn from(action: Action) -> Self {
        Self {
            name: action.name.to_owned(),
            title: action.title.to_owned(),
            on_record: action.on_record,
            writes: action.writes,
            input_schema: whole(action.input_schema),
            output_schema: whole(action.output_schema),
        }
    }
}
