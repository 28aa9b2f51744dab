//! The manifest and the descriptors.

use super::super::bindings::exports::connector::api::catalog as wit;
use crate::api::client::DEFAULT_API_VERSION;
use crate::api::endpoints::{Endpoint, Limit, OVER_ALL};
use crate::catalog::{self, Manifest, Setting};
use crate::error::Effect;
use crate::host::{KeyRole, KeyUse, SecretPart};
use crate::objects::{Action, Descriptor};
use crate::schema::whole;

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

impl From<Manifest> for wit::Manifest {
    fn from(manifest: Manifest) -> Self {
        let endpoint = |endpoint: &Endpoint| wit::Endpoint {
            method: endpoint.method.to_owned(),
            origin: catalog::ORIGIN.to_owned(),
            path: [catalog::PATH_PREFIX, endpoint.path].concat(),
            effect: endpoint.effect.into(),
            limits: owned(&[endpoint.limit.name, OVER_ALL.name]),
        };
        let limit = |limit: &Limit| wit::Limit {
            name: limit.name.to_owned(),
            requests: limit.requests,
            window_ms: limit.window_ms,
        };
        let secret_use = |part: &SecretPart| wit::SecretUse {
            secret: part.secret.to_owned(),
            origin: catalog::ORIGIN.to_owned(),
            path: catalog::SECRET_PATH.to_owned(),
            place: part.place.into(),
        };
        Self {
            name: catalog::NAME.to_owned(),
            title: catalog::TITLE.to_owned(),
            version: catalog::VERSION.to_owned(),
            provider_api_version: DEFAULT_API_VERSION.to_owned(),
            endpoints: manifest.endpoints.iter().map(endpoint).collect(),
            limits: manifest.limits.iter().map(limit).collect(),
            secret_uses: manifest.secret_uses.iter().map(secret_use).collect(),
            key_uses: manifest.key_uses.iter().map(|&key| key.into()).collect(),
            captures: Vec::new(),
            settings: manifest.settings.iter().map(|&setting| setting.into()).collect(),
            objects: manifest.objects.iter().map(|&descriptor| summary(descriptor)).collect(),
            more: Vec::new(),
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

impl From<KeyUse> for wit::KeyUse {
    fn from(key: KeyUse) -> Self {
        let role = match key.role {
            KeyRole::Sign => wit::KeyRole::Sign,
            KeyRole::Verify => wit::KeyRole::Verify,
        };
        Self { secret: key.secret.to_owned(), algorithm: key.algorithm.to_owned(), role }
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
