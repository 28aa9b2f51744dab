//! `compose CONNECTOR PARTS OUT [--front] [--environment]`: a connector with the components of the folder PARTS
//! (`make wasi-parts`), over HTTP or not, configured by environment variables or by `wasi:config`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use compose::{Parts, compose};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, files): (Vec<&String>, Vec<&String>) =
        arguments.iter().partition(|it| it.starts_with("--"));
    let is_known = |option: &&String| matches!(option.as_str(), "--front" | "--environment");
    let ([connector, parts, out], true) = (files.as_slice(), options.iter().all(is_known)) else {
        bail!("usage: compose CONNECTOR PARTS OUT [--front] [--environment]");
    };
    let read = |path: &Path| {
        std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let part = |name: &str| read(&Path::new(parts).join(format!("{name}.wasm")));
    let optional = |name: &str| {
        let is_wanted = options.iter().any(|option| option.strip_prefix("--") == Some(name));
        is_wanted.then(|| part(name)).transpose()
    };
    let (front, environment) = (optional("front")?, optional("environment")?);
    let (connector, adapter, silent) =
        (read(Path::new(connector))?, part("adapter")?, part("silent")?);
    let composed = compose(Parts {
        connector: &connector,
        adapter: &adapter,
        silent: &silent,
        environment: environment.as_deref(),
        front: front.as_deref(),
    })?;
    std::fs::write(out, composed).with_context(|| format!("cannot write {out}"))
}
