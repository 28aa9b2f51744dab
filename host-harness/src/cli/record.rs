//! `--record`: the component's calls, kept in a file of their own.

use std::sync::{Arc, PoisonError};

use anyhow::{Context as _, Result};
use host_harness::clock::{Clock as _, SystemClock};
use host_harness::runtime::Connector;
use host_harness::service::recording::{RecordingHead, RecordingWriter};

use super::context::Context;
use super::state::StateDirectory;

/// Largest recording.
const FILE_BYTES: u64 = 1024 * 1024 * 1024;

impl Context {
    /// The connector that the options name, loaded once: what a process does with it has one set of
    /// bounds and of counters. Its calls are recorded where the options say so.
    ///
    /// # Errors
    /// Those of [`Context::load`]; and when the recording cannot be begun.
    pub async fn connector(&self) -> Result<Connector> {
        let load = async || {
            let connector = self.load(None).await?;
            record(&connector, self).await?;
            anyhow::Ok(connector)
        };
        Ok(self.loaded.get_or_try_init(load).await?.clone())
    }
}

async fn record(connector: &Connector, context: &Context) -> Result<()> {
    let options = &context.options;
    let Some(directory) = &options.record else { return Ok(()) };
    let manifest = connector.manifest();
    let head = RecordingHead {
        component: connector.facts().sha256.clone(),
        connector: format!("{} {}", manifest.name, manifest.version),
        is_redacted: options.redact,
        made_ms: SystemClock.now_ms(),
    };
    let master = StateDirectory::somewhere(context)?.master().await?;
    let watch = Arc::clone(&context.watch);
    let warn = move |why: &str| {
        watch.tell(&format!("warning: the recording ends here, and the command goes on: {why}"));
    };
    let writer = RecordingWriter::begin(directory, &master, head, FILE_BYTES, warn);
    let writer = Arc::new(writer.with_context(|| format!("--record {}", directory.display()))?);
    connector.record(Arc::clone(&writer) as _).await;
    context.recordings.lock().unwrap_or_else(PoisonError::into_inner).push(writer);
    Ok(())
}
