//! The manifest and the descriptors.

use super::super::bindings::exports::connector::api::catalog as wit;
use super::convert_all;
use crate::api::client::DEFAULT_API_VERSION;
use crate::api::endpoints::Limit;
use crate::catalog::{self, Capture, Declared, KeyRole, KeyUse, Manifest, SecretUse, Setting};
use crate::error::Effect;
use crate::objects::{Action, Descriptor};
use crate::schema::whole;

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

impl From<Manifest> for wit::Manifest {
    fn from(manifest: Manifest) -> Self {
        Self {
            name: catalog::NAME.to_owned(),
            title: catalog::TITLE.to_owned(),
            version: catalog::VERSION.to_owned(),
            provider_api_version: DEFAULT_API_VERSION.to_owned(),
            endpoints: convert_all(manifest.endpoints),
            limits: convert_all(manifest.limits),
            secret_uses: convert_all(manifest.secret_uses),
            key_uses: convert_all(manifest.key_uses),
            captures: convert_all(manifest.captures),
            settings: convert_all(manifest.settings),
            objects: manifest.objects.iter().map(|&descriptor| summary(descriptor)).collect(),
            more: Vec::new(),
        }
    }
}

impl From<Declared> for wit::Endpoint {
    fn from(endpoint: Declared) -> Self {
        Self {
            method: endpoint.method.to_owned(),
            origin: endpoint.origin.to_owned(),
            path: endpoint.path,
            effect: endpoint.effect.into(),
            limits: owned(&endpoint.limits),
        }
    }
}

impl From<Limit> for wit::Limit {
    fn from(Limit { name, requests, window_ms }: Limit) -> Self {
        Self { name: name.to_owned(), requests, window_ms }
    }
}

impl From<SecretUse> for wit::SecretUse {
    fn from(SecretUse { target, part }: SecretUse) -> Self {
        Self {
            secret: part.secret.to_owned(),
            origin: target.origin.to_owned(),
            path: target.path.to_owned(),
            place: part.place.into(),
        }
    }
}

impl From<KeyUse> for wit::KeyUse {
    fn from(KeyUse { secret, algorithm, role }: KeyUse) -> Self {
        let role = match role {
            KeyRole::Sign => wit::KeyRole::Sign,
            KeyRole::Verify => wit::KeyRole::Verify,
        };
        Self { secret: secret.to_owned(), algorithm: algorithm.to_owned(), role }
    }
}

impl From<Capture> for wit::Capture {
    fn from(Capture { target, pointer, secret }: Capture) -> Self {
        Self {
            origin: target.origin.to_owned(),
            path: target.path.to_owned(),
            pointer: pointer.to_owned(),
            secret: secret.to_owned(),
        }
    }
}

impl From<Effect> for wit::Effect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Read => Self::Read,
            Effect::RepeatableWrite => Self::RepeatableWrite,
            Effect::Write => Self::Write,
        }
    }
}

impl From<Setting> for wit::Setting {
    fn from(setting: Setting) -> Self {
        Self {
            name: setting.name.to_owned(),
            title: setting.title.to_owned(),
            default: setting.default.map(str::to_owned),
            required: setting.required,
            operator_only: setting.operator_only,
        }
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
            filter_schema: whole(descriptor.filter_schema),
            actions: descriptor.actions.iter().map(|&action| action.into()).collect(),
            events: owned(descriptor.events),
            create_repeatable: descriptor.create_repeatable,
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
            repeatable: action.repeatable,
            input_schema: whole(action.input_schema),
            output_schema: whole(action.output_schema),
        }
    }
}
