//! The HTTP API of `serve`: where it listens, and how it makes connections.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use host_harness::connect::ConnectLinks;
use host_harness::egress::Pending;
use host_harness::runtime::{BuildError, Builder, Connector};
use host_harness::server::{
    Api, ApiBounds, ApiOpenings, ApiServer, ApiSurroundings, Connect, Opened, Problem, ProblemKind,
    ProblemSource, TokenNeed, Tokens,
};
use host_harness::service::jobs::{Jobs, Stage};
use host_harness::service::listener::Tls;
use host_harness::store::{ConnectionRow, StoreError};
use host_harness::vault::VaultError;
use host_harness::webhooks::Receiver;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::{UnixListener, UnixStream};

use super::context::Context;
use super::errors::in_one;
use super::exit::call_error;
use super::listen::{Listening, bind, pages, reporting};
use super::state::{OpenState, StateDirectory};
use super::usage::Usage;

/// What a Unix socket's address begins with.
const UNIX: &str = "unix:";

// The options of the API. (A docstring would become the help text.)
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ApiOptions {
    /// Serve the HTTP API here; beyond this machine it needs TLS and a token
    #[arg(long, value_name = "HOST:PORT|unix:PATH")]
    pub api: Option<String>,

    /// Speak TLS on the API with this certificate and those that lead to it, in PEM; read again when
    /// it changes
    #[arg(long, value_name = "FILE", requires_all = ["api", "api_tls_key"])]
    pub api_tls_cert: Option<PathBuf>,

    /// Refuse requests without a token (`tokens add`) on this machine too
    #[arg(long, requires = "api")]
    pub api_require_token: bool,

    /// Answer /metrics without a token; only where this machine alone reaches the API
    #[arg(long, requires = "api")]
    pub metrics: bool,

    /// Let agents that call /mcp write, as far as their token may
    #[arg(long, requires = "api")]
    pub allow_writes: bool,
    /// Let links of the API end at addresses of this origin (several times)
    #[arg(long = "connect-return", value_name = "ORIGIN", requires = "api")]
    pub connect_returns: Vec<String>,

    /// The private key of --api-tls-cert, in PEM
    #[arg(long, value_name = "FILE", requires_all = ["api", "api_tls_cert"])]
    pub api_tls_key: Option<PathBuf>,
}

/// Where the API listens.
enum ApiListener {
    Tcp(TcpListener, SocketAddr),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

/// Makes connections as the program's commands do.
struct ProgramConnections {
    context: Context,
    connector: Connector,
    state: OpenState,
}

impl Connect for ProgramConnections {
    fn connect(&self, row: ConnectionRow) -> Pending<'_, Result<Opened, Problem>> {
        Box::pin(async move {
            let kept = Some(self.state.connection(row));
            let made = self.context.connect_with_grant(&self.connector, kept).await;
            let (connection, grants) = made.map_err(|why| problem(&why))?;
            Ok(Opened { connection, grants })
        })
    }

    fn surroundings(&self) -> Builder {
        self.context.surroundings(&self.connector)
    }
}

/// Why a connection was not made.
fn problem(why: &anyhow::Error) -> Problem {
    for cause in why.chain() {
        if let Some(usage) = cause.downcast_ref::<Usage>() {
            let problem = Problem::new(ProblemKind::Conflict, ProblemSource::Account, in_one(why));
            return problem.with(|problem| problem.next.clone_from(&usage.next));
        }
        if let Some(why) = cause.downcast_ref::<StoreError>() {
            return why.clone().into();
        }
        if let Some(why) = cause.downcast_ref::<VaultError>() {
            return why.clone().into();
        }
        if let Some(why) = call_error(cause) {
            return why.clone().into();
        }
        if cause.downcast_ref::<BuildError>().is_some() {
            return Problem::new(ProblemKind::Conflict, ProblemSource::Account, in_one(why));
        }
    }
    Problem::new(ProblemKind::Internal, ProblemSource::Host, in_one(why))
}

/// Serves the API, where one is asked for.
///
/// # Errors
/// [`Usage`] for an address where it would be anybody's; and when it cannot listen.
pub async fn begin(
    options: &ApiOptions,
    api: &Arc<Api>,
    context: &Context,
    jobs: &Jobs,
    receiver: Arc<Receiver>,
) -> Result<()> {
    let Some(address) = &options.api else { return Ok(()) };
    let tls = match (&options.api_tls_cert, &options.api_tls_key) {
        (Some(certificate), Some(key)) => Some(Tls::read(certificate, key)?),
        _ => None,
    };
    let scheme = if tls.is_some() { "https" } else { "http" };
    let listener = listen(address, tls.is_some()).await?;
    let mut hosts = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "[::1]".to_owned()];
    let shown = match &listener {
        ApiListener::Tcp(_, bound) => {
            let own = address.rsplit_once(':').map_or("", |(host, _)| host).to_ascii_lowercase();
            if !hosts.contains(&own) {
                hosts.push(own);
            }
            format!("{scheme}://{bound}")
        }
        #[cfg(unix)]
        ApiListener::Unix(_, path) => format!("{UNIX}{}", path.display()),
    };
    if tls.is_some() {
        // A certificate tells a stranger's name apart.
        hosts.clear();
    }
    let needed = match &listener {
        ApiListener::Tcp(_, bound) if !bound.ip().is_loopback() => TokenNeed::Always,
        _ if options.api_require_token => TokenNeed::Always,
        _ => TokenNeed::Never,
    };
    let is_local = match &listener {
        ApiListener::Tcp(_, bound) => bound.ip().is_loopback(),
        #[cfg(unix)]
        ApiListener::Unix(..) => true,
    };
    if options.metrics && !is_local {
        let text = format!("--metrics: {address} can be reached from other machines");
        let next = "have Prometheus send a token of scope read (`tokens add`)";
        return Err(Usage::new(text).next(next).into());
    }
    let open = ApiOpenings { metrics: options.metrics, writes_by_agents: options.allow_writes };
    let authorizer = Arc::new(Tokens::new(Arc::clone(&api.database), needed));
    let server =
        ApiServer::new(Arc::clone(api), ApiBounds::default(), authorizer, &hosts, tls, open);
    server.metrics().watch(receiver);
    let (server, mut bound) = (Arc::new(server), Some(listener));
    let (address, has_tls) = (address.clone(), scheme == "https");
    jobs.keep(Stage::Receive, "serving the API", reporting(context, "the API"), move |stop| {
        let (server, bound, address) = (Arc::clone(&server), bound.take(), address.clone());
        async move {
            let listener = match bound {
                Some(listener) => listener,
                None => listen(&address, has_tls).await.map_err(|why| in_one(&why))?,
            };
            match listener {
                ApiListener::Tcp(accept, _) => server.run(accept, &stop).await,
                #[cfg(unix)]
                ApiListener::Unix(accept, path) => {
                    server.run(accept, &stop).await;
                    // The next one would find a socket that nobody answers.
                    let _ = std::fs::remove_file(path);
                }
            }
            stop.ended()
        }
    })?;
    context.watch.say(&format!("API on {shown}"));
    Ok(())
}

