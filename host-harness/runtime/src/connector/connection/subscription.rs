//! A connection as the calls about one subscription see it.

use std::sync::Arc;

use super::super::granting::GrantTokens;
use super::Connection;
use crate::egress::{Keep, Pending};
use crate::secrets::{Secret, Secrets, of_subscription};

impl Connection {
    /// The connection as a call about one subscription sees it: what is captured is that
    /// subscription's, and a name means its own secret first. There is one subscription to an
    /// object, so the object names it.
    pub(super) fn of_subscription(&self, object: &str) -> Self {
        let keep = SubscriptionKeep {
            subscription: object.to_owned(),
            secrets: Arc::clone(&self.ground.secrets),
            next: self.ground.egress.keep.clone(),
        };
        let secrets = self.ground.secrets.of_subscription(object);
        let ground = self.ground.with_secrets(secrets, Some(Arc::new(keep)));
        let tokens = self.tokens.as_ref();
        let tokens = tokens.map(|it| Arc::new(GrantTokens::new(Arc::clone(&it.source), &ground)));
        Self { ground: Arc::new(ground), tokens, ..self.clone() }
    }
}

/// Keeps what one subscription captures under names of its own.
struct SubscriptionKeep {
    subscription: String,
    secrets: Arc<Secrets>,
    next: Option<Arc<dyn Keep>>,
}

impl Keep for SubscriptionKeep {
    fn keep(&self, captured: Vec<(String, Secret)>) -> Pending<'_, Result<(), String>> {
        let own = |(name, value): (String, Secret)| {
            let name = of_subscription(&name, &self.subscription);
            self.secrets.succeed(name.clone(), value.clone());
            (name, value)
        };
        let captured = captured.into_iter().map(own).collect();
        Box::pin(async move {
            match &self.next {
                Some(next) => next.keep(captured).await,
                None => Ok(()),
            }
        })
    }
}