/// The API of a state.
///
/// # Errors
/// When the connector cannot be loaded.
pub async fn api(
    context: &Context,
    state: &OpenState,
    jobs: &Jobs,
    pages: Option<(&ApiOptions, &Listening)>,
) -> Result<Api> {
    let connector = context.connector().await?;
    let connect = ProgramConnections {
        context: context.clone(),
        connector: connector.clone(),
        state: state.clone(),
    };
    let links = match pages {
        Some((options, listening)) => links(options, listening, context, &connector, state)?,
        None => None,
    };
    let surroundings = ApiSurroundings {
        space: context.address_space(),
        stop: context.shutdown.clone(),
        jobs: jobs.clone(),
        directory: StateDirectory::needed(context)?.directory().to_owned(),
        links,
    };
    let (database, vault) = (Arc::clone(&state.database), Arc::clone(&state.vault));
    Ok(Api::new(connector, database, vault, Arc::new(connect), surroundings))
}

/// What makes links for browsers, where the pages for them are served.
fn links(
    options: &ApiOptions,
    listening: &Listening,
    context: &Context,
    connector: &Connector,
    state: &OpenState,
) -> Result<Option<Arc<ConnectLinks>>> {
    let returns = options.connect_returns.iter().map(|text| ConnectLinks::origin(text));
    let returns = returns.collect::<Result<Vec<_>, _>>();
    let returns = returns.map_err(|why| Usage::new(format!("--connect-return: {why}")))?;
    let Some(url) = pages::public_url(listening) else {
        if returns.is_empty() {
            return Ok(None);
        }
        let text = "--connect-return is of no use: browsers cannot connect here";
        let next = "give --public-url https://..., and --tls-cert, a loopback --address or --trusted-proxy";
        return Err(Usage::new(text).next(next).into());
    };
    Ok(Some(pages::links(context, connector, state, url, returns)))
}

async fn listen(address: &str, has_tls: bool) -> Result<ApiListener> {
    if let Some(path) = address.strip_prefix(UNIX) {
        return unix(Path::new(path)).await;
    }
    let accept = bind("--api", address).await?;
    let bound = accept.local_addr().context("asking for the address of the API")?;
    if !bound.ip().is_loopback() && !has_tls {
        let text = format!("--api {address} can be reached from other machines");
        let next = "listen on 127.0.0.1:PORT or unix:PATH; beyond this machine the API needs \
                    --api-tls-cert and --api-tls-key, and every caller a token (`tokens add`)";
        return Err(Usage::new(text).next(next).into());
    }
    Ok(ApiListener::Tcp(accept, bound))
}

#[cfg(unix)]
async fn unix(path: &Path) -> Result<ApiListener> {
    use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, PermissionsExt as _};

    let shown = path.display();
    if let Ok(there) = path.symlink_metadata() {
        if !there.file_type().is_socket() {
            return Err(
                Usage::new(format!("--api: {shown} is there already, and no socket")).into()
            );
        }
        if UnixStream::connect(path).await.is_ok() {
            return Err(Usage::new(format!("--api: another program listens on {shown}")).into());
        }
    }
    // It is made where nobody else can reach it, and comes to its place when it is closed to others.
    let folder = path.with_file_name(format!(".{}", std::process::id()));
    let made = folder.join("s");
    let close = || -> std::io::Result<UnixListener> {
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let accept = UnixListener::bind(&made)?;
        std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o600))?;
        std::fs::rename(&made, path)?;
        Ok(accept)
    };
    let accept = close();
    // Nothing is left of it, whatever came of it.
    let _ = std::fs::remove_file(&made);
    let _ = std::fs::remove_dir(&folder);
    let accept = accept.with_context(|| format!("listening on {shown}"))?;
    Ok(ApiListener::Unix(accept, path.to_owned()))
}

#[cfg(not(unix))]
async fn unix(_: &Path) -> Result<ApiListener> {
    Err(Usage::new("this system has no Unix sockets").next("listen on 127.0.0.1:PORT").into())
}
